//! Which commits a remote is known to have.

use std::path::PathBuf;

use super::{Desk, bad};

const NOT_CHECKED: &str = "no image is checked";

/// A commit that somebody else made and pushed to a place, by this name; `when` names what it changes.
fn with_foreign(place: &str, name: &str) -> (Desk, PathBuf) {
    let desk = Desk::hooked(bad());
    desk.policy("when = [\"Dockerfile\"]\n");
    desk.commit("policy", &[]);
    desk.pushed(&["--no-verify", "origin", "main"]);
    let place = desk.room.path(place);
    if !place.exists() {
        desk.must(&["init", "-q", "--bare", "-b", "main", place.to_str().unwrap()]);
    }
    desk.must(&["checkout", "-q", "-b", "foreign"]);
    desk.commit("foreign", &[("Dockerfile", "FROM x\n")]);
    desk.must(&["push", "-q", "--no-verify", place.to_str().unwrap(), &format!("foreign:{name}")]);
    desk.must(&["checkout", "-q", "main"]);
    desk.must(&["branch", "-q", "-D", "foreign"]);
    (desk, place)
}

impl Desk {
    /// Whether this is checked as a new branch of the remote, wherever that is.
    fn is_new(&self, what: &str) -> bool {
        let (passes, told) = self.push(&["--dry-run", "origin", &format!("{what}:refs/heads/new")]);
        assert!(told.contains(if passes { NOT_CHECKED } else { "user-root" }), "{what}: {told}");
        !passes
    }

    fn config(&self, key: &str, value: &str) {
        self.must(&["config", "--add", key, value]);
    }
}

#[test]
fn branches_of_another_remote_are_not_of_this_one() {
    let (desk, fork) = with_foreign("fork.git", "refs/heads/x");
    desk.must(&["remote", "add", "origin/alice", fork.to_str().unwrap()]);
    desk.must(&["fetch", "-q", "origin/alice"]);
    assert!(desk.is_new("refs/remotes/origin/alice/x"));
    // Its own are.
    desk.must(&["push", "-q", "--no-verify", "origin", "refs/remotes/origin/alice/x:refs/heads/y"]);
    assert!(!desk.is_new("refs/remotes/origin/alice/x"));
}

#[test]
fn only_branches_of_the_remote_are_known_to_be_its_branches() {
    for (reference, fetch, seen) in [
        ("refs/pull/5/head", "+refs/pull/*/head:refs/remotes/origin/pr/*", "refs/remotes/origin/pr/5"),
        ("refs/changes/1", "refs/changes/1:remotes/origin/change", "refs/remotes/origin/change"),
        ("refs/tags/v1", "+refs/tags/*:refs/remotes/origin/tags/*", "refs/remotes/origin/tags/v1"),
    ] {
        let (desk, _) = with_foreign("remote.git", reference);
        desk.config("remote.origin.fetch", fetch);
        desk.must(&["fetch", "-q"]);
        assert!(desk.is_new(seen), "{fetch}");
    }
    let (desk, _) = with_foreign("remote.git", "refs/heads/pr/5");
    desk.must(&["fetch", "-q"]);
    assert!(!desk.is_new("refs/remotes/origin/pr/5"));
    // By two ways to the same name nobody knows which one it came.
    desk.config("remote.origin.fetch", "+refs/pull/*/head:refs/remotes/origin/pr/*");
    assert!(desk.is_new("refs/remotes/origin/pr/5"));
    desk.must(&["config", "--unset", "remote.origin.fetch", "pull"]);
    // Left over from before it was excluded.
    desk.config("remote.origin.fetch", "^refs/heads/pr/*");
    assert!(desk.is_new("refs/remotes/origin/pr/5"));
    // Wherever it is kept, but not where one works on it.
    desk.must(&[
        "config",
        "--replace-all",
        "remote.origin.fetch",
        "+refs/heads/p*:refs/remotes/elsewhere/q*",
    ]);
    desk.must(&["fetch", "-q"]);
    assert!(!desk.is_new("refs/remotes/elsewhere/qr/5"));
    desk.must(&["config", "--replace-all", "remote.origin.fetch", "+refs/heads/*:refs/heads/up/*"]);
    desk.must(&["fetch", "-q"]);
    assert!(desk.is_new("refs/heads/up/pr/5"));
    desk.must(&["config", "--unset-all", "remote.origin.fetch"]);
    assert!(desk.is_new("refs/remotes/elsewhere/qr/5"));
}

