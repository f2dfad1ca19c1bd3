//! The git hook, in real repositories with real pushes.

#![cfg(unix)]

mod images;
mod install;
mod push;
mod remotes;
mod when;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{PROGRAM, Room, text};
use crate::support::{Image, Layer};

/// What every policy here begins with.
const HOOK: &str = "[hook]\nimages = [\"dist/*.tar\"]\n";

fn good() -> Vec<u8> {
    Image::new().layer(Layer::new().file("x", "x")).user("1").oci_archive()
}

fn bad() -> Vec<u8> {
    Image::new().layer(Layer::new().file("x", "x")).user("root").oci_archive()
}

/// A repository with one commit, and the bare one that it is pushed to. Nothing of the user's own git counts.
struct Desk {
    room: Room,
    top: PathBuf,
    format: &'static str,
}

impl Desk {
    fn new() -> Self {
        Self::with("sha1")
    }

    fn with(format: &'static str) -> Self {
        let room = Room::new();
        // Shells, and whoever reads paths by lines, would stumble here.
        let top = room.path("it's a \"work\" $(tree)\n\\");
        std::fs::create_dir(&top).unwrap();
        let desk = Self { room, top, format };
        let format = format!("--object-format={format}");
        desk.must(&["init", "-q", "-b", "main", &format]);
        let remote = desk.remote();
        desk.must(&["init", "-q", "--bare", "-b", "main", &format, remote.to_str().unwrap()]);
        desk.must(&["remote", "add", "origin", remote.to_str().unwrap()]);
        std::fs::create_dir(desk.top.join("dist")).unwrap();
        desk.write(".gitignore", "dist/\n");
        desk.commit("first", &[("src/main", "1"), ("README", "1"), ("ocicheck.toml", HOOK)]);
        desk
    }

    /// With the hook, and an image.
    fn hooked(image: Vec<u8>) -> Self {
        let desk = Self::new();
        let installed = desk.ocicheck(&["hook", "install"]);
        assert_eq!(installed.status.code(), Some(0), "{}", text(&installed.stderr));
        desk.write("dist/app.tar", image);
        desk
    }

    fn remote(&self) -> PathBuf {
        self.room.path("remote.git")
    }

    fn hook(&self) -> PathBuf {
        self.top.join(".git/hooks/pre-push")
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.top.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    fn policy(&self, more: &str) {
        self.write("ocicheck.toml", format!("{HOOK}{more}"));
    }

    fn commit(&self, message: &str, files: &[(&str, &str)]) {
        for (name, content) in files {
            self.write(name, content);
        }
        self.must(&["add", "-A"]);
        self.must(&["commit", "-q", "--allow-empty", "-m", message]);
    }

    /// A command as a user types it in a directory, with the program on the path.
    fn command(&self, program: impl AsRef<OsStr>, directory: &Path) -> Command {
        let programs = Path::new(PROGRAM).parent().unwrap().display();
        let mut command = Command::new(program);
        command.current_dir(directory).env_clear();
        command.env("PATH", format!("{programs}:{}", std::env::var("PATH").unwrap()));
        command.env("HOME", self.room.path("home")).env("GIT_CONFIG_NOSYSTEM", "1");
        command.env("GIT_CONFIG_GLOBAL", self.room.path("gitconfig"));
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "a").env(format!("GIT_{who}_EMAIL"), "a@example.com");
        }
        command
    }

    fn git(&self, arguments: &[&str]) -> Output {
        self.command("git", &self.top).args(arguments).output().unwrap()
    }

    fn must(&self, arguments: &[&str]) -> String {
        let output = self.git(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn ocicheck(&self, arguments: &[&str]) -> Output {
        self.command(PROGRAM, &self.top).args(arguments).output().unwrap()
    }

    /// Runs the hook by hand, on these lines.
    fn run(&self, lines: &str) -> (i32, String) {
        use std::io::Write as _;
        let mut command = self.command(PROGRAM, &self.top);
        command.args(["hook", "run", "--", "origin"]).arg(self.remote());
        command.stdin(std::process::Stdio::piped());
        let mut child = command.stderr(std::process::Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // One that refuses early closes the pipe.
        let _ = stdin.write_all(lines.as_bytes());
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), text(&output.stderr))
    }

    fn always(&self) -> (i32, String) {
        let output = self.ocicheck(&["hook", "run", "--always"]);
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    }

    /// Pushes, and says whether the remote has it then, with all that was told.
    fn push(&self, what: &[&str]) -> (bool, String) {
        self.push_from(&self.top, what)
    }

    fn push_from(&self, directory: &Path, what: &[&str]) -> (bool, String) {
        let before = self.refs();
        let output =
            self.command("git", directory).args(["push", "--porcelain"]).args(what).output().unwrap();
        let done = output.status.success();
        let told = text(&output.stderr);
        // Git's own lines, and none of ours.
        let stdout = text(&output.stdout);
        assert!(!stdout.contains("PASS") && !stdout.contains("ocicheck"), "{stdout}");
        assert!(done || self.refs() == before, "refused, and pushed all the same: {told}");
        (done, told)
    }

    /// Pushes what must be refused; what was told.
    fn refused(&self, what: &[&str]) -> String {
        let (done, told) = self.push(what);
        assert!(!done, "{what:?}: {told}");
        told
    }

    fn pushed(&self, what: &[&str]) -> String {
        let (done, told) = self.push(what);
        assert!(done, "{what:?}: {told}");
        told
    }

    fn refs(&self) -> String {
        let output = self.command("git", &self.remote()).arg("show-ref").output().unwrap();
        text(&output.stdout)
    }

    /// What an id of nothing is here.
    fn zeros(&self) -> String {
        "0".repeat(if self.format == "sha1" { 40 } else { 64 })
    }
}

fn set_mode(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}
