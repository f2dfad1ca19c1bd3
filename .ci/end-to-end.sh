#!/bin/bash
# ocicheck against real images: a real Debian base, good and bad children built by buildah and by Docker, each in every
# form that tools write, and images that lie. Needs root on Debian 12 and its package sources.
#
#   .ci/end-to-end.sh             everything; ends with a line `N passed, N failed` and a status to match
#   .ci/end-to-end.sh images DIR  only makes the images, into DIR
#
# E2E_STORAGE_DRIVER=vfs does without overlayfs.
#
# OCICHECK names the binary (default: target/release/ocicheck).
set -euo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
ocicheck=${OCICHECK:-$here/../target/release/ocicheck}
work=$(mktemp -d /tmp/e2e.XXXXXX)
driver=${E2E_STORAGE_DRIVER:-}
# shellcheck source=testdata/lib.sh
source "$here/../testdata/lib.sh"
trap cleanup EXIT

base=example.com/base/debian:12
# Children of the base that do something to its packages; see `packages`.
package_children=(installs upgrades downgrades removes tampers forges)
# A base of nothing but what rpm installs, and its children; see `build_rpm_images`.
rpm_base=example.com/base/rpm:1
rpm_children=(installs upgrades downgrades removes tampers logs)
docker_old='' docker_new='' docker_ctr=''

# --- images ---------------------------------------------------------------------------------------------------------

tools() {
    need buildah=buildah skopeo=skopeo podman=podman dockerd=docker.io docker=docker.io mmdebstrap=mmdebstrap \
        zstd=zstd xz=xz-utils bzip2=bzip2 python3=python3 jq=jq openssl=openssl dpkg-deb=dpkg rpm=rpm rpmbuild=rpm
    [[ -n $(ls -A /var/lib/apt/lists 2>/dev/null) ]] || apt-get update -qq
}

# What the children are built from: $work/ctx.
context() {
    local ctx=$work/ctx
    mkdir -p "$ctx/app" "$ctx"/base/{etc/profile.d,opt}
    debian_rootfs "$ctx/rootfs.tar"
    (cd "$ctx" && apt-get -qq -o APT::Sandbox::User=root download hello && mv hello_*.deb hello.deb)
    printf '#!/bin/sh\nexec hello\n' >"$ctx/app/run.sh"
    chmod 755 "$ctx/app/run.sh"
    printf 'export EXAMPLE_CORP=1\n' >"$ctx/base/etc/profile.d/example-corp.sh"
    openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$ctx/deploy.key" 2>/dev/null ||
        openssl genrsa -out "$ctx/deploy.key" 2048 2>/dev/null

    packages
    cat >"$ctx/Containerfile.base" <<-'EOF'
	FROM scratch
	ADD rootfs.tar /
	COPY base/ /
	RUN dpkg -i /opt/corp-tool.deb && rm -f /opt/corp-tool.deb
	CMD ["/bin/bash"]
	EOF
    # What teams do every day: an account, a package by dpkg, files of their own.
    cat >"$ctx/Containerfile.good" <<-EOF
	FROM $base
	COPY hello.deb /tmp/hello.deb
	RUN dpkg -i /tmp/hello.deb && rm -f /tmp/hello.deb
	RUN useradd --uid 10001 --no-create-home --home-dir /opt/app --shell /usr/sbin/nologin app
	COPY app/ /opt/app/
	ENV APP_ENV=test
	USER 10001
	ENTRYPOINT ["/opt/app/run.sh"]
	EOF
    cat >"$ctx/Containerfile.bad" <<-EOF
	FROM $base
	COPY app/ /opt/app/
	RUN cp /bin/bash /usr/local/bin/admin-sh && chmod 4755 /usr/local/bin/admin-sh
	RUN echo 'umask 000' >> /etc/profile.d/example-corp.sh
	RUN rm -f /etc/issue.net
	RUN rm -f /etc/debian_version && ln -s /opt/app/run.sh /etc/debian_version
	RUN chmod 666 /etc/login.defs
	RUN cp /bin/cat /opt/app/cat && setcap cap_net_raw,cap_dac_override,cap_fowner+ep /opt/app/cat
	COPY deploy.key /root/deploy.key
	RUN rm -f /root/deploy.key
	USER root
	ENTRYPOINT ["/opt/app/run.sh"]
	EOF
    # What must be found in bad: rule, path, layer above the base's, part of the build step.
    cat >"$work/bad.json" <<-'EOF'
	{"exit": 1, "findings": [
	    ["user-root", null, null, null],
	    ["setuid-file", "/usr/local/bin/admin-sh", 4, "chmod 4755 /usr/local/bin/admin-sh"],
	    ["base-file-modified", "/etc/profile.d/example-corp.sh", 5, "umask 000"],
	    ["base-file-deleted", "/etc/issue.net", 6, "rm -f /etc/issue.net"],
	    ["base-file-replaced", "/etc/debian_version", 7, "ln -s /opt/app/run.sh"],
	    ["base-metadata-changed", "/etc/login.defs", 8, "chmod 666 /etc/login.defs"],
	    ["file-capability", "/opt/app/cat", 9, "setcap cap_net_raw"],
	    ["secret-file", "/root/deploy.key", null, null]]}
	EOF
    echo '{"exit": 0, "findings": []}' >"$work/good.json"
}

