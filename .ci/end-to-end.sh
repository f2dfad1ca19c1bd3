#!/bin/bash
# ocicheck against real images: a real Debian base, good and bad children built by buildah and by Docker, each in every
# form that tools write, one image at least for each rule, and images that lie. Needs root on Debian 12 and its package
# sources.
#
#   .ci/end-to-end.sh             everything; ends with a line `N passed, N failed` and a status to match
#   .ci/end-to-end.sh images DIR  only makes the images of the forms, into DIR
#
# E2E_STORAGE_DRIVER=vfs does without overlayfs.
#
# OCICHECK names the binary (default: target/release/ocicheck). A rule that no image trips fails the run: see
# end-to-end/rules.sh, and lies.sh for images that no ordinary tool makes.
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
parts=$here/end-to-end
ocicheck=${OCICHECK:-$here/../target/release/ocicheck}
work=$(mktemp -d /tmp/e2e.XXXXXX)
driver=${E2E_STORAGE_DRIVER:-}
# shellcheck source=testdata/lib.sh
source "$here/../testdata/lib.sh"
trap cleanup EXIT
# shellcheck source=.ci/end-to-end/judge.sh
source "$parts/judge.sh"
# shellcheck source=.ci/end-to-end/debian.sh
source "$parts/debian.sh"
# shellcheck source=.ci/end-to-end/rpm.sh
source "$parts/rpm.sh"
# shellcheck source=.ci/end-to-end/rules.sh
source "$parts/rules.sh"
# shellcheck source=.ci/end-to-end/forms.sh
source "$parts/forms.sh"
# shellcheck source=.ci/end-to-end/lies.sh
source "$parts/lies.sh"

tools() {
    need buildah=buildah skopeo=skopeo podman=podman dockerd=docker.io docker=docker.io mmdebstrap=mmdebstrap \
        zstd=zstd xz=xz-utils bzip2=bzip2 python3=python3 jq=jq openssl=openssl dpkg-deb=dpkg rpm=rpm rpmbuild=rpm \
        umoci=umoci ssh-keygen=openssh-client
    [[ -n $(ls -A /var/lib/apt/lists 2>/dev/null) ]] || apt-get update -qq
}

judge_packages() {
    local n
    for n in "${package_children[@]}"; do judge "$n packages of the base" "$n" "$work/$n.json" "$work/$n.tar"; done
    for n in "${rpm_children[@]}"; do judge "rpm $n packages of its base" "rpm-$n" "$work/rpm-$n.json" "$work/rpm-$n.tar"; done
    judge_rpm_verify
}

# images DIR: the images of the forms, for whoever wants them.
images() {
    local name form
    mkdir -p "$1"
    for name in buildah-good buildah-bad docker-good docker-bad; do
        [[ -e $work/$name.tar ]] || continue
        say "$name in every form"
        for form in "${forms[@]}"; do
            rm -rf "${1:?}/$name-$form"
            if can_export "$form"; then export_form "$form" "$work/$name.tar" "$1/$name-$form"; else skipped "$name as $form"; fi
        done
    done
    mv "$work"/*-{good,bad}.tar "$work/base.tar" "$1"
}

judge_all() {
    "$ocicheck" base add "$work/base.tar" --bases "$work/bases.json" --name debian --version 12 --tier official >/dev/null
    "$ocicheck" base add "$work/rpm-base.tar" --bases "$work/bases.json" --name rpm --version 1 --tier official >/dev/null
    judge_packages
    judge_children
    judge_services
    judge_advisories
    judge_days
    judge_lies
    judge_forms
    judge_builders
    judge_rules
}

tools
choose_driver
context
start_dockers
build_images
build_rpm_images

if [[ ${1:-} == images ]]; then
    images "$2"
    exit 0
fi
judge_all
passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAIL ' "$results" || true)
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
