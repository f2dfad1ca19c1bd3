//! Patterns that users write: of paths, names and words.

use globset::{Candidate, Glob, GlobMatcher, GlobSet, GlobSetBuilder};

use super::settings::as_path;

/// A pattern, as written and compiled.
#[derive(Debug, Clone)]
pub struct Pattern {
    /// As written.
    pub text: String,
    matcher: GlobMatcher,
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

    /// Of names of members of archives: as [`Pattern::of_paths`], without the leading slash.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn of_members(text: &str) -> Result<Self, String> {
        Self::compiled(text, path_glob(text))
    }

    fn compiled(text: &str, glob: Result<Glob, globset::Error>) -> Result<Self, String> {
        let matcher = glob.map_err(|error| error.kind().to_string())?.compile_matcher();
        Ok(Self { text: text.to_owned(), matcher })
    }

    /// Whether it matches an absolute path.
    pub fn matches_path(&self, path: &[u8]) -> bool {
        self.matcher.is_match(as_path(path))
    }

    /// Whether it matches a word.
    pub fn matches(&self, word: &str) -> bool {
        self.matcher.is_match(word)
    }
}

fn path_glob(text: &str) -> Result<Glob, globset::Error> {
    globset::GlobBuilder::new(text).literal_separator(true).build()
}

/// Many patterns of members, asked at once: a large jar has a hundred thousand names.
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
        let (mut set, mut owners) = (GlobSetBuilder::new(), Vec::new());
        for (owner, pattern) in patterns {
            set.add(path_glob(&pattern.text)?);
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
