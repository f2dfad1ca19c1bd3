"""Stacks as images: one OCI layout for all of them, and archives of some as other loaders take them."""
import gzip
import io
import json
import pathlib
import subprocess
import tarfile

import layers


def zstd(data):
    return subprocess.run(["zstd", "--quiet", "-1", "--stdout"], input=data, stdout=subprocess.PIPE, check=True).stdout


def in_parts(pack):
    """Several members or frames one after another, one of them empty."""
    return lambda data: pack(data[:700]) + pack(b"") + pack(data[700:])


def gzipped(data):
    return gzip.compress(data, 1, mtime=0)


# How a layer is stored: the media type's suffix, and what makes the blob of the tar. A skippable frame stands at the end, as
# in zstd:chunked; podman 4.3 refuses a layer that begins with one.
COMPRESSIONS = {
    "none": ("", lambda data: data),
    "gzip": ("+gzip", gzipped),
    "gzip members": ("+gzip", in_parts(gzipped)),
    "zstd": ("+zstd", zstd),
    "zstd frames": ("+zstd", lambda data: in_parts(zstd)(data) + b"\x50\x2a\x4d\x18\x04\0\0\0skip"),
}


class Image:
    """One stack, its blobs in the layout."""

    is_real = False

    def __init__(self, stack, layout):
        self.stack, self.layout = stack, layout
        descriptors, self.diff_ids = [], []
        for layer in stack.layers:
            data = layers.tar(layer)
            self.diff_ids.append(layers.digest(data))
            suffix, pack = COMPRESSIONS[stack.compression]
            descriptors.append(layout.put(pack(data), "application/vnd.oci.image.layer.v1.tar" + suffix))
        config = {
            "created": "2024-01-01T00:00:00Z", "author": stack.name, "architecture": "amd64", "os": "linux",
            "config": {"Cmd": ["/none"]},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + diff_id for diff_id in self.diff_ids]},
            "history": [{"created_by": f"layer {n}"} for n in range(len(stack.layers))],
        }
        self.config = layout.put(json.dumps(config).encode(), "application/vnd.oci.image.config.v1+json")
        self.descriptors = descriptors
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "config": self.config, "layers": descriptors}
        self.manifest = layout.put(json.dumps(manifest).encode(), manifest["mediaType"])
        self.named()

    def named(self):
        self.name = "diff.test/s:" + self.stack.name
        self.manifest["annotations"] = {
            "org.opencontainers.image.ref.name": self.stack.name, "io.containerd.image.name": self.name
        }

    @property
    def id(self):
        return self.config["digest"].removeprefix("sha256:")

    def chain_id(self):
        """What containerd calls the top layer's snapshot (image-spec config.md, "Layer ChainID")."""
        chain = "sha256:" + self.diff_ids[0]
        for diff_id in self.diff_ids[1:]:
            chain = "sha256:" + layers.digest(f"{chain} sha256:{diff_id}".encode())
        return chain

    def docker_archive(self):
        """As `docker save` of old wrote it, but with the layers as they are stored, where Docker 20.10 knows how (it knows no
        zstd); as bytes."""
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            names = [f"{n}-{diff_id[:12]}/layer.tar" for n, diff_id in enumerate(self.diff_ids)]
            for name, layer, descriptor in zip(names, self.stack.layers, self.descriptors):
                plain = descriptor["mediaType"].endswith("zstd")
                add(archive, name, layers.tar(layer) if plain else self.layout.read(descriptor))
            add(archive, self.id + ".json", self.layout.read(self.config))
            item = {"Config": self.id + ".json", "RepoTags": [self.name], "Layers": names}
            add(archive, "manifest.json", json.dumps([item]).encode())
        return out.getvalue()


class Layout:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.blobs = self.root / "blobs/sha256"
        self.blobs.mkdir(parents=True)
        self.images = []

    def put(self, data, media_type):
        digest = layers.digest(data)
        (self.blobs / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(data)}

    def read(self, descriptor):
        return (self.blobs / descriptor["digest"].removeprefix("sha256:")).read_bytes()

    def add(self, stack):
        self.images.append(Image(stack, self))

    def files(self, images):
        """What a layout of these images has beside its blobs: name to bytes."""
        index = {"schemaVersion": 2, "manifests": [image.manifest for image in images]}
        return {"index.json": json.dumps(index).encode(), "oci-layout": b'{"imageLayoutVersion": "1.0.0"}'}

    def finish(self):
        for name, data in self.files(self.images).items():
            (self.root / name).write_bytes(data)

    def archive(self, images, path):
        """An OCI archive of some of the images."""
        descriptors = {d["digest"]: d for image in images for d in [image.manifest, image.config, *image.descriptors]}
        with tarfile.open(path, "w") as archive:
            for digest, descriptor in descriptors.items():
                add(archive, "blobs/" + digest.replace(":", "/"), self.read(descriptor))
            for name, data in self.files(images).items():
                add(archive, name, data)


def add(archive, name, data):
    item = tarfile.TarInfo(name)
    item.size = len(data)
    archive.addfile(item, io.BytesIO(data))
