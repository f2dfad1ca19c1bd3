"""How time and memory grow with what an image holds: entries, layers, bytes; each in four sizes."""

import io
import os
import pathlib
import statistics
import subprocess
import tarfile
import time

import images


def table(directory: pathlib.Path, ocicheck: pathlib.Path, rounds: int = 3) -> str:
    directory.mkdir(exist_ok=True)
    lines = ["### Growth", "", f"Medians of {rounds} runs with two threads.", "", "| image | wall | memory |", "|---|---|---|"]
    sizes = (
        [(f"{count:,} entries of 10 bytes in one layer", entries, count) for count in (1_000, 10_000, 100_000, 1_000_000)]
        + [(f"{count} layers of 200 entries", layers, count) for count in (1, 10, 100, 500)]
        + [(f"one file of {count} MiB in one layer", one_file, count) for count in (64, 256, 1024, 4096)]
    )
    for text, make, count in sizes:
        image = directory / f"{make.__name__}{count}.tar"
        if not image.exists():
            apart(make, image, count)
        walls, memory = [], 0
        for _ in range(rounds):
            began = time.perf_counter()
            process = subprocess.Popen([ocicheck, "check", image, "-q", "--jobs", "2"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            _, _, usage = os.wait4(process.pid, 0)
            walls.append(time.perf_counter() - began)
            memory = max(memory, usage.ru_maxrss)
        lines.append(f"| {text} | {statistics.median(walls):.3f} s | {memory / 1024:.0f} MB |")
    return "\n".join(lines) + "\n"


def apart(make, image: pathlib.Path, count: int) -> None:
    """Makes an image in a process of its own: what that keeps in memory would be the least that is measured of others."""
    child = os.fork()
    if child == 0:
        make(image, count)
        os._exit(0)
    if os.waitpid(child, 0)[1] != 0:
        raise SystemExit(f"{image} could not be made")


def entries(out: pathlib.Path, count: int) -> None:
    layer = out.with_suffix(".layer")
    files(layer, "srv/data", count)
    images.save(out, [layer], "gzip")
    layer.unlink()


def layers(out: pathlib.Path, count: int) -> None:
    paths = [out.with_suffix(f".layer{number}") for number in range(count)]
    for number, path in enumerate(paths):
        files(path, f"srv/{number}", 200)
    images.save(out, paths, "gzip")
    for path in paths:
        path.unlink()


def one_file(out: pathlib.Path, count: int) -> None:
    layer = out.with_suffix(".layer")
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        info = tarfile.TarInfo("srv/file")
        info.size, info.mtime = count << 20, images.TIME
        tar.addfile(info, Zeros())
    images.save(out, [layer], "gzip")
    layer.unlink()


class Zeros(io.RawIOBase):
    def read(self, count: int = -1) -> bytes:
        return bytes(count)


def files(path: pathlib.Path, directory: str, count: int) -> None:
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as tar:
        for number in range(count):
            info = tarfile.TarInfo(f"{directory}/{number % 97}/{number % 1009}/file{number}")
            info.size, info.mtime = 10, images.TIME
            tar.addfile(info, io.BytesIO(b"0123456789"))
