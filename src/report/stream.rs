//! Reports go out as they are made: written, one may be many times as large as what it is made of.

use std::fmt;
use std::io;

use serde::{Serialize, Serializer};

/// Text on its way out. The first error is kept until the end, and nothing is written behind it.
pub(super) struct Out<'a> {
    out: &'a mut dyn io::Write,
    failed: Option<io::Error>,
}

impl<'a> Out<'a> {
    pub(super) fn new(out: &'a mut dyn io::Write) -> Self {
        Self { out, failed: None }
    }

    pub(super) fn push_str(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = self.out.write_all(text.as_bytes()).err();
        }
    }

    /// Whether all of it was written.
    pub(super) fn finish(self) -> io::Result<()> {
        self.failed.map_or(Ok(()), Err)
    }
}

impl fmt::Write for Out<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push_str(text);
        if self.failed.is_some() { Err(fmt::Error) } else { Ok(()) }
    }
}

/// A list of which each element is made when it is written.
pub(super) struct Each<F>(pub(super) F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: IntoIterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// Writes a JSON document, indented, with a line break at the end.
pub(super) fn write_json(document: &impl Serialize, out: &mut dyn io::Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// What a writer wrote.
#[cfg(test)]
pub(super) fn written(write: impl FnOnce(&mut dyn io::Write) -> io::Result<()>) -> String {
    let mut bytes = Vec::new();
    write(&mut bytes).expect("memory takes all");
    String::from_utf8(bytes).expect("reports are text")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    /// A disk with room for some bytes.
    struct Disk(usize);

    impl io::Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_could_not_be_written_is_an_error_at_the_end() {
        for (room, written) in [(8, true), (7, false), (3, false), (0, false)] {
            let mut disk = Disk(room);
            let mut out = Out::new(&mut disk);
            let _ = out.write_str("four");
            out.push_str("four");
            out.push_str("");
            assert_eq!(out.finish().is_ok(), written, "{room}");
        }
    }

    #[test]
    fn a_list_is_written_as_one_that_was_made_before() {
        for count in [0, 1, 3] {
            let list: Vec<_> = (0..count).collect();
            assert_eq!(
                written(|out| write_json(&Each(|| 0..count), out)),
                written(|out| write_json(&list, out))
            );
        }
    }
}
