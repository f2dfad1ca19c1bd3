//! `ocicheck db`: databases of advisories.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::harness::{Room, assert_valid, command, run, text};
use crate::support::Zip;
use crate::support::feeds::{ALMALINUX, ALPINE, ALPINE_COMMUNITY, DEBIAN, PYPI, RED_HAT};

/// All feeds, written as files.
fn feeds(room: &Room) -> Vec<PathBuf> {
    let zip = |members: &[(&str, &str)]| {
        members.iter().fold(Zip::new(), |zip, (name, bytes)| zip.member(name, bytes)).bytes()
    };
    std::fs::create_dir_all(room.path("csaf/2024")).unwrap();
    room.write("csaf/2024/cve-2024-0007.json", RED_HAT);
    vec![
        room.write("AlmaLinux8.zip", zip(&ALMALINUX)),
        room.write("debian.json", DEBIAN),
        room.write("alpine-3.18-main.json", ALPINE),
        room.write("alpine-3.18-community.json", ALPINE_COMMUNITY),
        room.write("PyPI.zip", zip(&PYPI)),
        room.path("csaf"),
    ]
}

fn build(sources: &[PathBuf], output: &Path, more: &[&str]) -> std::process::Output {
    command().args(["db", "build"]).args(sources).arg("-o").arg(output).args(more).output().unwrap()
}

/// A room with a database of all feeds.
fn built() -> (Room, PathBuf) {
    let room = Room::new();
    let database = room.path("advisories.db");
    let output = build(&feeds(&room), &database, &[]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    (room, database)
}

fn query(database: &Path, arguments: &[&str]) -> (i32, Value) {
    let output = command()
        .args(["db", "query", "--format", "json", "--advisories"])
        .arg(database)
        .args(arguments)
        .output()
        .unwrap();
    let value = serde_json::from_str(&text(&output.stdout)).unwrap_or(Value::Null);
    if !value.is_null() {
        assert_valid("db-query.schema.json", &value);
    }
    (output.status.code().unwrap(), value)
}

#[test]
fn feeds_of_all_forms_make_one_database() {
    let room = Room::new();
    let output = build(&feeds(&room), &room.path("advisories.db"), &[]);
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(0), ""), "{told}");
    for line in [
        "AlmaLinux8.zip: osv, 2 records in 2 documents, newest of 2024-02-03",
        "debian.json: debian-tracker, 2 records in 1 document, without dates",
        "alpine-3.18-main.json: secdb, 2 records in 1 document, without dates",
        "PyPI.zip: osv, 1 record in 2 documents, newest of 2024-04-05",
        "  passed over: 1 withdrawn records",
        "csaf: csaf, 1 record in 1 document, newest of 2024-03-04",
        "  covers: PyPI",
        "  repositories: Alpine:3.18/main\n  covers: Alpine:3.18",
        "9 advisories on 8 packages in 6 ecosystems and releases",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

/// No clock and no order is in it: who builds it elsewhere of the same feeds can compare.
#[test]
fn the_same_feeds_in_any_order_make_the_same_bytes() {
    let (room, database) = built();
    let mut sources = feeds(&room);
    sources.reverse();
    // Once more a directory, and a file.
    sources.extend([sources[0].clone(), sources[1].clone()]);
    let again = room.path("again.db");
    assert!(build(&sources, &again, &[]).status.success());
    assert!(std::fs::read(&database).unwrap() == std::fs::read(&again).unwrap());
    assert!(build(&sources, &again, &["--at", "2024-06-01"]).status.success());
    assert!(std::fs::read(&database).unwrap() != std::fs::read(&again).unwrap());
    let info = run(&["db", "info", again.to_str().unwrap(), "--format", "json"]);
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["built"], "2024-06-01");
}