# corp_tool VERSION: a package of the company's own, as $work/ctx/corp-tool_VERSION.deb. It has what makes upgrades
# hard to tell from tampering: configuration, a link, a setuid program, a path below /bin, files of one version only.
corp_tool() {
    local version=$1 root=$work/corp-tool
    rm -rf "$root"
    mkdir -p "$root"/{DEBIAN,bin,etc,usr/lib/corp-tool,"usr/share/corp-tool/$version"}
    cat >"$root/DEBIAN/control" <<-EOF
	Package: corp-tool
	Version: $version
	Architecture: all
	Maintainer: Example Corp <nobody@example.com>
	Description: a tool of the company's own
	EOF
    echo /etc/corp-tool.conf >"$root/DEBIAN/conffiles"
    printf '#!/bin/sh\necho corp-tool %s\n' "$version" | tee "$root/bin/corp-tool" >"$root/usr/lib/corp-tool/as-root"
    echo "version = $version" >"$root/etc/corp-tool.conf"
    echo "$version" >"$root/usr/lib/corp-tool/libcorp.so.$version"
    ln -s "libcorp.so.$version" "$root/usr/lib/corp-tool/libcorp.so"
    echo "what is new in $version" >"$root/usr/share/corp-tool/$version/news"
    chmod 755 "$root/bin/corp-tool"
    chmod 4755 "$root/usr/lib/corp-tool/as-root"
    # Storage drivers take a file of the same size and time for the same file: each version has a day of its own.
    SOURCE_DATE_EPOCH=$((SOURCE_DATE_EPOCH + 86400 * ${version%%.*})) \
        dpkg-deb --root-owner-group --build "$root" "$work/ctx/corp-tool_$version.deb" >/dev/null
}

# What package managers do to a base: five ways to change one of its packages, and packages that are new.
packages() {
    local ctx=$work/ctx version n
    for version in 0.9-1 1.0-1 2.0-1; do corp_tool $version; done
    mv "$ctx/corp-tool_1.0-1.deb" "$ctx/base/opt/corp-tool.deb"
    # New packages with all that they depend on and the base lacks, to be installed without a network.
    download_packages "$ctx/rootfs.tar" "$ctx/debs" install hello less ca-certificates python3-minimal

    containerfile installs <<-'EOF'
	COPY debs/ /tmp/debs/
	RUN apt-get -qq install -y --no-install-recommends /tmp/debs/*.deb && rm -rf /tmp/debs
	EOF
    containerfile upgrades <<-'EOF'
	COPY corp-tool_2.0-1.deb /tmp/
	RUN dpkg -i /tmp/corp-tool_2.0-1.deb && rm -f /tmp/corp-tool_2.0-1.deb
	EOF
    containerfile downgrades <<-'EOF'
	COPY corp-tool_0.9-1.deb /tmp/
	RUN dpkg -i /tmp/corp-tool_0.9-1.deb && rm -f /tmp/corp-tool_0.9-1.deb
	EOF
    containerfile removes <<-'EOF'
	RUN dpkg --purge corp-tool
	EOF
    containerfile tampers <<-'EOF'
	COPY corp-tool_2.0-1.deb /tmp/
	RUN dpkg -i /tmp/corp-tool_2.0-1.deb && rm -f /tmp/corp-tool_2.0-1.deb
	RUN echo 'echo evil' >> /usr/bin/corp-tool
	EOF
    # By someone who is no package manager: file, digest and version.
    containerfile forges <<-'EOF'
	RUN echo 'echo evil' >> /usr/bin/corp-tool && cd / && \
	    sed -i '/corp-tool$/d' /var/lib/dpkg/info/corp-tool.md5sums && \
	    md5sum bin/corp-tool >> /var/lib/dpkg/info/corp-tool.md5sums && \
	    sed -i '/^Package: corp-tool$/,/^$/s/^Version: .*/Version: 1.0-2/' /var/lib/dpkg/status
	EOF
    expect() { printf '{"exit": 1, "findings": [%s], "only": true}\n' "$2" >"$work/$1.json"; }
    local changed='["base-package-changed", null, null, null]'
    echo '{"exit": 0, "findings": []}' >"$work/installs.json"
    for n in upgrades downgrades removes forges; do expect $n "$changed"; done
    jq '.explained = ["/etc/corp-tool.conf", "/usr/bin/corp-tool", "/usr/lib/corp-tool/as-root",
        "/usr/lib/corp-tool/libcorp.so", "/usr/share/corp-tool/1.0-1/news"]' "$work/upgrades.json" >"$work/more.json"
    mv "$work/more.json" "$work/upgrades.json"
    expect tampers "$changed, [\"base-file-modified\", \"/usr/bin/corp-tool\", 5, \"echo evil\"]"
}

