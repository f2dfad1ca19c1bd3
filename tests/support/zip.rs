//! Zip archives (jars), well-formed or spoilt: PKWARE's APPNOTE.TXT.

/// The signature of a header in the central directory.
const CENTRAL: &[u8] = b"PK\x01\x02";

/// A zip archive under construction; nothing is checked. Spoil the parts of [`Zip::parts`] for what it cannot say.
#[derive(Clone, Debug, Default)]
pub struct Zip {
    members: Vec<Member>,
    prefix: Vec<u8>,
    comment: Vec<u8>,
    zip64: bool,
}

/// Name, content, and whether that is deflated.
type Member = (Vec<u8>, Vec<u8>, bool);

/// The parts of an archive, in their order.
#[derive(Clone, Debug, Default)]
pub struct ZipParts {
    pub prefix: Vec<u8>,
    pub members: Vec<u8>,
    pub directory: Vec<u8>,
    /// The ZIP64 record and its locator; empty without them.
    pub end_64: Vec<u8>,
    /// The end record and the comment.
    pub end: Vec<u8>,
}

impl ZipParts {
    pub fn bytes(&self) -> Vec<u8> {
        [&*self.prefix, &self.members, &self.directory, &self.end_64, &self.end].concat()
    }
}

impl Zip {
    pub fn new() -> Self {
        Self::default()
    }

    /// A jar of classes by these names, as `jar` would begin it.
    pub fn jar<N: AsRef<[u8]>>(names: impl IntoIterator<Item = N>) -> Self {
        let start = Self::new()
            .member("META-INF/", "")
            .member("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\n\r\n");
        names.into_iter().fold(start, |zip, name| zip.member(name, b"\xca\xfe\xba\xbe"))
    }

    pub fn member(mut self, name: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.members.push((name.as_ref().to_vec(), bytes.as_ref().to_vec(), false));
        self
    }

    pub fn deflated(mut self, name: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        self.members.push((name.as_ref().to_vec(), bytes.as_ref().to_vec(), true));
        self
    }

    /// Bytes before the archive. Offsets are from the archive's own start, as where `cat` put them there.
    pub fn prefix(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.prefix = bytes.as_ref().to_vec();
        self
    }

    /// What follows the end record and is counted by it.
    pub fn comment(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.comment = bytes.as_ref().to_vec();
        self
    }

    /// Sizes and offset are said by a ZIP64 record only.
    pub fn zip64(mut self) -> Self {
        self.zip64 = true;
        self
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.parts().bytes()
    }

    pub fn parts(&self) -> ZipParts {
        let mut parts = ZipParts { prefix: self.prefix.clone(), ..ZipParts::default() };
        for (name, bytes, is_deflated) in &self.members {
            let offset = parts.members.len() as u32;
            // Version 2.0, names in UTF-8, the method, 2024-01-01.
            let method = if *is_deflated { 8 } else { 0 };
            let mut head = vec![20, 0, 0, 8, method, 0, 0, 0, 0x21, 0x58];
            let mut crc = flate2::Crc::new();
            crc.update(bytes);
            head.extend(crc.sum().to_le_bytes());
            let stored = if *is_deflated { deflate(bytes) } else { bytes.clone() };
            head.extend([stored.len(), bytes.len()].map(|length| (length as u32).to_le_bytes()).concat());
            head.extend((name.len() as u16).to_le_bytes());
            head.extend([0, 0]);
            parts.members.extend([b"PK\x03\x04", &*head, name, &stored].concat());
            let more = [&[0; 10][..], &offset.to_le_bytes()].concat();
            parts.directory.extend([CENTRAL, &[20, 0], &*head, &more, name].concat());
        }
        let (members, size, offset) =
            (self.members.len() as u64, parts.directory.len() as u64, parts.members.len() as u64);
        let mut end = [b"PK\x05\x06", &[0; 4][..]].concat();
        if self.zip64 {
            let at = self.prefix.len() as u64 + offset + size;
            parts.end_64 = [b"PK\x06\x06", &44_u64.to_le_bytes()[..], &[45, 0, 45, 0], &[0; 8]].concat();
            parts.end_64.extend([members, members, size, offset].map(u64::to_le_bytes).concat());
            parts.end_64.extend([b"PK\x06\x07", &[0; 4][..], &at.to_le_bytes(), &[1, 0, 0, 0]].concat());
            end.extend([0xff; 12]);
        } else {
            end.extend([(members as u16).to_le_bytes(); 2].concat());
            end.extend([size as u32, offset as u32].map(u32::to_le_bytes).concat());
        }
        end.extend((self.comment.len() as u16).to_le_bytes());
        parts.end = [end, self.comment.clone()].concat();
        parts
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes all");
    encoder.finish().expect("memory takes all")
}
