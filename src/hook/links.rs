//! Where names lead in a commit. Git tells which files are changed by the names that they have there, so it is the
//! symlinks of the commit that count: the work tree may be another branch's, and has symlinks that no commit has.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Result;
use crate::limits::HOOK_LINKS;

/// Where a name leads in a commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Way {
    /// All that is gone through, each by its path without symlinks, and the symlinks themselves. Where another commit has
    /// the same symlinks among these, the name leads to the same place there.
    pub(super) through: BTreeSet<Vec<u8>>,
    /// The path without symlinks, whether something is there or not.
    pub(super) end: Vec<u8>,
}

/// The symlinks of a commit, as far as they were asked for.
#[derive(Debug)]
pub(super) struct Links<F> {
    /// Which of some names are symlinks, and where each leads, as it is written; `None` where that is not known.
    ask: F,
    /// The same of each name that was asked for.
    known: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<F> Links<F>
where
    F: Fn(&[Vec<u8>]) -> Result<Option<BTreeMap<Vec<u8>, Vec<u8>>>>,
{
    /// Those on the way to these names, asked for at once; `None` where that is not known.
    ///
    /// # Errors
    /// They cannot be asked for.
    pub(super) fn new<'n>(ask: F, names: impl Iterator<Item = &'n str>) -> Result<Option<Self>> {
        let mut links = Self { ask, known: BTreeMap::new() };
        let names = names.flat_map(|name| ahead(&[], name.as_bytes().split(is_slash))).collect();
        Ok(links.learn(names)?.map(|()| links))
    }

    /// Where a name leads; `None` where that is not known, where it leaves the repository, and beyond [`HOOK_LINKS`].
    ///
    /// # Errors
    /// Symlinks cannot be asked for.
    pub(super) fn follow(&mut self, name: &str) -> Result<Option<Way>> {
        // The parts that are still to go, the last first.
        let mut left: Vec<_> = name.as_bytes().rsplit(is_slash).map(<[u8]>::to_vec).collect();
        let (mut way, mut turns) = (Way::default(), 0);
        while let Some(part) = left.pop() {
            if matches!(part.as_slice(), b"" | b".") {
                continue;
            }
            if part == b".." {
                // Of what is no symlink: what is above is what was gone through.
                let Some(above) = above(&way.end) else { return Ok(None) };
                way.end.truncate(above);
                continue;
            }
            let name = below(&way.end, &part);
            way.through.insert(name.clone());
            if !self.known.contains_key(&name) {
                turns += 1;
                left.push(part);
                let names = ahead(&way.end, left.iter().rev().map(Vec::as_slice));
                left.pop();
                let Some(()) = self.learn(names)? else { return Ok(None) };
            }
            match self.known.get(&name).and_then(Option::as_ref) {
                None => way.end = name,
                Some(target) if !stays(target) => return Ok(None),
                Some(target) => {
                    turns += 1;
                    left.extend(target.rsplit(is_slash).map(<[u8]>::to_vec));
                }
            }
            if turns > HOOK_LINKS {
                return Ok(None);
            }
        }
        Ok(Some(way))
    }

    fn learn(&mut self, mut names: BTreeSet<Vec<u8>>) -> Result<Option<()>> {
        names.retain(|name| !self.known.contains_key(name));
        let names: Vec<_> = names.into_iter().collect();
        let Some(mut symlinks) = (self.ask)(&names)? else { return Ok(None) };
        self.known.extend(names.into_iter().map(|name| {
            let target = symlinks.remove(&name);
            (name, target)
        }));
        Ok(Some(()))
    }
}

/// Whether where a symlink leads is written relative to it. A text that no system takes for a path leads nowhere known.
fn stays(target: &[u8]) -> bool {
    !target.is_empty() && !target.starts_with(b"/") && !target.contains(&0)
}

/// The names on the way from a directory, up to where it turns back: what is above is known when it is there.
fn ahead<'p>(directory: &[u8], parts: impl Iterator<Item = &'p [u8]>) -> BTreeSet<Vec<u8>> {
    let (mut names, mut at) = (BTreeSet::new(), directory.to_vec());
    for part in parts {
        match part {
            b"" | b"." => {}
            b".." => break,
            part => {
                at = below(&at, part);
                names.insert(at.clone());
            }
        }
    }
    names
}

/// The path of a name in a directory.
fn below(directory: &[u8], name: &[u8]) -> Vec<u8> {
    if directory.is_empty() { name.to_vec() } else { [directory, b"/", name].concat() }
}

/// How long the path of the directory is that a path is in; `None` for the top.
fn above(path: &[u8]) -> Option<usize> {
    (!path.is_empty()).then(|| path.iter().rposition(|byte| *byte == b'/').unwrap_or_default())
}

