#!/usr/bin/env python3
"""Compares the effective trees that ocicheck shows with those that real runtimes make, for the same layer stacks.

main.py OCICHECK WORK [--count N] [--seed SEED] [--some N] [--only RUNTIME,…]

OCICHECK is the binary, WORK a directory for all files. `--some`: how many of the random stacks the slower runtimes get.
Ends with a line `N passed, N failed`, one for each tree compared, and a status to match.
"""
import argparse
import collections
import concurrent.futures
import json
import pathlib
import subprocess
import sys
import time

import cases
import generate
import known
import trees
from daemons import Containerd, Docker
from images import Layout
from runtimes import CAPABILITIES, Podman, Refused, Skip, Umoci

# (how to make it, whether it gets all random stacks); the slowest first, as two run at a time.
RUNTIMES = {
    "docker-vfs": (lambda work: Docker(work, "vfs"), False),
    "docker-overlay2": (lambda work: Docker(work, "overlay2"), False),
    "podman-overlay": (lambda work: Podman(work, "overlay"), True),
    "podman-vfs": (lambda work: Podman(work, "vfs"), True),
    "containerd-overlayfs": (lambda work: Containerd(work, "overlayfs"), False),
    "containerd-native": (lambda work: Containerd(work, "native"), False),
    "umoci": (Umoci, True),
}


def inspected(ocicheck, layout):
    """What ocicheck says of each image, by the config's digest."""
    command = [ocicheck, "inspect", "--tree", "--format", "json", layout.root]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ocicheck inspect: status {done.returncode}: {done.stderr}")
    return {image["configDigest"]: image for image in json.loads(done.stdout)["images"]}


class Judge:
    def __init__(self, said):
        self.said = said
        self.known = known.Counter()
        self.passed, self.failures = 0, []
        self.counts = collections.Counter()
        self.compared = collections.Counter()
        self.refused = collections.Counter()

    def differences(self, runtime, facts, reading, tree, counter=None):
        """Lines on what differs and is not known to."""
        want, out = trees.of_reading(reading), []
        excuses = (counter or known.Counter()).excuses
        for path in sorted(want.keys() | tree.keys()):
            one, other = want.get(path), tree.get(path)
            if path == b"/" and other is None:
                continue  # a `docker export` has no entry for it
            if one is None or other is None:
                if not excuses(runtime, facts, path, "exists", one, other):
                    out.append(f"{trees.shown(path)}: ocicheck {one and one.type}, {runtime.name} {other and other.type}")
                continue
            if runtime.xattrs == CAPABILITIES:
                one.xattrs = {name: value for name, value in one.xattrs.items() if name == "security.capability"}
            for field in trees.FIELDS:
                values = getattr(one, field), getattr(other, field)
                if values[0] != values[1] and not excuses(runtime, facts, path, field, one, other):
                    out.append("{}: {}: ocicheck {}, {} {}".format(
                        trees.shown(path), field, trees.value(field, values[0]), runtime.name, trees.value(field, values[1])))
        return out

    def image(self, image, results):
        """One stack, with what each runtime made of it."""
        said, facts = self.said[image.config["digest"]], known.Stacked(image.stack)
        ambiguous = any(anomaly["rule"] == "ambiguous-entry" for anomaly in said["anomalies"])
        as_first = True
        for runtime, tree in results:
            if isinstance(tree, Refused):
                self.refused[runtime.name] += 1
                as_first = False
                expected = said["anomalies"] and not image.stack.plain or self.known.excuses_refusal(runtime, tree)
                self.verdict(image, runtime, [] if expected else [f"{runtime.name} refuses it: {tree}"])
                continue
            self.compared[runtime.name] += 1
            faults = self.tree(runtime, facts, said, tree, ambiguous)
            if faults or self.differences(runtime, facts, said["readings"][0], tree):
                as_first = False
            self.verdict(image, runtime, faults)
        if ambiguous and image.stack.plain:
            self.verdict(image, None, ["ambiguous though plain: " + a["message"] for a in said["anomalies"]])
        elif ambiguous and as_first:
            self.counts["over-cautious"] += 1

    def tree(self, runtime, facts, said, tree, ambiguous):
        readings = said["readings"]
        named = [reading for reading in readings if runtime.reading in reading["runtimes"]]
        faults = self.differences(runtime, facts, named[0], tree, self.known) if named else [
            f"ocicheck: {runtime.reading} refuses: {said['refusals']}; {runtime.name} does not"]
        field, reason = known.OTHERWISE.get(runtime.name, ("", ""))
        if faults and ambiguous and (field is None or field and all(f": {field}: " in fault for fault in faults)):
            # It is enough that the tree is judged as somebody's.
            others = [r["runtimes"] for r in readings if r not in named and not self.differences(runtime, facts, r, tree)]
            if others:
                self.counts[f"{runtime.name} reads as {'/'.join(others[0])}: {reason}"] += 1
                return []
        return faults

    def verdict(self, image, runtime, faults):
        if faults:
            self.failures.append((image.stack, runtime.name if runtime else "ocicheck", faults))
        else:
            self.passed += 1

    def told_failures(self):
        """The smallest failing stack of each runtime whole, the others by name."""
        for name in sorted({name for _, name, _ in self.failures}):
            mine = sorted((f for f in self.failures if f[1] == name), key=lambda f: (not f[0].plain, f[0].entries()))
            stack, _, faults = mine[0]
            print(f"\n{name}: {len(mine)} stacks fail; the smallest:\n{stack}")
            for anomaly in self.said_of(stack):
                print(f"  anomaly: {anomaly}")
            print("\n".join("  " + fault for fault in faults[:20]))
            for stack, _, faults in mine[1:15]:
                print(f"also {stack.name} ({'plain' if stack.plain else 'loose'}, {stack.entries()} entries): {faults[0]}")

    def said_of(self, stack):
        return [f"{a['rule']} {a['path']}: {a['message']}" for a in self.by_name[stack.name]["anomalies"]]


