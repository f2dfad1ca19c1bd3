#!/bin/bash
# Makes the images under testdata/ with real tools: dpkg, buildah, skopeo, podman, umoci and three kinds of Docker.
#
#   testdata/build.sh            needs root on Debian 12, its package sources, and nothing else of the network
#
# It installs what it lacks, works in a temporary directory and writes under testdata/ only. What it makes is
# committed, because the tests must run where none of these tools are. Times are pinned (SOURCE_DATE_EPOCH), so on the
# same packages a second run gives the same layers, configs and catalog, but for what `docker build` stamps with its own
# clock; the outer archive of some tools bears the time of the run. testdata/README.md says what each file is.
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
src=$here/images
out=$here
work=$(mktemp -d /tmp/td.XXXXXX)
driver=vfs
# shellcheck source=testdata/lib.sh
source "$here/lib.sh"
trap cleanup EXIT

need buildah=buildah skopeo=skopeo podman=podman umoci=umoci dockerd=docker.io docker=docker.io mmdebstrap=mmdebstrap \
    klcc=libklibc-dev gcc=gcc zstd=zstd xz=xz-utils bzip2=bzip2 python3=python3 jq=jq
[[ -d /var/lib/apt/lists && -n $(ls /var/lib/apt/lists) ]] || apt-get update -qq

ctx=$work/ctx
cp -a "$src" "$ctx"
chmod -R u=rwX,go=rX "$ctx" # whatever the umask of the checkout was
mkdir -p "$out/forms"

# --- root filesystems ---------------------------------------------------------------------------------------------

# tar_of DIR FILE: the same bytes for the same tree.
tar_of() {
    tar -C "$1" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --numeric-owner --format=posix \
        --pax-option=exthdr.name=%d/PaxHeaders/%f,delete=atime,delete=ctime -cf "$2" .
}

# debs SUITE DIR PACKAGE…: fetched and verified by apt, with a state of its own beside the machine's.
debs() {
    local suite=$1 dir=$2 apt=$work/apt-$1 o
    shift 2
    mkdir -p "$dir" "$apt"/{lists/partial,archives/partial}
    apt_sources "$suite" "$apt/$suite.sources"
    grep -q '^Types:' "$apt/$suite.sources" || mv "$apt/$suite.sources" "$apt/$suite.list"
    o=(-qq -o "Dir::Etc::SourceList=$(echo "$apt/$suite".*)" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$apt/lists"
        -o "Dir::Cache=$apt" -o APT::Sandbox::User=root)
    apt-get "${o[@]}" update
    (cd "$dir" && apt-get "${o[@]}" download "$@")
}

