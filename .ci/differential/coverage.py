"""What stacks hold, counted, so that a generator which no longer makes something is seen.

Counted in the stacks themselves, not where they are made; a path's type is that of its last entry.
"""
import collections

from layers import OCTAL, SPARSE, cleaned, notation_of, parents, ustar_prefix

KINDS = ["file", "dir", "symlink", "device", "fifo"]
FEATURES = [
    *(f"{kind} over {was}" for was in KINDS for kind in KINDS),
    *(f"whiteout of a {was}" for was in KINDS), "whiteout of nothing", "whiteout of one of several names",
    "whiteout beside its name", "whiteout of a directory and below it",
    "opaque root", "opaque directory at the root", "opaque directory deeper", "opaque marker before entries",
    "opaque marker after entries", "opaque marker on nothing",
    "hard link within a layer", "hard link across layers", "hard link to nothing", "hard link to a directory",
    "hard link to a symlink", "hard link to a fifo or device", "hard link to a hard link", "hard link with other metadata",
    "behind a lower layer's symlink", "behind its own layer's symlink", "below a file", "path twice in a layer",
    "parent that no entry names, new", "parent that no entry names, of a lower layer",
    "user attribute", "attribute with a line feed or NUL", "capability", "directory's attributes named again",
    "character device", "block device", "0/0 device", "fifo",
    *(f"sparse, {form}" for form in SPARSE),
    "long name, GNU", "long name, PAX", "long name, ustar prefix", "long link, GNU", "long link, PAX", "short name in PAX",
    "header before POSIX", "global PAX header of a comment", "number in base 256", "number in PAX",
    "name not UTF-8", "name with /", "name with ./", "name with //", "name with inner .", "name with ..",
    "link target with ..", "directory without its slash", "file with a slash",
    "setuid", "setgid file", "setgid directory", "sticky directory", "mode 0", "all mode bits", "type bits in the mode",
    "symlink's mode not 0777", "empty layer", "layer twice", "16 directories deep",
    *(f"layers stored: {form}" for form in ("none", "gzip", "gzip members", "zstd", "zstd frames")),
]


def kind_of(entry):
    return "device" if entry.type in ("char", "block") else entry.type


def drop(types, path, itself):
    for other in list(types):
        if other.startswith((path if path != b"/" else b"") + b"/") or itself and other == path:
            del types[other]


def hide(types, layer):
    """Takes out what a layer's markers hide."""
    for entry in layer:
        above, _, name = cleaned(entry.name).rpartition(b"/")
        if name == b".wh..wh..opq":
            drop(types, above or b"/", False)
        elif name.startswith(b".wh."):
            drop(types, above + b"/" + name[4:], True)


def add(types, layer):
    """Puts in what a layer adds; a hard link as what it names. What is behind symlinks is left out."""
    for entry in layer:
        path = cleaned(entry.name)
        if path.rpartition(b"/")[2].startswith(b".wh.") or path == b"/":
            continue
        if any(types.get(above) == "symlink" for above in parents(path)):
            continue
        if entry.type != "dir":
            drop(types, path, True)
        types[path] = types.get(cleaned(entry.link), "file") if entry.type == "link" else kind_of(entry)
        for above in parents(path):
            types[above] = "dir"


class Layer:
    """One layer on its way: what it found below, what of that its markers leave, and what it has said so far."""

    def __init__(self, lower, layer, names):
        # `names`: paths of lower layers whose files have others.
        self.lower, self.left, self.names = dict(lower), dict(lower), set(names)
        hide(self.left, layer)
        self.own, self.hidden = {}, set()

    def marks(self, path):
        above, _, name = path.rpartition(b"/")
        if name == b".wh..wh..opq":
            yield "opaque root" if not above else "opaque directory at the root" if above.count(b"/") == 1 else "opaque directory deeper"
            yield "opaque marker after entries" if any(b.startswith(above + b"/") for b in self.own) else "opaque marker before entries"
            if above and above not in self.lower:
                yield "opaque marker on nothing"
            return
        hidden = above + b"/" + name[4:]
        yield f"whiteout of a {self.lower[hidden]}" if hidden in self.lower else "whiteout of nothing"
        if hidden in self.names:
            yield "whiteout of one of several names"
        if hidden in self.own:
            yield "whiteout beside its name"
        if any(other.startswith(hidden + b"/") or hidden.startswith(other + b"/") for other in self.hidden):
            yield "whiteout of a directory and below it"
        self.hidden.add(hidden)

    def content(self, path, entry):
        kind = kind_of(entry)
        if path in self.left and kind in KINDS:
            yield f"{kind} over {self.left[path]}"
            if kind == self.left[path] == "dir" and entry.xattrs:
                yield "directory's attributes named again"
        if path in self.own:
            yield "path twice in a layer"
        if path in self.hidden:
            yield "whiteout beside its name"
        for above in parents(path):
            own = self.own.get(above)
            if own is None:
                yield "parent that no entry names, " + ("of a lower layer" if above in self.left else "new")
            kind = kind_of(own) if own else self.left.get(above, "dir")
            if kind == "symlink":
                yield "behind its own layer's symlink" if own else "behind a lower layer's symlink"
            elif kind not in ("dir", "link"):
                yield "below a file"
        if path.count(b"/") > 16:
            yield "16 directories deep"
        if entry.type == "link":
            yield from self.link(entry)
        self.own[path] = entry

    def link(self, entry):
        if b".." in entry.link.split(b"/"):
            yield "link target with .."
        target = self.own.get(cleaned(entry.link))
        if target is None:
            kind = self.left.get(cleaned(entry.link))
            yield {None: "hard link to nothing", "dir": "hard link to a directory"}.get(kind, "hard link across layers")
            return
        if target.type == "dir":
            yield "hard link to a directory"
            return
        yield "hard link within a layer"
        yield from {"symlink": ["hard link to a symlink"], "link": ["hard link to a hard link"], "file": []}.get(
            target.type, ["hard link to a fifo or device"])
        if (target.mode, target.uid, target.gid, target.xattrs) != (entry.mode, entry.uid, entry.gid, entry.xattrs):
            yield "hard link with other metadata"


