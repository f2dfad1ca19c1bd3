//! What the documents tell one to type: each command is run, as are the scripts for CI systems.

#![cfg(unix)]

use std::path::Path;
use std::process::{Command, Output};

use crate::harness::{PROGRAM, Room, text};
use crate::support::{Image, Layer, Zip, clean_app, feeds, small_base};

/// The shell's commands in a document's blocks of `sh`, a line each; continued lines are one.
fn commands(document: &str) -> Vec<String> {
    let blocks = document.split("\n```sh\n").skip(1).filter_map(|rest| rest.split("\n```").next());
    let lines = blocks.flat_map(|block| {
        let joined = block.replace("\\\n", " ").replace("|\n", "| ");
        joined.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    lines.filter(|line| !line.trim().is_empty()).collect()
}

/// Runs a command with the program on its path, away from the user's own files.
fn shell(room: &Room, command: &str, variables: &[(&str, &str)]) -> Output {
    let programs = Path::new(PROGRAM).parent().unwrap().display();
    let path = format!("{programs}:{}", std::env::var("PATH").unwrap());
    Command::new("bash")
        .args(["-o", "pipefail", "-c", command])
        .current_dir(room.path(""))
        .env_clear()
        .env("PATH", path)
        .env("HOME", room.path("home"))
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// Eight layers, so that one can be asked for by a high number.
fn application() -> Image {
    (0..5).fold(clean_app(&small_base()), |image, number| {
        image.layer(Layer::new().file(format!("opt/{number}"), "x"))
    })
}

/// Feeds of advisories by the names that the documents give them.
fn feeds(room: &Room) {
    let zip = |members: &[(&str, &str)]| {
        members.iter().fold(Zip::new(), |zip, (name, bytes)| zip.member(name, bytes)).bytes()
    };
    for directory in ["PyPI", "csaf"] {
        std::fs::create_dir_all(room.path(directory)).unwrap();
    }
    room.write("AlmaLinux8.zip", zip(&feeds::ALMALINUX));
    room.write("PyPI/all.zip", zip(&feeds::PYPI));
    room.write("debian.json", feeds::DEBIAN);
    room.write("alpine-3.18-main.json", feeds::ALPINE);
    room.write("alpine-3.18-community.json", feeds::ALPINE_COMMUNITY);
    room.write("csaf/cve-2024-0007.json", feeds::RED_HAT);
}

/// All that the documents name.
fn prepared() -> Room {
    let room = Room::new();
    for directory in
        ["archives", "home/.local/share/bash-completion/completions", "home/.local/share/man/man1"]
    {
        std::fs::create_dir_all(room.path(directory)).unwrap();
    }
    for name in ["app.tar", "image.tar", "archives/one.tar", "archives/two.tar"] {
        room.write(name, application().oci_archive());
    }
    feeds(&room);
    room.write(
        "openvex.json",
        r#"{"@context": "https://openvex.dev/ns/v0.2.0", "@id": "x", "author": "y", "statements": []}"#,
    );
    let bases = ["base", "base13", "java"].into_iter().scan(small_base(), |below, name| {
        *below = below.clone().layer(Layer::new().file(format!("etc/{name}"), name));
        Some((name, below.clone()))
    });
    for (name, base) in bases {
        room.write(
            &format!("{name}.tar"),
            base.unnamed().name(&format!("example.com/{name}:1")).oci_archive(),
        );
    }
    room
}

/// Documents in the order in which somebody reads them, since later commands stand on earlier ones.
const DOCUMENTS: [(&str, &str); 12] = [
    ("docs/policy.md", include_str!("../../docs/policy.md")),
    ("docs/bases.md", include_str!("../../docs/bases.md")),
    ("README.md", include_str!("../../README.md")),
    ("docs/install.md", include_str!("../../docs/install.md")),
    ("docs/ci.md", include_str!("../../docs/ci.md")),
    ("docs/formats.md", include_str!("../../docs/formats.md")),
    ("docs/cache.md", include_str!("../../docs/cache.md")),
    ("docs/inspect.md", include_str!("../../docs/inspect.md")),
    ("docs/sbom.md", include_str!("../../docs/sbom.md")),
    ("docs/hook.md", include_str!("../../docs/hook.md")),
    ("docs/advisories.md", include_str!("../../docs/advisories.md")),
    // It carries the file that the page before makes.
    ("docs/air-gapped.md", include_str!("../../docs/air-gapped.md")),
];

/// Whether a line can be run here: it is ours, and needs nobody else's tools.
fn is_ours(line: &str) -> bool {
    let ours = line.split(['|', ';']).any(|part| {
        let mut words = part.split_whitespace().skip_while(|word| word.contains('='));
        words.next() == Some("ocicheck")
    });
    ours && !["docker ", "jq ", "/ci/"].iter().any(|foreign| line.contains(foreign))
}

/// What the page on the hook has one write first, in a repository that has what it names.
fn take_hook(room: &Room, page: &str) {
    let table = page.split("\n```toml\n").nth(1).and_then(|rest| rest.split("\n```").next()).unwrap();
    let policy = std::fs::read_to_string(room.path("ocicheck.toml")).unwrap();
    std::fs::create_dir_all(room.path("src")).unwrap();
    for (name, content) in
        [("Dockerfile", ""), ("src/main", ""), ("ocicheck.toml", &format!("{policy}\n{table}\n"))]
    {
        room.write(name, content);
    }
    std::fs::create_dir(room.path("dist")).unwrap();
    room.write("dist/app.tar", application().oci_archive());
    assert!(shell(room, "git init -q .", &[]).status.success());
}

#[test]
fn commands_in_the_documents_do_what_they_say() {
    let room = prepared();
    let made = shell(&room, "ocicheck base add base.tar --name first --version 1", &[]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made.stderr));
    room.write("last-audit.json", shell(&room, "ocicheck app.tar --bases bases.json", &[]).stdout);
    let mut run = 0;
    for (document, body) in DOCUMENTS {
        if document == "docs/hook.md" {
            take_hook(&room, body);
        }
        for line in commands(body).iter().filter(|line| is_ours(line)) {
            // The README keeps a catalog of its own.
            if line.starts_with("ocicheck base add base.tar") {
                std::fs::remove_file(room.path("bases.json")).unwrap();
            }
            let output = shell(&room, line, &[]);
            let told = text(&output.stderr);
            assert!(matches!(output.status.code(), Some(0 | 1)), "{document}: {line}\n{told}");
            run += 1;
        }
    }
    assert!(run >= 25, "only {run} commands were found");
}

/// Each command of the quick start ends as it says, where nothing was before but the committed images.
#[test]
fn the_quick_start_goes_as_it_says() {
    let document = include_str!("../../docs/quick-start.md");
    let room = Room::new();
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    std::os::unix::fs::symlink(testdata, room.path("testdata")).unwrap();
    let lines = commands(document);
    let (ours, others): (Vec<_>, Vec<_>) =
        lines.iter().partition(|line| is_ours(line) || line.starts_with("printf "));
    assert_eq!(others, ["cargo install --path . --locked"]);
    assert!(ours.len() >= 14, "only {} commands were found", ours.len());
    for line in ours {
        let output = shell(&room, line, &[]);
        let wanted = if line.contains("# exit status 1") { 1 } else { 0 };
        assert_eq!(output.status.code(), Some(wanted), "{line}\n{}", text(&output.stderr));
    }
    // What the picture of its third step shows is what its commands made.
    let (made, shown) = (room.path("bases.json"), room.path("testdata/bases.json"));
    let layers = |path| {
        let catalog: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let base = catalog["bases"][0].clone();
        (base["name"].clone(), base["version"].clone(), base["chainId"].clone())
    };
    assert_eq!(layers(made), layers(shown));
}

/// The script below `marker` in a YAML document, without its indentation.
fn script<'a>(document: &'a str, marker: &str) -> String {
    let lines: Vec<&'a str> = document.lines().collect();
    let at = lines.iter().position(|line| line.trim() == marker).unwrap();
    let indent = lines[at + 1].len() - lines[at + 1].trim_start().len();
    let of_script = lines[at + 1..]
        .iter()
        .take_while(|line| line.trim().is_empty() || line.starts_with(&" ".repeat(indent)));
    of_script.map(|line| line.get(indent..).unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_action_for_github_tells_verdict_summary_and_reports() {
    let passing = || Image::new().layer(Layer::new().file("x", "x")).user("1");
    let action = script(include_str!("../../docs/ci/action.yml"), "run: |");
    for (images, bases, exit, verdict, summary) in [
        ("app.tar", "", 0, "pass", "✅ pass"),
        ("app.tar\nroot.tar", "", 1, "fail", "❌ fail"),
        ("app.tar\nnowhere.tar", "", 2, "error", "could not be checked"),
        ("app.tar", "nowhere.json", 2, "error", ""),
    ] {
        let room = prepared();
        room.write("app.tar", passing().oci_archive());
        room.write("root.tar", passing().user("root").oci_archive());
        let (told, shown) = (room.write("outputs", ""), room.write("shown", ""));
        let temporary = room.path("").display().to_string();
        let variables = [
            ("IMAGES", images),
            ("BASES", bases),
            ("POLICY", ""),
            ("PROFILE", ""),
            ("ENVIRONMENT", ""),
            ("BASELINE", ""),
            ("RUNNER_TEMP", &temporary),
            ("GITHUB_OUTPUT", told.to_str().unwrap()),
            ("GITHUB_STEP_SUMMARY", shown.to_str().unwrap()),
        ];
        // As GitHub runs a step's script.
        let output = shell(&room, &format!("set -e\n{action}"), &variables);
        assert_eq!(output.status.code(), Some(exit), "{images}: {}", text(&output.stderr));
        let told = std::fs::read_to_string(told).unwrap();
        assert!(told.starts_with(&format!("verdict={verdict}\n")), "{told}");
        let shown = std::fs::read_to_string(shown).unwrap();
        assert!(shown.contains(summary) && shown.is_empty() == summary.is_empty(), "{shown}");
        let sarif = told.lines().find_map(|line| line.strip_prefix("sarif=")).unwrap();
        assert_eq!(Path::new(sarif).exists(), !summary.is_empty());
    }
}

#[test]
fn the_job_for_gitlab_leaves_its_reports() {
    let job = include_str!("../../docs/ci/gitlab-ci.yml");
    let room = prepared();
    let output = shell(&room, &script(job, "- |"), &[("OCICHECK_IMAGES", "app.tar archives/one.tar")]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let reports = job.lines().filter_map(|line| line.trim().split_once(": "));
    let reports: Vec<&str> = reports
        .filter(|(_, file)| file.starts_with("gl-") || file.ends_with(".xml"))
        .map(|(_, file)| file)
        .collect();
    assert_eq!(reports.len(), 3);
    for report in reports {
        assert!(room.path(report).exists(), "{report}");
    }
}

#[test]
fn the_stage_for_jenkins_leaves_its_reports_and_its_status() {
    let stage = include_str!("../../docs/ci/Jenkinsfile");
    let script = stage.split("'''").nth(1).unwrap();
    let document = include_str!("../../docs/ci.md");
    for variable in ["OCICHECK_IMAGES", "OCICHECK_BASES", "OCICHECK_POLICY"] {
        assert!(stage.contains(&format!("{variable} = ")) && document.contains(&format!("{variable} = ")));
    }
    for (images, status) in [("pass.tar", 0), ("pass.tar archives/one.tar", 1), ("pass.tar nowhere.tar", 2)] {
        let room = prepared();
        room.write("pass.tar", Image::new().layer(Layer::new().file("x", "x")).user("1").oci_archive());
        let output = shell(&room, script, &[("OCICHECK_IMAGES", images)]);
        assert_eq!(output.status.code(), Some(status), "{images}: {}", text(&output.stderr));
        let words = stage.split(|char: char| char.is_whitespace() || ['\'', ','].contains(&char));
        let named: std::collections::BTreeSet<&str> =
            words.filter(|word| word.starts_with("ocicheck") && word.contains('.')).collect();
        assert_eq!(named.len(), 3, "{named:?}");
        for report in named {
            assert!(room.path(report).exists(), "{report}");
        }
    }
}
