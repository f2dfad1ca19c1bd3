//! The account files of the base, compared line by line: adding an ordinary account is no damage,
//! touching an account of the base is. Those with several lines of one name are
//! [compared by their ranges](super::subordinate_ids).

use std::collections::BTreeMap;

use crate::model::ImagePath;
use crate::rootfs::{NodeRef, Steps, Tree};
use crate::scan::EntryKind;

/// Files with one account or group a line.
pub const ACCOUNT_FILES: [&str; 6] =
    ["etc/passwd", "etc/group", "etc/shadow", "etc/gshadow", "etc/subuid", "etc/subgid"];

/// Where a directory for each account may have a `shadow` of its own, which musl (`getspnam_r`) and the tcb suite ask before
/// `/etc/shadow`.
const TCB: &str = "etc/tcb";

/// The `shadow` files in `/etc/tcb`, each with the account whose it is.
#[derive(Debug, Default)]
pub struct TcbShadows<'tree> {
    /// Sorted by account.
    pub files: Vec<(&'tree [u8], ImagePath, NodeRef<'tree>)>,
    /// Why there may be more.
    pub incomplete: Option<String>,
}

impl<'tree> TcbShadows<'tree> {
    /// Those of a tree. The last part of their paths is not followed, nor do readers.
    pub fn of(tree: &'tree Tree) -> Self {
        let (mut found, steps) = (Self::default(), Steps::default());
        let directory = ImagePath::new(TCB);
        let Some(accounts) = found.directory(tree, &steps, &directory) else { return found };
        for account in accounts.children().map(NodeRef::name) {
            let own = directory.join(account);
            let Some(node) = found.directory(tree, &steps, &own) else { continue };
            let shadow = tree.get(&node.path().join(b"shadow"));
            if let Some(shadow) = shadow.filter(|shadow| shadow.inode().kind == EntryKind::File) {
                found.files.push((account, own.join(b"shadow"), shadow));
            }
        }
        found
    }

    fn directory(&mut self, tree: &'tree Tree, steps: &Steps, path: &ImagePath) -> Option<NodeRef<'tree>> {
        match steps.resolve(tree, path) {
            Ok(found) => Some(found.node),
            Err(error) if error.is_absence() => None,
            Err(error) => {
                self.incomplete = Some(format!("{path}: {error}"));
                None
            }
        }
    }
}

/// Whether a path is one of [`ACCOUNT_FILES`].
pub fn is_account_file(path: &ImagePath) -> bool {
    ACCOUNT_FILES.iter().any(|file| file.as_bytes() == path.as_bytes())
}

/// What happened to one account or group of the base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AccountChange {
    /// Its line says something else.
    Changed {
        /// The name.
        name: Vec<u8>,
        /// Which fields differ, by their names in the manual page.
        fields: Vec<&'static str>,
    },
    /// It is gone.
    Removed {
        /// The name.
        name: Vec<u8>,
    },
    /// A new name has the uid or gid of one of the base's.
    SharesId {
        /// The new name.
        name: Vec<u8>,
        /// The name in the base.
        with: Vec<u8>,
        /// The uid or gid, as written.
        id: Vec<u8>,
    },
    /// A new line before the base's own changes which one is found first.
    Shadowed {
        /// The name that stands twice.
        name: Vec<u8>,
    },
}

/// The fields of a line of each file; the second list says which do not count.
fn fields_of(path: &ImagePath) -> (&'static [&'static str], &'static [&'static str]) {
    match path.as_bytes() {
        b"etc/passwd" => (&["name", "password", "uid", "gid", "comment", "home", "shell"], &[]),
        // Taking a new account into a group of the base adds privilege to the account, not to the base;
        // what the group can do is told by the group's own rules.
        b"etc/group" => (&["name", "password", "gid", "members"], &["members"]),
        b"etc/gshadow" => {
            (&["name", "password", "administrators", "members"], &["administrators", "members"])
        }
        _ => (
            &[
                "name", "password", "changed", "minimum", "maximum", "warning", "inactive", "expires",
                "reserved",
            ],
            // The day of the last change differs with the day of the build.
            &["changed"],
        ),
    }
}

/// Compares passwd, group, shadow or gshadow of the base with the effective one.
pub fn compare(path: &ImagePath, base: &[u8], effective: &[u8]) -> Vec<AccountChange> {
    let (fields, ignored) = fields_of(path);
    let (before, after) = (Lines::of(base), Lines::of(effective));
    let mut changes = Vec::new();
    for (name, line) in &before.first {
        match after.first.get(name) {
            None => changes.push(AccountChange::Removed { name: name.to_vec() }),
            Some(now) => {
                let changed: Vec<_> = differing(line, now, fields);
                let counted: Vec<_> = changed.into_iter().filter(|field| !ignored.contains(field)).collect();
                if counted.is_empty() {
                    continue;
                }
                if after.all.iter().any(|(other, whole)| other == name && whole == line) {
                    changes.push(AccountChange::Shadowed { name: name.to_vec() });
                } else {
                    changes.push(AccountChange::Changed { name: name.to_vec(), fields: counted });
                }
            }
        }
    }
    if matches!(path.as_bytes(), b"etc/passwd" | b"etc/group") {
        changes.extend(shared_ids(&before, &after));
    }
    changes
}

/// Name and password hash of each line of a shadow file, without the `!` of a locked account.
pub fn password_hashes(shadow: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    shadow.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, hash) = (fields.next()?, fields.next()?);
        let locks = hash.iter().take_while(|byte| **byte == b'!').count();
        Some((name, hash.get(locks..)?))
    })
}

