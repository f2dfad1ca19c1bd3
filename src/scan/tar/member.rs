//! What the headers before a member and its own header say together, and where they say two things.

use super::header::{Block, Format, Header, field, number};
use super::pax::{self, Records};
use super::sparse::{LeadingMap, Map};
use super::{BLOCK, TarReader, xattr};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::escape::escape_bytes;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::EntryKind;
use crate::scan::facts::Xattrs;

/// One member of a layer's tar, as Go reads it.
#[derive(Debug)]
pub(crate) struct Member {
    /// Its name as written.
    pub(crate) name: Vec<u8>,
    /// Names that other readers would give it.
    pub(crate) other_names: Vec<Vec<u8>>,
    pub(crate) kind: EntryKind,
    pub(crate) link: Vec<u8>,
    pub(crate) mode: u32,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    /// Of the file as a runtime makes it; 0 for all but files.
    pub(crate) size: u64,
    pub(crate) mtime: i64,
    pub(crate) device: (u32, u32),
    pub(crate) xattrs: Xattrs,
}

/// What the extended headers said of the next entry.
#[derive(Debug, Default)]
pub(super) struct Pending {
    records: Option<Records>,
    long_name: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
    other_names: Vec<Vec<u8>>,
    /// Clauses for people, with the keys they concern.
    doubts: Vec<(&'static str, String)>,
}

impl Pending {
    fn doubt(&mut self, what: &'static str, keys: impl Into<String>) {
        if !self.doubts.iter().any(|(known, _)| *known == what) {
            self.doubts.push((what, keys.into()));
        }
    }

    fn other_name(&mut self, name: &[u8]) -> Result<()> {
        check_length("a path", name)?;
        if name.is_empty() || self.other_names.iter().any(|known| known == name) {
            return Ok(());
        }
        if self.other_names.len() >= limits::ENTRY_NAMES {
            let limit = limits::ENTRY_NAMES as u64;
            return Err(Error::limit("the number of names of one entry", "ENTRY_NAMES", limit));
        }
        self.other_names.push(name.to_vec());
        Ok(())
    }

    pub(super) fn take_records(&mut self, records: Records) -> Result<()> {
        if !records.repeated.is_empty() {
            let keys = key_list(records.repeated.iter().map(Vec::as_slice));
            if records.repeated.iter().any(|key| pax::is_effective(key)) {
                self.doubt("one PAX header gives two values for one key", keys);
            }
        }
        // Go lets the second header replace the first, others merge them.
        if let Some(first) = self.records.take() {
            let keys = key_list(first.effective_keys());
            self.doubt("two PAX headers stand before one entry", keys);
            if let Some(path) = first.get(pax::PATH) {
                self.other_name(path)?;
            }
        }
        self.records = Some(records);
        Ok(())
    }

    pub(super) fn take_long_name(&mut self, name: &[u8]) -> Result<()> {
        if let Some(first) = self.long_name.take()
            && first != name
        {
            self.doubt("two GNU long names stand before one entry", escape_bytes(&first));
            self.other_name(&first)?;
        }
        self.long_name = Some(name.to_vec());
        Ok(())
    }

    pub(super) fn take_long_link(&mut self, link: &[u8]) -> Result<()> {
        check_length("a link target", link)?;
        if let Some(first) = self.long_link.take()
            && first != link
        {
            self.doubt("two GNU long links stand before one entry", escape_bytes(&first));
        }
        self.long_link = Some(link.to_vec());
        Ok(())
    }

    fn is_empty(&self) -> bool {
        self.records.is_none() && self.long_name.is_none() && self.long_link.is_none()
    }

    /// The anomaly of extended headers that Go applies to no entry.
    pub(super) fn left_over(&self, place: &str) -> Option<Anomaly> {
        let keys = key_list(self.records.iter().flat_map(Records::effective_keys));
        (!self.is_empty()).then(|| {
            Anomaly::new(Fault::AmbiguousHeader, format!("an extended header {place}")).evidence("keys", keys)
        })
    }

    /// What remains when a global header comes in between: nothing for Go, but the names for others.
    pub(super) fn after_global(mut self) -> Result<Self> {
        if let Some(name) = self.long_name.take() {
            self.other_name(&name)?;
        }
        if let Some(path) = self.records.as_ref().and_then(|records| records.get(pax::PATH)) {
            let path = path.to_vec();
            self.other_name(&path)?;
        }
        Ok(Self { other_names: self.other_names, ..Self::default() })
    }
}

fn key_list<'a>(keys: impl Iterator<Item = &'a [u8]>) -> String {
    // Names suffice as evidence; a megabyte of them would not be read.
    let names: Vec<String> = keys.take(8).map(|key| escape_bytes(key.get(..64).unwrap_or(key))).collect();
    names.join(" ")
}

