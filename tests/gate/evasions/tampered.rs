//! Programs that are not what their packages say, put so that a look at one path would miss it.

use super::assert_failing;
use crate::packages::check;
use crate::support::{Layer, Manager, Package, other, package, sed};
use crate::tampered::{after, base};

#[test]
fn a_packaged_program_that_was_changed_is_found_wherever_it_lies() {
    for manager in Manager::ALL {
        // Of the same size, and removed before.
        let file = |content| Layer::new().whiteout("usr/bin/less").file_mode("usr/bin/less", content, 0o755);
        assert_failing(&after(manager, file("evil")), ["package-file-tampered /usr/bin/less"]);
        assert_failing(&after(manager, file("less")), []);
        // In a directory that was hidden before.
        let hidden = |content| Layer::new().opaque("usr/lib/less").file("usr/lib/less/lib", content);
        assert_failing(&after(manager, hidden("evil")), ["package-file-tampered /usr/lib/less/lib"]);
        assert_failing(&after(manager, hidden("lib")), []);
    }
}

#[test]
fn a_packaged_program_behind_a_link_is_found() {
    for manager in Manager::ALL {
        let file = |content| Layer::new().file_mode("opt/x", content, 0o755);
        let linked = |content| file(content).hardlink("usr/bin/less", "opt/x");
        let told = |content| {
            after(manager, linked(content)).failing().contains("package-file-tampered /usr/bin/less")
        };
        // Some runtimes refuse a link in a file's place, which is told besides.
        assert!(told("evil") && !told("less"), "{manager:?}");
        let moved = |content| Layer::new().file("opt/less/lib", content).symlink("usr/lib/less", "/opt/less");
        assert_failing(&after(manager, moved("evil")), ["package-file-tampered /opt/less/lib"]);
        assert_failing(&after(manager, moved("lib")), []);
    }
}

#[test]
fn the_forged_database_of_another_manager_vouches_for_nothing() {
    let forged = package("less", "590-r1", &[("usr/bin/less", "evil")]);
    for manager in Manager::ALL {
        for another in Manager::ALL.into_iter().filter(|another| *another != manager) {
            let evil = Layer::new().file_mode("usr/bin/less", "evil", 0o755);
            let layer = another.database(evil, &[&sed(), &other(), &forged], &[&sed(), &other(), &forged]);
            assert_failing(&after(manager, layer), ["package-file-tampered /usr/bin/less"]);
        }
    }
}

#[test]
fn a_link_of_an_upper_layer_to_a_file_of_the_base_is_found() {
    for manager in Manager::ALL {
        let new = package("new", "1", &[("opt/new/bin/other", "packed")]);
        let linked = |new: &Package| {
            let layer = Layer::new().symlink("opt/new/bin", "/usr/bin");
            check(&base(manager), manager.database(layer, &[&sed(), &other(), new], &[new]))
        };
        assert_failing(&linked(&new), ["package-file-tampered /usr/bin/other"]);
        let as_packed = package("new", "1", &[("opt/new/bin/other", "other")]);
        assert_failing(&linked(&as_packed), []);
    }
}
