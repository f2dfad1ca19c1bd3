//! `package-cache-left`: see the page beside this file.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::model::ImagePath;
use crate::rootfs::{NodeRef, Tree};
use crate::rules::findings::{Findings, Full};
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::EntryKind;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "package-cache-left",
    severity: Severity::Low,
    page: include_str!("package-cache-left.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

/// Where package managers keep what they can fetch again; `*` is any one name.
const CACHES: [&str; 19] = [
    "lib/apk/cache",
    "var/cache/apk",
    "var/cache/apt",
    "var/cache/dnf",
    "var/cache/libdnf5",
    "var/cache/pacman/pkg",
    "var/cache/yum",
    "var/cache/zypp",
    "var/lib/apt/lists",
    "root/.cache/pip",
    "root/.cache/uv",
    "root/.cache/yarn",
    "root/.npm/_cacache",
    "home/*/.cache/pip",
    "home/*/.cache/uv",
    "home/*/.cache/yarn",
    "home/*/.npm/_cacache",
    "usr/local/share/.cache/pip",
    "usr/local/share/.cache/yarn",
];

/// How the names end that remain of a cache that was cleaned: apt's lock, dnf's own state.
const LEFT_WHEN_CLEAN: [&[u8]; 2] = [b"lock", b".json"];

/// Files of one cache from one layer.
#[derive(Default)]
struct Kept {
    files: usize,
    bytes: u64,
}

impl Kept {
    fn add(&mut self, size: u64) {
        self.files += 1;
        self.bytes = self.bytes.saturating_add(size);
    }

    fn tell(&self, cache: &ImagePath, layer: usize) -> Finding {
        let message = format!("{} files of a package manager's cache, {} bytes", self.files, self.bytes);
        let remedy =
            "clean the cache in the RUN that fills it, or keep it out of the layer (RUN --mount=type=cache)";
        Finding::new(message, remedy)
            .path(cache)
            .layer(layer)
            .evidence("files", self.files)
            .evidence("bytes", self.bytes)
    }
}

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let base_layers = facts.base.base_layers();
    for reading in &rootfs.readings {
        let mut kept: BTreeMap<(ImagePath, usize), Kept> = BTreeMap::new();
        for (path, cache) in caches_of(&reading.effective) {
            for file in files_below(cache) {
                let layer = file.origin().layer();
                if layer >= base_layers && counts(file.name(), file.inode().size) {
                    kept.entry((path.clone(), layer)).or_default().add(file.inode().size);
                }
            }
        }
        findings.extend(kept.iter().map(|((path, layer), kept)| kept.tell(path, *layer)))?;
    }
    deleted_again(facts, &mut findings)?;
    Ok(Judgement::of(findings))
}

/// What a later layer took away: it is not in the tree, and still in the image.
fn deleted_again(facts: &Facts, findings: &mut Findings<'_>) -> Result<(), Full> {
    let trees: Vec<_> = facts.rootfs.iter().flat_map(|rootfs| &rootfs.readings).collect();
    for layer in facts.upper_contents() {
        let mut kept: BTreeMap<ImagePath, Kept> = BTreeMap::new();
        for entry in facts.entries(layer).iter().filter(|entry| entry.kind == EntryKind::File) {
            let Some(cache) = cache_of(&entry.path) else { continue };
            let is_there = trees.iter().any(|reading| reading.effective.get(&entry.path).is_some());
            if !is_there && counts(entry.path.file_name(), entry.size) {
                kept.entry(cache).or_default().add(entry.size);
            }
        }
        findings.extend(kept.iter().map(|(path, kept)| kept.tell(path, layer).not_effective()))?;
    }
    Ok(())
}

fn counts(name: &[u8], size: u64) -> bool {
    size > 0 && !name.starts_with(b".wh.") && !LEFT_WHEN_CLEAN.iter().any(|end| name.ends_with(end))
}

/// The cache that a path lies below.
fn cache_of(path: &ImagePath) -> Option<ImagePath> {
    CACHES.iter().find_map(|cache| {
        let mut parts = path.parts();
        let mut found = ImagePath::root();
        for wanted in cache.split('/') {
            let part = parts.next().filter(|part| wanted == "*" || *part == wanted.as_bytes())?;
            found = found.join(part);
        }
        parts.next().map(|_| found)
    })
}

/// The caches that a tree has.
fn caches_of(tree: &Tree) -> Vec<(ImagePath, NodeRef<'_>)> {
    let mut caches = Vec::new();
    for cache in CACHES {
        let paths = match cache.split_once("/*/") {
            None => vec![ImagePath::new(cache)],
            Some((above, below)) => {
                let above = ImagePath::new(above);
                let names = tree.get(&above).into_iter().flat_map(NodeRef::children).map(NodeRef::name);
                names
                    .map(|name| {
                        ImagePath::new([above.join(name).as_bytes(), b"/", below.as_bytes()].concat())
                    })
                    .collect()
            }
        };
        caches.extend(paths.into_iter().filter_map(|path| Some((path.clone(), tree.get(&path)?))));
    }
    caches
}

fn files_below(directory: NodeRef<'_>) -> Vec<NodeRef<'_>> {
    let (mut files, mut pending) = (Vec::new(), vec![directory]);
    while let Some(node) = pending.pop() {
        if node.inode().kind == EntryKind::File {
            files.push(node);
        }
        pending.extend(node.children());
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_lies_below_its_cache() {
        for (path, cache) in [
            ("var/lib/apt/lists/deb_x", Some("var/lib/apt/lists")),
            ("home/app/.cache/pip/http/a", Some("home/app/.cache/pip")),
            ("var/lib/apt/lists", None),
            ("var/lib/apt/listsx/a", None),
            ("srv/var/cache/apk/a", None),
        ] {
            assert_eq!(cache_of(&ImagePath::new(path)), cache.map(ImagePath::new), "{path}");
        }
    }

    #[test]
    fn what_remains_of_a_clean_cache_does_not_count() {
        assert!(counts(b"APKINDEX.tar.gz", 1));
        assert!(!counts(b"lock", 1) && !counts(b"empty", 0) && !counts(b".wh.x", 1));
    }
}
