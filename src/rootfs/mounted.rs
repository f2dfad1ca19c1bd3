//! Ways through `/proc`, `/sys` and `/dev`, which are there in every container and in no layer.

/// Where a path leads that comes by such a directory of the root.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To what the tree has there.
    Plain,
    /// Back to the root, with what is left of the path.
    Root,
    /// To what only the process knows that follows it.
    OfProcess,
}

/// Whether a directory of the root is one that runtimes mount.
pub(super) fn is_mounted(name: &[u8]) -> bool {
    matches!(name, b"proc" | b"sys" | b"dev")
}

/// Follows `pending`, the parts of a path with the next one last, from such a directory. Takes of it what leads back to
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
            b".." => match (directory, below.pop(), below.is_empty()) {
                // Out of it again: it is there, whether or not a layer says so.
                (_, None, _) => {
                    pending.truncate(left);
                    return Way::Root;
                }
                // Links that procfs itself has: to `self/task/N` and `self/net`.
                (b"proc", Some(b"thread-self"), true) => below.extend([&b"self"[..], b"task"]),
                (b"proc", Some(b"net"), true) => below.push(b"self"),
                // sysfs is full of links.
                (b"sys", Some(_), false) => return Way::OfProcess,
                _ => {}
            },
            part => below.push(part),
        }
        let is_back = match (directory, below.as_slice()) {
            (b"dev", [b"fd" | b"stdin" | b"stdout" | b"stderr"]) => return Way::OfProcess,
            // What these lead to, and the parents of that, are not below /proc.
            (b"proc", [_, b"cwd"] | [_, b"fd" | b"map_files", _]) => return Way::OfProcess,
            (b"proc", [_, b"task", _, b"cwd"] | [_, b"task", _, b"fd", _]) => return Way::OfProcess,
            (b"proc", [_, b"root"] | [_, b"task", _, b"root"]) => true,
            _ => false,
        };
        if is_back {
            pending.truncate(left);
            return Way::Root;
        }
    }
    if below.is_empty() || directory != b"proc" { Way::Plain } else { Way::OfProcess }
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
            ("thread-self/../../root/opt/x", Way::Root, "opt/x"),
            ("net/../root/opt/x", Way::Root, "opt/x"),
            ("net/../../1/root/x", Way::Root, "x"),
            ("self/ns/../root/x", Way::Root, "x"),
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
            ("shm/../../opt/x", Way::Root),
            ("shm/x", Way::Plain),
            ("../etc", Way::Root),
            ("fdx", Way::Plain),
            ("", Way::Plain),
        ] {
            let mut pending: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').rev().collect();
            assert_eq!(way(b"dev", &mut pending), expected, "{path}");
        }
    }

    #[test]
    fn of_sys_nobody_knows_where_its_links_lead() {
        for (path, expected) in [
            ("kernel/../../opt/x", Way::Root),
            ("class/net/eth0/../x", Way::OfProcess),
            ("kernel/notes", Way::Plain),
            ("", Way::Plain),
        ] {
            let mut pending: Vec<&[u8]> = path.as_bytes().split(|byte| *byte == b'/').rev().collect();
            assert_eq!(way(b"sys", &mut pending), expected, "{path}");
        }
    }
}
