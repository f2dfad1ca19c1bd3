//! Each format whole, in many members, cut short, spoilt and with bytes behind it.

use std::io::{Cursor, Read, Write};

use super::*;
use crate::error::ErrorKind;
use crate::limits::{DECODER_AT_ONCE_BYTES, GZIP_HEADER_BYTES, Turns, XZ_MEMORY_BYTES, ZSTD_WINDOW_LOG};

/// Gives one byte at a time: no magic and no trailer may depend on how reads fall.
struct Trickle<R>(R);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer.get_mut(..1).unwrap_or_default())
    }
}

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zstd(data: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn xz(data: &[u8]) -> Vec<u8> {
    let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn bzip2(data: &[u8]) -> Vec<u8> {
    let mut encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

type Encode = fn(&[u8]) -> Vec<u8>;

const ALL: [(Compression, Encode); 4] = [
    (Compression::Gzip, gzip),
    (Compression::Zstd, zstd),
    (Compression::Xz, xz),
    (Compression::Bzip2, bzip2),
];

/// What comes out, and how many bytes were left behind it.
fn decode(reader: impl Read + Send, bytes: &[u8]) -> Result<(Vec<u8>, u64)> {
    let mut decoder = decoder(detect(bytes), reader)?;
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).map_err(|error| Error::io("decoding", error))?;
    let left = decoder.drain().unwrap();
    Ok((out, left))
}

fn data() -> Vec<u8> {
    (0..300_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761) >> 20).to_le_bytes()).collect()
}

#[test]
fn every_format_is_known_and_decoded_in_one_or_many_members() {
    let data = data();
    let (one, two) = data.split_at(777_777);
    for (compression, encode) in ALL {
        let bytes = [encode(one), encode(b""), encode(two)].concat();
        assert_eq!(detect(&bytes), compression);
        assert!(decode(Cursor::new(&bytes), &bytes).unwrap() == (data.clone(), 0), "{compression}");
        let small = [encode(b"abc"), encode(b""), encode(b"def")].concat();
        assert_eq!(decode(Trickle(Cursor::new(&small)), &small).unwrap(), (b"abcdef".to_vec(), 0));
        let empty = encode(b"");
        assert_eq!(decode(Cursor::new(&empty), &empty).unwrap(), (vec![], 0));
    }
    assert_eq!(decode(Cursor::new(b"plain"), b"plain").unwrap(), (b"plain".to_vec(), 0));
}

#[test]
fn truncation_anywhere_is_an_error() {
    for (compression, encode) in ALL {
        let bytes = encode(b"some text to be compressed");
        for length in HEAD_BYTES..bytes.len() {
            let cut = &bytes[..length];
            let error = decode(Cursor::new(cut), cut).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{compression} {length}: {error}");
        }
    }
}

#[test]
fn a_spoilt_byte_never_goes_unseen() {
    for (compression, encode) in ALL {
        let data = b"some text to be compressed";
        let bytes = encode(data);
        for at in 0..bytes.len() {
            let mut spoilt = bytes.clone();
            spoilt[at] ^= 0x10;
            if detect(&spoilt) != compression {
                continue;
            }
            // Some header bytes mean nothing (gzip's time and system); no content byte may change.
            if let Ok((out, left)) = decode(Cursor::new(&spoilt), &spoilt) {
                assert_eq!((&*out, left), (&data[..], 0), "{compression} {at}");
            }
        }
    }
}

#[test]
fn bytes_behind_the_end_are_counted_unless_they_are_zero() {
    for (compression, encode) in ALL {
        for (tail, left) in [(&b"\0\0\0"[..], 0), (b"junk", 4), (b"\0\0\0\0\0junk", 4), (b"\x1f\x8b", 2)] {
            let bytes = [&encode(b"text"), tail].concat();
            let decoded = decode(Cursor::new(&bytes), &bytes).unwrap();
            assert_eq!(decoded, (b"text".to_vec(), left), "{compression} {}", tail.escape_ascii());
        }
    }
}

#[test]
fn an_error_stays_an_error() {
    let bytes = gzip(b"text");
    let cut = &bytes[..bytes.len() - 1];
    let mut decoder = decoder(Compression::Gzip, cut).unwrap();
    let mut out = Vec::new();
    assert!(decoder.read_to_end(&mut out).is_err());
    assert!(decoder.read(&mut [0; 8]).is_err());
}

#[test]
fn what_stands_before_an_error_is_handed_out() {
    let header = &gzip(b"")[..10];
    // A stored block, then one of the type that there is not.
    let bytes = [header, b"\0\x04\0\xfb\xfftext\x06"].concat();
    for mut decoder in [
        decoder(Compression::Gzip, &bytes[..]).unwrap(),
        decoder(Compression::Gzip, Trickle(Cursor::new(&bytes))).unwrap(),
    ] {
        let mut out = Vec::new();
        let error = decoder.read_to_end(&mut out).unwrap_err();
        assert_eq!((&*out, Error::io("", error).kind()), (&b"text"[..], ErrorKind::Invalid));
    }
}

