//! Putting the hook into a repository and taking it out again.

use std::fs;
use std::path::Path;

use super::{Desk, bad, good, mode, set_mode};
use crate::harness::text;

const KEPT: &str = "pre-push.before-ocicheck";

impl Desk {
    fn install(&self, more: &[&str]) -> (i32, String) {
        let output = self.ocicheck(&[&["hook", "install"], more].concat());
        (output.status.code().unwrap(), text(&output.stderr))
    }

    fn installed(&self, more: &[&str]) -> String {
        let (exit, told) = self.install(more);
        assert_eq!(exit, 0, "{more:?}: {told}");
        told
    }

    fn not_installed(&self, more: &[&str]) -> String {
        let (exit, told) = self.install(more);
        assert!(exit == 2 && told.contains("hint: "), "{more:?}: {exit} {told}");
        told
    }

    fn theirs(&self, script: &str) {
        let path = self.hook();
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        set_mode(&path, 0o750);
    }
}

fn is_ours(hook: &Path) -> bool {
    fs::read_to_string(hook).unwrap().contains("ocicheck hook run -- \"$@\"")
}

#[test]
fn it_is_installed_again_and_removed_again() {
    let desk = Desk::new();
    assert!(desk.installed(&[]).contains("wrote "));
    assert_eq!(mode(&desk.hook()), 0o755);
    let script = fs::read(desk.hook()).unwrap();
    // As another version might have left it.
    set_mode(&desk.hook(), 0o644);
    assert!(!desk.installed(&["--chain"]).contains("first"));
    assert_eq!((fs::read(desk.hook()).unwrap(), mode(&desk.hook())), (script, 0o755));
    let mut uninstall = desk.command(crate::harness::PROGRAM, &desk.top);
    uninstall.args(["hook", "install", "--uninstall"]).env("OCICHECK_POLICY", "company.toml");
    let removed = uninstall.output().unwrap();
    assert!(text(&removed.stderr).contains("removed "), "{}", text(&removed.stderr));
    assert!(!desk.hook().exists());
    assert!(desk.installed(&["--uninstall"]).contains("no hook of ocicheck"));
    // Templates may leave out the directory.
    fs::remove_dir_all(desk.hook().parent().unwrap()).unwrap();
    desk.installed(&[]);
    assert!(is_ours(&desk.hook()));
}

#[test]
fn somebody_elses_hook_is_never_written_over() {
    let desk = Desk::new();
    desk.theirs("exit 0");
    let theirs = fs::read(desk.hook()).unwrap();
    let told = desk.not_installed(&[]);
    assert!(told.contains("--chain") && told.contains("ocicheck hook run -- \"$@\""), "{told}");
    assert!(desk.not_installed(&["--uninstall"]).contains("left as it is"));
    assert_eq!(fs::read(desk.hook()).unwrap(), theirs);
    // Nor one that was kept before.
    let kept = desk.hook().with_file_name(KEPT);
    fs::write(&kept, "kept").unwrap();
    assert!(desk.not_installed(&["--chain"]).contains("is there too"));
    assert_eq!(
        (fs::read(desk.hook()).unwrap(), fs::read_to_string(&kept).unwrap()),
        (theirs, "kept".to_owned())
    );
    // Nor ours with something of the user's in it.
    fs::remove_file(kept).unwrap();
    fs::remove_file(desk.hook()).unwrap();
    desk.installed(&[]);
    let own = fs::read_to_string(desk.hook()).unwrap() + "echo mine\n";
    fs::write(desk.hook(), &own).unwrap();
    for more in [&[][..], &["--chain"], &["--uninstall"]] {
        assert!(desk.not_installed(more).contains("was changed since"));
        assert_eq!(fs::read_to_string(desk.hook()).unwrap(), own);
    }
}

#[test]
fn a_hook_that_is_kept_is_called_first_and_put_back() {
    let desk = Desk::new();
    desk.write("dist/app.tar", good());
    desk.theirs("cat > seen; printf '%s\\n' \"$0\" \"$@\" >> seen; echo told; test ! -e refuse");
    let theirs = fs::read(desk.hook()).unwrap();
    assert!(desk.installed(&["--chain"]).contains(&format!("calls {KEPT} first")));
    assert!(desk.installed(&[]).contains("first"), "again");

    let told = desk.pushed(&["origin", "main"]);
    assert!(told.contains("PASS"), "{told}");
    let (seen, id) = (fs::read_to_string(desk.top.join("seen")).unwrap(), desk.must(&["rev-parse", "HEAD"]));
    let line = format!("refs/heads/main {} refs/heads/main {}", id.trim(), desk.zeros());
    let remote = desk.remote().display().to_string();
    let lines: Vec<_> = seen.lines().collect();
    assert_eq!(
        (lines[0], &lines[lines.len() - 2..]),
        (line.as_str(), &["origin", remote.as_str()][..]),
        "{seen}"
    );

    // Each of the two may refuse.
    desk.commit("second", &[("README", "2")]);
    desk.write("refuse", "");
    let told = desk.refused(&["origin", "main"]);
    assert!(!told.contains("PASS"), "{told}");
    fs::remove_file(desk.top.join("refuse")).unwrap();
    desk.write("dist/app.tar", bad());
    assert!(desk.refused(&["origin", "main"]).contains("user-root"));
    // One that reads nothing is no failure.
    let kept = desk.hook().with_file_name(KEPT);
    fs::write(&kept, "#!/bin/sh\nexit 0\n").unwrap();
    desk.write("dist/app.tar", good());
    desk.pushed(&["origin", "main"]);
    // Git does not run what is not executable, nor do we.
    fs::write(&kept, "#!/bin/sh\nexit 1\n").unwrap();
    set_mode(&kept, 0o644);
    desk.commit("third", &[("README", "3")]);
    desk.pushed(&["origin", "main"]);

    fs::write(&kept, &theirs).unwrap();
    set_mode(&kept, 0o750);
    assert!(desk.installed(&["--uninstall"]).contains("of before"));
    assert_eq!((fs::read(desk.hook()).unwrap(), mode(&desk.hook())), (theirs, 0o750));
    assert!(!kept.exists());
}

