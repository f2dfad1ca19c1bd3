#!/usr/bin/env python3
"""Holds one report of ocicheck to what was expected, and to the other forms of the same image.

judge.py REPORT STATUS EXPECTED GROUP    GROUP is written by the first form of an image, and must agree with the rest
judge.py --same-failures GROUP GROUP     two builders: the findings that fail must be the same rules and paths
"""
import json
import pathlib
import sys


def load(path):
    return json.loads(pathlib.Path(path).read_text())


def findings_of(report):
    """Sorted (rule, path, status), over all images of the report."""
    return sorted(
        [f["rule"], f.get("path") or "", f["status"]] for image in report["images"] for f in image["findings"]
    )


def judge(report_path, status, expected_path, group_path):
    expected, group = load(expected_path), pathlib.Path(group_path)
    faults = []
    try:
        report = load(report_path)
    except ValueError as error:
        return [f"exit status {status}, and no JSON report: {error}"]
    verdict = {0: "pass", 1: "fail", 2: "error"}[expected["exit"]]
    if status != expected["exit"]:
        faults.append(f"exit status {status}, expected {expected['exit']}")
    if report.get("verdict") != verdict:
        faults.append(f"verdict {report.get('verdict')}, expected {verdict}")
    for error in report.get("errors", []):
        faults.append(f"error: {error}")
    images = report.get("images", [])
    if len(images) != 1:
        return faults + [f"{len(images)} images, expected 1"]
    findings = images[0]["findings"]
    if images[0]["base"]["status"] != expected["base"]:
        faults.append(f"expected a base that is {expected['base']}, found {images[0]['base']}")
    for rule, path, layer, step in expected["findings"]:
        same = [f for f in findings if f["rule"] == rule and f["status"] == "fail" and path in (None, f.get("path"))]
        if not same:
            faults.append(f"no failing {rule} for {path or 'the image'}")
        elif layer is not None and not any(
            f["layer"]["index"] == layer and step in (f["layer"].get("createdBy") or "") for f in same
        ):
            faults.append(f"{rule} {path}: expected layer {layer} made by …{step}…, found {[f.get('layer') for f in same]}")
    explained = [path for f in findings if f["rule"] == "base-package-changed" for path in f["evidence"].get("paths", [])]
    faults += [f"no package explains {path}" for path in expected.get("explained", []) if path not in explained]
    known = {(rule, path) for rule, path, _, _ in expected["findings"]}
    faults += [
        f"also {f['severity']} {f['rule']} {f.get('path')}: {f['message']}"
        for f in findings
        if f["status"] == "fail" and not {(f["rule"], None), (f["rule"], f.get("path"))} & known
    ]
    return faults + other_form(findings_of(report), group)


def other_form(mine, group):
    """Where the findings differ from those of the group's first form, which this is if there was none."""
    # What is said of the archive itself, not of the image in it, may differ from form to form.
    mine = [f for f in mine if f[0] not in ("unreferenced-blob", "tag-latest")]
    if not group.exists():
        group.write_text(json.dumps(mine))
        return []
    others = load(group)
    return [f"only in this form: {f}" for f in mine if f not in others] + [
        f"not in this form: {f}" for f in others if f not in mine
    ]


def same_failures(one, other):
    one, other = ([f for f in load(g) if f[2] == "fail"] for g in (one, other))
    return [f"only in one of them: {f}" for f in one + other if (f in one) != (f in other)]


def main():
    if sys.argv[1] == "--same-failures":
        faults = same_failures(*sys.argv[2:4])
    else:
        faults = judge(sys.argv[1], int(sys.argv[2]), *sys.argv[3:5])
    for fault in faults:
        print(fault)
    sys.exit(bool(faults))


if __name__ == "__main__":
    main()
