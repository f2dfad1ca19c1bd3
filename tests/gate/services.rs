//! Services that teams tick, and what each environment says of them.

use std::path::{Path, PathBuf};

use crate::harness::{Checked, Room, SMALL_CATALOG, check_with, run, set, text};
use crate::support::{Image, Layer, clean_app, small_base};

const POLICY: &str = r#"
[services.jacoco]
description = "coverage"
files = ["/**/jacocoagent*.jar"]
env = ["JACOCO_*=*"]
arguments = ["-javaagent:*jacoco*"]
labels = ["org.jacoco.version=*"]

[services.debug]
arguments = ["-agentlib:jdwp*"]

[environments.test]
require = ["jacoco"]

[environments.prod]

[environments.dev]
allow = ["all"]
"#;

fn check(room: &Room, image: &Image, environment: &str) -> Checked {
    let policy = room.write("policy.toml", POLICY);
    let path = room.write("app.tar", image.oci_archive());
    let mut arguments = vec!["--policy", policy.to_str().unwrap()];
    if !environment.is_empty() {
        arguments.extend(["--env", environment]);
    }
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    check_with(&path, Some(&catalog), &arguments)
}

fn app() -> Image {
    clean_app(&small_base())
}

fn set_config(image: Image, key: &'static str, value: serde_json::Value) -> Image {
    image.config_json(move |config| config["config"][key] = value.clone())
}

fn with_env(variable: &str) -> Image {
    set_config(app(), "Env", serde_json::json!(["PATH=/bin", variable]))
}

#[test]
fn every_sign_of_a_service_is_seen() {
    let room = Room::new();
    let command = |key, words: &[&str]| set_config(app(), key, serde_json::json!(words));
    for (image, name, sign) in [
        (
            app().layer(Layer::new().file("opt/a/jacocoagent-1.jar", "jar")),
            "files",
            "/opt/a/jacocoagent-1.jar",
        ),
        (with_env("JACOCO_PORT=6300"), "env", "JACOCO_PORT"),
        (
            with_env("JAVA_TOOL_OPTIONS=-Xmx1g \"-javaagent:/a b/jacoco.jar\"=x"),
            "arguments",
            "JAVA_TOOL_OPTIONS: -javaagent:/a b/jacoco.jar=x",
        ),
        (
            with_env("JDK_JAVA_OPTIONS=-javaagent:jacoco.jar"),
            "arguments",
            "JDK_JAVA_OPTIONS: -javaagent:jacoco.jar",
        ),
        (
            command("Entrypoint", &["java", "-javaagent:/jacoco.jar"]),
            "arguments",
            "ENTRYPOINT: -javaagent:/jacoco.jar",
        ),
        (
            command("Cmd", &["/bin/sh", "-c", "exec java -javaagent:/jacoco.jar -jar a.jar"]),
            "arguments",
            "CMD: -javaagent:/jacoco.jar",
        ),
        (
            with_env("JAVA_TOOL_OPTIONS=-javaagent:/\u{a0}/jacoco.jar"),
            "arguments",
            // As reports escape it.
            "JAVA_TOOL_OPTIONS: -javaagent:/\u{a0}/jacoco.jar",
        ),
        (
            with_env("JAVA_OPTS_APPEND=-javaagent:jacoco.jar"),
            "arguments",
            "JAVA_OPTS_APPEND: -javaagent:jacoco.jar",
        ),
        (
            command("Entrypoint", &["env", "JAVA_TOOL_OPTIONS=-javaagent:/jacoco.jar", "java"]),
            "arguments",
            "ENTRYPOINT: -javaagent:/jacoco.jar",
        ),
        (
            command("Cmd", &["/bin/sh", "-c", "exec sh -c 'java -javaagent:/jacoco.jar -jar a.jar'"]),
            "arguments",
            "CMD: -javaagent:/jacoco.jar",
        ),
        (
            app().health_check(&["sh", "-c", "java -javaagent:/jacoco.jar -cp / H"]),
            "arguments",
            "HEALTHCHECK: -javaagent:/jacoco.jar",
        ),
        (
            set_config(
                with_env("AGENT=-javaagent:/jacoco.jar"),
                "Cmd",
                serde_json::json!(["sh", "-c", "exec java ${AGENT} -jar a.jar"]),
            ),
            "arguments",
            "AGENT: -javaagent:/jacoco.jar",
        ),
        (
            set_config(app(), "Labels", serde_json::json!({"org.jacoco.version": "1"})),
            "labels",
            "org.jacoco.version",
        ),
    ] {
        let checked = check(&room, &image, "prod");
        let finding = checked.finding("service-not-allowed");
        assert_eq!((checked.exit, &finding["severity"]), (1, &"high".into()), "{sign}");
        assert_eq!(
            (&finding["evidence"]["name"], &finding["evidence"][name]),
            (&"jacoco".into(), &sign.into())
        );
        assert_eq!(check(&room, &image, "test").exit, 0, "{sign}");
        assert_eq!(check(&room, &image, "dev").exit, 0, "{sign}");
    }
    let with_layer = app().layer(Layer::new().file("opt/jacocoagent.jar", "jar"));
    let checked = check(&room, &with_layer, "prod");
    let finding = checked.finding("service-not-allowed");
    assert_eq!((&finding["path"], &finding["layer"]["index"]), (&"/opt/jacocoagent.jar".into(), &4.into()));
}

