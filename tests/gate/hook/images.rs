//! The images that the hook checks: new enough, or built.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{Desk, bad, good};
use crate::harness::text;
use crate::support::{clean_app, small_base};

/// Sets when a file was changed, in seconds before now.
fn age(path: &Path, seconds: u64) {
    let time = SystemTime::now() - Duration::from_secs(seconds);
    File::open(path).unwrap().set_modified(time).unwrap();
}

#[test]
fn an_image_older_than_what_it_is_made_of_is_no_image_of_it() {
    let desk = Desk::hooked(good());
    desk.policy("newer_than = [\"src/**\", \"Dockerfile\"]\n");
    desk.write("Dockerfile", "FROM x\n");
    desk.write("src/a b\nc", "");
    for (file, seconds) in [("Dockerfile", 40), ("src/main", 30), ("src/a b\nc", 50), ("dist/app.tar", 20)] {
        age(&desk.top.join(file), seconds);
    }
    desk.pushed(&["origin", "main"]);
    desk.commit("second", &[("README", "2")]);
    for file in ["Dockerfile", "src/main", "src/a b\nc"] {
        age(&desk.top.join(file), 10);
        let told = desk.refused(&["origin", "main"]);
        let shown = file.replace('\n', " ");
        assert!(told.contains(&format!("the image dist/app.tar is older than {shown}")), "{told}");
        age(&desk.top.join(file), 60);
    }
    // Images are not made of each other, whatever the pattern says.
    desk.policy("newer_than = [\"dist/**\", \"src/main\"]\n");
    age(&desk.write("dist/younger.tar", good()), 5);
    desk.pushed(&["origin", "main"]);
    fs::remove_file(desk.top.join("dist/younger.tar")).unwrap();
    desk.policy("newer_than = [\"src/**\", \"Dockerfile\"]\n");
    desk.commit("third", &[("README", "3")]);
    // A symlink counts where it was changed, or what it leads to.
    let target = desk.room.write("target", "");
    age(&target, 60);
    std::os::unix::fs::symlink(&target, desk.top.join("src/link")).unwrap();
    assert!(desk.refused(&["origin", "main"]).contains("older than src/link"));
    age(&desk.top.join("dist/app.tar"), 0);
    desk.pushed(&["origin", "main"]);
}

#[test]
fn the_build_makes_what_is_missing_or_old() {
    let desk = Desk::hooked(good());
    desk.room.write("new.tar", good());
    desk.policy(
        "build = [\"sh\", \"-c\", \"echo building; env > variables; pwd > place; cp ../new.tar \\\"$1\\\"\", \"sh\", \
         \"dist/app.tar\"]\nnewer_than = [\"src/**\"]\n",
    );
    age(&desk.top.join("src/main"), 60);
    // Not where all is well.
    desk.pushed(&["origin", "main"]);
    assert!(!desk.top.join("place").exists());
    age(&desk.top.join("dist/app.tar"), 90);
    desk.commit("second", &[("README", "2")]);
    let told = desk.pushed(&["origin", "main"]);
    assert!(told.contains("older than src/main; building: sh -c") && told.contains("\nbuilding\n"), "{told}");
    let place = fs::read_to_string(desk.top.join("place")).unwrap();
    assert_eq!(place, format!("{}\n", desk.top.canonicalize().unwrap().display()));
    // In a linked work tree git says which repository is meant, and the build may mean another.
    let linked = desk.room.path("linked");
    desk.must(&["worktree", "add", "-q", linked.to_str().unwrap(), "-b", "linked"]);
    fs::copy(desk.top.join("ocicheck.toml"), linked.join("ocicheck.toml")).unwrap();
    fs::create_dir(linked.join("dist")).unwrap();
    let (done, told) = desk.push_from(&linked, &["origin", "linked"]);
    assert!(done && told.contains("no image is there by the name dist/*.tar; building"), "{told}");
    let variables = fs::read_to_string(linked.join("variables")).unwrap();
    assert!(!variables.contains("GIT_DIR=") && variables.contains("HOME="), "{variables}");
    // What it built is judged.
    desk.room.write("new.tar", bad());
    fs::remove_file(desk.top.join("dist/app.tar")).unwrap();
    desk.commit("third", &[("README", "3")]);
    assert!(desk.refused(&["origin", "main"]).contains("user-root"));
}

