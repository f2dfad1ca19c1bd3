//! Paths inside an image: bytes, cleaned as runtimes clean them.

use std::borrow::Borrow;
use std::fmt;

use super::escape::escape_bytes;

/// A cleaned path inside an image: bytes, relative to its root, without `.`, `..`, empty parts or a
/// slash at either end. The root itself is empty. Shown absolute and escaped (`/usr/bin/ls`).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ImagePath(Box<[u8]>);

/// What cleaning a path as written gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// The path, held inside the root: `../x` is `x`.
    pub path: ImagePath,
    /// The path as written would leave the root (`../x`, `a/../../x`; but not `/../x`).
    pub escapes: bool,
}

impl ImagePath {
    /// The root of the image.
    pub fn root() -> Self {
        Self::default()
    }

    /// Cleans a path as written in an entry or a link.
    ///
    /// As Go's `filepath.Clean` under `filepath.Join(root, …)`, which is what docker, podman and
    /// containerd do with entry names; umoci anchors `..` at the root instead, and so does the result.
    pub fn clean(raw: &[u8]) -> Cleaned {
        let absolute = raw.first() == Some(&b'/');
        let mut parts: Vec<&[u8]> = Vec::new();
        let mut escapes = false;
        for part in raw.split(|byte| *byte == b'/') {
            match part {
                b"" | b"." => {}
                b".." => escapes |= parts.pop().is_none() && !absolute,
                _ => parts.push(part),
            }
        }
        Cleaned { path: Self(parts.join(&b'/').into_boxed_slice()), escapes }
    }

    /// Cleans a path written in our own code or by the user.
    pub fn new(path: impl AsRef<[u8]>) -> Self {
        Self::clean(path.as_ref()).path
    }

    /// The bytes, without a leading slash.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The parts from the root on; none for the root.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|part| !part.is_empty())
    }

    /// The directory it is in (the root for the root) and its last part (empty for the root).
    pub fn split(&self) -> (&[u8], &[u8]) {
        match self.0.iter().rposition(|byte| *byte == b'/') {
            Some(slash) => {
                (self.0.get(..slash).unwrap_or_default(), self.0.get(slash + 1..).unwrap_or_default())
            }
            None => (&[], &self.0),
        }
    }

    /// The directory it is in; the root for the root.
    pub fn parent(&self) -> Self {
        Self(self.split().0.into())
    }

    /// Its last part; empty for the root.
    pub fn file_name(&self) -> &[u8] {
        self.split().1
    }

    /// The path of `name` in this directory; `name` must be one part.
    #[must_use]
    pub fn join(&self, name: &[u8]) -> Self {
        if self.is_root() {
            return Self(name.into());
        }
        Self([&self.0, name].join(&b'/').into_boxed_slice())
    }

    /// Whether this lies below `directory` (not: is it).
    pub fn is_below(&self, directory: &ImagePath) -> bool {
        directory.is_root() && !self.is_root()
            || self.0.strip_prefix(&*directory.0).is_some_and(|rest| rest.first() == Some(&b'/'))
    }
}

/// Lets maps be asked with bytes that are clean already, such as [`ImagePath::split`] gives.
impl Borrow<[u8]> for ImagePath {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}", escape_bytes(&self.0))
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_cleaned_as_runtimes_clean_them() {
        for (raw, cleaned, escapes) in [
            ("usr/bin/ls", "/usr/bin/ls", false),
            ("./usr//bin/./ls/", "/usr/bin/ls", false),
            ("/etc/passwd", "/etc/passwd", false),
            ("a/../b", "/b", false),
            ("/../etc", "/etc", false),
            ("../etc", "/etc", true),
            ("a/../../b", "/b", true),
            (".", "/", false),
            ("", "/", false),
        ] {
            let got = ImagePath::clean(raw.as_bytes());
            assert_eq!((got.path.to_string().as_str(), got.escapes), (cleaned, escapes), "{raw:?}");
        }
    }

    #[test]
    fn a_path_knows_its_parts() {
        let path = ImagePath::new("usr/bin/ls");
        assert_eq!(path.parent(), ImagePath::new("usr/bin"));
        assert_eq!(path.file_name(), b"ls");
        assert_eq!(path.parent().join(b"ls"), path);
        assert_eq!(ImagePath::root().join(b"x").to_string(), "/x");
        assert_eq!(ImagePath::new("x").parent(), ImagePath::root());
        assert_eq!(path.parts().count(), 3);
        assert!(path.is_below(&ImagePath::new("usr")) && path.is_below(&ImagePath::root()));
        assert!(!path.is_below(&ImagePath::new("us")) && !path.is_below(&path));
    }
}
