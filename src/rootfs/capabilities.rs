//! File capabilities: the extended attribute `security.capability` (Linux `linux/capability.h`,
//! `struct vfs_ns_cap_data`; `capabilities(7)`, "File capability extended attribute versioning").

use std::fmt;

/// The extended attribute that holds them.
pub const XATTR: &[u8] = b"security.capability";

/// By number.
const NAMES: [&str; 41] = [
    "chown",
    "dac_override",
    "dac_read_search",
    "fowner",
    "fsetid",
    "kill",
    "setgid",
    "setuid",
    "setpcap",
    "linux_immutable",
    "net_bind_service",
    "net_broadcast",
    "net_admin",
    "net_raw",
    "ipc_lock",
    "ipc_owner",
    "sys_module",
    "sys_rawio",
    "sys_chroot",
    "sys_ptrace",
    "sys_pacct",
    "sys_admin",
    "sys_boot",
    "sys_nice",
    "sys_resource",
    "sys_time",
    "sys_tty_config",
    "mknod",
    "lease",
    "audit_write",
    "audit_control",
    "setfcap",
    "mac_override",
    "mac_admin",
    "syslog",
    "wake_alarm",
    "block_suspend",
    "audit_read",
    "perfmon",
    "bpf",
    "checkpoint_restore",
];

/// Why an attribute is no capability; the kernel then refuses to run the file at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCapability {
    /// Fewer bytes than the revision number takes.
    #[error("{0} bytes are too few for a capability")]
    TooShort(usize),
    /// A revision that Linux does not know.
    #[error("revision {0} is not known")]
    Revision(u8),
    /// Not the size that the revision has.
    #[error("revision {revision} takes {expected} bytes, not {found}")]
    Size {
        /// The revision.
        revision: u8,
        /// Its size in bytes.
        expected: usize,
        /// The attribute's size in bytes.
        found: usize,
    },
}

/// The capabilities that a file gives to whoever runs it. Shown as `setcap` takes it:
/// `cap_net_raw+ep`, with `[rootid=N]` behind it in revision 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileCapabilities {
    /// 1, 2 or 3.
    pub revision: u8,
    /// Bit `n` is capability `n`.
    pub permitted: u64,
    /// Likewise.
    pub inheritable: u64,
    /// Whether they are in effect from the start, without the program asking.
    pub effective: bool,
    /// Revision 3: the uid that is root in the user namespace where they count.
    pub root_id: Option<u32>,
}

impl FileCapabilities {
    /// Reads the attribute's value.
    pub fn parse(value: &[u8]) -> Result<Self, MalformedCapability> {
        let word = |index: usize| {
            let bytes = value.get(index * 4..index * 4 + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?))
        };
        let magic = word(0).ok_or(MalformedCapability::TooShort(value.len()))?;
        let revision = (magic >> 24) as u8;
        let expected = match revision {
            1 => 12,
            2 => 20,
            3 => 24,
            _ => return Err(MalformedCapability::Revision(revision)),
        };
        if value.len() != expected {
            return Err(MalformedCapability::Size { revision, expected, found: value.len() });
        }
        let bits = |low: usize| {
            let high = if revision == 1 { 0 } else { word(low + 2).unwrap_or_default() };
            u64::from(high) << 32 | u64::from(word(low).unwrap_or_default())
        };
        Ok(Self {
            revision,
            permitted: bits(1),
            inheritable: bits(2),
            effective: magic & 1 != 0,
            root_id: if revision == 3 { word(5) } else { None },
        })
    }

    /// Whether it gives nothing.
    pub fn is_empty(&self) -> bool {
        self.permitted == 0 && self.inheritable == 0
    }

    /// Capabilities in the permitted or inheritable set, by name (`cap_net_raw`).
    pub fn names(&self) -> Vec<String> {
        named(self.permitted | self.inheritable)
    }
}

fn named(bits: u64) -> Vec<String> {
    (0..64_usize)
        .filter(|number| bits >> number & 1 == 1)
        .map(|number| NAMES.get(number).map_or_else(|| number.to_string(), |name| format!("cap_{name}")))
        .collect()
}

impl fmt::Display for FileCapabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let effective = if self.effective { "e" } else { "" };
        let all = (1 << NAMES.len()) - 1;
        let mut separator = "";
        for (bits, sets) in [
            (self.permitted & self.inheritable, "ip"),
            (self.permitted & !self.inheritable, "p"),
            (self.inheritable & !self.permitted, "i"),
        ] {
            if bits & all == all {
                write!(f, "{separator}={effective}{sets}")?;
            } else if bits != 0 {
                write!(f, "{separator}{}+{effective}{sets}", named(bits).join(","))?;
            } else {
                continue;
            }
            separator = " ";
        }
        if self.is_empty() {
            f.write_str("=")?;
        }
        match self.root_id {
            Some(id) if id != 0 => write!(f, " [rootid={id}]"),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn shown(words: &[u32]) -> String {
        FileCapabilities::parse(&value(words)).unwrap().to_string()
    }

    #[test]
    fn each_revision_is_decoded() {
        assert_eq!(shown(&[0x0100_0001, 1 << 13, 0]), "cap_net_raw+ep");
        assert_eq!(shown(&[0x0200_0001, 1 << 13, 0, 0, 0]), "cap_net_raw+ep");
        assert_eq!(
            shown(&[0x0200_0000, 1 << 10 | 1 << 13, 0, 1 << 7, 0]),
            "cap_net_bind_service,cap_net_raw,cap_bpf+p"
        );
        assert_eq!(shown(&[0x0200_0000, 1, 3, 0, 0]), "cap_chown+ip cap_dac_override+i");
        assert_eq!(shown(&[0x0300_0001, 1 << 21, 0, 0, 0, 1000]), "cap_sys_admin+ep [rootid=1000]");
        assert_eq!(shown(&[0x0200_0001, u32::MAX, 0, 0x1ff, 0]), "=ep");
        assert_eq!(shown(&[0x0200_0000, 0, 0, 1 << 20, 0]), "52+p");
        assert_eq!(shown(&[0x0200_0000, 0, 0, 0, 0]), "=");
    }

    #[test]
    fn a_capability_may_hold_a_line_feed() {
        // The byte 0a is where a reader of PAX records by lines would cut the value.
        assert_eq!(shown(&[0x0200_0001, 0x0a00, 0, 0, 0]), "cap_linux_immutable,cap_net_broadcast+ep");
    }

    #[test]
    fn malformed_values_say_why() {
        let error = |words: &[u32]| FileCapabilities::parse(&value(words)).unwrap_err().to_string();
        assert_eq!(error(&[]), "0 bytes are too few for a capability");
        assert_eq!(error(&[0x0400_0000, 0, 0]), "revision 4 is not known");
        assert_eq!(error(&[0x0200_0000, 0, 0]), "revision 2 takes 20 bytes, not 12");
        assert_eq!(error(&[0x0300_0000, 0, 0, 0, 0]), "revision 3 takes 24 bytes, not 20");
    }
}
