//! One block malformed in one way each, with the verdict that zlib has on it.

use super::streams::{Code, Random, Writer, dynamic_header};
use super::*;

fn written(write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::default();
    write(&mut writer);
    // Zeros behind, so that nothing is merely cut short.
    [writer.finish(), vec![0; 100]].concat()
}

/// A dynamic block that ends at once.
fn dynamic(litlen: &[u32], distance: &[u32], symbols: &[(u64, u32)]) -> Vec<u8> {
    written(|writer| {
        dynamic_header(&mut Random(0), writer, true, litlen, distance);
        symbols.iter().for_each(|(bits, count)| writer.bits(*bits, *count));
    })
}

fn lengths(count: usize, of: &[(usize, u32)]) -> Vec<u32> {
    let mut lengths = vec![0; count];
    of.iter().for_each(|(symbol, length)| lengths[*symbol] = *length);
    lengths
}

/// The raw header of a dynamic block: HLIT, HDIST, HCLEN, then three bits each.
fn raw(header: [u64; 3], precode: &[u64], rest: &[(u64, u32)]) -> Vec<u8> {
    written(|writer| {
        writer.bits(0b101, 3);
        header.iter().zip([5, 5, 4]).for_each(|(value, bits)| writer.bits(*value, bits));
        precode.iter().for_each(|length| writer.bits(*length, 3));
        rest.iter().for_each(|(bits, count)| writer.bits(*bits, *count));
    })
}

fn fixed(bits: &[(u64, u32)]) -> Vec<u8> {
    written(|writer| {
        writer.bits(0b011, 3);
        bits.iter().for_each(|(bits, count)| writer.bits(*bits, *count));
    })
}

/// A codeword of the fixed code for lengths or distances: first bit lowest.
fn codeword(code: u32, length: u32) -> (u64, u32) {
    (u64::from(code.reverse_bits() >> (32 - length)), length)
}

/// What it is, the stream, and what comes out.
type Case = (&'static str, Vec<u8>, Result<&'static [u8], Broken>);

