//! The exit status, the same in every format.

use std::process::ExitCode;

use crate::report::Verdict;

/// What the process tells its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    /// 0: every image passes, or the command is done.
    Passed,
    /// 1: some image fails.
    Failed,
    /// 2: something could not be checked or done.
    NotChecked,
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Passed,
            Verdict::Fail => Self::Failed,
            Verdict::Error => Self::NotChecked,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        let as_verdict = match exit {
            Exit::Passed => Verdict::Pass,
            Exit::Failed => Verdict::Fail,
            Exit::NotChecked => Verdict::Error,
        };
        Self::from(as_verdict.exit_status())
    }
}
