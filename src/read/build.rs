//! Tar bytes for unit tests, spoilt one thing at a time.

/// Bytes of a block.
pub(crate) const BLOCK: usize = 512;

/// An archive under construction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tar(pub(crate) Vec<u8>);

/// A ustar header without its checksum.
pub(crate) fn header(name: &str, flag: u8, size: usize) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    put(&mut block, 0, name.as_bytes());
    for (at, text) in [(100, "0000644"), (108, "0001750"), (116, "0001750"), (136, "00000000017")] {
        put(&mut block, at, text.as_bytes());
    }
    put(&mut block, 124, format!("{size:011o}").as_bytes());
    block[156] = flag;
    put(&mut block, 257, b"ustar\x0000");
    block
}

/// Writes a field.
pub(crate) fn put(block: &mut [u8; BLOCK], at: usize, bytes: &[u8]) {
    block[at..at + bytes.len()].copy_from_slice(bytes);
}

/// Computes the checksum.
pub(crate) fn seal(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    block[148..156].fill(b' ');
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut block, 148, format!("{sum:06o}\0 ").as_bytes());
    block
}

/// PAX records.
pub(crate) fn records(records: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (key, value) in records {
        let rest = key.len() + value.len() + 3;
        let mut length = rest + 1;
        while length != rest + length.to_string().len() {
            length += 1;
        }
        body.extend_from_slice(format!("{length} {key}=").as_bytes());
        body.extend_from_slice(value);
        body.push(b'\n');
    }
    body
}

impl Tar {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// A header as it is, checksum computed.
    pub(crate) fn block(mut self, block: [u8; BLOCK]) -> Self {
        self.0.extend_from_slice(&seal(block));
        self
    }

    /// Bytes as they are.
    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// A body with its padding.
    pub(crate) fn body(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
        self
    }

    pub(crate) fn entry(self, name: &str, flag: u8, body: &[u8]) -> Self {
        self.block(header(name, flag, body.len())).body(body)
    }

    pub(crate) fn file(self, name: &str, body: &str) -> Self {
        self.entry(name, b'0', body.as_bytes())
    }

    pub(crate) fn link(self, name: &str, flag: u8, target: &str) -> Self {
        let mut block = header(name, flag, 0);
        put(&mut block, 157, target.as_bytes());
        self.block(block)
    }

    pub(crate) fn pax(self, flag: u8, list: &[(&str, &[u8])]) -> Self {
        let name = if flag == b'g' { "pax_global_header" } else { "PaxHeaders/x" };
        self.entry(name, flag, &records(list))
    }

    /// A GNU long name (`L`) or link (`K`).
    pub(crate) fn long(self, flag: u8, name: &str) -> Self {
        let body = [name.as_bytes(), &[0]].concat();
        let mut block = header("././@LongLink", flag, body.len());
        put(&mut block, 257, b"ustar  \0");
        self.block(block).body(&body)
    }

    /// The bytes with the end mark.
    pub(crate) fn end(self) -> Vec<u8> {
        self.raw(&[0; 2 * BLOCK]).0
    }
}
