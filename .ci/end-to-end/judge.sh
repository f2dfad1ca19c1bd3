# What is expected of images, and whether ocicheck says it; sourced by end-to-end.sh. Sets and reads:
#   results   the verdicts so far, a line each
#   reports   a directory of all JSON reports, for the last check: that each rule was tripped

# shellcheck shell=bash disable=SC2154
results=$work/results
reports=$work/reports
mkdir "$reports"
: >"$results"
verdict() { printf '%s %s\n' "$1" "${*:2}" | tee -a "$results"; }
skipped() { printf 'SKIPPED %s\n' "$*" | tee -a "$results"; }

# expect NAME EXIT RULE[:PATH[:LAYER:STEP]]…: what ocicheck must say of an image, as $work/NAME.json. These findings fail
# and no others; where an index of a layer is given, it did it, in a build step with that text. BASE is what the image
# stands on: verified (the default), missing or not-evaluated.
expect() {
    jq -n --argjson exit "$2" --arg base "${BASE:-verified}" '{exit: $exit, base: $base, findings: [
        $ARGS.positional[] | split(":") | [.[0], .[1], (.[2] // null | if . then tonumber else . end), .[3]]
    ]}' --args "${@:3}" >"$work/$1.json"
}

# judge NAME GROUP EXPECTED IMAGE [OPTION…]: checks an image (`-`: standard input) by the catalog (BASES, else the one that
# all have in common) and holds the report to what is expected. The findings of one group must be the same in every form.
judge() {
    local name=$1 group=$2 expected=$3 image=$4 status=0 report
    report=$reports/$(find "$reports" -type f | wc -l).json
    "$ocicheck" --bases "${BASES:-$work/bases.json}" --format json --progress never "${@:5}" -- "$image" \
        >"$report" 2>"$work/report.err" || status=$?
    if python3 "$parts/judge.py" "$report" "$status" "$expected" "$work/findings-$group.json" >"$work/judged" 2>&1; then
        verdict ok "$name"
    else
        verdict FAIL "$name"
        sed 's/^/    /' "$work/judged"
        head -n 5 "$work/report.err" | sed 's/^/    ocicheck: /'
    fi
}

# Every rule there is must have been tripped by one of the images above.
judge_rules() {
    if "$ocicheck" rules list | python3 "$parts/tripped.py" "$reports"/*.json >"$work/judged" 2>&1; then
        verdict ok "$(cat "$work/judged")"
    else
        verdict FAIL 'each rule is tripped by an image'
        sed 's/^/    /' "$work/judged"
    fi
}
