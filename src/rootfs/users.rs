//! The user that an image's config asks for, as runtimes look it up in the image's account files.
//!
//! Readers: moby/sys/user `GetExecUser` (Docker, podman, CRI-O, runc; its older versions too) and
//! containerd's `oci.WithUser`. They agree on ordinary specs and not on odd ones, so the answer is a
//! set: an image that *some* runtime starts as root starts as root.

use std::collections::BTreeSet;

use super::accounts::{self, Account, Atoi, Group, atoi};

/// The ids that runtimes accept in a spec: those of 32-bit systems (moby/sys/user `parseNumeric`).
const IDS: std::ops::RangeInclusive<i64> = 0..=0x7fff_ffff;

/// What runtimes make of a `user[:group]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserReadings {
    /// Every uid that some runtime would use, as the kernel gets it (32 bits: an account of uid
    /// 4294967296 is root). Empty where none would start the container.
    pub uids: BTreeSet<i64>,
    /// Every gid likewise.
    pub gids: BTreeSet<i64>,
    /// The user is a name that the passwd file does not hold.
    pub unknown_user: bool,
    /// The group is a name that the group file does not hold.
    pub unknown_group: bool,
    /// The user or group is a number outside of `0..=2^31-1`, which runtimes refuse.
    pub out_of_range: bool,
    /// Why an account file cannot be read by runtimes either.
    pub unreadable: Option<String>,
}

/// Looks up the `User` of an image's config; the files are `None` where the image has none.
pub fn resolve_user(spec: &str, passwd: Option<&[u8]>, group: Option<&[u8]>) -> UserReadings {
    let mut readings = UserReadings::default();
    let accounts = readings.read(passwd, accounts::parse_passwd);
    let groups = readings.read(group, accounts::parse_group);
    let (user, group) = spec.split_once(':').unwrap_or((spec, ""));
    readings.find_user(user, &accounts);
    if !group.is_empty() {
        // A group of the spec's own counts alone.
        readings.gids.clear();
        readings.find_group(group, &groups);
        // Older versions of moby/sys/user end the group at a second colon.
        if let Some((first, _)) = group.split_once(':') {
            readings.find_group(first, &groups);
        }
    }
    readings
}

impl UserReadings {
    fn read<T>(
        &mut self,
        file: Option<&[u8]>,
        parse: impl Fn(&[u8]) -> crate::error::Result<Vec<T>>,
    ) -> Vec<T> {
        file.map_or_else(Vec::new, |bytes| {
            parse(bytes).unwrap_or_else(|error| {
                self.unreadable.get_or_insert(error.to_string());
                Vec::new()
            })
        })
    }

    fn find_user(&mut self, user: &str, accounts: &[Account]) {
        let by_name = accounts.iter().find(|account| &*account.name == user.as_bytes());
        match atoi(user.as_bytes()) {
            // No user is uid 0, and its account gives the group. containerd does not look.
            Atoi::Syntax if user.is_empty() => {
                self.uids.insert(0);
                self.gids.insert(0);
                self.take(accounts.iter().find(|account| account.uid == 0));
            }
            Atoi::Syntax => {
                self.unknown_user = by_name.is_none();
                self.take(by_name);
            }
            Atoi::Number(uid) => {
                let by_uid = accounts.iter().find(|account| account.uid == uid);
                if IDS.contains(&uid) {
                    self.uids.insert(uid);
                    if by_uid.is_none() {
                        self.gids.insert(0);
                    }
                } else {
                    self.out_of_range = true;
                    // containerd before 2.0.4 cut it to 32 bits (CVE-2024-40635).
                    self.uids.insert(as_kernel_id(uid));
                }
                // Older versions hold the number to the range only where no account has it.
                self.take(by_uid);
                // Still older ones, and containerd's of that time, match a number as a name too.
                self.take(by_name);
            }
            Atoi::OutOfRange(_) => {
                self.out_of_range = true;
                // Older versions take it for a name.
                self.take(by_name);
            }
        }
    }

    fn take(&mut self, account: Option<&Account>) {
        if let Some(account) = account {
            self.uids.insert(as_kernel_id(account.uid));
            self.gids.insert(as_kernel_id(account.gid));
        }
    }

