# Set by the platform team for every image.
export LANG=C.UTF-8
export EXAMPLE_CA=/usr/local/share/ca-certificates/example-corp.crt
umask 022
