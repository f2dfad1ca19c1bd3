//! What `when` takes in that git tells by another name than that of a file: submodules, symlinks, other histories.

use std::os::unix::fs::symlink;

use super::{Desk, bad};

const NOT_CHECKED: &str = "no image is checked";

impl Desk {
    /// With a bad image, and all that is committed on the remote: what is checked from here on is refused.
    fn settled(when: &str) -> Self {
        let desk = Self::hooked(bad());
        desk.policy(&format!("when = {when}\n"));
        desk.settle(&[]);
        desk
    }

    fn settle(&self, files: &[(&str, &str)]) {
        self.commit("settled", files);
        self.pushed(&["--no-verify", "origin", "main"]);
    }

    /// Whether a push would be checked; nothing is pushed.
    fn is_checked(&self, what: &[&str]) -> bool {
        let (passes, told) = self.push(&[&["--dry-run"], what].concat());
        assert_eq!(passes, told.contains(NOT_CHECKED), "{what:?}: {told}");
        !passes
    }

    /// Whether what is committed here is checked, to the branch of the remote and to a new one.
    fn is_checked_anywhere(&self) -> bool {
        let known = self.is_checked(&["origin", "main"]);
        assert_eq!(known, self.is_checked(&["origin", "main:new"]));
        known
    }

    /// Whether it is by these patterns.
    fn is_checked_by(&self, when: &str) -> bool {
        self.policy(&format!("when = {when}\n"));
        self.is_checked_anywhere()
    }

    /// Commits a submodule at some commit of its own, which git does not need to have.
    fn submodule(&self, path: &str, digit: char) {
        std::fs::create_dir_all(self.top.join(path)).unwrap();
        let id = digit.to_string().repeat(self.zeros().len());
        self.must(&["update-index", "--add", "--cacheinfo", &format!("160000,{id},{path}")]);
        self.must(&["commit", "-q", "-m", "submodule"]);
    }

    fn link(&self, name: &str, target: &str) {
        let path = self.top.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = std::fs::remove_file(&path);
        symlink(target, path).unwrap();
    }

    /// Another commit in place of the last one.
    fn instead(&self, files: &[(&str, &str)]) {
        self.must(&["reset", "-q", "--hard", "origin/main"]);
        self.commit("instead", files);
    }
}

#[test]
fn no_setting_hides_a_submodule() {
    let desk = Desk::settled("[\"vendor/sub\"]");
    let named = "[submodule \"s\"]\n\tpath = vendor/sub\n\turl = ../sub\n";
    desk.submodule("vendor/sub", '1');
    desk.settle(&[(".gitmodules", named)]);
    desk.submodule("vendor/sub", '2');
    assert!(desk.is_checked_anywhere());
    desk.must(&["config", "submodule.s.ignore", "all"]);
    assert!(desk.is_checked_anywhere());
    desk.must(&["config", "--unset", "submodule.s.ignore"]);
    desk.settle(&[(".gitmodules", &format!("{named}\tignore = all\n"))]);
    desk.submodule("vendor/sub", '3');
    assert!(desk.is_checked_anywhere());
}

/// Of what is in it git knows no more than that it is another commit.
#[test]
fn a_submodule_that_changes_may_be_any_file_in_it() {
    let desk = Desk::settled("[\"none\"]");
    desk.submodule("vendor/sub", '1');
    for (when, is_checked) in [
        ("[\"vendor/sub\"]", true),
        ("[\"vendor/*\"]", true),
        ("[\"vendor/sub/**\"]", true),
        ("[\"vendor/sub/Dockerfile\"]", true),
        ("[\"vendor/sub/*/deep/*.c\"]", true),
        ("[\"vendor/*/Dockerfile\"]", true),
        ("[\"v[e]ndor/{sub,other}/Dockerfile\"]", true),
        ("[\"{vendor/sub,other}/Dockerfile\"]", true),
        ("[\"**/Dockerfile\"]", true),
        ("[\"src/**\", \"vendor/**\"]", true),
        ("[\"vendor\"]", false),
        ("[\"vendor/*.c\"]", false),
        ("[\"vendor/sub2/**\"]", false),
        ("[\"vendor/su/**\"]", false),
        ("[\"vendor/*2/**\"]", false),
        ("[\"*/Dockerfile\"]", false),
        ("[\"src/**\"]", false),
    ] {
        assert_eq!(desk.is_checked_by(when), is_checked, "{when}");
    }
    // Also where it goes, or files of its own repository come instead.
    desk.pushed(&["--no-verify", "origin", "main"]);
    desk.must(&["rm", "-q", "--cached", "vendor/sub"]);
    desk.must(&["commit", "-q", "-m", "removed"]);
    assert!(desk.is_checked_by("[\"vendor/sub/Dockerfile\"]"));
}

