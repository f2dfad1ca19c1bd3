#!/bin/bash
# The static program of docs/install.md: looks that it asks for nothing of its host, runs it in a root where there is nothing
# else, and holds its report to that of the dynamic one. Then makes the image of docs/ci/Containerfile, and has it checked and
# run. What cannot be had is skipped, and said. Needs root.
#
#   .ci/static.sh [TARGET]   this machine's by default; x86_64-unknown-linux-musl is another
#
# DYNAMIC names the dynamic program (default: target/debug/ocicheck, as the tests leave it), and STATIC a static one of the same
# source that is built already.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
testdata=$PWD/testdata
recipe=$PWD/docs/ci/Containerfile
dynamic=$(realpath "${DYNAMIC:-target/debug/ocicheck}")
target=${1:-$(rustc -vV | sed -n 's/^host: //p')}

# has PACKAGE COMMAND: whether it is there, or can be installed.
has() {
    command -v "$2" >/dev/null || apt-get install -qq -y --no-install-recommends "$1" >/dev/null || {
        echo "SKIPPED: what asks for $2, which cannot be installed"
        return 1
    }
}
refuse() { echo "$*"; exit 1; }

apt-get update -qq || true
if [[ -z ${STATIC:-} && $target == *-musl ]]; then
    has musl-tools musl-gcc || exit 0
    rustup target add "$target" 2>/dev/null || { echo "SKIPPED: $target, which cannot be had from here"; exit 0; }
fi
[[ -n ${STATIC:-} ]] || RUSTFLAGS='-C target-feature=+crt-static' cargo build --release --locked --target "$target"
static=$(realpath "${STATIC:-target/$target/release/ocicheck}")

work=$(mktemp -d "${TMPDIR:-/tmp}/ocicheck-static.XXXXXX")
trap 'rm -rf "$work"' EXIT

has binutils readelf || exit 0
echo 'it names no library and no loader'
# links PROGRAM: the loader and the libraries that it names.
links() { readelf --wide --program-headers --dynamic "$1" | grep -E '\(NEEDED\)|INTERP' || true; }
[[ -z $(links "$static") ]] || refuse "it does: $(links "$static")"
# Had it any, they would have been seen, as in the other.
[[ -n $(links "$dynamic") ]] || refuse "$dynamic is not dynamic"

echo 'it runs where there is nothing else, and its report is that of the dynamic one'
mkdir "$work/root"
cp "$static" "$work/root/ocicheck"
cp "$testdata"/{app-bad.tar,app-good.tar,bases.json} "$work/root"
check=(app-bad.tar app-good.tar --bases bases.json --format json)
has jq jq || exit 0
# without_run STATUS COMMAND…: the report without what differs from run to run.
without_run() {
    local status=0 wanted=$1
    shift
    "$@" >"$work/report.json" || status=$?
    [[ $status == "$wanted" ]] || refuse "exit status $status: $*"
    jq 'del(.run)' "$work/report.json"
}
without_run 1 chroot "$work/root" /ocicheck "${check[@]}" >"$work/static.json"
(cd "$work/root" && without_run 1 "$dynamic" "${check[@]}") >"$work/dynamic.json"
cmp "$work/static.json" "$work/dynamic.json"
# Without /proc and /tmp, too.
chroot "$work/root" /ocicheck app-good.tar --bases bases.json -q -o report.json
[[ -s $work/root/report.json ]]
TMPDIR=/ chroot "$work/root" /ocicheck - --bases bases.json -q <"$testdata/app-good.tar"

has buildah buildah || exit 0
echo 'the image of docs/ci/Containerfile passes its own check'
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=vfs
store=(--root "$work/storage" --runroot "$work/run")
mkdir "$work/context"
# Without its table of lines, which is most of it.
strip --output-file "$work/context/ocicheck" "$static"
version=$("$static" --version)
buildah "${store[@]}" bud --quiet --file "$recipe" --tag ocicheck --build-arg "VERSION=${version##* }" \
    "$work/context" >/dev/null
buildah "${store[@]}" push --quiet ocicheck "oci-archive:$work/image.tar:ocicheck:1"
"$static" "$work/image.tar" --profile custom --format json >"$work/image.json" || { "$static" "$work/image.tar"; exit 1; }
open=$(jq -r '[.images[].findings[].rule] | join(" ")' "$work/image.json")
[[ $open == healthcheck-missing ]] || refuse "what is found in it is another: $open"

echo 'and its program runs in it'
container=$(buildah "${store[@]}" from ocicheck)
buildah "${store[@]}" run "$container" -- /usr/bin/ocicheck --version
# As its user, who may read what is mounted.
chmod 755 "$work" "$work/root"
buildah "${store[@]}" run --volume "$work/root:/work:ro" "$container" -- \
    /usr/bin/ocicheck app-good.tar --bases bases.json -q
echo 'the static program is sound'
