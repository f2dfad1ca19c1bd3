//! Who becomes root without being asked: accounts, sudo, doas, the dynamic linker.

use std::collections::BTreeSet;

use crate::harness::{Checked, check_bytes, check_child, set};
use crate::support::{Entry, Image, Layer, PASSWD, clean_app, small_base};

fn check(layer: Layer) -> Checked {
    check_child(&clean_app(&small_base()).layer(layer))
}

/// Rules of this page that fail, with their paths; others see the same files with other eyes.
fn failing(checked: &Checked) -> BTreeSet<String> {
    let ours = ["account-", "sudo-nopasswd", "ld-so-preload"];
    checked.failing().into_iter().filter(|told| ours.iter().any(|rule| told.starts_with(rule))).collect()
}

#[test]
fn each_fault_is_found_and_what_looks_like_it_is_not() {
    let shadow = "root:*:19700:0:99999:7:::\n";
    let cases: &[(&str, String, &[&str])] = &[
        ("etc/passwd", format!("{PASSWD}toor:x:0:0::/:/bin/sh\n"), &["account-uid-zero /etc/passwd"]),
        ("etc/passwd", format!("{PASSWD}toor:x:+0:5::/:/bin/sh\n"), &["account-uid-zero /etc/passwd"]),
        ("etc/passwd", format!("{PASSWD}short\n"), &["account-uid-zero /etc/passwd"]),
        ("etc/passwd", format!("{PASSWD}app::500:500::/:/bin/sh\n"), &["account-no-password /etc/passwd"]),
        ("etc/passwd", format!("{PASSWD}app:x:500:0::/:/bin/sh\n# toor:x:0:0\n"), &[]),
        ("etc/shadow", format!("{shadow}app::19700:0:99999:7:::\n"), &["account-no-password /etc/shadow"]),
        ("etc/shadow", format!("{shadow}app:!:19700:0:99999:7:::\n"), &[]),
        ("etc/sudoers", "app ALL=(ALL) NOPASSWD: ALL\n".into(), &["sudo-nopasswd /etc/sudoers"]),
        ("etc/sudoers", "%sudo ALL=(ALL:ALL) ALL # NOPASSWD: ALL\n".into(), &[]),
        ("etc/doas.conf", "permit nopass app\n".into(), &["sudo-nopasswd /etc/doas.conf"]),
        ("etc/doas.conf", "permit persist app\n".into(), &[]),
        ("etc/ld.so.preload", "/opt/evil.so\n".into(), &["ld-so-preload /etc/ld.so.preload"]),
        ("etc/ld.so.preload", "# nothing\n".into(), &[]),
    ];
    for (path, content, expected) in cases {
        let checked = check(Layer::new().file(path, content));
        let expected = expected.iter().map(|told| (*told).to_owned()).collect();
        assert_eq!(failing(&checked), expected, "{path}: {content}");
    }
}

#[test]
fn sudo_follows_its_includes_and_passes_names_with_dots_over() {
    let open = "app ALL=(ALL) NOPASSWD: ALL\n";
    let checked = check(
        Layer::new()
            .file("etc/sudoers", "#includedir /etc/sudoers.d\n@include sudoers.d/named.conf\n@include loop\n")
            .symlink("etc/loop", "sudoers")
            .file("etc/sudoers.d/10-app", open)
            .file("etc/sudoers.d/app.bak", open)
            .file("etc/sudoers.d/app~", open)
            .file("etc/sudoers.d/named.conf", open),
    );
    let told = set(["sudo-nopasswd /etc/sudoers.d/10-app", "sudo-nopasswd /etc/sudoers.d/named.conf"]);
    assert_eq!(failing(&checked), told);
    let without_include = check(Layer::new().file("etc/sudoers", "").file("etc/sudoers.d/10-app", open));
    assert_eq!(failing(&without_include), set([]));
}