#[test]
fn symlinks_that_a_pattern_writes_out_are_followed_in_what_is_pushed() {
    let desk = Desk::settled("[\"none\"]");
    for (name, target) in [
        ("code", "lib/code"),
        ("Dockerfile", "docker/prod"),
        ("first", "second/../code"),
        ("deep/link", "../lib/./code//"),
        ("sideways", "away/.."),
        ("away", "other/place"),
        ("odd", "l*b/\n\\c"),
        ("broken", "nowhere/at/all"),
        ("bumped", "vendor/sub/src"),
    ] {
        desk.link(name, target);
    }
    let files = ["lib/code/main", "lib/other", "docker/prod", "second/x", "other/place/x", "other/x"];
    let files: Vec<_> = files.iter().chain(&["l*b/\n\\c/x", "away2"]).map(|name| (*name, "1")).collect();
    desk.submodule("vendor/sub", '1');
    desk.settle(&files);
    for (when, change, is_checked) in [
        ("[\"code/**\"]", "lib/code/main", true),
        ("[\"code/**\"]", "lib/code/deep/new", true),
        ("[\"code/main\"]", "lib/code/main", true),
        ("[\"code/ma*\"]", "lib/code/main", true),
        ("[\"code/*.c\"]", "lib/code/main", false),
        ("[\"code/**\"]", "lib/other", false),
        ("[\"Dockerfile\"]", "docker/prod", true),
        ("[\"Dockerfile\"]", "docker/test", false),
        ("[\"first/**\"]", "lib/code/main", true),
        ("[\"first/**\"]", "second/x", false),
        ("[\"deep/link/main\"]", "lib/code/main", true),
        // What is above where a symlink leads, and not above the symlink.
        ("[\"sideways/x\"]", "other/x", true),
        ("[\"sideways/x\"]", "away2", false),
        ("[\"odd/*\"]", "l*b/\n\\c/x", true),
        ("[\"broken/**\"]", "nowhere/at/all/x", true),
        ("[\"broken/**\"]", "nowhere/at/x", false),
        // Not where signs stand for it: all of those would have to be tried.
        ("[\"c*de/main\"]", "lib/code/main", false),
    ] {
        desk.instead(&[(change, "2")]);
        assert_eq!(desk.is_checked_by(when), is_checked, "{when} {change}");
    }
    desk.must(&["reset", "-q", "--hard", "origin/main"]);
    desk.submodule("vendor/sub", '2');
    assert!(desk.is_checked_by("[\"bumped/x.c\"]"));
    assert!(!desk.is_checked_by("[\"code/**\"]"));
}

#[test]
fn a_symlink_that_changes_is_all_that_it_leads_to() {
    let desk = Desk::settled("[\"none\"]");
    desk.link("code", "inner/code");
    desk.link("inner", "lib");
    desk.settle(&[("lib/code/main", "1"), ("other/code/main", "1")]);
    type Change = fn(&Desk);
    let changes: [(&str, Change); 4] = [
        ("elsewhere", |desk| desk.link("code", "other/code")),
        ("elsewhere behind it", |desk| desk.link("inner", "other")),
        ("gone", |desk| std::fs::remove_file(desk.top.join("code")).unwrap()),
        ("a directory", |desk| {
            std::fs::remove_file(desk.top.join("inner")).unwrap();
            desk.write("inner/README", "1");
        }),
    ];
    for (what, change) in changes {
        desk.must(&["reset", "-q", "--hard", "origin/main"]);
        change(&desk);
        desk.commit(what, &[]);
        assert!(desk.is_checked_by("[\"code/main\"]"), "{what}");
        assert!(!desk.is_checked_by("[\"src/**\"]"), "{what}");
        // Nor is what comes in between forgotten where it is back again.
        desk.policy("when = [\"code/main\"]\n");
        desk.must(&["revert", "--no-edit", "HEAD"]);
        assert!(desk.is_checked(&["origin", "main:new"]), "{what}");
    }
}

