#
# Checks images before they are pushed. `ocicheck hook install --uninstall` takes it away again.

# What git tells of the push is for both hooks, so it is kept as it is, with the line feed at its end.
pushed=$(cat && printf .) || exit 2
pushed=${pushed%.}

# The hook that was here before, if there was one.
case $0 in
    */*) before=${0%/*}/pre-push.before-ocicheck ;;
    *) before=./pre-push.before-ocicheck ;;
esac
if [ -x "$before" ]; then
    printf %s "$pushed" 2>/dev/null | "$before" "$@" || exit
fi

if ! command -v ocicheck >/dev/null 2>&1; then
    echo 'ocicheck: not on the PATH, so the images are not checked and nothing is pushed' >&2
    echo '  hint: install ocicheck, or push without any check by `git push --no-verify`' >&2
    exit 2
fi
# Standard output is for programs (git push --porcelain).
printf %s "$pushed" 2>/dev/null | ocicheck hook run -- "$@" >&2
