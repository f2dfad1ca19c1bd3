//! The company's policy: which file is in force, and what it makes of findings.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;

use crate::harness::{Checked, Room, check_with, command, run, set, text};
use crate::support::{Image, Layer, clean_app, small_base};

/// An application with two setuid programs, one of which was there before.
fn setuid_app() -> Image {
    clean_app(&small_base())
        .layer(Layer::new().file_mode("opt/a", "a", 0o4755).file_mode("opt/b", "b", 0o4755))
        .layer(Layer::new().file_mode("opt/b", "b", 0o755))
}

struct Desk {
    room: Room,
    image: std::path::PathBuf,
    catalog: std::path::PathBuf,
}

impl Desk {
    fn new(image: &Image) -> Self {
        let room = Room::new();
        let catalog = room.catalog(&[&small_base()]);
        Self { image: room.write("app.tar", image.oci_archive()), room, catalog }
    }

    fn check(&self, policy: &str, more: &[&str]) -> Checked {
        let file = self.room.write("policy.toml", policy);
        let mut arguments = vec!["--policy", file.to_str().unwrap()];
        arguments.extend(if more.contains(&"--at") { &[][..] } else { &["--at", "2026-11-25"] });
        arguments.extend(more);
        check_with(&self.image, Some(&self.catalog), &arguments)
    }

    /// Runs in the room itself, with its files in the current directory.
    fn inside(&self, arguments: &[&str]) -> std::process::Output {
        command().args(arguments).current_dir(self.room.path("")).stdin(Stdio::null()).output().unwrap()
    }
}

const WAIVER: &str = "[[waivers]]\nrule = \"setuid-file\"\npath = \"/opt/*\"\nreason = \"until release 2\"\n\
                      owner = \"shop-team\"\nexpires = \"2026-11-25\"\n";

#[test]
fn limits_are_the_policys_to_lower_and_to_raise() {
    let desk = Desk::new(&clean_app(&small_base()).layer(Layer::new().file("opt/data", [7; 4_096])));
    let told = |policy: &str| {
        let checked = desk.check(policy, &[]);
        (checked.exit, checked.report.to_string())
    };
    assert_eq!(told("[limits]\nlayer_bytes = 65536\n").0, 0);
    let (exit, report) = told("[limits]\nlayer_bytes = 4096\n");
    assert!(exit == 2 && report.contains("exceeds the limit layer_bytes (4096)"), "{report}");

    // A passwd that is not kept tells nothing of the user; one of 16 MiB and more is, if the policy says so.
    let passwd = format!(
        "root:x:0:0::/:\napp:x:10001:10001::/:\n{}",
        format!("#{}\n", "-".repeat(1022)).repeat(16 << 10)
    );
    let image = small_base().user("app").layer(Layer::new().file("etc/passwd", passwd));
    let desk = Desk::new(&image);
    let user = |policy: &str| {
        let checked = desk.check(policy, &["--profile", "custom"]);
        let rules = checked.report["images"][0]["rules"].as_array().unwrap();
        let told = rules.iter().find(|told| told["rule"] == "user-root").unwrap();
        format!("{} {}", told["outcome"], told["reason"])
    };
    assert!(user("").contains("captured_file_bytes"));
    assert_eq!(user("[limits]\ncaptured_file_bytes = 33554432\n"), "\"pass\" null");
}

