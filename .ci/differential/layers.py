"""Layer stacks as data, and as tar archives written byte by byte: Python's own writer cannot write all that is needed
here (any byte in a name or an attribute's value, several notations of one name, four forms of sparse files)."""
import dataclasses
import hashlib

TYPES = {"file": b"0", "link": b"1", "symlink": b"2", "char": b"3", "block": b"4", "dir": b"5", "fifo": b"6"}
# What `stat` has above the permissions; some archivers write it into the header's mode.
TYPE_BITS = {"file": 0o100000, "link": 0o100000, "symlink": 0o120000, "char": 0o020000, "block": 0o060000, "dir": 0o040000, "fifo": 0o010000}
NOTATIONS = ["ustar", "pax", "gnu", "v7"]
SPARSE = ["old-gnu", "pax-0.0", "pax-0.1", "pax-1.0"]
MAGIC = {"ustar": b"ustar\x0000", "pax": b"ustar\x0000", "gnu": b"ustar  \0", "v7": bytes(8)}
OCTAL = 0o7777777


@dataclasses.dataclass
class Entry:
    """One tar member. `path` is bytes as a runtime would clean it; `prefix` and `suffix` stand around it in the tar, or
    `written` in its place altogether."""

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
    written: bytes = None
    # In whose way the header is written: GNU's long names and base-256 numbers; PAX records; a ustar prefix, or PAX
    # records where that does not do; or as before POSIX, where it does.
    notation: str = "ustar"
    sparse: str = None  # one of SPARSE
    flag: bytes = None  # in place of the type's own
    type_bits: bool = False
    records: tuple = ()  # more PAX records: key and value
    globals: tuple = ()  # those of a global header that comes before
    global_name: bytes = b"pax_global_header"

    @property
    def name(self):
        return self.prefix + self.path + self.suffix if self.written is None else self.written

    def __str__(self):
        name = self.name.decode("utf-8", "backslashreplace")
        text = f"{self.type:7} {self.mode:04o} {self.uid}:{self.gid} {name if len(name) < 60 else name[:25] + '…' + name[-25:]}"
        if self.link:
            text += " -> " + self.link.decode("utf-8", "backslashreplace")
        if self.type in ("char", "block"):
            text += " %d:%d" % self.device
        if self.type == "file":
            text += f" ({len(self.data)} bytes)"
        text += "".join(f" {name}={value.hex()}" for name, value in self.xattrs.items())
        text += "".join(f" {word}" for word in (self.sparse, self.flag, self.records, self.globals) if word)
        return text + (f" [{self.notation}]" if self.notation != "ustar" else "")


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
    compression: str = "none"  # as the blobs are stored; see images.COMPRESSIONS

    def entries(self):
        return sum(map(len, self.layers))

    def __str__(self):
        stored = "" if self.compression == "none" else f", stored as {self.compression}"
        lines = [f"{self.name}: {'plain' if self.plain else 'may be ambiguous'}{stored}"]
        for number, layer in enumerate(self.layers):
            lines += [f"  layer {number}"] + [f"    {entry}" for entry in layer]
        return "\n".join(lines)


def cleaned(name):
    """A name as the runtimes clean it, `..` inside the root."""
    out = []
    for part in name.split(b"/"):
        if part == b"..":
            out = out[:-1]
        elif part not in (b"", b"."):
            out.append(part)
    return b"/" + b"/".join(out)


def parents(path):
    """The paths above one, nearest first, without the root."""
    while path.rpartition(b"/")[0]:
        path = path.rpartition(b"/")[0]
        yield path


def pax_record(key, value):
    body = b" " + key + b"=" + value + b"\n"
    length = len(body) + 1
    while len(b"%d" % length) + len(body) != length:
        length = len(b"%d" % length) + len(body)
    return b"%d" % length + body


def padded(data):
    return data + bytes(-len(data) % 512)


def block(name, flag, mode=0o644, uid=0, gid=0, size=0, link=b"", device=(0, 0), notation="ustar", prefix=b"", tail=bytes(167)):
    def number(value, width):
        if value < 8 ** (width - 1):
            return b"%0*o\0" % (width - 1, value)
        return (value | 1 << 8 * width - 1).to_bytes(width, "big")

    devices = number(device[0], 8) + number(device[1], 8) if notation != "v7" else bytes(16)
    rest = prefix.ljust(155, b"\0") + bytes(12) if prefix else tail
    header = b"".join(
        [name[:100].ljust(100, b"\0"), number(mode, 8), number(uid, 8), number(gid, 8), number(size, 12)]
        + [number(1704067200, 12), b" " * 8, flag, link[:100].ljust(100, b"\0"), MAGIC[notation], bytes(64), devices, rest]
    )
    return header[:148] + b"%06o\0 " % sum(header) + header[156:]


def segments(data):
    """The parts of a file that are not holes; GNU tar ends with one of no bytes where the file ends in a hole."""
    out = []
    for start in range(0, len(data), 512):
        if any(data[start:start + 512]):
            if out and out[-1][1] == start:
                out[-1][1] = min(start + 512, len(data))
            else:
                out.append([start, min(start + 512, len(data))])
    if not out or out[-1][1] < len(data):
        out.append([len(data), len(data)])
    return [(start, end - start) for start, end in out]


