"""What ocicheck says of an image, held against what the runtimes made of it."""
import collections
import dataclasses
import json
import subprocess
import sys

import known
import trees
from runtimes import CAPABILITIES, Refused


@dataclasses.dataclass
class Fault:
    """One difference. `kind` is what stays the same when the stack shrinks."""

    kind: str
    text: str

    def __str__(self):
        return self.text


@dataclasses.dataclass
class Failure:
    """What is wrong with one tree: a runtime's, or, without a runtime, ocicheck's."""

    image: object
    runtime: object
    faults: list

    @property
    def stack(self):
        return self.image.stack

    @property
    def who(self):
        return self.runtime.name if self.runtime else "ocicheck"


def inspected(ocicheck, layout):
    """What ocicheck says of each image, by the config's digest."""
    command = [ocicheck, "inspect", "--tree", "--format", "json", layout.root]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"ocicheck inspect: status {done.returncode}: {done.stderr}")
    return {image["configDigest"]: image for image in json.loads(done.stdout)["images"]}


def is_ambiguous(said):
    """A wrong global header is told as such, and no other reading is made of it."""
    return any(anomaly["rule"] in ("ambiguous-entry", "ambiguous-header") for anomaly in said["anomalies"])


class Judge:
    def __init__(self, said):
        self.said = said
        self.known = known.Counter()
        self.passed, self.failures = 0, []
        self.counts = collections.Counter()
        self.compared = collections.Counter()
        self.refused = collections.Counter()
        self.over_cautious = []

    def differences(self, runtime, facts, reading, tree, counter=None):
        """What differs and is not known to."""
        want, out = trees.of_reading(reading), []
        excuses = (counter or known.Counter()).excuses

        def tell(kind, path, one, other):
            out.append(Fault(kind, f"{trees.shown(path)}: {kind}: ocicheck {one}, {runtime.name} {other}"))

        for path in sorted(want.keys() | tree.keys()):
            one, other = want.get(path), tree.get(path)
            if path == b"/" and other is None:
                continue  # a `docker export` has no entry for it
            if one is None or other is None:
                if not excuses(runtime, facts, path, "exists", one, other):
                    tell("exists", path, one and one.type, other and other.type)
                continue
            if runtime.xattrs == CAPABILITIES:
                one.xattrs = {name: value for name, value in one.xattrs.items() if name == "security.capability"}
            for field in trees.FIELDS:
                values = getattr(one, field), getattr(other, field)
                if values[0] != values[1] and not excuses(runtime, facts, path, field, one, other):
                    tell(field, path, trees.value(field, values[0]), trees.value(field, values[1]))
        return out

    def of_image(self, image):
        return self.said[image.config["digest"]]

    def image(self, image, results):
        """One stack, with what each runtime made of it."""
        said, facts, agree = self.of_image(image), known.Stacked(image.stack), True
        for runtime, tree in results:
            faults = self.faults(image, facts, runtime, tree)
            if isinstance(tree, Refused):
                self.refused[runtime.name] += 1
                agree = False
            else:
                self.compared[runtime.name] += 1
                if is_ambiguous(said):
                    strict = known.Counter()
                    agree &= not self.differences(runtime, facts, said["readings"][0], tree, strict) and not strict.root_differs
            self.verdict(image, runtime, faults)
        if is_ambiguous(said) and image.stack.plain:
            self.verdict(image, None, self.ambiguous_though_plain(image))
        elif is_ambiguous(said) and results and agree:
            self.over_cautious.append(image)

    def ambiguous_though_plain(self, image):
        return [Fault(a["message"][:24], "ambiguous though plain: " + a["message"]) for a in self.of_image(image)["anomalies"]]

    def faults(self, image, facts, runtime, tree):
        """What is wrong with what one runtime made of one stack."""
        said = self.of_image(image)
        if isinstance(tree, Refused):
            expected = said["anomalies"] and not image.stack.plain or self.known.excuses_refusal(runtime, tree)
            return [] if expected else [Fault("refuses", f"{runtime.name} refuses it: {tree}")]
        readings, refusals = said["readings"], said["refusals"]
        named = [reading for reading in readings if runtime.reading in reading["runtimes"]]
        faults = self.differences(runtime, facts, named[0], tree, self.known) if named else [
            Fault("does not refuse", f"ocicheck: {runtime.reading} refuses: {refusals}; {runtime.name} does not")]
        field, reason = known.OTHERWISE.get(runtime.name, ("", ""))
        if faults and is_ambiguous(said) and (field is None or field and all(fault.kind == field for fault in faults)):
            # It is enough that the tree is judged as somebody's.
            others = [r["runtimes"] for r in readings if r not in named and not self.differences(runtime, facts, r, tree)]
            if others:
                self.counts[f"{runtime.name} reads as {'/'.join(others[0])}: {reason}"] += 1
                return []
        if faults and facts.headers_differ and any(a["rule"] == "ambiguous-header" for a in said["anomalies"]):
            self.counts[f"{runtime.name} reads headers otherwise, which ocicheck tells"] += 1
            return []
        return faults

    def verdict(self, image, runtime, faults):
        if faults:
            self.failures.append(Failure(image, runtime, faults))
        else:
            self.passed += 1

    def anomalies(self, image):
        return [f"{a['rule']} {a['path']}: {a['message']}" for a in self.of_image(image)["anomalies"]]
