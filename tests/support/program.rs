//! ELF programs with sections and what Go and cargo-auditable put into them: System V ABI, chapters 4 and 5.

/// An ELF file under construction; nothing is checked.
#[derive(Clone, Debug)]
pub struct Program {
    is_wide: bool,
    is_big: bool,
    sections: Vec<(String, Vec<u8>)>,
    /// The number of the section that is a segment with data, too.
    data: Option<usize>,
    /// Without a table of sections, as after `sstrip`.
    is_stripped: bool,
}

/// Sections begin at addresses that can be divided by it, and so do they in the file.
const ALIGN: usize = 16;

impl Program {
    /// One of 64 bits, little-endian.
    pub fn new() -> Self {
        Self { is_wide: true, is_big: false, sections: Vec::new(), data: None, is_stripped: false }
    }

    pub fn wide(mut self, is_wide: bool) -> Self {
        self.is_wide = is_wide;
        self
    }

    pub fn big_endian(mut self, is_big: bool) -> Self {
        self.is_big = is_big;
        self
    }

    pub fn section(mut self, name: &str, bytes: impl AsRef<[u8]>) -> Self {
        self.sections.push((name.to_owned(), bytes.as_ref().to_vec()));
        self
    }

    /// The section that was added last is loaded to be written.
    pub fn data(mut self) -> Self {
        self.data = Some(self.sections.len() - 1);
        self
    }

    pub fn stripped(mut self) -> Self {
        self.is_stripped = true;
        self
    }

    /// Where the first section is loaded to.
    pub fn address(&self) -> usize {
        let (header_bytes, segment_bytes, _) = self.sizes();
        ADDRESS + (header_bytes + segment_bytes).next_multiple_of(ALIGN)
    }

    /// Bytes of the first header, and of those of a segment and a section.
    fn sizes(&self) -> (usize, usize, usize) {
        if self.is_wide { (64, 56, 64) } else { (52, 32, 40) }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let (header_bytes, segment_bytes, section_bytes) = self.sizes();
        let mut names = vec![0];
        let mut body = Vec::new();
        let mut places = Vec::new();
        let begins = header_bytes + segment_bytes;
        let mut all = self.sections.clone();
        all.push((".shstrtab".to_owned(), Vec::new()));
        for (name, bytes) in &all {
            let name_at = names.len();
            names.extend_from_slice(name.as_bytes());
            names.push(0);
            body.resize((begins + body.len()).next_multiple_of(ALIGN) - begins, 0);
            places.push((name_at, begins + body.len(), bytes.len()));
            body.extend_from_slice(bytes);
        }
        places.last_mut().unwrap().2 = names.len();
        body.extend_from_slice(&names);
        let table = begins + body.len();

        let mut file = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(self.is_wide), 1 + u8::from(self.is_big), 1];
        file.resize(16, 0);
        self.numbers(&mut file, &[(2, 2), (2, 62), (4, 1)]);
        let table = if self.is_stripped { 0 } else { table };
        self.words(&mut file, &[0, header_bytes, table]);
        let count = if self.is_stripped { 0 } else { places.len() + 1 };
        self.numbers(&mut file, &[(4, 0), (2, header_bytes), (2, segment_bytes), (2, 1), (2, section_bytes)]);
        self.numbers(&mut file, &[(2, count), (2, count.saturating_sub(1))]);
        // One segment: of data, or of nothing.
        let (offset, length) = self.data.map_or((0, 0), |at| (places[at].1, places[at].2));
        let (kind, flags) = (usize::from(self.data.is_some()), 6);
        self.numbers(&mut file, &[(4, kind)]);
        if self.is_wide {
            self.numbers(&mut file, &[(4, flags)]);
        }
        self.words(&mut file, &[offset, ADDRESS + offset, 0, length, length]);
        if !self.is_wide {
            self.numbers(&mut file, &[(4, flags)]);
        }
        self.words(&mut file, &[ALIGN]);
        assert_eq!(file.len(), begins, "headers are as long as they say");
        file.extend_from_slice(&body);
        if !self.is_stripped {
            file.resize(file.len() + section_bytes, 0);
            for (name, offset, length) in places {
                self.numbers(&mut file, &[(4, name), (4, 1)]);
                self.words(&mut file, &[0, ADDRESS + offset, offset, length]);
                self.numbers(&mut file, &[(4, 0), (4, 0)]);
                self.words(&mut file, &[ALIGN, 0]);
            }
        }
        file
    }

    fn words(&self, file: &mut Vec<u8>, words: &[usize]) {
        let width = if self.is_wide { 8 } else { 4 };
        words.iter().for_each(|word| self.numbers(file, &[(width, *word)]));
    }

    /// Numbers, each in so many bytes.
    fn numbers(&self, file: &mut Vec<u8>, numbers: &[(usize, usize)]) {
        for (width, number) in numbers {
            let bytes = (*number as u64).to_le_bytes();
            match self.is_big {
                true => file.extend(bytes[..*width].iter().rev()),
                false => file.extend(&bytes[..*width]),
            }
        }
    }
}

/// Where files are loaded to.
const ADDRESS: usize = 0x40_0000;

/// What Go's linker writes into `.go.buildinfo` since Go 1.18. Lines of modules are as `go version -m` shows them, each
/// begun by a tab there; none for a program without modules.
pub fn go_build_info(version: &str, lines: &[&str]) -> Vec<u8> {
    let mut bytes = b"\xff Go buildinf:\x08\x02".to_vec();
    bytes.resize(32, 0);
    for text in [version.as_bytes(), &framed(lines)] {
        let mut length = text.len();
        while length >= 0x80 {
            bytes.push((length & 0x7f) as u8 | 0x80);
            length >>= 7;
        }
        bytes.push(length as u8);
        bytes.extend_from_slice(text);
    }
    bytes
}

/// The list of modules between the sentinels of cmd/go/internal/modload; empty without lines.
fn framed(lines: &[&str]) -> Vec<u8> {
    let list: String = lines.iter().map(|line| format!("{line}\n")).collect();
    match list.is_empty() {
        true => Vec::new(),
        false => [
            &b"\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6"[..],
            list.as_bytes(),
            b"\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2",
        ]
        .concat(),
    }
}

/// What Go's linker wrote into `.go.buildinfo` before Go 1.18, with the strings that it points to behind it.
#[derive(Clone, Copy, Debug)]
pub struct OldGoBuildInfo {
    pub is_wide: bool,
    pub is_big: bool,
    /// Where it is loaded to.
    pub address: usize,
}

impl OldGoBuildInfo {
    /// As [`go_build_info`]: 32 bytes with two pointers, two strings of an address and a length, and what those are of.
    pub fn bytes(self, version: &str, lines: &[&str]) -> Vec<u8> {
        let writer = Program::new().wide(self.is_wide).big_endian(self.is_big);
        let width = if self.is_wide { 8 } else { 4 };
        let modules = framed(lines);
        let mut bytes = b"\xff Go buildinf:".to_vec();
        bytes.extend([width as u8, u8::from(self.is_big)]);
        let (strings, texts) = (self.address + 32, self.address + 32 + 4 * width);
        writer.words(&mut bytes, &[strings, strings + 2 * width]);
        bytes.resize(32, 0);
        writer.words(&mut bytes, &[texts, version.len(), texts + version.len(), modules.len()]);
        [&bytes, version.as_bytes(), &modules].concat()
    }
}

/// What cargo-auditable writes into `.dep-v0`: JSON, compressed.
pub fn cargo_auditable(json: &str) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(json.as_bytes()).unwrap();
    encoder.finish().unwrap()
}