#[test]
fn where_pushes_go_elsewhere_nothing_is_known() {
    let (desk, _) = with_foreign("remote.git", "refs/heads/x");
    desk.must(&["fetch", "-q"]);
    assert!(!desk.is_new("refs/remotes/origin/x"));
    let (remote, other) = (desk.remote(), desk.room.path("other.git"));
    let (remote, other) = (remote.to_str().unwrap(), other.to_str().unwrap());
    desk.must(&["init", "-q", "--bare", other]);
    for (key, value) in [
        ("remote.origin.pushurl".to_owned(), other),
        ("remote.origin.url".to_owned(), other),
        (format!("url.{other}.pushInsteadOf"), remote),
    ] {
        desk.config(&key, value);
        assert!(desk.is_new("refs/remotes/origin/x"), "{key}");
        desk.must(&["config", "--unset", "--fixed-value", &key, value]);
        assert!(!desk.is_new("refs/remotes/origin/x"), "{key}");
    }
    // Fetched from and pushed to by another name, it is the same place.
    let directory = desk.room.path("").display().to_string();
    desk.config(&format!("url.{directory}.insteadOf"), "here:");
    desk.must(&["remote", "set-url", "origin", "here:remote.git"]);
    assert!(!desk.is_new("refs/remotes/origin/x"));
    // By hand, nobody says where it goes.
    let line = format!("x {} refs/heads/x {}\n", desk.must(&["rev-parse", "origin/x"]).trim(), desk.zeros());
    let mut piped = desk.command("sh", &desk.top);
    piped.args(["-c", "printf '%s' \"$1\" | ocicheck hook run origin", "sh", &line]);
    assert_eq!(piped.status().unwrap().code(), Some(1));
}

/// What is kept of its branches is of the place where it was.
#[test]
fn a_remote_that_was_moved_has_nothing() {
    let (desk, _) = with_foreign("remote.git", "refs/heads/x");
    desk.must(&["fetch", "-q"]);
    let moved = desk.room.path("moved.git");
    desk.must(&["init", "-q", "--bare", "-b", "main", moved.to_str().unwrap()]);
    desk.must(&["remote", "set-url", "origin", moved.to_str().unwrap()]);
    let (passes, told) = desk.push(&["--dry-run", "origin", "main"]);
    assert!(!passes && told.contains("user-root"), "{told}");
}

#[test]
fn a_remote_may_have_very_many_branches() {
    let (desk, _) = with_foreign("remote.git", "refs/heads/x");
    desk.must(&["fetch", "-q"]);
    let id = desk.must(&["rev-parse", "main"]);
    let mut refs = "# pack-refs with: peeled fully-peeled sorted \n".to_owned();
    for number in 0..20_000 {
        refs += &format!("{} refs/remotes/origin/{number:05}\n", id.trim());
    }
    desk.must(&["pack-refs", "--all"]);
    let packed = desk.top.join(".git/packed-refs");
    let all = std::fs::read_to_string(&packed).unwrap();
    let first = all.lines().filter(|line| line.contains("refs/heads/"));
    let last = all.lines().filter(|line| line.contains("refs/remotes/"));
    let head = refs.lines().next().unwrap().to_owned();
    let many = refs.lines().skip(1);
    let lines: Vec<_> = [head.as_str()].into_iter().chain(first).chain(many).chain(last).collect();
    std::fs::write(&packed, lines.join("\n") + "\n").unwrap();
    assert!(!desk.is_new("refs/remotes/origin/x"));
    assert!(!desk.is_new("refs/remotes/origin/00001"));
    desk.commit("new", &[("Dockerfile", "FROM y\n")]);
    assert!(desk.is_new("main"));
}
