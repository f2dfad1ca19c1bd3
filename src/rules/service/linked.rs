//! Services behind symlinks of directories: `/opt/agent/**` is asked of all that `/opt/agent` leads to, under
//! the name that a process would open it by.

use std::collections::BTreeMap;

use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::{NodeRef, ResolveError, Tree};
use crate::rules::pattern::MemberPatterns;
use crate::rules::services::Service;

/// What some services ask of a directory: whose it is, and the pattern of what is below.
type Asked<'a> = Vec<(&'a str, &'a str)>;

/// The patterns of files, by the directory that each names before its first sign.
pub(super) struct Linked<'a> {
    by_directory: BTreeMap<ImagePath, Asked<'a>>,
    visits: u64,
    /// Why not all that symlinks lead to was looked at.
    pub(super) gap: Option<String>,
}

impl<'a> Linked<'a> {
    pub(super) fn new(services: &[(&'a String, &'a Service)]) -> Self {
        let mut by_directory: BTreeMap<ImagePath, Asked<'a>> = BTreeMap::new();
        for (name, service) in services {
            for (directory, below) in service.files.iter().filter_map(|pattern| pattern.parted()) {
                by_directory.entry(ImagePath::new(directory)).or_default().push((name.as_str(), below));
            }
        }
        Self { by_directory, visits: 0, gap: None }
    }

    /// Tells each path of a tree that shows a service under another name than its own.
    pub(super) fn find(&mut self, tree: &Tree, mut tell: impl FnMut(&'a str, &ImagePath, NodeRef<'_>)) {
        let mut by_target: BTreeMap<ImagePath, Asked<'a>> = BTreeMap::new();
        for (directory, asked) in &self.by_directory {
            let target = match tree.resolve(directory) {
                Ok(found) => found.path(),
                Err(error @ ResolveError::OfProcess) => {
                    self.gap.get_or_insert_with(|| format!("{directory}: {error}"));
                    continue;
                }
                Err(_) => continue,
            };
            if target != *directory {
                by_target.entry(target).or_default().extend(asked);
            }
        }
        // However many names lead to a directory, it is walked once.
        for (target, asked) in by_target {
            let patterns = match MemberPatterns::of_texts(asked.into_iter()) {
                Ok(patterns) => patterns,
                // Each was tried alone when the policy was read.
                Err(error) => {
                    self.gap.get_or_insert_with(|| format!("the patterns of files: {error}"));
                    continue;
                }
            };
            let mut pending: Vec<_> = tree.get(&target).into_iter().flat_map(NodeRef::children).collect();
            while let Some(node) = pending.pop() {
                self.visits += 1;
                if self.visits > limits::LINKED_VISITS {
                    let reason = || {
                        format!("symlinks lead to more than {} names (LINKED_VISITS)", limits::LINKED_VISITS)
                    };
                    self.gap.get_or_insert_with(reason);
                    return;
                }
                let path = node.path();
                let below = path.as_bytes().strip_prefix(target.as_bytes()).unwrap_or_default();
                for name in patterns.owners(below.strip_prefix(b"/").unwrap_or(below)) {
                    tell(name, &path, node);
                }
                pending.extend(node.children());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::tests::{dir, file, symlink};
    use crate::rules::pattern::Pattern;

    #[test]
    fn what_only_a_process_finds_is_a_gap() {
        let tree = crate::rootfs::tests::tree(&[symlink("opt/agent", "/proc/self/cwd/srv")]);
        let (name, mut service) = ("agent".to_owned(), Service::default());
        service.files.push(Pattern::of_paths("/opt/agent/**").unwrap());
        let mut linked = Linked::new(&[(&name, &service)]);
        linked.find(&tree, |_, _, _| {});
        assert!(linked.gap.unwrap().contains("/opt/agent: it leads into /proc"));
    }

    #[test]
    fn names_behind_symlinks_are_held_to_linked_visits() {
        let tree = crate::rootfs::tests::tree(&[
            dir("srv"),
            file("srv/a", 0o644),
            file("srv/b", 0o644),
            symlink("opt/agent", "/srv"),
        ]);
        let (name, mut service) = ("agent".to_owned(), Service::default());
        service.files.push(Pattern::of_paths("/opt/agent/**").unwrap());
        let find = |left: u64| {
            let mut linked = Linked::new(&[(&name, &service)]);
            linked.visits = limits::LINKED_VISITS - left;
            let mut found = 0;
            linked.find(&tree, |_, _, _| found += 1);
            (found, linked.gap)
        };
        assert_eq!(find(2), (2, None));
        let (found, gap) = find(1);
        assert!(found == 1 && gap.unwrap().contains("LINKED_VISITS"));
    }
}
