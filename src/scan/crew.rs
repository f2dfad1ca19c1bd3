//! The threads that read layers. One that finds no layer left decodes for one that still reads: the
//! last layers, or the only one, are decoded on one thread and judged on another.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Work that a thread with nothing to do takes over.
type Task = Box<dyn FnOnce() + Send>;

/// What the threads know of each other.
#[derive(Debug)]
pub(super) struct Crew {
    layers: usize,
    next: AtomicUsize,
    /// As in [`State`]; read without the lock, for it is asked for each piece.
    idle: AtomicUsize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Layers that are not read to their end.
    unread: usize,
    /// Threads that wait for a task and were not given one.
    idle: usize,
    tasks: Vec<Task>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("unread", &self.unread).field("idle", &self.idle).finish()
    }
}

impl Crew {
    /// A crew for so many layers; none for a layer that is read by one thread.
    pub(super) fn new(layers: usize) -> Self {
        let state = Mutex::new(State { unread: layers, ..State::default() });
        let (next, idle) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { layers, next, idle, state, changed: Condvar::new() }
    }

    /// What each thread does: it reads layers, each by its place in the order, and then helps until all
    /// are read. `read` must not panic.
    pub(super) fn work(&self, read: impl Fn(usize)) {
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            if place >= self.layers {
                break;
            }
            read(place);
            let mut state = self.state();
            state.unread = state.unread.saturating_sub(1);
            if state.unread == 0 {
                self.changed.notify_all();
            }
        }
        self.help();
    }

    fn help(&self) {
        let mut state = self.state();
        self.set_idle(&mut state, |idle| idle + 1);
        loop {
            if let Some(task) = state.tasks.pop() {
                drop(state);
                // Whoever gave the task sees that nothing comes of it.
                let _ = catch_unwind(AssertUnwindSafe(task));
                state = self.state();
                self.set_idle(&mut state, |idle| idle + 1);
            } else if state.unread == 0 {
                return;
            } else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    /// Whether a thread has nothing to do, as it seems.
    pub(super) fn has_idle(&self) -> bool {
        self.idle.load(Ordering::Relaxed) > 0
    }

    /// Gives a task to a thread that has nothing to do; gives it back where there is none.
    pub(super) fn give<T: Send + 'static>(&self, work: T, task: fn(T)) -> Result<(), T> {
        let mut state = self.state();
        if state.idle == 0 {
            return Err(work);
        }
        self.set_idle(&mut state, |idle| idle - 1);
        state.tasks.push(Box::new(move || task(work)));
        self.changed.notify_one();
        Ok(())
    }

    fn set_idle(&self, state: &mut State, change: impl FnOnce(usize) -> usize) {
        state.idle = change(state.idle);
        self.idle.store(state.idle, Ordering::Relaxed);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