def all_trees(make, work, images):
    """Runs one runtime: itself, its trees and the seconds it took; or the reason why it does not run."""
    started = time.monotonic()
    try:
        runtime = make(work)
        return runtime, runtime.version(), dict((image.id, tree) for image, tree in runtime.trees(images)), time.monotonic() - started
    except Skip as why:
        return why


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("ocicheck")
    parser.add_argument("work")
    parser.add_argument("--count", type=int, default=520)
    parser.add_argument("--some", type=int, default=80)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default=",".join(RUNTIMES))
    arguments = parser.parse_args()

    layout = Layout(pathlib.Path(arguments.work) / "layout")
    by_hand = list(cases.stacks())
    for stack in by_hand + generate.stacks(arguments.count, arguments.seed):
        layout.add(stack)
    layout.finish()
    some = layout.images[:len(by_hand) + arguments.some]
    print(f"{len(layout.images)} stacks: {len(by_hand)} by hand, {arguments.count} random, seed {arguments.seed}")
    started = time.monotonic()
    judge = Judge(inspected(arguments.ocicheck, layout))
    judge.by_name = {image.stack.name: judge.said[image.config["digest"]] for image in layout.images}
    print(f"ocicheck: {time.monotonic() - started:.1f} s", flush=True)

    results = {image.id: [] for image in layout.images}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        waiting = {}
        for name in arguments.only.split(","):
            make, whole = RUNTIMES[name]
            waiting[pool.submit(all_trees, make, arguments.work, layout.images if whole else some)] = name
        for future in concurrent.futures.as_completed(waiting):
            name, result = waiting[future], future.result()
            if isinstance(result, Skip):
                print(f"SKIPPED {name}: {result}", flush=True)
                continue
            runtime, version, made, seconds = result
            print(f"{name} {version}: {len(made)} images in {seconds:.0f} s", flush=True)
            for image_id, tree in made.items():
                results[image_id].append((runtime, tree))
    for image in layout.images:
        judge.image(image, results[image.id])

    judge.told_failures()
    print("\nknown differences, in fields of paths:")
    print("\n".join(judge.known.lines()))
    print("     -  times; user attributes in a `docker export`, which shows capabilities only")
    print("\nstacks:")
    for what, count in sorted(judge.counts.items()):
        print(f"{count:6}  {what}")
    print("\ntrees compared:")
    for name, count in judge.compared.items():
        print(f"{count:6}  {name}, which refused {judge.refused[name]}")
    print(f"{sum(judge.compared.values()):6}  together")
    print(f"{judge.passed} passed, {len(judge.failures)} failed")
    sys.exit(bool(judge.failures) or not judge.passed)


if __name__ == "__main__":
    main()
