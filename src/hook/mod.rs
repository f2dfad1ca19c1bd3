//! The git hook: which images a push is held to, and putting the hook into a repository.
//!
//! Nothing that reads or judges images imports this module; only the command line does. It asks git, and runs the
//! build that the policy's `[hook]` names: [`process`] is the one place of the program that starts a process.

mod changes;
mod files;
mod git;
mod images;
mod install;
mod links;
mod process;
mod push;
mod remote;
mod when;

pub(crate) use git::Repository;
pub(crate) use images::images;
pub(crate) use install::{KEPT, Wanted, install, uninstall};
pub(crate) use push::{Pushed, is_relevant, read};
pub(crate) use remote::Destination;
