//! Places that no layer makes, because runtimes mount them.

use crate::model::ImagePath;

fn leads_to_process(first: Option<&[u8]>, second: Option<&[u8]>) -> bool {
    match (first, second) {
        (Some(b"proc"), Some(_)) => true,
        (Some(b"dev"), Some(second)) => second == b"fd",
        _ => false,
    }
}

/// Whether a path as written comes by such a place, also one that `..` leaves again.
pub(super) fn comes_by_process(path: &str) -> bool {
    let mut parts: Vec<&[u8]> = Vec::new();
    path.split('/').any(|part| {
        match part {
            "" | "." => return false,
            ".." => drop(parts.pop()),
            part => parts.push(part.as_bytes()),
        }
        parts.len() == 2 && leads_to_process(parts.first().copied(), parts.get(1).copied())
    })
}

/// What runtimes mount for every user to write in: Docker and podman do so with the first two (mode 1777), podman also with the
/// others where the container's own tree is read only.
const SHARED: [&str; 4] = ["dev/shm", "dev/mqueue", "tmp", "var/tmp"];

/// In or below such a place.
pub(super) fn is_shared(path: &ImagePath) -> bool {
    SHARED.iter().map(ImagePath::new).any(|shared| *path == shared || path.is_below(&shared))
}

/// In or below what runtimes mount over whatever the image has there.
pub(super) fn is_hidden(path: &ImagePath) -> bool {
    ["dev/shm", "dev/mqueue"]
        .iter()
        .map(ImagePath::new)
        .any(|hidden| *path == hidden || path.is_below(&hidden))
}

/// Whether a path as written goes below such a place, and leaves what is there again: who made that says where it leads.
pub(super) fn passes_shared(path: &str) -> bool {
    let mut parts: Vec<&str> = Vec::new();
    let is_below = |parts: &[&str], shared: &str| {
        let length = shared.split('/').count();
        parts.len() > length && shared.split('/').eq(parts.iter().take(length).copied())
    };
    path.split('/').any(|part| {
        match part {
            "" | "." => {}
            ".." if SHARED.iter().any(|shared| is_below(&parts, shared)) => return true,
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_known_by_their_names() {
        let is = |path: &str| (comes_by_process(path), is_shared(&ImagePath::new(path)));
        for (path, expected) in [
            ("/proc/self/fd/8", (true, false)),
            ("/proc/self/fd/8/../../../..", (true, false)),
            ("/x/../proc/./7/cwd", (true, false)),
            ("proc/self", (true, false)),
            ("/dev/fd/7", (true, false)),
            ("/proc", (false, false)),
            ("/procs/self", (false, false)),
            ("/dev/shm", (false, true)),
            ("/dev/shm/x", (false, true)),
            ("/tmp/x", (false, true)),
            ("/tmp/../usr", (false, false)),
            ("/dev/shmx", (false, false)),
            ("", (false, false)),
        ] {
            assert_eq!(is(path), expected, "{path}");
        }
        for (path, expected) in [
            ("/tmp/x/..", true),
            ("/dev/shm/../shm/x/../y", true),
            ("/tmp/..", false),
            ("/tmp/x/y", false),
            ("/srv/x/../..", false),
        ] {
            assert_eq!(passes_shared(path), expected, "{path}");
        }
        for (path, expected) in
            [("dev/shm", true), ("dev/mqueue/x", true), ("dev/shmx", false), ("tmp/x", false)]
        {
            assert_eq!(is_hidden(&ImagePath::new(path)), expected, "{path}");
        }
    }
}
