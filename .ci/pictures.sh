#!/bin/bash
# Makes the pictures in docs/pictures from real runs: the text by a test, which holds it current, and the HTML report as Chromium
# shows it, which nothing holds, since other versions of Chromium draw it otherwise. Needs root, to install Chromium.
#
# OCICHECK names the binary (default: target/release/ocicheck).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ocicheck=$(realpath "${OCICHECK:-target/release/ocicheck}")
pictures=$PWD/docs/pictures

UPDATE_DOCS=1 cargo test --quiet --test gate shown

command -v chromium >/dev/null || { apt-get update -qq; apt-get install -qq -y --no-install-recommends chromium >/dev/null; }
work=$(mktemp -d "${TMPDIR:-/tmp}/ocicheck-pictures.XXXXXX")
trap 'rm -rf "$work"' EXIT
status=0
"$ocicheck" testdata/app-bad.tar testdata/app-good.tar --bases testdata/bases.json --at 2026-11-25 \
    -q -o "$work/audit.html" >/dev/null || status=$?
[[ $status == 1 ]] || { echo "exit status $status, and one of the images fails"; exit 1; }
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --force-device-scale-factor=1 \
    --window-size=1100,800 --screenshot="$pictures/audit.png" "file://$work/audit.html" 2>/dev/null
size=$(stat -c %s "$pictures/audit.png")
((size > 20000 && size < 150000)) || { echo "audit.png has $size bytes"; exit 1; }
echo "made $pictures/app-bad.svg and $pictures/audit.png"
