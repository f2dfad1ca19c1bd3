//! When a run's time is up.

use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};

/// When the time is up that a run may take; by default never.
///
/// All that takes its time looks at it: each read of an input, each piece of a layer that is decoded,
/// each thousand entries that are applied, each rule, each finding that is told. What cannot look (a read that waits for a pipe, one
/// rule) is for the caller to leave, as `ocicheck check` does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Deadline(Option<(Instant, Duration)>);

impl Deadline {
    /// Never, where a constant is wanted.
    pub const NONE: Self = Self(None);

    /// So long after `start`; never where that is beyond what clocks can tell.
    pub fn after(start: Instant, time: Duration) -> Self {
        Self(start.checked_add(time).map(|end| (end, time)))
    }

    /// What is left of the time; `None` where there is no end.
    pub fn left(&self) -> Option<Duration> {
        self.0.map(|(end, _)| end.saturating_duration_since(Instant::now()))
    }

    /// Whether there is time left.
    ///
    /// # Errors
    /// There is none: [`ErrorKind::Timeout`].
    pub fn check(&self) -> Result<()> {
        match self.0 {
            Some((end, _)) if Instant::now() >= end => Err(self.error()),
            _ => Ok(()),
        }
    }

    /// What is said when the time is up.
    pub fn error(&self) -> Error {
        let time = self.0.map_or(0.0, |(_, time)| time.as_secs_f64());
        let what = format!("not done within the time limit, --timeout {time}s");
        Error::new(ErrorKind::Timeout, what).hint("allow more time, or name fewer images in one run")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_up_when_it_is_up() {
        let now = Instant::now();
        assert!(Deadline::default().check().is_ok() && Deadline::default().left().is_none());
        assert!(Deadline::after(now, Duration::MAX).check().is_ok());
        assert!(Deadline::after(now, Duration::from_secs(60)).check().is_ok());
        let over = Deadline::after(now, Duration::ZERO);
        assert_eq!(
            (over.left(), over.check().unwrap_err().kind()),
            (Some(Duration::ZERO), ErrorKind::Timeout)
        );
        let told = Deadline::after(now, Duration::from_millis(1500)).error().to_string();
        assert!(told.contains("--timeout 1.5s"), "{told}");
    }
}
