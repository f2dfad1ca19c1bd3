//! Services that show by what archives hold: jars under other names, and jars that took others in.

use std::path::Path;

use crate::harness::{Checked, Room, SMALL_CATALOG, check_with, set};
use crate::support::{Image, Layer, Zip, clean_app, elf, small_base};

const POLICY: &str = r#"
[services.jacoco]
files = ["/**/jacocoagent*.jar"]
inside = ["**/org/jacoco/agent/rt/**", "**/jacocoagent*.jar"]
env = ["JACOCO_*=*"]

[services.apm]
arguments = ["-javaagent:*apm*"]

[environments.test]
require = ["jacoco"]

[environments.prod]
"#;

/// A class of the agent as it is published: 0.8.12.
const PRE_MAIN: &str = "org/jacoco/agent/rt/internal_aeaf9ab/PreMain.class";

fn app() -> Image {
    clean_app(&small_base())
}

fn agent() -> Vec<u8> {
    Zip::jar(["org/jacoco/agent/rt/RT.class", PRE_MAIN]).bytes()
}

fn with_file(path: &str, bytes: impl AsRef<[u8]>) -> Image {
    app().layer(Layer::new().file(path, bytes))
}

fn check(room: &Room, image: &Image, environment: &str) -> Checked {
    let policy = room.write("policy.toml", POLICY);
    let path = room.write("app.tar", image.oci_archive());
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    check_with(&path, Some(&catalog), &["--policy", policy.to_str().unwrap(), "--env", environment])
}

fn assert_found(image: &Image, path: &str, inside: &str) {
    let room = Room::new();
    let checked = check(&room, image, "prod");
    let finding = checked.finding("service-not-allowed");
    assert_eq!((checked.exit, &finding["severity"]), (1, &"high".into()), "{path}");
    assert_eq!((&finding["path"], &finding["evidence"]["inside"]), (&path.into(), &inside.into()));
    assert_eq!(finding["layer"]["index"], 4, "{path}");
    assert_eq!(check(&room, image, "test").outcome("service-missing"), "pass", "{path}");
}

#[test]
fn an_agent_is_found_in_whatever_holds_it() {
    let fat = Zip::jar(["com/example/App.class", PRE_MAIN, "com/example/Z.class"]);
    let boot =
        Zip::jar(["BOOT-INF/classes/com/example/App.class"]).member("BOOT-INF/lib/jacocoagent.jar", agent());
    let script = "#!/bin/bash\nexec java -jar \"$0\" \"$@\"\n";
    for (name, bytes, member) in [
        ("app/app-lib.jar", agent(), "org/jacoco/agent/rt/RT.class"),
        ("app/libfoo.so.1", agent(), "org/jacoco/agent/rt/RT.class"),
        ("app/all.jar", fat.bytes(), PRE_MAIN),
        ("app/zip64.jar", fat.clone().zip64().bytes(), PRE_MAIN),
        ("app/commented.jar", fat.clone().comment([b' '; 65_535]).bytes(), PRE_MAIN),
        ("app/behind-a-program", fat.prefix(elf(62, "java -jar")).bytes(), PRE_MAIN),
        ("app/boot.jar", boot.bytes(), "BOOT-INF/lib/jacocoagent.jar"),
        ("app/boot.war", boot.clone().prefix(script).bytes(), "BOOT-INF/lib/jacocoagent.jar"),
        ("app/run-boot", boot.prefix(script).bytes(), "BOOT-INF/lib/jacocoagent.jar"),
        (
            "app/multi-release.jar",
            Zip::jar([format!("META-INF/versions/9/{PRE_MAIN}")]).bytes(),
            "META-INF/versions/9/org/jacoco/agent/rt/internal_aeaf9ab/PreMain.class",
        ),
        ("app/odd.jar", Zip::jar([format!("{PRE_MAIN}/")]).bytes(), PRE_MAIN),
        (
            "app/steering.jar",
            Zip::jar(["org/jacoco/agent/rt/\u{1b}[2J\u{202e}"]).bytes(),
            r"org/jacoco/agent/rt/\x1b[2J\xe2\x80\xae",
        ),
    ] {
        assert_found(&with_file(name, bytes), &format!("/{name}"), &format!("/{name}: {member}"));
    }
}

/// The tree counts, in every reading: hard links are names of it, and what was deleted is not in it.
#[test]
fn what_the_tree_has_counts() {
    let room = Room::new();
    let linked = app().layer(Layer::new().file("a/x", agent()).hardlink("b/y", "a/x"));
    let linked = linked.layer(Layer::new().whiteout("a/x"));
    let finding = check(&room, &linked, "prod");
    let finding = finding.finding("service-not-allowed");
    assert_eq!(finding["path"], "/b/y");
    for gone in [
        with_file("a/x.jar", agent()).layer(Layer::new().whiteout("a/x.jar")),
        with_file("a/x.jar", agent()).layer(Layer::new().file("a/x.jar", Zip::jar(["A.class"]).bytes())),
        // Archives that no JVM opens, other names, and no archive at all.
        with_file("a/x.jar", "org/jacoco/agent/rt/RT.class"),
        with_file("a/x.jar", &agent()[..200]),
        with_file("a/x.jar", Zip::jar(["org/jacoco/core/A.class", "org/jacoco/agent/rt/"]).bytes()),
    ] {
        let checked = check(&room, &gone, "prod");
        assert_eq!((checked.exit, checked.outcome("service-not-allowed")), (0, "pass"));
        let missing = check(&room, &gone, "test");
        assert_eq!((missing.exit, missing.failing()), (1, set(["service-missing"])));
    }
}

