# Images that trip the rules which the others leave alone, made as teams make them; sourced by end-to-end.sh. Lies are in
# lies.sh.

# shellcheck shell=bash disable=SC2154
rule_children=(accounts privileges settings agent)

# What they are built from, as context() of debian.sh.
rule_context() {
    local ctx=$work/ctx
    mkdir -p "$ctx/keys" "$ctx/repository"
    download_packages "$ctx/rootfs.tar" "$ctx/sudo" install sudo
    (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download libjacoco-java && dpkg-deb -x libjacoco-java_*.deb jacoco)
    cp "$work/jacoco/usr/share/java/org.jacoco.agent.rt.jar" "$ctx/"
    ssh-keygen -q -t ed25519 -N '' -C deploy -f "$ctx/keys/id_ed25519"
    openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$ctx/keys/server.pem"
    repository "$ctx/hello.deb" "$ctx/repository"
    dpkg-deb -x "$ctx/hello.deb" "$work/hello"
    cp "$work/hello/usr/bin/hello" "$ctx/"
    account_image
    privilege_image
    settings_image
    containerfile agent <<-'EOF'
	COPY org.jacoco.agent.rt.jar /opt/app/lib/
	ENV JAVA_TOOL_OPTIONS=-javaagent:/opt/app/lib/org.jacoco.agent.rt.jar
	EOF
    # A program for amd64 in an image that says arm64: what is built on the wrong machine.
    printf 'FROM scratch\nCOPY hello /opt/app/\nUSER 10001\n' >"$ctx/Containerfile.elsewhere"
}

# repository DEB DIR: a package source of one package.
repository() {
    cp "$1" "$2/"
    {
        dpkg-deb -f "$1"
        printf 'Filename: ./%s\nSize: %d\nSHA256: %s\n' "$(basename "$1")" "$(stat -c %s "$1")" "$(sha256sum <"$1" | cut -d' ' -f1)"
    } >"$2/Packages"
}