# corp_rpm NAME VERSION: the same for rpm, as $work/rpms/NAME-VERSION-1.noarch.rpm, with a file that it only owns.
corp_rpm() {
    local name=$1 version=$2 mode=755 root=$work/rpm-root
    [[ $name != corp-tool ]] || mode=4755
    rm -rf "$root"
    mkdir -p "$root"/{usr/bin,etc,"usr/lib/$name","usr/share/$name/$version"}
    printf '#!/bin/sh\necho %s %s\n' "$name" "$version" | tee "$root/usr/bin/$name" >"$root/usr/lib/$name/as-root"
    echo "version = $version" >"$root/etc/$name.conf"
    echo "$version" >"$root/usr/lib/$name/lib.so.$version"
    ln -s "lib.so.$version" "$root/usr/lib/$name/lib.so"
    echo "what is new in $version" >"$root/usr/share/$name/$version/news"
    # See corp_tool.
    find "$root" -exec touch -hd "@$((SOURCE_DATE_EPOCH + 86400 * ${version%%.*}))" {} +
    cat >"$work/$name.spec" <<-EOF
	Name: $name
	Version: $version
	Release: 1
	Summary: a tool of the company's own
	License: none
	BuildArch: noarch
	%description
	A tool of the company's own.
	%install
	cp -a $root/. %{buildroot}
	%files
	%attr(755,root,root) /usr/bin/$name
	%dir /usr/lib/$name
	%attr($mode,root,root) /usr/lib/$name/as-root
	/usr/lib/$name/lib*
	/usr/share/$name
	%config(noreplace) /etc/$name.conf
	%ghost /var/lib/$name.state
	EOF
    rpmbuild --quiet -bb --define "_topdir $work/rpmbuild" --define "_rpmdir $work/rpms" \
        --define '_rpmfilename %{name}-%{version}-%{release}.%{arch}.rpm' "$work/$name.spec" >"$work/rpmbuild.log" 2>&1 ||
        { cat "$work/rpmbuild.log" >&2; return 1; }
}

# What is done to a tree that is told last. Debian's rpm warns that it is not Debian's package manager.
rpm_in() { rpm --root "${*: -1}" --dbpath /var/lib/rpm "${@:1:$#-1}" 2>"$work/rpm.log" || { cat "$work/rpm.log" >&2; return 1; }; }
install_rpms() {
    local root=${*: -1}
    mkdir -p "$root/etc"
    echo root:x:0:0::/:/bin/sh >"$root/etc/passwd"
    rpm_in -i "${@:1:$#-1}" "$root"
}
spoil() { echo 'echo evil' >>"$1/usr/bin/corp-tool"; }
# While someone reads the database, SQLite keeps what is written in its log; whoever kills them leaves it there.
upgrade_while_read() {
    python3 - "$@" <<-'EOF'
	import os, sqlite3, subprocess, sys
	package, root = sys.argv[1:]
	database = f"{root}/var/lib/rpm/rpmdb.sqlite"
	reader = sqlite3.connect(database, isolation_level=None)
	reader.execute("BEGIN")
	reader.execute("SELECT count(*) FROM Packages").fetchone()
	command = ["rpm", "--root", root, "--dbpath", "/var/lib/rpm", "-U", package]
	subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
	os._exit(os.path.getsize(database + "-wal") <= 32)
	EOF
}

