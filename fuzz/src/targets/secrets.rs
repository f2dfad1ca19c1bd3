//! Secrets in files and texts.

use ocicheck::limits::{SECRET_AHEAD_BYTES, SECRET_CHUNK_BYTES};
use ocicheck::scan::secrets::{in_assignment, in_text, in_words, mask_assignment, mask_text, mask_words};
use ocicheck::scan::{Secret, Secrets};

use super::tools::{first, scan_sound};
use crate::support::Layer;

/// A first byte for what the rest is, once [`expanded`]: a text (even) or a file.
pub fn secrets(data: &[u8]) {
    let (how, rest) = first(data);
    let rest = expanded(rest);
    if how % 2 == 0 { text(&String::from_utf8_lossy(&rest)) } else { file(how, &rest) }
}

/// Bytes 1 to 3 stand for what looks like a secret: so fuzzers have whole ones, and no input that is kept looks like a leak.
pub(super) fn expanded(data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(data.len());
    for byte in data {
        match byte {
            1 => bytes.extend(token()),
            2 => bytes.extend([b"AK", &b"IA"[..], b"Q7ZK3MXW5NBTR2LV"].concat()),
            3 => {
                let label = [&b"RSA PRIVATE "[..], b"KEY-----"].concat();
                let body = LOT.repeat(3);
                bytes.extend(
                    [b"-----BEGIN ", &*label, b"\nMIIE", body.as_bytes(), b"\n-----END ", &label].concat(),
                );
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

/// Letters and digits that look drawn by lot.
const LOT: &str = "K3m9Qx7Lp2Vt8Rz4Wn6Ys1Bd5Hf0Jg";

/// What is found is not shown.
fn text(text: &str) {
    let masked = mask_text(text);
    for found in in_text(text) {
        is_hidden(&text[found.start..found.start + found.length], text, &masked);
    }
    if let Some((name, value)) = text.split_once('=') {
        let masked = mask_assignment(name, value);
        for found in in_assignment(name, value) {
            is_hidden(&value[found.start..found.start + found.length], value, &masked);
        }
    }
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    let masked = mask_words(&words);
    assert_eq!(masked.len(), words.len());
    for (number, found) in in_words(&words) {
        is_hidden(&words[number][found.start..found.start + found.length], &words[number], &masked[number]);
    }
}

/// A secret that stands in a text twice may be one of them only: there is one less.
fn is_hidden(secret: &str, text: &str, masked: &str) {
    // What hides it is made of stars and an ellipsis, and with what stands beside it may read as such a secret.
    if secret.starts_with(['*', '…']) || secret.ends_with(['*', '…']) {
        return;
    }
    assert!(masked.matches(secret).count() < text.matches(secret).count(), "{secret:?} is shown: {masked:?}");
}

/// Something that looks like a token of GitHub's, put together here so that nobody takes this source for a leak.
fn token() -> Vec<u8> {
    let mut crc = flate2::Crc::new();
    let digits: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    crc.update(LOT.as_bytes());
    let checksum = (0..6).rev().map(|place| digits[(crc.sum() / 62_u32.pow(place)) as usize % 62]);
    [b"gh", &b"p_"[..], LOT.as_bytes()].concat().into_iter().chain(checksum).collect()
}

/// Whatever stands in a file before a token does not hide it, and where a file is cut for searching changes nothing.
fn file(how: u8, data: &[u8]) {
    let token = token();
    let whole = [data, b"\n", &token, b"\n"].concat();
    let found = find(&whole);
    let offset = data.len() as u64 + 1;
    let is_it = |secret: &Secret| {
        secret.offset <= offset && offset + token.len() as u64 <= secret.offset + secret.length
    };
    assert!(found.found.iter().any(is_it) || !found.gaps.is_empty(), "{found:?}");
    if how & 2 == 0 || data.len() >= SECRET_AHEAD_BYTES {
        return;
    }
    // The first chunk ends somewhere within.
    let before = SECRET_CHUNK_BYTES - usize::from(how >> 2) * whole.len() / 64;
    let moved = find(&[&vec![b'\n'; before][..], &whole].concat());
    let places = |secrets: &Secrets, by: usize| -> Vec<(u64, u64, &str)> {
        let place = |secret: &Secret| (secret.offset - by as u64, secret.length, secret.kind.id);
        secrets.found.iter().map(place).collect()
    };
    assert_eq!(
        places(&moved, before),
        places(&find(&[b"\n", &*whole].concat()), 1),
        "cut elsewhere, other secrets"
    );
}

fn find(bytes: &[u8]) -> Secrets {
    scan_sound(&Layer::new().file("srv/data.bin", bytes)).secrets.clone()
}
