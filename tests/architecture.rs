//! The way of the data is a test: a file imports its own floor or lower ones, never a higher one.

#![allow(clippy::unwrap_used, reason = "test code: clippy.toml reaches only #[test] functions")]

use std::collections::BTreeMap;
use std::path::Path;

/// The floors, lowest first; modules of one floor may import each other.
const FLOORS: [&[&str]; 17] = [
    &["error", "limits", "digest", "host", "read"],
    &["model"],
    &["codec"],
    &["source"],
    &["scan"],
    &["cache"],
    &["rootfs"],
    &["packages"],
    &["advisories"],
    &["base"],
    &["facts"],
    &["rules"],
    &["policy"],
    &["report"],
    &["engine"],
    &["hook"],
    &["cli"],
];

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules that a source text names as `crate::module`, outside comments.
fn imports(text: &str) -> Vec<&str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split("crate::").skip(1))
        .filter_map(|rest| rest.split(|char: char| !char.is_ascii_alphanumeric() && char != '_').next())
        .collect()
}

/// All files of `src`, by their paths in it, with their texts.
fn sources() -> Vec<(String, String)> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = walkdir::WalkDir::new(&source).into_iter().map(Result::unwrap);
    let files = files.filter(|file| file.path().extension().is_some_and(|extension| extension == "rs"));
    let read = |file: walkdir::DirEntry| {
        let relative = file.path().strip_prefix(&source).unwrap().to_str().unwrap().to_owned();
        (relative, std::fs::read_to_string(file.path()).unwrap())
    };
    files.map(read).collect()
}

#[test]
fn no_file_imports_a_higher_floor() {
    let mut files = 0;
    let mut climbing = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (relative, text) in sources() {
        let relative = relative.as_str();
        let module = relative.split('/').next().unwrap().trim_end_matches(".rs");
        if ["main", "lib", "build"].contains(&module) {
            continue;
        }
        files += 1;
        let floor = floor_of(module).unwrap_or_else(|| panic!("{relative}: {module} stands on no floor"));
        *seen.entry(module.to_owned()).or_default() += 1;
        for import in imports(&text) {
            // What is no module is an item of lib.rs, which has none.
            let imported =
                floor_of(import).unwrap_or_else(|| panic!("{relative}: crate::{import} is no floor"));
            if imported > floor {
                climbing.push(format!("{relative} imports crate::{import}"));
            }
        }
    }
    assert!(climbing.is_empty(), "{climbing:#?}");
    assert!(files > 50, "only {files} files were looked at");
    assert_eq!(seen.len(), FLOORS.iter().map(|floor| floor.len()).sum::<usize>(), "a floor is empty");
}

/// Rules see facts and settings, and touch neither archive nor file.
#[test]
fn rules_open_nothing() {
    for (relative, text) in sources().into_iter().filter(|(relative, _)| relative.starts_with("rules/")) {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for forbidden in ["std::fs", "std::io", "crate::source", "crate::read", "crate::codec"] {
            assert!(!code.contains(forbidden), "{relative}: {forbidden}");
        }
    }
}

/// What rules find goes where it is held to the limits on it, one by one: no rule makes a list of its own, or room
/// for one.
#[test]
fn findings_are_collected_in_one_place() {
    let own = ["rules/findings.rs", "rules/rule.rs"];
    let rules = sources().into_iter().filter(|(relative, _)| relative.starts_with("rules/"));
    let mut seen = 0;
    for (relative, text) in rules.filter(|(relative, _)| !own.contains(&relative.as_str())) {
        let code = text.split("#[cfg(test)]").next().unwrap();
        for list in ["Vec<Finding>", "Set<Finding>", "[Finding]", "Room::", "Left::", "Left {"] {
            assert!(!code.contains(list), "{relative}: {list}");
        }
        seen += code.matches("Findings<'_>").count();
    }
    assert!(seen > 30, "only {seen} lists were seen");
}

/// Whether a file is compiled for tests only.
fn is_for_tests(relative: &str) -> bool {
    relative.ends_with("tests.rs")
        || relative.contains("/tests/")
        || ["host/document.rs", "host/fault.rs"].contains(&relative)
}

fn without_tests(text: &str) -> &str {
    text.split_once("#[cfg(test)]\nmod tests {").map_or(text, |(code, _)| code)
}

