//! Where tables of contents are: by a footer at the layer's end, and by annotations of its descriptor. Readers
//! go by either, so each place that one of them would take is one.

use super::{Form, unreadable};
use crate::model::Anomaly;
use crate::model::descriptor::TocClaims;

/// Bytes at a layer's end in which all footers are.
pub(super) const TAIL_BYTES: u64 = 80;

/// The stored bytes of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) form: Form,
    pub(super) offset: u64,
    pub(super) size: u64,
    /// What annotations say of its stored bytes, and of its text.
    pub(super) stored_digest: Option<String>,
    pub(super) text_digest: Option<String>,
}

impl Place {
    fn new(form: Form, offset: u64, size: u64) -> Self {
        Self { form, offset, size, stored_digest: None, text_digest: None }
    }

    fn is_at(&self, other: &Self) -> bool {
        (self.form, self.offset, self.size) == (other.form, other.offset, other.size)
    }
}

/// How the footers of zstd:chunked end: containers/storage's, and the stargz snapshotter's, which
/// containers/storage wrote before.
const CHUNKED: [&[u8]; 2] = [b"GNUlInUx", b"GnUlInUx"];

/// Bytes of the payload of those footers, one skippable frame each; all begin with the table's offset and length.
const CHUNKED_BYTES: [usize; 4] = [64, 56, 48, 40];

/// Bytes of eStargz's footer, of that of stargz before it, and of one whose table is in another image.
const STARGZ_BYTES: usize = 51;
const OLD_STARGZ_BYTES: usize = 47;
const EXTERNAL_BYTES: usize = 46;

/// The end of a layer.
#[derive(Clone, Copy)]
pub(super) struct End<'a> {
    /// Its last bytes.
    pub(super) tail: &'a [u8],
    /// Bytes of the layer.
    pub(super) size: u64,
    /// Bytes of the largest table.
    pub(super) most: u64,
}

/// All places of tables in a layer; and what is wrong with others.
pub(super) fn places(
    End { tail, size, most }: End<'_>,
    claims: &TocClaims,
    begins_as_zstd: impl Fn(u64) -> bool,
) -> (Vec<Place>, Vec<Anomaly>) {
    let mut found: Vec<Result<Place, (Form, &str)>> = Vec::new();
    // Whatever the layer is compressed with: the stargz snapshotter tries one after another.
    found.extend(chunked_footers(tail, begins_as_zstd));
    found.extend(stargz_footer(tail, size));
    for claim in claims.of_chunked() {
        let place = claim.position.as_deref().and_then(position);
        let place = place.ok_or((Form::Chunked, "the annotations do not say where it is"));
        found.push(place.map(|(offset, size)| Place {
            stored_digest: claim.digest.clone(),
            ..Place::new(Form::Chunked, offset, size)
        }));
    }
    if claims.stargz_digest.is_some() {
        // containers/storage looks at nothing else of the footer.
        let place = last(tail, STARGZ_BYTES).and_then(|footer| hex(footer.get(16..32)?));
        let place = place.and_then(|offset| Some((offset, size.checked_sub(offset)?)));
        let place = place.and_then(|(offset, rest)| Some((offset, rest.checked_sub(STARGZ_BYTES as u64)?)));
        match place {
            Some((offset, size)) => found.push(Ok(Place::new(Form::Stargz, offset, size))),
            None if found.is_empty() => {
                found.push(Err((Form::Stargz, "the annotations tell of one, and the layer has none")));
            }
            None => {}
        }
    }
    let (mut places, mut anomalies): (Vec<Place>, _) = (Vec::new(), Vec::new());
    for found in found {
        match found {
            Err((form, why)) => anomalies.push(unreadable(form, why)),
            Ok(place) if place.offset.checked_add(place.size).is_none_or(|end| end > size) => {
                anomalies.push(unreadable(place.form, "it is said to lie beyond the layer's end"));
            }
            Ok(place) if place.size > most => {
                anomalies.push(unreadable(place.form, &super::too_large(most).to_string()));
            }
            Ok(mut place) => {
                place.text_digest = claims.stargz_digest.clone();
                match places.iter_mut().find(|known| known.is_at(&place)) {
                    Some(known) => known.stored_digest = known.stored_digest.take().or(place.stored_digest),
                    None => places.push(place),
                }
            }
        }
    }
    (places, anomalies)
}

