#!/usr/bin/env python3
"""An independent reading of the images under testdata/, with Python's own tar, JSON and hashes.

It shares no code with ocicheck and holds each file to testdata/README.md: every digest and diffID is computed, every
child's diffIDs begin with the base's (or do not, where that is the point), and the fault each image is named after is
really in its layers. build.sh runs it; `verify.py FILE...` prints what it reads.
"""
import bz2
import gzip
import hashlib
import io
import json
import lzma
import pathlib
import subprocess
import sys
import tarfile

HERE = pathlib.Path(__file__).resolve().parent


def decompress(data):
    """The stream inside, whatever the codec; plain data is returned as it is."""
    if data[:2] == b"\x1f\x8b":
        return gzip.decompress(data)
    if data[:3] == b"BZh":
        return bz2.decompress(data)
    if data[:6] == b"\xfd7zXZ\0":
        return lzma.decompress(data)
    if data[:4] == b"\x28\xb5\x2f\xfd" or (data[1:4] == b"\x2a\x4d\x18" and 0x50 <= data[0] <= 0x5F):
        return subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    return data


def sha(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def files_of(path):
    """name -> bytes of a directory or an archive; links of an archive are followed."""
    if path.is_dir():
        return {str(p.relative_to(path)): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
    files = {}
    with tarfile.open(fileobj=io.BytesIO(decompress(path.read_bytes()))) as tar:
        for m in tar:
            if m.isfile():
                files[m.name.removeprefix("./")] = tar.extractfile(m).read()
            elif m.issym():  # <id>/layer.tar -> ../<digest>.tar
                target = str(pathlib.PurePosixPath(m.name).parent / m.linkname)
                parts = []
                for part in target.split("/"):
                    parts.pop() if part == ".." else parts.append(part)
                files[m.name.removeprefix("./")] = files["/".join(parts)]
    return files


def images_of(path):
    """[(platform, config, [layer bytes, uncompressed])]; every claimed digest is checked on the way."""
    files = files_of(path)
    found = {}

    def blob(descriptor):
        data = files["blobs/" + descriptor["digest"].replace(":", "/")]
        assert sha(data) == descriptor["digest"] and len(data) == descriptor["size"], f"{path}: {descriptor['digest']}"
        return data

    def from_index(index):
        for descriptor in index["manifests"]:
            data = json.loads(blob(descriptor))
            if "manifests" in data:
                from_index(data)
            else:
                config = blob(data["config"])
                found[sha(config)] = (config, [decompress(blob(d)) for d in data["layers"]])

    if "index.json" in files:
        from_index(json.loads(files["index.json"]))
    if "manifest.json" in files:
        for image in json.loads(files["manifest.json"]):
            config = files[image["Config"]]
            layers = [decompress(files[name]) for name in image["Layers"]]
            if sha(config) in found:
                assert [sha(x) for x in found[sha(config)][1]] == [sha(x) for x in layers], f"{path}: two truths"
            found[sha(config)] = (config, layers)
    if not found and "repositories" in files:  # before Docker 1.10
        for tags in json.loads(files["repositories"]).values():
            for layer_id in tags.values():
                config, layers = files[f"{layer_id}/json"], []
                while layer_id:
                    layers.insert(0, decompress(files[f"{layer_id}/layer.tar"]))
                    layer_id = json.loads(files[f"{layer_id}/json"]).get("parent")
                found[sha(config)] = (config, layers)
    images = []
    for config, layers in found.values():
        config = json.loads(config)
        if "rootfs" in config:
            assert config["rootfs"]["diff_ids"] == [sha(x) for x in layers], f"{path}: diffIDs"
        images.append((config["os"] + "/" + config["architecture"], config, layers))
    assert images, f"{path}: no image found"
    return images


def entries(layer):
    # `umoci insert` (0.4.7) ends a layer right after the last file's bytes: no padding, no zero blocks. Go's reader
    # takes that for an end; Python's must be given one.
    layer += bytes(-len(layer) % 512 + 1024)
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        return {m.name.removeprefix("./").rstrip("/"): m for m in tar}


def capability(layer, name):
    """The xattr's bytes. Python's tarfile decodes PAX values as UTF-8 with surrogates."""
    value = entries(layer)[name].pax_headers.get("SCHILY.xattr.security.capability")
    return value and value.encode("utf-8", "surrogateescape")


def main():
    if sys.argv[1:]:
        for name in sys.argv[1:]:
            for platform, config, layers in images_of(pathlib.Path(name)):
                print(name, platform, "user", config.get("config", {}).get("User"))
                for layer in layers:
                    print("  ", sha(layer), len(layer), len(entries(layer)), "entries")
        return

    [(_, _, base)] = images_of(HERE / "base.tar")
    [(_, _, team)] = images_of(HERE / "custom-base.tar")
    [(_, _, good)] = images_of(HERE / "app-good.tar")
    base, team, good = ([sha(x) for x in layers] for layers in (base, team, good))
    assert len(base) == 2 and team[:2] == base and len(team) > 2

    off_base = {"foreign.tar", "squashed.tar"}
    checked = 0
    for path in sorted([*HERE.glob("*.tar"), *(HERE / "forms").iterdir()]):
        for platform, config, layers in images_of(path):
            ids = [sha(x) for x in layers]
            stands = ids[: len(base)] == base
            assert stands == (path.name not in off_base), f"{path.name}: base layers {stands}"
            if path.parent.name == "forms" and path.name not in ("umoci-layout", "docker-save-two-images.tar"):
                # `buildah commit` of a changed config alone adds the well-known empty layer (1,024 zero bytes).
                ids = [x for x in ids if x != sha(bytes(1024))] if platform == "linux/arm64" else ids
                assert ids == good, f"{path.name}: not app-good's layers"
            checked += 1

    def upper(name):
        """All entries above the base, the last layer's winning."""
        [(_, config, layers)] = images_of(HERE / name)
        merged = {}
        for layer in layers[2:]:
            merged.update(entries(layer))
        return config, layers[2:], merged

    def user(name):
        return images_of(HERE / name)[0][1]["config"].get("User", "")

    for name in ["app-good.tar", "app-on-custom.tar", "foreign.tar", "squashed.tar"] + [
        f"app-{x}.tar" for x in "setuid setgid capability device base-modified base-replaced base-deleted package-tampered".split()
    ]:
        assert user(name) == "10001:10001", name
    assert user("app-user-root.tar") == "" and user("app-bad.tar") == "root"
    # Mode fields are masked: buildah's layers hold the file type's bits in them too (0104755).
    profile, ca = "etc/profile.d/example-corp.sh", "usr/local/share/ca-certificates/.wh.example-corp.crt"
    assert upper("app-setuid.tar")[2]["usr/local/bin/admin-sh"].mode & 0o7777 == 0o4755
    assert upper("app-setgid.tar")[2]["usr/local/bin/group-sh"].mode & 0o7777 == 0o2755
    device = upper("app-device.tar")[2]["opt/app/mem"]
    assert device.ischr() and (device.devmajor, device.devminor) == (1, 1)
    assert upper("app-base-modified.tar")[2][profile].isfile()
    assert upper("app-base-replaced.tar")[2][profile].issym()
    assert ca in upper("app-base-deleted.tar")[2]
    assert "usr/lib/klibc/bin/gzip" in upper("app-package-tampered.tar")[2]
    value = capability(upper("app-capability.tar")[1][-1], "opt/app/copier")
    assert value == bytes.fromhex("01000002" "0a000000") + bytes(12), value
    config, layers, merged = upper("app-bad.tar")
    assert merged["usr/local/bin/admin-sh"].mode & 0o7777 == 0o4755 and ca in merged and profile in merged
    assert capability(layers[-1], "opt/app/helper") == bytes.fromhex("01000002" "80000000") + bytes(12)
    for name in ("app-good.tar", "app-on-custom.tar", "app-user-root.tar"):
        for entry, m in upper(name)[2].items():
            assert not m.mode & 0o6000 and not m.ischr() and "/.wh." not in entry, (name, entry)
    print(f"{checked} images verified")


if __name__ == "__main__":
    main()
