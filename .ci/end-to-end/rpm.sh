# A base of nothing but what rpm installs, and its children; sourced by end-to-end.sh.

# shellcheck shell=bash disable=SC2154
rpm_base=example.com/base/rpm:1
rpm_children=(installs upgrades downgrades removes tampers patches logs)

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
# Files of a package that is new above the base: a program, configuration, a link, one that it only owns, one left out.
# What rpm says of it is kept for judge_rpm_verify.
patch_more() {
    echo 'echo evil' >>"$1/usr/bin/more"
    echo '# ours' >>"$1/etc/more.conf"
    ln -sfn /etc "$1/usr/lib/more/lib.so"
    mkdir -p "$1/var/lib"
    echo state >"$1/var/lib/more.state"
    rm "$1/usr/share/more/1.0/news"
    rpm --root "$1" --dbpath /var/lib/rpm -V more 2>/dev/null >"$work/rpm-verify" || true
}
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
    on patches installs patch_more
    on logs $rpm_base upgrade_while_read "$(tool 2.0)"
    for n in "${rpm_children[@]}"; do
        sk "$(stored "localhost/$n:latest")" "oci-archive:$work/rpm-$n.tar:1"
    done
    sk "$(stored $rpm_base)" "oci-archive:$work/rpm-base.tar:1"
    b rmi --all --force >/dev/null

    expect rpm-installs 0
    for n in upgrades downgrades removes logs; do expect rpm-$n 1 base-package-changed; done
    for n in upgrades logs; do
        explain rpm-$n /etc/corp-tool.conf /usr/bin/corp-tool /usr/lib/corp-tool/as-root /usr/lib/corp-tool/lib.so \
            /usr/share/corp-tool/1.0
    done
    expect rpm-tampers 1 base-package-changed base-file-modified:/usr/bin/corp-tool \
        package-file-tampered:/usr/bin/corp-tool
    expect rpm-patches 1 package-file-tampered:/usr/bin/more package-file-tampered:/usr/lib/more/lib.so
}

# Which files are not what their package says must be what rpm said of them; `c` is configuration.
judge_rpm_verify() {
    "$ocicheck" --bases "$work/bases.json" --format json --progress never -- "$work/rpm-patches.tar" \
        >"$work/report.json" 2>/dev/null || true
    if diff <(awk 'substr($0, 3, 1) == "5" || substr($0, 5, 1) == "L" { print substr($0, 12, 1), substr($0, 14) }' \
        "$work/rpm-verify" | LC_ALL=C sort) \
        <(jq -r '.images[].findings[] | select(.rule == "package-file-tampered") |
            "\(if .severity == "low" then "c" else " " end) \(.path)"' "$work/report.json" | LC_ALL=C sort) >"$work/judged"; then
        verdict ok "files are not what their package says, as rpm -V says"
    else
        verdict FAIL "files are not what their package says, as rpm -V says"
        sed 's/^/    /' "$work/judged"
    fi
}
