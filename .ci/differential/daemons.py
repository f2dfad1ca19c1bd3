"""dockerd and containerd: each run by hand, in directories of their own, once for each way to store layers."""
import http.client
import io
import json
import pathlib
import shutil
import socket
import tempfile

import trees
from runtimes import ALL, CAPABILITIES, Refused, daemon, last_line, need, overlay_works, run


class Connection(http.client.HTTPConnection):
    """Docker's API on its socket: a client process for each call would take longer than the calls."""

    def __init__(self, path):
        super().__init__("localhost", timeout=120)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Docker:
    def __init__(self, work, driver):
        need("dockerd")
        if driver == "overlay2":
            overlay_works(work)
        self.driver, self.xattrs = driver, CAPABILITIES
        self.name, self.reading = f"docker-{driver}", "vfs" if driver == "vfs" else "overlay"
        # A socket's path has 108 bytes.
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="docker-", dir=work))

    def version(self):
        return run("dockerd", "--version").stdout.split()[2].split("+")[0].rstrip(",")

    def call(self, method, path, body=None, kind="application/json"):
        connection = Connection(self.work / "sock")
        connection.request(method, path, body, {"Content-Type": kind})
        answer = connection.getresponse()
        return answer.status, answer.read()

    def ready(self):
        try:
            return self.call("GET", "/_ping")[0] == 200
        except OSError:
            return False

    def trees(self, images):
        command = [
            shutil.which("dockerd", path="/usr/sbin:/usr/bin"), "--bridge=none", "--iptables=false", "--ip6tables=false",
            f"--storage-driver={self.driver}", "--data-root", self.work / "data", "--exec-root", self.work / "exec",
            "--pidfile", self.work / "pid", "--host", f"unix://{self.work}/sock",
        ]
        with daemon(command, self.work / "log", self.ready):
            for image in images:
                yield image, self.tree(image)
        shutil.rmtree(self.work, ignore_errors=True)

    def tree(self, image):
        status, answer = self.call("POST", "/images/load?quiet=1", image.docker_archive(), "application/x-tar")
        for line in answer.decode(errors="replace").splitlines():
            if status != 200 or "error" in json.loads(line):
                return Refused(json.loads(line).get("error", line))
        status, answer = self.call("POST", "/containers/create", json.dumps({"Image": "sha256:" + image.id}))
        if status != 201:
            return Refused(json.loads(answer)["message"])
        container = json.loads(answer)["Id"]
        status, answer = self.call("GET", f"/containers/{container}/export")
        if status != 200:
            return Refused(json.loads(answer)["message"])
        tree = trees.of_tar(io.BytesIO(answer))
        self.call("DELETE", f"/containers/{container}?force=1")
        return tree


class Containerd:
    def __init__(self, work, snapshotter):
        need("containerd")
        need("ctr")
        if snapshotter == "overlayfs":
            overlay_works(work)
        self.snapshotter, self.xattrs = snapshotter, ALL
        self.name, self.reading = f"containerd-{snapshotter}", "vfs" if snapshotter == "native" else "overlay"
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="containerd-", dir=work))

    def version(self):
        return run("containerd", "--version").stdout.split()[2].split("~")[0]

    def ctr(self, *arguments, check=True):
        return run("ctr", "--address", self.work / "sock", *arguments, check=check)

    def trees(self, images):
        config = self.work / "config.toml"
        config.write_text(
            f'version = 2\nroot = "{self.work}/root"\nstate = "{self.work}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            # A view that nothing refers to yet must not be collected.
            '[plugins."io.containerd.gc.v1.scheduler"]\ndeletion_threshold = 0\nmutation_threshold = 1000000\nstartup_delay = "1h"\n'
            f'[grpc]\naddress = "{self.work}/sock"\n[ttrpc]\naddress = "{self.work}/ttrpc"\n'
        )
        command = ["containerd", "--config", config, "--log-level", "error"]
        with daemon(command, self.work / "log", lambda: self.ctr("version", check=False).returncode == 0):
            for image in images:
                yield image, self.tree(image)
        shutil.rmtree(self.work, ignore_errors=True)

    def tree(self, image):
        # `image import` unpacks with the snapshotter it is told; in 1.6 neither `image mount` nor `snapshots unpack` does.
        archive, target, key = self.work / "image.tar", self.work / image.stack.name, "view-" + image.stack.name
        image.layout.archive([image], archive)
        done = self.ctr("image", "import", "--snapshotter", self.snapshotter, "--platform", "linux/amd64", archive, check=False)
        if done.returncode:
            return Refused(last_line(done.stderr))
        snapshots = ("snapshots", "--snapshotter", self.snapshotter)
        self.ctr(*snapshots, "view", key, image.chain_id())
        target.mkdir()
        run("sh", "-ec", self.ctr(*snapshots, "mounts", target, key).stdout)
        tree = trees.of_directory(target)
        # Lazily: a process that another thread is just starting may hold a file of it for a moment.
        run("umount", "--lazy", target)
        return tree
