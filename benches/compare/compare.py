#!/usr/bin/env python3
"""Measures whole processes side by side, alternating, in one run, and writes the figures into docs/benchmarks.md.

    benches/compare/compare.py [--images DIR] [--peers DIR] [--rounds N] [--only NAME…] [--write]

`--images` keeps the images between runs (they are made where they are missing; root on Debian 12). `--peers` is where
`go install` put other tools; what is not there is left out and said. Without `--write` the tables are only printed.
"""

import argparse
import dataclasses
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import growth
from cases import cases

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PAGE = REPOSITORY / "docs" / "benchmarks.md"
BEGIN, END = "<!-- measured: benches/compare/compare.py --write -->", "<!-- end -->"


class Failed(Exception):
    """A command that did not do its job."""


@dataclasses.dataclass
class Run:
    """What one way of doing a job took: the sum of its processes, and the largest of them."""

    wall: float = 0.0
    cpu: float = 0.0
    memory: int = 0  # KiB


def run(steps: list[list[str]], may_fail: bool, directory: pathlib.Path, environment: dict) -> Run:
    """Runs commands one after another. What they print is thrown away."""
    total = Run()
    for step in steps:
        began = time.perf_counter()
        with open(os.devnull, "r+b") as null:
            process = subprocess.Popen(step, stdin=null, stdout=null, stderr=subprocess.PIPE, cwd=directory, env=os.environ | environment)
            told = process.stderr.read()
            _, status, usage = os.wait4(process.pid, 0)
        total.wall += time.perf_counter() - began
        total.cpu += usage.ru_utime + usage.ru_stime
        total.memory = max(total.memory, usage.ru_maxrss)
        code = os.waitstatus_to_exitcode(status)
        process.returncode = code
        # 1 says that the image fails, which is a whole answer.
        if code not in ((0, 1) if may_fail else (0,)):
            raise Failed(f"`{step[0]}` ended with status {code}: {told.decode(errors='replace').strip()[-200:]}")
    return total


def measure(case, rounds: int) -> tuple[dict[str, list[Run]], dict[str, str]]:
    """All ways of a case in turn, after one round that does not count; and those that failed in it."""
    failed = {}
    for way in list(case.ways):
        try:
            once(case, way)
        except Failed as why:
            if way is case.ways[0]:
                sys.exit(str(why))
            failed[way.name] = str(why)
            case.ways.remove(way)
    runs = {way.name: [] for way in case.ways}
    for number in range(rounds):
        for way in case.ways:
            # Those that take long are as well known after three rounds.
            if number < 3 or median(runs[way.name], "wall") < 5:
                runs[way.name].append(once(case, way))
    return runs, failed


def once(case, way) -> Run:
    with tempfile.TemporaryDirectory(dir=case.directory) as name:
        if way.before:
            run(way.before, True, pathlib.Path(name), way.environment)
        return run(way.steps, True, pathlib.Path(name), way.environment)


def median(runs: list[Run], figure: str) -> float:
    return statistics.median(getattr(one, figure) for one in runs)


def ratio(ours: list[Run], theirs: list[Run], figure: str) -> tuple[float, float, float]:
    """The median of the rounds' ratios, and the span of them."""
    ratios = sorted(getattr(a, figure) / max(getattr(b, figure), 1e-6) for a, b in zip(ours, theirs))
    return statistics.median(ratios), ratios[0], ratios[-1]


def table(case, runs: dict[str, list[Run]]) -> str:
    ours = runs[case.ways[0].name]
    lines = [f"### {case.title}", "", *([case.text, ""] if case.text else []), "| | wall | CPU | memory | ocicheck's wall : this |", "|---|---|---|---|---|"]
    for way in case.ways:
        these = runs[way.name]
        middle, low, high = ratio(ours, these, "wall")
        compared = "" if way is case.ways[0] else f"{middle:.2f} ({low:.2f}–{high:.2f})"
        lines.append(f"| {way.name} | {median(these, 'wall'):.3f} s | {median(these, 'cpu'):.3f} s | {median(these, 'memory') / 1024:.0f} MB | {compared} |")
    for goal in case.goals:
        got = goal.figure(runs)
        verdict = "met" if got <= goal.most else f"missed by {100 * (got / goal.most - 1):.0f} %"
        lines += ["", f"Goal: {goal.text}. **{got:.2f}{goal.unit}: {verdict}.**"]
    return "\n".join(lines) + "\n"


