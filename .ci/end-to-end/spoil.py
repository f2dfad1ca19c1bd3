#!/usr/bin/env python3
"""Spoils an OCI layout directory (one image, gzip layers) in one way: spoil.py HOW DIR."""
import gzip
import hashlib
import json
import pathlib
import subprocess
import sys


class Layout:
    """Blobs, and the chain index -> manifest that has to be rewritten when one changes."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.index = json.loads((self.root / "index.json").read_text())
        self.manifest = json.loads(self.path(self.index["manifests"][0]).read_bytes())

    def path(self, descriptor):
        return self.root / "blobs" / descriptor["digest"].replace(":", "/")

    def put(self, descriptor, data):
        """Stores a blob and makes the descriptor true of it."""
        descriptor["digest"] = "sha256:" + hashlib.sha256(data).hexdigest()
        descriptor["size"] = len(data)
        self.path(descriptor).write_bytes(data)

    def save(self):
        self.put(self.index["manifests"][0], json.dumps(self.manifest).encode())
        (self.root / "index.json").write_text(json.dumps(self.index))


def other_bytes_under_base_diffids(layout):
    """The lowest layer holds other bytes, truly described by its descriptor; the config still claims the base's diffID."""
    layer = layout.manifest["layers"][0]
    tar = gzip.decompress(layout.path(layer).read_bytes())
    # The text of a public file of Debian's: same length, so the archive stays a good one.
    assert b"Debian GNU/Linux 12" in tar
    layout.put(layer, gzip.compress(tar.replace(b"Debian GNU/Linux 12", b"Debian GNU/Linux 66"), 1))
    layout.save()


def flipped_byte(layout):
    """One byte of a layer's file is another; nothing else is touched."""
    path = layout.path(layout.manifest["layers"][-1])
    data = bytearray(path.read_bytes())
    data[4] ^= 1  # the gzip header's time: the layer unpacks to the same bytes, and its digest is another
    path.write_bytes(data)


def missing_layer(layout):
    """A layer that the manifest names is not there."""
    layout.path(layout.manifest["layers"][-1]).unlink()


def diff_id_too_few(layout):
    """The config lists a layer less than the manifest."""
    config = json.loads(layout.path(layout.manifest["config"]).read_bytes())
    config["rootfs"]["diff_ids"].pop()
    config["history"].pop()
    layout.put(layout.manifest["config"], json.dumps(config).encode())
    layout.save()


def second_user(layout):
    """The config has `User`, and behind it `user`, which readers written in Go take for the same."""
    text = layout.path(layout.manifest["config"]).read_bytes()
    assert text.count(b'"User":"10001"') == 1
    layout.put(layout.manifest["config"], text.replace(b'"User":"10001"', b'"User":"10001","user":"0"'))
    layout.save()


def called_zstd(layout):
    """The manifest says of a layer that it is compressed with zstd."""
    layer = layout.manifest["layers"][-1]
    layer["mediaType"] = layer["mediaType"].replace("+gzip", "+zstd")
    layout.save()


def by_pzstd(layout):
    """No lie: pzstd says in skippable frames how long its frames are."""
    layer = layout.manifest["layers"][-1]
    before = [layout.path(layer), layout.path(layout.index["manifests"][0])]
    tar = gzip.decompress(layout.path(layer).read_bytes())
    layer["mediaType"] = layer["mediaType"].replace("+gzip", "+zstd")
    layout.put(layer, subprocess.run(["pzstd", "-q", "-c"], input=tar, stdout=subprocess.PIPE, check=True).stdout)
    layout.save()
    for blob in before:
        blob.unlink()


def recompressed(layout):
    """No lie: every layer compressed again, in two gzip members, and the descriptors made true."""
    for layer in layout.manifest["layers"]:
        tar = gzip.decompress(layout.path(layer).read_bytes())
        half = len(tar) // 2
        layout.put(layer, gzip.compress(tar[:half], 1) + gzip.compress(tar[half:], 1))
    layout.save()


if __name__ == "__main__":
    globals()[sys.argv[1].replace("-", "_")](Layout(sys.argv[2]))
