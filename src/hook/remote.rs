//! What a remote has, as far as is known here: the branches of it that were fetched, by its refspecs (git-fetch(1),
//! "CONFIGURED REMOTE-TRACKING BRANCHES").

use std::collections::BTreeSet;
use std::ffi::OsStr;

use super::Repository;
use crate::error::Result;

/// Where is pushed to, as git gives it to a pre-push hook.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Destination<'a> {
    /// The remote's name, or the address where it has none.
    pub(crate) remote: Option<&'a OsStr>,
    /// The address.
    pub(crate) url: Option<&'a OsStr>,
}

/// The ids of what is at the branches of a remote; `None` where nothing is known of it. It does not have the refs that are
/// `absent`, so where one is kept of it here, what is kept is of another time or of another address.
///
/// # Errors
/// Git cannot be asked.
pub(super) fn known(
    repository: &Repository,
    destination: Destination<'_>,
    absent: &BTreeSet<&[u8]>,
) -> Result<Option<Vec<String>>> {
    let Destination { remote: Some(remote), url: Some(url) } = destination else { return Ok(None) };
    // What is fetched from one place says nothing of another: pushurl and pushInsteadOf lead there.
    if repository.fetched_from(remote)?.is_none_or(|fetched| fetched != url.as_encoded_bytes()) {
        return Ok(None);
    }
    let (Some(told), Some(refs)) = (repository.refspecs()?, repository.remote_refs()?) else {
        return Ok(None);
    };
    let Some(refspecs) = refspecs(&told) else { return Ok(None) };
    Ok(branches(&refspecs, remote.as_encoded_bytes(), &refs, absent))
}

/// The ids of those refs that are branches of a remote; each ref is told as its id, a space, and its name. `None` where one
/// is of a branch that is absent.
fn branches(
    refspecs: &[Refspec<'_>],
    remote: &[u8],
    refs: &[u8],
    absent: &BTreeSet<&[u8]>,
) -> Option<Vec<String>> {
    let mut ids = Vec::new();
    for line in refs.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let (id, name) = halves(line, b' ')?;
        if is_branch_of(refspecs, remote, name) {
            let mut sources = refspecs.iter().filter_map(|refspec| refspec.source_of(name));
            if sources.any(|source| absent.contains(source.as_slice())) {
                return None;
            }
            ids.push(std::str::from_utf8(id).ok()?.to_owned());
        }
    }
    Some(ids)
}

/// What a remote is set to fetch, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Refspec<'a> {
    /// The name of the remote.
    remote: &'a [u8],
    /// A ref of the remote's, with one `*` or none.
    source: &'a [u8],
    kind: Kind<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind<'a> {
    /// Kept as this ref, with a `*` where the source has one.
    Kept(&'a [u8]),
    /// Fetched, and kept by no name.
    Unnamed,
    /// Not fetched, whatever the others say.
    Excluded,
}

/// Reads settings of `remote.<name>.fetch`: each its key, a line feed and its value, with a NUL behind it. `None` for
/// what git would not take either.
fn refspecs(told: &[u8]) -> Option<Vec<Refspec<'_>>> {
    let settings = told.split(|byte| *byte == 0).filter(|setting| !setting.is_empty());
    settings.map(refspec).collect()
}

fn refspec(setting: &[u8]) -> Option<Refspec<'_>> {
    let (key, value) = halves(setting, b'\n')?;
    let remote = key.strip_prefix(b"remote.")?.strip_suffix(b".fetch")?;
    if let Some(source) = value.strip_prefix(b"^") {
        return Some(Refspec { remote, source, kind: Kind::Excluded });
    }
    let value = value.strip_prefix(b"+").unwrap_or(value);
    let (source, kept) = halves(value, b':').unwrap_or((value, b""));
    let kind = if kept.is_empty() { Kind::Unnamed } else { Kind::Kept(kept) };
    Some(Refspec { remote, source, kind })
}

/// Whether a ref can be nothing but a branch of the remote.
fn is_branch_of(refspecs: &[Refspec<'_>], remote: &[u8], name: &[u8]) -> bool {
    // Where else one keeps them, one may work on them.
    if !name.starts_with(b"refs/remotes/") {
        return false;
    }
    let excluded = |of: &[u8], source: &[u8]| {
        let mut excluding =
            refspecs.iter().filter(|refspec| refspec.remote == of && refspec.kind == Kind::Excluded);
        excluding.any(|refspec| middle(refspec.source, source).is_some())
    };
    let sources = refspecs.iter().filter_map(|refspec| Some((refspec.remote, refspec.source_of(name)?)));
    let mut sources = sources.filter(|(of, source)| !excluded(of, source)).peekable();
    sources.peek().is_some() && sources.all(|(of, source)| of == remote && source.starts_with(b"refs/heads/"))
}

impl Refspec<'_> {
    /// What the remote has that is kept as a ref.
    fn source_of(&self, name: &[u8]) -> Option<Vec<u8>> {
        let Kind::Kept(kept) = self.kind else { return None };
        let middle = middle(&full(kept), name)?.to_vec();
        match halves(self.source, b'*') {
            Some((before, behind)) => Some([before, &middle, behind].concat()),
            None => Some(self.source.to_vec()),
        }
    }
}

/// The name of a ref, of which git takes the beginning for granted.
fn full(name: &[u8]) -> Vec<u8> {
    let starts = |beginnings: &[&[u8]]| beginnings.iter().any(|beginning| name.starts_with(beginning));
    let before: &[u8] = match () {
        () if starts(&[b"refs/"]) => b"",
        () if starts(&[b"heads/", b"tags/", b"remotes/"]) => b"refs/",
        () => b"refs/heads/",
    };
    [before, name].concat()
}

