# A Debian base, its good and bad child, and what package managers do to it; sourced by end-to-end.sh.

# shellcheck shell=bash disable=SC2154,SC2034
base=example.com/base/debian:12
# Children of the base that do something to its packages; see `packages`.
package_children=(installs upgrades downgrades removes tampers forges)
docker_old='' docker_new='' docker_ctr=''

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
    rule_context
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
    expect bad 1 user-root secret-file:/root/deploy.key \
        setuid-file:/usr/local/bin/admin-sh:4:'chmod 4755 /usr/local/bin/admin-sh' \
        base-file-modified:/etc/profile.d/example-corp.sh:5:'umask 000' \
        base-file-deleted:/etc/issue.net:6:'rm -f /etc/issue.net' \
        base-file-replaced:/etc/debian_version:7:'ln -s /opt/app/run.sh' \
        base-metadata-changed:/etc/login.defs:8:'chmod 666 /etc/login.defs' \
        world-writable-file:/etc/login.defs:8:'chmod 666 /etc/login.defs' \
        file-capability:/opt/app/cat:9:'setcap cap_net_raw'
    expect good 0
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
    expect installs 0
    for n in upgrades downgrades removes forges; do expect $n 1 base-package-changed; done
    explain upgrades /etc/corp-tool.conf /usr/bin/corp-tool /usr/lib/corp-tool/as-root \
        /usr/lib/corp-tool/libcorp.so /usr/share/corp-tool/1.0-1/news
    expect tampers 1 base-package-changed base-file-modified:/usr/bin/corp-tool:5:'echo evil' \
        package-file-tampered:/usr/bin/corp-tool:5:'echo evil'
}

# explain NAME PATH…: adds to what is expected that the changed packages explain these paths.
explain() {
    jq '.explained = $ARGS.positional' "$work/$1.json" --args "${@:2}" >"$work/more.json"
    mv "$work/more.json" "$work/$1.json"
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
    build_rule_images
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