#[test]
fn sudo_includes_are_read_wherever_they_are() {
    let open = "app ALL=(ALL) NOPASSWD: ALL\n";
    let rules = || Layer::new().file("etc/sudoers", "@include /opt/rules\n");
    let chain = |length: usize| {
        (1..length).fold(Layer::new().file("etc/sudoers", "@include /opt/0\n"), |layer, number| {
            layer.file(format!("opt/{}", number - 1), format!("@include {number}\n"))
        })
    };
    let last = |length: usize| format!("opt/{}", length - 1);
    for (layer, told) in [
        (rules().file("opt/rules", open), Some("/opt/rules")),
        (rules().file("opt/rules", "app ALL=(ALL) ALL\n"), None),
        (rules(), None),
        // Relative ones start beside the file that names them, and files include each other.
        (
            rules().file("opt/rules", "@include rules\n@include more\n").file("opt/more", open),
            Some("/opt/more"),
        ),
        (rules().file("opt/rules", "@include more\n").file("etc/more", open), None),
        (rules().symlink("opt/rules", "../srv/a").file("srv/a", open), Some("/opt/rules")),
        (
            Layer::new()
                .file("etc/sudoers", "#includedir /opt/x\n")
                .file("opt/x/a", open)
                .file("opt/x/a.b", open),
            Some("/opt/x/a"),
        ),
        (
            Layer::new().file("etc/sudoers", "@include /etc/sudoers.%h\n").file("etc/sudoers.web1", open),
            Some("/etc/sudoers.web1"),
        ),
        (Layer::new().file("etc/sudoers", "@include /etc/sudoers.%h\n").file("etc/other", open), None),
        // What is beside a link's target is not beside the link.
        (
            Layer::new()
                .file("etc/sudoers", "@include /opt/link/../x.%h\n")
                .symlink("opt/link", "../srv/a")
                .file("srv/a/x.web1", "app ALL=(ALL) ALL\n")
                .file("srv/x.web1", open),
            Some("/srv/x.web1"),
        ),
        (chain(4).file(last(4), open), Some("/opt/3")),
    ] {
        let checked = check(layer);
        let expected = told.map(|path| format!("sudo-nopasswd {path}"));
        assert_eq!(failing(&checked), expected.into_iter().collect(), "{told:?}");
        assert_ne!(checked.outcome("sudo-nopasswd"), "not-evaluated", "{told:?}");
    }
    let checked = check(chain(5).file(last(5), open));
    assert_eq!((checked.outcome("sudo-nopasswd"), checked.exit), ("not-evaluated", 2));
}

#[test]
fn sudo_includes_of_the_base_are_the_bases() {
    let open = "app ALL=(ALL) NOPASSWD: ALL\n";
    let base = small_base().layer(
        Layer::new()
            .file("etc/sudoers", "@include /opt/base\n@include /opt/app\n")
            .file("opt/base", open)
            .file("srv/rules", "ops ALL=(ALL) NOPASSWD: ALL\n"),
    );
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    let check = |name: &str, app: Layer| {
        let app = clean_app(&base).layer(app);
        failing(&crate::harness::check_path(&room.write(name, app.oci_archive()), Some(&catalog)))
    };
    assert_eq!(check("same.tar", Layer::new().file("opt/app", "# nothing\n")), set([]));
    assert_eq!(
        check("new.tar", Layer::new().file("opt/app", "ops ALL = NOPASSWD: ALL\n")),
        set(["sudo-nopasswd /opt/app"])
    );
    // The base's file, which nothing included before.
    let includes = check("includes.tar", Layer::new().file("opt/app", "@include /srv/rules\n"));
    assert_eq!(includes, set(["sudo-nopasswd /srv/rules"]));
}

#[test]
fn sudoers_that_include_without_end_are_not_evaluated() {
    let layer = Layer::new()
        .file("etc/sudoers", "@include a/sudoers\n@include b/sudoers\n")
        .symlink("etc/a", ".")
        .symlink("etc/b", ".");
    assert_eq!(check(layer).outcome("sudo-nopasswd"), "pass");
    let many = (0..5_000).map(|number| format!("@include /opt/{number}\n")).collect::<String>();
    let checked = check(Layer::new().file("etc/sudoers", many));
    assert_eq!((checked.outcome("sudo-nopasswd"), checked.exit), ("not-evaluated", 2));
}

#[test]
fn what_cannot_be_read_is_no_pass() {
    for (layer, rule) in [
        (Layer::new().file("etc/sudoers", "@include /etc/%h\n"), "sudo-nopasswd"),
        (Layer::new().symlink("etc/ld.so.preload", "ld.so.preload"), "ld-so-preload"),
        (Layer::new().entry(Entry::file("etc/shadow", "x".repeat(20 << 20))), "account-no-password"),
    ] {
        let checked = check_bytes(Image::new().user("1").layer(layer).oci_archive());
        assert_eq!((checked.outcome(rule), checked.exit), ("not-evaluated", 2), "{rule}");
    }
}

