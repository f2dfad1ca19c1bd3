"""Trees of files, each path (bytes, absolute) with what is there, as ocicheck and the runtimes show them."""
import dataclasses
import hashlib
import os
import re
import stat
import tarfile

TYPES = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink", stat.S_IFCHR: "char-device",
    stat.S_IFBLK: "block-device", stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket",
}
TAR_TYPES = {
    tarfile.REGTYPE: "file", tarfile.DIRTYPE: "directory", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char-device",
    tarfile.BLKTYPE: "block-device", tarfile.FIFOTYPE: "fifo",
}


@dataclasses.dataclass
class Node:
    type: str
    mode: int
    uid: int
    gid: int
    size: int = 0
    sha256: str = None
    target: bytes = None
    device: str = None
    xattrs: dict = dataclasses.field(default_factory=dict)
    links: frozenset = frozenset()


FIELDS = [field.name for field in dataclasses.fields(Node)]


def link_up(tree, groups):
    """Tells each name of a file the others. `groups`: one list of paths for each file."""
    for paths in groups:
        for path in paths if len(paths) > 1 else ():
            tree[path].links = frozenset(paths) - {path}
    return tree


def of_directory(root):
    """What stands below a directory; its own metadata are those of `/`."""
    tree, inodes, pending = {}, {}, [(b"/", os.fsencode(root))]
    while pending:
        path, real = pending.pop()
        try:
            info = os.lstat(real)
        except FileNotFoundError:
            continue  # overlayfs lists the whiteouts of a directory that is in one layer only, and then denies them
        kind = TYPES[stat.S_IFMT(info.st_mode)]
        node = Node(kind, stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
        names = [] if kind == "symlink" else os.listxattr(real, follow_symlinks=False)
        node.xattrs = {name: os.getxattr(real, name, follow_symlinks=False).hex() for name in names}
        if kind == "file":
            with open(real, "rb") as file:
                data = file.read()
            node.size, node.sha256 = len(data), hashlib.sha256(data).hexdigest()
        elif kind == "symlink":
            node.target = os.readlink(real)
        elif kind.endswith("device"):
            node.device = f"{os.major(info.st_rdev)}:{os.minor(info.st_rdev)}"
        elif kind == "directory":
            slash = b"" if path == b"/" else b"/"
            pending += [(path + slash + name, real + b"/" + name) for name in os.listdir(real)]
        if kind != "directory":
            inodes.setdefault((info.st_dev, info.st_ino), []).append(path)
        tree[path] = node
    return link_up(tree, inodes.values())


def of_tar(stream):
    """What a `docker export` holds: of the attributes, only the capabilities; no root."""
    tree, files = {}, {}
    with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as archive:
        for item in archive:
            path = b"/" + item.name.encode("utf-8", "surrogateescape").strip(b"/")
            if item.islnk():
                first = b"/" + item.linkname.encode("utf-8", "surrogateescape").strip(b"/")
                tree[path] = dataclasses.replace(tree[first])
                files[first].append(path)
                continue
            node = Node(TAR_TYPES[item.type], item.mode & 0o7777, item.uid, item.gid)
            prefix = "SCHILY.xattr."
            node.xattrs = {
                key.removeprefix(prefix): value.encode("utf-8", "surrogateescape").hex()
                for key, value in item.pax_headers.items() if key.startswith(prefix)
            }
            if item.isreg():
                node.size, node.sha256 = item.size, hashlib.sha256(archive.extractfile(item).read()).hexdigest()
            elif item.issym():
                node.target = item.linkname.encode("utf-8", "surrogateescape")
            elif item.isdev() and not item.isfifo():
                node.device = f"{item.devmajor}:{item.devminor}"
            if not item.isdir():
                files[path] = [path]
            tree[path] = node
    return link_up(tree, files.values())


def unescaped(text):
    """The bytes that ocicheck shows as text."""
    def byte(match):
        return b"\\" if match[1] == b"\\" else bytes([int(match[2], 16)])
    return re.sub(rb"\\(\\|x([0-9a-f]{2}))", byte, text.encode())


def of_reading(reading):
    """One reading of `ocicheck inspect --tree`."""
    tree, files = {}, {}
    for item in reading["tree"]:
        path = unescaped(item["path"])
        tree[path] = Node(
            item["type"], int(item["mode"], 8), item["uid"], item["gid"], item["size"], item["sha256"],
            item["target"] and unescaped(item["target"]), item["device"],
            {unescaped(name).decode(): value for name, value in item["xattrs"].items()},
        )
        first = item["sameFileAs"]
        files.setdefault(unescaped(first) if first else path, []).append(path)
    return link_up(tree, files.values())


def shown(path):
    return path.decode("utf-8", "backslashreplace").replace("\n", "\\n")


def value(field, value):
    if field == "mode":
        return f"{value:04o}"
    if field == "links":
        return sorted(map(shown, value))
    return value
