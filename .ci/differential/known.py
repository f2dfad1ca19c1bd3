"""Differences between a runtime's tree and the reading that names it which are known, and not the image's fault. Each
has its reason, is counted, and is told at the end; anything else is a failure.

One difference is one field of one path; `exists` stands for a path that is in one of the trees only.
"""
import collections



class Stacked:
    """What is to be known of a stack: which directories no entry names, in which layer."""

    def __init__(self, stack):
        self.implied, self.markers, self.setgid = set(), set(), set()
        self.root_named = False
        for layer in stack.layers:
            named = {cleaned(entry) for entry in layer if entry.type == "dir"}
            self.root_named |= b"/" in named
            for entry in layer:
                path = cleaned(entry)
                marker = b"/.wh." in path  # a whiteout, an opaque marker, what AUFS left
                for above in parents(path):
                    if above not in named:
                        self.implied.add(above)
                    if marker:
                        self.markers.add(above)
                if entry.type == "dir" and entry.mode & 0o2000:
                    self.setgid.add(path)


def cleaned(entry):
    """As the runtimes do, `..` inside the root."""
    out = []
    for part in (entry.prefix + entry.path).split(b"/"):
        if part == b"..":
            out = out[:-1]
        elif part not in (b"", b"."):
            out.append(part)
    return b"/" + b"/".join(out)


def parents(path):
    while path.rpartition(b"/")[0]:
        path = path.rpartition(b"/")[0]
        yield path


def is_directory(node):
    return node is not None and node.type == "directory"


def root(runtime, facts, path, field, want, got):
    return path == b"/" and (not facts.root_named or runtime.reading == "overlay" or runtime.name.startswith("containerd"))


def empty_directory(runtime, facts, path, field, want, got):
    return runtime.name != "umoci" and field == "exists" and want is None and is_directory(got) and path in facts.markers


def implied_0600(runtime, facts, path, field, want, got):
    return runtime.name == "docker-vfs" and field == "mode" and is_directory(got) and path in facts.implied and (
        want.mode, got.mode & ~0o2000) == (0o755, 0o600)


def implied_reset(runtime, facts, path, field, want, got):
    return runtime.name in ("podman-overlay", "docker-overlay2") and is_directory(got) and path in facts.implied and (
        got.mode & ~0o2000, got.uid, got.gid, got.xattrs) == (0o755, 0, 0, {}) and field in ("mode", "uid", "gid", "xattrs")


def implied_below_setgid(runtime, facts, path, field, want, got):
    below = any(above in facts.setgid for above in parents(path))
    return field in ("mode", "gid") and is_directory(got) and path in facts.implied and below and (
        got.mode | 0o2000 == want.mode | 0o2000 or got.mode == 0o2600)


def directory_attributes(runtime, facts, path, field, want, got):
    return field == "xattrs" and (runtime.name == "podman-vfs" or runtime.name.startswith("containerd")) and is_directory(got) and (
        want.xattrs.items() <= got.xattrs.items())


def overlayfs_attributes(runtime, facts, path, field, want, got):
    def others(node):
        return {name: value for name, value in node.xattrs.items() if not name.startswith("trusted.overlay.")}
    return field == "xattrs" and runtime.name != "podman-vfs" and others(want) == others(got)


def empty_attributes(runtime, facts, path, field, want, got):
    return field == "xattrs" and runtime.name.startswith("containerd") and want.xattrs == {
        name: value for name, value in got.xattrs.items() if value}


def copied_links(runtime, facts, path, field, want, got):
    return runtime.name in ("docker-vfs", "podman-vfs") and field == "links" and want.type == got.type != "file"


KNOWN = {
    root: "the root directory's mode is the runtime's own, where no entry names it or the entry is passed over",
    empty_directory: "what is no content (a whiteout, what AUFS left) in a directory that is nowhere leaves an empty one (umoci: none)",
    implied_0600: "Docker 20.10 with vfs makes directories that no entry names 0600, not 0755",
    implied_reset: "Docker's and podman's overlay drivers make a directory that no entry of the layer names 0755, root's",
    implied_below_setgid: "a directory that no entry names, made below a setgid one, gets its group or setgid bit, or not",
    directory_attributes: "a directory named again: podman's vfs and containerd keep its old attributes beside the new ones",
    overlayfs_attributes: "overlayfs does not show its own attributes, and umoci does not set them",
    empty_attributes: "containerd sets attributes of no bytes, which Go's tar reader takes for none",
    copied_links: "vfs drivers copy a layer's hard-linked symlinks and fifos as several",
}


def obstructed(runtime, text):
    return runtime.name == "containerd-overlayfs" and ("lstat" in text and "not a directory" in text or "too many links" in text)


def whiteout_below_whiteout(runtime, text):
    return runtime.name in ("docker-overlay2", "containerd-overlayfs") and "not a directory" in text and ("mkparent" in text or "mknod" in text)


REFUSALS = {
    obstructed: "containerd's overlayfs refuses a directory that no entry names where a lower layer, however low, has something else above it",
    whiteout_below_whiteout: "Docker's and containerd's overlay drivers refuse a whiteout below what the layer hides already",
}

# Which runtimes may show the tree of another reading than the one that names them in an ambiguous image, in which fields
# (None: any), and why.
OTHERWISE = {
    "containerd-native": (None, "an unpacker of its own, not vfs's in all"),
    "containerd-overlayfs": (None, "an unpacker of its own, not Docker's or podman's in all"),
    "docker-overlay2": ("xattrs", "a hard link takes the capabilities, as in Docker's vfs and unlike podman"),
    "podman-vfs": ("xattrs", "a hard link leaves the capabilities, as in podman's overlay and unlike Docker"),
}


class Counter:
    def __init__(self):
        self.counts = {rule: collections.Counter() for rule in [*KNOWN, *REFUSALS]}

    def excuses(self, runtime, facts, path, field, want, got):
        for rule in KNOWN:
            if rule(runtime, facts, path, field, want, got):
                self.counts[rule][runtime.name] += 1
                return True
        return False

    def excuses_refusal(self, runtime, text):
        for rule in REFUSALS:
            if rule(runtime, text):
                self.counts[rule][runtime.name] += 1
                return True
        return False

    def lines(self):
        for rule, reason in (KNOWN | REFUSALS).items():
            who = ", ".join(f"{name} {count}" for name, count in sorted(self.counts[rule].items()))
            yield f"{sum(self.counts[rule].values()):6}  {reason} ({who or 'not seen'})"
