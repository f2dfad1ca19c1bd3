"""Differences between a runtime's tree and the reading that names it which are known, and not the image's fault. Each
has its reason, is counted, and is told at the end; anything else is a failure.

One difference is one field of one path; `exists` stands for a path that is in one of the trees only.
"""
import collections

from layers import cleaned, parents

LIBARCHIVE = b"LIBARCHIVE.xattr."
PODMAN_VFS, PODMAN_OVERLAY = ("podman-vfs", "buildah-vfs"), ("podman-overlay", "buildah-overlay")


class Stacked:
    """What is to be known of a stack: which directories no entry names, in which layer."""

    def __init__(self, stack):
        self.implied, self.markers, self.setgid = set(), set(), set()
        # Directories that no entry names where a lower layer has a symlink: ocicheck tells each as ambiguous-entry.
        self.over_symlinks = set()
        self.root_named = self.headers_differ = False
        self.libarchive, symlinks = set(), {}
        for layer in stack.layers:
            named = {cleaned(entry.name) for entry in layer if entry.type == "dir"}
            self.root_named |= b"/" in named
            lower_symlinks = set(symlinks)
            for entry in layer:
                path = cleaned(entry.name)
                marker = b"/.wh." in path  # a whiteout, an opaque marker, what AUFS left
                for above in parents(path):
                    if above not in named:
                        self.implied.add(above)
                        if above in lower_symlinks:
                            self.over_symlinks.add(above)
                    if marker:
                        self.markers |= {above, followed(above, symlinks)}
                if entry.type == "symlink":
                    symlinks[path] = entry.link
                if entry.type == "dir" and entry.mode & 0o2000:
                    self.setgid.add(path)
                found = {key.removeprefix(LIBARCHIVE).decode() for key, _ in entry.records if key.startswith(LIBARCHIVE)}
                self.libarchive |= found
                # What Go's readers, and so the runtimes, take otherwise than ocicheck, which tells it as ambiguous-header.
                self.headers_differ |= bool(found) or entry.globals != () and (
                    entry.global_name != b"pax_global_header" or any(key != b"comment" for key, _ in entry.globals))


def followed(path, symlinks):
    """Where a path of directories leads."""
    for _ in range(40):
        via = next((above for above in [*reversed([*parents(path)]), path] if above in symlinks), None)
        if via is None:
            break
        target = symlinks[via] if symlinks[via].startswith(b"/") else via.rpartition(b"/")[0] + b"/" + symlinks[via]
        path = cleaned(target + path[len(via):])
    return path


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
    return runtime.name in (*PODMAN_OVERLAY, "docker-overlay2") and is_directory(got) and path in facts.implied and (
        got.mode & ~0o2000, got.uid, got.gid, got.xattrs) == (0o755, 0, 0, {}) and field in ("mode", "uid", "gid", "xattrs")


def implied_over_symlink(runtime, facts, path, field, want, got):
    return runtime.name == "containerd-overlayfs" and field in ("uid", "gid") and path in facts.over_symlinks and (
        is_directory(want) and is_directory(got))


def implied_below_setgid(runtime, facts, path, field, want, got):
    below = any(above in facts.setgid for above in parents(path))
    return field in ("mode", "gid") and is_directory(got) and path in facts.implied and below and (
        got.mode | 0o2000 == want.mode | 0o2000 or got.mode == 0o2600)


def directory_attributes(runtime, facts, path, field, want, got):
    return field == "xattrs" and (runtime.name in PODMAN_VFS or runtime.name.startswith("containerd")) and is_directory(got) and (
        want.xattrs.items() <= got.xattrs.items())


def overlayfs_attributes(runtime, facts, path, field, want, got):
    def others(node):
        return {name: value for name, value in node.xattrs.items() if not name.startswith("trusted.overlay.")}
    return field == "xattrs" and runtime.name not in PODMAN_VFS and others(want) == others(got)


def empty_attributes(runtime, facts, path, field, want, got):
    return field == "xattrs" and runtime.name.startswith("containerd") and want.xattrs == {
        name: value for name, value in got.xattrs.items() if value}


def copied_links(runtime, facts, path, field, want, got):
    return runtime.name in ("docker-vfs", "containerd-native", *PODMAN_VFS) and field == "links" and want.type == got.type != "file"


def symlink_mode(runtime, facts, path, field, want, got):
    return field == "mode" and want.type == got.type == "symlink"


def libarchive_attributes(runtime, facts, path, field, want, got):
    def others(node):
        return {name: value for name, value in node.xattrs.items() if name not in facts.libarchive}
    return field == "xattrs" and others(want) == others(got) == got.xattrs and not any(
        name.startswith(("security.", "system.", "trusted.")) for name in facts.libarchive)


