//! Decoders, held to other ones and to themselves.

use std::io::{self, BufRead as _, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};
use ocicheck::codec::{self, HEAD_BYTES, Piece};
use ocicheck::model::descriptor::Compression;

use super::tools::first;

/// Decoded bytes of one input; what yields more is left.
const MOST: u64 = 1 << 20;

/// Yields so many bytes at once, at most.
struct Slow<'a>(&'a [u8], usize);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.1.min(buffer.len());
        self.0.read(&mut buffer[..count])
    }
}

/// What a decoder made of a blob: the bytes up to its end or its error, and either how many of the stored
/// bytes were left over, or what is wrong.
#[derive(Debug, PartialEq, Eq)]
struct Decoded {
    bytes: Vec<u8>,
    end: Result<u64, String>,
}

/// Decodes by our own decoder; `None` where more than [`MOST`] bytes come out.
fn ours(compression: Compression, blob: &[u8], piece: usize, handed_over: bool) -> Option<Decoded> {
    let mut decoder = match codec::decoder(compression, Slow(blob, piece)) {
        Ok(decoder) => decoder,
        Err(error) => return Some(Decoded { bytes: Vec::new(), end: Err(error.to_string()) }),
    };
    let mut bytes = Vec::new();
    let mut spare = Some(Piece::default());
    loop {
        let step = if handed_over {
            decoder.hand_over(spare.take().unwrap()).map(|piece| {
                bytes.extend_from_slice(piece.bytes());
                let count = piece.bytes().len();
                spare = Some(piece);
                count
            })
        } else {
            decoder.fill_buf().map(|piece| {
                bytes.extend_from_slice(piece);
                piece.len()
            })
        };
        match step {
            Err(error) => {
                assert!(decoder.fill_buf().is_err(), "an error stays one");
                decoder.drain().expect("memory can be read");
                return Some(Decoded { bytes, end: Err(error.to_string()) });
            }
            Ok(0) => {
                let rest = decoder.drain().expect("memory can be read");
                return Some(Decoded { bytes, end: Ok(rest) });
            }
            Ok(_) if bytes.len() as u64 > MOST => return None,
            Ok(count) if !handed_over => decoder.consume(count),
            Ok(_) => {}
        }
    }
}

/// Raw deflate as zlib takes it: the bytes, and where it ends. `None` where more than [`MOST`] come out.
enum Raw {
    Ended(usize),
    Broken,
    CutShort,
}

fn by_zlib(stream: &[u8]) -> Option<(Vec<u8>, Raw)> {
    let mut inflate = Decompress::new(false);
    let mut bytes = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let (taken, given) = (inflate.total_in() as usize, inflate.total_out());
        let status = inflate.decompress(&stream[taken..], &mut piece, FlushDecompress::None);
        let produced = (inflate.total_out() - given) as usize;
        bytes.extend_from_slice(&piece[..produced]);
        match status {
            Err(_) => return Some((bytes, Raw::Broken)),
            Ok(Status::StreamEnd) => return Some((bytes, Raw::Ended(inflate.total_in() as usize))),
            Ok(_) if produced == 0 && inflate.total_in() as usize == taken => {
                return Some((bytes, Raw::CutShort));
            }
            Ok(_) if bytes.len() as u64 > MOST => return None,
            Ok(_) => {}
        }
    }
}

/// A first byte for the size of pieces, then raw deflate. Ours is held to zlib: the same bytes, up to the same end
/// or the same error, in whatever pieces the stream comes.
pub fn inflate(data: &[u8]) {
    let (size, stream) = first(data);
    let Some((bytes, end)) = by_zlib(stream) else { return };
    let mut blob = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let expected = match end {
        Raw::Ended(length) => {
            blob.extend_from_slice(&stream[..length]);
            let mut crc = Crc::new();
            crc.update(&bytes);
            blob.extend_from_slice(&crc.sum().to_le_bytes());
            blob.extend_from_slice(&crc.amount().to_le_bytes());
            blob.extend_from_slice(b"behind");
            Ok(6)
        }
        Raw::Broken => {
            // Zeros behind, so that nothing is merely cut short.
            blob.extend_from_slice(stream);
            blob.extend_from_slice(&[0; 16]);
            Err("a gzip member is broken")
        }
        Raw::CutShort => {
            blob.extend_from_slice(stream);
            Err("a gzip member is cut short")
        }
    };
    for piece in [usize::MAX, usize::from(size).max(1)] {
        let decoded = ours(Compression::Gzip, &blob, piece, false).expect("as much as zlib yields");
        assert!(decoded.bytes == bytes, "other bytes, in pieces of {piece}");
        match (&decoded.end, expected) {
            (Ok(left), Ok(expected)) => assert_eq!(*left, expected),
            (Err(error), Err(expected)) => assert!(error.starts_with(expected), "{error}"),
            other => panic!("in pieces of {piece}: {other:?}"),
        }
    }
}

/// A first byte for the size of pieces, then a blob in whatever form. Pieces and hand-over change nothing; what is
/// decoded whole is what the codec's own library makes of it.
pub fn codecs(data: &[u8]) {
    let (size, blob) = first(data);
    let compression = codec::detect(&blob[..blob.len().min(HEAD_BYTES)]);
    let Some(decoded) = ours(compression, blob, usize::MAX, false) else { return };
    let handed_over = ours(compression, blob, usize::MAX, true).unwrap();
    assert!(handed_over == decoded, "handed over, it is otherwise: {:?} {:?}", handed_over.end, decoded.end);
    let in_pieces = ours(compression, blob, usize::from(size).max(1), false).unwrap();
    if decoded.end.is_ok() || compression == Compression::Gzip {
        assert!(in_pieces.bytes == decoded.bytes, "in pieces, other bytes");
    }
    // How much libraries yield before they see an error depends on how much they are given.
    let common = in_pieces.bytes.len().min(decoded.bytes.len());
    assert!(in_pieces.bytes[..common] == decoded.bytes[..common], "in pieces, other bytes before an error");
    assert_eq!(in_pieces.end.is_ok(), decoded.end.is_ok(), "{:?} {:?}", in_pieces.end, decoded.end);
    if decoded.end.is_ok() {
        assert_eq!(in_pieces.end, decoded.end);
    }
    let theirs = match compression {
        Compression::None => Ok(blob.to_vec()),
        Compression::Gzip => read(flate2::read::MultiGzDecoder::new(blob)),
        Compression::Zstd => zstd::stream::read::Decoder::new(blob).and_then(|mut decoder| {
            decoder.window_log_max(27)?;
            read(decoder)
        }),
        Compression::Xz => read(liblzma::read::XzDecoder::new_multi_decoder(blob)),
        Compression::Bzip2 => read(bzip2::read::MultiBzDecoder::new(blob)),
    };
    match (&decoded.end, theirs) {
        // Readers differ on bytes behind the last member, and zeros there are no anomaly.
        (Ok(0), Ok(theirs)) => assert!(theirs == decoded.bytes, "another decoder makes other bytes of it"),
        // libzstd does so, unless all of the frame is at hand.
        (Err(ours), Ok(_)) if ours.contains("it declares") => {}
        // The other one need not have come to what is wrong.
        (Err(ours), Ok(theirs)) if theirs.len() as u64 <= MOST => {
            panic!("another decoder takes what ours refuses: {ours}")
        }
        _ => {}
    }
}

fn read(decoder: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    decoder.take(MOST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}
