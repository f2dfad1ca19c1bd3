# The good and the bad image of each builder, in every form that tools write; sourced by end-to-end.sh.

# shellcheck shell=bash disable=SC2154
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

judge_forms() {
    local kind builder archive form out
    for builder in buildah docker; do
        for kind in good bad; do
            archive=$work/$builder-$kind.tar
            [[ -e $archive ]] || continue
            # The archive as it was made, and through a pipe.
            judge "$builder-$kind as built" "$builder-$kind" "$work/$kind.json" "$archive"
            judge "$builder-$kind on standard input" "$builder-$kind" "$work/$kind.json" - <"$archive"
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
                    judge "$builder-$kind as $form on standard input" "$builder-$kind" "$work/$kind.json" - <"$out"
            done
            rm -rf "$work/image"
        done
    done
}

# Two builders, one Containerfile: what fails must be the same.
judge_builders() {
    local kind
    for kind in good bad; do
        if [[ ! -e $work/findings-docker-$kind.json ]]; then
            skipped "$kind: buildah against docker"
        elif python3 "$parts/judge.py" --same-failures "$work/findings-buildah-$kind.json" "$work/findings-docker-$kind.json"; then
            verdict ok "$kind: buildah and docker give the same failures"
        else
            verdict FAIL "$kind: buildah and docker give different failures"
        fi
    done
}
