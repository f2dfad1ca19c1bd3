//! A place in a configuration file, which keeps the logical line that it stands in.

/// Reads a file byte by byte; who reads says where lines are joined, commented and ended.
pub(super) struct Cursor<'a> {
    content: &'a [u8],
    at: usize,
    /// How many lines ended or were joined so far.
    passed: usize,
    /// The pieces of the logical line before `piece`, joined by blanks.
    text: Vec<u8>,
    /// Where the piece begins that is being read.
    piece: usize,
    /// Where the comment of the logical line begins.
    comment: Option<usize>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(content: &'a [u8]) -> Self {
        Self { content, at: 0, passed: 0, text: Vec::new(), piece: 0, comment: None }
    }

    /// Number of the line, from 1.
    pub(super) fn line(&self) -> usize {
        self.passed + 1
    }

    /// Bytes before the place.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        self.content.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.content.get(self.at).copied()
    }

    /// Reads so many bytes.
    pub(super) fn take(&mut self, length: usize) -> &'a [u8] {
        let taken = self.rest().get(..length).unwrap_or(self.rest());
        self.at += taken.len();
        taken
    }

    /// Reads over the end of a line that the next one continues, with what marks it.
    pub(super) fn join(&mut self, length: usize) {
        self.end_piece();
        self.text.push(b' ');
        self.take(length);
        self.passed += 1;
        self.piece = self.at;
    }

    /// Reads so many bytes, in which lines may be continued.
    pub(super) fn pass(&mut self, length: usize, continuation: impl Fn(&[u8]) -> Option<usize>) {
        let end = self.at + length;
        while self.at < end {
            match continuation(self.rest()) {
                Some(length) => self.join(length),
                None => _ = self.take(1),
            }
        }
    }

    /// Reads over a comment, to the end of the line.
    pub(super) fn comment(&mut self) {
        self.comment.get_or_insert(self.at);
        let rest = self.rest();
        self.take(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()));
    }

    /// Reads over the end of a line. What the logical line says: continuations joined, without comment.
    pub(super) fn end(&mut self, length: usize) -> Vec<u8> {
        self.end_piece();
        self.take(length);
        self.passed += 1;
        self.piece = self.at;
        self.comment = None;
        std::mem::take(&mut self.text).trim_ascii().to_vec()
    }

    fn end_piece(&mut self) {
        let end = self.comment.unwrap_or(self.at);
        self.text.extend_from_slice(self.content.get(self.piece..end).unwrap_or_default());
    }
}