def dockers_own(runtime, facts, path, field, want, got):
    if path in (b"/dev", b"/etc"):
        return runtime.name.startswith("docker") and field == "exists" and want is None
    return runtime.name.startswith("docker") and path in DOCKERS_OWN


# What dockerd puts into every container, whatever the image has there.
DOCKERS_OWN = {
    b"/.dockerenv", b"/dev/console", b"/dev/pts", b"/dev/shm", b"/etc/hostname", b"/etc/hosts", b"/etc/mtab",
    b"/etc/resolv.conf", b"/proc", b"/sys",
}

KNOWN = {
    root: "the root directory's mode is the runtime's own, where no entry names it or the entry is passed over",
    empty_directory: "what is no content (a whiteout, what AUFS left) in a directory that is nowhere leaves an empty one (umoci: none)",
    implied_0600: "Docker 20.10 with vfs makes directories that no entry names 0600, not 0755",
    implied_reset: "Docker's and podman's overlay drivers make a directory that no entry of the layer names 0755, root's",
    implied_over_symlink: "containerd's overlayfs gives a directory that no entry names, over a lower symlink (ambiguous), the owner of where that leads",
    implied_below_setgid: "a directory that no entry names, made below a setgid one, gets its group or setgid bit, or not",
    directory_attributes: "a directory named again: podman's vfs and containerd keep its old attributes beside the new ones",
    overlayfs_attributes: "overlayfs does not show its own attributes, and umoci does not set them",
    empty_attributes: "containerd sets attributes of no bytes, which Go's tar reader takes for none",
    copied_links: "vfs drivers and containerd's native copy a layer's hard-linked symlinks, fifos and devices as several",
    symlink_mode: "a symlink's mode is the archive's; Linux has none",
    libarchive_attributes: "Go reads no attributes in libarchive's form; privileged ones are told as ambiguous-header",
    dockers_own: "dockerd puts files of its own into every container",
}


def obstructed(runtime, text):
    return runtime.name == "containerd-overlayfs" and ("lstat" in text and "not a directory" in text or "too many links" in text)


def global_header(runtime, text):
    return runtime.name == "umoci" and r"unknown typeflag '\x67'" in text


def old_sparse(runtime, text):
    return r"unknown typeflag '\x53'" in text or "unhandled tar header type 83" in text


def no_zstd(runtime, text):
    return runtime.name == "umoci" and "zstd" in text


def own_directory_replaced(runtime, text):
    return "not a directory" in text and ("chtimes" in text or runtime.name == "containerd-native" and "lstat" in text)


def whiteout_below_whiteout(runtime, text):
    return runtime.name in ("docker-overlay2", "containerd-overlayfs") and "not a directory" in text and ("mkparent" in text or "mknod" in text)


REFUSALS = {
    global_header: "umoci 0.4.7 refuses global PAX headers",
    old_sparse: "no runtime here unpacks sparse files in GNU's old form",
    no_zstd: "umoci 0.4.7 knows no zstd",
    obstructed: "containerd's overlayfs refuses a directory that no entry names where a lower layer, however low, has something else above it",
    own_directory_replaced: "Docker, podman and containerd refuse a layer that replaces a directory above one of its own entries",
    whiteout_below_whiteout: "Docker's and containerd's overlay drivers refuse a whiteout below what the layer hides already",
}

# Which runtimes may show the tree of another reading than the one that names them in an ambiguous image, in which fields
# (None: any), and why.
OTHERWISE = {
    "containerd-native": (None, "an unpacker of its own, not vfs's in all"),
    "containerd-overlayfs": (None, "an unpacker of its own, not Docker's or podman's in all"),
    "docker-overlay2": ("xattrs", "a hard link takes the capabilities, as in Docker's vfs and unlike podman"),
    **dict.fromkeys(PODMAN_VFS, ("xattrs", "a hard link leaves the capabilities, as in podman's overlay and unlike Docker")),
}


class Counter:
    def __init__(self):
        self.counts = {rule: collections.Counter() for rule in [*KNOWN, *REFUSALS]}
        self.root_differs = False

    def excuses(self, runtime, facts, path, field, want, got):
        for rule in KNOWN:
            if rule(runtime, facts, path, field, want, got):
                self.counts[rule][runtime.name] += 1
                # Where an entry names the root, an excuse for it is no agreement.
                self.root_differs |= rule is root and facts.root_named
                return True
        return False

    def excuses_refusal(self, runtime, text):
        for rule in REFUSALS:
            if rule(runtime, text):
                self.counts[rule][runtime.name] += 1
                return True
        return False

    def take(self, other):
        for rule, counts in other.counts.items():
            self.counts[rule] += counts

    def lines(self):
        for rule, reason in (KNOWN | REFUSALS).items():
            who = ", ".join(f"{name} {count}" for name, count in sorted(self.counts[rule].items()))
            yield f"{sum(self.counts[rule].values()):6}  {reason} ({who or 'not seen'})"
