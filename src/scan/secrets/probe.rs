//! The search through the bytes of a layer's files as they stream by.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::named::Form;
use super::tokens::{self, TOKENS};
use super::{Gap, Match, Secret, Secrets, keys, kinds};
use crate::limits;
use crate::model::ImagePath;
use crate::scan::tar::Piece;

/// What a clue leads to.
#[derive(Debug, Clone, Copy)]
enum Clue {
    Token(usize),
    Pem,
    EncodedPem,
    Putty,
    AwsSecret,
    AzureStorage,
    AzureShared,
    AzureSas,
    AzureClient,
    Jwt,
}

const CLUES: [(&str, Clue); 14] = [
    ("PRIVATE KEY", Clue::Pem),
    // `-----BEGIN ` and a capital.
    ("LS0tLS1CRUdJTiB", Clue::EncodedPem),
    ("PuTTY-User-Key-File-", Clue::Putty),
    ("ecret_access_key", Clue::AwsSecret),
    ("SECRET_ACCESS_KEY", Clue::AwsSecret),
    ("ecretAccessKey", Clue::AwsSecret),
    ("AccountKey=", Clue::AzureStorage),
    ("SharedAccessKey=", Clue::AzureShared),
    ("sig=", Clue::AzureSas),
    ("7Q~", Clue::AzureClient),
    ("8Q~", Clue::AzureClient),
    ("eyJhbGciOi", Clue::Jwt),
    ("eyJ0eXAiOi", Clue::Jwt),
    ("eyJraWQiOi", Clue::Jwt),
];

struct Search {
    clues: Vec<(&'static str, Clue)>,
    automaton: AhoCorasick,
}

#[allow(clippy::expect_used, reason = "some dozens of short constants, which a test builds")]
static SEARCH: LazyLock<Search> = LazyLock::new(|| {
    let tokens = TOKENS.iter().enumerate().map(|(index, token)| (token.kind.prefix, Clue::Token(index)));
    let clues: Vec<_> = tokens.chain(CLUES).collect();
    let automaton = AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostFirst)
        .build(clues.iter().map(|(literal, _)| literal))
        .expect("short constants make an automaton");
    Search { clues, automaton }
});

/// Looks at the bytes around a clue.
fn verify(clue: Clue, data: &[u8], at: usize, after: usize) -> Option<Match> {
    match clue {
        Clue::Token(index) => TOKENS.get(index)?.read(data, at),
        Clue::Pem => keys::pem(data, at),
        Clue::EncodedPem => keys::encoded_pem(data, at),
        Clue::Putty => keys::putty(data, at, after),
        Clue::AwsSecret => tokens::aws_secret(data, after),
        Clue::AzureStorage => tokens::azure_key(data, after, 64, &kinds::AZURE_STORAGE),
        Clue::AzureShared => tokens::azure_key(data, after, 32, &kinds::AZURE_SHARED),
        Clue::AzureSas => tokens::azure_sas(data, after),
        Clue::AzureClient => tokens::azure_client(data, at),
        Clue::Jwt => tokens::jwt(data, at),
    }
}

/// The secrets that begin in `from..end`, in order, none within another.
fn search(data: &[u8], from: usize, end: usize, mut tell: impl FnMut(Match)) {
    let mut covered = from;
    for hit in SEARCH.automaton.find_iter(data.get(from..).unwrap_or_default()) {
        let (at, after) = (from + hit.start(), from + hit.end());
        if at >= end {
            break;
        }
        if at < covered {
            continue;
        }
        let clue = SEARCH.clues.get(hit.pattern().as_usize()).map(|(_, clue)| *clue);
        // What was told once (up to `covered`) is not told again under another name.
        if let Some(found) = clue.and_then(|clue| verify(clue, data, at, after))
            && (found.start >= covered || covered == from)
        {
            covered = found.start + found.length;
            tell(found);
        }
    }
}

/// The secrets in a slice that is all there is.
pub(super) fn search_all(data: &[u8], tell: impl FnMut(Match)) {
    search(data, 0, data.len(), tell);
}

/// Sees the files of a layer one after another.
#[derive(Debug, Default)]
pub(crate) struct Probe {
    secrets: Secrets,
    entry: usize,
    /// The part of the file that is looked at; `base` is its offset, `next` where clues were searched to.
    buffer: Vec<u8>,
    base: u64,
    next: usize,
    /// Up to where the file was told.
    covered: u64,
    /// Where the file's secrets begin in `secrets`.
    first: usize,
    /// A file that is read whole, and by which form.
    form: Option<(Form, Vec<u8>)>,
    is_text: bool,
}

impl Probe {
    /// All that was found.
    pub(crate) fn into_secrets(self) -> Secrets {
        self.secrets
    }

    #[cfg(test)]
    pub(super) fn secrets(&self) -> &Secrets {
        &self.secrets
    }

