#!/bin/bash
# Has the report's formats read by programs that other people wrote: Microsoft's SARIF validator (the specification's rules and
# GitHub's), xunit-viewer, xmllint, Chromium, and those of CycloneDX and SPDX. Installs them; what cannot be had is skipped, and said.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
ocicheck=$PWD/target/release/ocicheck
testdata=$PWD/testdata

# has PACKAGE COMMAND: whether it is there, or can be installed.
has() {
    command -v "$2" >/dev/null || apt-get install -qq -y --no-install-recommends "$1" >/dev/null || {
        echo "SKIPPED: what asks for $2, which cannot be installed"
        return 1
    }
}
apt-get update -qq || true
has jq jq || exit 0

work=$(mktemp -d "${TMPDIR:-/tmp}/ocicheck-formats.XXXXXX")
trap 'rm -rf "$work"' EXIT
cd "$work"
npm=no
if has npm npm; then
    npm install --silent --no-audit --no-fund @microsoft/sarif-multitool-linux@5 xunit-viewer@10 >/dev/null 2>&1 && npm=yes
    [[ $npm == yes ]] || echo 'SKIPPED: the SARIF validator and xunit-viewer, which cannot be had from here'
fi

status=0
"$ocicheck" "$testdata"/*.tar nothing-here.tar --bases "$testdata/bases.json" -q \
    -o report.json -o report.sarif -o junit.xml -o summary.md -o audit.html -o lines.ndjson \
    -o gl-container-scanning-report.json -o gl-code-quality-report.json >/dev/null 2>&1 || status=$?
[[ $status == 2 ]] || { echo "exit status $status, and one input is missing"; exit 1; }

if [[ $npm == yes ]]; then
    validator=node_modules/@microsoft/sarif-multitool-linux/Sarif.Multitool
    chmod +x "$validator"
    # It wants no ICU then, which a bare machine may not have.
    export DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1
    "$validator" validate report.sarif --rule-kind 'Sarif;Ghas' >sarif.log 2>&1 || true
    if grep -q 'Analysis completed successfully' sarif.log; then
        echo 'SARIF: validated'
        if grep ': error ' sarif.log; then exit 1; fi
    elif grep -q 'Analyzing' sarif.log; then
        cat sarif.log
        exit 1
    else
        echo "SKIPPED: the SARIF validator, which does not start here: $(head -n 1 sarif.log)"
    fi

    echo 'JUnit: read by xunit-viewer'
    node_modules/.bin/xunit-viewer -r junit.xml -c --no-color >viewer.log 2>&1 || true
    expected=$(jq '[.images[].rules[] | select(.outcome == "fail")] | length' report.json)
    grep -q "[^0-9]$expected failure" viewer.log || { echo "$expected failures expected"; tail -3 viewer.log; exit 1; }
fi
if has python3-venv python3 && python3 -m venv sbom &&
    sbom/bin/pip -q install 'cyclonedx-python-lib[json-validation]' spdx-tools >/dev/null 2>&1; then
    echo 'CycloneDX and SPDX: held to their schemas by the libraries of their makers'
    for image in app-good base app-package-tampered; do
        "$ocicheck" sbom "$testdata/$image.tar" --bases "$testdata/bases.json" -o bom.json
        "$ocicheck" sbom "$testdata/$image.tar" --bases "$testdata/bases.json" --format spdx -o bom.spdx.json
        sbom/bin/python - <<'PY'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open("bom.json").read())
sys.exit(f"bom.json: {error}" if error else 0)
PY
        sbom/bin/pyspdxtools -i bom.spdx.json
        [[ $(jq '[.components[] | select(.purl)] | length' bom.json) -ge 4 ]]
    done
else
    echo 'SKIPPED: the validators of CycloneDX and SPDX, which cannot be had from here'
fi
if has libxml2-utils xmllint; then
    echo 'JUnit: read by xmllint'
    xmllint --noout junit.xml
fi

if has chromium chromium; then
    echo 'HTML: shown by Chromium, and its script runs'
    browse=(chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage)
    "${browse[@]}" --dump-dom "file://$work/audit.html" >dom.html 2>chromium.log
    findings=$(jq '[.images[0].findings[]] | length' report.json)
    grep -q "$findings of $findings shown" dom.html || { echo 'the filter did not come up'; tail -3 chromium.log; exit 1; }
    for size in 1200,900 400,900; do
        "${browse[@]}" --window-size=$size --screenshot="$work/shot-$size.png" "file://$work/audit.html" >>chromium.log 2>&1
        [[ $(stat -c %s "shot-$size.png") -gt 20000 ]] || { echo "nothing is seen at $size"; exit 1; }
    done
    "${browse[@]}" --print-to-pdf="$work/audit.pdf" "file://$work/audit.html" >>chromium.log 2>&1
    [[ $(head -c 5 audit.pdf) == %PDF- ]] || { echo 'it does not print'; exit 1; }
fi

echo 'GitLab and JSON lines: read by jq, and they agree with the report'
# equal WHAT EXPECTED FOUND
equal() {
    [[ $2 == "$3" ]] || { echo "$1: $2 expected, $3 found"; exit 1; }
}
open=$(jq '[.images[].findings[] | select(.status != "waived")] | length' report.json)
equal vulnerabilities "$open" "$(jq '.vulnerabilities | length' gl-container-scanning-report.json)"
equal 'fingerprints of their own' "$open" "$(jq '[.[].fingerprint] | unique | length' gl-code-quality-report.json)"
equal lines "$(jq '.images | length' report.json)" "$(jq -s 'map(select(.type == "image")) | length' lines.ndjson)"
grep -q '^## ocicheck: ' summary.md || { echo 'no summary'; exit 1; }
echo 'all formats are read'
