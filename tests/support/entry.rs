//! One member of a layer: its header, its extension records and its data.

/// How a name that does not fit the 100 bytes of a header is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LongNames {
    /// A GNU `L`/`K` member before the entry. The default.
    Gnu,
    /// A PAX `path`/`linkpath` record — written also when the name would fit, which is legal.
    Pax,
    /// The `prefix` field of ustar: up to 155 bytes before a slash. Link targets have no such field.
    UstarPrefix,
}

/// Under which PAX key an extended attribute is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum XattrStyle {
    /// `SCHILY.xattr.<name>`, the raw value: docker, GNU tar, Go. The default.
    Schily,
    /// `LIBARCHIVE.xattr.<name>`, the value in base64: bsdtar.
    Libarchive,
}

/// A tar member under construction. Names and link targets are written byte for byte as given: `x`, `./x`, `/x`,
/// `../x` and names that are no UTF-8 are all different members. Docker ends the name of a directory with a slash;
/// write it so where it matters.
#[derive(Clone, Debug)]
pub struct Entry {
    path: Vec<u8>,
    link: Vec<u8>,
    kind: u8,
    mode: u32,
    uid: u64,
    gid: u64,
    owner_names: (String, String),
    mtime: u64,
    device: Option<(u32, u32)>,
    data: Vec<u8>,
    long_names: LongNames,
    records: Vec<(Vec<u8>, Vec<u8>)>,
    patches: Vec<(usize, Vec<u8>)>,
    after_header: Vec<u8>,
    bad_checksum: bool,
}

impl Entry {
    fn new(kind: u8, path: impl AsRef<[u8]>, mode: u32) -> Self {
        Entry {
            path: path.as_ref().to_vec(),
            link: Vec::new(),
            kind,
            mode,
            uid: 0,
            gid: 0,
            owner_names: (String::new(), String::new()),
            mtime: 1_704_067_200, // 2024-01-01, the `created` of every image built here
            device: None,
            data: Vec::new(),
            long_names: LongNames::Gnu,
            records: Vec::new(),
            patches: Vec::new(),
            after_header: Vec::new(),
            bad_checksum: false,
        }
    }

    /// A regular file, mode 0644, owned by root.
    pub fn file(path: impl AsRef<[u8]>, bytes: impl AsRef<[u8]>) -> Self {
        Entry::new(b'0', path, 0o644).data(bytes)
    }

    /// A directory, mode 0755, owned by root.
    pub fn dir(path: impl AsRef<[u8]>) -> Self {
        Entry::new(b'5', path, 0o755)
    }

    /// A symbolic link, mode 0777.
    pub fn symlink(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Entry::new(b'2', path, 0o777).link(target)
    }

    /// A hard link to another member; `target` is a path from the root of the layer.
    pub fn hardlink(path: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Entry::new(b'1', path, 0o644).link(target)
    }

    /// A character device, mode 0600. `0, 0` is overlayfs's own whiteout.
    pub fn char_device(path: impl AsRef<[u8]>, major: u32, minor: u32) -> Self {
        Entry::new(b'3', path, 0o600).device(major, minor)
    }

    /// A block device, mode 0600.
    pub fn block_device(path: impl AsRef<[u8]>, major: u32, minor: u32) -> Self {
        Entry::new(b'4', path, 0o600).device(major, minor)
    }

    /// A named pipe, mode 0644.
    pub fn fifo(path: impl AsRef<[u8]>) -> Self {
        Entry::new(b'6', path, 0o644)
    }

    /// Permission bits, with setuid, setgid and sticky (`0o4755`).
    pub fn mode(mut self, mode: u32) -> Self {
        self.mode = mode;
        self
    }

    /// Numeric owner. A number too large for octal is written in base-256.
    pub fn owner(mut self, uid: u64, gid: u64) -> Self {
        (self.uid, self.gid) = (uid, gid);
        self
    }

