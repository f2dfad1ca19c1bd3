//! The key of the entries' MACs: HMAC-SHA256 (RFC 2104), with a key that others cannot read.

use std::fmt;
use std::io::{self, Read as _};
use std::path::Path;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::files;
use crate::digest::hex;
use crate::error::{Error, Result};
use crate::host;
use crate::limits::CACHE_KEY_CHARACTERS;

pub(super) const MAC_BYTES: usize = 32;

/// The file of the key in the cache's directory: 64 hexadecimal digits and a line feed.
const FILE: &str = "key";
const FILE_BYTES: usize = 65;

/// A key, ready for use.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// The key of a text that is a secret.
    pub(super) fn of_text(text: &[u8]) -> Result<Self> {
        let text = text.trim_ascii();
        if text.len() < CACHE_KEY_CHARACTERS {
            let what = format!(
                "OCICHECK_CACHE_KEY has {} characters; a key has at least {CACHE_KEY_CHARACTERS}",
                text.len()
            );
            return Err(Error::usage(what).hint("make one with `openssl rand -hex 32`"));
        }
        Self::of_secret(text).ok_or_else(|| Error::usage("OCICHECK_CACHE_KEY is no key"))
    }

    /// The key in a directory's file; made where there is none.
    pub(super) fn of_file(directory: &Path) -> Result<Self> {
        files::demand_private(directory)?;
        let path = directory.join(FILE);
        let place = |error: Error| error.at(path.display().to_string());
        let failed = |what: &str, error| place(Error::io(format!("the key cannot be {what}"), error));
        let file = match files::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                make(&path).map_err(|error| failed("made", error))?;
                files::open(&path)
            }
            file => file,
        };
        let file = file.map_err(|error| failed("read", error))?;
        files::demand_secret(&file).map_err(place)?;
        let mut text = Vec::new();
        host::Stream::new(file)
            .take(FILE_BYTES as u64 + 1)
            .read_to_end(&mut text)
            .map_err(|error| failed("read", error))?;
        let digits = text.strip_suffix(b"\n").filter(|digits| digits.len() == FILE_BYTES - 1);
        let digits = digits.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        digits.and_then(Self::of_secret).ok_or_else(|| {
            let what = "it is not a key that this program made";
            place(Error::invalid(what).hint("remove it, and another one is made"))
        })
    }

    fn of_secret(text: &[u8]) -> Option<Self> {
        Hmac::new_from_slice(text).ok().map(Self)
    }

    /// The MAC of these parts, of which all but the last have a length that never changes.
    pub(super) fn mac(&self, parts: &[&[u8]]) -> [u8; MAC_BYTES] {
        self.fed(parts).finalize().into_bytes().into()
    }

    /// Whether that is their MAC; how long it takes to tell says nothing.
    pub(super) fn is_mac(&self, mac: &[u8; MAC_BYTES], parts: &[&[u8]]) -> bool {
        self.fed(parts).verify_slice(mac).is_ok()
    }

    fn fed(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

/// Makes a key file whole, or leaves the one that another run made meanwhile.
fn make(path: &Path) -> io::Result<()> {
    let mut random = [0; 32];
    host::ask(|| Ok(getrandom::fill(&mut random)?))?;
    match files::write(path, format!("{}\n", hex(&random)).as_bytes(), false) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