#[test]
fn what_only_looks_like_a_service_is_none() {
    let room = Room::new();
    for image in [
        app(),
        // Deleted again; another name; a value and no option.
        app()
            .layer(Layer::new().file("a/jacocoagent.jar", "x"))
            .layer(Layer::new().whiteout("a/jacocoagent.jar")),
        app().layer(Layer::new().file("opt/jacoco.txt", "x")),
        with_env("NOTE=-javaagent:jacoco.jar"),
        with_env("MYJACOCO_X=1"),
    ] {
        let checked = check(&room, &image, "prod");
        assert_eq!((checked.exit, checked.outcome("service-not-allowed")), (0, "pass"));
    }
}

#[test]
fn a_required_service_is_missed() {
    let room = Room::new();
    let checked = check(&room, &app(), "test");
    assert_eq!((checked.exit, checked.failing()), (1, set(["service-missing"])));
    assert_eq!(checked.finding("service-missing")["evidence"]["name"], "jacoco");
    assert_eq!(checked.report["policy"]["environment"], "test");
}

#[test]
fn without_an_environment_services_are_not_judged_and_said_so() {
    let room = Room::new();
    let checked = check(&room, &app(), "");
    assert_eq!((checked.exit, checked.outcome("service-not-allowed")), (0, "not-evaluated"));
    let image = room.write("app.tar", app().oci_archive());
    // Nobody asks where no policy describes a service.
    assert_eq!(check_with(&image, None, &[]).outcome("service-missing"), "absent");
    let policy = room.write("policy.toml", POLICY);
    let output = run(&[image.to_str().unwrap(), "--policy", policy.to_str().unwrap(), "--env", "pord"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("did you mean prod?"), "{}", text(&output.stderr));
}

/// A layer that cannot be read may hold any service.
#[test]
fn an_unread_layer_is_no_pass() {
    let room = Room::new();
    let broken = app().edit_layer(2, |layer| layer.blob = b"no layer".to_vec());
    let checked = check(&room, &broken, "prod");
    assert_eq!((checked.exit, checked.outcome("service-not-allowed")), (2, "not-evaluated"));
}

/// The example in docs/, with its three profiles and three environments.
#[test]
fn the_example_policy_does_what_it_says() {
    let room = Room::new();
    let catalog = room.catalog(&[&small_base()]);
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/example-policy.toml");
    let check = |image: &Image, profile: &str, environment: &str| {
        let path: PathBuf = room.write("app.tar", image.oci_archive());
        let policy = policy.to_str().unwrap();
        let arguments =
            ["--policy", policy, "--profile", profile, "--env", environment, "--at", "2026-11-25"];
        let checked = check_with(&path, Some(&catalog), &arguments);
        (checked.exit, checked.failing())
    };
    let agent = |name: &str| app().layer(Layer::new().file(format!("opt/agents/{name}"), "jar"));
    let (jacoco, apm) = (agent("jacocoagent.jar"), agent("opentelemetry-javaagent.jar"));
    let refused = |path: &str| (1, set([&*format!("service-not-allowed {path}"), "service-missing"]));
    assert_eq!(check(&jacoco, "standard", "test"), (0, set([])));
    assert_eq!(check(&jacoco, "standard", "prod"), refused("/opt/agents/jacocoagent.jar"));
    assert_eq!(check(&apm, "standard", "prod"), (0, set([])));
    assert_eq!(check(&apm, "custom-base", "prod"), (1, set(["base-not-official"])));
    let debugged = set_config(apm, "Cmd", serde_json::json!(["-agentlib:jdwp=transport=dt_socket"]));
    assert_eq!(check(&debugged, "standard", "prod"), (1, set(["service-not-allowed"])));
    assert_eq!(check(&debugged, "standard", "dev"), (0, set([])));
    let foreign = Image::new().layer(Layer::new().file("etc/passwd", "")).user("10001");
    assert_eq!(check(&foreign, "custom", "dev"), (0, set([])));
    assert_eq!(check(&foreign, "standard", "dev"), (1, set(["base-not-official"])));
    let batch = app().unnamed().name("example.com/batch/bill:1");
    assert_eq!(check(&batch, "standard", "prod"), (0, set([])));
}

/// Each of many services is found, and all of them are asked of each path at once.
#[test]
fn many_services_are_looked_for_together() {
    let room = Room::new();
    let mut policy = String::new();
    for number in 0..1_000 {
        policy += &format!("[services.s{number}]\nfiles = [\"/**/agent{number}-*.jar\"]\n");
    }
    policy += "[environments.prod]\n";
    let policy = room.write("policy.toml", policy);
    let mut layer = Layer::new();
    for number in 0..2_000 {
        layer = layer.file(format!("opt/{number}.jar"), "");
    }
    let image = app().layer(layer.file("opt/agent998-1.jar", ""));
    let path = room.write("app.tar", image.oci_archive());
    let started = std::time::Instant::now();
    let checked = check_with(&path, None, &["--policy", policy.to_str().unwrap(), "--env", "prod"]);
    let finding = checked.finding("service-not-allowed");
    assert_eq!(finding["path"], "/opt/agent998-1.jar");
    assert_eq!(finding["evidence"]["name"], "s998");
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

/// A pattern names files as a process would open them, whatever directory they lie in.
#[test]
fn symlinks_of_directories_hide_no_service() {
    const LINKED: &str = r#"
[services.agent]
files = ["/opt/dynatrace/**"]
[services.gdb]
files = ["/usr/local/bin/gdb"]
[services.deep]
files = ["/opt/apm/*/lib/agent.so"]
[environments.prod]
"#;
    let room = Room::new();
    let policy = room.write("policy.toml", LINKED);
    let failing = |layer: Layer| {
        let path = room.write("app.tar", Image::new().user("10001").layer(layer).oci_archive());
        let arguments = ["--policy", policy.to_str().unwrap(), "--env", "prod", "--profile", "custom"];
        check_with(&path, None, &arguments).failing()
    };
    let links = || {
        Layer::new()
            .symlink("opt/dynatrace", "/srv/one")
            .symlink("srv/one", "x")
            .symlink("usr/local/bin", "../../opt/bin")
            .symlink("opt/apm", "/usr/lib/apm")
    };
    assert_eq!(
        failing(
            links()
                .file("srv/x/deep/agent.so", "so")
                .file("opt/bin/gdb", "gdb")
                .file("usr/lib/apm/1/lib/agent.so", "so")
        ),
        set([
            "service-not-allowed /opt/bin/gdb",
            "service-not-allowed /srv/x/deep",
            "service-not-allowed /usr/lib/apm/1/lib/agent.so",
        ])
    );
    // Beside the targets, not at the depth, not below.
    let beside = links()
        .file("srv/xx/agent.so", "so")
        .file("opt/bin/x/gdb", "gdb")
        .file("usr/lib/apm/lib/agent.so", "so");
    assert_eq!(failing(beside), set([]));
    // Links that lead nowhere, in circles, and to the root.
    let nowhere = Layer::new().symlink("opt/dynatrace", "/none").symlink("usr/local", "local");
    assert_eq!(failing(nowhere), set([]));
    let root = Layer::new().symlink("usr/local/bin", "/").file("gdb", "gdb");
    assert_eq!(failing(root), set(["service-not-allowed /gdb"]));
}
