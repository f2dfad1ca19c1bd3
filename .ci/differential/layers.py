"""Layer stacks as data, and as tar archives written byte by byte: Python's own writer cannot write all that is needed
here (any byte in a name or an attribute's value, several notations of one name)."""
import dataclasses
import hashlib

TYPES = {"file": b"0", "link": b"1", "symlink": b"2", "char": b"3", "block": b"4", "dir": b"5", "fifo": b"6"}


@dataclasses.dataclass
class Entry:
    """One tar member. `path` is bytes as a runtime would clean it; `prefix` and `suffix` stand around it in the tar."""

    path: bytes
    type: str = "file"
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    data: bytes = b""
    link: bytes = b""
    device: tuple = (0, 0)
    xattrs: dict = dataclasses.field(default_factory=dict)
    prefix: bytes = b""
    suffix: bytes = b""
    gnu: bool = False  # long names in the GNU notation, not PAX

    def __str__(self):
        name = (self.prefix + self.path + self.suffix).decode("utf-8", "backslashreplace")
        text = f"{self.type:7} {self.mode:04o} {self.uid}:{self.gid} {name if len(name) < 60 else name[:25] + '…' + name[-25:]}"
        if self.link:
            text += " -> " + self.link.decode("utf-8", "backslashreplace")
        if self.type in ("char", "block"):
            text += " %d:%d" % self.device
        if self.type == "file":
            text += f" ({len(self.data)} bytes)"
        return text + "".join(f" {name}={value.hex()}" for name, value in self.xattrs.items())


def whiteout(path, **more):
    directory, slash, name = path.rpartition(b"/")
    return Entry(directory + slash + b".wh." + name, **more)


def opaque(directory, **more):
    return Entry((directory + b"/" if directory else b"") + b".wh..wh..opq", **more)


@dataclasses.dataclass
class Stack:
    """Layers, lowest first. `plain`: nothing in it is ambiguous, so all runtimes must agree."""

    name: str
    layers: list
    plain: bool

    def entries(self):
        return sum(map(len, self.layers))

    def __str__(self):
        lines = [f"{self.name}: {'plain' if self.plain else 'may be ambiguous'}"]
        for number, layer in enumerate(self.layers):
            lines += [f"  layer {number}"] + [f"    {entry}" for entry in layer]
        return "\n".join(lines)


def pax_record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def padded(data):
    return data + bytes(-len(data) % 512)


def block(name, type_, mode, uid, gid, size, link=b"", device=(0, 0)):
    header = b"".join(
        [name[:100].ljust(100, b"\0"), b"%07o\0" % mode, b"%07o\0" % uid, b"%07o\0" % gid, b"%011o\0" % size]
        + [b"%011o\0" % 1704067200, b" " * 8, type_, link[:100].ljust(100, b"\0"), b"ustar\x0000", bytes(64)]
        + [b"%07o\0" % device[0], b"%07o\0" % device[1], bytes(167)]
    )
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def member(entry):
    name, out, records = entry.prefix + entry.path + entry.suffix, b"", b""
    for long, key, kind in ((name, b"path", b"L"), (entry.link, b"linkpath", b"K")):
        if len(long) > 100 and entry.gnu:
            out += block(b"././@LongLink", kind, 0o644, 0, 0, len(long) + 1) + padded(long + b"\0")
        elif len(long) > 100:
            records += pax_record(key, long)
    for attribute, value in entry.xattrs.items():
        records += pax_record(b"SCHILY.xattr." + attribute.encode(), value)
    if records:
        out += block(b"PaxHeaders.0/x", b"x", 0o644, 0, 0, len(records)) + padded(records)
    data = entry.data if entry.type == "file" else b""
    out += block(name, TYPES[entry.type], entry.mode, entry.uid, entry.gid, len(data), entry.link, entry.device)
    return out + padded(data)


def tar(layer):
    return b"".join(map(member, layer)) + bytes(1024)


def digest(data):
    return hashlib.sha256(data).hexdigest()
