#!/bin/bash
# The effective tree against real runtimes: generated layer stacks, unpacked by umoci, podman, Docker and containerd, each
# held to the reading of ocicheck's that names it (see differential/main.py, which takes the arguments). Needs root on
# Debian 12 and its package sources. A runtime that cannot run here is skipped, with its reason.
#
# OCICHECK names the binary (default: target/release/ocicheck).
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ocicheck=$(realpath "${OCICHECK:-$here/../target/release/ocicheck}")
work=/tmp/diff-$$ # podman takes no path with capitals for an image's name
mkdir "$work"
# shellcheck source=testdata/lib.sh
source "$here/../testdata/lib.sh"
trap cleanup EXIT

need umoci=umoci podman=podman dockerd=docker.io containerd=containerd ctr=containerd python3=python3
PYTHONDONTWRITEBYTECODE=1 python3 "$here/differential/main.py" "$ocicheck" "$work" "$@"
