//! Patterns that users write: of paths, names and words.

use globset::{Candidate, Glob, GlobSet, GlobSetBuilder};

use super::settings::as_path;
use crate::limits;

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

/// A pattern, as written and compiled.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// What stands before its first sign: most paths and words are told apart by it alone.
    start: Box<[u8]>,
    /// A set of one: unlike the matcher of one glob it says where an expression is too large.
    matcher: GlobSet,
}

impl Pattern {
    /// Of absolute paths: `*` stays within one directory, and `**` does not.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn of_paths(text: &str) -> Result<Self, String> {
        Self::compiled(text, path_glob(text))
    }

    /// Of names and words: `*` matches everything.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn of_words(text: &str) -> Result<Self, String> {
        Self::compiled(text, Glob::new(text))
    }

    /// Of names of members of archives, and other relative paths: as [`Pattern::of_paths`], without the leading
    /// slash.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn of_members(text: &str) -> Result<Self, String> {
        Self::compiled(text, path_glob(text))
    }

    /// What stands before its first sign: all of it where it has none.
    pub(crate) fn start(&self) -> &str {
        self.text.get(..self.start.len()).unwrap_or_default()
    }

    /// The directory that all it matches is in, as far as it is written out, and the pattern of what is
    /// below; `None` where it names no directory but the root.
    pub(super) fn parted(&self) -> Option<(&str, &str)> {
        let (directory, _) = self.start().rsplit_once('/')?;
        let below = self.text.get(directory.len() + 1..)?;
        (!directory.is_empty()).then_some((directory, below))
    }

    fn compiled(text: &str, glob: Result<Glob, globset::Error>) -> Result<Self, String> {
        if text.len() > limits::PATTERN_BYTES {
            return Err(format!("it is longer than the limit PATTERN_BYTES ({})", limits::PATTERN_BYTES));
        }
        let set = |glob| GlobSetBuilder::new().add(glob).build();
        let matcher = glob.and_then(set).map_err(|error| match error.kind() {
            globset::ErrorKind::Regex(_) => "it is too large or nested too deep".to_owned(),
            kind => kind.to_string(),
        })?;
        let end = text.find(['*', '?', '[', ']', '{', '}', '\\']).unwrap_or(text.len());
        let start = text.get(..end).unwrap_or_default().as_bytes().into();
        Ok(Self { text: text.to_owned(), start, matcher })
    }

    /// Whether it matches an absolute path.
    pub fn matches_path(&self, path: &[u8]) -> bool {
        path.starts_with(&self.start) && self.matcher.is_match(as_path(path))
    }

    /// Whether it matches a word.
    pub fn matches(&self, word: &str) -> bool {
        word.as_bytes().starts_with(&self.start) && self.matcher.is_match(word)
    }
}

fn path_glob(text: &str) -> Result<Glob, globset::Error> {
    globset::GlobBuilder::new(text).literal_separator(true).build()
}

/// Many patterns of members or paths, asked at once: a large jar has a hundred thousand names.
#[derive(Debug)]
pub(super) struct MemberPatterns<T> {
    set: GlobSet,
    owners: Vec<T>,
}

