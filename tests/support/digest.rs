//! SHA-256 as image documents write it.

use sha2::{Digest, Sha256};

/// The 64 lower-case hexadecimal digits of the SHA-256 of `bytes`.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The digest of `bytes` in the form of a descriptor: `sha256:<hex>`.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(bytes))
}

/// The hexadecimal part of a digest; a text without a colon is returned whole, so that spoilt digests do no harm.
pub(super) fn hex_of(digest: &str) -> &str {
    digest.rsplit_once(':').map_or(digest, |(_, hex)| hex)
}
