"""What is measured against what."""

import dataclasses
import json
import pathlib
import statistics
import subprocess
import tarfile
from collections.abc import Callable


@dataclasses.dataclass
class Way:
    """One way of doing a job: commands one after another, in a directory of their own."""

    name: str
    steps: list[list[str]]
    # Not measured.
    before: list[list[str]] = dataclasses.field(default_factory=list)
    environment: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass
class Goal:
    text: str
    most: float
    figure: Callable[[dict], float]
    unit: str = ""


@dataclasses.dataclass
class Case:
    name: str
    title: str
    text: str
    # The first one is ocicheck's.
    ways: list[Way]
    goals: list[Goal]
    directory: pathlib.Path
    rounds: int = 0


def wall_ratio(ours: str, theirs: str, scale: float = 1.0) -> Callable[[dict], float]:
    def figure(runs: dict) -> float:
        return statistics.median(a.wall / (b.wall * scale) for a, b in zip(runs[ours], runs[theirs]))

    return figure


def cases(images: pathlib.Path, ocicheck: pathlib.Path) -> list[Case]:
    work = images / "work"
    work.mkdir(exist_ok=True)
    check = [str(ocicheck), "check", "--format", "json", "--progress", "never", "--fail-on", "critical"]

    def archive(name: str) -> str:
        return str(images / f"{name}.tar")

    def ours(name: str, *more: str) -> Way:
        return Way("ocicheck", [[*check, archive(name), *more]])

    five, one, small = (layers_of(images, name) for name in ("debian", "one-layer", "small-files"))
    inflate = lambda layers: [["igzip", "-dco", "/dev/null", blob] for blob, _ in layers]
    reference = [step for blob, tar in five for step in (["openssl", "dgst", "-sha256", blob], ["igzip", "-dco", "/dev/null", blob], ["openssl", "dgst", "-sha256", tar])]
    hash_file = lambda name: Way("openssl dgst -sha256 (the archive)", [["openssl", "dgst", "-sha256", archive(name)]])
    return [
        Case(
            "five-layers", "A Debian in five layers, all rules",
            "Beside it: each layer through `igzip -dc`, one after another on one processor; and REF, which hashes and inflates each layer and hashes what came of it, one after another.",
            [ours("debian"), Way("igzip -dc of the layers", inflate(five)), Way("REF", reference), *peers_of(archive("debian"), "oci-archive")],
            [
                Goal("wall at most 1.0 × `igzip -dc` of the layers", 1.0, wall_ratio("ocicheck", "igzip -dc of the layers")),
                Goal("R, the wall over half of REF's (two processors), at most 0.95", 0.95, wall_ratio("ocicheck", "REF", 0.5)),
            ],
            work,
        ),
        Case(
            "one-layer", "The same files in one layer", "",
            [ours("one-layer"), Way("igzip -dc of the layer", inflate(one))],
            [Goal("wall at most 1.15 × `igzip -dc` of it", 1.15, wall_ratio("ocicheck", "igzip -dc of the layer"))],
            work,
        ),
        Case(
            "small-files", "200,000 files in one layer", "",
            [ours("small-files"), Way("igzip -dc, piped to openssl dgst -sha256", [["sh", "-c", f"igzip -dc {small[0][0]} | openssl dgst -sha256"]])],
            [Goal("wall at most 1.0 × `igzip -dc | openssl dgst -sha256`", 1.0, wall_ratio("ocicheck", "igzip -dc, piped to openssl dgst -sha256"))],
            work,
        ),
        Case("zstd", "The five layers as zstd", "", [ours("debian-zstd"), Way("zstd -dc of the layers", [["zstd", "-dqcf", "-o", "/dev/null", blob] for blob, _ in layers_of(images, "debian-zstd")])], [], work),
        Case(
            "plain", "The five layers as `docker save` writes them", "Not compressed, so a layer's digest is its diffID.",
            [ours("debian-plain"), hash_file("debian-plain"), *peers_of(archive("debian-plain"), "docker-archive")], [], work,
        ),
        known_base(images, ocicheck, check, work),
        Case(
            "again", "The same image again, with `--cache`", "The cache was filled by a run before.",
            [Way("ocicheck", [[*check, archive("debian"), "--cache", "../cache"]], before=[[*check, archive("debian"), "--cache", "../cache"]]), hash_file("debian")],
            [Goal("wall at most 1.2 × hashing the archive", 1.2, wall_ratio("ocicheck", "openssl dgst -sha256 (the archive)"))],
            work,
        ),
        Case(
            "tiny", "A small image: 5 MB in three layers", "The whole process.",
            [ours("tiny"), Way("ocicheck --version", [[str(ocicheck), "--version"]])],
            [Goal("at most 25 ms", 25, lambda runs: 1000 * statistics.median(one.wall for one in runs["ocicheck"]), " ms")],
            work, rounds=25,
        ),
    ]


