//! A table of contents against the entries of its layer's tar.

use std::collections::BTreeMap;

use super::Form;
use super::entries::TocEntry;
use crate::digest::{ContentId, Digest};
use crate::error::{Error, Result};
use crate::limits;
use crate::model::escape::{escape_bytes, escape_text};
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::facts::{Entry, EntryKind};
use crate::scan::second::FilePiece;
use crate::scan::tar::base64_decode;

/// The table of an eStargz, which does not name itself.
const STARGZ_TABLE: &[u8] = b"stargz.index.json";

/// What was held to the tar so far.
pub(super) struct Comparison<'a> {
    form: Form,
    entries: &'a [Entry],
    /// Indexes of the entries by path, in the order of the tar where they have the same.
    order: Vec<usize>,
    /// Of which entries the table tells.
    seen: Vec<bool>,
    /// The file whose pieces are being told, and those; its path, where the tar has none.
    file: Option<usize>,
    pieces: Vec<FilePiece>,
    /// Pieces of files that must be hashed to be known.
    wanted: BTreeMap<usize, Vec<FilePiece>>,
    anomalies: Vec<Anomaly>,
    more: usize,
}

impl<'a> Comparison<'a> {
    pub(super) fn new(form: Form, entries: &'a [Entry]) -> Self {
        let mut order: Vec<usize> = (0..entries.len()).collect();
        order.sort_by_key(|index| (entries.get(*index).map(|entry| &entry.path), *index));
        Self {
            form,
            entries,
            order,
            seen: vec![false; entries.len()],
            file: None,
            pieces: Vec::new(),
            wanted: BTreeMap::new(),
            anomalies: Vec::new(),
            more: 0,
        }
    }

    /// Takes the next entry of the table.
    ///
    /// # Errors
    /// An entry that is none.
    pub(super) fn add(&mut self, toc: TocEntry) -> Result<()> {
        if toc.kind == "chunk" {
            return self.add_piece(&toc);
        }
        self.settle();
        let path = ImagePath::clean(toc.name.as_bytes()).path;
        let Some((index, entry)) = self.find(&path) else {
            self.tell(&path, "the layer's table of contents has an entry that its tar has not", &[]);
            return Ok(());
        };
        match self.seen.get_mut(index) {
            Some(seen) if !*seen => *seen = true,
            _ => {
                self.tell(&path, "the layer's table of contents has this path twice", &[]);
                return Ok(());
            }
        }
        let differences = differences(&toc, entry);
        if differences.is_empty() {
            if entry.kind == EntryKind::File {
                self.file = Some(index);
                return self.add_piece(&toc);
            }
        } else {
            self.tell(&path, "the layer's table of contents says otherwise than its tar", &differences);
        }
        Ok(())
    }

    fn add_piece(&mut self, toc: &TocEntry) -> Result<()> {
        // That of a file which differs anyhow.
        let Some(entry) = self.file.and_then(|file| self.entries.get(file)) else { return Ok(()) };
        if ImagePath::clean(toc.name.as_bytes()).path != entry.path {
            let path = entry.path.clone();
            self.tell(&path, "in the layer's table of contents, pieces of another file follow it", &[]);
            return Ok(());
        }
        let negative = || Error::invalid("a piece of a file has a negative offset or size");
        let offset = u64::try_from(toc.piece_offset).map_err(|_| negative())?;
        let size = match u64::try_from(toc.piece_size).map_err(|_| negative())? {
            // The rest of the file.
            0 => entry.size.saturating_sub(offset),
            size => size,
        };
        // Without a digest readers hold the file to its own.
        let digest = match toc.piece_digest.as_str() {
            "" => return Ok(()),
            text => text.parse().ok().and_then(sha256),
        };
        self.pieces.push(FilePiece { offset, size, digest });
        Ok(())
    }

    /// Ends the pieces of a file.
    fn settle(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        let Some(index) = self.file.take() else { return };
        let Some(entry) = self.entries.get(index) else { return };
        match pieces.as_slice() {
            [] => {}
            [FilePiece { offset: 0, size, digest: Some(digest) }]
                if *size == entry.size && *digest == entry.content => {}
            _ => drop(self.wanted.insert(index, pieces)),
        }
    }

    /// The table is at its end; the pieces that are to be hashed.
    pub(super) fn finish(&mut self) -> BTreeMap<usize, Vec<FilePiece>> {
        self.settle();
        for place in 0..self.order.len() {
            let Some(index) = self.order.get(place).copied() else { continue };
            let Some(entry) = self.entries.get(index) else { continue };
            let next = self.order.get(place + 1).and_then(|next| self.entries.get(*next));
            let is_last = next.is_none_or(|next| next.path != entry.path);
            let is_table = self.form == Form::Stargz && entry.path.as_bytes() == STARGZ_TABLE;
            if is_last && !is_table && self.seen.get(index) == Some(&false) {
                self.tell(
                    &entry.path,
                    "the layer's tar has an entry that its table of contents has not",
                    &[],
                );
            }
        }
        std::mem::take(&mut self.wanted)
    }

    /// Tells whether the pieces of a file are those of its content.
    pub(super) fn tell_pieces(&mut self, index: usize, right: bool) {
        if !right && let Some(entry) = self.entries.get(index) {
            let what =
                "the layer's table of contents tells of pieces that are not those of the file in its tar";
            self.tell(&entry.path, what, &[]);
        }
    }