# on NAME FROM COMMAND…: an image of FROM and a layer, which is what the command does to the tree that it is told.
on() {
    local name=$1 from=$2 container
    container=$(b from --quiet --pull-never "$from")
    "${@:3}" "$(b mount "$container")"
    b umount "$container" >/dev/null
    if [[ $from != scratch ]]; then b config --user 10001 "$container"; fi
    b commit --quiet "$container" "$name" >/dev/null
    b rm "$container" >/dev/null
}

# rpm-base and its children, each as the archive $work/rpm-NAME.tar: made by rpm itself, from outside.
build_rpm_images() {
    local rpms=$work/rpms n version
    say "rpm: base, ${rpm_children[*]}"
    for version in 0.9 1.0 2.0; do corp_rpm corp-tool $version; done
    corp_rpm more 1.0
    corp_rpm stays 1.0
    tool() { echo "$rpms/corp-tool-$1-1.noarch.rpm"; }
    on $rpm_base scratch install_rpms "$(tool 1.0)" "$rpms/stays-1.0-1.noarch.rpm"
    on installs $rpm_base rpm_in -i "$rpms/more-1.0-1.noarch.rpm"
    on upgrades $rpm_base rpm_in -U "$(tool 2.0)"
    on downgrades $rpm_base rpm_in -U --oldpackage "$(tool 0.9)"
    on removes $rpm_base rpm_in -e corp-tool
    on tampers upgrades spoil
    on logs $rpm_base upgrade_while_read "$(tool 2.0)"
    for n in "${rpm_children[@]}"; do
        sk "$(stored "localhost/$n:latest")" "oci-archive:$work/rpm-$n.tar:1"
    done
    sk "$(stored $rpm_base)" "oci-archive:$work/rpm-base.tar:1"
    b rmi --all --force >/dev/null

    local changed='["base-package-changed", null, null, null]'
    echo '{"exit": 0, "findings": []}' >"$work/rpm-installs.json"
    for n in upgrades downgrades removes logs; do expect rpm-$n "$changed"; done
    for n in upgrades logs; do
        jq '.explained = ["/etc/corp-tool.conf", "/usr/bin/corp-tool", "/usr/lib/corp-tool/as-root",
            "/usr/lib/corp-tool/lib.so", "/usr/share/corp-tool/1.0"]' "$work/rpm-$n.json" >"$work/more.json"
        mv "$work/more.json" "$work/rpm-$n.json"
    done
    expect rpm-tampers "$changed, [\"base-file-modified\", \"/usr/bin/corp-tool\", null, null]"
}

# containerfile NAME: one on the base, of the steps on standard input, that runs as an ordinary user.
containerfile() {
    { printf 'FROM %s\n' "$base"; cat; printf 'USER 10001\n'; } >"$work/ctx/Containerfile.$1"
}

# start_dockers: whichever of the three daemons can run here; the others are told.
start_dockers() {
    if start_docker old; then docker_old="$(docker_version old)"; else skipped "this machine's Docker: dockerd does not start"; fi
    if start_newer_docker new; then docker_new="$(docker_version new)"; else skipped "Debian 13's Docker: dockerd does not start"; fi
    if start_newer_docker ctr containerd; then docker_ctr="$(docker_version ctr)"; else skipped "Docker with containerd's store: dockerd does not start"; fi
}

# build_images: base, and {buildah,docker}-{good,bad}, each as the docker-archive $work/NAME.tar.
build_images() {
    local ctx=$work/ctx n
    say "buildah: base, good, bad"
    b bud --quiet --layers --timestamp "$SOURCE_DATE_EPOCH" --pull-never -t $base -f "$ctx/Containerfile.base" "$ctx" >/dev/null
    rm "$ctx/rootfs.tar"
    sk "$(stored $base)" "docker-archive:$work/base.tar:$base"
    for n in good bad; do
        b bud --quiet --layers --pull-never --cap-add CAP_SETFCAP -t "example.com/app/$n:1" -f "$ctx/Containerfile.$n" "$ctx" >/dev/null
        sk "$(stored "example.com/app/$n:1")" "docker-archive:$work/buildah-$n.tar:example.com/app/$n:1"
        b rmi --force "example.com/app/$n:1" >/dev/null
    done
    say "buildah: ${package_children[*]}"
    for n in "${package_children[@]}"; do
        b bud --quiet --layers --pull-never -t "example.com/app/$n:1" -f "$ctx/Containerfile.$n" "$ctx" >/dev/null
        sk "$(stored "example.com/app/$n:1")" "oci-archive:$work/$n.tar:1"
        b rmi --force "example.com/app/$n:1" >/dev/null
    done
    b rmi --all --force >/dev/null
    if [[ ! $docker_old ]]; then
        skipped "docker-good, docker-bad: no Docker to build them"
        return
    fi
    say "docker $docker_old: good, bad"
    d old load -q -i "$work/base.tar" >/dev/null
    for n in good bad; do
        d old build -q --network=none -t "example.com/app/$n:1" -f "$ctx/Containerfile.$n" "$ctx" >/dev/null
        d old save -o "$work/docker-$n.tar" "example.com/app/$n:1"
        d old rmi -f "example.com/app/$n:1" >/dev/null
    done
}

