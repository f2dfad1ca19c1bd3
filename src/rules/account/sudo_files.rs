//! The files that sudo reads of a tree: sudoers, and all that it includes.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::quoted;
use super::sudo::{Include, Sudoers, is_read};
use crate::error::Error;
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{ResolveError, Steps, Tree};
use crate::scan::EntryKind;

/// Where the content of a file is: layer and entry.
type Place = (usize, usize);

/// A file that sudo reads.
pub(super) struct File {
    pub(super) path: ImagePath,
    /// The layer that its content is of.
    pub(super) layer: usize,
    pub(super) sudoers: Rc<Sudoers>,
}

/// What sudo would read.
#[derive(Default)]
pub(super) struct SudoFiles {
    /// Each file once, however many names it has.
    pub(super) read: Vec<File>,
    /// Their bytes together.
    pub(super) bytes: usize,
    /// Files that are there and whose content is not known, and why.
    pub(super) unread: Vec<(ImagePath, String)>,
    /// Why some include could not be followed.
    pub(super) incomplete: Option<String>,
}

/// Reads each file once, however many trees have it.
pub(super) struct Reader<'a> {
    facts: &'a Facts,
    parse: fn(&[u8]) -> Sudoers,
    /// For all trees together.
    pub(super) steps: Steps,
    read: RefCell<BTreeMap<Place, Rc<Sudoers>>>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(facts: &'a Facts, parse: fn(&[u8]) -> Sudoers) -> Self {
        Self { facts, parse, steps: Steps::default(), read: RefCell::default() }
    }

    /// Whether some tree has the file.
    pub(super) fn has_read(&self, place: Place) -> bool {
        self.read.borrow().contains_key(&place)
    }

    fn read(&self, place: Place, content: &[u8]) -> Rc<Sudoers> {
        if let Some(read) = self.read.borrow().get(&place) {
            return Rc::clone(read);
        }
        let read = Rc::new((self.parse)(content));
        self.read.borrow_mut().insert(place, Rc::clone(&read));
        read
    }
}

/// Why no more than [`limits::SUDOERS_BYTES`] are read.
pub(super) fn too_long(bytes: usize) -> Option<String> {
    let limit = limits::SUDOERS_BYTES;
    let error = || Error::limit("the length of all files of sudo and doas", "SUDOERS_BYTES", limit as u64);
    (bytes > limit).then(|| error().to_string())
}

/// Directories in which sudo looks for a name that does not begin at the root.
type Beside = Rc<BTreeSet<ImagePath>>;

/// Follows the includes of `first`. Missing files are none: sudo reports them and goes on.
pub(super) fn sudo_files(
    reader: &Reader<'_>,
    tree: &Tree,
    first: impl IntoIterator<Item = &'static str>,
) -> SudoFiles {
    let mut walk =
        Walk { tree, steps: &reader.steps, found: SudoFiles::default(), pending: Vec::new(), named: 0 };
    let first: Vec<_> = first.into_iter().map(ImagePath::new).collect();
    // sudo may be built to look for its first file in several places, and then looks there for what that includes.
    let beside = walk.directories_of(&first);
    walk.pending.extend(first.into_iter().map(|path| (path, Rc::clone(&beside))));
    // Files may include each other, and one directory have many names.
    let mut seen = BTreeSet::new();
    let mut read: BTreeMap<Place, Rc<Sudoers>> = BTreeMap::new();
    while let Some((path, beside)) = walk.pending.pop() {
        let located = walk.steps.locate(tree, &path).unwrap_or_else(|_| path.clone());
        if !seen.insert((located, Rc::clone(&beside))) {
            continue;
        }
        let found = walk.steps.resolve(tree, &path);
        let place = found.as_ref().ok().map(|found| found.node.inode().origin);
        let place = place.and_then(|origin| Some((origin.layer(), origin.entry()?)));
        if let Some(known) = place.and_then(|place| read.get(&place)) {
            // Another name of a file that was read: only what it includes beside itself is new.
            walk.follow(&path, &beside, &known.includes);
            continue;
        }
        match (reader.facts.content_of(found, &path), place) {
            (Ok(Some(content)), Some(place)) => {
                walk.found.bytes = walk.found.bytes.saturating_add(content.len());
                if let Some(reason) = too_long(walk.found.bytes) {
                    walk.found.incomplete = Some(reason);
                    break;
                }
                let sudoers = reader.read(place, &content);
                read.insert(place, Rc::clone(&sudoers));
                walk.follow(&path, &beside, &sudoers.includes);
                walk.found.read.push(File { path, layer: place.0, sudoers });
            }
            (Ok(_), _) => {}
            (Err(reason), _) => walk.found.unread.push((path, reason)),
        }
    }
    walk.found
}

