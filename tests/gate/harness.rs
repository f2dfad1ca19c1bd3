//! Runs the program and looks at what came out.

#![allow(unreachable_pub, reason = "`pub` marks what tests may use")]

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;

use crate::support::{Image, small_base};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ocicheck");

/// A directory of its own for one test, removed at its end.
pub struct Room(tempfile::TempDir);

impl Room {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The names of all that is in it.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    /// A catalog with these images as official bases, named `base0`, `base1`, … of version 1.
    pub fn catalog(&self, bases: &[&Image]) -> PathBuf {
        let path = self.path("bases.json");
        for (number, base) in bases.iter().enumerate() {
            let image = self.write("base.tar", base.oci_archive());
            let name = format!("base{number}");
            let run = run(&[
                "base",
                "add",
                image.to_str().unwrap(),
                "--name",
                &name,
                "--version",
                "1",
                "--bases",
                path.to_str().unwrap(),
            ]);
            assert!(run.status.success(), "{}", text(&run.stderr));
        }
        path
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Runs the program in an environment without its own variables.
pub fn run(arguments: &[&str]) -> Output {
    command().args(arguments).stdin(Stdio::null()).output().unwrap()
}

pub fn command() -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .env_remove("OCICHECK_BASES")
        .env_remove("OCICHECK_POLICY")
        .env_remove("OCICHECK_ADVISORIES")
        .env_remove("OCICHECK_VEX")
        .env_remove("OCICHECK_TIMEOUT")
        .env_remove("OCICHECK_CACHE")
        .env_remove("OCICHECK_CACHE_KEY")
        .env_remove("COLUMNS")
        .env_remove("NO_COLOR");
    command
}

/// What a run of `check` said.
pub struct Checked {
    pub exit: i32,
    pub report: Value,
    pub stderr: String,
}

impl Checked {
    pub fn of(output: &Output) -> Self {
        let stdout = text(&output.stdout);
        let report = serde_json::from_str(&stdout).unwrap_or_else(|error| {
            panic!("no JSON on standard output: {error}\n{stdout}\n{}", text(&output.stderr))
        });
        Self { exit: output.status.code().unwrap(), report, stderr: text(&output.stderr) }
    }

    /// The findings of all images.
    pub fn findings(&self) -> Vec<&Value> {
        let images = self.report["images"].as_array().unwrap();
        images.iter().flat_map(|image| image["findings"].as_array().unwrap()).collect()
    }

    /// `rule path` of each finding that fails, sorted, each once.
    pub fn failing(&self) -> BTreeSet<String> {
        self.with_status("fail")
    }

    /// `rule path` of each finding of that status.
    pub fn with_status(&self, status: &str) -> BTreeSet<String> {
        let told = |finding: &&Value| {
            let rule = finding["rule"].as_str().unwrap();
            finding["path"].as_str().map_or(rule.to_owned(), |path| format!("{rule} {path}"))
        };
        self.findings().iter().filter(|finding| finding["status"] == status).map(told).collect()
    }

    /// The one finding of a rule.
    pub fn finding(&self, rule: &str) -> &Value {
        let found: Vec<_> = self.findings().into_iter().filter(|finding| finding["rule"] == rule).collect();
        match found.as_slice() {
            [one] => one,
            other => panic!("{} findings of {rule}: {:#}", other.len(), self.report["images"]),
        }
    }

    /// The outcome of a rule for the first image.
    pub fn outcome(&self, rule: &str) -> &str {
        let rules = self.report["images"][0]["rules"].as_array().unwrap();
        rules
            .iter()
            .find(|told| told["rule"] == rule)
            .and_then(|told| told["outcome"].as_str())
            .unwrap_or("absent")
    }

    /// The report without what differs from run to run.
    pub fn without_run(&self) -> Value {
        let mut report = self.report.clone();
        report.as_object_mut().unwrap().remove("run");
        report
    }
}

/// Holds a document to the published schema of that name.
pub fn assert_valid(schema: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(schema);
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> =
        validator.iter_errors(document).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// Checks a file or directory, without a catalog or with one.
pub fn check_path(path: &Path, catalog: Option<&Path>) -> Checked {
    check_with(path, catalog, &[])
}

pub fn check_with(path: &Path, catalog: Option<&Path>, more: &[&str]) -> Checked {
    let mut command = command();
    command.arg(path).args(["--format", "json"]).args(more).stdin(Stdio::null());
    if let Some(catalog) = catalog {
        command.arg("--bases").arg(catalog);
    }
    Checked::of(&command.output().unwrap())
}

/// Checks an archive without a catalog.
pub fn check_bytes(archive: impl AsRef<[u8]>) -> Checked {
    let room = Room::new();
    check_path(&room.write("image.tar", archive), None)
}

/// Checks an archive from standard input.
pub fn check_stdin(archive: &[u8], catalog: Option<&Path>) -> Checked {
    let mut command = command();
    command.args(["-", "--format", "json"]);
    if let Some(catalog) = catalog {
        command.arg("--bases").arg(catalog);
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let archive = archive.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that refuses early closes the pipe.
        let _ = stdin.write_all(&archive);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    Checked::of(&output)
}

/// Checks a child of [`small_base`] against the catalog that holds that base.
pub fn check_child(child: &Image) -> Checked {
    let room = Room::new();
    let catalog = room.path("bases.json");
    std::fs::write(&catalog, &*SMALL_CATALOG).unwrap();
    check_path(&room.write("image.tar", child.oci_archive()), Some(&catalog))
}

/// The catalog that holds [`small_base`] alone.
pub static SMALL_CATALOG: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let room = Room::new();
    std::fs::read(room.catalog(&[&small_base()])).unwrap()
});

/// A set of these.
pub fn set<'a>(items: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    items.into_iter().map(str::to_owned).collect()
}