/// What is read of the host is asked for through `host`, where tests let each call fail.
#[test]
fn every_read_can_fail_in_tests() {
    for (relative, text) in sources() {
        let relative = relative.as_str();
        if is_for_tests(relative) || ["build.rs", "host/mod.rs"].contains(&relative) {
            continue;
        }
        for (number, line) in without_tests(&text).lines().enumerate() {
            let asks = line.contains("host::ask") || line.contains("host::Stream::new");
            for (call, allowed) in [
                // A database in memory.
                ("File::open(", &["packages/rpm/sqlite.rs"][..]),
                // Facts files that are about to be written anew.
                ("fs::read", &["cli/base.rs"][..]),
                // The mode of a report that is there already.
                ("fs::metadata(", &["cli/base.rs", "cli/output.rs"][..]),
                (".metadata()", &["source/directory.rs", "cache/store.rs"][..]),
                ("OpenOptions", &["cache/files.rs"][..]),
                ("stdin()", &[][..]),
                ("WalkDir::new", &["source/directory.rs", "hook/files.rs"][..]),
            ] {
                let is_fine = !line.contains(call) || asks || allowed.contains(&relative);
                assert!(is_fine, "{relative}:{}: {call}", number + 1);
            }
        }
    }
}

/// What reads and judges images starts no process: the one place that does is a private module of the git hook, and
/// only the command line knows the hook.
#[test]
fn nothing_of_an_image_reaches_a_process() {
    let starts =
        ["process::Command", "std::process::{", "process::*", "use std::process;", "Command::new(", "execv"];
    let mut places = Vec::new();
    for (relative, text) in sources() {
        let relative = relative.as_str();
        let code: Vec<_> = without_tests(&text).lines().map(str::trim_start).collect();
        let code = code.into_iter().filter(|line| !line.starts_with("//")).collect::<Vec<_>>().join("\n");
        if is_for_tests(relative) {
            continue;
        }
        if starts.iter().any(|start| code.contains(start)) {
            places.push(relative.to_owned());
        }
        let knows_the_hook = code.contains("crate::hook") || code.contains("super::hook");
        assert!(!knows_the_hook || relative == "cli/hook.rs", "{relative} imports the hook");
    }
    assert_eq!(places, ["hook/process.rs"]);
    let (lib, hook) = (include_str!("../src/lib.rs"), include_str!("../src/hook/mod.rs"));
    assert!(lib.contains("\nmod hook;\n") && hook.contains("\nmod process;\n"), "both are private");
    assert!(!hook.contains("use process::"), "nothing of it is handed on");
}

/// The program has no way to the network, and says where it may write a file.
#[test]
fn nothing_reaches_out() {
    for (relative, text) in sources() {
        let relative = relative.as_str();
        if is_for_tests(relative) {
            continue;
        }
        let code = without_tests(&text);
        for (forbidden, allowed) in [
            ("std::net", &[][..]),
            ("File::create", &[][..]),
            ("fs::write", &[][..]),
            ("tempfile", &["source/spool.rs", "host/whole.rs"][..]),
        ] {
            assert!(!code.contains(forbidden) || allowed.contains(&relative), "{relative}: {forbidden}");
        }
    }
}

/// Panics can be caught: engine and pipeline make errors of them.
#[test]
fn panics_unwind() {
    let manifest = include_str!("../Cargo.toml");
    let profiles: Vec<_> =
        manifest.lines().filter(|line| line.starts_with("panic = ") && !line.contains("\"warn\"")).collect();
    assert_eq!(profiles, ["panic = \"unwind\""]);
}

/// The one place that may be unsafe is the call of instructions that were asked for just before.
#[test]
fn one_block_is_unsafe() {
    let mut places = Vec::new();
    for (relative, text) in sources() {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            // The id of a rule has the word too, as a part.
            let mut words = line.split(|char: char| !char.is_ascii_alphanumeric() && !"_-".contains(char));
            // In texts too: a word more here is easily allowed, one unseen is not.
            if words.any(|word| ["unsafe", "unsafe_code"].contains(&word)) {
                places.push((relative.clone(), line.trim().to_owned()));
            }
        }
    }
    let expected = [
        "#[allow(unsafe_code, reason = \"the instructions exist only where the processor was asked for them\")]",
        "unsafe { compress(a, b, blocks) };",
    ];
    assert_eq!(places, expected.map(|line| ("digest/sha_ni.rs".to_owned(), line.to_owned())));
}
