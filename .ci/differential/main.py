#!/usr/bin/env python3
"""Compares the effective trees that ocicheck shows with those that real runtimes make, for the same layer stacks.

main.py OCICHECK WORK [--count N] [--seed SEED] [--some N] [--only RUNTIME,…] [--stack NAME,…] [--real DIR --real-work DIR]

OCICHECK is the binary, WORK a directory for all files. `--some`: how many of the random stacks the slower runtimes get;
`--stack`: these stacks only; `--real`: a directory of OCI layouts, one image each, that real tools built, which are
unpacked in another directory. Ends with a line `N passed, N failed`, one for each tree compared, and a status to match.
"""
import argparse
import concurrent.futures
import pathlib
import shlex
import sys
import time

import cases
import generate
import real
from coverage import Coverage
from daemons import Containerd, Docker
from images import Layout
from judge import Judge, inspected
from runtimes import Buildah, Podman, Skip, Umoci
from shrink import Trials, smallest

# (how to make it, whether it gets all random stacks); the slowest first, as two run at a time.
RUNTIMES = {
    "podman-overlay": (lambda work: Podman(work, "overlay"), True),
    "podman-vfs": (lambda work: Podman(work, "vfs"), True),
    "buildah-overlay": (lambda work: Buildah(work, "overlay"), False),
    "buildah-vfs": (lambda work: Buildah(work, "vfs"), False),
    "docker-vfs": (lambda work: Docker(work, "vfs"), False),
    "docker-overlay2": (lambda work: Docker(work, "overlay2"), False),
    "containerd-overlayfs": (lambda work: Containerd(work, "overlayfs"), False),
    "containerd-native": (lambda work: Containerd(work, "native"), False),
    "umoci": (Umoci, True),
}
# With fewer stacks than these, that a feature is in none says nothing.
ENOUGH_TO_COUNT = 520
# How many failing stacks of a runtime are made small.
SHRUNK = 2


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("ocicheck")
    parser.add_argument("work")
    parser.add_argument("--count", type=int, default=ENOUGH_TO_COUNT)
    parser.add_argument("--some", type=int, default=80)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", default=",".join(RUNTIMES))
    parser.add_argument("--stack", default="")
    parser.add_argument("--real")
    parser.add_argument("--real-work")
    return parser.parse_args()


