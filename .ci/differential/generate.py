"""Random layer stacks over few names, so that layers meet each other often.

A plain stack holds nothing that runtimes read differently: no entry behind a symlink or below a file, no whiteout
beside an entry of its name, hard links only to files of the layer and with their metadata, opaque markers first, no path
twice, no file whose name ends in a slash. In a loose stack each of these may be broken.
"""
import copy
import random

from layers import NOTATIONS, SPARSE, Entry, Stack, opaque, whiteout

NAMES = [b"a", b"b", b"c", b"d"]
RARE = [b"\xff\xfe", b"n\xc3\xb6", b"sp ace", b"-x", b"back\\slash", b"new\nline", b".whx", b"l" * 120]
# cap_net_raw+ep; one whose bytes hold a line feed, which a reader of PAX by lines would cut; cap_chown+p.
CAPABILITIES = ["0100000200200000000000000000000000000000", "010000020a0000000a0000000000000000000000", "0000000201000000000000000000000000000000"]


class Generator:
    def __init__(self, seed, plain):
        self.random = random.Random(seed)
        self.plain = plain
        self.lower = {}  # what the lower layers make: path to type

    def stack(self, name):
        r, layers = self.random, []
        for _ in range(r.randint(2, 5)):
            draw = r.random()
            if draw < 0.04:
                layers.append([])
            elif draw < 0.08 and layers:
                # The uppermost again: what it found below it now finds as its own.
                layers.append(copy.deepcopy(layers[-1]))
            else:
                layers.append(self.layer())
        compression = r.choices(["none", "gzip", "gzip members", "zstd", "zstd frames"], [80, 12, 4, 2, 2])[0]
        return Stack(name, layers, self.plain, compression)

    def loose(self):
        """Whether a rule of plain stacks is broken this time."""
        return not self.plain and self.random.random() < 0.3

    def path(self):
        r = self.random
        count = r.randint(17, 24) if r.random() < 0.005 else r.choice([1, 1, 2, 2, 3, 3, 4])
        parts = [r.choice(RARE) if r.random() < 0.04 else r.choice(NAMES) for _ in range(count)]
        return b"/".join(parts)

    def layer(self):
        self.own, self.hidden, self.opaque, self.aliases = {}, set(), set(), {}
        first, body = [], []
        for _ in range(self.random.randint(2, 10)):
            draw = self.random.random()
            if draw < 0.16:
                body += self.whiteout()
            elif draw < 0.22:
                (body if self.loose() else first).extend(self.opaque_marker())
            else:
                body += self.entry()
        if self.loose() and body:
            body.insert(self.random.randrange(len(body)), body.pop(self.random.randrange(len(body))))
        if self.random.random() < 0.15:
            body += self.behind_own_symlink()
        self.merge(first + body)
        return self.styled(first + body)

    # --- what may stand where -----------------------------------------------------------------------------------

    def below(self, path):
        """The type of what the layers below show at a path, this layer's markers taken in."""
        at = path
        while b"/" in at:
            at = at.rpartition(b"/")[0]
            if at in self.opaque:
                return None
        return None if b"" in self.opaque else self.lower.get(path)

    def reachable(self, path):
        """Whether every directory above a path is one, or is nowhere."""
        at = path
        while b"/" in at:
            at = at.rpartition(b"/")[0]
            kind = self.own[at].type if at in self.own else self.below(at)
            if at in self.hidden or kind not in (None, "dir"):
                return False
        return True

    def holds(self, path):
        """Whether this layer says anything of what is below a path."""
        said = [*self.own, *self.hidden, *(marked + b"/" for marked in self.opaque)]
        return any(other.startswith(path + b"/") for other in said)

    # --- entries ------------------------------------------------------------------------------------------------

    def whiteout(self):
        r = self.random
        known = sorted(self.lower)
        path = r.choice(known) if known and r.random() < 0.75 else self.path()
        beside = path in self.own or path in self.hidden or self.holds(path)
        if (beside or not self.reachable(path)) and not self.loose():
            return []
        self.hidden.add(path)
        return [whiteout(path, mode=r.choice([0o600, 0o644, 0]))]

    def opaque_marker(self):
        r = self.random
        known = sorted(path for path, kind in self.lower.items() if kind == "dir")
        path = b"" if not self.plain and r.random() < 0.1 else r.choice(known) if known and r.random() < 0.85 else self.path()
        kind = self.own[path].type if path in self.own else self.below(path)
        # It stands before what this layer may put in place of lower files.
        lower = [path] + [path[:n] for n, byte in enumerate(path) if byte == ord("/")]
        fits = kind in (None, "dir") and path not in self.hidden | self.opaque and all(
            self.below(at) in (None, "dir") for at in lower)
        if not (fits and self.reachable(path)) and not self.loose():
            return []
        # What this layer has there was chosen by what the marker would hide.
        if self.plain and self.holds(path):
            return []
        self.opaque.add(path)
        return [opaque(path)]

    def entry(self):
        r = self.random
        path = self.path()
        symlinks = sorted({p for p, kind in self.lower.items() if kind == "symlink"} | {p for p, e in self.own.items() if e.type == "symlink"})
        if symlinks and self.loose() and r.random() < 0.5:
            path = r.choice(symlinks) + b"/" + r.choice(NAMES)
        taken = path in self.own or path in self.hidden
        if (taken or not self.reachable(path)) and not self.loose():
            return []
        entry = self.holding(path) if self.holds(path) and not self.loose() else self.any_entry(path)
        if entry is None:
            return []
        out = self.parents(path) + [entry]
        self.own[path] = entry
        return out

    def behind_own_symlink(self):
        """A file behind a symlink and a directory that the layer itself has, as when packages are put together."""
        r, path, name = self.random, self.path(), self.random.choice(NAMES)
        directories = sorted(p for p, e in self.own.items() if e.type == "dir" and self.reachable(p + b"/x"))
        if not directories or path in self.own or path in self.hidden or self.holds(path) or not self.reachable(path):
            return []
        real = r.choice(directories)
        at = real + b"/" + name
        if at in self.own or at in self.hidden or self.holds(at) or at == path or path.startswith(at + b"/"):
            return []
        parents = self.parents(path)
        self.own[path] = Entry(path, "symlink", 0o777, link=b"/" + real)
        self.aliases[path] = real
        return parents + [self.own[path], Entry(path + b"/" + name, mode=r.choice([0o644, 0o4755]), data=b"behind\n")]

    def holding(self, path):
        """A directory after what is in it: where a lower layer has something else there, order would matter."""
        return self.directory(path) if self.below(path) in (None, "dir") else None

    def parents(self, path):
        """The directories above, as most tools write them and some do not."""
        out, at = [], path
        while b"/" in at and self.random.random() < 0.6:
            at = at.rpartition(b"/")[0]
            if at in self.own or at in self.hidden or (self.holds(at) and self.below(at) not in (None, "dir")):
                continue
            out.insert(0, self.directory(at))
            self.own[at] = out[0]
        return out

    def owner(self):
        r = self.random
        return {"uid": r.choice([0, 0, 0, 1, 1000, 65534, 2000000, 3000000]), "gid": r.choice([0, 0, 0, 5, 100])}

    def directory(self, path):
        r = self.random
        mode = r.choice([0o755] * 5 + [0o700, 0o1777, 0o2755, 0o555])
        return Entry(path, "dir", mode, xattrs=self.xattrs(False), **self.owner())

    def xattrs(self, is_file):
        r, out = self.random, {}
        if r.random() < 0.08:
            out["user.note"] = r.choice([b"x", b"two\nlines\n", b"\x00\xff", b"a=b"])
        if is_file and r.random() < 0.06:
            out["security.capability"] = bytes.fromhex(r.choice(CAPABILITIES))
        return out

    def any_entry(self, path):
        r = self.random
        kind = r.choices(["file", "dir", "symlink", "link", "fifo", "char", "block"], [34, 22, 14, 14, 6, 6, 4])[0]
        if kind == "dir":
            return self.directory(path)
        if kind == "symlink":
            target = r.choice([self.path(), b"/" + self.path(), b"../" + self.path(), b"missing", b"/"])
            if r.random() < 0.05:
                target += b"/" + b"t" * 120
            return Entry(path, "symlink", r.choice([0o777] * 9 + [0o755]), link=target, **self.owner())
        if kind == "link":
            return self.hard_link(path)
        if kind in ("char", "block"):
            device = (0, 0) if self.loose() else r.choice([(1, 3), (1, 5), (5, 1), (8, 300)])
            return Entry(path, kind, r.choice([0o666, 0o600]), device=device, **self.owner())
        if kind == "fifo":
            return Entry(path, "fifo", 0o644, **self.owner())
        mode = r.choice([0o644] * 5 + [0o755, 0o600, 0o4755, 0o2755, 0o6755, 0o666, 0, 0o7777, 0o1644])
        data = r.choice([b"", b"x", b"one\n", b"two\n", b"z" * 511, b"z" * 513, r.randbytes(r.randint(1, 3000))])
        entry = Entry(path, "file", mode, data=data, xattrs=self.xattrs(True), **self.owner())
        if r.random() < 0.1:
            entry.sparse, entry.data = r.choices(SPARSE, [1, 4, 4, 4])[0], self.with_holes()
        return entry

    def with_holes(self):
        r = self.random
        parts = [r.choice([bytes(512), bytes(1024), b"y" * 512, r.randbytes(512)]) for _ in range(r.randint(0, 40))]
        return b"".join(parts) + r.choice([b"", b"", b"tail", bytes(100)])

    def hard_link(self, path):
        r = self.random
        own = sorted(p for p, e in self.own.items() if e.type != "dir" and p != path and not path.startswith(p + b"/"))
        if self.loose():
            targets = sorted(self.lower) or [self.path()]
            return Entry(path, "link", 0o600, link=self.path() if r.random() < 0.2 else r.choice(targets), **self.owner())
        if not own:
            return None
        target = self.own[r.choice(own)]
        link = Entry(path, "link", target.mode, target.uid, target.gid, link=target.path, xattrs=dict(target.xattrs))
        if self.loose():
            link.mode = 0o4755
        return link

    # --- the tar, and what comes of it ----------------------------------------------------------------------------

    def styled(self, layer):
        """Names and headers as the various tools write them."""
        r = self.random
        prefix = r.choice([b"", b"", b"./", b"/"])
        # Each tool has one notation; a layer of several is as good.
        notation = r.choice([*NOTATIONS, None])
        for entry in layer:
            entry.prefix = prefix
            entry.suffix = b"/" if entry.type == "dir" and r.random() < 0.9 else b""
            entry.notation = notation or r.choice(NOTATIONS)
            entry.type_bits = r.random() < 0.1
            if r.random() < 0.06:
                entry.written = self.oddly(entry.path) + entry.suffix
            if entry.type == "file" and not self.plain and r.random() < 0.01:
                entry.suffix = b"/"
            if entry.type == "link":
                entry.link = self.oddly(entry.link) if r.random() < 0.2 else prefix + entry.link
        if layer and r.random() < 0.02:
            # podman and Docker take its name for a path, and refuse one that comes twice.
            r.choice(layer).globals = ((b"comment", b"made by a test"),)
        return layer

    def oddly(self, path):
        """Another way to write a path."""
        r, parts = self.random, path.split(b"/")
        at = r.randrange(len(parts))
        between = r.choice([b"", b".", b"x/..", b"./x/y/../..", b"//"])
        return r.choice([b"", b"/", b"./", b"//"]) + b"/".join(parts[:at] + [between] * (at > 0) + parts[at:])

    def merge(self, layer):
        for path in self.hidden:
            self.drop(path, True)
        for path in self.opaque:
            self.drop(path, False)
        for entry in layer:
            if entry.path.rpartition(b"/")[2].startswith(b".wh."):
                continue
            kind = entry.type
            if kind == "link":
                kind = "file"
            above, _, name = entry.path.rpartition(b"/")
            at = self.aliases.get(above, above) + b"/" + name if above else name
            if kind != "dir":
                self.drop(at, True)
            self.lower[at] = kind
            while b"/" in at:
                at = at.rpartition(b"/")[0]
                self.lower[at] = "dir"

    def drop(self, path, itself):
        for lower in list(self.lower):
            if lower.startswith(path + b"/") or not path or (itself and lower == path):
                del self.lower[lower]


def stacks(count, seed):
    """A fifth of them loose."""
    return [Generator(f"{seed}/{n}", n % 5 != 4).stack(f"random-{n:03}") for n in range(count)]
