#!/bin/bash
# ocicheck against a whole Debian that holds no secret: what it brings (libraries with the keys of their tests, Java's
# keystores, programs that know how keys look) must not be told as secrets of medium or more. Which of its files are not what
# their packages say must be what dpkg says. Needs root on Debian 12.
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
    --include=python3,perl,openssl,git,openjdk-17-jre-headless,ca-certificates-java,gawk,less \
    --customize-hook='dpkg --root="$1" --verify >'"$work/verify.before"' || true' \
    --customize-hook="$here/tamper.sh"' "$1"' \
    --customize-hook='dpkg --root="$1" --verify >'"$work/verify.after"' || true' \
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

# Of files that are there, dpkg tells those with another digest; `c` is configuration.
differing() { sed -n 's/^..5...... \(.\) /\1 /p' "$1" | LC_ALL=C sort; }
if [[ $(differing "$work/verify.before") ]]; then
    cat "$work/verify.before"
    echo "packages of Debian are not what they say"
    exit 1
fi
printf '[rules.package-file-tampered]\nall_layers = true\n' | sed '1i version = 1' >"$work/policy.toml"
status=0
"$ocicheck" "$work/image.tar" --policy "$work/policy.toml" --format json --progress never >"$work/report.json" || status=$?
((status == 1))
[[ $(jq -r '.images[].rules[] | select(.rule == "package-file-tampered") | .reason' "$work/report.json") == null ]]
jq -r '.images[].findings[] | select(.rule == "package-file-tampered") |
    "\(if .severity == "low" then "c" else " " end) \(.path)"' "$work/report.json" | LC_ALL=C sort >"$work/told"
diff <(differing "$work/verify.after") "$work/told"
[[ $(wc -l <"$work/told") == 5 ]]
echo "$(wc -l <"$work/told") files are not what their packages say, as dpkg says"