#[test]
fn every_part_of_a_gzip_header_is_read_and_checked() {
    let plain = gzip(b"text");
    let mut header = vec![0x1f, 0x8b, 8, 0b1_1110, 0, 0, 0, 0, 0, 3];
    header.extend_from_slice(b"\x03\0abcname\0comment\0");
    let mut crc = flate2::Crc::new();
    crc.update(&header);
    let build = |crc: u16| [&header, &crc.to_le_bytes()[..], &plain[10..]].concat();
    let good = build(crc.sum() as u16);
    assert_eq!(decode(Trickle(Cursor::new(&good)), &good).unwrap().0, b"text");
    let bad = build(crc.sum() as u16 ^ 1);
    assert!(decode(Cursor::new(&bad), &bad).unwrap_err().to_string().contains("header's checksum"));
    let mut reserved = plain.clone();
    reserved[3] = 0x20;
    assert!(decode(Cursor::new(&reserved), &reserved).unwrap_err().to_string().contains("reserved"));
    for (at, what) in [(8, "checksum"), (4, "length")] {
        let mut spoilt = plain.clone();
        let at = spoilt.len() - at;
        spoilt[at] ^= 1;
        assert!(decode(Cursor::new(&spoilt), &spoilt).unwrap_err().to_string().contains(what));
    }
}

/// libzstd takes it where it comes in pieces, and refuses it where it is at hand as a whole.
#[test]
fn a_zstd_frame_of_fewer_bytes_than_it_declares_is_broken_however_it_is_read() {
    let frame = |declared: u8| {
        // A raw block of three bytes, then an empty last one.
        [&[0x28, 0xb5, 0x2f, 0xfd, 0x20, declared][..], &[3 << 3, 0, 0], b"abc", &[1, 0, 0]].concat()
    };
    assert_eq!(decode(Trickle(Cursor::new(frame(3))), &frame(3)).unwrap(), (b"abc".to_vec(), 0));
    let short = frame(9);
    for piece in [1, short.len()] {
        let error = decode(Cursor::new(&short).take(piece as u64).chain(Trickle(&short[piece..])), &short)
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
        assert!(error.to_string().contains("zstd frame is broken"), "{error}");
    }
}

#[test]
fn skippable_zstd_frames_are_skipped() {
    let skip = b"\x50\x2a\x4d\x18\x04\0\0\0abcd";
    let bytes = [skip, &*zstd(b"one"), skip, &zstd(b"two"), skip].concat();
    assert_eq!(detect(&bytes), Compression::Zstd);
    assert_eq!(decode(Trickle(Cursor::new(&bytes)), &bytes).unwrap(), (b"onetwo".to_vec(), 0));
    let cut = &bytes[..bytes.len() - 1];
    assert!(decode(Cursor::new(cut), cut).is_err());
}

