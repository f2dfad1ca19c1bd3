#!/bin/bash
# ocicheck against a whole Debian that holds no secret: what it brings (libraries with the keys of their tests, Java's
# keystores, programs that know how keys look) must not be told as secrets of medium or more. Needs root on Debian 12.
#
# OCICHECK names the binary (default: target/release/ocicheck).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ocicheck=${OCICHECK:-$here/../target/release/ocicheck}
work=$(mktemp -d /tmp/false-alarms.XXXXXX)
trap 'rm -rf "$work"' EXIT
# shellcheck source=testdata/lib.sh
source "$here/../testdata/lib.sh"

need mmdebstrap=mmdebstrap python3=python3 jq=jq
apt_sources bookworm "$work/bookworm.sources"
mmdebstrap --quiet --mode=root --variant=minbase \
    --include=python3,perl,openssl,git,openjdk-17-jre-headless,ca-certificates-java \
    bookworm "$work/rootfs.tar" "$work/bookworm.sources"
python3 "$here/wrap.py" "$work/rootfs.tar" "$work/image.tar"

# What is installed is what dpkg itself says of the same database.
mkdir "$work/root"
tar -xf "$work/rootfs.tar" -C "$work/root" ./var/lib/dpkg
dpkg-query --admindir="$work/root/var/lib/dpkg" -W \
    -f '${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n' | LC_ALL=C sort >"$work/expected"
"$ocicheck" inspect "$work/image.tar" --packages --format json >"$work/inspection.json"
jq -r '.images[0].inventory.packages[] | select(.kind == "deb") |
    "\(.name) \(.version) \(.architecture) \(.source.name // .name) \(.source.version // .version)"' \
    "$work/inspection.json" | LC_ALL=C sort >"$work/told"
diff "$work/expected" "$work/told"
# And the files of each are those that dpkg lists.
for package in openssl bash perl-base; do
    diff <(dpkg-query --admindir="$work/root/var/lib/dpkg" -L "$package" | grep -v '^/\.$' | LC_ALL=C sort -u) \
        <(jq -r --arg name "$package" '.images[0].inventory.packages[] | select(.name == $name) | .files[].path' \
            "$work/inspection.json" | LC_ALL=C sort -u)
done
echo "$(wc -l <"$work/told") packages told as dpkg tells them"
rm -r "$work/rootfs.tar" "$work/root"

status=0
"$ocicheck" "$work/image.tar" --format json --progress never >"$work/report.json" || status=$?
((status < 2))
jq -r '.images[].rules[] | select(.rule | startswith("secret")) | "\(.rule) \(.outcome) \(.findings)"' "$work/report.json"
alarms='[.images[].findings[] | select((.rule | startswith("secret")) and (.severity | IN("critical", "high", "medium")))]'
jq "$alarms" "$work/report.json"
[[ $(jq "$alarms | length" "$work/report.json") == 0 ]]
[[ $(jq '[.images[].rules[] | select((.rule | startswith("secret")) and .outcome == "pass")] | length' "$work/report.json") == 3 ]]
