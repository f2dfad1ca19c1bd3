#!/usr/bin/env python3
"""Which rules no image tripped: tripped.py REPORT…, with what `ocicheck rules list` prints on standard input.

A finding that weighs less than its rule does (info on what is ordinary, what a later layer took away) trips nothing.
"""
import json
import pathlib
import sys

SEVERITIES = ["info", "low", "medium", "high", "critical"]


def weighs(rule_and_severity):
    rule, severity = rule_and_severity
    return rule, SEVERITIES.index(severity)


def main():
    rules = dict(weighs(line.split()[:2]) for line in sys.stdin)
    reports = [json.loads(pathlib.Path(path).read_text() or "{}") for path in sys.argv[1:]]
    images = [image for report in reports for image in report.get("images", [])]
    found = {weighs((finding["rule"], finding["severity"])) for image in images for finding in image["findings"]}
    tripped = {rule for rule, weight in found if weight >= rules[rule]}
    for rule in sorted(rules.keys() - tripped):
        print(f"no image trips {rule}: add one to .ci/end-to-end/rules.sh or lies.sh")
    if not rules:
        print("ocicheck lists no rules")
    elif rules.keys() == tripped:
        print(f"each of {len(rules)} rules is tripped by an image")
    sys.exit(rules.keys() != tripped or not rules)


if __name__ == "__main__":
    main()