#[test]
fn a_database_tells_what_it_is_made_of() {
    let (_room, database) = built();
    let output = run(&["db", "info", database.to_str().unwrap(), "--format", "json"]);
    let info: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_valid("db-info.schema.json", &info);
    assert_eq!((info["schemaVersion"].as_u64(), &info["built"]), (Some(1), &Value::Null));
    let sources: Vec<&str> =
        info["sources"].as_array().unwrap().iter().map(|source| source["name"].as_str().unwrap()).collect();
    assert_eq!(
        sources,
        [
            "AlmaLinux8.zip",
            "PyPI.zip",
            "alpine-3.18-community.json",
            "alpine-3.18-main.json",
            "csaf",
            "debian.json"
        ]
    );
    assert_eq!(info["sources"][3]["repositories"], serde_json::json!(["Alpine:3.18/main"]));
    assert_eq!(info["sources"][5]["covers"], serde_json::json!(["Debian:11", "Debian:12"]));
    assert!(info["ecosystems"].as_array().unwrap().iter().all(|known| known["covered"] == true));
    assert_eq!(info["sources"][1]["skipped"]["withdrawn"], 1);
    assert_eq!(info["sources"][0]["date"], "2024-02-03");
    let names: Vec<&str> =
        info["ecosystems"].as_array().unwrap().iter().map(|known| known["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["AlmaLinux:8", "Alpine:3.18", "Debian:11", "Debian:12", "PyPI", "Red Hat:9"]);
    assert_eq!(info["counts"]["advisories"], 9);
    let shown = text(&run(&["db", "info", database.to_str().unwrap(), "--format", "text"]).stdout);
    assert!(shown.contains("debian.json: debian-tracker, no date, 2 records"), "{shown}");
    assert!(shown.contains("passed over: 1 withdrawn"), "{shown}");
}

#[test]
fn packages_are_asked_for_by_their_purls() {
    let (_room, database) = built();
    for (purl, exit, expected) in [
        (
            "pkg:rpm/almalinux/openssl-libs@1.1.1k-6.el8?epoch=1&distro=almalinux-8",
            1,
            "ALSA-2024:0001 affected 1:1.1.1k-7.el8 high",
        ),
        ("pkg:rpm/almalinux/openssl-libs@1.1.1k-7.el8?epoch=1&distro=almalinux-8.10", 0, ""),
        (
            "pkg:rpm/almalinux/nodejs@18.1-1.module_el8.6?epoch=1&distro=almalinux-8&rpmmod=nodejs:18:1:a",
            1,
            "ALSA-2024:0002 affected 1:18.19-1.module_el8.9+1 medium",
        ),
        (
            "pkg:rpm/almalinux/nodejs@18.1-1.module_el8.6?epoch=1&distro=almalinux-8&rpmmod=nodejs:16:1:a",
            0,
            "",
        ),
        (
            "pkg:rpm/almalinux/nodejs@18.1-1.module_el8.6?epoch=1&distro=almalinux-8",
            2,
            "ALSA-2024:0002 undecidable 1:18.19-1.module_el8.9+1 medium",
        ),
        (
            "pkg:deb/debian/libssl3@3.0.11-1~deb12u1?upstream=openssl&distro=bookworm",
            2,
            "CVE-2024-0003 affected 3.0.11-1~deb12u2 high",
        ),
        ("pkg:deb/debian/openssl@1.1.1w-0?distro=debian-11", 1, "CVE-2024-0003 affected - low"),
        (
            "pkg:apk/alpine/busybox@1.36.1-r5?distro=alpine-3.18.4",
            1,
            "CVE-2024-0005 affected 1.36.1-r6 unknown",
        ),
        ("pkg:pypi/Example@1.0", 1, "PYSEC-2024-1 affected 1.2 critical"),
        ("pkg:pypi/Example@1.2", 0, ""),
        ("pkg:rpm/redhat/bash@5.1-6.el9?distro=rhel-9.3", 1, "CVE-2024-0007 affected - medium"),
        ("pkg:pypi/nothing@1.0", 0, ""),
    ] {
        let (status, told) = query(&database, &[purl]);
        assert_eq!(status, exit, "{purl}: {told:#}");
        let package = &told["packages"][0];
        assert_eq!((&package["error"], &package["purl"]), (&Value::Null, &Value::from(purl)));
        let first = &package["advisories"][0];
        let shown = first.is_object().then(|| {
            let word = |key: &str| first[key].as_str().unwrap_or("-").to_owned();
            [word("id"), word("verdict"), word("fixedIn"), word("severity")].join(" ")
        });
        assert_eq!(shown.unwrap_or_default(), expected, "{purl}");
    }
    let (_, all) = query(&database, &["--all", "pkg:apk/alpine/busybox@1.36.1-r6?distro=alpine-3.18"]);
    let verdicts: Vec<_> = all["packages"][0]["advisories"]
        .as_array()
        .unwrap()
        .iter()
        .map(|told| told["verdict"].clone())
        .collect();
    assert_eq!(verdicts, ["not-affected", "not-affected"]);
}

/// A feed of npm names a package of Maven, and only one repository of Alpine is there: what they say counts, and what they
/// do not say is no pass.
#[test]
fn what_comes_along_in_feeds_of_others_is_asked_and_is_no_pass() {
    let room = Room::new();
    let record = |id: &str, packages: &[(&str, &str)]| {
        let affected = packages.iter().map(|(ecosystem, name)| {
            serde_json::json!({"package": {"ecosystem": ecosystem, "name": name},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "2.0.0"}]}]})
        });
        let affected: Vec<_> = affected.collect();
        serde_json::json!({"id": id, "modified": "2024-01-01T00:00:00Z", "affected": affected}).to_string()
    };
    std::fs::create_dir(room.path("npm")).unwrap();
    let sources = vec![
        room.path("npm"),
        room.write("npm/1.json", record("GHSA-1", &[("npm", "jquery")])).parent().unwrap().to_owned(),
        room.write("one.json", record("GHSA-3", &[("PyPI", "x")])),
        room.write("alpine.json", ALPINE),
    ];
    room.write("npm/2.json", record("GHSA-2", &[("npm", "x"), ("Maven", "org.webjars.npm:jquery")]));
    let database = room.path("advisories.db");
    let output = build(&sources, &database, &[]);
    let told = text(&output.stderr);
    for line in [
        "  covers: npm\n  comes along: Maven (1)\n",
        "not covered: Alpine:3.18, Maven, PyPI\n",
        "  covers in part, without the other repository: Alpine:3.18 (2)\n",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
    let uncovered = [
        ("pkg:maven/org.webjars.npm/jquery@1.0.0", 1),
        ("pkg:maven/org.apache.logging.log4j/log4j-core@2.14.1", 0),
        ("pkg:pypi/y@1", 0),
        ("pkg:apk/alpine/nodejs@18.0.0-r0?distro=alpine-3.18", 0),
    ];
    for (purl, advisories) in uncovered {
        let (status, told) = query(&database, &[purl]);
        let package = &told["packages"][0];
        assert_eq!((status, package["advisories"].as_array().unwrap().len()), (2, advisories), "{told:#}");
        assert!(package["uncovered"].as_str().unwrap().contains("--covers"), "{told:#}");
    }
    assert_eq!(query(&database, &["pkg:npm/y@1.0.0"]).0, 0);
    let info = text(&run(&["db", "info", database.to_str().unwrap(), "--format", "text"]).stdout);
    let line =
        |name: &str| info.lines().find(|line| line.trim_start().starts_with(&format!("{name} "))).unwrap();
    assert!(line("Maven").ends_with("not covered") && !line("npm").ends_with("not covered"), "{info}");
    let stated = ["--covers", "Maven", "--covers", "PyPI", "--covers", "Alpine:v3.18"];
    assert!(build(&sources, &database, &stated).status.success());
    for (purl, advisories) in uncovered {
        assert_eq!(query(&database, &[purl]).0, advisories as i32, "{purl}");
    }
    let info = text(&run(&["db", "info", database.to_str().unwrap(), "--format", "text"]).stdout);
    assert!(info.contains("stated to be covered: Alpine:3.18, Maven, PyPI"), "{info}");
    for (wrong, why) in [("Hex", "no source speaks of it"), ("Debian", "without a release")] {
        let output = build(&sources, &database, &["--covers", wrong]);
        let stderr = text(&output.stderr);
        assert!(output.status.code() == Some(2) && stderr.contains(why), "{wrong}: {stderr}");
    }
}