fn shared_ids(before: &Lines<'_>, after: &Lines<'_>) -> Vec<AccountChange> {
    let ids = before.ids();
    let new = after.first.iter().filter(|(name, _)| !before.first.contains_key(*name));
    new.filter_map(|(name, line)| {
        let id = kernel_id(line);
        let with = ids.get(&id)?;
        let id = id.to_string().into_bytes();
        Some(AccountChange::SharesId { name: name.to_vec(), with: with.to_vec(), id })
    })
    .collect()
}

/// Whose the ids of a passwd or group file are.
pub(super) fn ids_of(text: &[u8]) -> BTreeMap<u32, &[u8]> {
    Lines::of(text).ids()
}

/// The id as readers hand it to the kernel: `00`, `+0`, nothing and what is no number are 0, and so is
/// 4294967296, for the kernel takes 32 bits.
fn kernel_id(line: &[u8]) -> u32 {
    let field = line.split(|byte| *byte == b':').nth(2).unwrap_or_default();
    let number: i64 = std::str::from_utf8(field).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0);
    (number & 0xffff_ffff) as u32
}

fn differing(a: &[u8], b: &[u8], fields: &'static [&'static str]) -> Vec<&'static str> {
    let split =
        |line: &[u8]| -> Vec<Vec<u8>> { line.split(|byte| *byte == b':').map(<[u8]>::to_vec).collect() };
    let (a, b) = (split(a), split(b));
    let mut differing: Vec<_> = (fields.iter().enumerate())
        .filter(|(number, _)| {
            a.get(*number).map(Vec::as_slice).unwrap_or_default()
                != b.get(*number).map(Vec::as_slice).unwrap_or_default()
        })
        .map(|(_, field)| *field)
        .collect();
    if differing.is_empty() && a.iter().skip(fields.len()).ne(b.iter().skip(fields.len())) {
        differing.push("more fields");
    }
    differing
}

/// The lines of a file by name; the first of a name is the one that readers find.
struct Lines<'a> {
    first: BTreeMap<&'a [u8], &'a [u8]>,
    all: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Lines<'a> {
    fn of(text: &'a [u8]) -> Self {
        let lines = text.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        let lines = lines.filter(|line| !line.is_empty() && line.first() != Some(&b'#'));
        let all: Vec<_> =
            lines.map(|line| (line.split(|byte| *byte == b':').next().unwrap_or_default(), line)).collect();
        let mut first = BTreeMap::new();
        for (name, line) in &all {
            first.entry(*name).or_insert(*line);
        }
        Self { first, all }
    }

    fn ids(&self) -> BTreeMap<u32, &'a [u8]> {
        let mut ids: BTreeMap<_, _> =
            self.first.iter().map(|(name, line)| (kernel_id(line), *name)).collect();
        // Root is root, whether there is an account for it or not.
        ids.entry(0).or_insert(b"root");
        ids
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &[u8] = b"root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\n";

    fn passwd(effective: &[u8]) -> Vec<AccountChange> {
        compare(&ImagePath::new("etc/passwd"), BASE, effective)
    }

    #[test]
    fn adding_an_ordinary_account_is_no_damage() {
        assert_eq!(passwd(&[BASE, b"app:x:1000:1000::/:/bin/sh\n"].concat()), []);
        assert_eq!(passwd(BASE), []);
    }

    #[test]
    fn touching_an_account_of_the_base_is() {
        let changed = passwd(b"root::0:0:root:/root:/bin/sh\n");
        assert_eq!(
            changed,
            [
                AccountChange::Removed { name: b"daemon".to_vec() },
                AccountChange::Changed { name: b"root".to_vec(), fields: vec!["password"] },
            ]
        );
    }

    #[test]
    fn a_new_account_may_not_share_an_id_or_stand_before() {
        let shares = passwd(&[BASE, b"toor:x:0:0::/:/bin/sh\n"].concat());
        assert_eq!(
            shares,
            [AccountChange::SharesId { name: b"toor".into(), with: b"root".into(), id: b"0".into() }]
        );
        for uid in ["00", "+0", "", "4294967296", "zero"] {
            let line = format!("toor:x:{uid}:0::/:/bin/sh\n");
            assert_eq!(passwd(&[BASE, line.as_bytes()].concat()), shares, "{uid}");
        }
        let before = passwd(&[b"daemon::0:0::/:/bin/sh\n".as_slice(), BASE].concat());
        assert_eq!(before, [AccountChange::Shadowed { name: b"daemon".into() }]);
    }

    #[test]
    fn hashes_are_those_of_locked_accounts_too() {
        let hashes: Vec<_> = password_hashes(b"root:!!$6$a$b:1::\napp:$y$c:\nbin:*\nshort\n").collect();
        let expected: [(&[u8], &[u8]); 3] = [(b"root", b"$6$a$b"), (b"app", b"$y$c"), (b"bin", b"*")];
        assert_eq!(hashes, expected);
    }

    #[test]
    fn members_and_days_do_not_count() {
        let group = ImagePath::new("etc/group");
        assert_eq!(compare(&group, b"www:x:33:\n", b"www:x:33:app\n"), []);
        let shadow = ImagePath::new("etc/shadow");
        assert_eq!(compare(&shadow, b"root:*:1:0:9:7:::\n", b"root:*:2:0:9:7:::\n"), []);
        assert_eq!(compare(&shadow, b"root:*:1:0:9:7:::\n", b"root:$6$x:1:0:9:7:::\n").len(), 1);
    }
}
