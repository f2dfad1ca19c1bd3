//! Ways through `/proc` and `/dev/fd`, which are there in every container and in no layer.

/// Where a path leads that comes by `/proc` or `/dev` of the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To what the tree has there.
    Plain,
    /// Back to the root, with what is left of the path.
    Root,
    /// To what only the process knows that follows it.
    OfProcess,
}

/// Follows `pending`, the parts of a path with the next one last, from `/proc` or `/dev`. Takes of it what leads back to
/// the root, and else nothing.
///
/// Whatever process is named is taken for one of the container: others see the same root.
pub(super) fn way(directory: &[u8], pending: &mut Vec<&[u8]>) -> Way {
    let mut below: Vec<&[u8]> = Vec::new();
    let mut left = pending.len();
    for part in pending.iter().rev() {
        left -= 1;
        match *part {
            b"" | b"." => continue,
            b".." if below.pop().is_some() => continue,
            // Out of it again: it is there, whether or not a layer says so.
            b".." => {
                pending.truncate(left);
                return Way::Root;
            }
            part => below.push(part),
        }
        match below.as_slice() {
            [b"fd" | b"stdin" | b"stdout" | b"stderr"] if directory == b"dev" => return Way::OfProcess,
            _ if directory == b"dev" => return Way::Plain,
            [_, b"root"] | [_, b"task", _, b"root"] => {
                pending.truncate(left);
                return Way::Root;
            }
            // What these lead to, and the parents of that, are not below /proc.
            [_, b"cwd"]
            | [_, b"fd" | b"map_files", _]
            | [_, b"task", _, b"cwd"]
            | [_, b"task", _, b"fd", _] => {
                return Way::OfProcess;
            }
            _ => {}
        }
    }
    if below.is_empty() { Way::Plain } else { Way::OfProcess }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_through_proc_is_followed_to_its_end() {
        for (path, expected, left) in [
            ("self/root/opt/x", Way::Root, "opt/x"),
            ("./thread-self//root", Way::Root, ""),
            ("1/task/7/root/etc", Way::Root, "etc"),
            ("self/../1/root/a", Way::Root, "a"),
            ("../opt/x", Way::Root, "opt/x"),
            ("self/../..", Way::Root, ""),
            ("self/cwd/../opt/x", Way::OfProcess, "self/cwd/../opt/x"),
            ("self/fd/3", Way::OfProcess, "self/fd/3"),
            ("self/status", Way::OfProcess, "self/status"),
            ("mounts", Way::OfProcess, "mounts"),
            ("", Way::Plain, ""),
            ("./", Way::Plain, "./"),
            ("self/..", Way::Plain, "self/.."),
        ] {
            let mut pending: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').rev().collect();
            assert_eq!(way(b"proc", &mut pending), expected, "{path}");
            pending.reverse();
            assert_eq!(pending.join(&b'/'), left.as_bytes(), "{path}");
        }
    }

    #[test]
    fn of_dev_only_descriptors_are_the_processs() {
        for (path, expected) in [
            ("fd/3", Way::OfProcess),
            ("fd/../root", Way::OfProcess),
            ("stdin", Way::OfProcess),
            ("null", Way::Plain),
            ("../etc", Way::Root),
            ("fdx", Way::Plain),
            ("", Way::Plain),
        ] {
            let mut pending: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').rev().collect();
            assert_eq!(way(b"dev", &mut pending), expected, "{path}");
        }
    }
}
