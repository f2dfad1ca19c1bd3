# Images as people build them, for .ci/differential.sh: one Containerfile on a real Debian base, built by buildah and by
# Docker, each as an OCI layout in $work/real. Sourced, never run; see testdata/lib.sh for what is expected.
# shellcheck shell=bash disable=SC2154

real_base=example.com/base/debian:12

real_context() {
    local ctx=$work/ctx
    mkdir -p "$ctx" "$work/real"
    # Of the release as it was, without updates: so that there is something to upgrade.
    # shellcheck disable=SC2016 # expanded by mmdebstrap
    debian_rootfs "$ctx/rootfs.tar" --aptopt='APT::Default-Release "bookworm"' \
        --customize-hook='rm "$1/etc/apt/apt.conf.d/99mmdebstrap"'
    download_packages "$ctx/rootfs.tar" "$ctx/upgrades" upgrade
    download_packages "$ctx/rootfs.tar" "$ctx/new" install hello less
    printf 'FROM scratch\nADD rootfs.tar /\nCMD ["/bin/bash"]\n' >"$ctx/Containerfile.base"
    cat >"$ctx/Containerfile" <<-EOF
	FROM $real_base
	COPY upgrades/ /tmp/upgrades/
	COPY new/ /tmp/new/
	RUN apt-get -qq install -y --no-install-recommends --allow-downgrades /tmp/*/*.deb && rm -rf /tmp/upgrades /tmp/new && \
	    apt-get -qq purge -y tzdata less && rm -rf /var/lib/apt/lists /var/cache/apt/*.bin
	RUN useradd --uid 10001 --create-home app && chmod 0750 /home/app && \
	    chmod 0711 /opt && chmod 1777 /srv && chown 10001:10001 /mnt && chmod 2775 /mnt && \
	    cp /bin/cat /usr/local/bin/mycat && setcap cap_net_raw,cap_net_admin+ep /usr/local/bin/mycat && \
	    cp /bin/su /usr/local/bin/mysu && chmod 6755 /usr/local/bin/mysu && mkfifo /run/pipe
	RUN ln /etc/debian_version /usr/local/share/version && ln /usr/local/bin/mycat /usr/local/bin/mycat2 && \
	    rm -rf /usr/share/doc && mkdir /usr/share/doc && echo new > /usr/share/doc/README && \
	    rm -f /etc/issue && mkdir /etc/issue && rm -rf /media && ln -s mnt /media && rm /etc/rmt && touch /etc/rmt
	EOF
}

# real_images: as many as the tools here can build; the others are told.
real_images() {
    local ctx=$work/ctx
    real_context
    say "real images: buildah"
    b bud --quiet --pull-never -t $real_base -f "$ctx/Containerfile.base" "$ctx" >/dev/null
    rm "$ctx/rootfs.tar"
    b bud --quiet --layers --pull-never --cap-add CAP_SETFCAP -t example.com/app/real:1 -f "$ctx/Containerfile" "$ctx" >/dev/null
    sk "$(stored example.com/app/real:1)" "oci:$work/real/buildah:1"
    say "real images: docker"
    if ! start_docker real; then
        echo "SKIPPED the real image of Docker: dockerd does not start"
        return 0
    fi
    sk "$(stored $real_base)" "docker-archive:$work/base.tar:$real_base"
    d real load -q -i "$work/base.tar" >/dev/null
    d real build -q --network=none -t example.com/app/real:1 -f "$ctx/Containerfile" "$ctx" >/dev/null
    d real save -o "$work/docker.tar" example.com/app/real:1
    sk "docker-archive:$work/docker.tar" "oci:$work/real/docker:1"
    rm "$work/base.tar" "$work/docker.tar"
    b rmi --all --force >/dev/null
    stop_dockers
}
