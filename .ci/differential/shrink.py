"""The smallest stack that still fails, by delta debugging: layers, then entries, then what entries bear are taken away
for as long as the same runtime differs in the same way.

(A. Zeller and R. Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002; here all parts of one size are
tried at once, for a daemon that is started once serves many images.)
"""
import dataclasses
import tempfile
import time

import known
from images import Layout
from judge import Judge, inspected
from layers import Stack

TRIES, SECONDS = 400, 60


class Trials:
    """Runs stacks through ocicheck and one runtime, to see whether they fail as one did."""

    def __init__(self, ocicheck, work, make, failure, judge):
        self.ocicheck, self.work, self.make, self.failure = ocicheck, work, make, failure
        self.kinds = {fault.kind for fault in failure.faults}
        # What is broken only in the smaller stack is another matter.
        self.rules = {anomaly["rule"] for anomaly in judge.of_image(failure.image)["anomalies"]}
        self.tries, self.until = TRIES, time.monotonic() + SECONDS

    def spent(self):
        return self.tries <= 0 or time.monotonic() > self.until

    def fail(self, stacks):
        """Which of the stacks fail; those for which no time is left do not, nor those without layers."""
        tried = [stack for stack in stacks if stack.layers][:max(self.tries, 0)] if not self.spent() else []
        self.tries -= len(tried)
        failing = [stack for stack, faults in zip(tried, self.faults(tried)) if faults] if tried else []
        return [any(stack is other for other in failing) for stack in stacks]

    def faults(self, stacks):
        with tempfile.TemporaryDirectory(prefix="shrink-", dir=self.work) as work:
            layout = Layout(work + "/layout")
            for number, stack in enumerate(stacks):
                layout.add(dataclasses.replace(stack, name=f"try-{number:03}"))
            layout.finish()
            judge = Judge(inspected(self.ocicheck, layout))
            if self.failure.runtime is None:
                return [self.same(judge.ambiguous_though_plain(image), judge, image) for image in layout.images]
            runtime = self.make(work)
            made = {image.stack.name: (image, tree) for image, tree in runtime.trees(layout.images)}
            return [
                self.same(judge.faults(image, known.Stacked(image.stack), runtime, tree), judge, image)
                for image, tree in (made[image.stack.name] for image in layout.images)
            ]

    def same(self, faults, judge, image):
        rules = {anomaly["rule"] for anomaly in judge.of_image(image)["anomalies"]}
        return [fault for fault in faults if fault.kind in self.kinds] if rules <= self.rules else []


def reduced(parts, build, trials):
    """The parts without which it does not fail any more; `build` makes a stack of some."""
    size = max(1, len(parts) // 2)

    def without(dropped):
        return [part for part in parts if part not in dropped]

    while parts:
        chunks = [parts[at:at + size] for at in range(0, len(parts), size)]
        needless = [chunk for chunk, fails in zip(chunks, trials.fail([build(without(chunk)) for chunk in chunks])) if fails]
        if not needless:
            if size == 1 or trials.spent():
                break
            size = (size + 1) // 2
            continue
        # What can go alone can often go together.
        together, count = [], len(needless)
        while count > 1:
            together.append(sum(needless[:count], []))
            count //= 2
        fails = trials.fail([build(without(dropped)) for dropped in together])
        parts = without(next((dropped for dropped, bad in zip(together, fails) if bad), needless[0]))
        size = max(1, min(size, len(parts) // 2))
    return parts


# What an entry can do without; what it is, where it is and its mode remain.
PLAINER = [
    {"xattrs": {}}, {"data": b"", "sparse": None}, {"uid": 0, "gid": 0}, {"globals": ()}, {"records": ()}, {"type_bits": False},
    {"notation": "ustar"}, {"written": None}, {"prefix": b"", "suffix": b""}, {"mode": 0o755},
]


def smallest(stack, trials):
    """The smallest stack found that still fails, or None where it does not fail when run alone."""
    if not trials.fail([stack]) == [True]:
        return None

    def of_layers(kept):
        return dataclasses.replace(stack, layers=[stack.layers[at] for at in kept])

    stack = of_layers(reduced(list(range(len(stack.layers))), of_layers, trials))

    def of_entries(kept):
        layers = [[entry for at, entry in enumerate(layer) if (number, at) in kept] for number, layer in enumerate(stack.layers)]
        return dataclasses.replace(stack, layers=layers)

    stack = of_entries(reduced([(number, at) for number, layer in enumerate(stack.layers) for at in range(len(layer))], of_entries, trials))
    stack = of_layers(reduced(list(range(len(stack.layers))), of_layers, trials))

    def of_ornaments(kept):
        def plainer(number, at, entry):
            for way, change in enumerate(PLAINER):
                if (number, at, way) in ornaments and (number, at, way) not in kept:
                    entry = dataclasses.replace(entry, **change)
            return entry
        layers = [[plainer(number, at, entry) for at, entry in enumerate(layer)] for number, layer in enumerate(stack.layers)]
        return dataclasses.replace(stack, layers=layers)

    ornaments = [
        (number, at, way) for number, layer in enumerate(stack.layers) for at, entry in enumerate(layer)
        for way, change in enumerate(PLAINER) if any(getattr(entry, name) != value for name, value in change.items())
    ]
    stack = of_ornaments(reduced(ornaments, of_ornaments, trials))
    if stack.compression != "none":
        plain = dataclasses.replace(stack, compression="none")
        stack = plain if trials.fail([plain]) == [True] else stack
    return Stack(**vars(stack))