    /// Owner by name, at most 31 bytes each; runtimes ignore it.
    pub fn owner_names(mut self, user: &str, group: &str) -> Self {
        self.owner_names = (user.into(), group.into());
        self
    }

    /// Time of modification in seconds since 1970.
    pub fn mtime(mut self, seconds: u64) -> Self {
        self.mtime = seconds;
        self
    }

    /// The data after the header, for any kind: a link or directory that brings data is legal tar, rarely expected.
    pub fn data(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.data = bytes.as_ref().to_vec();
        self
    }

    /// The type flag, when none of the constructors has it: `b'7'`, `b'V'`, `0` …
    pub fn kind(mut self, flag: u8) -> Self {
        self.kind = flag;
        self
    }

    /// An extended attribute (`security.capability`, `user.x`, `trusted.overlay.opaque`); the value may hold any byte.
    pub fn xattr(self, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.xattr_as(XattrStyle::Schily, name, value)
    }

    /// An extended attribute under the chosen key.
    pub fn xattr_as(self, style: XattrStyle, name: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        let (prefix, value) = match style {
            XattrStyle::Schily => ("SCHILY.xattr.", value.as_ref().to_vec()),
            XattrStyle::Libarchive => ("LIBARCHIVE.xattr.", base64(value.as_ref()).into_bytes()),
        };
        self.pax([prefix.as_bytes(), name.as_ref()].concat(), value)
    }

    /// Any PAX record of this entry: `path`, `size`, `uid`, `mtime`, or one nobody knows. Records keep their order, and
    /// a key may be repeated. The header is *not* adapted: a record that contradicts it is what some tests want.
    pub fn pax(mut self, key: impl AsRef<[u8]>, value: impl AsRef<[u8]>) -> Self {
        self.records.push((key.as_ref().to_vec(), value.as_ref().to_vec()));
        self
    }

    /// Writes path and link target as PAX records, whatever their length.
    pub fn pax_path(self) -> Self {
        self.long_names(LongNames::Pax)
    }

    /// How names are written; see [`LongNames`].
    pub fn long_names(mut self, style: LongNames) -> Self {
        self.long_names = style;
        self
    }

    /// Overwrites header bytes from `offset`, before the checksum is computed: a lying size, a strange magic …
    pub fn patch(mut self, offset: usize, bytes: impl AsRef<[u8]>) -> Self {
        self.patches.push((offset, bytes.as_ref().to_vec()));
        self
    }

    /// Declares `size` bytes of data, whatever follows the header.
    pub fn claimed_size(self, size: u64) -> Self {
        self.patch(124, format!("{size:011o}\0"))
    }

    /// Makes the header's checksum wrong.
    pub fn bad_checksum(mut self) -> Self {
        self.bad_checksum = true;
        self
    }

    fn link(mut self, target: impl AsRef<[u8]>) -> Self {
        self.link = target.as_ref().to_vec();
        self
    }

    fn device(mut self, major: u32, minor: u32) -> Self {
        self.device = Some((major, minor));
        self
    }

    /// Blocks between header and data that the size does not count (GNU sparse extension headers).
    pub(super) fn after_header(mut self, blocks: Vec<u8>) -> Self {
        self.after_header = blocks;
        self
    }

