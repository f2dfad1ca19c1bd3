//! The stored bytes of a layer on their way to its decoder: counted, and hashed for the blob's digest by
//! whichever thread has time.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};

use crate::digest::{BlobDigests, BlobHasher};

/// Buffers that wait to be hashed. Where the thread that judges has no time for them, the one that
/// decodes hashes them itself before it reads on.
const WAITING: usize = 4;

/// What becomes known of the stored bytes while they are read, on whichever thread.
#[derive(Default)]
pub(super) struct Stored {
    hasher: Option<Mutex<BlobHasher>>,
    /// Another thread reads them than the one that judges what is decoded, which may hash them.
    elsewhere: AtomicBool,
    /// Taken only by who holds the hasher, so that bytes are hashed in their order.
    waiting: Mutex<Waiting>,
    read: AtomicU64,
}

#[derive(Default)]
struct Waiting {
    full: VecDeque<Vec<u8>>,
    empty: Vec<Vec<u8>>,
}

impl Stored {
    /// Bytes to be hashed by `hasher`, if any.
    pub(super) fn new(hasher: Option<BlobHasher>) -> Arc<Self> {
        Arc::new(Self { hasher: hasher.map(Mutex::new), ..Self::default() })
    }

    /// Reads `reader`, and sees all its bytes.
    pub(super) fn tap(self: &Arc<Self>, reader: impl Read + Send + 'static) -> impl Read + Send + 'static {
        let stored = Arc::clone(self);
        Tap { reader, seen: move |bytes: &[u8]| stored.see(bytes) }
    }

    /// How many bytes were read.
    pub(super) fn count(&self) -> u64 {
        self.read.load(Ordering::Relaxed)
    }

    /// From now on another thread reads, and this one calls [`Self::help`]; or no longer.
    pub(super) fn set_elsewhere(&self, elsewhere: bool) {
        self.elsewhere.store(elsewhere, Ordering::Relaxed);
    }

    /// Hashes a buffer that waits, where that is not being done; whether there was one.
    pub(super) fn help(&self) -> bool {
        let Some(hasher) = &self.hasher else { return false };
        let mut hasher = match hasher.try_lock() {
            Ok(hasher) => hasher,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        self.hash_one(&mut hasher)
    }

    /// The digests of all bytes that were read.
    pub(super) fn finish(&self) -> Option<BlobDigests> {
        let mut hasher = lock(self.hasher.as_ref()?);
        while self.hash_one(&mut hasher) {}
        Some(hasher.clone().finish())
    }

    fn see(&self, bytes: &[u8]) {
        self.read.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        let Some(hasher) = &self.hasher else { return };
        if !(self.elsewhere.load(Ordering::Relaxed) && self.put(bytes)) {
            let mut hasher = lock(hasher);
            while self.hash_one(&mut hasher) {}
            hasher.update(bytes);
        }
    }

    /// Leaves bytes to be hashed later, where there is room.
    fn put(&self, bytes: &[u8]) -> bool {
        let mut waiting = lock(&self.waiting);
        if waiting.full.len() >= WAITING {
            return false;
        }
        let mut buffer = waiting.empty.pop().unwrap_or_default();
        buffer.extend_from_slice(bytes);
        waiting.full.push_back(buffer);
        true
    }

    fn hash_one(&self, hasher: &mut BlobHasher) -> bool {
        let Some(mut buffer) = lock(&self.waiting).full.pop_front() else { return false };
        hasher.update(&buffer);
        buffer.clear();
        lock(&self.waiting).empty.push(buffer);
        true
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shows bytes that are read to `seen`.
pub(super) struct Tap<R, F> {
    pub(super) reader: R,
    pub(super) seen: F,
}

impl<R: Read, F: FnMut(&[u8])> Read for Tap<R, F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        if read > 0 {
            (self.seen)(buffer.get(..read).unwrap_or_default());
        }
        Ok(read)
    }
}

#[cfg(test)]
#[path = "stored_tests.rs"]
mod tests;
