//! Who becomes root without being asked: accounts, sudo, doas and the dynamic linker, as their files
//! say it in the effective tree and not in the base.

pub(super) mod account_no_password;
pub(super) mod account_uid_zero;
mod cursor;
mod doas;
pub(super) mod ld_so_preload;
mod sudo;
mod sudo_aliases;
mod sudo_defaults;
mod sudo_files;
mod sudo_lexer;
pub(super) mod sudo_nopasswd;
mod sudo_patterns;
mod sudo_records;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::findings::{Findings, UpTo};
use super::quote::{line, quoted};
use super::rule::{Finding, Judged, Judgement};
use crate::digest::Sha256;
use crate::error::Error;
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::rootfs::Tree;

/// What the base must say too for a fault to be the base's: half of its SHA-256, for a file may have millions of
/// such lines.
type Key = [u8; 16];

fn key(text: &[u8]) -> Key {
    let mut hasher = Sha256::default();
    hasher.update(text);
    hasher.finish().first_chunk().copied().unwrap_or_default()
}

/// A line that says what it should not. None is kept: it is told, or gone.
struct Fault<'a> {
    /// That of the line, whatever file it is in; and of what the line means, where other lines say that.
    key: Key,
    /// The line, or what of it counts.
    text: &'a [u8],
    /// Its number, from 1, where it is told.
    line: usize,
    /// What to say of it, by text and line; path and layer are added.
    tell: fn(&[u8], usize) -> Finding,
    /// What to say besides where the base has the line, and it means something else there.
    redefined: Option<&'a dyn Fn(Finding) -> Finding>,
}

impl<'a> Fault<'a> {
    fn new(text: &'a [u8], line: usize, tell: fn(&[u8], usize) -> Finding) -> Self {
        Self { key: key(text), text, line, tell, redefined: None }
    }

    fn finding(&self) -> Finding {
        (self.tell)(self.text, self.line)
    }
}

/// What is done with each fault of a file.
type Each<'a> = dyn FnMut(Fault<'_>) + 'a;

/// What is done with each fault of a tree, and the path of its file.
type Visit<'a> = dyn FnMut(&ImagePath, Fault<'_>) + 'a;

/// A line of sudoers or doas.conf.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    /// Number of its first line, from 1.
    number: usize,
    /// The line, continuations joined.
    text: Vec<u8>,
}

