"""The runtimes: each unpacks images its own way, and its trees are read where it puts them.

Each has a name, the `reading` of ocicheck's that it must equal, `trees(images)`, a generator of (image, tree or a
refusal's text), and `version()`. One that cannot run on this machine raises Skip.
"""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess

import trees

# Whole trees of attributes, or only what a `docker export` shows of them.
ALL, CAPABILITIES = "all", "capabilities"


class Skip(Exception):
    pass


class Refused(str):
    """Why a runtime would not unpack an image."""


def run(*command, check=True, **more):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", **more)
    if check and done.returncode:
        raise Skip(f"{' '.join(map(str, command))[:200]}: {last_line(done.stderr)}")
    return done


def last_line(text):
    return (text.strip().splitlines() or ["no word of why"])[-1][-400:]


def need(program):
    if not shutil.which(program):
        raise Skip(f"there is no {program}")


def overlay_works(work):
    """Overlay mounts do not work everywhere: not on an overlay itself, nor without the kernel's module."""
    base = pathlib.Path(work) / "overlay-try"
    parts = [base / name for name in ("lower", "upper", "work", "merged")]
    for part in parts:
        part.mkdir(parents=True, exist_ok=True)
    options = "lowerdir={},upperdir={},workdir={}".format(*parts)
    if run("mount", "-t", "overlay", "overlay", "-o", options, parts[3], check=False).returncode:
        raise Skip("an overlay cannot be mounted here")
    run("umount", parts[3])


class Umoci:
    name, reading, xattrs = "umoci", "umoci", ALL

    def __init__(self, work):
        need("umoci")
        self.work = pathlib.Path(work) / "umoci"
        self.work.mkdir(exist_ok=True)

    def version(self):
        return run("umoci", "--version").stdout.split()[-1]

    def trees(self, images):
        for image in images:
            bundle = self.work / image.stack.name
            source = f"{image.layout.root}:{image.stack.name}"
            done = run("umoci", "unpack", "--image", source, bundle, check=False)
            if done.returncode:
                yield image, Refused(last_line(done.stderr))
            else:
                yield image, trees.of_directory(bundle / "rootfs")
            shutil.rmtree(bundle, ignore_errors=True)


class Podman:
    """podman, and so CRI-O: its images as they are mounted."""

    program = "podman"

    def __init__(self, work, driver):
        need(self.program)
        if driver == "overlay":
            overlay_works(work)
        self.name, self.reading, self.xattrs = f"{self.program}-{driver}", driver, ALL
        self.driver, self.store = driver, pathlib.Path(work) / self.name
        self.batches = 0

    def version(self):
        return run(self.program, "--version").stdout.split()[2]

    def command(self, *arguments, check=True):
        store = self.store / str(self.batches)
        flags = ["--root", store / "root", "--runroot", store / "run", "--storage-driver", self.driver]
        # The machine's own configuration may name a helper for overlay mounts.
        conf = self.store / "storage.conf"
        if not conf.exists():
            self.store.mkdir(parents=True, exist_ok=True)
            conf.write_text(f'[storage]\ndriver = "{self.driver}"\nrunroot = "{self.store}/r"\ngraphroot = "{self.store}/g"\n')
        env = dict(os.environ, CONTAINERS_STORAGE_CONF=str(conf), TMPDIR=str(self.store))
        return run(self.program, *flags, *arguments, check=check, env=env)

    def trees(self, images):
        # A store's index is written anew for each layer: many small stores are faster than one.
        for start in range(0, len(images), 60):
            yield from self.batch(images[start:start + 60])
            self.batches += 1

    def batch(self, images):
        errors = self.pull([self.source(image) for image in images])
        known = set(self.command("images", "--all", "--quiet", "--no-trunc").stdout.replace("sha256:", "").split())
        there = [image for image in images if image.id in known]
        for image in images:
            if image.id not in known:
                # Alone, so that the words are about this image.
                done = self.command("pull", "--quiet", self.source(image), check=False)
                if not done.returncode:
                    raise Skip(f"{self.name} is not of one mind about {image.name}: {last_line(errors)}")
                yield image, Refused(last_line(done.stderr))
        for image, place in self.mounted(there):
            yield image, trees.of_directory(place)
        self.unmount()
        shutil.rmtree(self.store / str(self.batches), ignore_errors=True)

    def source(self, image):
        return f"oci:{image.layout.root}:{image.stack.name}"

    def pull(self, sources):
        return self.command("pull", "--quiet", *sources, check=False).stderr

    def mounted(self, images):
        if not images:
            return []
        places = json.loads(self.command("image", "mount", "--format", "json", *(image.id for image in images)).stdout)
        places = {item["id"].removeprefix("sha256:"): item["mountpoint"] for item in places}
        return [(image, places[image.id]) for image in images]

    def unmount(self):
        self.command("image", "unmount", "--all", "--force", check=False)


class Buildah(Podman):
    """buildah shares podman's store and unpacker (containers/storage); what it mounts is a container, with a layer of its
    own above the image's."""

    program = "buildah"

    def pull(self, sources):
        return "\n".join(self.command("pull", "--quiet", source, check=False).stderr for source in sources)

    def mounted(self, images):
        for image in images:
            container = self.command("from", "--quiet", "--pull-never", image.id).stdout.strip()
            yield image, self.command("mount", container).stdout.strip()

    def unmount(self):
        self.command("umount", "--all", check=False)


@contextlib.contextmanager
def daemon(command, log, ready, **more):
    """A daemon for as long as it is needed."""
    import time
    with open(log, "w") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=out, stdin=subprocess.DEVNULL, **more)
    try:
        for _ in range(120):
            if process.poll() is not None or ready():
                break
            time.sleep(0.25)
        if process.poll() is not None or not ready():
            raise Skip(f"{command[0]} does not start: {last_line(pathlib.Path(log).read_text(errors='replace'))}")
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
