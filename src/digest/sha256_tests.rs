use proptest::prelude::*;
use sha2::Digest as _;

use super::*;

/// Both ways of taking blocks into two states. Where the processor has no SHA instructions, the first
/// is the second.
const WAYS: [CompressPair; 2] = [compress_pair, compress_each];

fn sha2_of(bytes: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(bytes).into()
}

/// Bytes that differ from block to block.
fn bytes(length: usize) -> Vec<u8> {
    (0..length as u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

fn hex(digest: [u8; 32]) -> String {
    crate::digest::hex(&digest)
}

/// FIPS 180-2, appendix B, and NIST's example of the empty message.
#[test]
fn the_examples_of_nist_hold() {
    let million = vec![b'a'; 1_000_000];
    let examples: [(&[u8], &str); 4] = [
        (b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        (b"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (&million, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"),
    ];
    for (message, digest) in examples {
        let mut single = Sha256::default();
        single.update(message);
        assert_eq!(hex(single.finish()), digest);
        for way in WAYS {
            let (mut first, mut second) = (Sha256::default(), Sha256::default());
            first.update_both_by(way, &mut second, message);
            assert_eq!([hex(first.finish()), hex(second.finish())], [digest, digest]);
        }
    }
}

#[test]
fn every_short_length_has_its_digest() {
    let bytes = bytes(300);
    for length in 0..=bytes.len() {
        let mut hasher = Sha256::default();
        hasher.update(&bytes[..length]);
        assert_eq!(hasher.finish(), sha2_of(&bytes[..length]), "{length} bytes");
    }
}

/// Two messages that begin differently, by all phases of a block, and have the rest in common.
#[test]
fn pairs_of_every_length_at_every_phase_have_their_digests() {
    let (shared, begins) = (bytes(300), bytes(3 * BLOCK));
    for way in WAYS {
        for phase in 0..BLOCK {
            // At the same phase a block apart, and at another one.
            for begin in [&begins[1..1 + phase + BLOCK], &begins[..phase / 2]] {
                for length in 0..=shared.len() {
                    let (mut first, mut second) = (Sha256::default(), Sha256::default());
                    first.update(&begins[..phase]);
                    second.update(begin);
                    first.update_both_by(way, &mut second, &shared[..length]);
                    assert_eq!(first.finish(), sha2_of(&[&begins[..phase], &shared[..length]].concat()));
                    assert_eq!(second.finish(), sha2_of(&[begin, &shared[..length]].concat()));
                }
            }
        }
    }
}

/// Where the processor has no SHA instructions, nothing is done, and that is said.
#[test]
#[cfg(target_arch = "x86_64")]
fn the_instructions_do_as_sha2_does() {
    let blocks: Vec<[u8; BLOCK]> = bytes(BLOCK * 9).as_chunks().0.to_vec();
    for count in 0..=blocks.len() {
        let (mut first, mut second) = ([7; 8], [0xffff_fff0; 8]);
        let (mut slow_first, mut slow_second) = (first, second);
        let able = crate::digest::sha_ni::compress_pair(&mut first, &mut second, &blocks[..count]);
        assert_eq!(able, is_x86_feature_detected!("sha") && is_x86_feature_detected!("sse4.1"));
        if able {
            compress_each(&mut slow_first, &mut slow_second, &blocks[..count]);
        }
        assert_eq!((first, second), (slow_first, slow_second), "{count} blocks");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// A stream of pieces, each of the first message, of the second or of both.
    #[test]
    fn any_split_has_the_digests_of_the_whole(
        pieces in prop::collection::vec((0..3_u8, prop::collection::vec(any::<u8>(), 0..400)), 0..12),
    ) {
        for way in WAYS {
            let (mut first, mut second) = (Sha256::default(), Sha256::default());
            let (mut first_bytes, mut second_bytes) = (Vec::new(), Vec::new());
            for (whose, piece) in &pieces {
                match whose {
                    0 => first.update(piece),
                    1 => second.update(piece),
                    _ => first.update_both_by(way, &mut second, piece),
                }
                if *whose != 1 {
                    first_bytes.extend_from_slice(piece);
                }
                if *whose != 0 {
                    second_bytes.extend_from_slice(piece);
                }
            }
            prop_assert_eq!(first.finish(), sha2_of(&first_bytes));
            prop_assert_eq!(second.finish(), sha2_of(&second_bytes));
        }
    }
}
