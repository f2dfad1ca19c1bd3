//! The files that sudo reads of a tree: sudoers, and all that it includes.

use std::collections::{BTreeMap, BTreeSet};

use super::quoted;
use super::sudo::{Include, Sudoers, included_path, is_read, sudoers};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{ResolveError, Tree};
use crate::scan::EntryKind;

/// What sudo would read.
#[derive(Default)]
pub(super) struct SudoFiles {
    /// Each file once, however many names it has.
    pub(super) read: Vec<(ImagePath, Sudoers)>,
    /// Files that are there and whose content is not known, and why.
    pub(super) unread: Vec<(ImagePath, String)>,
    /// Why some include could not be followed.
    pub(super) incomplete: Option<String>,
}

/// Follows the includes of `first`. Missing files are none: sudo reports them and goes on.
pub(super) fn sudo_files(
    facts: &Facts,
    tree: &Tree,
    first: impl IntoIterator<Item = &'static str>,
) -> SudoFiles {
    let mut walk = Walk {
        tree,
        found: SudoFiles::default(),
        pending: first.into_iter().map(ImagePath::new).collect(),
        named: 0,
    };
    // Files may include each other, and one directory have many names.
    let mut seen = BTreeSet::new();
    let mut numbers: BTreeMap<(usize, usize), usize> = BTreeMap::new();
    while let Some(path) = walk.pending.pop() {
        if !seen.insert(tree.locate(&path)) {
            continue;
        }
        let place = tree.resolve(&path).ok().map(|found| found.node.inode().origin);
        let place = place.and_then(|origin| Some((origin.layer(), origin.entry()?)));
        if let Some(known) = place.and_then(|place| numbers.get(&place).copied()) {
            // Another name of a file that was read: only what it includes beside itself is new.
            walk.follow(&path, known);
            continue;
        }
        match facts.file_content(tree, path.as_bytes()) {
            Ok(Some(content)) => {
                let number = walk.found.read.len();
                numbers.extend(place.map(|place| (place, number)));
                walk.found.read.push((path.clone(), sudoers(&content)));
                walk.follow(&path, number);
            }
            Ok(None) => {}
            Err(reason) => walk.found.unread.push((path, reason)),
        }
    }
    walk.found
}

struct Walk<'a> {
    tree: &'a Tree,
    found: SudoFiles,
    pending: Vec<ImagePath>,
    /// To how many names includes led so far.
    named: usize,
}

impl Walk<'_> {
    /// Follows the includes of a file that was read, under one of its names.
    fn follow(&mut self, path: &ImagePath, number: usize) {
        let includes = self.found.read.get_mut(number).map(|(_, read)| std::mem::take(&mut read.includes));
        let includes = includes.unwrap_or_default();
        for include in &includes {
            if self.named > limits::INCLUDED_FILES {
                break;
            }
            match include {
                // No system opens it, and it would take long to find out.
                Include::File(name) | Include::Directory(name) if name.len() > limits::PATH_BYTES => {}
                Include::File(name) => self.file(path, name),
                Include::Directory(name) if depends_on_host(name) => self.cannot(path, name),
                Include::Directory(name) => {
                    self.directory(&included_path(path, name), is_read);
                }
            }
        }
        if let Some((_, read)) = self.found.read.get_mut(number) {
            read.includes = includes;
        }
    }

    fn file(&mut self, including: &ImagePath, name: &[u8]) {
        if !depends_on_host(name) {
            if self.count(1) {
                self.pending.push(included_path(including, name));
            }
            return;
        }
        // sudo puts the host's name in its place: each file may be meant that some name would make.
        let path = included_path(including, name);
        let (directory, pattern) = path.split();
        match around_host(pattern).filter(|_| !depends_on_host(directory)) {
            Some((begin, end)) => {
                let is_meant = |name: &[u8]| {
                    name.len() > begin.len() + end.len() && name.starts_with(begin) && name.ends_with(end)
                };
                self.directory(&ImagePath::new(directory), is_meant);
            }
            None => self.cannot(including, name),
        }
    }

    fn directory(&mut self, directory: &ImagePath, is_wanted: impl Fn(&[u8]) -> bool) {
        let names = self.tree.resolve(directory).map_or(0, |found| found.node.children().count());
        if self.count(names.max(1)) {
            self.pending.extend(files_in(self.tree, directory, is_wanted));
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

    fn cannot(&mut self, including: &ImagePath, name: &[u8]) {
        if self.count(1) {
            self.found.incomplete =
                Some(format!("{including} includes {}, which depends on the host", quoted(name)));
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
    directory: &ImagePath,
    is_wanted: impl Fn(&[u8]) -> bool,
) -> Vec<ImagePath> {
    let found = match tree.resolve(directory) {
        Ok(found) => found,
        // Whoever asks for its content hears why that is not known.
        Err(ResolveError::OfProcess) => return vec![directory.clone()],
        Err(_) => return Vec::new(),
    };
    let names = found.node.children().map(|child| child.name()).filter(|name| is_wanted(name));
    let is_file = |path: &ImagePath| match tree.resolve(path) {
        Ok(found) => found.node.inode().kind == EntryKind::File,
        Err(error) => error == ResolveError::OfProcess,
    };
    names.map(|name| directory.join(name)).filter(is_file).collect()
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
}