def machine() -> str:
    model = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), platform.machine())
    return f"{model}, {os.cpu_count()} processors, Linux {platform.release().split('-')[0]}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=pathlib.Path)
    parser.add_argument("--peers", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.peers:
        os.environ["PATH"] = f"{options.peers.resolve()}:{os.environ['PATH']}"
    subprocess.run(["cargo", "build", "--release", "--quiet"], cwd=REPOSITORY, check=True)
    kept = options.images or pathlib.Path(tempfile.mkdtemp(prefix="ocicheck-bench."))
    kept = kept.resolve()
    # In a process of its own: what that keeps in memory would be the least that is measured of others.
    make = "import pathlib, sys, images; images.make(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", make, str(kept)], cwd=pathlib.Path(__file__).parent, check=True)
    parts, figures = [], {}
    for case in cases(kept, REPOSITORY / "target" / "release" / "ocicheck"):
        if options.only and case.name not in options.only:
            continue
        missing = [way.name for way in case.ways if not shutil.which(way.steps[0][0])]
        case.ways = [way for way in case.ways if way.name not in missing]
        runs, failed = measure(case, case.rounds or options.rounds)
        figures[case.name] = {name: [dataclasses.asdict(one) for one in these] for name, these in runs.items()}
        text = table(case, runs)
        if missing:
            text += f"\nNot there when this was measured: {', '.join(missing)}.\n"
        if failed:
            text += "\nFailed: " + "; ".join(f"{name}: {why}" for name, why in failed.items()) + ".\n"
        print(text, flush=True)
        parts.append(text)
    if not options.only or "growth" in options.only:
        parts.append(growth.table(kept / "growth", REPOSITORY / "target" / "release" / "ocicheck"))
        print(parts[-1], flush=True)
    when = time.strftime("%Y-%m-%d", time.gmtime())
    versions = "".join(f"| {name} | {version} |\n" for name, version in tools())
    head = f"Measured {when} on {machine()}; {options.rounds} rounds unless a table says otherwise, medians, and of the ratios also the span.\n\n| tool | version |\n|---|---|\n{versions}\n"
    (kept / "figures.json").write_text(json.dumps(figures, indent=1))
    if options.write:
        page = PAGE.read_text()
        before, rest = page.split(BEGIN)
        after = rest.split(END)[1]
        PAGE.write_text(f"{before}{BEGIN}\n\n{head}{chr(10).join(parts)}\n{END}{after}")
    if not options.images:
        shutil.rmtree(kept)


def tools() -> list[tuple[str, str]]:
    """The versions of what ran."""
    asked = {
        "igzip": ["dpkg-query", "-W", "-f=${Version}", "isal"],
        "openssl": ["openssl", "version"],
        "skopeo": ["skopeo", "--version"],
        "umoci": ["umoci", "--version"],
        "tar": ["tar", "--version"],
        **{tool: ["go", "version", "-m", shutil.which(tool) or ""] for tool in ("crane", "dive", "dockle", "syft", "trivy", "container-structure-test")},
    }
    found = []
    for name, command in asked.items():
        if shutil.which(name) and shutil.which(command[0]):
            told = subprocess.run(command, capture_output=True, text=True).stdout
            module = [line.split()[2] for line in told.splitlines() if line.split()[:1] == ["mod"]]
            found.append((name, module[0] if module else told.splitlines()[0]))
    return found


if __name__ == "__main__":
    main()
