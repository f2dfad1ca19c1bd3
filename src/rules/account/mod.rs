//! Who becomes root without being asked: accounts, sudo, doas and the dynamic linker, as their files
//! say it in the effective tree and not in the base.

pub(super) mod account_no_password;
pub(super) mod account_uid_zero;
mod cursor;
mod doas;
pub(super) mod ld_so_preload;
mod sudo;
mod sudo_files;
mod sudo_lexer;
pub(super) mod sudo_nopasswd;
mod sudo_patterns;

use std::collections::BTreeSet;

use super::findings::{Findings, UpTo};
use super::rule::{Finding, Judged, Judgement};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::Tree;

/// A line that says what it should not.
struct Fault {
    /// What the base must say too for it to be the base's: the line, whatever file it is in.
    key: Vec<u8>,
    /// Its number, from 1, where it is told.
    line: usize,
    /// What to say of it, by key and line; path and layer are added. Files may have millions of faults, of
    /// which few are told.
    tell: fn(&[u8], usize) -> Finding,
}

impl Fault {
    fn finding(&self) -> Finding {
        (self.tell)(&self.key, self.line)
    }
}

/// A line of sudoers or doas.conf that asks for no password.
#[derive(Debug, PartialEq, Eq)]
struct Open {
    /// Number of its first line, from 1.
    line: usize,
    /// The line, continuations joined.
    text: Vec<u8>,
}

/// What the files of one tree say.
#[derive(Default)]
struct Found {
    /// Each with the path of its file.
    faults: Vec<(ImagePath, Fault)>,
    /// Why not all could be looked at.
    unread: Option<String>,
}

impl Found {
    /// The faults of one file, symlinks followed.
    fn add_file(
        &mut self,
        facts: &Facts,
        tree: &Tree,
        path: impl AsRef<[u8]>,
        faults_of: impl Fn(&[u8]) -> Vec<Fault>,
    ) {
        let path = ImagePath::new(path);
        match facts.file_content(tree, path.as_bytes()) {
            Ok(Some(content)) => {
                self.faults.extend(faults_of(&content).into_iter().map(|fault| (path.clone(), fault)));
            }
            Ok(None) => {}
            Err(reason) => self.unread = Some(reason),
        }
    }
}

/// Finds the faults of every reading that its base does not have, and those of files that a later
/// layer replaced (`in_file`, by the path of an entry).
fn judge(
    facts: &Facts,
    mut findings: Findings<'_>,
    in_tree: impl Fn(&Tree) -> Found,
    in_file: impl Fn(&ImagePath, &[u8]) -> Vec<Fault>,
) -> Judged {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let mut told = UpTo::new(&mut findings, limits::LINE_FINDINGS);
    let mut unread = None;
    let mut known = BTreeSet::new();
    for reading in &rootfs.readings {
        // Where the base's file cannot be read, all that is there counts as new.
        let base: BTreeSet<_> =
            in_tree(&reading.base).faults.into_iter().map(|(_, fault)| fault.key).collect();
        let found = in_tree(&reading.effective);
        unread = found.unread.or(unread);
        for (path, fault) in found.faults {
            if !base.contains(&fault.key) {
                told.add(|| {
                    let found = reading.effective.resolve(&path);
                    let mut finding = fault.finding().path(&path);
                    finding.layer = found.map(|found| found.node.inode().origin.layer()).ok();
                    finding
                })?;
            }
            known.insert(fault.key);
        }
        known.extend(base);
    }
    for layer in facts.upper_contents() {
        for (number, entry) in facts.entries(layer).iter().enumerate() {
            let Some(content) = facts.entry_content(layer, number) else { continue };
            for fault in in_file(&entry.path, &content) {
                if !known.contains(&fault.key) {
                    told.add(|| fault.finding().path(&entry.path).layer(layer).not_effective())?;
                    known.insert(fault.key);
                }
            }
        }
    }
    let too_many =
        told.are_more().then(|| format!("there are more than {} (LINE_FINDINGS)", limits::LINE_FINDINGS));
    Ok(Judgement::of(findings).incomplete(unread.or(too_many)))
}

/// The lines of an account file with their numbers, from 1; without empty ones and comments.
///
/// glibc passes comments over. The runtimes do not know them, and take one for an account that no one
/// can log in to; who runs an image as such an account is told by `user-root`.
fn lines(content: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let numbered = content.split(|byte| *byte == b'\n').enumerate();
    let lines = numbered.map(|(index, line)| (index + 1, line.trim_ascii()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#"))
}

/// What is quoted of a line: hostile ones are megabytes long.
fn quoted(text: &[u8]) -> String {
    const SHOWN: usize = 200;
    let shown = crate::model::escape::escape_bytes(text.get(..SHOWN).unwrap_or(text));
    if text.len() > SHOWN { format!("{shown}…") } else { shown }
}