impl<T: Copy> MemberPatterns<T> {
    /// Patterns, each with whose it is.
    ///
    /// # Errors
    /// Why they cannot be asked together.
    pub(super) fn new<'a>(patterns: impl Iterator<Item = (T, &'a Pattern)>) -> Result<Self, globset::Error> {
        Self::of_texts(patterns.map(|(owner, pattern)| (owner, pattern.text.as_str())))
    }

    /// As [`MemberPatterns::new`].
    ///
    /// # Errors
    /// Why they cannot be asked together.
    pub(super) fn of_texts<'a>(patterns: impl Iterator<Item = (T, &'a str)>) -> Result<Self, globset::Error> {
        let (mut set, mut owners) = (GlobSetBuilder::new(), Vec::new());
        for (owner, pattern) in patterns {
            set.add(path_glob(pattern)?);
            owners.push(owner);
        }
        Ok(Self { set: set.build()?, owners })
    }

    /// None at all.
    pub(super) fn none() -> Self {
        Self { set: GlobSet::empty(), owners: Vec::new() }
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.owners.is_empty()
    }

    /// Whose patterns match a name; an owner of several that match is given for each.
    pub(super) fn owners(&self, name: &[u8]) -> impl Iterator<Item = T> {
        let matches = self.set.matches_candidate(&Candidate::from_bytes(name));
        matches.into_iter().filter_map(|index| self.owners.get(index).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expressions that are too large were a panic of globset.
    #[test]
    fn a_pattern_too_large_is_none() {
        let nested = format!("/{}b{}", "{a,".repeat(1_000), "}".repeat(1_000));
        assert_eq!(Pattern::of_paths(&nested).unwrap_err(), "it is too large or nested too deep");
        let long = "/{a,".repeat(300_000);
        assert!(Pattern::of_words(&long).unwrap_err().contains("PATTERN_BYTES"));
    }

    #[test]
    fn a_pattern_is_held_to_pattern_bytes() {
        let of = |length: usize| Pattern::of_paths(&format!("/{}", "a".repeat(length - 1)));
        assert!(of(limits::PATTERN_BYTES).is_ok());
        assert!(of(limits::PATTERN_BYTES + 1).unwrap_err().contains("PATTERN_BYTES"));
    }

    #[test]
    fn what_stands_before_the_first_sign_is_held_to_too() {
        for (pattern, path, matches) in [
            ("/usr/bin/b", "/usr/bin/b", true),
            ("/usr/bin/b", "/usr/bin/bb", false),
            ("/usr/bin/\\*", "/usr/bin/*", true),
            ("/usr/{bin,sbin}/b", "/usr/sbin/b", true),
            ("/**/b", "/b", true),
            ("/opt/**", "/opt/", true),
            ("/opt/**", "/optional/x", false),
            ("**", "/x", true),
        ] {
            let pattern = Pattern::of_paths(pattern).unwrap();
            assert_eq!(pattern.matches_path(path.as_bytes()), matches, "{} {path}", pattern.text);
        }
    }

    #[test]
    fn a_pattern_names_the_directory_before_its_first_sign() {
        for (pattern, parted) in [
            ("/usr/bin/gdb", Some(("/usr/bin", "gdb"))),
            ("/opt/agent/**", Some(("/opt/agent", "**"))),
            ("/opt/a{b,c/d}/e", Some(("/opt", "a{b,c/d}/e"))),
            ("/**/b", None),
            ("/b", None),
            ("**", None),
        ] {
            assert_eq!(Pattern::of_paths(pattern).unwrap().parted(), parted, "{pattern}");
        }
    }

    #[test]
    fn members_are_matched_as_one_pattern_would() {
        let texts = ["**/org/jacoco/agent/rt/**", "BOOT-INF/lib/jacoco*.jar", "*.class", "**/a?[bc].{x,y}"];
        let patterns: Vec<_> = texts.iter().map(|text| Pattern::of_members(text).unwrap()).collect();
        let together = MemberPatterns::new(patterns.iter().enumerate()).unwrap();
        for (name, matching) in [
            (&b"org/jacoco/agent/rt/internal_1/PreMain.class"[..], &[0][..]),
            (b"BOOT-INF/classes/org/jacoco/agent/rt/RT.class", &[0]),
            (b"BOOT-INF/lib/jacocoagent.jar", &[1]),
            (b"BOOT-INF/lib/deep/jacocoagent.jar", &[]),
            (b"A.class", &[2]),
            (b"a/A.class", &[]),
            (b"\xff/org/jacoco/agent/rt/\n\0\xfe", &[0]),
            (b"x/a-c.y", &[3]),
            (b"", &[]),
        ] {
            let mut owners: Vec<_> = together.owners(name).collect();
            owners.sort_unstable();
            assert_eq!(owners, matching, "{}", name.escape_ascii());
            let one_by_one: Vec<_> = (patterns.iter().enumerate())
                .filter_map(|(index, pattern)| pattern.matches_path(name).then_some(index))
                .collect();
            assert_eq!(owners, one_by_one);
        }
    }
}
