"""The images that are measured, as OCI archives with gzip layers (level 6) unless their name says otherwise:

    debian        a real Debian 12 with Python, Java, Perl and compilers, in five layers
    debian-zstd   the same with zstd layers; debian-plain: as `docker save` writes it, layers not compressed
    one-layer     the same files in one layer
    on-base       the five layers and one of 1 MB above them
    small-files   200,000 files of 2.5 KB in one layer, seeded
    tiny          5 MB in three layers

Needs root on Debian 12 and its package sources.
"""

import hashlib
import io
import json
import pathlib
import random
import shutil
import subprocess
import tarfile
import tempfile

PACKAGES = ("libcap2-bin", "git", "openjdk-17-jdk-headless", "python3", "python3-pip", "perl", "build-essential")
# What each layer above the first holds, by how the names of its packages begin.
LAYERS = (
    ("openjdk", "ca-certificates-java", "java"),
    ("python3", "libpython3"),
    ("gcc", "g++", "cpp", "libgcc-12", "libstdc++-12", "binutils"),
    ("perl", "libperl", "git", "libc6-dev", "linux-libc-dev"),
)
TIME = 1_704_067_200


def make(directory: pathlib.Path) -> None:
    """Makes what is missing."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory) as name:
        work = pathlib.Path(name)
        if not all((directory / f"{image}.tar").exists() for image in ("debian", "debian-zstd", "debian-plain", "one-layer", "on-base")):
            debian(directory, work)
        if not (directory / "small-files.tar").exists():
            layer = work / "small-files"
            trees(layer, 1, files=200_000, size=2_500)
            save(directory / "small-files.tar", [layer], "gzip")
        if not (directory / "tiny.tar").exists():
            layers = [work / f"tiny{seed}" for seed in range(3)]
            for seed, layer in enumerate(layers):
                trees(layer, seed, files=400, size=4_000)
            save(directory / "tiny.tar", layers, "gzip")


def debian(directory: pathlib.Path, work: pathlib.Path) -> None:
    root, sources = work / "root.tar", work / "bookworm.sources"
    repository = pathlib.Path(__file__).resolve().parents[2]
    subprocess.run(["bash", "-euc", f". testdata/lib.sh; apt_sources bookworm {sources}"], cwd=repository, check=True)
    build = ["mmdebstrap", "--quiet", "--mode=root", "--variant=minbase", f"--include={','.join(PACKAGES)}"]
    subprocess.run([*build, "bookworm", root, sources], check=True)
    layers = split(root, work)
    for name, form in (("debian", "gzip"), ("debian-zstd", "zstd")):
        save(directory / f"{name}.tar", layers, form)
    plain = directory / "debian-plain.tar"
    plain.unlink(missing_ok=True)
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", f"oci-archive:{directory / 'debian.tar'}", f"docker-archive:{plain}:example.com/bench/debian:1"]
    subprocess.run(copy, check=True)
    save(directory / "one-layer.tar", [root], "gzip")
    above = work / "above"
    trees(above, 7, files=100, size=10_000)
    save(directory / "on-base.tar", [*layers, above], "gzip")
    # For those that read no archive.
    layout = directory / "debian.layout"
    shutil.rmtree(layout, ignore_errors=True)
    layout.mkdir()
    subprocess.run(["tar", "-xf", directory / "debian.tar", "-C", layout], check=True)


def split(root: pathlib.Path, work: pathlib.Path) -> list[pathlib.Path]:
    """The tar of a root file system as five, by packages; directories stand where they are first needed."""
    with tarfile.open(root) as tar:
        owners = {}
        for member in tar:
            name = member.name.removeprefix("./")
            if name.startswith("var/lib/dpkg/info/") and name.endswith(".list"):
                package = pathlib.PurePath(name).name.removesuffix(".list").split(":")[0]
                upper = [number for number, begins in enumerate(LAYERS, 1) if package.startswith(begins)]
                for line in tar.extractfile(member).read().decode().splitlines():
                    owners.setdefault(line.strip("/"), set()).add(upper[0] if upper else 0)
        outs = [tarfile.open(work / f"layer{number}", "w", format=tarfile.GNU_FORMAT) for number in range(len(LAYERS) + 1)]
        placed = {}
    with tarfile.open(root) as tar:
        for member in tar:
            name = member.name.removeprefix("./").strip("/")
            # A merged /usr: packages name /bin/x for usr/bin/x.
            owner = min(owners.get(name) or owners.get(name.removeprefix("usr/")) or {0})
            if member.isdir():
                owner = 0
            if member.islnk():
                owner = placed.get(member.linkname, 0)
            placed[member.name] = owner
            outs[owner].addfile(member, tar.extractfile(member) if member.isreg() else None)
    for out in outs:
        out.close()
    return [work / f"layer{number}" for number in range(len(LAYERS) + 1)]


def trees(path: pathlib.Path, seed: int, files: int, size: int) -> None:
    """A layer of text-like files, four times smaller when compressed."""
    source = random.Random(seed)
    words = [bytes(source.choices(b"abcdefghijklmnopqrstuvwxyz", k=source.randint(2, 9))) for _ in range(4_000)]
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for number in range(files):
            length = source.randint(size // 2, size * 3 // 2)
            body = b" ".join(source.choices(words, k=length // 6))[:length]
            info = tarfile.TarInfo(f"srv/{seed}/{number % 97}/{number % 1009}/file{number}")
            info.size, info.mtime, info.mode = len(body), TIME, 0o644
            tar.addfile(info, io.BytesIO(body))


def save(out: pathlib.Path, layers: list[pathlib.Path], form: str) -> None:
    """An OCI archive of layers that are tars."""
    tool = {"gzip": ["gzip", "-6nc"], "zstd": ["zstd", "-3qc"]}[form]
    layout = pathlib.Path(tempfile.mkdtemp(dir=out.parent))
    blobs = layout / "blobs" / "sha256"
    blobs.mkdir(parents=True)

    def add(content: bytes) -> dict:
        digest = hashlib.sha256(content).hexdigest()
        (blobs / digest).write_bytes(content)
        return {"digest": f"sha256:{digest}", "size": len(content)}

    diff_ids, descriptors = [], []
    for layer in layers:
        with open(layer, "rb") as file:
            diff_ids.append("sha256:" + hashlib.file_digest(file, "sha256").hexdigest())
        with open(layer, "rb") as file:
            stored = subprocess.run(tool, stdin=file, check=True, stdout=subprocess.PIPE).stdout
        descriptors.append({"mediaType": f"application/vnd.oci.image.layer.v1.tar+{form}", **add(stored)})
    config = {"architecture": "amd64", "os": "linux", "config": {"User": "10001", "Cmd": ["/bin/true"]},
              "rootfs": {"type": "layers", "diff_ids": diff_ids},
              "history": [{"created_by": f"COPY layer{number} /"} for number in range(len(layers))]}
    manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **add(json.dumps(config).encode())},
                "layers": descriptors}
    entry = {"mediaType": manifest["mediaType"], **add(json.dumps(manifest).encode()),
             "annotations": {"org.opencontainers.image.ref.name": "image"}}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    subprocess.run(["tar", "-cf", out, "-C", layout, "oci-layout", "index.json", "blobs"], check=True)
    shutil.rmtree(layout)
