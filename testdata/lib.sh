# Shared by testdata/build.sh and .ci/end-to-end.sh; sourced, never run. Needs root.
#
# The sourcing script sets:
#   work    a temporary directory (its path must be short: a socket's path has 108 bytes)
#   driver  the storage driver: `vfs` runs anywhere; empty takes overlayfs where this machine can (many times faster)
# and calls `cleanup` on exit.

# shellcheck shell=bash disable=SC2154
export BUILDAH_ISOLATION=chroot DEBIAN_FRONTEND=noninteractive TZ=UTC LC_ALL=C.UTF-8
# /usr/bin first, so that Debian's docker is the one that is used.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-1704067200} # 2024-01-01

say() { printf '== %s\n' "$*" >&2; }

# need PROGRAM=PACKAGE…: installs what is missing.
need() {
    local pair missing=()
    for pair in "$@"; do
        command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    ((${#missing[@]})) || return 0
    say "installing ${missing[*]}"
    apt-get update -qq
    # Docker's daemon must not be started by its package: the scripts run their own.
    if [[ ! -e /usr/sbin/policy-rc.d ]]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        policy_rc_d_is_ours=1
    fi
    apt-get install -qq -y --no-install-recommends -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
    if [[ -n ${policy_rc_d_is_ours:-} ]]; then rm -f /usr/sbin/policy-rc.d; fi
}

# The machine's own apt sources for one Debian suite, as one file. $1: suite, $2: file to write.
# Whatever mirror this machine was given is used; none is named here.
apt_sources() {
    local suite=$1 out=$2 own f
    own=$(. /etc/os-release && echo "$VERSION_CODENAME")
    : >"$out"
    for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
        [[ -s $f ]] || continue
        sed "s/\b$own\b/$suite/g" "$f" >"$out"
        return 0
    done
    say "no apt sources of Debian's own found"
    return 1
}

# --- a Debian to build on ------------------------------------------------------------------------------------------
# debian_rootfs OUT [OPTION…]: a minimal Debian 12 as a tar, without manuals; the options are mmdebstrap's.
debian_rootfs() {
    local out=$1
    shift
    apt_sources bookworm "$work/bookworm.sources"
    mmdebstrap --quiet --mode=root --variant=minbase --include=libcap2-bin \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' "$@" \
        bookworm "$out" "$work/bookworm.sources"
}

# download_packages ROOTFS DIR COMMAND…: what apt-get COMMAND would download for that Debian, into DIR; so that it can be
# installed without a network.
download_packages() {
    local rootfs=$1 dir=$2
    shift 2
    mkdir -p "$dir/partial"
    tar -xOf "$rootfs" ./var/lib/dpkg/status >"$work/status"
    apt-get -qq -o APT::Sandbox::User=root -o Debug::NoLocking=1 -o "Dir::State::status=$work/status" \
        -o "Dir::Cache::archives=$dir" --no-install-recommends -y --download-only "$@" >/dev/null
    rm -rf "$dir/partial" "$dir/lock"
}

# --- buildah, podman, skopeo: all on one private store -----------------------------------------------------------
# overlay_works: whether an overlay can be mounted on the temporary directory (not so when that is one itself).
overlay_works() {
    local try=$work/overlay-try
    mkdir -p "$try"/{l,u,w,m}
    if mount -t overlay overlay -o "lowerdir=$try/l,upperdir=$try/u,workdir=$try/w" "$try/m" 2>/dev/null; then
        umount "$try/m"
        return 0
    fi
    return 1
}

choose_driver() {
    [[ -z ${driver:-} ]] || return 0
    if overlay_works; then driver=overlay; else driver=vfs; fi
    say "storage driver: $driver"
}

store_flags() { printf -- '--root\n%s\n--runroot\n%s\n--storage-driver\n%s\n' "$work/store" "$work/store-run" "$driver"; }
b() { local flags; mapfile -t flags < <(store_flags); sealed buildah "${flags[@]}" "$@"; }
p() { local flags; mapfile -t flags < <(store_flags); sealed podman "${flags[@]}" "$@"; }

# sealed COMMAND…: buildah and podman run as a copy of themselves in memory that nobody can write to, and gVisor refuses to
# seal it now and then. Nothing was done by then, or a build leaves nothing behind, so they are run again.
sealed() {
    local try errors status
    errors=$work/errors.$BASHPID
    for try in 1 2 3; do
        status=0
        "$@" 2>"$errors" || status=$?
        cat "$errors" >&2
        ((status && try < 3)) && grep -q 'sealing memfd copy' "$errors" || break
        say "once more: $*"
    done
    rm -f "$errors"
    return "$status"
}
stored() { printf 'containers-storage:[%s@%s+%s]%s' "$driver" "$work/store" "$work/store-run" "$1"; }
sk() { skopeo --insecure-policy --tmpdir "$work" copy --quiet "$@" >/dev/null; }

# --- dockerd, run by hand -----------------------------------------------------------------------------------------
docker_pids=()

# start_docker NAME: this machine's dockerd. Afterwards `d NAME …` is docker on it.
start_docker() {
    local name=$1 dir=$work/docker-$1
    mkdir -p "$dir"
    dockerd --bridge=none --iptables=false --ip6tables=false --storage-driver="${driver/#overlay/overlay2}" \
        --data-root "$dir/data" --exec-root "$dir/exec" --pidfile "$dir/pid" -H "unix://$dir/sock" \
        >"$dir/log" 2>&1 &
    docker_pids+=($!)
    wait_for_docker "$name"
}

# start_newer_docker NAME [containerd]: the dockerd of Debian 13, from a directory tree of its own, in a chroot and a
# private mount namespace: from Docker 25 on, `docker save` writes an OCI layout and a manifest.json in one archive.
# With `containerd` the daemon keeps its images in containerd's store, and saves the blobs as they were pushed.
start_newer_docker() {
    local name=$1 dir=$work/docker-$1 root=$work/trixie config=/run/$1.json
    local graph=${driver/#overlay/overlay2}
    if [[ ! -x $root/usr/sbin/dockerd ]]; then
        apt_sources trixie "$work/trixie.sources"
        mmdebstrap --quiet --mode=root --variant=extract --include=docker.io,docker-cli,base-files \
            trixie "$root" "$work/trixie.sources" || return 1
    fi
    mkdir -p "$dir" "$root"/{proc,sys,dev,run}
    echo '{}' >"$root$config"
    if [[ ${2:-} == containerd ]]; then
        if [[ $driver == vfs ]]; then graph=native; else graph=overlayfs; fi
        echo '{"features": {"containerd-snapshotter": true}}' >"$root$config"
    fi
    # pivot_root, as a plain chroot is not enough: `docker load` remounts /, which must be a mount.
    # shellcheck disable=SC2016 # expanded by the inner shell
    unshare --mount --propagation private bash -euc '
        root=$1; shift
        mount --bind "$root" "$root"
        for d in proc sys dev; do mount --rbind "/$d" "$root/$d"; done
        mkdir -p "$root/w" "$root/old"
        mount --bind "$2" "$root/w"
        cd "$root"
        pivot_root . old
        exec /old/usr/sbin/chroot . /usr/sbin/dockerd --bridge=none --iptables=false --ip6tables=false \
            --storage-driver="$1" --data-root /w/data --exec-root /w/exec --pidfile /w/pid --config-file "$3" \
            -H unix:///w/sock
    ' start "$root" "$graph" "$dir" "$config" >"$dir/log" 2>&1 &
    docker_pids+=($!)
    wait_for_docker "$name"
}

wait_for_docker() {
    local i
    for ((i = 0; i < 60; i++)); do
        d "$1" info >/dev/null 2>&1 && return 0
        sleep 0.5
    done
    say "dockerd ($1) did not start; the end of its log:"
    tail -n 5 "$work/docker-$1/log" >&2
    return 1
}

d() { local name=$1; shift; DOCKER_BUILDKIT=0 docker -H "unix://$work/docker-$name/sock" "$@"; }
docker_version() { d "$1" version --format '{{.Server.Version}}' | sed 's/+.*//'; }

stop_dockers() {
    local pid
    for pid in "${docker_pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    for pid in "${docker_pids[@]}"; do wait "$pid" 2>/dev/null || true; done
    docker_pids=()
}

cleanup() {
    stop_dockers
    # A killed build may leave mounts behind.
    findmnt -rno TARGET | { grep -F "$work/" || true; } | sort -r | while read -r m; do umount -l "$m" || true; done
    rm -rf --one-file-system "$work"
}
