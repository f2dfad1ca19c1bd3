#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ocicheck_fuzz::targets::packages::dpkg(data));
