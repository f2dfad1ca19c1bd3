//! Images with one wrong thing in them, put so that a reader could miss it.
//!
//! The table of docs/security.md names each test here, and those elsewhere that hold the same promise. Each wrong
//! image stands beside what it looks like without the trick, so that a test which sees faults everywhere fails too.

mod accounts;
mod chosen;
mod documents;
mod headers;
mod not_caught;
mod secrets;
mod stored;
mod table;
mod tampered;
mod tree;
mod users;

use crate::harness::{Checked, check_child};
use crate::support::{Image, Layer, clean_app, small_base};

/// `cap_net_raw+ep`.
const CAP_NET_RAW: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/// A clean application on the catalogued base.
fn app() -> Image {
    clean_app(&small_base())
}

/// The application with one more layer.
fn with(layer: Layer) -> Checked {
    check_child(&app().layer(layer))
}

/// Holds `rule path` of what fails to just these.
fn assert_failing<const N: usize>(checked: &Checked, expected: [&str; N]) {
    assert_eq!(
        checked.failing(),
        crate::harness::set(expected),
        "{:#}",
        checked.report["images"][0]["findings"]
    );
}
