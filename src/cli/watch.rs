//! Checking inputs on a thread of its own, which is left alone when the time is up: what waits for a pipe or
//! a network file system cannot be told to stop.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::engine::Engine;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::{Deadline, TIMEOUT_GRACE_MS};
use crate::report::{Builder, ImageReport};
use crate::scan::Progress;
use crate::source::Input;

/// What came of one input so far.
#[derive(Default)]
struct Done {
    images: Vec<ImageReport>,
    errors: Vec<Error>,
    notes: Vec<String>,
    whole: bool,
}

type All = Mutex<Vec<Done>>;

/// Checks all inputs, and adds what came of each to the report; how many threads were at it.
///
/// # Errors
/// No threads can be started.
pub(super) fn check(
    engine: &Arc<Engine>,
    inputs: Vec<Input>,
    jobs: Option<usize>,
    progress: &Arc<impl Progress + 'static>,
    report: &mut Builder,
) -> Result<usize> {
    let deadline = engine.policy.limits.deadline;
    let names: Vec<_> = inputs.iter().map(Input::name).collect();
    let all: Arc<All> = Arc::new(Mutex::new(inputs.iter().map(|_| Done::default()).collect()));
    let (end, ended) = channel();
    let worker = {
        let (engine, progress, all) = (Arc::clone(engine), Arc::clone(progress), Arc::clone(&all));
        move || {
            let work = || {
                check_each(&engine, &inputs, &*progress, &all);
                rayon::current_num_threads()
            };
            // Nobody waits for it any more where the time is up.
            let _ = end.send(super::with_jobs(jobs, work));
        }
    };
    let started = thread::Builder::new().name("check".to_owned()).spawn(worker);
    drop(started.map_err(|error| Error::io("no thread can be started", error))?);
    let (unfinished, jobs) = match ended.recv_timeout(patience(deadline)) {
        Ok(jobs) => (None, jobs?),
        Err(RecvTimeoutError::Timeout) => (Some(deadline.error()), threads(jobs)),
        Err(RecvTimeoutError::Disconnected) => {
            let what = "checking failed by a fault of this program";
            (Some(Error::new(ErrorKind::Internal, what)), threads(jobs))
        }
    };
    for (name, done) in names.iter().zip(lock(&all).iter_mut()) {
        let Done { images, mut errors, notes, whole } = std::mem::take(done);
        if !whole {
            errors.extend(unfinished.clone().map(|error| error.at(name)));
        }
        report.add(name, images, errors, notes);
    }
    Ok(jobs)
}

fn check_each(engine: &Engine, inputs: &[Input], progress: &dyn Progress, all: &All) {
    for (number, input) in inputs.iter().enumerate() {
        let put = |change: &mut dyn FnMut(&mut Done)| {
            lock(all).get_mut(number).map(change);
        };
        let mut told = engine.check_each(input, progress, |image| {
            let mut image = Some(image);
            put(&mut |done| done.images.extend(image.take()));
        });
        put(&mut |done| {
            (done.errors, done.notes) = (std::mem::take(&mut told.errors), std::mem::take(&mut told.notes));
            done.whole = true;
        });
    }
}

/// How many threads are at it, where they were not heard of again.
fn threads(jobs: Option<usize>) -> usize {
    jobs.unwrap_or_else(|| thread::available_parallelism().map_or(1, usize::from))
}

/// How long to wait for all inputs.
fn patience(deadline: Deadline) -> Duration {
    let left = deadline.left().map(|left| left.saturating_add(Duration::from_millis(TIMEOUT_GRACE_MS)));
    left.unwrap_or(Duration::MAX)
}

fn lock(all: &All) -> MutexGuard<'_, Vec<Done>> {
    all.lock().unwrap_or_else(PoisonError::into_inner)
}