struct Walk<'a> {
    tree: &'a Tree,
    steps: &'a Steps,
    found: SudoFiles,
    pending: Vec<(ImagePath, Beside)>,
    /// To how many names includes led so far.
    named: usize,
}

impl Walk<'_> {
    /// Follows the includes of a file that was read, under one of its names.
    fn follow(&mut self, path: &ImagePath, beside: &BTreeSet<ImagePath>, includes: &BTreeSet<Include>) {
        for include in includes {
            if self.named > limits::INCLUDED_FILES {
                break;
            }
            let (Include::File(name) | Include::Directory(name)) = include;
            let meant = meant(beside, name);
            if meant.depends_on_directory {
                self.cannot(path, name, "where sudo is called");
            }
            if !self
                .count(meant.parts.saturating_sub(meant.names.len()).max(usize::from(meant.names.is_empty())))
            {
                break;
            }
            match include {
                Include::File(_) => self.files(path, &meant.names),
                Include::Directory(_) => {
                    meant.names.iter().for_each(|name| self.whole_directory(path, name));
                }
            }
        }
    }

    fn files(&mut self, including: &ImagePath, names: &BTreeSet<Vec<u8>>) {
        let mut files = Vec::new();
        for name in names {
            if depends_on_host(name) {
                self.files_of_any_host(including, name);
            } else if self.count(1) {
                files.extend(self.opened(name));
            }
        }
        let beside = self.directories_of(&files);
        self.pending.extend(files.into_iter().map(|path| (path, Rc::clone(&beside))));
    }

    /// sudo puts the host's name in its place: each file may be meant that some name would make.
    fn files_of_any_host(&mut self, including: &ImagePath, name: &[u8]) {
        let last = name.iter().rposition(|byte| *byte == b'/').map_or(0, |slash| slash + 1);
        let (directory, pattern) = name.split_at_checked(last).unwrap_or_default();
        match around_host(pattern).filter(|_| !depends_on_host(directory)) {
            Some((begin, end)) => {
                let is_meant = |name: &[u8]| {
                    name.len() > begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
                };
                if let Some(directory) = self.opened(directory) {
                    self.directory(&directory, is_meant);
                }
            }
            None => self.cannot(including, name, "the host"),
        }
    }

    fn whole_directory(&mut self, including: &ImagePath, name: &[u8]) {
        if depends_on_host(name) {
            self.cannot(including, name, "the host");
        } else if let Some(directory) = self.opened(name) {
            self.directory(&directory, is_read);
        }
    }

    fn directory(&mut self, directory: &ImagePath, is_wanted: impl Fn(&[u8]) -> bool) {
        let names = self.steps.resolve(self.tree, directory).map_or(0, |found| found.node.children().count());
        if self.count(names.max(1)) {
            let files = files_in(self.tree, self.steps, directory, is_wanted);
            let beside = self.directories_of(&files);
            self.pending.extend(files.into_iter().map(|path| (path, Rc::clone(&beside))));
        }
    }

    /// The directories of these files that are there, under the names that they have with symlinks followed.
    fn directories_of(&self, files: &[ImagePath]) -> Beside {
        let named: BTreeSet<_> = files.iter().map(ImagePath::parent).collect();
        let found = named.iter().filter_map(|directory| self.steps.resolve(self.tree, directory).ok());
        let directories = found.filter(|found| found.node.inode().is_directory());
        Rc::new(directories.map(|found| found.path()).collect())
    }

    /// What the kernel opens by a name: `..` behind a symlink is beside where that leads. `None` where nothing is there,
    /// or that is not known.
    fn opened(&mut self, name: &[u8]) -> Option<ImagePath> {
        if !name.split(|byte| *byte == b'/').any(|part| part == b"..") {
            return Some(ImagePath::new(name));
        }
        if !self.count(1) {
            return None;
        }
        match self.steps.resolve_written(self.tree, name) {
            Ok(found) => Some(found.path()),
            Err(error) if error.is_absence() => None,
            Err(error) => {
                self.found.incomplete = Some(format!("sudoers include {}: {error}", quoted(name)));
                None
            }
        }
    }

    /// Whether so many names more may be looked at.
    fn count(&mut self, names: usize) -> bool {
        self.named = self.named.saturating_add(names);
        let fits = self.named <= limits::INCLUDED_FILES;
        if !fits {
            let limit = limits::INCLUDED_FILES;
            self.found.incomplete = Some(format!("sudoers include more than {limit} files (INCLUDED_FILES)"));
        }
        fits
    }

    fn cannot(&mut self, including: &ImagePath, name: &[u8], depends_on: &str) {
        if self.count(1) {
            let name = quoted(name);
            self.found.incomplete =
                Some(format!("{including} includes {name}, which depends on {depends_on}"));
        }
    }
}