# rootfs SUITE DIR [TOOL TO LEAVE OUT…]: four Debian packages, put by dpkg itself into a merged-usr tree, with dpkg's own records.
# libc is left out on purpose (thirty images on a base with libc would be a hundred megabytes); klibc's shell and tools
# need none. Hence --force-depends.
rootfs() {
    local suite=$1 dir=$2 l
    mkdir -p "$dir"/usr/{bin,sbin,lib,lib64} "$dir"/var/lib/dpkg/{info,updates}
    for l in bin sbin lib lib64; do ln -s "usr/$l" "$dir/$l"; done
    : >"$dir/var/lib/dpkg/status"
    debs "$suite" "$work/debs-$suite" base-files base-passwd libklibc klibc-utils
    local dpkg=(dpkg "--root=$dir" --force-depends --force-script-chrootless --force-unsafe-io
        --path-exclude='/usr/share/doc/*' --path-exclude='/usr/share/man/*' --path-exclude='/usr/share/locale/*'
        --path-exclude='/usr/share/lintian/*' --path-exclude='/usr/share/common-licenses/*'
        --path-exclude='/usr/share/doc-base/*' --path-exclude='/usr/share/initramfs-tools/*'
        --path-exclude=/usr/sbin/update-passwd)
    for l in "${@:3}" kinit ipconfig nfsmount run-init minips losetup fstype resume insmod reboot poweroff halt \
        pivot_root dmesg mkfifo chroot umount mount; do dpkg+=("--path-exclude=/usr/lib/klibc/bin/$l"); done
    # base-passwd's postinst wants debconf and libc; its preinst has already made passwd and group.
    if ! { "${dpkg[@]}" --unpack "$work/debs-$suite"/{base-files,base-passwd}_*.deb &&
        "${dpkg[@]}" --configure base-files && "${dpkg[@]}" --install "$work/debs-$suite"/{libklibc,klibc-utils}_*.deb; } >"$work/dpkg.log" 2>&1; then
        cat "$work/dpkg.log" >&2
        return 1
    fi
    sed -i 's/^Status: install ok unpacked$/Status: install ok installed/' "$dir/var/lib/dpkg/status"
    ln -s ../lib/klibc/bin/sh "$dir/usr/bin/sh"
    rm -rf "$dir"/var/lib/dpkg/{lock,lock-frontend,triggers,alternatives,updates} "$dir"/var/lib/dpkg/*-old \
        "$dir"/var/lib/dpkg/info/*.{templates,preinst,postinst,postrm} "$dir"/etc/*-
}

say "root filesystems"
rootfs bookworm "$work/root" gunzip zcat # three copies of gzip here; Debian 13 has hard links
tar_of "$work/root" "$ctx/rootfs.tar"
rootfs trixie "$work/root-foreign"
tar_of "$work/root-foreign" "$ctx/rootfs-foreign.tar"

# The company's part of the base: a CA certificate, a profile script, and the tools that klibc lacks.
cp -a "$ctx/base/rootfs2" "$work/root2"
mkdir -p "$work/root2/usr/local/bin"
klcc -Os -o "$work/root2/usr/local/bin/coretools" "$ctx/base/coretools.c"
strip --remove-section=.note.gnu.build-id "$work/root2/usr/local/bin/coretools" 2>/dev/null # it warns of an empty segment
for l in chmod cp rm setcap; do ln -s coretools "$work/root2/usr/local/bin/$l"; done
chown -R 0:0 "$work/root2"
# Debian's /usr/local is root:staff 2775, its own directories here must agree with the layer below.
(cd "$work/root2" && find . -type d -print0 | while IFS= read -r -d '' l; do
    if [[ -d $work/root/$l ]]; then chmod --reference="$work/root/$l" "$l" && chown --reference="$work/root/$l" "$l"; fi
done)
tar_of "$work/root2" "$ctx/rootfs2.tar"

# --- images, in the private store ---------------------------------------------------------------------------------

# build NAME REFERENCE [buildah options…]: one layer for each step, times pinned.
build() {
    local name=$1 ref=$2
    shift 2
    b bud --quiet --layers --timestamp "$SOURCE_DATE_EPOCH" --pull-never "$@" -t "$ref" -f "$ctx/$name/Containerfile" "$ctx" >/dev/null
}

base=example.com/base/debian-mini:12
team=example.com/team/team-java:1
app() { echo "example.com/app/$1:1.0"; }

say "buildah: images"
build base $base
build custom-base $team
for n in app-good app-setuid app-setgid app-capability app-base-modified app-base-replaced app-base-deleted \
    app-package-tampered app-on-custom foreign; do
    build "$n" "$(app "$n")"
done
build app-device "$(app app-device)" --cap-add CAP_MKNOD
# app-good with all its layers, the base's too, made one.
printf 'FROM %s\n' "$(app app-good)" >"$ctx/Containerfile.squash"
b bud --quiet --squash --timestamp "$SOURCE_DATE_EPOCH" --pull-never -t "$(app squashed)" -f "$ctx/Containerfile.squash" "$ctx" >/dev/null

# --- the fixtures: each in the form that is natural to some tool ------------------------------------------------

# Every one of these is written afresh: skopeo refuses an existing docker-archive.
rm -f "$out"/*.tar
rm -rf "$out/forms"; mkdir "$out/forms"
docker_archive() { sk "$(stored "$2")" "docker-archive:$1:$2"; }
oci_archive() { sk "${@:3}" "$(stored "$2")" "oci-archive:$1:${2##*:}"; }
pinned() { touch -d "@$SOURCE_DATE_EPOCH" "$@"; }

say "skopeo, podman, buildah: fixtures"
docker_archive "$out/base.tar" $base
oci_archive "$out/custom-base.tar" $team
b push --quiet "$(app app-good)" "docker-archive:$out/app-good.tar:$(app app-good)"
docker_archive "$out/app-on-custom.tar" "$(app app-on-custom)"
oci_archive "$out/app-setuid.tar" "$(app app-setuid)"
oci_archive "$out/app-setgid.tar" "$(app app-setgid)" --dest-compress-format zstd
p save --quiet --format docker-archive -o "$out/app-capability.tar" "$(app app-capability)"
p save --quiet --format oci-archive -o "$out/app-device.tar" "$(app app-device)"
# Named .tar, and a gzip or zstd file: the name must not be believed.
docker_archive "$work/x.tar" "$(app app-base-modified)"; gzip -9nc "$work/x.tar" >"$out/app-base-modified.tar"; rm "$work/x.tar"
docker_archive "$work/x.tar" "$(app app-base-replaced)"; zstd -q19 -c "$work/x.tar" >"$out/app-base-replaced.tar"; rm "$work/x.tar"
oci_archive "$out/app-package-tampered.tar" "$(app app-package-tampered)"
oci_archive "$out/foreign.tar" "$(app foreign)"
oci_archive "$out/squashed.tar" "$(app squashed)"

say "Docker, Debian 12's"
start_docker old
d old load -q -i "$out/base.tar" >/dev/null
d old build -q --network=none -t "$(app app-user-root)" -f "$ctx/app-user-root/Containerfile" "$ctx" >/dev/null
d old save -o "$out/app-user-root.tar" "$(app app-user-root)"
d old load -q -i "$out/app-good.tar" >/dev/null
d old save -o "$out/forms/docker-save-20.tar" "$(app app-good)"
# Before Docker 1.10 there was no manifest.json. What 20.10 writes is that form and a manifest beside it: take the
# manifest and the config away and the old form is left (an honest conversion, but a conversion).
mkdir "$work/legacy"
tar -C "$work/legacy" -xf "$out/forms/docker-save-20.tar"
rm "$work/legacy/$(jq -r '.[0].Config' "$work/legacy/manifest.json")" "$work/legacy/manifest.json"
(cd "$work/legacy" && tar --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --format=ustar \
    -cf "$out/forms/docker-legacy-repositories-only.tar" -- *)

say "Docker, Debian 13's"
start_newer_docker new
d new load -q -i "$out/base.tar" >/dev/null
d new build -q --network=none -t "$(app app-bad)" -f "$ctx/app-bad/Containerfile" "$ctx" >/dev/null
d new save -o "$out/app-bad.tar" "$(app app-bad)"
d new load -q -i "$out/app-good.tar" >/dev/null
d new save -o "$out/forms/docker-save-26.tar" "$(app app-good)"
d new load -q -i "$out/app-user-root.tar" >/dev/null
d new save -o "$out/forms/docker-save-two-images.tar" "$(app app-good)" "$(app app-user-root)"
start_newer_docker ctr containerd
# containerd's store keeps a manifest and its blobs as they came, and `docker save` writes them so.
for n in app-base-deleted app-good; do
    rm -f "$work/x.tar"
    sk "$(stored "$(app $n)")" "oci-archive:$work/x.tar:$(app $n)"
    d ctr load -q -i "$work/x.tar" >/dev/null
done
d ctr save -o "$out/app-base-deleted.tar" "$(app app-base-deleted)"
d ctr save -o "$out/forms/docker-save-26-containerd.tar" "$(app app-good)"

# --- app-good in every form -----------------------------------------------------------------------------------------
say "forms"
f=$out/forms
good=$(app app-good)
docker_archive "$f/docker-archive-skopeo.tar" "$good"
p save --quiet --format docker-archive -o "$f/docker-archive-podman.tar" "$good"
oci_archive "$f/oci-archive.tar" "$good"
oci_archive "$f/oci-archive-zstd.tar" "$good" --dest-compress-format zstd
sk "$(stored "$good")" --dest-compress-format zstd:chunked "oci-archive:$f/oci-archive-zstd-chunked.tar:1.0"
sk "$(stored "$good")" "oci:$f/oci-layout:1.0"

# A whole archive inside a compressed file.
gzip -9nc "$f/docker-archive-skopeo.tar" >"$f/docker-archive.tar.gz"
zstd -q19 -c "$f/docker-archive-skopeo.tar" >"$f/docker-archive.tar.zst"
xz -9c "$f/docker-archive-skopeo.tar" >"$f/docker-archive.tar.xz"
bzip2 -9c "$f/docker-archive-skopeo.tar" >"$f/docker-archive.tar.bz2"

# An OCI layout packed by tar: `oci-layout`, `./oci-layout`.
# shellcheck disable=SC2054 # the comma is chmod's
layout_tar=(tar -C "$f/oci-layout" --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX)
"${layout_tar[@]}" --format=gnu -cf "$f/oci-tar-plain.tar" blobs index.json oci-layout
"${layout_tar[@]}" --format=pax --pax-option=delete=atime,delete=ctime -cf "$f/oci-tar-dot.tar" .

# Two platforms: the second is app-good's content called arm64, so it is not the base's platform and its programs
# are of another machine than it says.
b from --quiet --name arm "$good" >/dev/null
b config --arch arm64 --variant v8 arm
b commit --quiet --timestamp "$SOURCE_DATE_EPOCH" arm "$(app app-good-arm64)" >/dev/null
b manifest create multi >/dev/null
b manifest add --os linux --arch amd64 multi "$(stored "$good")" >/dev/null
b manifest add --os linux --arch arm64 --variant v8 multi "$(stored "$(app app-good-arm64)")" >/dev/null
b manifest push --quiet --all multi "oci-archive:$f/multi-platform.tar:1.0"

# umoci makes its own: the base's layout, and one layer for each insert.
sk "$(stored $base)" "oci:$f/umoci-layout:1.0"
mkdir "$work/u"
for n in passwd group; do cp -p "$work/root/etc/$n" "$work/u/$n"; done
echo 'app:x:10001:10001:application:/opt/app:/usr/sbin/nologin' >>"$work/u/passwd"
echo 'app:x:10001:' >>"$work/u/group"
cp -r "$ctx/app/files" "$work/u/app"
pinned "$work"/u/{passwd,group,app,app/*}
um() { local cmd=$1; shift; umoci "$cmd" --image "$f/umoci-layout:1.0" "$@" >/dev/null; }
um insert --history.created_by 'umoci insert app /opt/app' --history.created 2024-01-01T00:00:00Z "$work/u/app" /opt/app
um insert --history.created_by 'umoci insert passwd /etc/passwd' --history.created 2024-01-01T00:00:00Z "$work/u/passwd" /etc/passwd
um insert --history.created_by 'umoci insert group /etc/group' --history.created 2024-01-01T00:00:00Z "$work/u/group" /etc/group
um config --clear config.cmd --config.user 10001:10001 --config.entrypoint /bin/sh --config.entrypoint /opt/app/run.sh \
    --created 2024-01-01T00:00:00Z --history.created 2024-01-01T00:00:00Z
umoci gc --layout "$f/umoci-layout" >/dev/null

chmod -R u=rwX,go=rX "$out"/*.tar "$f"

# --- is it what the README says? ------------------------------------------------------------------------------------
say "verify"
python3 "$here/verify.py"

# --- the catalog ----------------------------------------------------------------------------------------------------
ocicheck=${OCICHECK:-$here/../target/release/ocicheck}
if [[ -x $ocicheck ]]; then
    rm -rf "$out"/bases.json*
    "$ocicheck" base add "$out/base.tar" --bases "$out/bases.json" --name debian-mini --version 12 --tier official
    "$ocicheck" base add "$out/custom-base.tar" --bases "$out/bases.json" --name team-java --version 1 --tier custom
else
    say "SKIPPED: bases.json, as there is no $ocicheck (build it, or set OCICHECK)"
fi
du -sh "$out" >&2
