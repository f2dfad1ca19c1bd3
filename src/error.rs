//! What can go wrong in words a person can act on.
//!
//! Broken *images* are data: they become anomalies and findings (see [`crate::model::Anomaly`]).
//! An [`Error`] is for what could not be read at all, and always ends in exit status 2.

use std::fmt;
use std::io;
use std::sync::Arc;

/// Shorthand used all over the crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Whose fault an error is, and so what can be done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The operating system refused to read or write.
    Io,
    /// The input is broken: not what its form promises.
    Invalid,
    /// The input may be fine, but this program cannot judge it.
    Unsupported,
    /// The input is larger than a limit in [`crate::limits`] allows.
    Limit,
    /// The time that the caller allowed is up.
    Timeout,
    /// The command line, the catalog or another file written by the user is wrong.
    Usage,
    /// A fault of this program, caught before it could read as a pass.
    Internal,
}

/// One error: what, where, and what to do about it.
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    /// From the innermost place outwards; shown outermost first.
    places: Vec<String>,
    what: String,
    details: Vec<String>,
    hint: Option<String>,
    source: Option<Arc<io::Error>>,
}

impl Error {
    /// An error of the given kind; `what` is a clause without a full stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Self { kind, places: Vec::new(), what: what.into(), details: Vec::new(), hint: None, source: None }
    }

    /// The input is broken.
    pub fn invalid(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, what)
    }

    /// The input is of a kind that cannot be judged.
    pub fn unsupported(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unsupported, what)
    }

    /// The user asked for something that cannot be done.
    pub fn usage(what: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, what)
    }

    /// `what` exceeds the limit called `name`, whose value is `limit`.
    pub fn limit(what: impl fmt::Display, name: &str, limit: u64) -> Self {
        Self::new(ErrorKind::Limit, format!("{what} exceeds the limit {name} ({limit})"))
    }

    /// A read or write that failed, with what was being done.
    pub fn io(doing: impl Into<String>, source: io::Error) -> Self {
        // An error that one of our own readers raised below an `io` interface is told as itself.
        if let Some(inner) = source.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
            return inner.clone();
        }
        let mut error = Self::new(ErrorKind::Io, doing);
        error.source = Some(Arc::new(source));
        error
    }

    /// Adds a line that is shown below: one of several mistakes.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Says what the reader can do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a place around those already said: `archive`, then `member`, then `line`.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.places.push(place.into());
        self
    }

    /// Lines to show below.
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// Whose fault it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether it says nothing of the input: it could not be read (to its end), and may be fine.
    pub fn is_of_the_host(&self) -> bool {
        matches!(self.kind, ErrorKind::Io | ErrorKind::Timeout)
    }

    /// What to do about it, if that is known.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in self.places.iter().rev() {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.what)?;
        if let Some(source) = &self.source {
            write!(f, ": {source}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// Lets our errors travel through `io::Read`; [`Error::io`] takes them out again.
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        io::Error::other(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_told_from_the_outside_in() {
        let error = Error::invalid("no such member").at("manifest.json").at("image.tar");
        assert_eq!(error.to_string(), "image.tar: manifest.json: no such member");
    }

    #[test]
    fn an_own_error_survives_the_way_through_io() {
        let inner = Error::limit("a path of 9 bytes", "PATH_BYTES", 8);
        let back = Error::io("reading", io::Error::from(inner));
        assert_eq!(back.kind(), ErrorKind::Limit);
        assert_eq!(back.to_string(), "a path of 9 bytes exceeds the limit PATH_BYTES (8)");
    }
}