#[test]
fn a_waiver_accepts_and_hides_nothing() {
    let desk = Desk::new(&setuid_app());
    let checked = desk.check(WAIVER, &[]);
    assert_eq!((checked.exit, checked.outcome("setuid-file")), (0, "waived"), "{:#}", checked.report);
    assert_eq!(checked.with_status("waived"), set(["setuid-file /opt/a", "setuid-file /opt/b"]));
    let found = checked.findings().into_iter().find(|finding| finding["path"] == "/opt/a").unwrap();
    assert_eq!(found["policy"]["action"], "waiver");
    assert_eq!(found["policy"]["line"], 1);
    assert_eq!(found["policy"]["owner"], "shop-team");
    assert_eq!(found["severity"], "high");
    let waiver = &checked.report["policy"]["waivers"][0];
    assert_eq!((&waiver["status"], &waiver["findings"]), (&"used".into(), &2.into()));
    // The day after, it is over.
    let late = desk.check(WAIVER, &["--at", "2026-11-26"]);
    assert_eq!((late.exit, late.failing()), (1, set(["setuid-file /opt/a"])));
    assert_eq!(late.report["policy"]["waivers"][0]["status"], "expired");
}

#[test]
fn a_waiver_of_no_use_is_told() {
    let desk = Desk::new(&clean_app(&small_base()));
    let other = WAIVER.replace("path = \"/opt/*\"", "image = \"example.org/other*\"");
    let checked = desk.check(&format!("{WAIVER}{other}"), &[]);
    let statuses: Vec<_> = checked.report["policy"]["waivers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|waiver| waiver["status"].as_str().unwrap())
        .collect();
    assert_eq!((checked.exit, statuses), (0, vec!["unused", "other-image"]));
    let policy = desk.room.path("policy.toml");
    let (image, policy) = (desk.image.to_str().unwrap(), policy.to_str().unwrap());
    let shown = text(&run(&[image, "--policy", policy, "--format", "text", "--at", "2026-11-25"]).stdout);
    let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(shown.contains("the waiver of setuid-file (shop-team) accepts nothing"), "{shown}");
}

/// What is not what it says is refused, whatever the policy wants.
#[test]
fn integrity_cannot_be_waived() {
    let lying = setuid_app()
        .config_json(|config| config["rootfs"]["diff_ids"][0] = config["rootfs"]["diff_ids"][1].clone());
    let desk = Desk::new(&lying);
    let failing = desk.check(WAIVER, &["--profile", "custom"]).failing();
    assert!(failing.contains("diff-id-mismatch"), "{failing:?}");
    let policy = desk.room.write("no.toml", WAIVER.replace("setuid-file", "diff-id-mismatch"));
    let output = run(&[desk.image.to_str().unwrap(), "--policy", policy.to_str().unwrap()]);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(told.contains("no.toml: 2:8: findings of diff-id-mismatch cannot be waived"), "{told}");
}

#[test]
fn a_fingerprint_is_waived_with_its_content() {
    let desk = Desk::new(&setuid_app());
    let checked = desk.check("", &[]);
    let found = checked.findings().into_iter().find(|finding| finding["path"] == "/opt/a").unwrap();
    let quoted = |name: &str| found[name].as_str().unwrap().to_owned();
    let (fingerprint, content) = (quoted("fingerprint"), quoted("contentSha256"));
    let waiver = |content: &str| {
        let scope = format!("fingerprint = \"{fingerprint}\"\nsha256 = \"{content}\"");
        desk.check(&WAIVER.replace("path = \"/opt/*\"", &scope), &[]).exit
    };
    assert_eq!((waiver(&content), waiver(&"0".repeat(64))), (0, 1));
}

#[test]
fn an_allowed_path_is_accepted_by_its_line() {
    let desk = Desk::new(&setuid_app());
    let allowed = "\n[rules.setuid-file]\nallow = [{ path = \"/opt/a\", reason = \"reviewed\" }]\n";
    let checked = desk.check(allowed, &[]);
    assert_eq!((checked.exit, checked.with_status("waived")), (0, set(["setuid-file /opt/a"])));
    let found = checked.findings().into_iter().find(|finding| finding["path"] == "/opt/a").unwrap();
    assert_eq!((&found["policy"]["action"], &found["policy"]["line"]), (&"allow".into(), &3.into()));
    assert_eq!(found["policy"]["reason"], "reviewed");
}

#[test]
fn a_severity_set_by_the_policy_decides_and_is_told() {
    let desk = Desk::new(&setuid_app());
    let checked = desk.check("[rules.setuid-file]\nseverity = \"low\"\n", &[]);
    assert_eq!((checked.exit, checked.failing()), (0, set([])));
    let found = checked.findings().into_iter().find(|finding| finding["path"] == "/opt/a").unwrap();
    assert_eq!((&found["severity"], &found["policy"]["line"]), (&"low".into(), &2.into()));
    assert_eq!(desk.check("fail_on = \"low\"\n[rules.setuid-file]\nseverity = \"low\"\n", &[]).exit, 1);
}

#[test]
fn the_three_ways_of_publishing() {
    let custom_base = small_base().layer(Layer::new().file("opt/java/release", "21"));
    let room = Room::new();
    let catalog = room.catalog(&[&small_base()]);
    let file = room.write("custom.tar", custom_base.oci_archive());
    let added = run(&[
        "base",
        "add",
        file.to_str().unwrap(),
        "--name",
        "java",
        "--version",
        "1",
        "--tier",
        "custom",
        "--bases",
        catalog.to_str().unwrap(),
    ]);
    assert!(added.status.success(), "{}", text(&added.stderr));
    let foreign = Image::new().layer(Layer::new().file("etc/passwd", "")).user("10001");
    let bad_foreign = Image::new().layer(Layer::new().file_mode("su", "x", 0o4755)).user("0");
    let failing = |image: &Image, profile: &str, catalog: Option<&Path>| {
        let path = room.write("app.tar", image.oci_archive());
        let checked = check_with(&path, catalog, &["--profile", profile]);
        (checked.exit, checked.failing())
    };
    let (on_official, on_custom) = (clean_app(&small_base()), clean_app(&custom_base));
    let not_official = set(["base-not-official"]);
    for (profile, direct, through_custom, none) in [
        ("default", (0, set([])), (0, set([])), (1, not_official.clone())),
        ("standard", (0, set([])), (1, not_official.clone()), (1, not_official.clone())),
        ("custom-base", (1, not_official.clone()), (0, set([])), (1, not_official.clone())),
        ("custom", (0, set([])), (0, set([])), (0, set([]))),
    ] {
        assert_eq!(failing(&on_official, profile, Some(&catalog)), direct, "{profile}");
        assert_eq!(failing(&on_custom, profile, Some(&catalog)), through_custom, "{profile}");
        assert_eq!(failing(&foreign, profile, Some(&catalog)), none, "{profile}");
    }
    // What is compulsory for every image is so for one of its own making, too.
    assert_eq!(failing(&bad_foreign, "custom", Some(&catalog)).1, set(["setuid-file /su", "user-root"]));
    // Whoever names a profile that demands a base must say which there are.
    for (profile, exit) in [("default", 0), ("standard", 2), ("custom-base", 2), ("custom", 0)] {
        assert_eq!(failing(&on_official, profile, None).0 & 2, exit, "{profile}");
    }
}

#[test]
fn a_profile_of_the_company_s_own() {
    let desk = Desk::new(&setuid_app());
    let policy = "profile = \"batch\"\n[profiles.batch]\nbase = \"official\"\ntell = [\"setuid-file\"]\n";
    let checked = desk.check(policy, &[]);
    assert_eq!((checked.exit, &checked.report["policy"]["profile"]), (0, &"batch".into()));
    assert_eq!(desk.check(policy, &["--profile", "standard"]).exit, 1);
}

#[test]
fn the_policy_in_force_is_named_or_found_and_can_be_pinned() {
    let desk = Desk::new(&setuid_app());
    let check = |more: &[&str]| {
        let mut arguments = vec!["app.tar", "--bases", "bases.json", "--format", "json"];
        arguments.extend(more);
        desk.inside(&arguments)
    };
    let policy = |output: &std::process::Output| -> Value { Checked::of(output).report["policy"].clone() };
    let built_in = policy(&check(&[]));
    assert_eq!((&built_in["source"], &built_in["discovered"]), (&"built-in".into(), &false.into()));
    desk.room.write("ocicheck.toml", "[rules.setuid-file]\nseverity = \"low\"\n");
    let found = policy(&check(&[]));
    assert_eq!((&found["source"], &found["discovered"]), (&"ocicheck.toml".into(), &true.into()));
    assert_eq!(check(&[]).status.code(), Some(0));
    desk.room.write("strict.toml", "extends = \"strict\"\n");
    let named = check(&["--policy", "strict.toml"]);
    assert_eq!((named.status.code(), &policy(&named)["discovered"]), (Some(1), &false.into()));
    let sha256 = found["sha256"].as_str().unwrap();
    assert_eq!(check(&["--policy-sha256", sha256]).status.code(), Some(0));
    let other = check(&["--policy-sha256", sha256, "--policy", "strict.toml"]);
    assert!(other.status.code() == Some(2) && text(&other.stderr).contains("says another"));
    // A policy that cannot be read judges nothing.
    desk.room.write("ocicheck.toml", "fail_on = \"never\"\n");
    let broken = check(&[]);
    assert_eq!((broken.status.code(), broken.stdout.len()), (Some(2), 0));
    assert!(text(&broken.stderr).contains("ocicheck.toml: 1:11: there is no severity \"never\""));
    assert_eq!(check(&["--policy", "nowhere.toml"]).status.code(), Some(2));
    assert_eq!(check(&["--policy", "strict.toml", "--profile", "nobody"]).status.code(), Some(2));
}

#[test]
fn a_policy_is_written_once_and_shown_whole() {
    let desk = Desk::new(&clean_app(&small_base()));
    for preset in ["default", "strict", "cis"] {
        let file = format!("{preset}.toml");
        assert!(desk.inside(&["policy", "init", &file, "--preset", preset]).status.success());
        assert_eq!(desk.inside(&["policy", "init", &file]).status.code(), Some(2), "it would be overwritten");
        let shown = desk.inside(&["policy", "check", &file]);
        assert!(shown.status.success(), "{}", text(&shown.stderr));
        desk.room.write("whole.toml", &shown.stdout);
        let again = desk.inside(&["policy", "check", "whole.toml"]);
        assert_eq!((again.status.success(), again.stdout), (true, shown.stdout));
    }
    let built_in = text(&desk.inside(&["policy", "check"]).stdout);
    assert!(built_in.contains("[profiles.\"base-image\"]"), "{built_in}");
}

/// What a path accepts of a finding about several places: nothing, until all of them are accepted.
#[test]
fn paths_accept_a_finding_only_where_all_of_it_is_there() {
    const SERVICE: &str = "[services.jacoco]\nfiles = [\"/**/jacoco.jar\"]\narguments = [\"-javaagent:*\"]\n\
                           [environments.prod]\n";
    let app = || clean_app(&small_base());
    let jars = |paths: &[&str]| {
        let files = paths.iter().fold(Layer::new(), |layer, path| layer.file(*path, "jar"));
        app().layer(files)
    };
    let allow = |rule: &str, paths: &[&str]| {
        let paths = paths.iter().map(|path| format!("{{ path = \"{path}\", reason = \"r\" }}"));
        format!("[rules.{rule}]\nallow = [{}]\n", paths.collect::<Vec<_>>().join(", "))
    };
    let waive = |rule: &str, path: &str| WAIVER.replace("setuid-file", rule).replace("/opt/*", path);
    let outcome = |image: &Image, rule: &str, accepted: &str| {
        let checked = Desk::new(image).check(&format!("{SERVICE}{accepted}"), &["--env", "prod"]);
        checked.outcome(rule).to_owned()
    };

    let rule = "service-not-allowed";
    let both = jars(&["a/jacoco.jar", "b/jacoco.jar"]);
    for (accepted, is) in [
        (allow(rule, &["/a/jacoco.jar"]), "fail"),
        (allow(rule, &["/b/jacoco.jar"]), "fail"),
        (allow(rule, &["/a/jacoco.jar", "/b/jacoco.jar"]), "waived"),
        (waive(rule, "/a/jacoco.jar"), "fail"),
        (waive(rule, "/*/jacoco.jar"), "waived"),
    ] {
        assert_eq!(outcome(&both, rule, &accepted), is, "{accepted}");
    }
    assert_eq!(outcome(&jars(&["a/jacoco.jar"]), rule, &allow(rule, &["/a/jacoco.jar"])), "waived");
    // An option has no path.
    let option = serde_json::json!(["PATH=/bin", "JAVA_TOOL_OPTIONS=-javaagent:/b/agent.jar"]);
    let started = jars(&["a/jacoco.jar"]).config_json(move |config| config["config"]["Env"] = option.clone());
    assert_eq!(outcome(&started, rule, &allow(rule, &["/**"])), "fail");
    // The eleventh and further files are told of no more, and held to the paths all the same.
    let many: Vec<_> = (10..40).map(|number| format!("a/{number}/jacoco.jar")).collect();
    let mut many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(outcome(&jars(&many), rule, &allow(rule, &["/a/**"])), "waived");
    many.push("b/jacoco.jar");
    assert_eq!(outcome(&jars(&many), rule, &allow(rule, &["/a/**"])), "fail");

    let rule = "architecture-mismatch";
    let foreign = crate::support::elf(183, "x");
    let layer =
        (0..30).fold(Layer::new(), |layer, number| layer.file(format!("a/{number}"), foreign.clone()));
    let one = app().layer(layer.clone());
    let other = app().layer(layer.file("b/evil", foreign));
    assert_eq!(outcome(&one, rule, &allow(rule, &["/a/*"])), "waived");
    assert_eq!(outcome(&other, rule, &allow(rule, &["/a/*"])), "fail");
    assert_eq!(outcome(&other, rule, &waive(rule, "/a/**")), "fail");
    assert_eq!(outcome(&other, rule, &waive(rule, "/**")), "waived");

    // One file of two names.
    let rule = "world-writable-file";
    let linked = app().layer(Layer::new().file_mode("a/x", "x", 0o666).hardlink("b/x", "a/x"));
    assert_eq!(outcome(&linked, rule, &allow(rule, &["/a/x"])), "fail");
    assert_eq!(outcome(&linked, rule, &allow(rule, &["/a/x", "/b/*"])), "waived");
}

/// A fingerprint and a content name what was looked at, and no place that was added since.
#[test]
fn a_finding_of_more_places_is_another_finding() {
    const SERVICE: &str = "[services.jacoco]\nfiles = [\"/**/jacoco.jar\"]\n[environments.prod]\n";
    let app = || clean_app(&small_base()).layer(Layer::new().file("a/jacoco.jar", "jar"));
    let one = Desk::new(&app()).check(SERVICE, &["--env", "prod"]);
    let found = one.finding("service-not-allowed").clone();
    let sha256 = found["contentSha256"].as_str().unwrap();
    let scope = |scope: &str| {
        let waiver = WAIVER.replace("setuid-file", "service-not-allowed").replace("path = \"/opt/*\"", scope);
        format!("{SERVICE}{waiver}sha256 = \"{sha256}\"\n")
    };
    let by_finding = scope(&format!("fingerprint = {}", found["fingerprint"]));
    let by_path = scope("path = \"/**\"");
    let more = app().layer(Layer::new().file("b/jacoco.jar", "other"));
    for waiver in [by_finding, by_path] {
        let outcome = |image: &Image| {
            Desk::new(image).check(&waiver, &["--env", "prod"]).outcome("service-not-allowed").to_owned()
        };
        assert_eq!((&*outcome(&app()), &*outcome(&more)), ("waived", "fail"), "{waiver}");
    }
}
