//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    ocicheck::cli::main()
}