/// A base brings the agent; its layers are hashed and not unpacked.
#[test]
fn a_base_is_looked_into_by_its_facts_files() {
    let room = Room::new();
    let base = small_base().layer(Layer::new().file("opt/lib.jar", agent()));
    let catalog = room.catalog(&[&base]);
    let policy = room.write("policy.toml", POLICY);
    let image = room.write("app.tar", clean_app(&base).oci_archive());
    let check = |environment: &str| {
        check_with(&image, Some(&catalog), &["--policy", policy.to_str().unwrap(), "--env", environment])
    };
    let known = check("prod");
    assert_eq!((known.exit, known.failing()), (1, set(["service-not-allowed /opt/lib.jar"])));
    assert_eq!(known.finding("service-not-allowed")["layer"]["index"], 2);
    assert_eq!(check("test").exit, 0);
    std::fs::remove_dir_all(room.path("bases.facts")).unwrap();
    assert_eq!(check("prod").without_run(), known.without_run());
}

/// A directory of more names than are kept of a file that looks like no archive.
fn unknown() -> Vec<u8> {
    let classes = (0..4_000).map(|number| format!("com/example/generated/C{number:05}.class"));
    Zip::jar(classes).prefix(elf(62, "")).bytes()
}

#[test]
fn what_could_not_be_looked_into_is_no_pass() {
    let room = Room::new();
    let image = with_file("app/run.bin", unknown());
    let reason = |checked: &Checked, rule: &str| {
        let rules = checked.report["images"][0]["rules"].as_array().unwrap().clone();
        rules.iter().find(|told| told["rule"] == rule).unwrap()["reason"].as_str().unwrap().to_owned()
    };
    for (environment, rule) in [("prod", "service-not-allowed"), ("test", "service-missing")] {
        let checked = check(&room, &image, environment);
        assert_eq!((checked.exit, checked.outcome(rule)), (2, "not-evaluated"));
        let reason = reason(&checked, rule);
        assert!(
            reason.contains("/app/run.bin in layer 4") && reason.contains("PLAIN_TAIL_BYTES"),
            "{reason}"
        );
    }
    // Found elsewhere, it is known to be there.
    let found = image.clone().layer(Layer::new().file("app/lib.jar", agent()));
    let checked = check(&room, &found, "prod");
    assert_eq!((checked.exit, checked.failing()), (1, set(["service-not-allowed /app/lib.jar"])));
    assert_eq!(check(&room, &found, "test").exit, 0);
    // Not in the tree, or no sign that lies in archives: it does not matter.
    let gone = image.clone().layer(Layer::new().whiteout("app/run.bin"));
    assert_eq!(check(&room, &gone, "prod").exit, 0);
    let plain = POLICY.lines().filter(|line| !line.starts_with("inside")).collect::<Vec<_>>().join("\n");
    let policy = room.write("plain.toml", plain);
    let path = room.write("app.tar", image.oci_archive());
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let plain = check_with(&path, Some(&catalog), &["--policy", policy.to_str().unwrap(), "--env", "prod"]);
    assert_eq!((plain.exit, plain.outcome("service-not-allowed")), (0, "pass"));
}

/// The example in docs/ knows the agents by what their published jars hold.
#[test]
fn the_example_policy_knows_agents_under_other_names() {
    let policy = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/example-policy.toml");
    let room = Room::new();
    let catalog = room.write("bases.json", &*SMALL_CATALOG);
    let check = |member: &str, environment: &str| {
        let image = with_file("app/lib.jar", Zip::jar(["com/example/App.class", member]).bytes());
        let path = room.write("app.tar", image.oci_archive());
        let policy = policy.to_str().unwrap();
        let more = ["--policy", policy, "--profile", "custom", "--env", environment, "--at", "2026-11-25"];
        check_with(&path, Some(&catalog), &more)
    };
    for (member, service) in [
        (PRE_MAIN, "jacoco"),
        ("jacocoagent.jar", "jacoco"),
        ("BOOT-INF/lib/org.jacoco.agent-0.8.12-runtime.jar", "jacoco"),
        ("datadog/trace/bootstrap/AgentBootstrap.class", "foreign-apm"),
        ("co/elastic/apm/agent/premain/AgentMain.class", "foreign-apm"),
        ("agent/co/elastic/apm/agent/bci/ElasticApmAgent.esclazz", "foreign-apm"),
        ("com/newrelic/bootstrap/BootstrapAgent.class", "foreign-apm"),
        ("org/apache/skywalking/apm/agent/SkyWalkingAgent.class", "foreign-apm"),
        ("WEB-INF/lib/dd-java-agent.jar", "foreign-apm"),
    ] {
        let checked = check(member, "prod");
        let finding = checked.finding("service-not-allowed");
        assert_eq!(
            (&finding["evidence"]["name"], &finding["path"]),
            (&service.into(), &"/app/lib.jar".into())
        );
        assert_eq!(finding["evidence"]["inside"], format!("/app/lib.jar: {member}"));
    }
    let own = check("io/opentelemetry/javaagent/OpenTelemetryAgent.class", "prod");
    assert_eq!((own.exit, own.failing()), (0, set([])));
    // What programs are built against is no agent.
    for api in [
        "com/newrelic/api/agent/NewRelic.class",
        "datadog/trace/api/Trace.class",
        "co/elastic/apm/api/ElasticApm.class",
        "io/opentelemetry/api/OpenTelemetry.class",
        "org/jacoco/core/JaCoCo.class",
    ] {
        assert_eq!(check(api, "prod").failing(), set(["service-missing"]), "{api}");
    }
}