    fn find_group(&mut self, group: &str, groups: &[Group]) {
        let by_name = groups.iter().find(|known| &*known.name == group.as_bytes());
        match atoi(group.as_bytes()) {
            Atoi::Number(gid) if IDS.contains(&gid) => {
                self.gids.insert(gid);
            }
            Atoi::Number(gid) => {
                self.out_of_range = true;
                self.gids.insert(as_kernel_id(gid));
            }
            Atoi::OutOfRange(_) => self.out_of_range = true,
            Atoi::Syntax => self.unknown_group |= by_name.is_none(),
        }
        self.gids.extend(by_name.map(|known| as_kernel_id(known.gid)));
    }
}

/// Runtimes hand ids on as Go's `uint32(id)`: the lower 32 bits.
fn as_kernel_id(id: i64) -> i64 {
    id & 0xffff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/:\napp:x:0:0::/:\n\
                          lazy\n77:x:0:0\nwrap:x:4294967296:5\nnobody:x:-1:x\nbig:x:3000000000:1\n";
    const GROUP: &str = "root:x:0:\nstaff:x:50:app\n#hidden:x:1:\n12:x:99:\n";

    fn readings(spec: &str) -> UserReadings {
        resolve_user(spec, Some(PASSWD.as_bytes()), Some(GROUP.as_bytes()))
    }

    #[test]
    fn every_spelling_of_root_is_root() {
        let root =
            ["", "root", "0", "00", "+0", "-0", "0:0", ":1000", ":", "root:staff", "lazy", "77", "wrap"];
        for spec in root {
            assert!(readings(spec).uids.contains(&0), "{spec:?}");
        }
        for spec in ["app", "1000", "+1000", "1", "nobody", "app:root", "1_000", "#hidden"] {
            assert!(!readings(spec).uids.contains(&0), "{spec:?}");
        }
    }

    #[test]
    fn the_first_match_wins() {
        let app = readings("app");
        assert_eq!((app.uids, app.gids), ([1000].into(), [1001].into()));
        assert_eq!(readings("1000").gids, [1001].into());
        assert_eq!(readings("1000:7").gids, [7].into());
        assert_eq!(readings("app:staff").gids, [50].into());
    }

    #[test]
    fn a_number_needs_no_account_and_a_name_needs_one() {
        let number = readings("4242");
        assert_eq!((number.uids, number.gids, number.unknown_user), ([4242].into(), [0].into(), false));
        let name = readings("ghost");
        assert!(name.unknown_user && name.uids.is_empty());
        assert!(readings("1_000").unknown_user);
        assert!(readings("app:ghost").unknown_group && !readings("app:ghost").unknown_user);
        assert!(readings("app:#hidden").unknown_group);
        assert!(resolve_user("root", None, None).unknown_user);
        assert_eq!(resolve_user("", None, None).uids, [0].into());
    }

    #[test]
    fn a_number_that_is_also_a_name_has_two_readings() {
        assert_eq!(readings("77").uids, [0, 77].into());
        assert_eq!(readings("app:12").gids, [12, 99].into());
    }

    #[test]
    fn numbers_out_of_range_are_refused_but_for_accounts_that_have_them() {
        for spec in ["-1", "2147483648", "99999999999999999999", "app:-1"] {
            assert!(readings(spec).out_of_range, "{spec}");
        }
        assert_eq!(readings("2147483648").uids, [0x8000_0000].into());
        for spec in ["4294967296", "-4294967296", "8589934592:7", "9223372032559808512"] {
            assert_eq!(resolve_user(spec, None, None).uids, [0].into(), "{spec}");
        }
        assert!(resolve_user("18446744073709551616", None, None).uids.is_empty());
        assert_eq!(readings("big").uids, [3_000_000_000].into());
        assert!(!readings("2147483647").out_of_range);
    }

    #[test]
    fn a_file_no_runtime_can_read_is_told() {
        let long = vec![b'a'; 70_000];
        let got = resolve_user("0", Some(&long), None);
        assert!(got.unreadable.is_some_and(|why| why.contains("line 1")));
    }
}