#[test]
fn a_build_that_fails_or_does_nothing_is_no_pass() {
    let desk = Desk::hooked(good());
    age(&desk.top.join("dist/app.tar"), 60);
    for (build, told) in [
        ("[\"false\"]", "the build (false) failed, exit status: 1"),
        ("[\"sh\", \"-c\", \"kill -9 $$\"]", "failed, signal: 9"),
        ("[\"true\"]", "the build ended, and the image dist/app.tar is older than src/main"),
        ("[\"./nowhere\"]", "cannot be started"),
        ("[\"rm\", \"dist/app.tar\"]", "the build ended, and no image is there by the name dist/*.tar"),
    ] {
        desk.policy(&format!("build = {build}\nnewer_than = [\"src/main\"]\n"));
        let said = desk.refused(&["origin", "main"]);
        assert!(said.contains(told) && said.contains("hint: "), "{said}");
        assert_eq!(desk.always().0, 2);
    }
    // Without one, it is said what there is to do.
    desk.policy("");
    let said = desk.refused(&["origin", "main"]);
    assert!(said.contains("no image is there") && said.contains("`build` of [hook]"), "{said}");
    // A script of the repository's own, with what git tells kept from it.
    let script = desk.write("make image", "#!/bin/sh\ncat; cp ../new.tar dist/app.tar\n");
    super::set_mode(&script, 0o755);
    desk.room.write("new.tar", good());
    desk.policy("build = [\"./make image\"]\n");
    let told = desk.pushed(&["origin", "main"]);
    assert!(!told.contains("refs/heads/main"), "{told}");
}

#[test]
fn images_of_every_form_and_name_are_found() {
    let desk = Desk::new();
    for name in ["-", "--version", "a b\n.tar"] {
        desk.write(&format!("dist/{name}"), good());
    }
    desk.write("-", good());
    let mut layout = crate::support::Image::new();
    layout = layout.layer(crate::support::Layer::new().file("x", "x")).user("root");
    layout.oci_dir(&desk.top.join("dist/layout"));
    desk.write("ocicheck.toml", "[hook]\nimages = [\"-\", \"dist/*\"]\n");
    let (exit, told) = desk.always();
    assert_eq!(exit, 1, "{told}");
    assert!(told.contains("FAIL   dist/layout") && !told.contains("standard input"), "{told}");
    assert_eq!(told.lines().filter(|line| line.starts_with("PASS ")).count(), 4, "{told}");
    // A layout is as old as its index.
    desk.write("ocicheck.toml", "[hook]\nimages = [\"dist/lay*\"]\nnewer_than = [\"src/main\"]\n");
    age(&desk.top.join("src/main"), 20);
    age(&desk.top.join("dist/layout/index.json"), 30);
    assert!(desk.always().1.contains("the image dist/layout is older than src/main"));
}

#[test]
fn profile_environment_and_catalog_are_the_hooks() {
    let desk = Desk::hooked(clean_app(&small_base()).oci_archive());
    let catalog = desk.room.catalog(&[&small_base()]);
    fs::create_dir(desk.top.join("platform")).unwrap();
    fs::copy(catalog, desk.top.join("platform/bases.json")).unwrap();
    let exit = |more: &str| {
        desk.policy(more);
        let (exit, told) = desk.always();
        (exit, told.contains("base-not-official") || told.contains("service-missing"))
    };
    assert_eq!(exit("profile = \"standard\"\n"), (2, false), "without a catalog");
    assert_eq!(exit("profile = \"standard\"\nbases = \"platform/bases.json\"\n"), (0, false));
    desk.write("dist/app.tar", good());
    assert_eq!(exit("profile = \"standard\"\nbases = \"platform/bases.json\"\n"), (1, true));
    assert_eq!(exit("profile = \"custom\"\nbases = \"platform/bases.json\"\n"), (0, false));
    let services =
        "env = \"prod\"\n[services.x]\nfiles = [\"/x/y\"]\n[environments.prod]\nrequire = [\"x\"]\n";
    assert_eq!(exit(services), (1, true));
    // What is said on the command line or around it comes first.
    desk.policy("profile = \"standard\"\nbases = \"nowhere.json\"\n");
    let mut run = desk.command(crate::harness::PROGRAM, &desk.top);
    run.args(["hook", "run", "--always", "--bases", "platform/bases.json"]);
    let output = run.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
}

/// A layout is an image, and what lies in it by a name that matches is another.
#[test]
fn images_inside_of_a_directory_that_matches_count() {
    let desk = Desk::hooked(good());
    desk.write("ocicheck.toml", "[hook]\nimages = [\"**/*.tar\"]\n");
    std::fs::remove_file(desk.top.join("dist/app.tar")).unwrap();
    let layout = crate::support::Image::new().layer(crate::support::Layer::new().file("x", "x")).user("1");
    layout.oci_dir(&desk.top.join("dist/app.tar"));
    assert_eq!(desk.always().0, 0);
    for inner in ["inner.tar", "blobs/inner.tar", "blobs/sha256/inner.tar", "deep/inner.tar"] {
        let path = desk.write(&format!("dist/app.tar/{inner}"), bad());
        let (exit, told) = desk.always();
        assert_eq!(exit, 1, "{told}");
        assert!(
            told.contains("PASS   dist/app.tar\n") && told.contains(&format!("FAIL   dist/app.tar/{inner}")),
            "{told}"
        );
        fs::remove_file(path).unwrap();
    }
    // Blobs are no images: a pattern that takes them in is too wide.
    desk.write("ocicheck.toml", "[hook]\nimages = [\"dist/**\"]\n");
    assert_eq!(desk.always().0, 2);
    desk.write("ocicheck.toml", "[hook]\nimages = [\"dist/*\"]\n");
    assert_eq!(desk.always().0, 0);
}

