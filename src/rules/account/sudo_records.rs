//! Records of who gave sudo a password, whom it does not ask again for a while.

use std::collections::BTreeMap;

use super::{Fault, Visit, key, quoted};
use crate::model::ImagePath;
use crate::rootfs::{Steps, Tree};
use crate::rules::rule::Finding;
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

/// Where sudo and sudo-rs have them.
const DIRECTORIES: [&str; 6] = [
    "run/sudo/ts",
    "var/run/sudo/ts",
    "var/lib/sudo/ts",
    "var/db/sudo/ts",
    "run/sudo-rs/ts",
    "var/run/sudo-rs/ts",
];

/// Visits those of a tree, and says why there may be more. `are_kept` where its sudoers have sudo believe one that was made
/// elsewhere or long ago.
pub(super) fn visit_records(
    tree: &Tree,
    steps: &Steps,
    are_kept: bool,
    visit: &mut Visit<'_>,
) -> Option<String> {
    let mut incomplete = None;
    let mut resolved = |path: &ImagePath| match steps.resolve(tree, path) {
        Ok(found) => Some(found),
        Err(error) if error.is_absence() => None,
        Err(error) => {
            incomplete = Some(format!("{path}: {error}"));
            None
        }
    };
    let directories = DIRECTORIES.iter().filter_map(|path| resolved(&ImagePath::new(path)));
    // `/var/run` leads to `/run`.
    let directories: BTreeMap<_, _> = directories.map(|found| (found.path(), found.node)).collect();
    for (directory, node) in directories {
        for child in node.children() {
            let path = directory.join(child.name());
            let Some(found) = resolved(&path) else { continue };
            let inode = found.node.inode();
            if inode.kind != EntryKind::File || inode.size == 0 {
                continue;
            }
            // The base's is the one that the base brought.
            let origin = (inode.origin.layer(), inode.origin.entry());
            let origin = format!("{path}\0{origin:?}");
            let tell = if are_kept { tell_kept } else { tell_leftover };
            let fault = Fault { key: key(origin.as_bytes()), ..Fault::new(path.as_bytes(), 0, tell) };
            visit(&path, fault);
        }
    }
    incomplete
}

fn tell_kept(path: &[u8], _: usize) -> Finding {
    let name = name_of(path);
    let message =
        format!("sudo takes it from the image that {name} gave a password, and sudoers have it believe that");
    let remedy = "take the record away, and the default of sudoers (timestamp_timeout, timestamp_type)";
    Finding::new(message, remedy).evidence("name", name)
}

/// What a build that used sudo left; sudo takes no record of another terminal or session.
fn tell_leftover(path: &[u8], _: usize) -> Finding {
    let name = name_of(path);
    let message = format!("the image has a record for sudo that {name} gave a password");
    let remedy = "remove it in the step that makes it (sudo -K)";
    Finding::new(message, remedy).evidence("name", name).severity(Severity::Low)
}

fn name_of(path: &[u8]) -> String {
    quoted(path.rsplit(|byte| *byte == b'/').next().unwrap_or_default())
}
