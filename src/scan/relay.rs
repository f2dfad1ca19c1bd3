//! Decoded bytes of a layer, decoded on this thread or, once another one has nothing to do, on that.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvError, Sender, TryRecvError, channel};

use super::crew::Crew;
use super::pipeline::Progress;
use super::stored::Stored;
use crate::codec::{Decoder, Piece, Undecoded};
use crate::error::{Error, ErrorKind};
use crate::host;

/// Pieces between two threads: enough that neither waits for the other at each piece, and few enough
/// that they stay in a processor's cache.
const PIECES: usize = 5;

/// Where a layer's bytes come from.
pub(crate) struct Relay<'a> {
    source: Source,
    /// Who may take the decoder over.
    crew: Option<&'a Crew>,
    told: Told<'a>,
}

enum Source {
    Here(Box<dyn Decoder>),
    There(Other),
    /// The thread that decoded is gone, and the decoder with it.
    Lost,
}

/// What decodes on another thread, as seen from this one.
struct Other {
    full: Receiver<io::Result<Piece>>,
    empty: Sender<Piece>,
    /// The decoder comes back when it ended or failed, or nobody takes what it decodes.
    back: Receiver<Box<dyn Decoder>>,
    piece: Piece,
}

/// The same, as seen from there.
struct Shift {
    decoder: Box<dyn Decoder>,
    full: Sender<io::Result<Piece>>,
    empty: Receiver<Piece>,
    back: Sender<Box<dyn Decoder>>,
}

impl<'a> Relay<'a> {
    /// Decodes `stored` on this thread, and on one of `crew` once that has nothing to do.
    pub(super) fn new(
        decoder: Box<dyn Decoder>,
        crew: Option<&'a Crew>,
        stored: Arc<Stored>,
        progress: &'a dyn Progress,
    ) -> Self {
        Self { source: Source::Here(decoder), crew, told: Told { progress, stored, before: 0 } }
    }

    /// Decodes on this thread, and tells nobody.
    pub(super) fn alone(decoder: Box<dyn Decoder>) -> Self {
        Self::new(decoder, None, Stored::new(None), &())
    }

    /// Makes the next bytes those at hand, where all were consumed; yields them. None at the end.
    pub(super) fn advance(&mut self) -> io::Result<&[u8]> {
        host::step();
        if let Some(crew) = self.crew.filter(|crew| crew.has_idle()) {
            self.hand_on(crew);
        }
        let over = match &mut self.source {
            Source::There(other) => other.advance(&self.told.stored),
            Source::Here(_) | Source::Lost => Ok(false),
        };
        if !matches!(over, Ok(false)) {
            // Asked again, the decoder itself says that it ended or failed.
            self.take_back();
            self.crew = None;
        }
        self.told.tell();
        over?;
        self.bytes()
    }

    /// The bytes at hand.
    pub(super) fn bytes(&mut self) -> io::Result<&[u8]> {
        match &mut self.source {
            Source::Here(decoder) => decoder.fill_buf(),
            Source::There(other) => Ok(other.piece.bytes()),
            Source::Lost => Err(lost()),
        }
    }

    pub(super) fn consume(&mut self, count: usize) {
        match &mut self.source {
            Source::Here(decoder) => decoder.consume(count),
            Source::There(other) => other.piece.consume(count),
            Source::Lost => {}
        }
    }

    /// Reads the stored bytes to their end: see [`Decoder::drain`].
    pub(super) fn drain(&mut self) -> io::Result<u64> {
        self.take_back();
        let done = match &mut self.source {
            Source::Here(decoder) => decoder.drain(),
            Source::There(_) | Source::Lost => Err(lost()),
        };
        self.told.tell();
        done
    }

    /// What of the stored bytes decoded to nothing: see [`Decoder::undecoded`].
    pub(super) fn undecoded(&mut self) -> Undecoded {
        self.take_back();
        match &self.source {
            Source::Here(decoder) => decoder.undecoded(),
            Source::There(_) | Source::Lost => Undecoded::default(),
        }
    }

    fn hand_on(&mut self, crew: &Crew) {
        let decoder = match std::mem::replace(&mut self.source, Source::Lost) {
            Source::Here(decoder) => decoder,
            elsewhere => return self.source = elsewhere,
        };
        let (full, filled) = channel();
        let (emptied, empty) = channel();
        let (back, returned) = channel();
        for _ in 1..PIECES {
            // The receiver is right here.
            let _ = emptied.send(Piece::default());
        }
        self.source = match crew.give(Shift { decoder, full, empty, back }, Shift::run) {
            Ok(()) => {
                self.told.stored.set_elsewhere(true);
                Source::There(Other { full: filled, empty: emptied, back: returned, piece: Piece::default() })
            }
            Err(shift) => Source::Here(shift.decoder),
        };
    }

    fn take_back(&mut self) {
        self.source = match std::mem::replace(&mut self.source, Source::Lost) {
            Source::There(Other { full, empty, back, .. }) => {
                // The other thread sees that nobody takes anything any more.
                drop((full, empty));
                self.told.stored.set_elsewhere(false);
                back.recv().map_or(Source::Lost, Source::Here)
            }
            here => here,
        };
    }
}

impl Other {
    /// Whether it is over: there are no more pieces.
    fn advance(&mut self, stored: &Stored) -> io::Result<bool> {
        let piece = self.next(stored).map_err(|RecvError| lost())??;
        let consumed = std::mem::replace(&mut self.piece, piece);
        // Where nobody decodes any more, nobody needs it.
        let _ = self.empty.send(consumed);
        Ok(self.piece.bytes().is_empty())
    }

    /// Waits for the next piece, and hashes stored bytes meanwhile.
    fn next(&self, stored: &Stored) -> Result<io::Result<Piece>, RecvError> {
        loop {
            match self.full.try_recv() {
                Ok(piece) => return Ok(piece),
                Err(TryRecvError::Disconnected) => return Err(RecvError),
                Err(TryRecvError::Empty) if stored.help() => {}
                Err(TryRecvError::Empty) => return self.full.recv(),
            }
        }
    }
}

impl Shift {
    fn run(mut self) {
        while let Ok(spare) = self.empty.recv() {
            host::step();
            let piece = self.decoder.hand_over(spare);
            let over = piece.as_ref().map_or(true, |piece| piece.bytes().is_empty());
            if self.full.send(piece).is_err() || over {
                break;
            }
        }
        // Nobody wants it where the layer was given up.
        let _ = self.back.send(self.decoder);
    }
}

/// Tells how many stored bytes were read since it was told last. They may be read on another thread;
/// who is to be told is known on this one only.
struct Told<'a> {
    progress: &'a dyn Progress,
    stored: Arc<Stored>,
    before: u64,
}

impl Told<'_> {
    fn tell(&mut self) {
        let now = self.stored.count();
        if now > self.before {
            self.progress.add_bytes(now - self.before);
            self.before = now;
        }
    }
}

fn lost() -> io::Error {
    Error::new(ErrorKind::Internal, "decoding the layer failed by a fault of this program").into()
}

#[cfg(test)]
#[path = "relay_tests.rs"]
mod tests;