#[test]
fn a_hook_that_is_a_symlink_is_kept_as_one() {
    let desk = Desk::new();
    desk.write("hooks/push", "#!/bin/sh\nexit 3\n");
    std::os::unix::fs::symlink("../../hooks/push", desk.hook()).unwrap();
    desk.not_installed(&[]);
    desk.installed(&["--chain"]);
    assert!(is_ours(&desk.hook()) && !desk.hook().is_symlink());
    assert_eq!(fs::read_to_string(desk.top.join("hooks/push")).unwrap(), "#!/bin/sh\nexit 3\n");
    desk.installed(&["--uninstall"]);
    assert_eq!(fs::read_link(desk.hook()).unwrap(), Path::new("../../hooks/push"));
    // Also one that leads to nothing, or to a script of ours.
    fs::remove_file(desk.top.join("hooks/push")).unwrap();
    desk.not_installed(&[]);
}

#[test]
fn the_directory_of_hooks_is_where_git_says() {
    let desk = Desk::new();
    desk.write("dist/app.tar", bad());
    desk.must(&["config", "core.hooksPath", "my hooks/it's"]);
    let mut install = desk.command(crate::harness::PROGRAM, &desk.top.join("src"));
    assert!(install.args(["hook", "install"]).status().unwrap().success());
    assert!(is_ours(&desk.top.join("my hooks/it's/pre-push")) && !desk.hook().exists());
    desk.refused(&["origin", "main"]);
    desk.installed(&["--uninstall"]);
    assert!(!desk.top.join("my hooks/it's/pre-push").exists());
    // An absolute path may be of this repository, too.
    desk.must(&["config", "core.hooksPath", desk.top.join("hooks").to_str().unwrap()]);
    desk.installed(&[]);
    desk.refused(&["origin", "main"]);
}

#[test]
fn a_directory_that_others_use_is_written_only_where_that_is_wanted() {
    let desk = Desk::new();
    desk.write("dist/app.tar", bad());
    let shared = desk.room.path("shared hooks");
    desk.room.write("gitconfig", "[core]\n\thooksPath = \"~/../shared hooks\"\n");
    let told = desk.not_installed(&[]);
    assert!(told.contains("outside of this repository") && told.contains("--shared"), "{told}");
    assert!(!shared.exists());
    fs::create_dir(desk.room.path("home")).unwrap();
    desk.installed(&["--shared"]);
    assert!(is_ours(&shared.join("pre-push")));
    desk.refused(&["origin", "main"]);
    desk.not_installed(&["--uninstall"]);
    desk.installed(&["--uninstall", "--shared"]);
    assert!(!shared.join("pre-push").exists());
    // By symlinks and by parents, it is as far away.
    fs::remove_file(desk.room.path("gitconfig")).unwrap();
    for path in ["nowhere/../../elsewhere", "../elsewhere", "/"] {
        desk.must(&["config", "core.hooksPath", path]);
        desk.not_installed(&[]);
        assert!(!desk.room.path("elsewhere").exists(), "{path}");
    }
    desk.must(&["config", "--unset", "core.hooksPath"]);
    fs::remove_dir_all(desk.top.join(".git/hooks")).unwrap();
    std::os::unix::fs::symlink(&shared, desk.top.join(".git/hooks")).unwrap();
    desk.not_installed(&[]);
    assert_eq!(fs::read_dir(&shared).unwrap().count(), 0);
}

#[test]
fn hooks_that_husky_writes_are_left_to_it() {
    let desk = Desk::new();
    desk.must(&["config", "core.hooksPath", ".husky/_"]);
    let hook = desk.write(".husky/_/pre-push", "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"");
    let told = desk.not_installed(&["--chain"]);
    assert!(told.contains(".husky/pre-push") && !is_ours(&hook), "{told}");
}

#[test]
fn what_will_refuse_pushes_is_told_when_it_is_installed() {
    let desk = Desk::new();
    assert_eq!(desk.installed(&[]).lines().count(), 1);
    for policy in ["version = 1\n", "nonsense"] {
        desk.write("ocicheck.toml", policy);
        assert!(desk.installed(&[]).contains("pushes will be refused: "));
    }
    fs::remove_file(desk.top.join("ocicheck.toml")).unwrap();
    assert!(desk.installed(&[]).contains("pushes will be refused: "));
}

#[test]
fn without_a_work_tree_there_is_nothing_to_install() {
    let desk = Desk::new();
    for directory in [desk.room.path(""), desk.remote(), desk.top.join(".git")] {
        for arguments in
            [&["hook", "install"][..], &["hook", "install", "--uninstall"], &["hook", "run", "--always"]]
        {
            let mut command = desk.command(crate::harness::PROGRAM, &directory);
            let output = command.env("GIT_CEILING_DIRECTORIES", "/").args(arguments).output().unwrap();
            let told = text(&output.stderr);
            assert!(
                output.status.code() == Some(2) && told.contains("git does not know"),
                "{directory:?}: {told}"
            );
        }
    }
    assert_eq!(desk.ocicheck(&["hook", "install", "--chain", "--uninstall"]).status.code(), Some(2));
}