/// What the `*` of a pattern stands for in a name, slashes too; nothing where it has none and is the name.
fn middle<'n>(pattern: &[u8], name: &'n [u8]) -> Option<&'n [u8]> {
    match halves(pattern, b'*') {
        Some((before, behind)) => name.strip_prefix(before)?.strip_suffix(behind),
        None => (pattern == name).then_some(b""),
    }
}

/// What is before the first of a byte, and what is behind it.
fn halves(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (before, behind) = bytes.split_at_checked(bytes.iter().position(|byte| *byte == at)?)?;
    Some((before, behind.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a ref is a branch of `origin`, by these refspecs of remotes.
    fn is_branch(settings: &[(&str, &str)], name: &str) -> bool {
        let told: String =
            settings.iter().map(|(remote, value)| format!("remote.{remote}.fetch\n{value}\0")).collect();
        is_branch_of(&refspecs(told.as_bytes()).unwrap(), b"origin", name.as_bytes())
    }

    const USUAL: (&str, &str) = ("origin", "+refs/heads/*:refs/remotes/origin/*");

    #[test]
    fn branches_of_a_remote_are_where_its_refspecs_put_them() {
        for (settings, name, is) in [
            (&[USUAL][..], "refs/remotes/origin/main", true),
            (&[USUAL], "refs/remotes/origin/a/b", true),
            (&[USUAL], "refs/remotes/origins/main", false),
            (&[USUAL], "refs/tags/v1", false),
            (&[], "refs/remotes/origin/main", false),
            (&[("other", "+refs/heads/*:refs/remotes/other/*")], "refs/remotes/other/main", false),
            (&[("origin", "refs/heads/r-*:refs/remotes/x/*-r")], "refs/remotes/x/1-r", true),
            (&[("origin", "refs/heads/r-*:refs/remotes/x/*-r")], "refs/remotes/x/1", false),
            (&[("origin", "refs/heads/a:refs/remotes/x/b")], "refs/remotes/x/b", true),
            (&[("origin", "refs/*:refs/remotes/x/*")], "refs/remotes/x/heads/a", true),
            (&[("origin", "refs/*:refs/remotes/x/*")], "refs/remotes/x/pull/1/head", false),
            // What a remote means by a name that is not whole, it decides.
            (&[("origin", "a:refs/remotes/x/a")], "refs/remotes/x/a", false),
            (&[("origin", ":refs/remotes/x/a")], "refs/remotes/x/a", false),
            (&[("origin", "refs/heads/*")], "refs/remotes/origin/a", false),
            (&[("origin", "refs/heads/a:")], "refs/remotes/origin/a", false),
            // One's own branches are not a record of the remote's.
            (&[("origin", "refs/heads/*:refs/heads/*")], "refs/heads/main", false),
            (&[("origin", "+refs/*:refs/*")], "refs/heads/main", false),
        ] {
            assert_eq!(is_branch(settings, name), is, "{settings:?} {name}");
        }
    }

    #[test]
    fn what_may_be_something_else_is_no_branch() {
        let name = "refs/remotes/origin/a/b";
        for (setting, is) in [
            (("origin/a", "+refs/heads/*:refs/remotes/origin/a/*"), false),
            (("origin", "+refs/pull/*/head:refs/remotes/origin/a/*"), false),
            (("origin", "refs/pull/1/head:remotes/origin/a/b"), false),
            (("origin", "b:remotes/origin/a/b"), false),
            (("mirror", "+refs/*:refs/*"), false),
            (("origin", "^refs/heads/a/*"), false),
            (("origin", "^refs/heads/a/b"), false),
            (("origin", "^refs/heads/a"), true),
            (("other", "^refs/heads/a/*"), true),
            (("origin", "+refs/heads/a/*:refs/remotes/origin/a/*"), true),
            (("other", "+refs/heads/*:refs/remotes/other/*"), true),
            (("other", "b:origin/a/b"), true),
        ] {
            assert_eq!(is_branch(&[USUAL, setting], name), is, "{setting:?}");
        }
        // What another remote does not fetch, it does not keep either.
        let others = [USUAL, ("x", "+refs/*:refs/remotes/origin/*"), ("x", "^refs/a/*")];
        assert!(is_branch(&others, name));
        assert!(!is_branch(&others, "refs/remotes/origin/c"));
    }

    #[test]
    fn what_is_no_setting_is_not_known() {
        for told in ["remote.origin.fetch\0", "remote.fetch\nx\0", "other.origin.fetch\nx\0"] {
            assert_eq!(refspecs(told.as_bytes()), None, "{told:?}");
        }
        let settings = b"remote.a.fetch.b.fetch\n^x\0remote.a.fetch\nx:\0";
        let kinds: Vec<_> = refspecs(settings).unwrap().iter().map(|read| (read.remote, read.kind)).collect();
        assert_eq!(kinds, [(&b"a.fetch.b"[..], Kind::Excluded), (b"a", Kind::Unnamed)]);
    }

    #[test]
    fn refs_are_read_as_they_are_asked_for() {
        let refspecs = refspecs(b"remote.origin.fetch\n+refs/heads/*:refs/remotes/origin/*\0").unwrap();
        let absent = BTreeSet::from([&b"refs/heads/gone"[..]]);
        let of = |refs: &str| branches(&refspecs, b"origin", refs.as_bytes(), &absent);
        assert_eq!(of(""), Some(vec![]));
        assert_eq!(of("1 refs/remotes/origin/a\n2 refs/remotes/x/a\n"), Some(vec!["1".to_owned()]));
        assert_eq!(of("refs/remotes/origin/a\n"), None);
        assert_eq!(of("1 refs/remotes/origin/a\n2 refs/remotes/origin/gone\n"), None);
    }
}
