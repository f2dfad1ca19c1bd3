"""Images that real tools built, as OCI layouts with one image each, put together in one."""
import collections
import json
import os
import pathlib
import tarfile

from images import Image, Layout
from layers import Entry, Stack

TYPES = {
    tarfile.REGTYPE: "file", tarfile.LNKTYPE: "link", tarfile.SYMTYPE: "symlink", tarfile.CHRTYPE: "char",
    tarfile.BLKTYPE: "block", tarfile.DIRTYPE: "dir", tarfile.FIFOTYPE: "fifo",
}
# What the layers above the base must hold, or the images are not what they were built for.
WANTED = ["whiteouts", "hard links", "capabilities", "accounts"]


def entries(path):
    """The entries of a stored layer, without content: what known.py asks for."""
    out = []
    with tarfile.open(path, encoding="utf-8", errors="surrogateescape") as archive:
        for item in archive:
            name, link = (text.encode("utf-8", "surrogateescape") for text in (item.name, item.linkname))
            xattrs = {key: b"" for key in item.pax_headers if key.startswith("SCHILY.xattr.")}
            out.append(Entry(name, TYPES[item.type], item.mode, item.uid, item.gid, link=link, xattrs=xattrs))
    return out


class RealImage(Image):
    is_real = True

    def __init__(self, name, layout, manifest):
        self.layout, self.manifest = layout, manifest
        content = json.loads(layout.read(manifest))
        self.config, self.descriptors = content["config"], content["layers"]
        config = json.loads(layout.read(self.config))
        self.diff_ids = [diff_id.removeprefix("sha256:") for diff_id in config["rootfs"]["diff_ids"]]
        paths = [layout.blobs / descriptor["digest"].removeprefix("sha256:") for descriptor in self.descriptors]
        self.stack = Stack(name, [entries(path) for path in paths], True)
        self.named()


def layout(directory):
    """All layouts below a directory as one."""
    out = Layout(directory / "all")
    for child in sorted(path for path in directory.iterdir() if (path / "index.json").exists()):
        for blob in (child / "blobs/sha256").iterdir():
            if not (out.blobs / blob.name).exists():
                os.link(blob, out.blobs / blob.name)
        manifest = json.loads((child / "index.json").read_text())["manifests"][0]
        out.images.append(RealImage(child.name, out, manifest))
    out.finish()
    return out


def upper(image):
    """What the layers above the base hold, counted."""
    counts = collections.Counter({name: 0 for name in [*WANTED, "opaque markers"]})
    for entry in (entry for layer in image.stack.layers[1:] for entry in layer):
        name = entry.path.rpartition(b"/")[2]
        if name == b".wh..wh..opq":
            counts["opaque markers"] += 1
        elif name.startswith(b".wh."):
            counts["whiteouts"] += 1
        counts["hard links"] += entry.type == "link"
        counts["capabilities"] += "SCHILY.xattr.security.capability" in entry.xattrs
        counts["accounts"] += entry.path.endswith(b"etc/passwd")
    return counts


def missing(image):
    counts = upper(image)
    return [f"{image.stack.name}: {name}" for name in WANTED if not counts[name]]