    /// Appends the member to `out`: extension members, header, data, padding.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let mut records = self.records.clone();
        if self.long_names == LongNames::Pax {
            records.push((b"path".to_vec(), self.path.clone()));
            if !self.link.is_empty() {
                records.push((b"linkpath".to_vec(), self.link.clone()));
            }
        }
        if !records.is_empty() {
            let body = records.iter().flat_map(|(k, v)| pax_record(k, v)).collect();
            write_extension(out, b'x', b"PaxHeaders.0/entry", body);
        }
        if self.long_names == LongNames::Gnu {
            for (flag, name) in [(b'K', &self.link), (b'L', &self.path)] {
                if name.len() > 100 {
                    write_extension(out, flag, b"././@LongLink", [name, &b"\0"[..]].concat());
                }
            }
        }
        out.extend(self.header(!records.is_empty()).as_bytes());
        out.extend(&self.after_header);
        out.extend(&self.data);
        // Counted from the data, not from the start of `out`: raw bytes before may have left it off a block's edge.
        let padding = self.data.len().next_multiple_of(512) - self.data.len();
        out.extend(std::iter::repeat_n(0, padding));
    }

    fn header(&self, posix: bool) -> tar::Header {
        // PAX records belong to POSIX headers; GNU long names to GNU's.
        let ustar = posix || self.long_names == LongNames::UstarPrefix;
        let mut header = if ustar { tar::Header::new_ustar() } else { tar::Header::new_gnu() };
        let mut name = &self.path[..];
        if self.long_names == LongNames::UstarPrefix && name.len() > 100 {
            let (prefix, rest) = split_for_ustar(name);
            header.as_ustar_mut().unwrap().prefix[..prefix.len()].copy_from_slice(prefix);
            name = rest;
        }
        fill(&mut header.as_old_mut().name, name);
        fill(&mut header.as_old_mut().linkname, &self.link);
        header.set_mode(self.mode);
        header.set_uid(self.uid);
        header.set_gid(self.gid);
        header.set_size(self.data.len() as u64);
        header.set_mtime(self.mtime);
        header.as_old_mut().linkflag = [self.kind];
        header.set_username(&self.owner_names.0).unwrap();
        header.set_groupname(&self.owner_names.1).unwrap();
        if let Some((major, minor)) = self.device {
            header.set_device_major(major).unwrap();
            header.set_device_minor(minor).unwrap();
        }
        for (offset, bytes) in &self.patches {
            header.as_mut_bytes()[*offset..*offset + bytes.len()].copy_from_slice(bytes);
        }
        header.set_cksum();
        if self.bad_checksum {
            header.as_old_mut().cksum = *b"0000001\0";
        }
        header
    }
}

/// One PAX record, `<length> <key>=<value>\n`, where the length counts itself too.
pub fn pax_record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3; // space, '=', newline
    let mut length = rest;
    while length != rest + length.to_string().len() {
        length = rest + length.to_string().len();
    }
    [length.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// A member that carries information about the next one: PAX `x`/`g`, GNU `L`/`K`.
pub(super) fn write_extension(out: &mut Vec<u8>, flag: u8, name: &[u8], body: Vec<u8>) {
    let mut entry = Entry::file(name, body).kind(flag).mtime(0);
    if matches!(flag, b'x' | b'g') {
        entry.long_names = LongNames::UstarPrefix; // a POSIX header; the name is short
    }
    entry.write_to(out);
}

/// Copies as much of `name` as fits, as GNU tar does beside a long-name member.
fn fill(field: &mut [u8; 100], name: &[u8]) {
    let length = name.len().min(field.len());
    field[..length].copy_from_slice(&name[..length]);
}

/// Splits at a slash so that prefix ≤ 155 and name ≤ 100 bytes; a test that asks for the impossible should stop.
fn split_for_ustar(path: &[u8]) -> (&[u8], &[u8]) {
    let slash = (0..path.len())
        .find(|&i| path[i] == b'/' && path.len() - i - 1 <= 100)
        .expect("a slash within the last 101 bytes");
    assert!(slash <= 155, "the prefix field holds 155 bytes");
    (&path[..slash], &path[slash + 1..])
}

/// Standard base64 with padding.
pub(super) fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            (0..3).fold(0_usize, |group, i| group << 8 | usize::from(chunk.get(i).copied().unwrap_or(0)));
        for i in 0..4 {
            let digit = DIGITS[group >> (18 - 6 * i) & 63] as char;
            text.push(if i <= chunk.len() { digit } else { '=' });
        }
    }
    text
}