#[test]
fn account_files_are_read_behind_symlinks() {
    let image = Image::new().user("1").layer(
        Layer::new()
            .symlink("etc/passwd", "../usr/share/accounts")
            .file("usr/share/accounts", "toor:x:0:0::/:/bin/sh\n"),
    );
    let checked = check_bytes(image.oci_archive());
    assert_eq!(failing(&checked), set(["account-uid-zero /etc/passwd"]));
}

#[test]
fn a_way_through_proc_leads_where_programs_in_the_container_come_out() {
    let open = "app ALL=(ALL) NOPASSWD: ALL\n";
    let hidden = || Layer::new().file("opt/rules", open).file("opt/list", "/opt/evil.so\n");
    for way in [
        "/proc/self/root/opt",
        "/proc/1/task/1/root/opt",
        "/proc/thread-self/../../root/opt",
        "/proc/../opt",
        "/dev/shm/../../opt",
        "/sys/kernel/../../opt",
    ] {
        for (layer, told) in [
            (
                hidden().symlink("etc/ld.so.preload", format!("{way}/list")),
                "ld-so-preload /etc/ld.so.preload",
            ),
            (hidden().symlink("etc/sudoers.d/x", format!("{way}/rules")), "sudo-nopasswd /etc/sudoers.d/x"),
            (
                hidden()
                    .symlink("etc/doas.conf", format!("{way}/doas"))
                    .file("opt/doas", "permit nopass app\n"),
                "sudo-nopasswd /etc/doas.conf",
            ),
        ] {
            let layer = layer.file("etc/sudoers", "@includedir /etc/sudoers.d\n");
            assert_eq!(failing(&check(layer)), set([told]), "{way}");
        }
        let include = hidden().file("etc/sudoers", format!("@include {way}/rules\n"));
        let found = failing(&check(include));
        assert!(found.iter().any(|told| told.starts_with("sudo-nopasswd ")), "{way}: {found:?}");
    }
    // What each process finds there is not known.
    for (path, target, rule) in [
        ("etc/ld.so.preload", "/proc/self/cwd/list", "ld-so-preload"),
        ("etc/ld.so.preload", "/dev/fd/3", "ld-so-preload"),
        ("etc/sudoers.d/x", "/proc/self/cwd/../rules", "sudo-nopasswd"),
        ("etc/doas.d", "/proc/self/cwd", "sudo-nopasswd"),
        ("run/sudo/ts", "/proc/self/cwd", "sudo-nopasswd"),
    ] {
        let layer = hidden().symlink(path, target).file("etc/sudoers", "@includedir /etc/sudoers.d\n");
        let checked = check(layer);
        assert_eq!((checked.exit, checked.outcome(rule)), (2, "not-evaluated"), "{target}");
    }
    // Runtimes look for accounts before anything is mounted.
    let image = Image::new().user("toor").layer(
        Layer::new()
            .symlink("etc/passwd", "/proc/self/root/opt/accounts")
            .file("opt/accounts", "toor:x:5:5::/:/bin/sh\n"),
    );
    assert!(check_bytes(image.oci_archive()).failing().contains("user-unknown"));
}

#[test]
fn a_list_of_the_linker_that_others_may_make_is_told() {
    let checked = check(Layer::new().symlink("etc/ld.so.preload", "/tmp/list"));
    assert_eq!(failing(&checked), set(["ld-so-preload /etc/ld.so.preload"]));
    assert_eq!(checked.finding("ld-so-preload")["evidence"]["target"], "/tmp/list");
    let link = |target: &str| Layer::new().symlink("etc/ld.so.preload", target);
    let of = |path: &str, mode, uid, gid| Entry::file(path, "# none\n").mode(mode).owner(uid, gid);
    for layer in [
        link("/opt/list/x").file("opt/list", ""),
        link("/opt/list").entry(of("opt/list", 0o644, 10001, 0)),
        link("/opt/a/list").entry(Entry::dir("opt/a/").mode(0o755).owner(10001, 0)).file("opt/a/list", ""),
        link("/opt/a/b/list")
            .entry(Entry::dir("opt/a/").mode(0o755).owner(10001, 0))
            .dir("opt/a/b/", 0o755)
            .file("opt/a/b/list", ""),
        Layer::new().entry(of("etc/ld.so.preload", 0o666, 0, 0)),
        Layer::new().entry(of("etc/ld.so.preload", 0o664, 0, 10001)),
    ] {
        assert_eq!(failing(&check(layer)), set(["ld-so-preload /etc/ld.so.preload"]));
    }
    for layer in [
        link("/opt/list").file("opt/list", "# none\n"),
        link("/dev/null"),
        Layer::new().entry(of("etc/ld.so.preload", 0o664, 0, 0)),
    ] {
        assert_eq!(failing(&check(layer)), set([]));
    }
}