# Every form. `export_form FORM ARCHIVE OUT` writes the docker-archive ARCHIVE in another form to OUT.
forms=(docker-archive-skopeo docker-archive-podman docker-save docker-save-hybrid docker-save-containerd
    oci-archive oci-archive-zstd oci-directory oci-tar-dot whole-gz whole-zst whole-xz whole-bz2)

export_form() {
    local form=$1 in=$2 out=$3 ref
    ref=$(tar -xOf "$in" manifest.json | jq -r '.[0].RepoTags[0]')
    case $form in
        docker-archive-skopeo) sk "docker-archive:$in" "docker-archive:$out:$ref" ;;
        docker-archive-podman)
            p load --quiet -i "$in" >/dev/null
            p save --quiet --format docker-archive -o "$out" "$ref"
            p rmi --all --force >/dev/null
            ;;
        docker-save) through_docker old "$in" "$ref" "$out" ;;
        docker-save-hybrid) through_docker new "$in" "$ref" "$out" ;;
        docker-save-containerd)
            sk "docker-archive:$in" "oci-archive:$work/ctr.tar:$ref"
            through_docker ctr "$work/ctr.tar" "$ref" "$out"
            rm "$work/ctr.tar"
            ;;
        oci-archive) sk "docker-archive:$in" "oci-archive:$out:1" ;;
        oci-archive-zstd) sk --dest-compress-format zstd --dest-compress-level 1 "docker-archive:$in" "oci-archive:$out:1" ;;
        oci-directory) sk "docker-archive:$in" "oci:$out:1" ;;
        oci-tar-dot)
            sk "docker-archive:$in" "oci:$work/dot:1"
            tar -C "$work/dot" -cf "$out" .
            rm -r "$work/dot"
            ;;
        whole-gz) gzip -1c "$in" >"$out" ;;
        whole-zst) zstd -q1 -c "$in" >"$out" ;;
        whole-xz) xz -0 -T0 -c "$in" >"$out" ;;
        whole-bz2) bzip2 -1c "$in" >"$out" ;;
    esac
}

can_export() {
    case $1 in
        docker-save) [[ $docker_old ]] ;;
        docker-save-hybrid) [[ $docker_new ]] ;;
        docker-save-containerd) [[ $docker_ctr ]] ;;
    esac
}

through_docker() {
    local docker=$1 in=$2 ref=$3 out=$4
    d "$docker" load -q -i "$in" >/dev/null
    d "$docker" save -o "$out" "$ref"
    d "$docker" rmi -f "$ref" >/dev/null
}

# --- judging --------------------------------------------------------------------------------------------------------

results=$work/results
: >"$results"
verdict() { printf '%s %s\n' "$1" "${*:2}" | tee -a "$results"; }
skipped() { printf 'SKIPPED %s\n' "$*" | tee -a "$results"; }

# judge NAME GROUP EXPECTED IMAGE [STDIN]: the findings of one group must be the same in every form.
judge() {
    local name=$1 group=$2 expected=$3 image=$4 status=0
    "$ocicheck" --bases "$work/bases.json" --format json --progress never -- "$image" <"${5:-/dev/null}" \
        >"$work/report.json" 2>"$work/report.err" || status=$?
    if python3 "$here/judge.py" "$work/report.json" "$status" "$expected" "$work/findings-$group.json" >"$work/judged" 2>&1; then
        verdict ok "$name"
    else
        verdict FAIL "$name"
        sed 's/^/    /' "$work/judged"
        head -n 5 "$work/report.err" | sed 's/^/    ocicheck: /'
    fi
}

