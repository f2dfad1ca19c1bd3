#!/usr/bin/env python3
"""Wraps a root file system's tar into a docker archive of one layer: wrap.py ROOTFS.tar IMAGE.tar"""
import hashlib
import io
import json
import sys
import tarfile

rootfs, image = sys.argv[1:]
digest = hashlib.sha256()
with open(rootfs, "rb") as file:
    while piece := file.read(1 << 20):
        digest.update(piece)
config = {
    "architecture": "amd64",
    "os": "linux",
    "config": {"User": "10001"},
    "rootfs": {"type": "layers", "diff_ids": ["sha256:" + digest.hexdigest()]},
    "history": [{"created_by": "ADD rootfs.tar /"}],
}
manifest = [{"Config": "config.json", "RepoTags": ["example.com/debian:12"], "Layers": ["layer.tar"]}]
with tarfile.open(image, "w") as archive:
    for name, document in (("config.json", config), ("manifest.json", manifest)):
        content = json.dumps(document).encode()
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    archive.add(rootfs, "layer.tar")