fn exceeds(bytes: &[u8], name: &str) {
    let error = decode(Cursor::new(bytes), bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
}

/// Magic, no flags, a window of 2^log and so many eighths of it; one raw block, the last, of three bytes.
fn zstd_with_window(log: u32, eighths: u8) -> Vec<u8> {
    let window = ((log - 10) << 3) as u8 | eighths;
    [&[0x28, 0xb5, 0x2f, 0xfd, 0, window][..], &[3 << 3 | 1, 0, 0], b"abc"].concat()
}

/// The dictionary's size, by its number, is one byte of the block header, which has its own checksum.
fn xz_with_dictionary(size: u8) -> Vec<u8> {
    let mut xz = xz(b"text");
    let at = xz.windows(3).position(|window| window[..2] == [0x21, 1]).unwrap() + 2;
    xz[at] = size;
    let length = (usize::from(xz[12]) + 1) * 4;
    let mut crc = flate2::Crc::new();
    crc.update(&xz[12..12 + length - 4]);
    xz[12 + length - 4..12 + length].copy_from_slice(&crc.sum().to_le_bytes());
    xz
}

/// However many threads there are; and a layer that has the turn for a large decoder has it for all.
#[test]
fn large_decoders_go_on_one_at_a_time_beyond_decoder_at_once_bytes() {
    assert_eq!(DECODER_AT_ONCE_BYTES, 1 << 24);
    let turns = Arc::new(Turns::default());
    let read = |party: &Arc<Party>, bytes: &[u8]| {
        let mut decoder = decoder_of(party, detect(bytes), Cursor::new(bytes.to_vec())).unwrap();
        decoder.read_to_end(&mut Vec::new()).unwrap();
        decoder
    };
    // 3 << 22 bytes and 1 << 24, which is all there is and leaves nothing for the rest.
    let xz = [xz_with_dictionary(23), xz_with_dictionary(24)];
    let of_content = |size: u32| {
        let head = [&[0x28, 0xb5, 0x2f, 0xfd, 0xa0][..], &size.to_le_bytes()].concat();
        // Blocks of one byte, that many times; the last is empty.
        let blocks = std::iter::repeat_n(128 << 10, (size >> 17) as usize).chain([size % (128 << 10)]);
        let blocks = blocks.flat_map(|length| [&(length << 3 | 2).to_le_bytes()[..3], b"x"].concat());
        [head, blocks.collect(), vec![1, 0, 0]].concat()
    };
    let single = [of_content(1 << 24), of_content((1 << 24) + 1)];
    for [small, large] in [xz, [zstd_with_window(24, 0), zstd_with_window(24, 1)], single] {
        drop(read(&Party::of(&turns), &small));
        let (one, other) = (Party::of(&turns), Party::of(&turns));
        let kept = read(&one, &small);
        assert!(turns.is_free());
        // Also where it comes later.
        let first = read(&one, &[small.clone(), large.clone()].concat());
        assert!(!turns.is_free());
        let second = read(&one, &large);
        drop(read(&other, &small));
        std::thread::scope(|scope| {
            let waits = scope.spawn(|| drop(read(&other, &large)));
            drop((kept, first));
            assert!(!turns.is_free() && !waits.is_finished());
            drop(second);
        });
        assert!(turns.is_free());
    }
}

#[test]
fn a_zstd_window_is_held_to_zstd_window_log() {
    let frame = zstd_with_window;
    let most = frame(ZSTD_WINDOW_LOG, 0);
    assert_eq!(decode(Cursor::new(&most), &most).unwrap(), (b"abc".to_vec(), 0));
    for (log, eighths) in [(ZSTD_WINDOW_LOG, 1), (ZSTD_WINDOW_LOG + 1, 0), (41, 7)] {
        exceeds(&frame(log, eighths), "ZSTD_WINDOW_LOG");
    }
}

#[test]
fn an_xz_dictionary_is_held_to_xz_memory_bytes() {
    let of = xz_with_dictionary;
    // By their numbers: 3 << 26 bytes, and 2 << 27, which is all there is and leaves nothing for the rest.
    assert_eq!(XZ_MEMORY_BYTES, 2 << 27);
    assert_eq!(decode(Cursor::new(of(31)), &of(31)).unwrap(), (b"text".to_vec(), 0));
    exceeds(&of(32), "XZ_MEMORY_BYTES");
    exceeds(&of(40), "XZ_MEMORY_BYTES");
}

#[test]
fn a_gzip_header_is_held_to_gzip_header_bytes() {
    let plain = gzip(b"text");
    let named = |length: usize| {
        let name = [vec![b'n'; length - 10 - 1], vec![0]].concat();
        [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..], &name, &plain[10..]].concat()
    };
    let most = named(GZIP_HEADER_BYTES);
    assert_eq!(decode(Cursor::new(&most), &most).unwrap(), (b"text".to_vec(), 0));
    exceeds(&named(GZIP_HEADER_BYTES + 1), "GZIP_HEADER_BYTES");
    // Each member has its own.
    let two = [most.clone(), most].concat();
    assert_eq!(decode(Cursor::new(&two), &two).unwrap().0, b"texttext");
    let endless = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 3][..], &[b'n'; 300_000]].concat();
    exceeds(&endless, "GZIP_HEADER_BYTES");
}

#[test]
fn a_tar_whose_first_name_looks_like_bzip2_stays_a_tar() {
    assert_eq!(detect(b"BZh9.txt\0\0\0\0\0\0\0\0"), Compression::None);
    assert_eq!(detect(b""), Compression::None);
    assert_eq!(detect(b"\x1f\x8b"), Compression::None);
}

#[test]
fn pieces_that_are_handed_over_are_what_would_have_been_read() {
    // Matches reach back over the whole window, and so into pieces that were given away.
    let mut bytes = Vec::new();
    let mut state = 1_u32;
    while bytes.len() < 900_000 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let back = 1 + (state >> 8) as usize % (32 << 10);
        match bytes.len().checked_sub(back) {
            Some(from) if !state.is_multiple_of(5) => {
                bytes.extend_from_within(from..(from + 70).min(bytes.len()))
            }
            _ => bytes.extend(state.to_le_bytes()),
        }
    }
    let stored = [
        gzip(&bytes),
        zstd(&bytes),
        bytes.clone(),
        [gzip(&bytes[..400_000]), gzip(&bytes[400_000..])].concat(),
    ];
    for stored in stored {
        // Some are read where they are, as when a decoder moves in the middle of a layer.
        for moves in [1, 2, 5] {
            let mut decoder = decoder(detect(&stored), stored.as_slice()).unwrap();
            let (mut spare, mut read) = (Piece::default(), Vec::new());
            for turn in 0.. {
                if turn % moves == 0 {
                    spare = decoder.hand_over(spare).unwrap();
                    read.extend_from_slice(spare.bytes());
                    if spare.bytes().is_empty() {
                        break;
                    }
                } else {
                    let here = decoder.fill_buf().unwrap();
                    let count = here.len().min(50_000);
                    read.extend_from_slice(&here[..count]);
                    decoder.consume(count);
                }
            }
            assert!(read == bytes, "{} of {} bytes", read.len(), bytes.len());
        }
    }
}
