//! Work on a thread of its own, which is left alone when the time is up: what waits for a pipe or a network file
//! system cannot be told to stop.

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
    let work = {
        let (engine, progress, all) = (Arc::clone(engine), Arc::clone(progress), Arc::clone(&all));
        move || {
            check_each(&engine, &inputs, &*progress, &all);
            rayon::current_num_threads()
        }
    };
    let (unfinished, jobs) = match watched(deadline, jobs, work)? {
        Ended::Done(jobs) => (None, jobs),
        Ended::Left(error) => (Some(error), threads(jobs)),
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

/// What `work` makes of one input, unless the time is up before.
///
/// # Errors
/// The work's own; the time is up; no threads can be started.
pub(super) fn until<T: Send + 'static>(
    deadline: Deadline,
    input: &Input,
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match watched(deadline, None, work)? {
        Ended::Done(made) => made,
        Ended::Left(error) => Err(error.at(input.name())),
    }
}

/// How it ended.
enum Ended<T> {
    Done(T),
    /// Nobody waits for it any more, and why.
    Left(Error),
}

fn watched<T: Send + 'static>(
    deadline: Deadline,
    jobs: Option<usize>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Ended<T>> {
    let (end, ended) = channel();
    // Where the time is up, nobody hears it.
    let worker = move || drop(end.send(super::with_jobs(jobs, work)));
    let started = thread::Builder::new().name("work".to_owned()).spawn(worker);
    drop(started.map_err(|error| Error::io("no thread can be started", error))?);
    match ended.recv_timeout(patience(deadline)) {
        Ok(done) => Ok(Ended::Done(done?)),
        Err(RecvTimeoutError::Timeout) => Ok(Ended::Left(deadline.error())),
        Err(RecvTimeoutError::Disconnected) => {
            let what = "it failed by a fault of this program";
            Ok(Ended::Left(Error::new(ErrorKind::Internal, what)))
        }
    }
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
