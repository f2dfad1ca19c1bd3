//! Faults of this program, caught.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};
use crate::host;

/// Makes a panic an error, so that it can never read as a pass, and ends no program that uses this one.
pub(super) fn guarded<T>(doing: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let work = AssertUnwindSafe(|| {
        host::step();
        work()
    });
    catch_unwind(work).unwrap_or_else(|_| {
        let what = format!("{doing} failed by a fault of this program");
        Err(Error::new(ErrorKind::Internal, what)
            .hint("please report it, with the image where that may be; it was not judged"))
    })
}