/// As musl's `getspnam_r` does.
#[test]
fn a_shadow_file_of_one_account_is_asked_first() {
    let open = |path: &str, content: &str| Layer::new().file(path, content);
    let base = small_base();
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    let over_base = |layer: Layer| {
        let app = clean_app(&base).layer(layer);
        let checked = crate::harness::check_path(&room.write("app.tar", app.oci_archive()), Some(&catalog));
        checked.failing().into_iter().filter(|told| told.contains("account")).collect::<BTreeSet<_>>()
    };
    let told = over_base(open("etc/tcb/root/shadow", "root::19000:0:99999:7:::\n"));
    let both = ["account-no-password /etc/tcb/root/shadow", "base-account-changed /etc/tcb/root/shadow"];
    assert_eq!(told, set(both));
    assert_eq!(over_base(open("etc/tcb/root/shadow", "root:!:1::::::\n")), set([both[1]]));
    // Behind ways that are there in every container.
    for way in ["/proc/self/root/opt/tcb", "/sys/kernel/../../opt/tcb"] {
        let linked = Layer::new().symlink("etc/tcb", way).file("opt/tcb/root/shadow", "root::1::::::\n");
        assert_eq!(over_base(linked), set(both), "{way}");
    }
    let unknown = clean_app(&base).layer(Layer::new().symlink("etc/tcb", "/proc/self/cwd/tcb"));
    let checked = crate::harness::check_path(&room.write("app.tar", unknown.oci_archive()), Some(&catalog));
    assert_eq!((checked.exit, checked.outcome("account-no-password")), (2, "not-evaluated"));
    // An account that is new, and a line of another one, which nobody asks for there.
    assert_eq!(over_base(open("etc/tcb/app/shadow", "app:!:1::::::\nroot::1::::::\n")), set([]));
    assert_eq!(
        over_base(open("etc/tcb/app/shadow", "app::1::::::\n")),
        set(["account-no-password /etc/tcb/app/shadow"])
    );
}

#[test]
fn what_the_base_has_is_the_bases() {
    let open = "app ALL=(ALL) NOPASSWD: ALL\n";
    let base =
        small_base().layer(Layer::new().file("etc/sudoers", open).file("etc/shadow", "root::1::::::\n"));
    let room = crate::harness::Room::new();
    let catalog = room.catalog(&[&base]);
    let app = clean_app(&base).layer(Layer::new().file("etc/sudoers", format!("# ours\n{open}")));
    let checked = crate::harness::check_path(&room.write("app.tar", app.oci_archive()), Some(&catalog));
    assert_eq!(failing(&checked), set([]));
}

#[test]
fn what_a_later_layer_took_away_is_told_and_low() {
    let image = clean_app(&small_base())
        .layer(Layer::new().file("etc/ld.so.preload", "/opt/evil.so"))
        .layer(Layer::new().whiteout("etc/ld.so.preload"));
    let checked = check_child(&image);
    assert_eq!((checked.exit, failing(&checked)), (0, set([])));
    let finding = checked.finding("ld-so-preload");
    assert_eq!((&finding["effective"], &finding["severity"]), (&false.into(), &"low".into()));
}

#[test]
fn a_file_of_nothing_but_faults_is_told_and_ends() {
    let passwd = "a\n".repeat(100_000);
    let checked = check(Layer::new().file("etc/passwd", passwd));
    assert_eq!(checked.outcome("account-uid-zero"), "fail");
}

