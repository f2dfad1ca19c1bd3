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
pub(super) mod unreferenced_blob;