judge_forms() {
    local kind builder archive form out
    for builder in buildah docker; do
        for kind in good bad; do
            archive=$work/$builder-$kind.tar
            [[ -e $archive ]] || continue
            # The archive as it was made, and through a pipe.
            judge "$builder-$kind as built" "$builder-$kind" "$work/$kind.json" "$archive"
            judge "$builder-$kind on standard input" "$builder-$kind" "$work/$kind.json" - "$archive"
            for form in "${forms[@]}"; do
                if ! can_export "$form"; then
                    skipped "$builder-$kind as $form: no such Docker here"
                    continue
                fi
                out=$work/image
                rm -rf "$out"
                export_form "$form" "$archive" "$out"
                judge "$builder-$kind as $form" "$builder-$kind" "$work/$kind.json" "$out"
                [[ $form != oci-archive ]] ||
                    judge "$builder-$kind as $form on standard input" "$builder-$kind" "$work/$kind.json" - "$out"
            done
            rm -rf "$work/image"
        done
    done
}

judge_packages() {
    local n
    for n in "${package_children[@]}"; do judge "$n packages of the base" "$n" "$work/$n.json" "$work/$n.tar"; done
    for n in "${rpm_children[@]}"; do judge "rpm $n packages of its base" "rpm-$n" "$work/rpm-$n.json" "$work/rpm-$n.tar"; done
}

# Two builders, one Containerfile: what fails must be the same.
judge_builders() {
    local kind
    for kind in good bad; do
        if [[ ! -e $work/findings-docker-$kind.json ]]; then
            skipped "$kind: buildah against docker"
        elif python3 "$here/judge.py" --same-failures "$work/findings-buildah-$kind.json" "$work/findings-docker-$kind.json"; then
            verdict ok "$kind: buildah and docker give the same failures"
        else
            verdict FAIL "$kind: buildah and docker give different failures"
        fi
    done
}

# Images that lie: see spoil.py. What can still be judged whole is a failing image (1); what cannot is an error (2).
judge_lies() {
    local how rule
    sk "docker-archive:$work/buildah-good.tar" "oci:$work/honest:1"
    while read -r how rule exit; do
        rm -rf "$work/spoilt"
        cp -r "$work/honest" "$work/spoilt"
        python3 "$here/spoil.py" "$how" "$work/spoilt"
        echo "{\"exit\": $exit, \"findings\": [[\"$rule\", null, null, null]]}" >"$work/lie.json"
        judge "a lie: $how is $rule" "lie-$how" "$work/lie.json" "$work/spoilt"
    done <<-'EOF'
	other-bytes-under-base-diffids diff-id-mismatch 1
	flipped-byte digest-mismatch 1
	missing-layer blob-missing 2
	EOF
    # The same bytes, compressed otherwise and honestly described, are the same base.
    rm -rf "$work/spoilt"
    cp -r "$work/honest" "$work/spoilt"
    python3 "$here/spoil.py" recompressed "$work/spoilt"
    judge "the base's layers recompressed are still the base" buildah-good "$work/good.json" "$work/spoilt"
}

# --- the run --------------------------------------------------------------------------------------------------------

tools
choose_driver
context
start_dockers
build_images
build_rpm_images

if [[ ${1:-} == images ]]; then
    mkdir -p "$2"
    for name in buildah-good buildah-bad docker-good docker-bad; do
        [[ -e $work/$name.tar ]] || continue
        say "$name in every form"
        for form in "${forms[@]}"; do
            rm -rf "${2:?}/$name-$form"
            if can_export "$form"; then export_form "$form" "$work/$name.tar" "$2/$name-$form"; else skipped "$name as $form"; fi
        done
    done
    mv "$work"/*-{good,bad}.tar "$work/base.tar" "$2"
    exit 0
fi

"$ocicheck" base add "$work/base.tar" --bases "$work/bases.json" --name debian --version 12 --tier official >/dev/null
"$ocicheck" base add "$work/rpm-base.tar" --bases "$work/bases.json" --name rpm --version 1 --tier official >/dev/null
judge_packages
judge_forms
judge_builders
judge_lies

passed=$(grep -c '^ok ' "$results" || true)
failed=$(grep -c '^FAIL ' "$results" || true)
printf '%d passed, %d failed\n' "$passed" "$failed"
((failed == 0 && passed > 0))