/// What nobody speaks of, or cannot be asked for, is no pass.
#[test]
fn a_package_that_cannot_be_asked_for_is_exit_status_2() {
    let (_room, database) = built();
    for (purl, why) in [
        ("pkg:deb/debian/openssl@1", "no release of the distribution"),
        ("pkg:deb/debian/openssl@1?distro=debian-10", "no feed of this database speaks of Debian:10"),
        ("pkg:npm/x@1.0.0", "no feed of this database speaks of npm"),
        ("pkg:pypi/x", "no version"),
        ("openssl", "begins with `pkg:`"),
        ("pkg:oci/x@1", "no feed is known"),
    ] {
        let (status, told) = query(&database, &["pkg:pypi/example@1.0", purl]);
        assert_eq!(status, 2, "{purl}");
        assert!(told["packages"][1]["error"].as_str().unwrap().contains(why), "{told:#}");
        assert_eq!(
            told["packages"][0]["advisories"].as_array().unwrap().len(),
            1,
            "the other is asked all the same"
        );
    }
}

#[test]
fn what_is_told_to_people_is_short_and_escaped() {
    let (room, database) = built();
    let shown = command()
        .args([
            "db",
            "query",
            "--format",
            "text",
            "pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12",
            "pkg:npm/x@1",
        ])
        .env("OCICHECK_ADVISORIES", &database)
        .output()
        .unwrap();
    assert_eq!(
        text(&shown.stdout),
        "pkg:deb/debian/libssl3@3.0.11-1?upstream=openssl&distro=debian-12
  Debian:12: no advisory is known to affect it, 1 advisory cannot be decided

  CVE-2024-0004 undecidable: unknown, no fix yet
    the feed has not determined yet whether it is affected
    openssl 3.0.11-1
pkg:npm/x@1
  not asked: no feed of this database speaks of npm
"
    );
    let hostile = r#"{"id": "A-1", "modified": "2024-01-01T00:00:00Z", "summary": "\u001b[2Jgone\u202e",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "x"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}"#;
    let source = room.write("hostile.json", hostile);
    let database = room.path("hostile.db");
    assert!(build(&[source], &database, &["--covers", "PyPI"]).status.success());
    let shown =
        run(&["db", "query", "--format", "text", "--advisories", database.to_str().unwrap(), "pkg:pypi/x@1"]);
    assert_eq!(shown.status.code(), Some(1));
    let shown = text(&shown.stdout);
    assert!(
        !shown.contains('\u{1b}') && !shown.contains('\u{202e}') && shown.contains("\\x1b[2Jgone"),
        "{shown}"
    );
}

