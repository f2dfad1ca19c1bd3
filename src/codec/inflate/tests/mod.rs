//! Held to zlib-rs byte for byte: what is valid, what comes out, also before an error, where the
//! data ends and whether it is broken or cut short, in whatever pieces it comes.

mod malformed;
mod streams;

use std::time::{Duration, Instant};

use flate2::{Decompress, FlushDecompress, Status};
use proptest::prelude::*;

use self::streams::{Random, compressed, generated, spoilt, text};
use super::*;

#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Whole, of so many bytes.
    Ended(usize),
    Broken,
    CutShort,
}

fn by_zlib(stream: &[u8]) -> (Vec<u8>, Verdict) {
    let mut inflate = Decompress::new(false);
    let mut out = Vec::new();
    let mut piece = vec![0; 64 << 10];
    loop {
        let (taken, given) = (inflate.total_in() as usize, inflate.total_out());
        let status = inflate.decompress(&stream[taken..], &mut piece, FlushDecompress::None);
        let produced = (inflate.total_out() - given) as usize;
        out.extend_from_slice(&piece[..produced]);
        match status {
            Err(_) => return (out, Verdict::Broken),
            Ok(Status::StreamEnd) => return (out, Verdict::Ended(inflate.total_in() as usize)),
            Ok(_) if produced == 0 && inflate.total_in() as usize == taken => {
                return (out, Verdict::CutShort);
            }
            Ok(_) => {}
        }
    }
}

/// Fed in pieces and given room as the seed has it, in a buffer such as the decoder's.
fn by_ours(inflate: &mut Inflate, stream: &[u8], seed: u64) -> (Vec<u8>, Verdict) {
    let mut random = Random(seed);
    let most = *random.one_of(&[1, 2, 9, 40, 1000, usize::MAX]);
    let room = *random.one_of(&[1, 2, 100, 400, 5000, 128 << 10]);
    inflate.reset();
    let mut buffer = vec![0xaa; HISTORY + room];
    let mut at = HISTORY;
    let mut taken = 0;
    let mut out = Vec::new();
    loop {
        let left = &stream[taken..];
        let input = &left[..left.len().min(random.below(most).saturating_add(1))];
        if at == buffer.len() {
            buffer.copy_within(at - HISTORY.., 0);
            at = HISTORY;
        }
        let Ok(progress) = inflate.step(input, &mut buffer, at) else {
            assert!(inflate.step(input, &mut buffer, at).is_err(), "an error stays one");
            return (out, Verdict::Broken);
        };
        out.extend_from_slice(&buffer[at..at + progress.produced]);
        taken += progress.consumed;
        at += progress.produced;
        if progress.ended {
            assert_eq!(inflate.total(), out.len() as u64);
            return (out, Verdict::Ended(taken));
        }
        if progress.produced == 0 && progress.consumed == 0 {
            assert!(input.is_empty(), "no progress, though there is input");
            assert_eq!(taken, stream.len(), "all is taken before it is called cut short");
            return (out, Verdict::CutShort);
        }
    }
}

/// Compares both; what they say.
fn compare(inflate: &mut Inflate, stream: &[u8], seed: u64) -> (Vec<u8>, Verdict) {
    let zlib = by_zlib(stream);
    let ours = by_ours(inflate, stream, seed);
    assert_eq!(ours.1, zlib.1, "seed {seed}: {stream:?}");
    assert!(ours.0 == zlib.0, "other bytes, seed {seed}: {stream:?}");
    ours
}

proptest! {
    #[test]
    fn what_was_compressed_comes_out(seed: u64, length in 0..100_000_usize, level in 0..10_u32) {
        let data = text(&mut Random(seed), length);
        let stream = [compressed(&data, level), b"behind".to_vec()].concat();
        let (out, verdict) = compare(&mut Inflate::new(), &stream, seed);
        prop_assert_eq!(verdict, Verdict::Ended(stream.len() - 6));
        prop_assert!(out == data);
    }

    /// Of codes that no compressor makes: codewords of up to 15 bits, all symbols, any distance.
    #[test]
    fn generated_blocks_are_decoded_alike(seed: u64) {
        compare(&mut Inflate::new(), &generated(&mut Random(seed)), seed);
    }

    #[test]
    fn spoilt_streams_are_judged_alike(seed: u64, length in 0..5_000_usize, level in 0..10_u32) {
        let mut random = Random(seed);
        let data = text(&mut random, length);
        let mut inflate = Inflate::new();
        for stream in [compressed(&data, level), generated(&mut random)] {
            compare(&mut inflate, &spoilt(&mut random, stream), seed);
        }
    }

    #[test]
    fn any_bytes_are_judged_alike(stream: Vec<u8>, seed: u64) {
        compare(&mut Inflate::new(), &stream, seed);
    }
}

#[test]
fn streams_that_follow_each_other_share_nothing() {
    let mut inflate = Inflate::new();
    let mut random = Random(1);
    for seed in 0..40 {
        // A match in the second stream must not reach into the first, nor its codes be used again.
        compare(&mut inflate, &compressed(&text(&mut random, 3000), 6), seed);
        compare(&mut inflate, &spoilt(&mut random, compressed(b"some text, some text", 6)), seed);
    }
}

/// Streams of all kinds for `INFLATE_SECONDS`, 60 if unset. Tells how many, and how they were judged.
#[test]
#[ignore = "runs for a minute"]
fn for_long() {
    let seconds = std::env::var("INFLATE_SECONDS").map_or(60, |seconds| seconds.parse().unwrap());
    let first = std::env::var("INFLATE_SEED").map_or(0, |seed| seed.parse().unwrap());
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut inflate = Inflate::new();
    let [mut ended, mut broken, mut cut_short] = [0_u64; 3];
    let mut bytes = 0;
    for seed in first.. {
        if Instant::now() > end {
            break;
        }
        let mut random = Random(seed);
        let data_length = random.below(30_000);
        let mut stream = match random.below(4) {
            0 => generated(&mut random),
            1 => random.bytes(300),
            _ => compressed(&text(&mut random, data_length), (seed % 10) as u32),
        };
        for _ in 0..8 {
            let (out, verdict) = compare(&mut inflate, &stream, random.next());
            bytes += out.len();
            match verdict {
                Verdict::Ended(_) => ended += 1,
                Verdict::Broken => broken += 1,
                Verdict::CutShort => cut_short += 1,
            }
            stream = spoilt(&mut random, stream);
        }
    }
    println!("{ended} whole, {broken} broken, {cut_short} cut short; {bytes} bytes");
    assert!(ended > 0 && broken > 0 && cut_short > 0);
}