    /// All that is different.
    pub(super) fn into_anomalies(mut self) -> Vec<Anomaly> {
        if self.more > 0 {
            let message = format!(
                "the layer's table of contents differs from its tar in {} more entries ({} are told, TOC_DIFFERENCES)",
                self.more,
                limits::TOC_DIFFERENCES
            );
            self.anomalies
                .push(Anomaly::new(Fault::AmbiguousEntry, message).evidence("tableOfContents", self.form));
        }
        self.anomalies
    }

    fn find(&self, path: &ImagePath) -> Option<(usize, &'a Entry)> {
        let path_of = |index: &usize| self.entries.get(*index).map(|entry| &entry.path);
        let end = self.order.partition_point(|index| path_of(index) <= Some(path));
        let index = *self.order.get(end.checked_sub(1)?)?;
        let entry = self.entries.get(index)?;
        (entry.path == *path).then_some((index, entry))
    }

    fn tell(&mut self, path: &ImagePath, what: &str, differences: &[Difference]) {
        if self.anomalies.len() >= limits::TOC_DIFFERENCES {
            self.more += 1;
            return;
        }
        let list = |of: fn(&Difference) -> &String| {
            let said = differences.iter().map(|difference| format!("{} {}", difference.what, of(difference)));
            said.collect::<Vec<_>>().join(", ")
        };
        let mut anomaly =
            Anomaly::new(Fault::AmbiguousEntry, format!("{what}; partial pulls go by the table"))
                .path(path)
                .evidence("tableOfContents", self.form);
        if !differences.is_empty() {
            anomaly = anomaly.evidence("table", list(|of| &of.table)).evidence("tar", list(|of| &of.tar));
        }
        self.anomalies.push(anomaly);
    }
}

/// What a table and a tar say of one entry.
struct Difference {
    what: &'static str,
    table: String,
    tar: String,
}

fn differences(toc: &TocEntry, entry: &Entry) -> Vec<Difference> {
    let mut found = Vec::new();
    let mut add = |what, differs: bool, table: String, tar: String| {
        if differs {
            found.push(Difference { what, table, tar });
        }
    };
    let kind = kind_name(entry.kind);
    add("type", toc.kind != kind, shown(&toc.kind), kind.to_owned());
    let (mode, entry_mode) = (toc.mode & 0o7777, i64::from(entry.mode));
    add("mode", mode != entry_mode, format!("{mode:04o}"), format!("{entry_mode:04o}"));
    add("uid", u64::try_from(toc.uid) != Ok(entry.uid), toc.uid.to_string(), entry.uid.to_string());
    add("gid", u64::try_from(toc.gid) != Ok(entry.gid), toc.gid.to_string(), entry.gid.to_string());
    if matches!(entry.kind, EntryKind::HardLink | EntryKind::Symlink) {
        let same = match entry.kind {
            EntryKind::HardLink => ImagePath::new(&toc.link).as_bytes() == entry.link(),
            _ => toc.link.as_bytes() == entry.link(),
        };
        add("link", !same, shown(&toc.link), shown(&escape_bytes(entry.link())));
    }
    if matches!(entry.kind, EntryKind::CharDevice | EntryKind::BlockDevice) {
        let (major, minor) = entry.device();
        let same = toc.device == (i64::from(major), i64::from(minor));
        let table = format!("{}:{}", toc.device.0, toc.device.1);
        add("device", !same, table, format!("{major}:{minor}"));
    }
    let (names, same) = attributes(toc, entry);
    let own = entry.xattrs().iter().map(|(name, _)| escape_bytes(name)).collect::<Vec<_>>().join(" ");
    add("attributes", !same, shown(&names), shown(&own));
    if entry.kind == EntryKind::File {
        let size = u64::try_from(toc.size);
        add("size", size != Ok(entry.size), toc.size.to_string(), entry.size.to_string());
        // A file without content needs no digest; one in a single piece has that of the piece.
        let written = if toc.digest.is_empty() { &toc.piece_digest } else { &toc.digest };
        let digest = written.parse().ok().and_then(sha256);
        let same = digest == Some(entry.content) || written.is_empty() && entry.size == 0;
        add("digest", !same, shown(written), Digest::Sha256(entry.content).to_string());
    }
    found
}

fn attributes(toc: &TocEntry, entry: &Entry) -> (String, bool) {
    let own = entry.xattrs();
    let same = toc.xattrs.len() == own.len()
        && toc.xattrs.iter().all(|(name, value)| {
            let value = base64_decode(value.as_bytes());
            value.is_some() && entry.xattr(name.as_bytes()) == value.as_deref()
        });
    let names: Vec<&str> = toc.xattrs.keys().map(String::as_str).take(20).collect();
    (names.join(" "), same)
}

fn kind_name(kind: EntryKind) -> &'static str {
    match kind {
        EntryKind::File => "reg",
        EntryKind::HardLink => "hardlink",
        EntryKind::Symlink => "symlink",
        EntryKind::CharDevice => "char",
        EntryKind::BlockDevice => "block",
        EntryKind::Directory => "dir",
        EntryKind::Fifo => "fifo",
    }
}

fn sha256(digest: Digest) -> Option<ContentId> {
    match digest {
        Digest::Sha256(bytes) => Some(bytes),
        Digest::Sha512(_) => None,
    }
}

/// What is quoted of an image, kept short.
fn shown(text: &str) -> String {
    let short: String = escape_text(text).chars().take(200).collect();
    if short.is_empty() { "none".to_owned() } else { short }
}
