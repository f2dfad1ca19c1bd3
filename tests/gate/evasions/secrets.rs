//! Secrets where nobody looks.

use super::{app, assert_failing, with};
use crate::harness::{check_child, set};
use crate::secrets::github;
use crate::support::{Compression, Layer};

#[test]
fn a_file_that_is_no_content_may_hold_a_secret() {
    let secret = github();
    let whiteout = |content: &str| with(Layer::new().file("opt/.wh.gone", content));
    assert_eq!(whiteout(&secret).failing(), set(["secret-file /opt/.wh.gone"]));
    assert_eq!(whiteout("").failing(), set([]));
    let opaque = with(Layer::new().dir("opt/", 0o755).file("opt/.wh..wh..opq", &secret)).failing();
    assert!(opaque.contains("secret-file /opt/.wh..wh..opq"), "{opaque:?}");
    let leftover = with(Layer::new().file(".wh..wh.aufs", &secret)).failing();
    assert!(leftover.contains("secret-file /.wh..wh.aufs"), "{leftover:?}");
}

#[test]
fn a_history_that_calls_a_layer_the_bases_hides_no_secret() {
    let base_step = "# debian.sh --arch 'amd64' out/ 'trixie'";
    let layer = |content: &str| {
        app().layer_with(Layer::new().file("opt/x", content), base_step, Compression::Gzip(6))
    };
    assert_failing(&check_child(&layer(&github())), ["secret-file /opt/x"]);
    assert_failing(&check_child(&layer("x")), []);
}

#[test]
fn the_first_of_two_files_of_one_name_may_hold_a_secret() {
    let layer = Layer::new().file("opt/x", github()).file("opt/x", "nothing");
    assert_failing(&with(layer), ["duplicate-entry /opt/x", "secret-file /opt/x"]);
}