def in_metadata(entry):
    kind, mode = kind_of(entry), entry.mode
    yield {"char": "character device", "block": "block device"}.get(entry.type, entry.type)
    if kind == "device" and entry.device == (0, 0):
        yield "0/0 device"
    if kind == "file":
        yield from [name for bit, name in ((0o4000, "setuid"), (0o2000, "setgid file")) if mode & bit]
    if kind == "dir":
        yield from [name for bit, name in ((0o2000, "setgid directory"), (0o1000, "sticky directory")) if mode & bit]
    if kind == "symlink" and mode != 0o777:
        yield "symlink's mode not 0777"
    yield from {0: ["mode 0"], 0o7777: ["all mode bits"]}.get(mode, [])
    for name, value in entry.xattrs.items():
        yield "capability" if name == "security.capability" else "user attribute"
        if b"\n" in value or b"\0" in value:
            yield "attribute with a line feed or NUL"


def in_header(entry):
    name, parts, notation = entry.name, entry.name.split(b"/"), notation_of(entry)
    long, long_link = len(name) > 100, len(entry.link) > 100
    if long and not entry.sparse:
        split = notation == "ustar" and ustar_prefix(name)
        yield "long name, GNU" if notation == "gnu" else "long name, ustar prefix" if split else "long name, PAX"
    if long_link:
        yield "long link, GNU" if notation == "gnu" else "long link, PAX"
    if notation == "pax" and not long:
        yield "short name in PAX"
    if notation == "v7":
        yield "header before POSIX"
    if max(entry.uid, entry.gid) > OCTAL:
        yield "number in base 256" if notation == "gnu" or entry.sparse == "old-gnu" else "number in PAX"
    if [key for key, _ in entry.globals] == [b"comment"]:
        yield "global PAX header of a comment"
    if entry.sparse:
        yield f"sparse, {entry.sparse}"
    try:
        name.decode()
    except UnicodeDecodeError:
        yield "name not UTF-8"
    if name.startswith(b"/"):
        yield "name with /"
    if name.startswith(b"./"):
        yield "name with ./"
    if b"//" in name:
        yield "name with //"
    if b"." in parts[1:]:
        yield "name with inner ."
    if b".." in parts:
        yield "name with .."
    if entry.type == "dir" and not name.endswith(b"/"):
        yield "directory without its slash"
    if entry.type == "file" and name.endswith(b"/"):
        yield "file with a slash"
    if entry.type_bits:
        yield "type bits in the mode"


def features(stack):
    """Everything that a stack holds, some of it again and again."""
    yield f"layers stored: {stack.compression}"
    types, names = {}, set()
    for number, layer in enumerate(stack.layers):
        if not layer:
            yield "empty layer"
        elif layer in stack.layers[:number]:
            yield "layer twice"
        facts = Layer(types, layer, names)
        for entry in layer:
            path = cleaned(entry.name)
            yield from in_header(entry)
            if path.rpartition(b"/")[2].startswith(b".wh."):
                yield from facts.marks(path)
                continue
            yield from in_metadata(entry)
            yield from facts.content(path, entry)
            names.discard(path)
            if entry.type == "link":
                names |= {path, cleaned(entry.link)}
        hide(types, layer)
        add(types, layer)


class Coverage:
    """In how many stacks each feature is: those by hand, and random ones, plain and loose."""

    def __init__(self, by_hand, random):
        self.counts = {feature: collections.Counter() for feature in FEATURES}
        for group, stacks in (("by hand", by_hand), ("random", random)):
            for stack in stacks:
                for feature in set(features(stack)) & self.counts.keys():
                    self.counts[feature][group, stack.plain] += 1

    def missing(self):
        """What no random stack holds."""
        return [name for name, count in self.counts.items() if not count["random", True] + count["random", False]]

    def lines(self):
        yield " plain  loose  by hand  (stacks)"
        for name, count in self.counts.items():
            by_hand = count["by hand", True] + count["by hand", False]
            yield f"{count['random', True]:6} {count['random', False]:6} {by_hand:8}  {name}"
