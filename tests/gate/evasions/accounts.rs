//! Who becomes root without being asked, said where a simpler reader of sudoers does not look.

use super::{assert_failing, with};
use crate::harness::{Room, check_path};
use crate::support::{Layer, clean_app, small_base};

const OPEN: &str = "app ALL=(ALL) NOPASSWD: ALL\n";

/// What includes `/opt/hid`, beside the ordinary `@include /opt/hid`.
#[test]
fn an_include_that_is_written_otherwise_is_followed() {
    let including = |text: &str| {
        Layer::new()
            .file("etc/sudoers", "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
            .file("etc/sudoers.d/x", text)
            .symlink("srv/link", "/opt/deep")
            .file("opt/deep/x", "x")
    };
    for (text, hid) in [
        ("@include /opt/hid\n", "opt/hid"),
        ("@include \\\n /opt/hid\n", "opt/hid"),
        ("#include \\\n\\\n\t/opt/hid\n", "opt/hid"),
        ("@include\\\n\"/opt/hid\"\n", "opt/hid"),
        ("@includedir \\\n /opt/more\n", "opt/more/hid"),
        ("@include \"/opt/\\\n  hid\"\n", "opt/hid"),
        ("@include \"\\\"/opt/hid\\\"\"\n", "opt/hid"),
        ("@include /opt/hid\x0bx\n", "opt/hid"),
        ("@include /none:/opt/hid\n", "opt/hid"),
        ("@include none:/opt/hid\n", "opt/hid"),
        ("@includedir /none:/opt/more\n", "opt/more/hid"),
        ("@include /srv/link/../hid\n", "opt/hid"),
    ] {
        assert_failing(&with(including(text).file(hid, OPEN)), [&format!("sudo-nopasswd /{hid}")]);
        assert_failing(&with(including(text).file(hid, "app ALL=(ALL) ALL\n")), []);
        // What is not there is none.
        let without = with(including(text).file("opt/other", OPEN).file("srv/hid", OPEN));
        assert_eq!((without.outcome("sudo-nopasswd"), without.exit), ("pass", 0), "{text}");
    }
    // A name that begins where sudo is called may be any.
    let anywhere = with(including("@include /none:hid\n"));
    assert_eq!((anywhere.outcome("sudo-nopasswd"), anywhere.exit), ("not-evaluated", 2));
}

/// A file that was one of a list includes beside all of them.
#[test]
fn what_an_included_list_includes_is_looked_for_beside_each_of_it() {
    let list = |path: &str| {
        let layer = Layer::new()
            .file("etc/sudoers", "@include /srv/none:/opt/rules\n")
            .file("opt/rules", "@include more\n")
            .file("srv/other", "x");
        with(layer.file(path, OPEN))
    };
    assert_failing(&list("srv/more"), ["sudo-nopasswd /srv/more"]);
    assert_failing(&list("opt/more"), ["sudo-nopasswd /opt/more"]);
    assert_failing(&list("etc/more"), []);
    let vendor = |path: &str| {
        let layer = Layer::new().file("usr/etc/sudoers", "@include more\n").file("etc/other", "x");
        with(layer.file(path, OPEN))
    };
    assert_failing(&vendor("etc/more"), ["sudo-nopasswd /etc/more"]);
    assert_failing(&vendor("usr/etc/more"), ["sudo-nopasswd /usr/etc/more"]);
}

/// Whom sudo asks once at most, or by another stack of PAM: no line of it says `NOPASSWD`.
#[test]
fn sudo_that_believes_what_the_image_brings_is_told() {
    let sudoers = |text: &str| Layer::new().file("etc/sudoers", format!("{text}app ALL=(ALL) ALL\n"));
    for defaults in [
        "Defaults:app timestamp_type=global, timestamp_timeout=-1\n",
        "Defaults timestamp_timeout = \"-0.1\"\n",
        "Defaults timestampdir=/opt/ts\n",
        "Defaults timestampowner=app\n",
        "Defaults pam_service=other\n",
    ] {
        assert_failing(&with(sudoers(defaults)), ["sudo-nopasswd /etc/sudoers"]);
    }
    for defaults in [
        "Defaults timestamp_type=global, timestamp_timeout=15\n",
        "Defaults timestampdir=/run/sudo/ts, timestampowner=root\n",
        "Defaults pam_service=sudo, lecture=always\n",
    ] {
        assert_failing(&with(sudoers(defaults).dir("var/lib/sudo/lectured", 0o700)), []);
    }
}

#[test]
fn a_record_that_a_password_was_given_is_told() {
    let with_record = |defaults: &str, path: &str, record: &str| {
        let layer = Layer::new().file("etc/sudoers", format!("{defaults}app ALL=(ALL) ALL\n"));
        with(layer.symlink("var/run", "../run").file(path, record))
    };
    for path in ["run/sudo/ts/app", "var/lib/sudo/ts/app", "var/db/sudo/ts/10001", "run/sudo-rs/ts/app"] {
        // A build that used sudo leaves one, which sudo takes for another terminal's.
        let leftover = with_record("", path, "x");
        assert_failing(&leftover, []);
        let finding = leftover.finding("sudo-nopasswd");
        assert_eq!((&finding["path"], &finding["severity"]), (&format!("/{path}").into(), &"low".into()));
        for kept in ["Defaults timestamp_type=global\n", "Defaults !tty_tickets\n"] {
            assert_failing(&with_record(kept, path, "x"), [&format!("sudo-nopasswd /{path}")]);
        }
        assert_eq!(with_record("Defaults !tty_tickets\n", path, "").outcome("sudo-nopasswd"), "pass");
    }
    for path in ["var/lib/sudo/lectured/app", "run/sudo/app"] {
        assert_eq!(with_record("Defaults !tty_tickets\n", path, "x").outcome("sudo-nopasswd"), "pass");
    }
}

/// The base's rule is for its aliases; sudo keeps the first definition of a name.
#[test]
fn the_bases_own_rule_with_another_alias_is_told() {
    let base = small_base().layer(
        Layer::new()
            .file("etc/sudoers", "root ALL=(ALL:ALL) ALL\n@includedir /etc/sudoers.d\n")
            .file(
                "etc/sudoers.d/90-admins",
                "User_Alias ADMINS = OPS\nUser_Alias OPS = builder\nCmnd_Alias TOOLS = /bin/a\n\
                 ADMINS ALL=(ALL) NOPASSWD: TOOLS\n",
            )
            .file("run/sudo/ts/builder", "x"),
    );
    let room = Room::new();
    let catalog = room.catalog(&[&base]);
    let check = |name: &str, text: &str| {
        let image = clean_app(&base).layer(Layer::new().file("etc/sudoers.d/00-x", text));
        check_path(&room.write(name, image.oci_archive()), Some(&catalog))
    };
    for (number, text) in [
        "User_Alias ADMINS = ALL\n",
        "User_Alias OPS = ALL\n",
        "Host_Alias X = x : OPS = ALL\n",
        "User_Alias \\\nOPS = ALL\n",
        "Cmnd_Alias TOOLS = ALL\n",
    ]
    .iter()
    .enumerate()
    {
        let checked = check(&format!("{number}.tar"), text);
        assert_failing(&checked, ["sudo-nopasswd /etc/sudoers.d/90-admins"]);
        let finding = checked.finding("sudo-nopasswd").to_string();
        assert!(finding.contains("/etc/sudoers.d/00-x:1: "), "{finding}");
    }
    for (name, text) in [
        ("same.tar", "User_Alias OPS = builder\n"),
        ("other.tar", "User_Alias OTHERS = ALL\nCmnd_Alias A = ALL\nDefaults env_reset\n"),
        ("asked.tar", "User_Alias OTHERS = ALL\nOTHERS ALL=(ALL) TOOLS\n"),
    ] {
        assert_eq!(check(name, text).outcome("sudo-nopasswd"), "pass", "{text}");
    }
}
