//! The directory: entries read, written whole or not at all, and the longest unused ones removed.
//!
//! Readers never wait. An entry has its name only once it is written, so a name always leads to a whole
//! file, and of several runs that write one entry the last wins. Nothing is synced to the disk: what a
//! crash tears is noticed by its MAC and read anew.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use super::{entry, files, lock};
use crate::error::{Error, Result};
use crate::host;
use crate::limits;

/// Held while entries are removed, so that two runs do not remove twice as much.
const LOCK: &str = "lock";

#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    /// Bytes that all entries may take.
    bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes of all entries when this run last looked, and those that it wrote since; `None` before it looks.
    used: Option<u64>,
    /// Those that it wrote since.
    written: u64,
    /// Writing failed once.
    closed: bool,
}

/// A file that is open to be read.
pub(super) struct Stored {
    file: File,
    /// How large it is.
    pub(super) bytes: u64,
}

/// What is there.
#[derive(Default)]
struct Survey {
    /// Bytes of all entries, unfinished ones too.
    bytes: u64,
    /// When each entry was last used, what it takes, and where it is.
    entries: Vec<(SystemTime, u64, PathBuf)>,
}

impl Store {
    pub(super) fn open(directory: &Path, bytes: u64) -> Result<Self> {
        let place = || directory.display().to_string();
        match host::metadata(directory) {
            Ok(metadata) if !metadata.is_dir() => {
                return Err(Error::usage("a cache is a directory").at(place()));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => files::make_directory(directory)
                .map_err(|error| Error::io("it cannot be made", error).at(place()))?,
            metadata => {
                metadata.map_err(|error| Error::io("it cannot be read", error).at(place()))?;
            }
        }
        Ok(Self { directory: directory.to_owned(), bytes, state: Mutex::default() })
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether there is a file of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.directory.join(name).symlink_metadata().is_ok_and(|metadata| metadata.is_file())
    }

    /// Opens a file, which is then the last that was used; `None` where there is none.
    pub(super) fn open_file(&self, name: &str) -> Result<Option<Stored>> {
        let file = match files::open(&self.directory.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(unreadable)?,
        };
        let bytes = host::ask(|| file.metadata()).map_err(unreadable)?.len();
        // Where that may not be done, the entry is removed sooner than others.
        let _ = file.set_modified(SystemTime::now());
        Ok(Some(Stored { file, bytes }))
    }

    pub(super) fn remove(&self, name: &str) {
        // What cannot be removed is noticed again the next time.
        let _ = fs::remove_file(self.directory.join(name));
    }

    /// Whether nothing more can be written.
    pub(super) fn is_closed(&self) -> bool {
        lock(&self.state).closed
    }

    /// Writes a file; `false` where there is no room for it.
    ///
    /// # Errors
    /// The host's; the first is the last.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> io::Result<bool> {
        let mut state = lock(&self.state);
        if state.closed {
            return Ok(false);
        }
        let written = self.make_room(&mut state, counted(bytes.len() as u64)).and_then(|is_room| {
            if is_room {
                files::write(&self.directory.join(name), bytes, true)?;
            }
            Ok(is_room)
        });
        state.closed = written.is_err();
        written
    }

    /// Makes room for so many bytes more, and counts them as taken.
    fn make_room(&self, state: &mut State, more: u64) -> io::Result<bool> {
        let Some(target) = self.bytes.checked_sub(more) else { return Ok(false) };
        // Other runs write and remove too.
        let known = state.used.filter(|_| state.written < self.bytes / limits::CACHE_UNSEEN_SHARE);
        let used = match known {
            Some(used) => used,
            None => {
                state.written = 0;
                self.survey()?.bytes
            }
        };
        let used = if used > target { self.evict(target)? } else { used };
        state.used = Some(used);
        if used > target {
            return Ok(false);
        }
        state.used = Some(used.saturating_add(more));
        state.written = state.written.saturating_add(more);
        Ok(true)
    }

    /// Removes the longest unused entries until no more than `target` bytes are left, and a tenth less
    /// where it has to begin: looking at all of them for each new one would take longer than reading.
    /// What is used then; more than `target` where another run is at it.
    fn evict(&self, target: u64) -> io::Result<u64> {
        let lock = files::open_lock(&self.directory.join(LOCK))?;
        if lock.try_lock().is_err() {
            return Ok(u64::MAX);
        }
        let Survey { bytes: mut used, mut entries } = self.survey()?;
        if used <= target {
            return Ok(used);
        }
        entries.sort();
        for (_, bytes, path) in entries {
            if used <= target - target / 10 {
                break;
            }
            if fs::remove_file(path).is_ok() {
                used = used.saturating_sub(bytes);
            }
        }
        Ok(used)
    }

    /// Looks at all entries, and removes what killed runs left unfinished. Files of other names are
    /// nobody's business.
    fn survey(&self) -> io::Result<Survey> {
        let now = SystemTime::now();
        let old = Duration::from_secs(limits::CACHE_LEFTOVER_SECONDS);
        let mut survey = Survey::default();
        let mut files = host::ask(|| fs::read_dir(&self.directory))?;
        while let Some(file) = host::ask(|| files.next().transpose())? {
            let name = file.file_name();
            let Some(name) = name.to_str() else { continue };
            let is_unfinished = name.starts_with(files::UNFINISHED);
            if !is_unfinished && !entry::is_name(name) {
                continue;
            }
            // Another run may have removed it meanwhile.
            let Some(metadata) = file.metadata().ok().filter(fs::Metadata::is_file) else { continue };
            let used = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
            let is_old = now.duration_since(used).is_ok_and(|age| age > old);
            if is_unfinished && is_old && fs::remove_file(file.path()).is_ok() {
                continue;
            }
            let bytes = counted(metadata.len());
            survey.bytes = survey.bytes.saturating_add(bytes);
            if !is_unfinished {
                // A day that is to come would keep it for ever.
                let used = if used > now + old { SystemTime::UNIX_EPOCH } else { used };
                survey.entries.push((used, bytes, file.path()));
            }
        }
        Ok(survey)
    }
}

impl Stored {
    /// Reads it.
    ///
    /// # Errors
    /// The host's, or that it became larger.
    pub(super) fn read(self) -> Result<Vec<u8>> {
        let mut content = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or_default());
        let most = self.bytes.saturating_add(1);
        host::Stream::new(&self.file).take(most).read_to_end(&mut content).map_err(unreadable)?;
        match content.len() as u64 > self.bytes {
            true => Err(Error::invalid("it became larger while it was read")),
            false => Ok(content),
        }
    }
}

fn unreadable(error: io::Error) -> Error {
    Error::io("it cannot be read", error)
}

fn counted(bytes: u64) -> u64 {
    bytes.div_ceil(limits::CACHE_BLOCK_BYTES).saturating_mul(limits::CACHE_BLOCK_BYTES)
}
