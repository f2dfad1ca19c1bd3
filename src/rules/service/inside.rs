//! Services by the names of members of archives: a jar that was renamed, or another that took it in.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::rootfs::Inode;
use crate::rules::pattern::MemberPatterns;
use crate::rules::services::Service;
use crate::scan::{Archives, EntryKind};

/// Layer and entry of a file.
type File = (usize, usize);

/// What archives say of some services; each is read once, however many names and readings have it.
pub(super) struct Inside<'a> {
    patterns: MemberPatterns<&'a str>,
    facts: &'a Facts,
    /// Of each archive: the services in it, each with the first member that shows it.
    read: BTreeMap<File, BTreeMap<&'a str, &'a [u8]>>,
    /// Why some archive of the tree is not known.
    pub(super) gap: Option<String>,
}

impl<'a> Inside<'a> {
    pub(super) fn new(services: &[(&'a String, &'a Service)], facts: &'a Facts) -> Self {
        let named = services
            .iter()
            .flat_map(|(name, service)| service.inside.iter().map(|pattern| (name.as_str(), pattern)));
        let (patterns, gap) = match MemberPatterns::new(named) {
            Ok(patterns) => (patterns, None),
            // Each was tried alone when the policy was read.
            Err(error) => (MemberPatterns::none(), Some(format!("the patterns of inside: {error}"))),
        };
        Self { patterns, facts, read: BTreeMap::new(), gap }
    }

    /// The services that a file shows, each with a member that shows it.
    pub(super) fn of(&mut self, inode: &Inode) -> BTreeMap<&'a str, &'a [u8]> {
        let origin = inode.origin;
        let Some(entry) =
            origin.entry().filter(|_| inode.kind == EntryKind::File && !self.patterns.is_empty())
        else {
            return BTreeMap::new();
        };
        let file = (origin.layer(), entry);
        if let Some(found) = self.read.get(&file) {
            return found.clone();
        }
        let found = self.read_archive(file);
        self.read.insert(file, found.clone());
        found
    }

    fn read_archive(&mut self, (layer, entry): File) -> BTreeMap<&'a str, &'a [u8]> {
        let mut found = BTreeMap::new();
        let Some(archives) = archives(self.facts, layer) else {
            self.gap.get_or_insert_with(|| format!("archives in layer {layer} were not looked into"));
            return found;
        };
        if let Some(gap) = archives.gaps.get(&entry) {
            let path = self.facts.entries(layer).get(entry).map(|entry| entry.path.to_string());
            self.gap.get_or_insert_with(|| format!("{} in layer {layer} {gap}", path.unwrap_or_default()));
        }
        for name in archives.members.get(&entry).into_iter().flat_map(|members| members.names()) {
            for service in self.patterns.owners(name) {
                found.entry(service).or_insert(name);
            }
        }
        found
    }
}

fn archives(facts: &Facts, layer: usize) -> Option<&Archives> {
    facts.layers.get(layer)?.as_ref()?.tar.as_ref().ok()?.archives.as_ref()
}
