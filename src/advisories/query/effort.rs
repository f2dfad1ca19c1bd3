//! What asking may cost.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::limits::Deadline;

/// Bytes of a version up to which it is compared as fast as any: longer ones than that are hardly versions.
const VERSION_BYTES: u64 = 64;

/// What the questions about one image may cost together, whichever threads ask them.
#[derive(Debug)]
pub(in crate::advisories) struct Effort {
    spent: AtomicU64,
    /// See [`crate::limits::ADVISORY_COMPARISONS`].
    most: u64,
    deadline: Deadline,
}

impl Effort {
    /// So many comparisons at most, up to then.
    pub(in crate::advisories) fn of(most: u64, deadline: Deadline) -> Self {
        Self { spent: AtomicU64::new(0), most, deadline }
    }

    /// As many as it takes: of one package that somebody asked for by name.
    pub(super) fn any() -> Self {
        Self::of(u64::MAX, Deadline::NONE)
    }

    /// Counts that a version is compared so often; a long one counts for several.
    ///
    /// # Errors
    /// [`crate::limits::ADVISORY_COMPARISONS`]; the time is up.
    pub(super) fn spend(&self, comparisons: u64, version: &str) -> Result<()> {
        self.deadline.check()?;
        let each = (version.len() as u64).div_ceil(VERSION_BYTES).max(1);
        let cost = comparisons.saturating_mul(each);
        let before = self.spent.fetch_add(cost, Ordering::Relaxed);
        if before.saturating_add(cost) > self.most {
            let what = "what the versions of an image's packages are compared with";
            return Err(Error::limit(what, "ADVISORY_COMPARISONS", self.most));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::error::ErrorKind;

    /// A kernel has thousands of entries, which are compared one after another.
    #[test]
    fn the_time_is_looked_at_for_each_entry() {
        let over = Effort::of(1, Deadline::after(Instant::now(), Duration::ZERO));
        assert_eq!(over.spend(1, "1.0").unwrap_err().kind(), ErrorKind::Timeout);
        assert!(Effort::of(1, Deadline::NONE).spend(1, "1.0").is_ok());
    }
}
