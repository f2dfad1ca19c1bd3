//! Which pushes are checked, and what comes of it.

use super::{Desk, HOOK, bad, good};
use crate::harness::text;

const NOT_CHECKED: &str = "no image is checked";

#[test]
fn a_bad_image_stops_the_push_and_a_good_one_does_not() {
    let desk = Desk::hooked(bad());
    let told = desk.refused(&["origin", "main"]);
    for word in ["FAIL   dist/app.tar", "user-root", "git push --no-verify"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    desk.pushed(&["--no-verify", "origin", "main"]);
    desk.commit("second", &[("README", "2")]);
    desk.write("dist/app.tar", good());
    let told = desk.pushed(&["origin", "main"]);
    assert_eq!(told.lines().filter(|line| line.starts_with("PASS   dist/app.tar")).count(), 1, "{told}");
    // One that cannot be read is no better than a bad one.
    desk.commit("third", &[("README", "3")]);
    desk.write("dist/app.tar", "no image");
    assert!(desk.refused(&["origin", "main"]).contains("ERROR"));
    assert_eq!(desk.always().0, 2);
}

#[test]
fn of_several_images_each_counts() {
    let desk = Desk::hooked(good());
    desk.write("dist/second.tar", bad());
    let told = desk.refused(&["origin", "main"]);
    assert!(told.contains("FAIL   dist/second.tar") && told.contains("PASS   dist/app.tar"), "{told}");
}

#[test]
fn a_deletion_needs_no_check() {
    for format in ["sha1", "sha256"] {
        let desk = Desk::with(format);
        desk.pushed(&["origin", "main", "main:other"]);
        assert_eq!(desk.ocicheck(&["hook", "install"]).status.code(), Some(0));
        // Not even a policy.
        desk.write("ocicheck.toml", "nonsense");
        assert!(desk.pushed(&["origin", ":other"]).contains(NOT_CHECKED));
        let told = desk.refused(&["origin", ":main", "main:third"]);
        assert!(told.contains("ocicheck.toml"), "{told}");
    }
}

#[test]
fn a_push_without_files_that_matter_is_not_checked() {
    for format in ["sha1", "sha256"] {
        let desk = Desk::with(format);
        desk.ocicheck(&["hook", "install"]);
        desk.policy("when = [\"src/**\", \"Dockerfile\"]\n");
        desk.write("dist/app.tar", bad());
        // All commits are new to an empty remote.
        desk.refused(&["origin", "main"]);
        desk.pushed(&["--no-verify", "origin", "main"]);

        desk.commit("readme", &[("README", "2"), ("other/src/x", "1")]);
        assert!(desk.pushed(&["origin", "main"]).contains(NOT_CHECKED));
        desk.must(&["tag", "-a", "-m", "x", "v1"]);
        assert!(desk.pushed(&["origin", "v1", "main:again"]).contains(NOT_CHECKED));
        desk.must(&["checkout", "-q", "-b", "feature"]);
        desk.commit("more", &[("README", "3")]);
        assert!(desk.pushed(&["origin", "feature"]).contains(NOT_CHECKED));

        // Changed, and back again on a new branch: what one builds on the way counts there.
        desk.commit("program", &[("src/main", "2")]);
        desk.commit("back", &[("src/main", "1")]);
        desk.refused(&["origin", "feature:new"]);
        desk.pushed(&["origin", "feature"]);
        for (what, change) in [
            ("renamed", &["mv", "src/main", "main"][..]),
            ("removed", &["rm", "-q", "src/main"]),
            ("mode", &["update-index", "--chmod=+x", "src/main"]),
        ] {
            desk.must(change);
            desk.must(&["commit", "-q", "-m", what]);
            desk.refused(&["origin", "feature"]);
            desk.refused(&["origin", "HEAD~0:refs/heads/new"]);
            desk.must(&["reset", "-q", "--hard", "HEAD~1"]);
        }
        // Of several branches, one is enough.
        desk.commit("file", &[("Dockerfile", "FROM x\n")]);
        desk.refused(&["origin", "main:third", "feature"]);
    }
}

#[test]
fn names_of_any_kind_are_compared_as_they_are() {
    let desk = Desk::hooked(bad());
    desk.policy("when = [\"src/*ü\", \"a b\"]\n");
    desk.commit("policy", &[]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    for name in ["src/a\n\"b\" ü", "a b"] {
        desk.commit("odd", &[(name, "1")]);
        desk.refused(&["origin", "main"]);
        desk.must(&["reset", "-q", "--hard", "HEAD~1"]);
    }
    desk.commit("other", &[("a b c\na b", "1"), ("src/ü/x", "1")]);
    // As the user writes it, so git hands it on.
    assert!(desk.pushed(&["origin", "HEAD@{0 days ago}:refs/heads/main"]).contains(NOT_CHECKED));
}

#[test]
fn what_was_not_fetched_is_checked() {
    let desk = Desk::hooked(bad());
    desk.policy("when = [\"src/**\"]\n");
    desk.commit("policy", &[]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    let other = desk.room.path("other");
    desk.must(&["clone", "-q", desk.remote().to_str().unwrap(), other.to_str().unwrap()]);
    for arguments in
        [&["commit", "-q", "--allow-empty", "-m", "x"][..], &["push", "-q", "origin", "HEAD:main"]]
    {
        assert!(desk.command("git", &other).args(arguments).status().unwrap().success());
    }
    desk.commit("readme", &[("README", "2")]);
    desk.refused(&["--force", "origin", "main"]);
    desk.must(&["fetch", "-q"]);
    desk.pushed(&["--force", "origin", "main"]);
    // A place that is no remote has no known branches, and a remote's name may be no pattern.
    let place = desk.remote();
    desk.refused(&[place.to_str().unwrap(), "main:new"]);
    let (id, zeros) = (desk.must(&["rev-parse", "HEAD"]), desk.zeros());
    let line = format!("x {} refs/heads/x {zeros}\n", id.trim());
    assert_eq!(desk.run(&line).0, 0);
    for remote in ["*", "or*", "nowhere", "-x", ""] {
        let mut piped = desk.command("sh", &desk.top);
        piped.args(["-c", "printf '%s' \"$1\" | ocicheck hook run -- \"$2\" \"$3\"", "sh", &line, remote]);
        assert_eq!(piped.arg(&place).status().unwrap().code(), Some(1), "{remote}");
    }
    // An id that is not here at all, and one of no commit.
    assert_eq!(desk.run(&format!("x {} x {zeros}\n", "1".repeat(40))).0, 1);
    let tree = desk.must(&["rev-parse", "HEAD^{tree}"]);
    assert_eq!(desk.run(&format!("x {} x {zeros}\n", tree.trim())).0, 1);
}

#[test]
fn many_refs_are_pushed_at_once() {
    let desk = Desk::hooked(bad());
    desk.policy("when = [\"src/**\"]\n");
    desk.commit("policy", &[]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    for number in 0..51 {
        desk.must(&["tag", &format!("v{number}")]);
    }
    // So many are not asked for.
    desk.refused(&["--tags", "origin"]);
    desk.must(&["tag", "-d", "v50"]);
    assert!(desk.pushed(&["--tags", "origin"]).contains(NOT_CHECKED));
}

/// Each work tree has its images, and one hook.
#[test]
fn linked_work_trees_are_held_to_their_own_images() {
    let desk = Desk::hooked(good());
    let linked = desk.room.path("linked tree");
    desk.must(&["worktree", "add", "-q", linked.to_str().unwrap(), "-b", "linked"]);
    std::fs::create_dir(linked.join("dist")).unwrap();
    std::fs::write(linked.join("dist/app.tar"), bad()).unwrap();
    let (done, told) = desk.push_from(&linked, &["origin", "linked"]);
    assert!(!done && told.contains("user-root"), "{told}");
    desk.pushed(&["origin", "main"]);
    // Taken away from the one, it is away from the other.
    let mut uninstall = desk.command(crate::harness::PROGRAM, &linked);
    assert_eq!(uninstall.args(["hook", "install", "--uninstall"]).status().unwrap().code(), Some(0));
    assert!(!desk.hook().exists());
    let mut install = desk.command(crate::harness::PROGRAM, &linked.join("dist"));
    assert_eq!(install.args(["hook", "install"]).status().unwrap().code(), Some(0));
    assert!(desk.hook().exists());
}

#[test]
fn from_wherever_git_is_called_the_top_counts() {
    let desk = Desk::hooked(bad());
    let (done, told) = desk.push_from(&desk.top.join("src"), &["origin", "main"]);
    assert!(!done && told.contains("FAIL   dist/app.tar"), "{told}");
    let mut always = desk.command(crate::harness::PROGRAM, &desk.top.join("src"));
    let output = always.args(["hook", "run", "--always"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    // From elsewhere, by the variables that git hands on.
    let (git, top) = (desk.top.join(".git"), desk.top.clone());
    let mut push = desk.command("git", &desk.room.path(""));
    push.arg(format!("--git-dir={}", git.display())).arg(format!("--work-tree={}", top.display()));
    let output = push.args(["push", "origin", "main"]).output().unwrap();
    assert!(!output.status.success() && text(&output.stderr).contains("user-root"), "{output:?}");
}

/// The user's settings of git change nothing.
#[test]
fn settings_of_git_hide_no_file() {
    let desk = Desk::hooked(bad());
    desk.policy("when = [\"src/**\"]\n");
    desk.commit("policy", &[]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    desk.must(&["mv", "src/main", "main"]);
    desk.must(&["commit", "-q", "-m", "renamed"]);
    std::fs::write(desk.top.join(".git/empty-order"), "").unwrap();
    for setting in [
        "diff.relative=true",
        "diff.renames=copies",
        "core.quotePath=true",
        "diff.ignoreSubmodules=all",
        "log.follow=true",
    ] {
        let output = desk.git(&["-c", setting, "push", "origin", "main"]);
        assert!(!output.status.success(), "{setting}: {}", text(&output.stderr));
    }
    for (variable, value) in [("GIT_EXTERNAL_DIFF", "true"), ("GIT_DIFF_OPTS", "-R"), ("GIT_TRACE", "1")] {
        let mut push = desk.command("git", &desk.top);
        let output = push.args(["push", "origin", "main"]).env(variable, value).output().unwrap();
        assert!(!output.status.success(), "{variable}: {}", text(&output.stderr));
    }
}

#[test]
fn without_a_policy_that_names_images_nothing_is_pushed() {
    let desk = Desk::hooked(good());
    for (policy, told) in [
        (Some("version = 1\n"), "has no table [hook]"),
        (Some("[hook]\n"), "needs images"),
        (Some("[hook]\nimages = []\n"), "needs an image"),
        (Some("[hook]\nimages = [\"../*.tar\"]\n"), "matches nothing"),
        (Some("nonsense"), "ocicheck.toml: 1:"),
        (Some("[hook]\nimages = [\"nowhere/*.tar\"]\n"), "no image is there by the name nowhere/*.tar"),
        (Some("[hook]\nimages = [\"dist/*.tar\"]\nnewer_than = [\"srk/**\"]\n"), "srk/** in newer_than"),
        (Some("[hook]\nimages = [\"dist/*.tar\"]\nprofile = \"x\"\n"), "no profile \"x\""),
        (
            Some("[hook]\nimages = [\"dist/*.tar\"]\nbases = \"nowhere.json\"\n"),
            "nowhere.json cannot be read",
        ),
        (None, "there is no ocicheck.toml"),
    ] {
        let file = desk.top.join("ocicheck.toml");
        match policy {
            Some(policy) => drop(desk.write("ocicheck.toml", policy)),
            None => std::fs::remove_file(&file).unwrap(),
        }
        let said = desk.refused(&["origin", "main"]);
        let advised = said.contains("hint: ") || told.starts_with("nowhere.json");
        assert!(said.contains(told) && advised, "{told}: {said}");
        assert_eq!(desk.always().0, 2, "{told}");
    }
    std::fs::create_dir(desk.top.join("ocicheck.toml")).unwrap();
    assert!(desk.refused(&["origin", "main"]).contains("ocicheck.toml cannot be read"));
    // One that is named counts, wherever it is.
    let policy = desk.room.write("company.toml", HOOK);
    let mut push = desk.command("git", &desk.top);
    push.args(["push", "-q", "origin", "main"]).env("OCICHECK_POLICY", policy);
    assert!(push.status().unwrap().success());
}

#[test]
fn what_is_not_gits_is_no_pass() {
    let desk = Desk::hooked(good());
    let zeros = desk.zeros();
    for lines in ["x", "a b c d\n", "\0", &format!("a {zeros} b {zeros}\0\n"), &"x".repeat(17 << 20)] {
        let (exit, told) = desk.run(lines);
        assert!(exit == 2 && told.contains("standard input"), "{told}");
    }
}

/// So git says that all is there already, and so a program between git and the hook that keeps its lines to itself.
#[test]
fn where_git_says_nothing_images_are_checked() {
    let desk = Desk::hooked(bad());
    // Whatever `when` says: nobody knows what is pushed.
    desk.policy("when = [\"nowhere\"]\n");
    for lines in ["", "\n"] {
        let (exit, told) = desk.run(lines);
        assert!(exit == 1 && told.contains("no line on standard input"), "{told}");
    }
    let mut run = desk.command(crate::harness::PROGRAM, &desk.top);
    run.args(["hook", "run", "origin", "url"]).stdin(std::process::Stdio::null());
    assert_eq!(run.status().unwrap().code(), Some(1));
    desk.pushed(&["--no-verify", "origin", "main"]);
    assert!(desk.refused(&["origin", "main"]).contains("user-root"));
    desk.write("dist/app.tar", good());
    let told = desk.pushed(&["origin", "main"]);
    assert!(told.contains("PASS   dist/app.tar") && told.contains("no line on standard input"), "{told}");
}

#[test]
fn without_the_program_nothing_is_pushed() {
    let desk = Desk::hooked(good());
    let mut push = desk.command("git", &desk.top);
    let bin = desk.room.path("bin");
    std::fs::create_dir(&bin).unwrap();
    for program in ["git", "sh", "cat"] {
        let found = std::env::split_paths(&std::env::var_os("PATH").unwrap())
            .map(|directory| directory.join(program))
            .find(|path| path.exists())
            .unwrap();
        std::os::unix::fs::symlink(found, bin.join(program)).unwrap();
    }
    let output = push.args(["push", "origin", "main"]).env("PATH", &bin).output().unwrap();
    let told = text(&output.stderr);
    assert!(!output.status.success() && desk.refs().is_empty(), "{told}");
    assert!(told.contains("not on the PATH") && told.contains("--no-verify"), "{told}");
    // Nor without git.
    std::fs::remove_file(bin.join("git")).unwrap();
    let mut always = desk.command(crate::harness::PROGRAM, &desk.top);
    let output = always.args(["hook", "run", "--always"]).env("PATH", &bin).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("install git"), "{}", text(&output.stderr));
}
