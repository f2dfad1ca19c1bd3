//! Patterns that users write: of paths, names and words.

use globset::{Glob, GlobMatcher};

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
        let glob = globset::GlobBuilder::new(text).literal_separator(true).build();
        Self::compiled(text, glob)
    }

    /// Of names and words: `*` matches everything.
    ///
    /// # Errors
    /// Why it is no pattern.
    pub fn of_words(text: &str) -> Result<Self, String> {
        Self::compiled(text, Glob::new(text))
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
