//! What passes, and is known to: docs/security.md says why. A test that fails here is good news for that table.

use super::{app, assert_failing, with};
use crate::harness::check_child;
use crate::secrets::github;
use crate::support::{Compression, Layer};

#[test]
fn a_secret_in_two_files_passes() {
    let secret = github();
    let (head, tail) = secret.split_at(20);
    let split = app().layer(Layer::new().file("opt/a", head)).layer(Layer::new().file("opt/b", tail));
    assert_failing(&check_child(&split), []);
}

#[test]
fn a_secret_that_is_packed_passes() {
    let tar = Layer::new().file("x", github()).tar();
    assert_failing(&with(Layer::new().file("opt/x.tgz", Compression::Gzip(6).compress(&tar))), []);
}

#[test]
fn a_program_before_the_bases_in_the_path_passes() {
    assert_failing(&with(Layer::new().file_mode("usr/local/bin/ls", "evil", 0o755)), []);
}

#[test]
fn a_secret_among_documentation_is_told_only() {
    let checked = with(Layer::new().file("usr/share/doc/x/token", github()));
    assert_failing(&checked, []);
    assert_eq!(checked.finding("secret-file")["severity"], "info");
}