#[test]
fn nothing_of_git_is_an_image() {
    let desk = Desk::hooked(good());
    for path in [".git/x.tar", ".git/deep/.git/x.tar", "dist/.git/x.tar"] {
        desk.write(path, good());
    }
    for pattern in [".git/x.tar", ".git/*.tar", "dist/.git/*.tar", "**/.git/*.tar", ".GIT/x.tar", ".git"] {
        desk.write("ocicheck.toml", format!("[hook]\nimages = [\"{pattern}\"]\n"));
        let (exit, told) = desk.always();
        assert!(exit == 2 && told.contains("matches nothing") && told.contains(".git"), "{pattern}: {told}");
    }
    for pattern in ["**/x.tar", "{.git,x}/*.tar", ".gi[t]/x.tar"] {
        desk.write("ocicheck.toml", format!("[hook]\nimages = [\"{pattern}\"]\n"));
        let (exit, told) = desk.always();
        assert!(exit == 2 && told.contains("no image is there"), "{pattern}: {told}");
    }
}

#[test]
fn an_image_that_cannot_be_read_in_time_is_no_pass() {
    let desk = Desk::hooked(good());
    let fifo = desk.top.join("dist/waits.tar");
    assert!(desk.command("mkfifo", &desk.top).arg(&fifo).status().unwrap().success());
    let output = desk.ocicheck(&["hook", "run", "--always", "--timeout", "1s"]);
    let told = text(&output.stdout) + &text(&output.stderr);
    assert!(output.status.code() == Some(2) && told.contains("--timeout 1s"), "{told}");
    assert!(told.contains("PASS   dist/app.tar"), "{told}");
    // So it reaches a hook that is installed.
    let mut push = desk.command("git", &desk.top);
    let output = push.args(["push", "origin", "main"]).env("OCICHECK_TIMEOUT", "1s").output().unwrap();
    let told = text(&output.stderr);
    assert!(!output.status.success() && told.contains("--timeout 1s"), "{told}");
    // No time runs while the image is built.
    fs::remove_file(fifo).unwrap();
    fs::remove_file(desk.top.join("dist/app.tar")).unwrap();
    desk.room.write("new.tar", good());
    desk.policy("build = [\"sh\", \"-c\", \"sleep 2; cp ../new.tar dist/app.tar\"]\n");
    let output = desk.ocicheck(&["hook", "run", "--always", "--timeout", "2s"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn known_vulnerabilities_stop_a_push() {
    use crate::advisories::{CRITICAL, Trial, advisory, debian};
    let trial = Trial::new(&[advisory("CVE-2026-0001", "sed", Some("9"), CRITICAL)]);
    let desk = Desk::hooked(debian().oci_archive());
    let database = trial.room.path("advisories.db");
    let document = trial.room.write(
        "vex.json",
        r#"{"@context":"https://openvex.dev/ns/v0.2.0","@id":"x","author":"a","version":1,
        "timestamp":"2026-01-01T00:00:00Z","statements":[{"vulnerability":{"name":"CVE-2026-0001"},
        "products":[{"@id":"pkg:deb/debian/sed"}],"status":"not_affected",
        "justification":"vulnerable_code_not_present"}]}"#,
    );
    desk.policy("[rules.advisories-stale]\nmax_age_days = 30000\n");
    let run = |more: &[&str]| {
        let output = desk.ocicheck(&[&["hook", "run", "--always"], more].concat());
        let told = text(&output.stdout) + &text(&output.stderr);
        (output.status.code().unwrap(), told)
    };
    let (database, document) = (database.to_str().unwrap(), document.to_str().unwrap());
    let (exit, told) = run(&[]);
    assert_eq!(exit, 0, "{told}");
    let (exit, told) = run(&["--advisories", database]);
    assert!(exit == 1 && told.contains("CVE-2026-0001"), "{told}");
    let (exit, told) = run(&["--advisories", database, "--vex", document]);
    assert_eq!(exit, 0, "{told}");
    let mut push = desk.command("git", &desk.top);
    push.args(["push", "origin", "main"]).env("OCICHECK_ADVISORIES", database);
    let output = push.output().unwrap();
    assert!(!output.status.success(), "{}", text(&output.stderr));
    let mut push = desk.command("git", &desk.top);
    push.args(["push", "origin", "main"]).env("OCICHECK_ADVISORIES", database).env("OCICHECK_VEX", document);
    assert!(push.status().unwrap().success());
    assert_eq!(run(&["--advisories", "nowhere.db"]).0, 2);
}