#[test]
fn a_database_is_verified_whole() {
    let (room, database) = built();
    let output = run(&["db", "verify", database.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let bytes = std::fs::read(&database).unwrap();
    let digest = crate::support::digest(&bytes);
    let shown = text(&output.stdout);
    assert!(
        shown.contains("whole; 9 advisories") && shown.contains(digest.trim_start_matches("sha256:")),
        "{shown}"
    );
    let mut changed = bytes.clone();
    let last = changed.len() - 1;
    changed[last] ^= 1;
    for (bytes, told) in [
        (changed, "not as it was written"),
        (bytes[..bytes.len() - 1].to_vec(), "cut short"),
        (b"something else".to_vec(), "no database of advisories"),
    ] {
        let path = room.write("broken.db", bytes);
        let output = run(&["db", "verify", path.to_str().unwrap()]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(
            stderr.contains(told) && stderr.contains("broken.db") && stderr.contains("hint: "),
            "{stderr}"
        );
    }
}

/// What is no feed leaves no file, and what was there stays.
#[test]
fn a_database_is_written_whole_or_not_at_all() {
    let room = Room::new();
    let database = room.path("advisories.db");
    let good = room.write("debian.json", DEBIAN);
    for (name, bytes) in [("empty.json", "{}"), ("text.json", "hello"), ("broken.zip", "PK\x03\x04 broken")] {
        let bad = room.write(name, bytes);
        let output = build(&[good.clone(), bad], &database, &[]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(name) && stderr.contains("hint: "), "{stderr}");
        assert!(!database.exists());
    }
    assert!(build(&[good], &database, &[]).status.success());
    let before = std::fs::read(&database).unwrap();
    assert_eq!(build(&[room.path("nowhere")], &database, &[]).status.code(), Some(2));
    assert!(std::fs::read(&database).unwrap() == before);
}

/// The next build would miss what was written over, and say nothing.
#[test]
fn a_database_is_not_written_over_what_it_is_made_of() {
    let room = Room::new();
    std::fs::create_dir(room.path("osv")).unwrap();
    let (name, record) = ALMALINUX[0];
    let document = room.write(&format!("osv/{name}"), record);
    let broken = room.write("osv/broken.json", "{");
    for (source, output) in
        [(document.clone(), &document), (room.path("osv"), &document), (room.path("osv"), &broken)]
    {
        let output = build(&[source], output, &[]);
        let stderr = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains("would be written over, and is read"), "{stderr}");
    }
    assert_eq!(std::fs::read_to_string(&document).unwrap(), record);
    for _ in 0..2 {
        assert!(build(&[room.path("osv")], &room.path("osv/advisories.db"), &[]).status.success());
    }
    // Of nothing but broken documents there is no database.
    std::fs::remove_file(document).unwrap();
    let output = build(&[room.path("osv")], &room.path("advisories.db"), &[]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
}

#[test]
fn records_that_are_broken_are_told_and_counted() {
    let room = Room::new();
    let members =
        [ALMALINUX[0], ("broken.json", "{\"id\": "), ("other.json", "{\"a\": 1}"), ("README.md", "no feed")];
    let zip = members.iter().fold(Zip::new(), |zip, (name, bytes)| zip.member(name, bytes)).bytes();
    let source = room.write("feed.zip", zip);
    let database = room.path("advisories.db");
    let output = build(&[source], &database, &[]);
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    assert!(
        stderr.contains("passed over: 2 documents that could not be read")
            && stderr.contains("broken.json: EOF"),
        "{stderr}"
    );
    let info = run(&["db", "info", database.to_str().unwrap(), "--format", "json"]);
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    assert_eq!(info["sources"][0]["skipped"]["unreadable"], 2);
}
