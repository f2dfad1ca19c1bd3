//! Digests as the OCI image spec writes them (descriptor.md, "Digests"), computed and parsed.

mod sha256;
#[cfg(target_arch = "x86_64")]
mod sha_ni;

use std::fmt;
use std::io::Read;
use std::str::FromStr;

use sha2::{Digest as _, Sha512};

pub use self::sha256::Sha256;

/// Bytes of a SHA-256: the identity of a file's content.
pub type ContentId = [u8; 32];

/// A digest of one of the two algorithms that the spec registers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Digest {
    /// `sha256:` and 64 hexadecimal digits.
    Sha256([u8; 32]),
    /// `sha512:` and 128 hexadecimal digits.
    Sha512([u8; 64]),
}

/// A text that is no digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a digest (sha256:<64 hex> or sha512:<128 hex>)")]
pub struct ParseDigestError;

impl Digest {
    /// The SHA-256 of bytes in memory.
    pub fn sha256(bytes: &[u8]) -> Self {
        Self::Sha256(sha2::Sha256::digest(bytes).into())
    }

    /// The digest of bytes in memory, by the algorithm of `like`.
    pub fn compute_like(like: &Digest, bytes: &[u8]) -> Self {
        match like {
            Self::Sha256(_) => Self::sha256(bytes),
            Self::Sha512(_) => Self::Sha512(Sha512::digest(bytes).into()),
        }
    }

    /// `sha256` or `sha512`.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Sha256(_) => "sha256",
            Self::Sha512(_) => "sha512",
        }
    }

    /// The lower-case hexadecimal digits.
    pub fn hex(&self) -> String {
        match self {
            Self::Sha256(bytes) => hex(bytes),
            Self::Sha512(bytes) => hex(bytes),
        }
    }
}

/// Lower-case hexadecimal digits of bytes.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    // Upper case is not allowed by the spec, and would make two names of one blob.
    let nibble = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = match text.split_once(':') {
            Some(("sha256", digits)) => unhex(digits).map(Self::Sha256),
            Some(("sha512", digits)) => unhex(digits).map(Self::Sha512),
            _ => None,
        };
        parsed.ok_or(ParseDigestError)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm(), self.hex())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Digest {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(|error| serde::de::Error::custom(format!("\"{text}\": {error}")))
    }
}

/// The chainID of layers applied one on another, lowest first
/// (image-spec config.md, "Layer ChainID"); `None` without layers.
pub fn chain_id(diff_ids: &[Digest]) -> Option<Digest> {
    diff_ids.iter().fold(None, |below, diff_id| Some(chain_id_on(below, *diff_id)))
}

/// The chainID of a layer on those below it.
pub fn chain_id_on(below: Option<Digest>, diff_id: Digest) -> Digest {
    below.map_or(diff_id, |below| Digest::sha256(format!("{below} {diff_id}").as_bytes()))
}

/// Hashes a stream: SHA-256 always (our identity of a blob), SHA-512 too where a descriptor asks.
#[derive(Debug, Clone, Default)]
pub struct BlobHasher {
    sha256: Sha256,
    sha512: Option<Sha512>,
    size: u64,
}

impl BlobHasher {
    /// `with_sha512` when some descriptor names the blob by it.
    pub fn new(with_sha512: bool) -> Self {
        Self { sha512: with_sha512.then(Sha512::new), ..Self::default() }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.count(bytes);
    }

    /// Takes the next bytes, which are the next ones of a file's content too.
    pub fn update_with(&mut self, content: &mut Sha256, bytes: &[u8]) {
        self.sha256.update_both(content, bytes);
        self.count(bytes);
    }

    fn count(&mut self, bytes: &[u8]) {
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
        self.size += bytes.len() as u64;
    }

    /// The digests of all bytes taken.
    pub fn finish(self) -> BlobDigests {
        BlobDigests {
            sha256: Digest::Sha256(self.sha256.finish()),
            sha512: self.sha512.map(|state| Digest::Sha512(state.finalize().into())),
            size: self.size,
        }
    }
}

/// What a blob really is: computed, never declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobDigests {
    /// Always computed.
    pub sha256: Digest,
    /// Computed where a descriptor names the blob by SHA-512.
    pub sha512: Option<Digest>,
    /// Bytes hashed.
    pub size: u64,
}

impl BlobDigests {
    /// Hashes a stream to its end.
    pub fn of(mut reader: impl Read, with_sha512: bool) -> std::io::Result<Self> {
        let mut hasher = BlobHasher::new(with_sha512);
        let mut buffer = vec![0; 256 << 10];
        loop {
            let read = reader.read(&mut buffer)?;
            if read == 0 {
                return Ok(hasher.finish());
            }
            hasher.update(buffer.get(..read).unwrap_or_default());
        }
    }

    /// The computed digest by the algorithm of `declared`; `None` where that was not computed.
    pub fn like(&self, declared: &Digest) -> Option<Digest> {
        match declared {
            Digest::Sha256(_) => Some(self.sha256),
            Digest::Sha512(_) => self.sha512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_reads_back_as_written() {
        assert_eq!(Digest::sha256(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse(), Ok(Digest::sha256(b"")));
    }

    #[test]
    fn what_is_no_digest_is_refused() {
        let upper = EMPTY.to_uppercase().replace("SHA256", "sha256");
        for text in [
            "",
            "sha256:",
            "sha256:../../etc/passwd",
            "md5:d41d8cd98f00b204e9800998ecf8427e",
            &upper,
            &EMPTY[7..],
        ] {
            assert_eq!(text.parse::<Digest>(), Err(ParseDigestError), "{text}");
        }
    }

    #[test]
    fn the_chain_id_is_that_of_the_spec() {
        let (a, b) = (Digest::sha256(b"a"), Digest::sha256(b"b"));
        assert_eq!(chain_id(&[]), None);
        assert_eq!(chain_id(&[a]), Some(a));
        assert_eq!(chain_id(&[a, b]), Some(Digest::sha256(format!("{a} {b}").as_bytes())));
    }

    #[test]
    fn a_stream_has_the_digest_of_its_bytes() {
        let bytes = vec![7; 600_000];
        let digests = BlobDigests::of(bytes.as_slice(), true).unwrap();
        assert_eq!(digests.size, 600_000);
        assert_eq!(digests.sha256, Digest::sha256(&bytes));
        assert_eq!(digests.sha512, Some(Digest::compute_like(&Digest::Sha512([0; 64]), &bytes)));
    }
}
