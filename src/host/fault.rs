//! Calls of the operating system that fail, yield little or lie, because a test asks for it.
//!
//! Faults are those of the threads of one pool, so that tests at the same time do not meet each other's.

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

thread_local! {
    static OURS: RefCell<Option<Arc<Faults>>> = const { RefCell::new(None) };
}

/// What errors say that were asked for.
pub(crate) const MARK: &str = "an error that a test asks for";

/// Changes what was read.
pub(crate) type Change = fn(&mut [u8]);

/// What goes wrong.
#[derive(Clone)]
pub(crate) enum Kind {
    /// Nothing; calls are counted.
    Nothing,
    /// One call fails.
    Once,
    /// From one call on, all fail.
    FromThenOn,
    /// Reads yield a few bytes at most.
    Short,
    /// Every other read is broken off by a signal.
    Interrupted,
    /// One read takes so many milliseconds.
    Slow(u64),
    /// One call, or step, ends in a panic.
    Panic,
    /// From one call on, what is read is changed.
    Rewritten(Change),
    /// From one call on, reads find nothing more.
    Ended,
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Nothing => "nothing",
            Self::Once => "once",
            Self::FromThenOn => "from then on",
            Self::Short => "short",
            Self::Interrupted => "interrupted",
            Self::Slow(_) => "slow",
            Self::Panic => "panic",
            Self::Rewritten(_) => "rewritten",
            Self::Ended => "ended",
        })
    }
}

/// What goes wrong, and when.
#[derive(Debug)]
pub(crate) struct Faults {
    kind: Kind,
    /// The call, counted from 0.
    at: usize,
    calls: AtomicUsize,
}

impl Faults {
    pub(crate) fn new(kind: Kind, at: usize) -> Arc<Self> {
        Arc::new(Self { kind, at, calls: AtomicUsize::new(0) })
    }

    /// How many calls there were.
    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Works on so many threads that have these faults.
    pub(crate) fn within<T: Send>(self: &Arc<Self>, threads: usize, work: impl FnOnce() -> T + Send) -> T {
        let faults = Arc::clone(self);
        let begin = move |_| OURS.with_borrow_mut(|ours| *ours = Some(Arc::clone(&faults)));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).start_handler(begin).build();
        pool.unwrap().install(work)
    }

    fn count(&self) -> usize {
        self.calls.fetch_add(1, Ordering::Relaxed)
    }

    fn before(&self) -> io::Result<usize> {
        let call = self.count();
        match self.kind {
            Kind::Once if call == self.at => Err(io::Error::other(MARK)),
            Kind::FromThenOn if call >= self.at => Err(io::Error::other(MARK)),
            // As a panic, but that nothing is printed of it.
            Kind::Panic if call == self.at => std::panic::resume_unwind(Box::new(MARK)),
            _ => Ok(call),
        }
    }
}

fn ours() -> Option<Arc<Faults>> {
    OURS.with_borrow(Option::clone)
}

pub(super) fn before_call() -> io::Result<()> {
    ours().map_or(Ok(()), |faults| faults.before().map(|_| ()))
}

pub(super) fn before_step() {
    // Nothing else can go wrong in one.
    if let Some(faults) = ours().filter(|faults| matches!(faults.kind, Kind::Panic)) {
        let _ = faults.before();
    }
}

pub(super) fn read(
    buffer: &mut [u8],
    call: impl FnOnce(&mut [u8]) -> io::Result<usize>,
) -> io::Result<usize> {
    let Some(faults) = ours() else { return call(buffer) };
    let number = faults.before()?;
    match &faults.kind {
        Kind::Short => {
            let few = buffer.len().min(1 + number * 7 % 61);
            call(&mut buffer[..few])
        }
        Kind::Interrupted if number % 2 == 0 => Err(io::ErrorKind::Interrupted.into()),
        Kind::Rewritten(change) if number >= faults.at => {
            let read = call(buffer)?;
            change(&mut buffer[..read]);
            Ok(read)
        }
        Kind::Ended if number >= faults.at => Ok(0),
        Kind::Slow(time) if number == faults.at => {
            std::thread::sleep(std::time::Duration::from_millis(*time));
            call(buffer)
        }
        _ => call(buffer),
    }
}