/// What an include may mean.
#[derive(Debug, Default, PartialEq, Eq)]
struct Meant {
    /// Names from the root on.
    names: BTreeSet<Vec<u8>>,
    /// How many were looked at, also the same again.
    parts: usize,
    /// Whether one of them begins where sudo is called.
    depends_on_directory: bool,
}

/// All that some version of sudo opens by the name of an include. From 1.9.14 on it takes colons between
/// names, and the first that is there; a name that does not begin at the root is put behind each directory, with
/// its colons.
fn meant(beside: &BTreeSet<ImagePath>, name: &[u8]) -> Meant {
    let mut meant = Meant::default();
    // sudo takes the quotes away that are left of `"\"x\""`.
    let within = name.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    for name in [Some(name), within].into_iter().flatten() {
        meant.begins_with(beside, name);
        let mut parts = name.split(|byte| *byte == b':');
        if let Some(first) = parts.next() {
            meant.begins_with(beside, first);
        }
        for part in parts.filter(|part| !part.is_empty()).take(limits::INCLUDED_FILES + 1) {
            meant.parts += 1;
            if part.starts_with(b"/") {
                meant.begins_with(beside, part);
            } else {
                meant.depends_on_directory = true;
            }
            // More are not looked at.
            if meant.names.len() > limits::INCLUDED_FILES {
                break;
            }
        }
    }
    meant
}

impl Meant {
    fn begins_with(&mut self, beside: &BTreeSet<ImagePath>, name: &[u8]) {
        // No system opens longer ones, and it would take long to find out.
        if name.len() > limits::PATH_BYTES {
            return;
        }
        if name.starts_with(b"/") {
            self.names.insert(name.to_vec());
        } else {
            let names = beside.iter().map(|directory| [b"/", directory.as_bytes(), b"/", name].concat());
            self.names.extend(names);
        }
    }
}

fn depends_on_host(name: &[u8]) -> bool {
    name.windows(2).any(|pair| pair == b"%h")
}

/// What stands before and behind the one `%h` of a name that says more than the host's.
fn around_host(name: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = name.windows(2).position(|pair| pair == b"%h")?;
    let (begin, end) = (name.get(..at)?, name.get(at + 2..)?);
    (!depends_on_host(end) && name.len() > 2).then_some((begin, end))
}

/// The regular files right in a directory, links to some too, and what leads where it is not known what there is.
pub(super) fn files_in(
    tree: &Tree,
    steps: &Steps,
    directory: &ImagePath,
    is_wanted: impl Fn(&[u8]) -> bool,
) -> Vec<ImagePath> {
    let found = match steps.resolve(tree, directory) {
        Ok(found) => found,
        // Whoever asks for its content hears why that is not known.
        Err(error) if is_unknown(error) => return vec![directory.clone()],
        Err(_) => return Vec::new(),
    };
    let names = found.node.children().map(|child| child.name()).filter(|name| is_wanted(name));
    let is_file = |path: &ImagePath| match steps.resolve(tree, path) {
        Ok(found) => found.node.inode().kind == EntryKind::File,
        Err(error) => is_unknown(error),
    };
    names.map(|name| directory.join(name)).filter(is_file).collect()
}

fn is_unknown(error: ResolveError) -> bool {
    matches!(error, ResolveError::OfProcess | ResolveError::TooFar)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_around_the_host() {
        assert_eq!(around_host(b"sudoers.%h"), Some((&b"sudoers."[..], &b""[..])));
        assert_eq!(around_host(b"%h.rules"), Some((&b""[..], &b".rules"[..])));
        for name in [&b"%h"[..], b"%h-%h", b"x%", b"x"] {
            assert_eq!(around_host(name), None, "{name:?}");
        }
    }

    #[test]
    fn an_include_means_all_that_some_sudo_opens() {
        let beside = |directories: &[&str]| directories.iter().map(ImagePath::new).collect();
        let (etc, both) = (beside(&["etc"]), beside(&["etc", "opt/x"]));
        for (beside, name, names, depends_on_directory) in [
            (&etc, "/a", &["/a"][..], false),
            (&etc, "a/../b", &["/etc/a/../b"], false),
            (&both, "a", &["/etc/a", "/opt/x/a"], false),
            (&etc, "/a:/b", &["/a", "/a:/b", "/b"], false),
            (&etc, "a::/b:", &["/b", "/etc/a", "/etc/a::/b:"], false),
            (&etc, ":/b", &["/b", "/etc/", "/etc/:/b"], false),
            (&etc, "/a:b", &["/a", "/a:b"], true),
            (&etc, "\"/a\"", &["/a", "/etc/\"/a\""], false),
            (&beside(&[]), "a", &[], false),
        ] {
            let names = names.iter().map(|name| name.as_bytes().to_vec()).collect();
            let found = meant(beside, name.as_bytes());
            assert_eq!((found.names, found.depends_on_directory), (names, depends_on_directory), "{name}");
        }
    }
}