/// The last bytes, where there are so many.
fn last(tail: &[u8], count: usize) -> Option<&[u8]> {
    tail.get(tail.len().checked_sub(count)?..)
}

fn number(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

/// containers/storage (before it went by annotations only) reads the frame's payload, the stargz snapshotter the
/// last 40 bytes, whatever they are.
fn chunked_footers(
    tail: &[u8],
    begins_as_zstd: impl Fn(u64) -> bool,
) -> Vec<Result<Place, (Form, &'static str)>> {
    if !CHUNKED.iter().any(|magic| tail.ends_with(magic)) {
        return Vec::new();
    }
    let place_in = |payload: &[u8]| Some(Place::new(Form::Chunked, number(payload, 0)?, number(payload, 8)?));
    let framed = CHUNKED_BYTES.into_iter().filter_map(|length| {
        let frame = last(tail, length + 8)?;
        let [_, 0x2a, 0x4d, 0x18, a, b, c, d, ref payload @ ..] = *frame else { return None };
        let fits = u32::from_le_bytes([a, b, c, d]) as usize == length;
        fits.then(|| place_in(payload)).flatten()
    });
    let mut found: Vec<_> = framed.collect();
    let snapshotters = last(tail, 40).and_then(place_in);
    // Of a longer footer these are other numbers, which lead to no table.
    found.extend(snapshotters.filter(|place| found.is_empty() || begins_as_zstd(place.offset)));
    found.into_iter().map(Ok).collect()
}

fn stargz_footer(tail: &[u8], size: u64) -> Option<Result<Place, (Form, &'static str)>> {
    const ELSEWHERE: &str = "it is in another image, which is not here";
    const NOWHERE: &str = "its footer does not say where it is";
    let is_external =
        extra(last(tail, EXTERNAL_BYTES)).is_some_and(|extra| extra.ends_with(b"STARGZEXTERNALTOC"));
    if is_external {
        return Some(Err((Form::Stargz, ELSEWHERE)));
    }
    for length in [STARGZ_BYTES, OLD_STARGZ_BYTES] {
        let Some(digits) = extra(last(tail, length)).and_then(|extra| extra.strip_suffix(b"STARGZ")) else {
            continue;
        };
        let digits = last(digits, 16).unwrap_or(digits);
        let place = hex(digits).and_then(|offset| {
            let size = size.checked_sub(offset)?.checked_sub(length as u64)?;
            Some(Place::new(Form::Stargz, offset, size))
        });
        return Some(place.ok_or((Form::Stargz, NOWHERE)));
    }
    None
}

/// The extra field of a gzip header (RFC 1952, section 2.3.1).
fn extra(member: Option<&[u8]>) -> Option<&[u8]> {
    let [0x1f, 0x8b, 8, flags, _, _, _, _, _, _, a, b, ref rest @ ..] = *member? else { return None };
    if flags & 4 == 0 {
        return None;
    }
    rest.get(..usize::from(u16::from_le_bytes([a, b])))
}

/// As Go's `ParseInt(…, 16, 64)`, of what is not negative.
fn hex(digits: &[u8]) -> Option<u64> {
    let number = i64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    u64::try_from(number).ok()
}

/// Offset and length, as Go's `Sscanf` with `%d:%d:%d:%d` takes them.
fn position(text: &str) -> Option<(u64, u64)> {
    let mut numbers = text.split(':').map(|part| part.trim_start().parse::<u64>().ok());
    let (offset, size, _) = (numbers.next()??, numbers.next()??, numbers.next()??);
    Some((offset, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        assert_eq!(position("96:12:300:1"), Some((96, 12)));
        assert_eq!(position(" 96: +12:300:1 and more"), Some((96, 12)));
        for broken in ["", "96", "96:12", "a:1:2:3", "-1:2:3:1"] {
            assert_eq!(position(broken), None, "{broken}");
        }
        assert_eq!(hex(b"00000000000000ff"), Some(255));
        assert_eq!(hex(b"+0000000000000ff"), Some(255));
        assert_eq!(hex(b"-0000000000000ff"), None);
        assert_eq!(hex(b"ffffffffffffffff"), None);
    }
}
