//! Whether the image is what it says, and whether all readers read the same.

pub(super) mod ambiguous_entry;
pub(super) mod ambiguous_header;
pub(super) mod ambiguous_json;
pub(super) mod blob_missing;
pub(super) mod broken_hardlink;
pub(super) mod diff_id_mismatch;
pub(super) mod digest_mismatch;
pub(super) mod duplicate_entry;
pub(super) mod history_mismatch;
pub(super) mod layer_count_mismatch;
pub(super) mod layer_unsupported;
pub(super) mod media_type_mismatch;
pub(super) mod path_escapes_root;
pub(super) mod trailing_data;
pub(super) mod unread_data;
pub(super) mod unreferenced_blob;

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use crate::base::BaseStatus;
    use crate::digest::Digest;
    use crate::facts::Facts;
    use crate::model::{Anomaly, Fault, Form, Image};
    use crate::rules::{Left, Room, Settings, table};

    const FAULTS: [Fault; 16] = [
        Fault::DigestMismatch,
        Fault::DiffIdMismatch,
        Fault::LayerCountMismatch,
        Fault::BlobMissing,
        Fault::LayerUnsupported,
        Fault::AmbiguousJson,
        Fault::AmbiguousEntry,
        Fault::AmbiguousHeader,
        Fault::MediaTypeMismatch,
        Fault::TrailingData,
        Fault::DuplicateEntry,
        Fault::UnreferencedBlob,
        Fault::HistoryMismatch,
        Fault::PathEscapesRoot,
        Fault::BrokenHardlink,
        Fault::UnreadData,
    ];

    /// An image with one anomaly of each fault, which says its name.
    fn with_every_fault() -> Facts {
        Facts {
            image: Image {
                form: Form::OciArchive,
                names: Vec::new(),
                other_names: BTreeSet::new(),
                listed_for: BTreeSet::new(),
                listed_for_any: false,
                manifest_digest: None,
                index_digests: BTreeSet::new(),
                config_digest: Digest::sha256(b""),
                configs: Vec::new(),
                annotations: Vec::new(),
                layers: Vec::new(),
                anomalies: Vec::new(),
            },
            layers: Vec::new(),
            anomalies: FAULTS.map(|fault| Anomaly::new(fault, fault.name())).to_vec(),
            rootfs: Err("no layers".to_owned()),
            base: BaseStatus::Missing { carried: Vec::new(), nearest: None },
            changes: Vec::new(),
            upgrades: Vec::new(),
            verified: None,
            inventory: None,
            vulnerabilities: None,
            second_read: BTreeMap::new(),
        }
    }

    /// These rules differ in little but the names: none may tell another's fault, and no fault may be
    /// one that no rule tells of, which would read as a pass.
    #[test]
    fn each_fault_is_told_by_the_rule_of_its_name_and_by_no_other() {
        let named = include_str!("../../model/anomaly.rs").matches("=> \"").count();
        assert_eq!(FAULTS.len(), named, "a fault is missing above");
        let (facts, settings) = (with_every_fault(), Settings::new::<&str>(&[], &[], &[]).unwrap());
        for fault in FAULTS {
            let rule =
                table::find(fault.name()).unwrap_or_else(|| panic!("no rule tells of {}", fault.name()));
            let room = Room::new(Left::default());
            let told = (rule.judge)(&facts, &settings, room.findings()).unwrap().into_findings();
            let told: Vec<_> = told.map(|finding| finding.message).collect();
            assert_eq!(told, [fault.name()]);
        }
    }
}