def sparse(entry, name):
    """A sparse file: what stands in its header's place, its PAX records, what is stored, and its header's name."""
    found = segments(entry.data)
    stored = b"".join(entry.data[start:start + length] for start, length in found)
    if entry.sparse == "old-gnu":
        numbers = [b"%011o\0%011o\0" % segment for segment in found]
        first = b"".join(numbers[:4]).ljust(96, b"\0")
        # From byte 345: times and volume, the map, whether more of it follows, the real size.
        tail = bytes(41) + first + bytes([len(numbers) > 4]) + b"%011o\0" % len(entry.data) + bytes(17)
        more = [b"".join(numbers[n:n + 21]).ljust(504, b"\0") for n in range(4, len(numbers), 21)]
        maps = b"".join(part + bytes([n + 1 < len(more)]) + bytes(7) for n, part in enumerate(more))
        return {"flag": b"S", "notation": "gnu", "tail": tail}, [], maps, stored, name
    size, count = b"%d" % len(entry.data), b"%d" % len(found)
    directory, slash, last = name.rpartition(b"/")
    odd = directory + slash + b"GNUSparseFile.0/" + last
    if entry.sparse == "pax-1.0":
        lines = [b"%d\n%d\n" % segment for segment in found]
        records = [(b"GNU.sparse.major", b"1"), (b"GNU.sparse.minor", b"0"), (b"GNU.sparse.name", name), (b"GNU.sparse.realsize", size)]
        return {}, records, b"", padded(count + b"\n" + b"".join(lines)) + stored, odd
    records = [(b"GNU.sparse.size", size), (b"GNU.sparse.numblocks", count)]
    if entry.sparse == "pax-0.0":
        for start, length in found:
            records += [(b"GNU.sparse.offset", b"%d" % start), (b"GNU.sparse.numbytes", b"%d" % length)]
        return {}, records, b"", stored, name
    records += [(b"GNU.sparse.map", b",".join(b"%d,%d" % segment for segment in found)), (b"GNU.sparse.name", name)]
    return {}, records, b"", stored, odd


def ustar_prefix(name):
    """A long name in two, for the header's two fields; nothing where it does not fit."""
    for at, byte in enumerate(name):
        if byte == ord("/") and 0 < at <= 155 and 0 < len(name) - at - 1 <= 100:
            return name[:at], name[at + 1:]
    return None


def is_old(entry):
    """Whether the notation before POSIX has all that the entry says."""
    return entry.notation == "v7" and entry.type in ("file", "dir", "symlink", "link") and not (
        entry.xattrs or entry.sparse or entry.records or entry.flag or max(entry.uid, entry.gid) > OCTAL
        or len(entry.name) >= 100 or len(entry.link) > 100 or entry.type == "file" and entry.name.endswith(b"/"))


def notation_of(entry):
    """The notation as it is written."""
    return "gnu" if entry.notation == "v7" and not is_old(entry) else entry.notation


def member(entry):
    name, link, out, records = entry.name, entry.link, b"", list(entry.records)
    notation = notation_of(entry)
    header = {"flag": entry.flag or TYPES[entry.type], "notation": notation}
    if notation == "v7" and entry.type in ("file", "dir"):
        # Directories are told by their slash alone.
        header["flag"], name = b"\0", name + b"/" * (entry.type == "dir" and not name.endswith(b"/"))
    stored, maps = entry.data if entry.type == "file" else b"", b""
    if entry.sparse:
        changed, more, maps, stored, name = sparse(entry, name)
        header.update(changed)
        records += more
    for key, value in ((b"uid", entry.uid), (b"gid", entry.gid)):
        if value > OCTAL and header["notation"] != "gnu":
            records.append((key, b"%d" % value))
            value = 0
        header[key.decode()] = value
    split = ustar_prefix(name) if len(name) > 100 and notation == "ustar" else None
    if split:
        header["prefix"], name = split
    for long, key, kind in ((name, b"path", b"L"), (link, b"linkpath", b"K")):
        if len(long) > 100 and header["notation"] == "gnu":
            out += block(b"././@LongLink", kind, size=len(long) + 1, notation="gnu") + padded(long + b"\0")
        elif len(long) > 100 or notation == "pax" and long:
            if key != b"path" or not (entry.sparse and entry.sparse.endswith(("0.1", "1.0"))):
                records.append((key, long))
    if notation == "pax":
        records.append((b"mtime", b"1704067200.123456789"))
        name = name.replace(b"\xff", b"?")  # as Go does with what is no ASCII: the record counts
    records += [(b"SCHILY.xattr." + attribute.encode(), value) for attribute, value in entry.xattrs.items()]
    for these, kind, at in ((entry.globals, b"g", entry.global_name), (records, b"x", b"PaxHeaders.0/x")):
        if these:
            body = b"".join(pax_record(*record) for record in these)
            # A global header stands before all that is about one member.
            out = out + block(at, kind, size=len(body)) + padded(body) if kind == b"x" else block(at, kind, size=len(body)) + padded(body) + out
    mode = entry.mode | TYPE_BITS[entry.type] * entry.type_bits
    out += block(name, mode=mode, size=len(stored), link=link, device=entry.device, **header)
    return out + maps + padded(stored)


def tar(layer):
    return b"".join(map(member, layer)) + bytes(1024)


def digest(data):
    return hashlib.sha256(data).hexdigest()
