//! A small rpm database in rpm's own `ndb` form (`Packages.db`).

use super::digest::sha256_hex;

/// A package as rpm's database has it.
#[derive(Clone, Debug, Default)]
pub struct RpmPackage {
    /// The name.
    pub name: String,
    /// `version-release`, or `epoch:version-release`.
    pub version: String,
    /// The architecture; keys have none.
    pub architecture: Option<String>,
    /// What it brought.
    pub files: Vec<RpmFile>,
}

/// A path of a package.
#[derive(Clone, Debug, Default)]
pub struct RpmFile {
    /// The path, without a leading slash.
    pub path: String,
    /// Type and permissions, as stat(2) has them.
    pub mode: u16,
    /// In hexadecimal; empty for what is no file.
    pub digest: String,
    /// Target of a symlink; else empty.
    pub link: String,
    /// 1 for configuration, 64 for what the package does not bring (`%ghost`).
    pub flags: u32,
    /// 0 for what is there, 1 for what another package's file took the place of, 2 for what was left out.
    pub state: u8,
}

impl RpmPackage {
    /// One for x86_64.
    pub fn of(name: &str, version: &str, files: impl IntoIterator<Item = RpmFile>) -> Self {
        let files = files.into_iter().collect();
        Self { name: name.into(), version: version.into(), architecture: Some("x86_64".into()), files }
    }

    /// One for another architecture.
    pub fn architecture(mut self, architecture: Option<&str>) -> Self {
        self.architecture = architecture.map(str::to_owned);
        self
    }
}

impl RpmFile {
    pub const CONFIG: u32 = 1;
    pub const GHOST: u32 = 1 << 6;
    pub const REPLACED: u8 = 1;

    /// A regular file, mode 0755, with its digest by SHA-256.
    pub fn of(path: &str, content: &str) -> Self {
        Self { digest: sha256_hex(content.as_bytes()), ..Self::new(path, 0o100_755) }
    }

    /// A symlink.
    pub fn link(path: &str, target: &str) -> Self {
        Self { link: target.into(), ..Self::new(path, 0o120_777) }
    }

    /// A directory.
    pub fn directory(path: &str, mode: u16) -> Self {
        Self::new(path, 0o040_000 | mode)
    }

    /// With these flags.
    pub fn flags(mut self, flags: u32) -> Self {
        self.flags = flags;
        self
    }

    /// In this state.
    pub fn state(mut self, state: u8) -> Self {
        self.state = state;
        self
    }

    fn new(path: &str, mode: u16) -> Self {
        Self { path: path.into(), mode, ..Self::default() }
    }
}

/// A database of these packages; `algorithm` is 1 for MD5, 2 for SHA-1, 8 for SHA-256.
pub fn rpm_database(packages: &[RpmPackage], algorithm: u32) -> Vec<u8> {
    rpm_database_of(packages.iter().map(|package| header(package, algorithm)))
}

/// A database of packages with these headers.
pub fn rpm_database_of(headers: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    let page = 4_096;
    let mut slots = [b"RpmP".to_vec(), words(&[0, 1, 1, 9, 0, 0, 0])].concat();
    let mut blobs = Vec::new();
    for (number, header) in (1..).zip(headers) {
        let length = (header.len() + 28).next_multiple_of(16);
        let block = (page + blobs.len()) as u32 / 16;
        slots.extend([b"Slot".to_vec(), words(&[number, block, length as u32 / 16])].concat());
        let size = header.len() as u32;
        let mut blob = [b"BlbS".to_vec(), words(&[number, 1, size]), header].concat();
        blob.resize(length - 12, 0);
        blob.extend(words(&[adler32(&blob), size]));
        blobs.extend([blob, b"BlbE".to_vec()].concat());
    }
    while slots.len() < page {
        slots.extend([b"Slot".to_vec(), vec![0; 12]].concat());
    }
    assert_eq!(slots.len(), page, "no more than 254 packages");
    [slots, blobs].concat()
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// The tags of a header, as its index and its data.
#[derive(Default)]
struct Header {
    index: Vec<u8>,
    data: Vec<u8>,
}

impl Header {
    fn tag(&mut self, tag: u32, kind: u32, count: usize, width: usize, bytes: &[u8]) {
        self.data.resize(self.data.len().next_multiple_of(width), 0);
        let entry = [tag, kind, self.data.len() as u32, count as u32];
        self.index.extend(entry.map(u32::to_be_bytes).concat());
        self.data.extend(bytes);
    }

    fn text(&mut self, tag: u32, text: &str) {
        self.tag(tag, 6, 1, 1, &[text.as_bytes(), b"\0"].concat());
    }

    fn texts<'a>(&mut self, tag: u32, texts: impl ExactSizeIterator<Item = &'a str>) {
        let count = texts.len();
        self.tag(
            tag,
            8,
            count,
            1,
            &texts.flat_map(|text| [text.as_bytes(), b"\0"].concat()).collect::<Vec<_>>(),
        );
    }

    fn numbers(&mut self, tag: u32, numbers: impl ExactSizeIterator<Item = u32>) {
        let count = numbers.len();
        self.tag(tag, 4, count, 4, &numbers.flat_map(u32::to_be_bytes).collect::<Vec<_>>());
    }
}

fn header(package: &RpmPackage, algorithm: u32) -> Vec<u8> {
    let (epoch, rest) =
        package.version.split_once(':').map_or((None, &*package.version), |(e, r)| (Some(e), r));
    let (version, release) = rest.split_once('-').unwrap_or((rest, "1"));
    let files = &package.files;
    let paths = || files.iter().map(|file| file.path.rsplit_once('/').unwrap_or(("", &file.path)));
    let directories: Vec<String> =
        paths().map(|(directory, _)| format!("/{directory}/").replace("//", "/")).collect();
    let mut header = Header::default();
    for (tag, text) in [(1000, &*package.name), (1001, version), (1002, release)] {
        header.text(tag, text);
    }
    if let Some(epoch) = epoch {
        header.numbers(1003, [epoch.parse().unwrap()].into_iter());
    }
    if let Some(architecture) = &package.architecture {
        header.text(1022, architecture);
    }
    if !files.is_empty() {
        let states: Vec<u8> = files.iter().map(|file| file.state).collect();
        header.tag(1029, 1, states.len(), 1, &states);
        let modes: Vec<u8> = files.iter().flat_map(|file| file.mode.to_be_bytes()).collect();
        header.tag(1030, 3, files.len(), 2, &modes);
        header.texts(1035, files.iter().map(|file| &*file.digest));
        header.texts(1036, files.iter().map(|file| &*file.link));
        header.numbers(1037, files.iter().map(|file| file.flags));
        header.numbers(1116, 0..files.len() as u32);
        header.texts(1117, paths().map(|(_, name)| name).collect::<Vec<_>>().into_iter());
        header.texts(1118, directories.iter().map(|directory| &**directory));
        header.numbers(5011, [algorithm].into_iter());
    }
    let counts = [header.index.len() as u32 / 16, header.data.len() as u32];
    [counts.map(u32::to_be_bytes).concat(), header.index, header.data].concat()
}
