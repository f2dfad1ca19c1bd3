"""Hand-made stacks, one for each case that matters; those that a specification or all runtimes settle are plain."""
from layers import NOTATIONS, SPARSE, Entry, Stack, opaque, whiteout

CAPABILITY = {"security.capability": bytes.fromhex("010000020a0000000a0000000000000000000000")}


def f(path, data=b"data\n", mode=0o644, **more):
    return Entry(path, "file", mode, data=data, **more)


def d(path, mode=0o755, **more):
    return Entry(path, "dir", mode, suffix=b"/", **more)


def s(path, target, **more):
    return Entry(path, "symlink", 0o777, link=target, **more)


def h(path, target, mode=0o644, **more):
    return Entry(path, "link", mode, link=target, **more)


PLAIN = {
    "whiteout-file": [[f(b"a/b"), f(b"a/c")], [whiteout(b"a/b")]],
    "whiteout-directory": [[d(b"a"), d(b"a/b"), f(b"a/b/c"), f(b"a/d")], [whiteout(b"a/b")]],
    "whiteout-symlink-not-target": [[f(b"a"), s(b"b", b"a")], [whiteout(b"b")]],
    "whiteout-of-nothing": [[f(b"a")], [whiteout(b"b")]],
    "whiteout-then-again": [[f(b"a", b"old")], [whiteout(b"a")], [f(b"a", b"new")]],
    "whiteout-one-hard-link": [[f(b"a"), h(b"b", b"a"), h(b"c", b"a")], [whiteout(b"a")]],
    "whiteout-before-file": [[f(b"a", b"old"), d(b"d"), f(b"d/x")], [whiteout(b"a"), f(b"a", b"new"), whiteout(b"d"), f(b"d")]],
    "whiteout-before-directory": [[f(b"a")], [whiteout(b"a"), d(b"a"), f(b"a/x")]],
    "whiteout-of-nothing-before-directory": [[f(b"f")], [whiteout(b"b/a"), d(b"b/a"), f(b"b/a/x"), whiteout(b"c"), s(b"c", b"f")]],
    "through-own-symlink-to-own-directory": [[d(b"usr"), f(b"usr/x")], [d(b"usr"), s(b"bin", b"usr"), s(b"sbin", b"/bin"), f(b"sbin/ls")]],
    "opaque-root-over-nothing": [[whiteout(b"a")], [opaque(b""), f(b"d/x")]],
    "opaque": [[d(b"a"), f(b"a/b"), d(b"a/c"), f(b"a/c/d")], [opaque(b"a"), d(b"a"), f(b"a/e")]],
    "opaque-in-order": [[d(b"a"), f(b"a/b")], [d(b"a", 0o700), opaque(b"a"), f(b"a/e")]],
    "opaque-last": [[d(b"a"), f(b"a/b")], [d(b"a"), f(b"a/e"), opaque(b"a")]],
    "opaque-of-nothing": [[f(b"c")], [d(b"a"), opaque(b"a"), f(b"a/b")]],
    "directory-over-directory": [[d(b"a", 0o1777), f(b"a/b")], [d(b"a", 0o2755, uid=1, gid=5)]],
    "file-over-directory": [[d(b"a"), f(b"a/b")], [f(b"a")]],
    "directory-over-file": [[f(b"a")], [d(b"a"), f(b"a/b")]],
    "directory-over-symlink": [[d(b"b"), f(b"b/x"), s(b"a", b"b")], [d(b"a"), f(b"a/y")]],
    "symlink-over-directory": [[d(b"a"), f(b"a/b"), d(b"c")], [s(b"a", b"c")]],
    "fifo-over-file-over-device": [[Entry(b"a", "char", 0o666, device=(1, 3))], [f(b"a")], [Entry(b"a", "fifo", 0o600)]],
    "devices": [[Entry(b"a", "char", 0o666, device=(1, 3)), Entry(b"b", "block", 0o660, gid=6, device=(8, 300))]],
    "hard-link-privileged": [[f(b"a", mode=0o4755), h(b"b", b"a", 0o4755)]],
    "hard-link-capability": [[f(b"a", xattrs=CAPABILITY), h(b"b", b"a", xattrs=CAPABILITY)]],
    "hard-link-replaced": [[f(b"a", b"one"), h(b"b", b"a")], [f(b"a", b"two", uid=1)]],
    "hard-link-to-symlink": [[f(b"a"), s(b"b", b"a"), Entry(b"c", "link", 0o777, link=b"b")]],
    "attributes": [[f(b"a", xattrs={"user.x": b"a=b\nc\0", **CAPABILITY})], [f(b"b", xattrs={"user.y": b""})]],
    "sparse": [[f(b"a" + form.encode(), bytes(1024) + b"x" * 700 + bytes(2000), sparse=form) for form in SPARSE[1:]]],
    "sparse-old-gnu": [[f(b"a", bytes(1024) + b"x" * 700 + bytes(2000), sparse="old-gnu")]],
    "notations": [[f(b"a" + n.encode(), notation=n, uid=3000000, type_bits=True) for n in NOTATIONS]],
    "global-comment": [[f(b"a", globals=((b"comment", b"x"),)), f(b"b", uid=1)]],
    "attributes-of-libarchive": [[f(b"a", records=((b"LIBARCHIVE.xattr.user.x", b"Zg"),))]],
    "attributes-gone": [[f(b"a", xattrs=CAPABILITY)], [f(b"a")]],
    "directory-attributes-replaced": [[d(b"a", xattrs={"user.x": b"1"}), f(b"a/b")], [d(b"a", xattrs={"user.y": b"2"})]],
    "owner-only": [[f(b"a", mode=0o4755, uid=1)], [f(b"a", mode=0o4755, uid=2, gid=3)]],
    "big-owner": [[f(b"a", uid=0o7777777, gid=2097151)]],
    "names-not-utf8": [[f(b"\xff"), d(b"\xfe"), f(b"\xfe/\xfd"), s(b"l", b"\xff")], [whiteout(b"\xff")]],
    "names-long": [[f(b"x" * 200 + b"/" + b"y" * 200), f(b"z" * 240, notation="gnu"), s(b"l", b"t" * 300)]],
    "names-dotted": [[f(b"a", prefix=b"./"), f(b"b/c", prefix=b"/"), f(b"b/d", prefix=b".//./"), d(b"e", prefix=b"x/../")]],
    "names-like-whiteouts": [[f(b".whx"), f(b"a/.w"), f(b"a/wh.b")], [whiteout(b"a/.w")]],
    "implied-parents": [[f(b"a/b/c/d")], [f(b"a/b/e")]],
    "implied-parent-of-special-directory": [[d(b"tmp", 0o1777, uid=7)], [f(b"tmp/a")]],
    "implied-below-setgid": [[d(b"a", 0o2755, gid=5), f(b"a/b/c")]],
    "aufs-leftovers": [[f(b".wh..wh.aufs"), d(b".wh..wh.orph"), d(b".wh..wh.plnk"), f(b"a")]],
    "empty-layer": [[f(b"a")], [], [f(b"b")]],
    "symlinks-out": [[s(b"a", b"../../../etc/passwd"), s(b"b", b"/etc"), s(b"c", b"c"), s(b"e", b"nowhere")]],
}
LOOSE = {
    "opaque-root": [[d(b"a"), f(b"a/b"), f(b"c")], [opaque(b""), f(b"d")]],
    "opaque-root-below-named": [[d(b"a"), f(b"a/b")], [d(b"a"), f(b"a/c"), opaque(b"")]],
    "through-lower-symlink": [[d(b"usr"), d(b"usr/bin"), f(b"usr/bin/ls"), s(b"bin", b"usr/bin")], [f(b"bin/ls", b"evil")]],
    "through-absolute-symlink": [[d(b"usr"), s(b"bin", b"/usr")], [f(b"bin/ls")]],
    "through-escaping-symlink": [[d(b"usr"), s(b"bin", b"../../usr")], [f(b"bin/ls")]],
    "through-own-symlink": [[d(b"usr")], [s(b"bin", b"usr"), f(b"bin/ls")]],
    "through-dangling-symlink": [[s(b"bin", b"none/at/all")], [f(b"bin/ls")]],
    "through-looping-symlink": [[s(b"bin", b"bin")], [f(b"bin/ls")]],
    "whiteout-through-symlink": [[d(b"usr"), f(b"usr/a"), s(b"bin", b"usr")], [whiteout(b"bin/a")]],
    "opaque-below-symlink": [[d(b"usr"), d(b"usr/a"), f(b"usr/a/b"), s(b"bin", b"usr")], [opaque(b"bin/a")]],
    "opaque-through-symlink": [[d(b"usr"), f(b"usr/a"), s(b"bin", b"usr")], [opaque(b"bin"), f(b"usr/b")]],
    "hard-link-across": [[f(b"a", mode=0o755)], [h(b"b", b"a", 0o4755, uid=3)]],
    "hard-link-across-same": [[f(b"a")], [h(b"b", b"a")]],
    "hard-link-other-metadata": [[f(b"a"), h(b"b", b"a", 0o4755)]],
    "hard-link-without-capability": [[f(b"a", xattrs=CAPABILITY), h(b"b", b"a")]],
    "hard-link-to-nothing": [[f(b"a"), h(b"b", b"c")]],
    "hard-link-to-directory": [[d(b"a"), h(b"b", b"a")]],
    "hard-link-to-itself": [[h(b"b", b"b"), f(b"a")]],
    "hard-link-before-target": [[h(b"b", b"a"), f(b"a")]],
    "hard-link-through-symlink": [[d(b"usr"), s(b"bin", b"usr")], [f(b"usr/a"), h(b"b", b"bin/a")]],
    "whiteout-after-file": [[f(b"a", b"old")], [f(b"a", b"new"), whiteout(b"a")]],
    "whiteout-before-directory-over-directory": [[d(b"a"), f(b"a/x")], [whiteout(b"a"), d(b"a"), f(b"a/y")]],
    "whiteout-before-implied-directory": [[f(b"c")], [whiteout(b"a"), f(b"a/y")]],
    "whiteout-before-implied-directory-deeper": [[f(b"c")], [whiteout(b"b/a"), f(b"b/a/y")]],
    "whiteout-after-directory": [[d(b"a"), f(b"a/x")], [d(b"a"), f(b"a/y"), whiteout(b"a")]],
    "whiteout-and-below": [[d(b"a"), f(b"a/x")], [whiteout(b"a"), whiteout(b"a/x")]],
    "opaque-after-implied": [[d(b"a"), f(b"a/b/c")], [f(b"a/b/d"), opaque(b"a")]],
    "zero-device": [[f(b"a"), f(b"b")], [Entry(b"a", "char", 0o600), Entry(b"c", "char", 0o600)]],
    "overlay-opaque": [[d(b"a"), f(b"a/b")], [d(b"a", xattrs={"trusted.overlay.opaque": b"y"}), f(b"a/c")]],
    "aufs-links": [[d(b".wh..wh.plnk"), f(b".wh..wh.plnk/1.2"), h(b"a", b".wh..wh.plnk/1.2")]],
    "aufs-below": [[f(b"a/.wh..wh.aufs"), f(b".wh..wh.orph/x")]],
    "whiteout-without-name": [[d(b"a"), f(b"a/b"), f(b"c")], [Entry(b"a/.wh.")]],
    "whiteout-of-dot": [[d(b"a"), f(b"a/b"), f(b"c")], [Entry(b"a/.wh..")]],
    "whiteout-of-dot-dot": [[d(b"a"), d(b"a/b"), f(b"c")], [Entry(b"a/b/.wh...")]],
    "below-whiteout-name": [[f(b".wh.a/b")]],
    "below-file": [[f(b"a")], [f(b"a/b")]],
    "below-own-file": [[f(b"a"), f(b"a/b")]],
    "duplicate-file": [[f(b"a", b"one"), f(b"a", b"two", uid=1)]],
    "duplicate-other-type": [[f(b"a"), d(b"a"), f(b"a/b")]],
    "duplicate-over-lower-directory": [[d(b"a"), f(b"a/x")], [f(b"a"), d(b"a")]],
    "root-entry": [[Entry(b"", "dir", 0o555, prefix=b"./"), f(b"a")], [Entry(b"", "dir", 0o1777, prefix=b"./", uid=4)]],
    "root-entry-ordinary": [[Entry(b"", "dir", 0o755, prefix=b"./"), f(b"a")]],
    "global-owner": [[f(b"a", globals=((b"uid", b"7"), (b"SCHILY.xattr.user.x", b"1")), mode=0o4755), f(b"b")]],
    "global-named-as-lower-file": [[f(b"a")], [f(b"b", globals=((b"comment", b"x"),), global_name=b"a")]],
    "global-named-as-lower-directory": [[f(b"a/b")], [f(b"b", globals=((b"comment", b"x"),), global_name=b"a")]],
    "global-named-as-whiteout": [[f(b"a")], [f(b"b", globals=((b"comment", b"x"),), global_name=b".wh.a")]],
    "global-named-as-opaque-marker": [[f(b"d/a")], [f(b"b", globals=((b"comment", b"x"),), global_name=b"d/.wh..wh..opq")]],
    "global-named-below-nothing": [[f(b"a")], [f(b"b", globals=((b"comment", b"x"),), global_name=b"c/d")]],
    "global-path": [[f(b"a", globals=((b"path", b"b"),)), f(b"c")]],
    "capability-of-libarchive": [[f(b"a", records=((b"LIBARCHIVE.xattr.security.capability", b"AQAAAgAgAAAAAAAAAAAAAAAAAAA"),))]],
    "hard-link-to-symlink-of-another-owner": [[s(b"a", b"x"), h(b"b", b"a", 0o777, gid=5)]],
    "file-with-slash": [[f(b"a", suffix=b"/")]],
    "contiguous-file": [[f(b"a", flag=b"7")]],
    "unknown-type": [[f(b"a", flag=b"Z"), f(b"b")]],
    "escaping-name": [[f(b"x", prefix=b"../"), f(b"y", prefix=b"a/../../")]],
}


def stacks():
    for plain, cases in ((True, PLAIN), (False, LOOSE)):
        for name, layers in cases.items():
            yield Stack(name, layers, plain)