def known_base(images: pathlib.Path, ocicheck: pathlib.Path, check: list[str], work: pathlib.Path) -> Case:
    catalog = images / "bases.json"
    if not catalog.exists():
        add = [str(ocicheck), "base", "add", str(images / "debian.tar"), "--bases", str(catalog), "--name", "bench", "--version", "1"]
        subprocess.run(add, check=True)
    archive = str(images / "on-base.tar")
    return Case(
        "known-base", "On a known base, with facts files", "The five layers are the catalogued base's; one of 1 MB lies above them.",
        [Way("ocicheck", [[*check, archive, "--bases", str(catalog)]]), Way("openssl dgst -sha256 (the archive)", [["openssl", "dgst", "-sha256", archive]])],
        [Goal("wall at most 1.3 × hashing the archive", 1.3, wall_ratio("ocicheck", "openssl dgst -sha256 (the archive)"))],
        work,
    )


def layers_of(images: pathlib.Path, name: str) -> list[tuple[str, str]]:
    """The layers of an OCI archive as files: as stored, and as tars."""
    out = images / "layers" / name
    if not out.exists():
        out.mkdir(parents=True)
        with tarfile.open(images / f"{name}.tar") as archive:
            read = lambda path: json.load(archive.extractfile(path))
            blob = lambda digest: f"blobs/sha256/{digest.split(':')[1]}"
            manifest = read(blob(read("index.json")["manifests"][0]["digest"]))
            for number, layer in enumerate(manifest["layers"]):
                stored = out / f"{number}.{layer['mediaType'].rsplit('+', 1)[1]}"
                stored.write_bytes(archive.extractfile(blob(layer["digest"])).read())
                tool = "zstd" if stored.suffix == ".zstd" else "gzip"
                with open(out / f"{number}.tar", "wb") as tar:
                    subprocess.run([tool, "-dc", stored], stdout=tar, check=True)
    stored = sorted(path for path in out.iterdir() if path.suffix != ".tar")
    return [(str(path), str(path.with_suffix(".tar"))) for path in stored]


def peers_of(archive: str, form: str) -> list[Way]:
    """What one would run today for the nearest thing to the same job, each on the form that it reads.

    None of them does the same: what each does is said in docs/benchmarks.md.
    """
    if form == "oci-archive":
        # Neither umoci nor trivy reads an OCI archive.
        layout = archive.removesuffix(".tar") + ".layout"
        return [
            Way("skopeo copy oci-archive → dir", [["skopeo", "--insecure-policy", "copy", "--quiet", f"oci-archive:{archive}", "dir:out"]]),
            Way("umoci unpack", [["umoci", "unpack", "--image", f"{layout}:image", "out"]]),
            Way("syft", [["syft", "scan", "--quiet", f"oci-archive:{archive}", "--output", "json"]], environment={"SYFT_CHECK_FOR_APP_UPDATE": "false"}),
            Way("trivy (secrets, config)", [["trivy", "image", "--quiet", "--input", layout, "--scanners", "secret", "--image-config-scanners", "misconfig,secret", "--offline-scan", "--skip-db-update", "--skip-check-update", "--cache-dir", "cache"]]),
        ]
    return [
        Way("tar -xf, sha256sum of the layers", [["sh", "-c", f"tar -xf {archive} && sha256sum *.tar"]]),
        Way("skopeo copy docker-archive → oci", [["skopeo", "--insecure-policy", "copy", "--quiet", f"docker-archive:{archive}", "oci:out"]]),
        Way("crane validate", [["crane", "validate", "--tarball", archive]]),
        Way("dive --ci", [["dive", f"docker-archive://{archive}", "--ci"]], environment={"CI": "true"}),
        Way("dockle", [["dockle", "--input", archive, "--format", "json"]]),
        Way("container-structure-test", [["container-structure-test", "test", "--driver", "tar", "--image", archive, "--config", f"{pathlib.Path(__file__).parent}/structure-test.yaml"]]),
    ]