#[test]
fn every_malformed_block_is_refused_and_every_odd_one_taken() {
    let eob = lengths(257, &[(256, 1), (0, 1)]);
    let two = [1, 1];
    let longest: Vec<(usize, u32)> = (1..15).map(|length| (length as usize, length)).collect();
    // The fixed code's `a`, its length 3, its end of block.
    let (a, three, end) = (codeword(0x30 + 97, 8), codeword(1, 7), codeword(0, 7));
    let cases: Vec<Case> = vec![
        ("reserved block type", written(|writer| writer.bits(0b111, 3)), Err("invalid block type")),
        ("stored", written(|writer| writer.stored(b"abc", true)), Ok(b"abc")),
        (
            "stored length's complement",
            vec![1, 3, 0, 0xfc, 0xfe, 97, 98, 99],
            Err("invalid stored block lengths"),
        ),
        ("empty stored block", vec![1, 0, 0, 0xff, 0xff], Ok(b"")),
        ("fixed", fixed(&[a, end]), Ok(b"a")),
        ("fixed, match", fixed(&[a, three, codeword(0, 5), end]), Ok(b"aaaa")),
        ("fixed, no byte to refer to", fixed(&[three, codeword(0, 5), end]), Err(symbol::TOO_FAR)),
        ("fixed, one byte too far", fixed(&[a, three, codeword(1, 5), end]), Err(symbol::TOO_FAR)),
        ("fixed, length 286", fixed(&[a, codeword(0b1100_0110, 8)]), Err(symbol::BAD_SYMBOL)),
        ("fixed, length 287", fixed(&[a, codeword(0b1100_0111, 8)]), Err(symbol::BAD_SYMBOL)),
        ("fixed, distance 30", fixed(&[a, three, codeword(30, 5)]), Err(symbol::BAD_DISTANCE)),
        ("fixed, distance 31", fixed(&[a, three, codeword(31, 5)]), Err(symbol::BAD_DISTANCE)),
        ("287 literal codes", raw([30, 0, 0], &[], &[]), Err("too many length or distance symbols")),
        ("31 distance codes", raw([0, 30, 0], &[], &[]), Err("too many length or distance symbols")),
        ("precode over-subscribed", raw([0, 0, 0], &[1, 1, 1, 0], &[]), Err("invalid code lengths set")),
        ("precode incomplete", raw([0, 0, 0], &[2, 2, 2, 0], &[]), Err("invalid code lengths set")),
        ("precode of one codeword", raw([0, 0, 0], &[0, 0, 1, 0], &[]), Err("invalid code lengths set")),
        ("precode empty", raw([0, 0, 0], &[0; 4], &[]), Err("no code for the end of block")),
        (
            "repeat without a length",
            raw([0, 0, 0], &[1, 0, 0, 1], &[(1, 1)]),
            Err("invalid bit length repeat"),
        ),
        (
            "repeat beyond the last length",
            raw([0, 0, 0], &[0, 0, 1, 1], &[(0b1111_1111, 8), (0b1111_1111, 8)]),
            Err("invalid bit length repeat"),
        ),
        (
            "repeat one beyond the last length",
            raw([0, 0, 0], &[0, 0, 1, 1], &[(1 | (138 - 11) << 1, 8), (1 | (121 - 11) << 1, 8)]),
            Err("invalid bit length repeat"),
        ),
        (
            "repeat to the last length",
            raw([0, 0, 0], &[0, 0, 1, 1], &[(1 | (138 - 11) << 1, 8), (1 | (120 - 11) << 1, 8)]),
            Err("no code for the end of block"),
        ),
        (
            "no end of block",
            dynamic(&lengths(257, &[(0, 1), (1, 1)]), &two, &[]),
            Err("no code for the end of block"),
        ),
        ("ends at once", dynamic(&eob, &two, &[(1, 1)]), Ok(b"")),
        ("one literal", dynamic(&eob, &two, &[(0, 1), (1, 1)]), Ok(b"\0")),
        (
            "literals over-subscribed",
            dynamic(&lengths(257, &[(0, 1), (1, 1), (256, 1)]), &two, &[]),
            Err("invalid literal and length code"),
        ),
        (
            "literals over-subscribed by one codeword of 15 bits",
            dynamic(&lengths(257, &[&longest[..], &[(256, 15), (100, 15), (101, 15)]].concat()), &two, &[]),
            Err("invalid literal and length code"),
        ),
        (
            "literals incomplete by one codeword of 15 bits",
            dynamic(&lengths(257, &[&longest[..], &[(256, 15)]].concat()), &two, &[]),
            Err("invalid literal and length code"),
        ),
        (
            "codewords of 15 bits",
            dynamic(
                &lengths(257, &[&longest[..], &[(256, 15), (100, 15)]].concat()),
                &two,
                &[(0x3fff, 15), (0x7fff, 15)],
            ),
            Ok(&[100]),
        ),
        (
            "literals incomplete",
            dynamic(&lengths(257, &[(0, 2), (1, 2), (256, 2)]), &two, &[]),
            Err("invalid literal and length code"),
        ),
        (
            "a single literal codeword of two bits",
            dynamic(&lengths(257, &[(256, 2)]), &two, &[]),
            Err("invalid literal and length code"),
        ),
        ("a single literal codeword", dynamic(&lengths(257, &[(256, 1)]), &two, &[(0, 1)]), Ok(b"")),
        (
            "a single literal codeword, not that one",
            dynamic(&lengths(257, &[(256, 1)]), &two, &[(1, 1)]),
            Err(symbol::BAD_SYMBOL),
        ),
        ("distances over-subscribed", dynamic(&eob, &[1, 1, 1], &[]), Err("invalid distance code")),
        ("distances incomplete", dynamic(&eob, &[2, 2, 2], &[]), Err("invalid distance code")),
        ("a single distance of two bits", dynamic(&eob, &[2], &[]), Err("invalid distance code")),
        ("no distances", dynamic(&eob, &[0], &[(0, 1), (1, 1)]), Ok(b"\0")),
        ("a single distance", dynamic(&eob, &[1], &[(1, 1)]), Ok(b"")),
    ];
    let mut inflate = Inflate::new();
    for (name, stream, expected) in &cases {
        let (out, verdict) = compare(&mut inflate, stream, 0);
        match expected {
            Ok(data) => {
                assert_eq!(&out, data, "{name}");
                assert!(matches!(verdict, Verdict::Ended(_)), "{name}: {verdict:?}");
            }
            Err(_) => assert_eq!(verdict, Verdict::Broken, "{name}"),
        }
        if let Err(expected) = expected {
            assert_eq!(reason(&mut inflate, stream), *expected, "{name}");
        }
        for seed in 1..20 {
            compare(&mut inflate, stream, seed);
        }
    }
}

/// Distances that are used: of one, with and without it; of none.
#[test]
fn distances_without_a_codeword_are_refused_when_met() {
    let litlen = lengths(258, &[(97, 1), (256, 2), (257, 2)]);
    let code = Code::of(&litlen);
    let [a, end, three] = [97, 256, 257].map(|symbol| {
        let (bits, count) = code.codewords[symbol];
        (u64::from(bits), count)
    });
    let mut inflate = Inflate::new();
    let one = dynamic(&litlen, &[1], &[a, three, (0, 1), end]);
    assert_eq!(compare(&mut inflate, &one, 0).0, b"aaaa");
    for (distance, bit) in [(1, 1), (0, 0), (0, 1)] {
        let stream = dynamic(&litlen, &[distance], &[a, three, (bit, 1), end]);
        assert_eq!(compare(&mut inflate, &stream, 0), (b"a".to_vec(), Verdict::Broken));
        assert_eq!(reason(&mut inflate, &stream), symbol::BAD_DISTANCE);
    }
}

fn reason(inflate: &mut Inflate, stream: &[u8]) -> Broken {
    inflate.reset();
    let mut buffer = vec![0; HISTORY + 1000];
    let produced = inflate.step(stream, &mut buffer, HISTORY).map_or(0, |progress| progress.produced);
    inflate.step(&[], &mut buffer, HISTORY + produced).unwrap_err()
}
