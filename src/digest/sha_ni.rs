//! SHA-256's compression function for two states at once, by the SHA instructions of x86-64.
//!
//! Two states that take the same block share its message schedule, and the rounds of the one run
//! while those of the other wait for their results: together they take the time of one.

use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_extract_epi32, _mm_set_epi32, _mm_set_epi64x,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
};

/// The round constants (FIPS 180-4, section 4.2.2), by fours.
const K: [[u32; 4]; 16] = [
    [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
    [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
    [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
    [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
    [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
    [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
    [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
    [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
    [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
    [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
    [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
    [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
    [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
];

/// Takes the blocks into both states; `false`, and nothing done, where the processor cannot.
#[allow(unsafe_code, reason = "the instructions exist only where the processor was asked for them")]
pub(super) fn compress_pair(a: &mut [u32; 8], b: &mut [u32; 8], blocks: &[[u8; 64]]) -> bool {
    let able = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("sse4.1")
        && is_x86_feature_detected!("ssse3");
    if able {
        // SAFETY: `compress` asks for nothing but the features that were just detected (SSE2 is part
        // of x86-64).
        unsafe { compress(a, b, blocks) };
    }
    able
}

/// The working variables as the instructions want them: a, b, e, f and c, d, g, h, the first highest.
#[derive(Clone, Copy)]
struct State {
    abef: __m128i,
    cdgh: __m128i,
}

#[target_feature(enable = "sha,sse2,ssse3,sse4.1")]
fn compress(a: &mut [u32; 8], b: &mut [u32; 8], blocks: &[[u8; 64]]) {
    let mut states = [State::load(a), State::load(b)];
    for block in blocks {
        let before = states;
        let [first @ .., k12, k13, k14, k15] = K;
        let mut words = load_block(block);
        for k in first {
            let [w0, w1, w2, w3] = words;
            rounds(&mut states, w0, k);
            // The words sixteen rounds on.
            let sums = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8::<4>(w3, w2));
            words = [w1, w2, w3, _mm_sha256msg2_epu32(sums, w3)];
        }
        for (word, k) in words.into_iter().zip([k12, k13, k14, k15]) {
            rounds(&mut states, word, k);
        }
        for (state, before) in states.iter_mut().zip(before) {
            state.abef = _mm_add_epi32(state.abef, before.abef);
            state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
        }
    }
    let [first, second] = states;
    (*a, *b) = (first.store(), second.store());
}

/// Four rounds of each state.
#[inline]
#[target_feature(enable = "sha,sse2")]
fn rounds(states: &mut [State; 2], words: __m128i, [k0, k1, k2, k3]: [u32; 4]) {
    let low = _mm_add_epi32(words, vector([k3, k2, k1, k0]));
    let high = _mm_shuffle_epi32::<0x0e>(low);
    for state in &mut *states {
        state.cdgh = _mm_sha256rnds2_epu32(state.cdgh, state.abef, low);
    }
    for state in states {
        state.abef = _mm_sha256rnds2_epu32(state.abef, state.cdgh, high);
    }
}

/// The sixteen words of a block, big-endian, by fours.
#[inline]
#[target_feature(enable = "sse2,ssse3")]
fn load_block(block: &[u8; 64]) -> [__m128i; 4] {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    let (parts, _) = block.as_chunks::<16>();
    let mut words = [swap; 4];
    for (word, part) in words.iter_mut().zip(parts) {
        let part = u128::from_le_bytes(*part);
        *word = _mm_shuffle_epi8(_mm_set_epi64x((part >> 64) as i64, part as i64), swap);
    }
    words
}

impl State {
    #[inline]
    #[target_feature(enable = "sse2")]
    fn load(&[a, b, c, d, e, f, g, h]: &[u32; 8]) -> Self {
        Self { abef: vector([a, b, e, f]), cdgh: vector([c, d, g, h]) }
    }

    #[inline]
    #[target_feature(enable = "sse2,sse4.1")]
    fn store(self) -> [u32; 8] {
        let [a, b, e, f] = words(self.abef);
        let [c, d, g, h] = words(self.cdgh);
        [a, b, c, d, e, f, g, h]
    }
}

/// Four words, the first highest.
#[inline]
#[target_feature(enable = "sse2")]
fn vector([w3, w2, w1, w0]: [u32; 4]) -> __m128i {
    _mm_set_epi32(w3 as i32, w2 as i32, w1 as i32, w0 as i32)
}

/// The words of [`vector`].
#[inline]
#[target_feature(enable = "sse4.1")]
fn words(vector: __m128i) -> [u32; 4] {
    [
        _mm_extract_epi32::<3>(vector) as u32,
        _mm_extract_epi32::<2>(vector) as u32,
        _mm_extract_epi32::<1>(vector) as u32,
        _mm_extract_epi32::<0>(vector) as u32,
    ]
}