# Ways to root that need no setuid program, and a user who is not there.
account_image() {
    containerfile accounts <<-'EOF'
	COPY sudo/ /tmp/debs/
	RUN dpkg -i /tmp/debs/*.deb && rm -rf /tmp/debs
	RUN echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy && chmod 440 /etc/sudoers.d/deploy && visudo -c
	RUN useradd --non-unique --uid 0 --no-create-home toor
	RUN useradd --no-create-home guest && passwd -d guest
	RUN usermod --shell /bin/bash nobody
	RUN echo /lib/$(uname -m)-linux-gnu/libm.so.6 >/etc/ld.so.preload
	EOF
    echo 'USER deploy' >>"$work/ctx/Containerfile.accounts"
    expect accounts 1 setuid-file:/usr/bin/sudo sudo-nopasswd:/etc/sudoers.d/deploy account-uid-zero:/etc/passwd \
        account-no-password:/etc/shadow base-account-changed:/etc/passwd ld-so-preload:/etc/ld.so.preload user-unknown
}

# Bits and nodes.
privilege_image() {
    containerfile privileges <<-'EOF'
	RUN install -D -g shadow -m 2755 /bin/cat /opt/app/peek
	RUN touch /opt/app/queue && chmod 666 /opt/app/queue
	RUN mkdir -m 777 /opt/app/spool
	RUN mknod /opt/app/disk b 8 0
	EOF
    expect privileges 1 setgid-file:/opt/app/peek world-writable-file:/opt/app/queue \
        world-writable-directory:/opt/app/spool device-node:/opt/app/disk
}

# What stands in the config and its history, and what a build leaves behind; judged by a policy that wants it tidy.
settings_image() {
    containerfile settings <<-'EOF'
	ARG DEPLOY_TOKEN
	ARG SERVER
	RUN test -n "$DEPLOY_TOKEN"
	ADD ${SERVER}/run.sh /opt/app/
	COPY keys/ /opt/app/keys/
	RUN rm -f /opt/app/keys/server.pem
	COPY repository/ /tmp/repository/
	RUN echo 'deb [trusted=yes] copy:/tmp/repository ./' >/tmp/sources && \
	    apt-get -qq -o Dir::Etc::SourceList=/tmp/sources -o Dir::Etc::SourceParts=/none -o APT::Sandbox::User=root update && \
	    apt-get -qq -o Dir::Etc::SourceList=/tmp/sources -o Dir::Etc::SourceParts=/none -o APT::Sandbox::User=root install hello && \
	    rm -rf /tmp/repository /tmp/sources
	ARG DATABASE_PASSWORD
	ENV DATABASE_PASSWORD=$DATABASE_PASSWORD
	ENV PATH=.:/usr/sbin:/usr/bin:/sbin:/bin:/tmp/bin
	LABEL RUN="podman run --privileged IMAGE"
	EXPOSE 80
	WORKDIR /proc/self/fd/8
	EOF
    cat >"$work/tidy.toml" <<-'EOF'
	version = 1
	fail_on = "low"

	[rules.label-missing]
	labels = ["org.opencontainers.image.source"]

	[rules.layer-count]
	max_layers = 4

	[rules.image-size]
	max_bytes = 1_000_000
	EOF
    expect settings 1 secret-history secret-env path-env-unsafe workdir-unsafe privileged-label port-privileged label-missing \
        layer-count image-size healthcheck-missing tag-latest add-instruction secret-file:/opt/app/keys/id_ed25519 \
        secret-file:/opt/app/keys/server.pem package-cache-left:/var/cache/apt package-cache-left:/var/lib/apt/lists
}

# serve DIR COMMAND…: runs a command with the address of a server on DIR behind it.
serve() {
    local pid address status=0
    timeout 300 python3 -um http.server 0 --bind 127.0.0.1 --directory "$1" >"$work/server.log" 2>&1 &
    pid=$!
    until address=$(grep -om1 'http://[0-9.:]*' "$work/server.log"); do
        kill -0 "$pid" || { cat "$work/server.log" >&2; return 1; }
        sleep 0.1
    done
    "${@:2}" "$address" || status=$?
    kill "$pid"
    return $status
}

# build_rule_image NAME [OPTION…]: the OCI archive $work/NAME.tar of $work/ctx/Containerfile.NAME, named by TAG.
build_rule_image() {
    b bud --quiet --layers --pull-never --cap-add CAP_MKNOD "${@:2}" -t "example.com/app/$1:1" \
        -f "$work/ctx/Containerfile.$1" "$work/ctx" >/dev/null
    sk "$(stored "example.com/app/$1:1")" "oci-archive:$work/$1.tar:${TAG:-1}"
}

# The image of the settings, from its server's address.
build_settings() {
    TAG=latest build_rule_image settings --build-arg "SERVER=$1" --build-arg "DEPLOY_TOKEN=$(openssl rand -hex 20)" \
        --build-arg "DATABASE_PASSWORD=$(openssl rand -hex 12)"
}

build_rule_images() {
    say "buildah: ${rule_children[*]} elsewhere"
    build_rule_image accounts
    build_rule_image privileges
    build_rule_image agent
    build_rule_image elsewhere --arch arm64
    serve "$work/ctx/app" build_settings
}

judge_children() {
    judge 'ways to root by files' accounts "$work/accounts.json" "$work/accounts.tar"
    judge 'bits and nodes' privileges "$work/privileges.json" "$work/privileges.tar"
    judge 'settings, by a tidy policy' settings "$work/settings.json" "$work/settings.tar" --policy "$work/tidy.toml"
    BASE=missing expect elsewhere 1 base-not-official architecture-mismatch:/opt/app/hello
    judge 'built for another machine' elsewhere "$work/elsewhere.json" "$work/elsewhere.tar"
}

# The same image is good in the one environment and not in the other.
judge_services() {
    local policy=$here/../docs/example-policy.toml
    expect prod 1 service-missing service-not-allowed:/opt/app/lib/org.jacoco.agent.rt.jar
    expect test 0
    judge 'a coverage agent in production' prod "$work/prod.json" "$work/agent.tar" --policy "$policy" --env prod
    judge 'a coverage agent in a test' test "$work/test.json" "$work/agent.tar" --policy "$policy" --env test
}

# The same image is good without advisories and a list of forbidden packages.
judge_advisories() {
    mkdir "$work/feed"
    cat >"$work/feed/base-files.json" <<'JSON'
{"id": "EXAMPLE-2020-1", "modified": "2020-01-01T00:00:00Z", "aliases": ["CVE-2020-0001"], "summary": "for a test",
 "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:N/A:N"}],
 "affected": [{"package": {"ecosystem": "Debian:12", "name": "base-files"},
               "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "9999"}]}]}]}
JSON
    "$ocicheck" db build "$work/feed" -o "$work/advisories.db" >/dev/null
    cat >"$work/forbid.toml" <<'TOML'
[rules.package-forbidden]
packages = [{ name = "base-fil*", kind = "deb", reason = "for a test" }]
TOML
    expect vulnerable 1 vulnerability:/var/lib/dpkg/status package-forbidden:/var/lib/dpkg/status advisories-stale
    judge 'a vulnerable and forbidden package' vulnerable "$work/vulnerable.json" "$work/buildah-good.tar" \
        --advisories "$work/advisories.db" --policy "$work/forbid.toml"
}

# The same image is good today and not later, or by another catalog.
judge_days() {
    local state
    expect ended 1 distribution-eol
    judge 'Debian 12 after its end' ended "$work/ended.json" "$work/buildah-good.tar" --at 2031-01-01
    expect deprecated 1 base-deprecated
    # Nothing is measured against a revoked base: what it brings is new.
    expect revoked 1 base-revoked setuid-file:/usr/lib/corp-tool/as-root
    for state in deprecated revoked; do
        cp "$work/bases.json" "$work/$state-bases.json"
        "$ocicheck" base "${state/%d/}" rpm:1 --reason 'a newer one is there' --bases "$work/$state-bases.json" >/dev/null
        BASES=$work/$state-bases.json judge "on a $state base" "$state" "$work/$state.json" "$work/rpm-installs.tar"
    done
}