fn check_length(what: &str, path: &[u8]) -> Result<()> {
    if path.len() > limits::PATH_BYTES {
        let what = format!("{what} of {} bytes", path.len());
        return Err(Error::limit(what, "PATH_BYTES", limits::PATH_BYTES as u64));
    }
    Ok(())
}

/// Types whose header is all there is, whatever size it says (Go's `isHeaderOnlyType`).
fn is_header_only(flag: u8) -> bool {
    matches!(flag, b'1'..=b'6')
}

impl TarReader<'_> {
    /// Global records apply to all later entries (POSIX) – which Go's reader, and so every runtime
    /// built on it, ignores. Owners and extended attributes are applied, since a file that has them in
    /// some reading must be judged; a global size never is, for it would hide what runtimes unpack.
    pub(super) fn take_global(&mut self, records: Records) -> Result<()> {
        let keys = key_list(records.effective_keys());
        if !keys.is_empty() {
            self.faults.push(
                Anomaly::new(
                    Fault::AmbiguousHeader,
                    "a global PAX header changes all later entries, but runtimes written in Go ignore it",
                )
                .evidence("keys", keys),
            )?;
        }
        self.global.extend(records);
        // Each header is bounded, and there may be any number of them.
        if self.global.bytes() > limits::PAX_BYTES {
            let what = "what the global PAX headers of the layer say together";
            return Err(Error::limit(what, "PAX_BYTES", limits::PAX_BYTES));
        }
        Ok(())
    }

    /// A global header has a name too, which means nothing (POSIX) but is handed to whoever reads with
    /// Go: seen, Docker 20.10, podman 4.3, buildah 1.28 and containerd 1.6 obey it as a whiteout's, or
    /// remove what has that name, before they see that the header is no entry; umoci 0.4.7 refuses the
    /// layer. A whiteout becomes a member; of the rest, which not all drivers do, it is told.
    pub(super) fn named_global(&mut self, header: &Header) -> Result<Option<Member>> {
        let path = ImagePath::clean(&header.name).path;
        let is_mark = |part: &[u8]| part.starts_with(b".wh.");
        let marked = path.parts().any(is_mark);
        // As git, Python's tarfile, and pax and Go name it.
        let (directory, name) = path.split();
        // containerd makes the directories above it, over files and links of lower layers too.
        let usual = match directory {
            b"" => matches!(name, b"pax_global_header" | b"@PaxHeader") || name.starts_with(b"GlobalHead."),
            b"tmp" | b"var/tmp" => name.starts_with(b"GlobalHead."),
            _ => false,
        };
        if usual && !marked {
            return Ok(None);
        }
        let is_whiteout = is_mark(path.file_name());
        let what = if is_whiteout {
            "a global PAX header has a whiteout's name, which runtimes written in Go obey"
        } else {
            "a global PAX header has a file's name: Docker, podman and containerd remove what is there, \
             others do not"
        };
        self.faults.push(Anomaly::new(Fault::AmbiguousHeader, what).path(&path))?;
        Ok(is_whiteout.then(|| Member {
            name: header.name.clone(),
            other_names: Vec::new(),
            kind: EntryKind::File,
            link: Vec::new(),
            mode: 0,
            uid: 0,
            gid: 0,
            size: 0,
            mtime: header.mtime,
            device: (0, 0),
            xattrs: Vec::new(),
        }))
    }

    /// Makes a member of its header and what stood before it, and sets up its body.
    pub(super) fn member(&mut self, header: Header, block: Block, mut pending: Pending) -> Result<Member> {
        let records = pending.records.take().unwrap_or_default();
        let raw_size = u64::try_from(header.size);
        if raw_size.is_err() && !is_header_only(header.flag) {
            return Err(self.bad_field("size"));
        }
        // In Go a GNU long name wins over a PAX path, which wins over the header's own name.
        let mut name = header.name.clone();
        if let Some(path) = records.get(pax::PATH) {
            name = path.to_vec();
        }
        if let Some(long) = pending.long_name.take().filter(|long| !long.is_empty()) {
            if records.get(pax::PATH).is_some_and(|path| path != long) {
                pending.doubt("a PAX path and a GNU long name differ", escape_bytes(&name));
                pending.other_name(&name)?;
            }
            name = long;
        }
        let mut link = records.get(pax::LINK_PATH).unwrap_or(&header.link).to_vec();
        check_length("a link target", &link)?;
        if let Some(long) = pending.long_link.take().filter(|long| !long.is_empty()) {
            if records.get(pax::LINK_PATH).is_some_and(|path| path != long) {
                pending.doubt("a PAX link path and a GNU long link differ", escape_bytes(&link));
            }
            link = long;
        }
        // Old archives mark directories by a trailing slash.
        let slash = name.last() == Some(&b'/');
        let flag = match header.flag {
            0 if slash => b'5',
            0 => b'0',
            flag => flag,
        };
        let declared = records.number(pax::SIZE).ok().flatten().unwrap_or(header.size);
        let mut stored = 0;
        if !is_header_only(flag) {
            stored = u64::try_from(declared).map_err(|_| self.bad_field("size"))?;
            // Zero and the largest octal number are what writers put where the size does not fit.
            if ![0, 0o777_7777_7777, declared].contains(&header.size) {
                let both = format!("header {}, PAX {declared}", header.size);
                pending.doubt("the header and its PAX records give two sizes", both);
            }
        } else if declared != 0 {
            pending.doubt("an entry without content declares a size", declared.to_string());
        }
        self.set_body(stored);
        let size = self.sparse_body(&header, block, flag, &records, &mut name, stored)?;

        if let Some(path) = self.global.get(pax::PATH)
            && records.get(pax::PATH).is_none()
        {
            pending.other_name(path)?;
        }
        check_length("a path", &name)?;
        let kind = match flag {
            b'1' => EntryKind::HardLink,
            b'2' => EntryKind::Symlink,
            b'3' => EntryKind::CharDevice,
            b'4' => EntryKind::BlockDevice,
            b'5' => EntryKind::Directory,
            b'6' => EntryKind::Fifo,
            _ => EntryKind::File,
        };
        let path = ImagePath::clean(&name).path;
        self.report_type(flag, slash, &path)?;
        pending.other_names.retain(|other| ImagePath::clean(other).path != path);
        for (what, evidence) in std::mem::take(&mut pending.doubts) {
            self.faults
                .push(Anomaly::new(Fault::AmbiguousHeader, what).path(&path).evidence("other", evidence))?;
        }
        self.hold_global_xattrs()?;
        let (xattrs, doubtful) = xattr::collect(&self.global, Some(&records));
        if !doubtful.is_empty() {
            let names = key_list(doubtful.iter().map(Vec::as_slice));
            let what = "the two forms of an extended attribute differ, one does not decode, or only libarchive's is there";
            self.faults
                .push(Anomaly::new(Fault::AmbiguousHeader, what).path(&path).evidence("names", names))?;
        }
        let owner = |key, own| {
            let of = |records: &Records| records.number(key).ok().flatten();
            of(&records).or_else(|| of(&self.global)).unwrap_or(own)
        };
        let (uid, gid) = (owner(pax::UID, header.uid), owner(pax::GID, header.gid));
        let device = match kind {
            EntryKind::CharDevice | EntryKind::BlockDevice => {
                (header.device.0 as u32, header.device.1 as u32)
            }
            _ => (0, 0),
        };
        Ok(Member {
            uid: self.owner("user", uid, &path)?,
            gid: self.owner("group", gid, &path)?,
            name,
            other_names: pending.other_names,
            kind,
            link: if matches!(kind, EntryKind::HardLink | EntryKind::Symlink) { link } else { Vec::new() },
            mode: (header.mode & 0o7777) as u32,
            size: if kind == EntryKind::File { size } else { 0 },
            mtime: records.time(pax::MTIME).ok().flatten().unwrap_or(header.mtime),
            device,
            xattrs: xattrs
                .into_iter()
                .map(|(name, value)| (name.into_boxed_slice(), value.into_boxed_slice()))
                .collect(),
        })
    }

    /// Counts the global headers' extended attributes, which are read for every entry; those without
    /// a value, which take one back, are read too and are in none.
    fn hold_global_xattrs(&mut self) -> Result<()> {
        self.global_xattr_bytes = self.global_xattr_bytes.saturating_add(self.global.xattr_bytes());
        if self.global_xattr_bytes > limits::LAYER_XATTR_BYTES {
            let limit = limits::LAYER_XATTR_BYTES;
            return Err(Error::limit("what the extended attributes take", "LAYER_XATTR_BYTES", limit));
        }
        Ok(())
    }

    /// Runtimes hand the number to `lchown`, where the kernel takes 32 bits of it and "all ones"
    /// leaves the owner that the file was made with: root.
    fn owner(&mut self, what: &str, id: i64, path: &ImagePath) -> Result<u64> {
        if (0..i64::from(u32::MAX)).contains(&id) {
            return Ok(id as u64);
        }
        let kernel = match id as u32 {
            u32::MAX => 0,
            id => id,
        };
        self.faults.push(
            Anomaly::new(
                Fault::AmbiguousEntry,
                format!("the {what} number does not fit 32 bits; Linux would make it {kernel}"),
            )
            .path(path)
            .evidence("number", id),
        )?;
        Ok(u64::from(kernel))
    }

    fn report_type(&mut self, flag: u8, slash: bool, path: &ImagePath) -> Result<()> {
        let what = match flag {
            // GNU tar makes a directory of it, Go a file.
            b'0' if slash => "a regular file's name ends in a slash; some readers make it a directory".into(),
            b'0'..=b'6' | b'S' => return Ok(()),
            b'7' => "a contiguous file, which docker refuses and others read as a regular file".into(),
            _ => format!(
                "the entry type {} is unknown; docker refuses it, POSIX reads it as a regular file",
                escape_bytes(&[flag])
            ),
        };
        self.faults.push(Anomaly::new(Fault::AmbiguousEntry, what).path(path).evidence("typeflag", flag))
    }

    /// Reads a sparse file's map, where it is one (Go's `handleSparseFile`). Yields the file's size.
    fn sparse_body(
        &mut self,
        header: &Header,
        block: Block,
        flag: u8,
        records: &Records,
        name: &mut Vec<u8>,
        stored: u64,
    ) -> Result<u64> {
        let (map, size) = if flag == b'S' {
            // star's sparse files have the same type and quite another layout.
            if header.format != Format::Gnu {
                return Err(Error::unsupported(format!(
                    "a sparse file of no known format, at byte {}",
                    self.header_position()
                )));
            }
            let size = number(field(&block, 483, 12)).ok_or_else(|| self.bad_field("real size"))?;
            (self.old_gnu_map(block)?, size)
        } else {
            let version = (records.get(b"GNU.sparse.major"), records.get(b"GNU.sparse.minor"));
            let leading = match version {
                (Some(b"0"), Some(b"0" | b"1")) => false,
                (Some(b"1"), Some(b"0")) => true,
                (None, None) if records.get(pax::SPARSE_MAP).is_some() => false,
                // No sparse file, or of a version that Go takes for a plain file.
                _ => return Ok(stored),
            };
            if is_header_only(flag) {
                return Err(Error::invalid(format!(
                    "a sparse map on an entry that is no file, at byte {}",
                    self.header_position()
                )));
            }
            if let Some(real) = records.get(b"GNU.sparse.name") {
                *name = real.to_vec();
            }
            let size = records.get(b"GNU.sparse.size").or_else(|| records.get(b"GNU.sparse.realsize"));
            let size = match size {
                Some(size) => pax::decimal(size).ok_or_else(|| self.bad_field("GNU.sparse.size"))?,
                None => stored as i64,
            };
            (if leading { self.leading_map()? } else { Map::of_records(records)? }, size)
        };
        let size = u64::try_from(size).map_err(|_| self.bad_field("real size"))?;
        self.sparse = Some(map.finish(size, self.left)?);
        self.size = size;
        Ok(size)
    }

    /// GNU's old form: four segments in the header, the others in blocks between header and body.
    fn old_gnu_map(&mut self, mut block: Block) -> Result<Map> {
        let mut map = Map::default();
        let mut blocks = 0;
        let mut more = map.take_block(&block, true)?;
        while more {
            // Blocks may be empty: they are bounded like the segments they could hold.
            blocks += 1;
            if blocks > limits::SPARSE_SEGMENTS / 21 + 1 {
                let limit = limits::SPARSE_SEGMENTS as u64;
                return Err(Error::limit("the map of a sparse file", "SPARSE_SEGMENTS", limit));
            }
            if self.read_block(&mut block)? != BLOCK {
                return Err(self.truncated("the map of a sparse file"));
            }
            more = map.take_block(&block, false)?;
        }
        Ok(map)
    }

    /// PAX 1.0: the map is at the beginning of the stored bytes, in whole blocks.
    fn leading_map(&mut self) -> Result<Map> {
        let mut map = LeadingMap::default();
        let mut block = [0; BLOCK];
        loop {
            if self.left < BLOCK as u64 || self.read_block(&mut block)? != BLOCK {
                return Err(self.truncated("the map of a sparse file"));
            }
            self.left -= BLOCK as u64;
            if map.take_block(&block)? {
                return Ok(map.into_map());
            }
        }
    }
}