def all_trees(make, work, images):
    """Runs one runtime: itself, its trees and the seconds it took; or the reason why it does not run."""
    started = time.monotonic()
    try:
        runtime = make(work)
        return runtime, runtime.version(), dict((image.id, tree) for image, tree in runtime.trees(images)), time.monotonic() - started
    except Skip as why:
        return why


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.only = arguments.only.split(",")
        self.skipped = {}
        self.judges = []
        self.missing = []

    def judged(self, layout, work, some, only):
        """Unpacks all images of a layout (by the slower runtimes, some) and judges what came out."""
        judge = Judge(inspected(self.arguments.ocicheck, layout))
        self.judges.append((judge, work))
        results = {image.id: [] for image in layout.images}
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            waiting = {}
            for name in only:
                make, whole = RUNTIMES[name]
                waiting[pool.submit(all_trees, make, work, layout.images if whole else some)] = name
            for future in concurrent.futures.as_completed(waiting):
                name, result = waiting[future], future.result()
                if isinstance(result, Skip):
                    self.skipped[name] = result
                    print(f"SKIPPED {name}: {result}", flush=True)
                    continue
                runtime, version, made, seconds = result
                print(f"{name} {version}: {len(made)} images in {seconds:.0f} s", flush=True)
                for image_id, tree in made.items():
                    results[image_id].append((runtime, tree))
        for image in layout.images:
            judge.image(image, results[image.id])
        return judge

    def generated(self):
        arguments = self.arguments
        by_hand, random = list(cases.stacks()), generate.stacks(arguments.count, arguments.seed)
        if arguments.stack:
            wanted = arguments.stack.split(",")
            by_hand, random = ([s for s in stacks if s.name in wanted] for stacks in (by_hand, random))
        print(f"{len(by_hand) + len(random)} stacks: {len(by_hand)} by hand, {len(random)} random, seed {arguments.seed}")
        coverage = Coverage(by_hand, random)
        layout = Layout(pathlib.Path(arguments.work) / "layout")
        for stack in by_hand + random:
            layout.add(stack)
        layout.finish()
        if arguments.stack:
            print("\n".join(map(str, by_hand + random)))
        else:
            print("\nwhat the stacks hold:")
            print("\n".join(coverage.lines()) + "\n", flush=True)
            self.missing = coverage.missing() if arguments.count >= ENOUGH_TO_COUNT else []
        judge = self.judged(layout, arguments.work, layout.images[:len(by_hand) + arguments.some], self.only)
        if arguments.stack:
            for image in layout.images:
                print("\n".join(f"{image.stack.name}: anomaly: {line}" for line in judge.anomalies(image)))

    def real(self):
        started = time.monotonic()
        layout = real.layout(pathlib.Path(self.arguments.real))
        work = self.arguments.real_work
        print(f"\nreal images: {', '.join(image.stack.name for image in layout.images)}", flush=True)
        # buildah's mounts differ from podman's by an empty layer, and each layer is a copy of the whole to vfs.
        judge = self.judged(layout, work, layout.images, [name for name in self.only if not name.startswith("buildah")])
        for image in layout.images:
            print(f"{image.stack.name}: {len(judge.of_image(image)['readings'][0]['tree'])} paths, {len(image.stack.layers)} layers")
            for line in judge.anomalies(image)[:20]:
                print(f"  anomaly: {line}")
            print("  above the base: " + ", ".join(f"{count} {name}" for name, count in real.upper(image).items()))
            self.missing += real.missing(image)
        print(f"real images: {time.monotonic() - started:.0f} s")

    def told_failures(self, judge, work):
        """The smallest failing stacks of each runtime whole and made small, the others by name."""
        for who in sorted({failure.who for failure in judge.failures}):
            mine = sorted((f for f in judge.failures if f.who == who), key=lambda f: (not f.stack.plain, f.stack.entries()))
            print(f"\n{who}: {len(mine)} stacks fail")
            for failure in mine[:SHRUNK]:
                self.told(judge, work, failure)
            for failure in mine[SHRUNK:15]:
                stack = failure.stack
                print(f"also {stack.name} ({'plain' if stack.plain else 'loose'}, {stack.entries()} entries): {failure.faults[0]}")

    def told(self, judge, work, failure):
        stack, real_image = failure.stack, failure.image.is_real
        print(f"\n{stack.name}: {'real' if real_image else stack.plain and 'plain' or 'loose'}, {stack.entries()} entries")
        for line in judge.anomalies(failure.image)[:10]:
            print(f"  anomaly: {line}")
        print("\n".join(f"  {fault}" for fault in failure.faults[:20]))
        if real_image:
            return
        again = ["--seed", self.arguments.seed, "--count", str(self.arguments.count), "--stack", stack.name]
        again += ["--only", failure.who] if failure.runtime else []
        print(f"  again: .ci/differential.sh {shlex.join(again)}", flush=True)
        make = RUNTIMES[failure.who][0] if failure.runtime else None
        try:
            trials = Trials(self.arguments.ocicheck, work, make, failure, judge)
            small = smallest(stack, trials)
            if small is None:
                print("  it does not fail when it runs alone")
                return
            print(f"  made small: {small.entries()} entries in {len(small.layers)} layers\n    " + str(small).replace("\n", "\n    "))
            for fault in trials.faults([small])[0][:5]:
                print(f"    {fault}")
        except Skip as why:
            print(f"  it could not be made small: {why}")

    def told_results(self):
        judges = [judge for judge, _ in self.judges]
        for judge, work in self.judges:
            self.told_failures(judge, work)
        print("\nknown differences, in fields of paths:")
        known = judges[0].known
        for judge in judges[1:]:
            known.take(judge.known)
        print("\n".join(known.lines()))
        print("     -  times; user attributes in a `docker export`, which shows capabilities only")
        print("\nother readings in ambiguous stacks:")
        for what, count in sorted(sum((judge.counts for judge in judges[1:]), judges[0].counts).items()):
            print(f"{count:6}  {what}")
        cautious = [image for judge in judges for image in judge.over_cautious]
        print(f"\nover-cautious, for all runtimes agree with the first reading: {len(cautious)}")
        for image in cautious:
            print(f"  {image.stack.name}: {next(a for judge in judges if image in judge.over_cautious for a in judge.anomalies(image))}")
        print("\ntrees compared:")
        for name in self.only:
            refused = sum(judge.refused[name] for judge in judges)
            reason = f"SKIPPED: {self.skipped[name]}" if name in self.skipped else f"refused {refused}"
            print(f"{sum(judge.compared[name] for judge in judges):6}  {name}, {reason}")
        print(f"{sum(sum(judge.compared.values()) for judge in judges):6}  together")
        if self.missing:
            print(f"no random stack, or not the real image, holds: {', '.join(self.missing)}")
        passed, failed = sum(judge.passed for judge in judges), sum(len(judge.failures) for judge in judges) + len(self.missing)
        print(f"{passed} passed, {failed} failed")
        return failed == 0 and passed > 0


def main():
    run = Run(parsed())
    run.generated()
    if run.arguments.real:
        run.real()
    sys.exit(not run.told_results())


if __name__ == "__main__":
    main()
