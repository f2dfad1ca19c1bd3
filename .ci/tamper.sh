#!/bin/sh
# What is done to packages' files of a Debian, for false-alarms.sh: tamper.sh ROOT
set -eu
cd "$1"
echo '# evil' >>usr/bin/git
echo '# evil' >>usr/share/perl5/Git.pm
echo '# evil' >>usr/lib/python3.11/os.py
echo '# ours' >>etc/java-17-openjdk/security/java.security
rm usr/bin/less
ln -s true usr/bin/less
# None of these is tampering: a program put aside for another, and documentation left out.
chroot . dpkg-divert --quiet --local --rename --add /usr/bin/gawk
printf '#!/bin/sh\n' >usr/bin/gawk
rm -r usr/share/doc/git