#[test]
fn where_a_symlink_leads_to_nothing_that_git_knows_all_is_checked() {
    let desk = Desk::settled("[\"none\"]");
    for (name, target) in [
        ("out", "/opt/code"),
        ("up", "../code"),
        ("deep/up", "x/../../../code"),
        ("loop", "pool"),
        ("pool", "loop"),
    ] {
        desk.link(name, target);
    }
    desk.settle(&[]);
    desk.commit("readme", &[("README", "2")]);
    for when in ["out/**", "up/main", "up", "deep/up/x*", "loop", "pool/x/**"] {
        assert!(desk.is_checked_by(&format!("[\"src/**\", \"{when}\"]")), "{when}");
    }
    for when in ["src/**", "deep/**", "ou*/x", "outer/x"] {
        assert!(!desk.is_checked_by(&format!("[\"{when}\"]")), "{when}");
    }
}

/// What lies in the work tree may be another branch.
#[test]
fn symlinks_are_those_of_the_commit_that_is_pushed() {
    let desk = Desk::settled("[\"code/**\"]");
    desk.must(&["checkout", "-q", "-b", "feature"]);
    desk.link("code", "lib");
    desk.commit("link", &[("lib/main", "1")]);
    desk.pushed(&["--no-verify", "origin", "feature"]);
    desk.commit("main", &[("lib/main", "2")]);
    desk.must(&["checkout", "-q", "main"]);
    assert!(desk.is_checked(&["origin", "feature"]));
    // And the other way about.
    desk.link("code", "lib");
    desk.commit("other", &[("README", "3")]);
    assert!(desk.is_checked(&["origin", "main"]), "a symlink that is new");
    desk.must(&["reset", "-q", "--hard", "origin/main"]);
    desk.link("code", "lib");
    desk.write(".gitignore", "dist/\ncode\n");
    desk.commit("ignored", &[("lib/main", "4")]);
    assert!(!desk.is_checked(&["origin", "main"]));
}

/// In commits that share no history with the work tree's, another path may be the same file.
#[test]
fn other_histories_are_checked() {
    let desk = Desk::settled("[\"app/Dockerfile\"]");
    desk.commit("readme", &[("README", "2"), ("app/Dockerfile", "FROM x\n")]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    let split = |parents: &[&str]| {
        let parents: Vec<_> = parents.iter().flat_map(|parent| ["-p", parent]).collect();
        desk.must(&[&["commit-tree", "-m", "split", "HEAD:app"], &*parents].concat()).trim().to_owned()
    };
    // As `git subtree split` makes them.
    let first = split(&[]);
    let to = |id: &str, branch: &str| format!("{id}:refs/heads/{branch}");
    assert!(desk.is_checked(&["origin", &to(&first, "deploy")]));
    desk.pushed(&["--no-verify", "origin", &to(&first, "deploy")]);
    desk.commit("more", &[("app/Dockerfile", "FROM y\n")]);
    let second = split(&[&first]);
    assert!(desk.is_checked(&["origin", &to(&second, "deploy")]));
    // Joined, as `git subtree add` and `split --rejoin` do, it is no history of this one's files yet.
    desk.must(&["checkout", "-q", "-b", "before", "HEAD~1"]);
    desk.commit("feature", &[("README", "3")]);
    assert!(!desk.is_checked(&["origin", "before"]));
    desk.must(&["checkout", "-q", "main"]);
    desk.must(&["merge", "-q", "-s", "ours", "--allow-unrelated-histories", "-m", "joined", &second]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    desk.commit("third", &[("app/Dockerfile", "FROM z\n")]);
    let third = split(&[&second]);
    for branch in ["deploy", "other"] {
        assert!(desk.is_checked(&["origin", &to(&third, branch)]), "{branch}");
    }
    desk.instead(&[("README", "4")]);
    assert!(!desk.is_checked_anywhere());
}
