#!/bin/bash
# The effective tree against real runtimes: generated layer stacks, and images built by buildah and by Docker, unpacked by
# umoci, podman, buildah, Docker and containerd, each held to the reading of ocicheck's that names it (see
# differential/main.py, which takes the arguments; with `--stack` nothing is built). Needs root on Debian 12 and its package
# sources. A runtime that cannot run here is skipped, with its reason.
#
# OCICHECK names the binary (default: target/release/ocicheck).
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ocicheck=$(realpath "${OCICHECK:-$here/../target/release/ocicheck}")
work=/tmp/diff-$$ # podman takes no path with capitals for an image's name
driver=
mkdir -p "$work/fast"
# shellcheck source=testdata/lib.sh
source "$here/../testdata/lib.sh"
# shellcheck source=.ci/differential/real.sh
source "$here/differential/real.sh"
trap cleanup EXIT

need umoci=umoci podman=podman buildah=buildah skopeo=skopeo dockerd=docker.io docker=docker.io containerd=containerd \
    ctr=containerd mmdebstrap=mmdebstrap zstd=zstd python3=python3
[[ -n $(ls -A /var/lib/apt/lists 2>/dev/null) ]] || apt-get update -qq

# Thousands of small trees: in memory, where the kernel can hold user attributes there (Linux 6.6).
in_memory() {
    mount -t tmpfs -o size=6g tmpfs "$work/fast" || return 1
    python3 -c 'import os, sys; os.setxattr(sys.argv[1], "user.try", b"")' "$work/fast" 2>/dev/null || { umount "$work/fast"; return 1; }
}
in_memory || say 'the stacks are unpacked on disk'

real=()
if [[ " $*" != *" --stack"* ]]; then
    choose_driver
    from=$SECONDS
    real_images
    echo "real images built in $((SECONDS - from)) s"
    real=(--real "$work/real" --real-work "$work/fast/real")
    mkdir "$work/fast/real"
fi
PYTHONDONTWRITEBYTECODE=1 python3 "$here/differential/main.py" "$ocicheck" "$work/fast" "${real[@]}" "$@"
