# Images that lie, or that readers read differently; sourced by end-to-end.sh. What is not a lie of the layout itself
# (spoil.py) is a layer that GNU tar wrote and umoci put on an image.

# shellcheck shell=bash disable=SC2154

# lie NAME IMAGE COMMAND…: the command spoils a copy of the OCI layout IMAGE, which it is told last; then it is judged by
# $work/lie.json (see `expect`). FAIL_ON is the severity from which on findings fail.
lie() {
    rm -rf "$work/spoilt"
    cp -r "$2" "$work/spoilt"
    "${@:3}" "$work/spoilt"
    judge "$1" "lie-${1// /-}" "$work/lie.json" "$work/spoilt" --fail-on "${FAIL_ON:-medium}"
}

spoilt() { python3 "$parts/spoil.py" "$@"; }

# What can still be judged whole is a failing image (1); what cannot is an error (2).
judge_lies() {
    sk "docker-archive:$work/buildah-good.tar" "oci:$work/honest:1"
    sk "oci-archive:$work/rpm-installs.tar" "oci:$work/small:1"
    lies_of_layouts
    lies_of_layers
    # The same bytes, compressed otherwise and honestly described, are the same base.
    rm -rf "$work/spoilt"
    cp -r "$work/honest" "$work/spoilt"
    spoilt recompressed "$work/spoilt"
    judge "the base's layers recompressed are still the base" buildah-good "$work/good.json" "$work/spoilt"
}

lies_of_layouts() {
    # Nothing is the base's any more.
    BASE=missing expect lie 1 diff-id-mismatch base-not-official device-node setuid-file setgid-file
    lie 'other bytes under diffIDs of the base' "$work/honest" spoilt other-bytes-under-base-diffids
    expect lie 1 digest-mismatch
    lie 'a flipped byte' "$work/honest" spoilt flipped-byte
    BASE=not-evaluated expect lie 2 blob-missing
    lie 'a missing layer' "$work/small" spoilt missing-layer
    expect lie 1 layer-count-mismatch
    lie 'a diffID too few' "$work/small" spoilt diff-id-too-few
    expect lie 1 ambiguous-json user-root
    lie 'two users' "$work/small" spoilt second-user
    expect lie 1 media-type-mismatch
    lie 'gzip called zstd' "$work/small" spoilt called-zstd
    expect lie 1 unread-data healthcheck-missing
    FAIL_ON=low lie 'a layer by pzstd' "$work/small" spoilt by-pzstd
    BASE=not-evaluated expect lie 2 layer-unsupported
    lie 'encrypted layers' "$work/small" encrypt
}

# Encrypts the layers of a layout.
encrypt() {
    openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/encryption.key"
    openssl pkey -in "$work/encryption.key" -pubout -out "$work/encryption.pub"
    sk --encryption-key "jwe:$work/encryption.pub" "oci:$1:1" "oci:$work/encrypted:1"
    rm -r "$1"
    mv "$work/encrypted" "$1"
}

lies_of_layers() {
    local tree=$work/tree
    mkdir -p "$tree/opt/app"
    echo one >"$tree/opt/app/a"
    expect lie 1 duplicate-entry:/opt/app/a
    lie 'a path twice' "$work/small" add_layer path_twice
    expect lie 1 broken-hardlink:/opt/app/b
    lie 'a hard link to nothing' "$work/small" add_layer link_to_nothing
    expect lie 1 path-escapes-root:/etc/a
    lie 'a path that leaves the root' "$work/small" add_layer path_outside
    expect lie 1 trailing-data
    lie 'something behind the end' "$work/small" add_layer something_behind
    expect lie 1 ambiguous-header
    lie 'a global header' "$work/small" add_layer global_header
    expect lie 1 ambiguous-entry:/opt/link/a
    lie 'a path through a link' "$work/small" path_through_link
    expect lie 1 history-mismatch unreferenced-blob healthcheck-missing
    FAIL_ON=low lie 'no history, and what umoci leaves behind' "$work/small" without_history
}

# add_layer WHAT LAYOUT: puts the tar on it that the command WHAT makes of $work/tree.
add_layer() {
    rm -f "$work/layer.tar"
    (cd "$work/tree" && "$1" "$work/layer.tar")
    umoci raw add-layer --image "$2:1" "$work/layer.tar"
}

path_twice() { tar -cf "$1" opt/app/a && tar -rf "$1" opt/app/a; }
link_to_nothing() { ln opt/app/a opt/app/b && tar -cf "$1" opt/app/a opt/app/b && tar --delete -f "$1" opt/app/a && rm opt/app/b; }
path_outside() { tar -cPf "$1" --transform 's,^opt/app,../../etc,' opt/app/a; }
something_behind() { tar -cf "$1" opt/app/a && printf hidden >>"$1"; }
# All that follows belongs to root, for those who read it so.
global_header() { tar --format=pax --pax-option=uid=0 -cf "$1" opt/app/a; }
link() { ln -s app opt/link && tar -cf "$1" opt && rm opt/link; }
behind_link() { mkdir opt/link && echo two >opt/link/a && tar -cf "$1" opt/link/a && rm -r opt/link; }
path_through_link() { add_layer link "$1" && add_layer behind_link "$1"; }
without_history() { tar -cf "$work/layer.tar" -C "$work/tree" opt/app/a && umoci raw add-layer --no-history --image "$1:1" "$work/layer.tar" 2>/dev/null; }