/// Names that a reader with simpler eyes would take for nothing.
#[test]
fn what_sudo_and_the_linker_read_otherwise_than_it_looks_is_found() {
    for (path, content, rule) in [
        ("etc/sudoers", "root ,app ALL=(ALL) NOPASSWD: ALL\n", "sudo-nopasswd"),
        ("etc/sudoers", "Defaults:root ,app !authenticate\n", "sudo-nopasswd"),
        ("etc/sudoers", "Defaults exempt_group=app\n", "sudo-nopasswd"),
        ("etc/sudoers", "app ALL = /bin/echo \", NOPASSWD: ALL\n", "sudo-nopasswd"),
        ("etc/sudoers", "app ALL = (A\\\"LL) NOPASSWD: ALL\n", "sudo-nopasswd"),
        ("etc/sudoers", "User_Alias X = a\\ \napp ALL = NOPASSWD: ALL\n", "sudo-nopasswd"),
        ("etc/ld.so.preload", "# a comment that is long enough\n# /evil.so\n", "ld-so-preload"),
    ] {
        let checked = check(Layer::new().file(path, content));
        assert_eq!(checked.exit, 1, "{content}");
        assert!(failing(&checked).contains(&format!("{rule} /{path}")), "{content}");
    }
}

#[test]
fn what_doas_reads_otherwise_than_it_looks_is_found() {
    for (content, told) in [
        ("permit setenv { A }nopass app\n", true),
        ("permit setenv {A}nopass app\n", true),
        ("permit nopass setenvapp\n", true),
        ("permit nop\\ass app\n", true),
        ("permit setenv { A } persist app\n", false),
        ("permit setenv { nopass } app\n", false),
        ("permit setenvapp\n", false),
    ] {
        let checked = check(Layer::new().file("etc/doas.conf", content));
        let expected = told.then(|| "sudo-nopasswd /etc/doas.conf".to_owned());
        assert_eq!(failing(&checked), expected.into_iter().collect(), "{content}");
    }
}

/// Resolving a path of half a million directories took half a minute; no system opens one.
#[test]
fn names_that_no_system_opens_cost_nothing() {
    let long = "a/".repeat(500_000);
    let started = std::time::Instant::now();
    let image = clean_app(&small_base())
        .layer(Layer::new().file("etc/sudoers", format!("@include /{long}\n@includedir /{long}\n")))
        .env(&format!("PATH=/bin:/{long}"));
    assert_eq!(check_child(&image).exit, 0);
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}

/// Findings are made of what is told only: made of all, these took gigabytes.
#[test]
fn a_file_of_nothing_but_faults_is_an_error_soon() {
    let started = std::time::Instant::now();
    let checked = check(Layer::new().file("etc/passwd", "u::0\n".repeat(200_000)));
    assert_eq!((checked.exit, checked.outcome("account-uid-zero")), (2, "fail"));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// Some thousand links through forty others of two thousand parts each: they are told as too much, and soon.
#[test]
fn links_that_lead_far_are_no_pass_and_cost_little() {
    let chain = || {
        let links = (0..38).fold(Layer::new(), |layer, number| {
            layer.symlink(format!("c/{number}"), format!("{}{}", "./".repeat(2_000), number + 1))
        });
        links.file("c/38/shadow", "x:!:1::::::\n").file("etc/sudoers", "@includedir /etc/sudoers.d\n")
    };
    let started = std::time::Instant::now();
    let names = (0..1_000).map(|number| format!("@include /c/0/../38/{number}\n")).collect::<String>();
    let written = chain().file("etc/sudoers", names);
    let checked = check(written);
    assert_eq!((checked.exit, checked.outcome("sudo-nopasswd")), (2, "not-evaluated"));
    for (directory, end, rule) in [
        ("etc/tcb", "", "account-no-password"),
        ("etc/sudoers.d", "", "sudo-nopasswd"),
        ("etc/doas.d", ".conf", "sudo-nopasswd"),
        ("run/sudo/ts", "", "sudo-nopasswd"),
    ] {
        let layer = (0..1_000)
            .fold(chain(), |layer, number| layer.symlink(format!("{directory}/u{number}{end}"), "/c/0"));
        let checked = check(layer);
        assert_eq!((checked.exit, checked.outcome(rule)), (2, "not-evaluated"), "{directory}");
    }
    assert!(started.elapsed().as_secs() < 120, "{:?}", started.elapsed());
}
