//! What few entries have, kept apart: an entry without it takes a pointer for it and no more.

use std::sync::Arc;

use super::facts::{Xattr, Xattrs};

/// What few entries and inodes have, shared by those that have the same.
///
/// Made of [`ExtraFields`]; of those that are all empty nothing is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extras(Option<Arc<ExtraFields>>);

/// The fields of [`Extras`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExtraFields {
    /// The path as written, where cleaning changed more than a leading `./` or `/` and a trailing `/`.
    pub raw_path: Option<Box<[u8]>>,
    /// Target of a hard link (cleaned, without a leading slash) or symlink (as written); else empty.
    pub link: Box<[u8]>,
    /// Extended attributes by name, sorted. Names and values are bytes.
    pub xattrs: Xattrs,
    /// Major and minor number of a device.
    pub device: (u32, u32),
}

impl From<ExtraFields> for Extras {
    fn from(fields: ExtraFields) -> Self {
        Self((fields != ExtraFields::default()).then(|| Arc::new(fields)))
    }
}

impl Extras {
    /// All fields; `None` where they are empty.
    pub fn fields(&self) -> Option<&ExtraFields> {
        self.0.as_deref()
    }

    /// What they take of memory, in bytes, as if they were not shared.
    pub fn memory(&self) -> u64 {
        let Some(fields) = self.fields() else { return 0 };
        let xattrs = fields.xattrs.iter().map(|(name, value)| size_of::<Xattr>() + name.len() + value.len());
        let raw_path = fields.raw_path.as_ref().map_or(0, |path| path.len());
        (size_of::<ExtraFields>() + raw_path + fields.link.len() + xattrs.sum::<usize>()) as u64
    }

    /// See [`ExtraFields::raw_path`].
    pub fn raw_path(&self) -> Option<&[u8]> {
        self.fields()?.raw_path.as_deref()
    }

    /// See [`ExtraFields::link`].
    pub fn link(&self) -> &[u8] {
        self.fields().map(|fields| &*fields.link).unwrap_or_default()
    }

    /// See [`ExtraFields::xattrs`].
    pub fn xattrs(&self) -> &[Xattr] {
        self.fields().map(|fields| &*fields.xattrs).unwrap_or_default()
    }

    /// The value of an extended attribute.
    pub fn xattr(&self, name: &[u8]) -> Option<&[u8]> {
        self.xattrs().iter().find(|(key, _)| &**key == name).map(|(_, value)| &**value)
    }

    /// See [`ExtraFields::device`].
    pub fn device(&self) -> (u32, u32) {
        self.fields().map(|fields| fields.device).unwrap_or_default()
    }

    /// The same with some fields changed.
    #[must_use]
    pub fn with(&self, change: impl FnOnce(&mut ExtraFields)) -> Self {
        let mut fields = self.fields().cloned().unwrap_or_default();
        change(&mut fields);
        fields.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_fields_are_nothing() {
        let link = Extras::default().with(|fields| fields.link = b"x".as_slice().into());
        assert_eq!((link.link(), link.device(), link.raw_path()), (&b"x"[..], (0, 0), None));
        let none = link.with(|fields| fields.link = Box::default());
        assert_eq!((none.fields(), &none), (None, &Extras::default()));
        assert_eq!((none.link(), none.xattrs().len()), (&b""[..], 0));
        // An empty path as written is one.
        assert_ne!(none.with(|fields| fields.raw_path = Some(Box::default())), none);
    }
}
