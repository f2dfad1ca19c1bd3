//! Turns of those who hold much memory: as many as there are threads would hold more than there is.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Of those who share it, one goes on at a time.
#[derive(Debug, Default)]
pub struct Turns {
    taken: Mutex<bool>,
    free: Condvar,
}

impl Turns {
    /// Whether nobody has the turn.
    #[cfg(test)]
    pub fn is_free(&self) -> bool {
        !*lock(&self.taken)
    }

    fn take(&self) {
        let taken = lock(&self.taken);
        let free = self.free.wait_while(taken, |taken| *taken);
        *free.unwrap_or_else(PoisonError::into_inner) = true;
    }

    fn give(&self) {
        *lock(&self.taken) = false;
        self.free.notify_one();
    }
}

/// One of them: all that reads one layer, on whichever threads. What one part of it has a turn for, the others need
/// not wait for, so that none waits for another while it has the turn.
#[derive(Debug, Default)]
pub struct Party {
    turns: Arc<Turns>,
    /// How many of its turns are not over.
    held: Mutex<usize>,
}

impl Party {
    /// One of those who share `turns`. By default it is alone.
    pub fn of(turns: &Arc<Turns>) -> Arc<Self> {
        Arc::new(Self { turns: Arc::clone(turns), held: Mutex::default() })
    }

    /// Waits until no other party has a turn. Whoever has one goes on to its end and looks at the clock meanwhile, so
    /// it takes no longer than all may.
    pub fn turn(self: &Arc<Self>) -> Turn {
        let mut held = lock(&self.held);
        if *held == 0 {
            self.turns.take();
        }
        *held += 1;
        Turn(Arc::clone(self))
    }
}

/// Held by who holds much memory for a while.
#[derive(Debug)]
pub struct Turn(Arc<Party>);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut held = lock(&self.0.held);
        *held = held.saturating_sub(1);
        if *held == 0 {
            self.0.turns.give();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parties_go_on_one_after_another_and_each_as_a_whole() {
        let turns = Arc::new(Turns::default());
        let (one, other) = (Party::of(&turns), Party::of(&turns));
        let first = one.turn();
        let second = one.turn();
        drop(first);
        assert!(!turns.is_free(), "its other turn is not over");
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let _turn = other.turn();
                tell.send(()).unwrap();
            });
            assert!(told.recv_timeout(std::time::Duration::from_millis(20)).is_err());
            drop(second);
            told.recv().unwrap();
        });
        assert!(turns.is_free());
    }
}