fn is_slash(byte: &u8) -> bool {
    *byte == b'/'
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Where a name leads, and what it goes through, among these symlinks; with how often they were asked for.
    fn followed(symlinks: &[(&str, &str)], name: &str) -> (Option<(String, Vec<String>)>, usize) {
        let asked = Cell::new(0);
        let ask = |names: &[Vec<u8>]| {
            asked.set(asked.get() + 1);
            let of = |name: &str| names.iter().any(|asked| asked == name.as_bytes());
            let of_these = symlinks.iter().filter(|(name, _)| of(name));
            Ok(Some(
                of_these
                    .map(|(name, target)| (name.as_bytes().to_vec(), target.as_bytes().to_vec()))
                    .collect(),
            ))
        };
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let way = Links::new(ask, std::iter::once(name)).unwrap().unwrap().follow(name).unwrap();
        (way.map(|way| (text(way.end), way.through.into_iter().map(text).collect())), asked.get())
    }

    #[test]
    fn names_lead_where_symlinks_have_them_lead() {
        for (name, symlinks, end, through) in [
            ("a/b", &[][..], "a/b", &["a", "a/b"][..]),
            ("a/b", &[("a", "c")], "c/b", &["a", "c", "c/b"]),
            ("a", &[("a", "b/c")], "b/c", &["a", "b", "b/c"]),
            ("a/b", &[("a/b", "../c/./d//")], "c/d", &["a", "a/b", "c", "c/d"]),
            ("a/b", &[("a", "."), ("b", "c")], "c", &["a", "b", "c"]),
            // Above is where the symlink leads, and not where it is.
            ("a/../x", &[("a", "b/c")], "b/x", &["a", "b", "b/c", "b/x"]),
            ("a", &[("a", "b/../c"), ("b", "d/e")], "d/c", &["a", "b", "d", "d/c", "d/e"]),
            ("a/b", &[("a", "c"), ("c", "d"), ("d/b", "e")], "d/e", &["a", "c", "d", "d/b", "d/e"]),
            ("a", &[("a", "*/\n")], "*/\n", &["*", "*/\n", "a"]),
            ("a/b/..", &[], "a", &["a", "a/b"]),
        ] {
            let (way, _) = followed(symlinks, name);
            let through = through.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(way, Some((end.to_owned(), through)), "{name} {symlinks:?}");
        }
    }

    #[test]
    fn what_leaves_the_repository_leads_nowhere_known() {
        for (name, symlinks) in [
            ("a", &[("a", "/etc")][..]),
            ("a/b", &[("a", "..")]),
            ("a", &[("a", "b/../../c")]),
            ("a/b", &[("a/b", "../../c")]),
            ("a", &[("a", "")]),
            ("a", &[("a", "b\0c")]),
            ("a", &[("a", "a")]),
            ("a", &[("a", "b"), ("b", "a/x")]),
        ] {
            assert_eq!(followed(symlinks, name).0, None, "{name} {symlinks:?}");
        }
    }

    #[test]
    fn symlinks_are_followed_up_to_hook_links() {
        let way = |number: usize| {
            let links: Vec<_> = (0..number).map(|at| (format!("l{at}"), format!("l{}", at + 1))).collect();
            // With one more name to ask for each time, half as many.
            let links: Vec<_> = links.iter().map(|(name, target)| (name.as_str(), target.as_str())).collect();
            followed(&links, "l0").0
        };
        assert_eq!(way(HOOK_LINKS / 2).unwrap().0, format!("l{}", HOOK_LINKS / 2));
        assert_eq!(way(HOOK_LINKS / 2 + 1), None);
    }

    #[test]
    fn what_is_on_the_way_is_asked_for_at_once() {
        assert_eq!(followed(&[], "a/b/c/d/e").1, 1);
        assert_eq!(followed(&[("a", "x/y/z")], "a/b/c/d/e").1, 2);
        assert_eq!(followed(&[("a", "../x")], "a/b").0, None);
        assert_eq!(followed(&[("a/b", "../x/y")], "a/b/c").1, 2);
    }

    #[test]
    fn what_is_not_told_is_not_known() {
        let told = |number| {
            let left = Cell::new(number);
            let ask = |_: &[Vec<u8>]| {
                left.set(left.get() - 1);
                Ok((left.get() >= 0).then(|| BTreeMap::from([(b"a".to_vec(), b"b".to_vec())])))
            };
            Links::new(ask, std::iter::once("a")).unwrap().and_then(|mut links| links.follow("a").unwrap())
        };
        assert!(told(0).is_none() && told(1).is_none());
        assert_eq!(told(2).unwrap().end, b"b");
    }
}