/// Visits the faults of a tree's file, symlinks followed. Says why not all could be looked at.
fn visit_file(
    facts: &Facts,
    tree: &Tree,
    path: &str,
    visit: &mut Visit<'_>,
    faults_of: impl Fn(&[u8], &mut Each<'_>) -> Option<String>,
) -> Option<String> {
    visit_content(facts.file_content(tree, path), &ImagePath::new(path), visit, faults_of)
}

/// Visits the faults of a file by its content.
fn visit_content(
    content: Result<Option<Arc<[u8]>>, String>,
    path: &ImagePath,
    visit: &mut Visit<'_>,
    faults_of: impl Fn(&[u8], &mut Each<'_>) -> Option<String>,
) -> Option<String> {
    match content {
        Ok(Some(content)) => {
            let reason = faults_of(&content, &mut |fault| visit(path, fault));
            reason.map(|reason| format!("{path}: {reason}"))
        }
        Ok(None) => None,
        Err(reason) => Some(reason),
    }
}

/// Finds the faults of every reading that its base does not have, and those of files that a later
/// layer replaced (`in_file`, by layer and entry, and by the path of the entry). Either says why it could not look at
/// all.
fn judge(
    facts: &Facts,
    mut findings: Findings<'_>,
    in_tree: impl Fn(&Tree, &mut Visit<'_>) -> Option<String>,
    in_file: impl Fn((usize, usize), &ImagePath, &[u8], &mut Each<'_>) -> Option<String>,
) -> Judged {
    let rootfs = match &facts.rootfs {
        Ok(rootfs) => rootfs,
        Err(reason) => return Ok(Judgement::not_evaluated(reason.clone())),
    };
    let mut told = UpTo::new(&mut findings, limits::LINE_FINDINGS);
    let (mut unread, mut full) = (None, None);
    // Lines of any tree, whatever they mean there.
    let mut known = BTreeSet::new();
    for reading in &rootfs.readings {
        // Where the base's file cannot be read, all that is there counts as new.
        let (mut base, mut base_lines) = (BTreeSet::new(), BTreeSet::new());
        in_tree(&reading.base, &mut |_, fault| {
            base.insert(fault.key);
            if fault.redefined.is_some() {
                base_lines.insert(key(fault.text));
            }
            known.insert(key(fault.text));
        });
        let reason = in_tree(&reading.effective, &mut |path, fault| {
            let line = key(fault.text);
            known.insert(line);
            if full.is_some() || base.contains(&fault.key) {
                return;
            }
            let tell = || {
                let mut finding = fault.finding().path(path);
                let found = reading.effective.resolve(path);
                finding.layer = found.map(|found| found.node.inode().origin.layer()).ok();
                match fault.redefined.filter(|_| base_lines.contains(&line)) {
                    Some(redefined) => redefined(finding),
                    None => finding,
                }
            };
            full = told.add(tell).err();
        });
        unread = reason.or(unread);
    }
    for layer in facts.upper_contents() {
        for (number, entry) in facts.entries(layer).iter().enumerate() {
            if full.is_some() || told.are_more() {
                break;
            }
            let Some(content) = facts.entry_content(layer, number) else { continue };
            let reason = in_file((layer, number), &entry.path, &content, &mut |fault| {
                // What is not told is not kept.
                let is_new = full.is_none() && !told.are_more() && known.insert(fault.key);
                if is_new {
                    let tell = || fault.finding().path(&entry.path).layer(layer).not_effective();
                    full = told.add(tell).err();
                }
            });
            unread = unread.or(reason);
        }
    }
    if let Some(full) = full {
        return Err(full);
    }
    let too_many =
        told.are_more().then(|| format!("there are more than {} (LINE_FINDINGS)", limits::LINE_FINDINGS));
    Ok(Judgement::of(findings).incomplete(unread.or(too_many)))
}

/// The lines of an account file with their numbers, from 1; without empty ones and comments. Says why not all were
/// looked at.
///
/// glibc passes comments over. The runtimes do not know them, and take one for an account that no one
/// can log in to; who runs an image as such an account is told by `user-root`.
fn each_line(content: &[u8], mut each: impl FnMut(usize, &[u8])) -> Option<String> {
    let numbered = content.split(|byte| *byte == b'\n').enumerate();
    let lines = numbered.map(|(index, line)| (index + 1, line.trim_ascii()));
    let mut seen = 0;
    for (number, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with(b"#")) {
        seen += 1;
        if seen > limits::ACCOUNT_LINES {
            let limit = Error::limit("the number of lines", "ACCOUNT_LINES", limits::ACCOUNT_LINES);
            return Some(limit.to_string());
        }
        each(number, line);
    }
    None
}

/// The findings of a file's faults.
#[cfg(test)]
fn told_of(faults_of: impl Fn(&[u8], &mut Each<'_>) -> Option<String>, content: &[u8]) -> Vec<Finding> {
    let mut told = Vec::new();
    assert_eq!(faults_of(content, &mut |fault| told.push(fault.finding())), None);
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_account_files_are_held_to_account_lines() {
        let looked_at = |count: u64| {
            let mut seen = 0;
            let file = "a\n".repeat(count as usize) + "\n# no account\n";
            let reason = each_line(file.as_bytes(), |_, _| seen += 1);
            (seen, reason)
        };
        assert_eq!(looked_at(limits::ACCOUNT_LINES), (limits::ACCOUNT_LINES, None));
        let (seen, reason) = looked_at(limits::ACCOUNT_LINES + 1);
        assert!(reason.is_some_and(|reason| reason.contains("ACCOUNT_LINES")));
        assert_eq!(seen, limits::ACCOUNT_LINES);
    }
}
