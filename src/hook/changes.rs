//! The files that differ between commits, as `git diff-tree --raw -z` tells them (git-diff-tree(1), "RAW OUTPUT
//! FORMAT").

/// The mode of a commit of another repository: a submodule.
const SUBMODULE: &[u8] = b"160000";
const SYMLINK: &[u8] = b"120000";

/// A file that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change<'a> {
    /// Its path from the top, as it is.
    pub(super) name: &'a [u8],
    /// Its modes, before and after.
    modes: [&'a [u8]; 2],
}

impl Change<'_> {
    /// The same of a file of another name.
    pub(super) fn named<'n>(&self, name: &'n [u8]) -> Change<'n>
    where
        Self: 'n,
    {
        Change { name, modes: self.modes }
    }

    /// Whether it is or was a submodule, of whose files git tells nothing.
    pub(super) fn is_submodule(&self) -> bool {
        self.modes.contains(&SUBMODULE)
    }

    /// Whether it is or was a symlink.
    pub(super) fn is_symlink(&self) -> bool {
        self.modes.contains(&SYMLINK)
    }
}

/// Reads what git tells; `None` for what is nothing of the kind.
pub(super) fn changes(told: &[u8]) -> Option<Vec<Change<'_>>> {
    if told.is_empty() {
        return Some(Vec::new());
    }
    let fields: Vec<_> = told.strip_suffix(b"\0")?.split(|byte| *byte == 0).collect();
    let (pairs, rest) = fields.as_chunks();
    rest.is_empty().then_some(())?;
    pairs.iter().map(|[modes, name]| change(modes, name)).collect()
}

/// `:<mode> <mode> <id> <id> <status>`, and the name.
fn change<'a>(told: &'a [u8], name: &'a [u8]) -> Option<Change<'a>> {
    let mut fields = told.strip_prefix(b":")?.split(|byte| *byte == b' ');
    let modes = [fields.next()?, fields.next()?];
    let are_modes = modes.iter().all(|mode| mode.len() == 6 && mode.iter().all(u8::is_ascii_digit));
    let is_whole = fields.count() == 3 && !name.is_empty();
    (are_modes && is_whole).then_some(Change { name, modes })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// What git tells of a file by these modes.
    pub(in super::super) fn told(old: &str, new: &str, name: &str) -> Vec<u8> {
        let id = "a".repeat(40);
        format!(":{old} {new} {id} {id} M\0{name}\0").into_bytes()
    }

    #[test]
    fn what_git_tells_is_read_as_it_is() {
        let all = [
            told("100644", "100755", "a\nb c"),
            told("160000", "000000", "sub"),
            told("100644", "120000", "l"),
        ]
        .concat();
        let all = changes(&all).unwrap();
        let names: Vec<_> = all.iter().map(|change| change.name).collect();
        assert_eq!(names, [&b"a\nb c"[..], b"sub", b"l"]);
        let kinds: Vec<_> = all.iter().map(|change| (change.is_submodule(), change.is_symlink())).collect();
        assert_eq!(kinds, [(false, false), (true, false), (false, true)]);
        assert_eq!(changes(b""), Some(Vec::new()));
    }

    #[test]
    fn what_is_nothing_of_the_kind_is_not_taken_for_it() {
        let id = "a".repeat(40);
        for text in [
            "\0".to_owned(),
            "README\0".to_owned(),
            "README\0src/main\0".to_owned(),
            format!(":100644 100644 {id} {id} M\0README"),
            format!(":100644 100644 {id} {id} M\0\0"),
            // A merge as one difference, and a file that came from another.
            format!("::100644 100644 100644 {id} {id} {id} MM\0README\0"),
            format!(":100644 100644 {id} {id} R100\0README\0READYOU\0"),
            format!(":100644 100644 {id} {id}\0README\0"),
            format!(":10064 100644 {id} {id} M\0README\0"),
        ] {
            assert_eq!(changes(text.as_bytes()), None, "{text:?}");
        }
    }
}