    /// What was found takes so much of memory, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        self.secrets.memory()
    }

    /// Begins a file.
    pub(crate) fn start(&mut self, entry: usize, path: &ImagePath, size: u64) {
        self.entry = entry;
        self.buffer.clear();
        (self.base, self.next, self.covered) = (0, 0, 0);
        self.first = self.secrets.found.len();
        self.is_text = false;
        self.form = Form::of(path).map(|form| (form, Vec::new()));
        match self.form {
            Some((Form::Config, _)) if size > limits::SECRET_CONFIG_BYTES => self.form = None,
            Some(_) if size > limits::SECRET_FORM_BYTES => {
                self.gap(Gap::LargeForm);
                self.form = None;
            }
            _ => {}
        }
    }

    /// Takes the file's next piece. In which pieces a file comes changes nothing.
    pub(crate) fn feed(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Data(data) => self.feed_data(data),
            Piece::Hole(length) => self.feed_hole(*length),
        }
    }

    /// Zeros end whatever was begun, so that no more of them are looked at than a matcher would.
    fn feed_hole(&mut self, length: u64) {
        if let Some((_, whole)) = &mut self.form {
            // The file's size was checked before.
            whole.resize(whole.len().saturating_add(length as usize), 0);
        }
        let shown = length.min(limits::SECRET_AHEAD_BYTES as u64);
        let zeros = [0; limits::SECRET_AHEAD_BYTES];
        self.buffer_data(zeros.get(..shown as usize).unwrap_or_default());
        if length > shown {
            self.search(true);
            self.base += self.buffer.len() as u64 + (length - shown);
            self.next = 0;
            self.buffer.clear();
        }
    }

    fn feed_data(&mut self, data: &[u8]) {
        if let Some((_, whole)) = &mut self.form {
            whole.extend_from_slice(data);
        }
        self.buffer_data(data);
    }

    fn buffer_data(&mut self, mut data: &[u8]) {
        const FULL: usize = limits::SECRET_CHUNK_BYTES + limits::SECRET_AHEAD_BYTES;
        while !data.is_empty() {
            let room = FULL.saturating_sub(self.buffer.len()).min(data.len());
            let (now, later) = data.split_at_checked(room).unwrap_or((data, &[]));
            self.buffer.extend_from_slice(now);
            data = later;
            if self.buffer.len() >= FULL {
                self.search(false);
            }
        }
    }

    /// Ends the file.
    pub(crate) fn finish(&mut self) {
        self.search(true);
        let Some((form, whole)) = self.form.take() else { return };
        let told: Vec<_> = self.secrets.found.get(self.first..).unwrap_or_default().to_vec();
        let lines = Lines::of(&whole);
        for found in form.read(&whole) {
            let (start, end) = (found.start as u64, (found.start + found.length) as u64);
            if told.iter().all(|secret| end <= secret.offset || secret.offset + secret.length <= start) {
                let line = lines.line(found.start);
                self.tell(Secret { line: Some(line), ..self.secret(found, start) });
            }
        }
        if let Some(found) = self.secrets.found.get_mut(self.first..) {
            found.sort();
        }
    }

    /// Searches what is buffered; up to the file's end where this is the `last` of it.
    fn search(&mut self, last: bool) {
        let data = std::mem::take(&mut self.buffer);
        if self.base == 0 && self.next == 0 {
            self.is_text = !data.get(..data.len().min(8_192)).unwrap_or_default().contains(&0);
            match keys::keystore(&data, last) {
                Ok(Some(found)) => self.tell(Secret { line: None, ..self.secret(found, 0) }),
                Ok(None) => {}
                Err(gap) => self.gap(gap),
            }
        }
        let end = if last { data.len() } else { data.len().saturating_sub(limits::SECRET_AHEAD_BYTES) };
        // They come in order, so that each line is counted once however many there are.
        let (mut counted, mut lines) = (0, 1);
        search(&data, self.next, end, |found| {
            let offset = self.base + found.start as u64;
            if offset >= self.covered {
                self.covered = offset + found.length as u64;
                let between = data.get(counted..found.start).unwrap_or_default();
                lines += between.iter().filter(|byte| **byte == b'\n').count() as u64;
                counted = counted.max(found.start);
                let line = (self.is_text && self.base == 0).then_some(lines);
                self.tell(Secret { line, ..self.secret(found, offset) });
            }
        });
        self.buffer = data;
        if !last {
            let kept_from = end.saturating_sub(limits::SECRET_BEHIND_BYTES);
            self.buffer.drain(..kept_from);
            self.base += kept_from as u64;
            self.next = end - kept_from;
        }
    }

    fn secret(&self, found: Match, offset: u64) -> Secret {
        Secret { entry: self.entry, offset, line: None, length: found.length as u64, kind: found.kind }
    }

    fn tell(&mut self, secret: Secret) {
        if self.secrets.found.len() - self.first >= limits::FILE_SECRETS {
            self.gap(Gap::ManyInFile);
        } else if self.secrets.found.len() >= limits::LAYER_SECRETS {
            self.gap(Gap::ManyInLayer);
        } else {
            self.secrets.found.push(secret);
        }
    }

    fn gap(&mut self, gap: Gap) {
        let gaps = &mut self.secrets.gaps;
        if gaps.len() < limits::LAYER_SECRET_GAPS && gaps.last() != Some(&(self.entry, gap)) {
            gaps.push((self.entry, gap));
        }
    }
}

/// Where the lines of a text begin.
struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &[u8]) -> Self {
        Self(text.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect())
    }

    /// The line of an offset, from 1.
    fn line(&self, offset: usize) -> u64 {
        1 + self.0.partition_point(|start| *start <= offset) as u64
    }
}
