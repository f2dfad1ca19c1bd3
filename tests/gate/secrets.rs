//! Secrets: found in every place, told without being shown, and not alarming where they are nobody's.

use serde_json::json;

use crate::harness::{Checked, Room, check_bytes, check_path, command, run, text};
use crate::support::{Compression, Image, Layer, clean_app, small_base};

/// Digits and letters that look drawn by lot. Secrets are put together here, so that no scanner takes this source for
/// a leak.
fn random(length: usize) -> String {
    let alphabet = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut state = 0x1234_5678_u32;
    let digit = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(alphabet[(state >> 16) as usize % alphabet.len()])
    };
    (0..length).map(digit).collect()
}

/// What [`random`] gives, and its checksum as GitHub has it.
fn checked() -> String {
    // The CRC-32 of these thirty in base 62.
    random(30) + "0cOJrP"
}

pub(crate) fn github() -> String {
    ["gh", "p_", &checked()].concat()
}

pub(crate) fn key() -> String {
    let label = ["RSA PRIVATE ", "KEY"].concat();
    format!("-----BEGIN {label}-----\nMIIE{}\n{}\n-----END {label}-----\n", random(60), random(64))
}

/// One secret of each way to find them: what must be shown nowhere, and what it looks like where it stands.
fn secrets() -> Vec<(String, String)> {
    let plain = |secret: String| (secret.clone(), secret);
    let random_part = |secret: String, prefix: usize| (secret[prefix..].to_owned(), secret);
    vec![
        (random(60), key()),
        random_part(github(), 4),
        random_part(["gl", "pat-", &random(20)].concat(), 6),
        random_part(["xo", "xb-", "2849301827-4930128374-", &random(24)].concat(), 5),
        random_part(["np", "m_", &checked()].concat(), 4),
        random_part(["sk_", "live_", &random(24)].concat(), 8),
        random_part(["AI", "za", &random(35)].concat(), 4),
        random_part(["hv", "s.", &random(95)].concat(), 4),
        random_part(["sk-", "ant-", &random(90)].concat(), 7),
        (random(40), format!("aws_secret_access_key={}", random(40))),
        (random(86), format!("AccountKey={}==", random(86))),
        ("hunter2x".into(), "https://user:hunter2x@example.com/".into()),
        ("hunter3x".into(), "PASSWORD=hunter3x".into()),
        ("hunter4x".into(), "--api-key hunter4x".into()),
        ("hunter5x".into(), "curl -u user:hunter5x h".into()),
        plain(["eyJ", "hbGciOi", "JIUzI1NiJ9.eyJ", &random(30), ".", &random(43)].concat()),
    ]
}

fn assert_hidden(output: &std::process::Output, hidden: &str, place: &str) {
    for (stream, bytes) in [("standard output", &output.stdout), ("standard error", &output.stderr)] {
        let shown = String::from_utf8_lossy(bytes);
        assert!(!shown.contains(hidden), "{hidden:?} from {place} on {stream}:\n{shown}");
    }
}

/// Whatever an image runs is a service that is not allowed, so that its words are told.
const ANY_SERVICE: &str = r#"
[services.any]
env = ["*=*"]
arguments = ["*"]
labels = ["*=*"]
[environments.any]
"#;

/// A file of each format.
const FORMATS: [&str; 9] = [
    "a.json",
    "a.ndjson",
    "a.sarif",
    "a.xml",
    "a.md",
    "a.html",
    "a.txt",
    "gl-container-scanning-report.json",
    "gl-code-quality-report.json",
];

#[test]
fn a_secret_is_shown_nowhere() {
    let room = Room::new();
    for (hidden, written) in secrets() {
        let line = written.replace('\n', " ");
        let file = Layer::new().dir("app/", 0o755).file("app/x.conf", &written).file("app/.env", &written);
        let step = format!("RUN {line} # buildkit");
        let base = small_base().layer_with(file.clone(), &step, Compression::Gzip(1)).empty_history(&step);
        let image = clean_app(&base)
            .layer_with(
                file.file("app/y", &written),
                &format!("|1 A={written} /bin/sh -c x {line}"),
                Compression::Gzip(1),
            )
            .empty_history(&format!("ENV A {line}"))
            .layer_with(
                Layer::new().file("z", "z"),
                &format!("ADD {line} https://h/x /opt/"),
                Compression::Gzip(1),
            )
            .env(&format!("VALUE={written}"))
            .env(&format!("JAVA_TOOL_OPTIONS=-javaagent:/x.jar {line}"))
            .env(&format!("PATH={line}"))
            .env(&format!("{line}=x"))
            .annotation("org.opencontainers.image.ref.name", &written)
            .config_json(move |config| {
                config["config"]["Labels"] =
                    json!({"label": written, "RUN": format!("{written} docker run x"), "install": written});
                config["config"]["User"] = json!(written);
                config["config"]["WorkingDir"] = json!(format!("/proc/self/fd/8 {written}"));
                config["config"]["Volumes"] = json!({written.clone(): {}, format!("/data {written}"): {}});
                config["config"]["ExposedPorts"] = json!({format!("80/tcp {written}"): {}, "81/tcp": {}});
                config["created"] = json!(written);
                config["config"]["Cmd"] = json!(["sh", "-c", written]);
                // A flag and its value are two words; a key is one.
                let words: Vec<_> =
                    written.split(if written.starts_with("--a") { ' ' } else { '\0' }).collect();
                config["config"]["Entrypoint"] = json!(words);
                config["history"][0]["comment"] = json!(written);
            });
        let path = room.write("image.tar", image.oci_archive());
        let path = path.to_str().unwrap();
        let base = room.write("base.tar", base.oci_archive());
        let catalog = room.path("bases.json");
        let _ = std::fs::remove_file(&catalog);
        let catalog = catalog.to_str().unwrap();
        let added = run(&[
            "base",
            "add",
            base.to_str().unwrap(),
            "--name",
            "b",
            "--version",
            "1",
            "--bases",
            catalog,
        ]);
        assert!(added.status.success(), "{}", text(&added.stderr));
        assert_hidden(&added, &hidden, "base add");
        let policy = room.write("policy.toml", ANY_SERVICE);
        let files = FORMATS.map(|name| room.path(name).to_str().unwrap().to_owned());
        let outputs = files.iter().flat_map(|file| ["-o", file]);
        let everything: Vec<&str> =
            ["--policy", policy.to_str().unwrap(), "--env", "any", "-v"].into_iter().chain(outputs).collect();
        for arguments in
            [&["--format", "json"][..], &["--format", "text", "--bases", catalog], &["--bases", catalog]]
        {
            let output = command().arg(path).args(arguments).args(&everything).output().unwrap();
            assert!(!output.stdout.is_empty());
            assert_hidden(&output, &hidden, &format!("{arguments:?}"));
            for file in &files {
                let shown = std::fs::read_to_string(file).unwrap();
                assert!(!shown.is_empty());
                assert!(!shown.contains(&hidden), "{hidden:?} in {file}:\n{shown}");
            }
        }
        // So that this is not since nothing is told.
        let checked =
            Checked::of(&command().arg(path).args(&everything).args(["--format", "json"]).output().unwrap());
        for rule in ["secret-env", "secret-history", "add-instruction", "service-not-allowed"] {
            assert!(checked.findings().iter().any(|finding| finding["rule"] == rule), "{rule} of {hidden}");
        }
        for more in [&[][..], &["--tree"], &["--layer", "2"], &["--format", "json"]] {
            let output = command().args(["inspect", path]).args(more).output().unwrap();
            assert!(output.status.success());
            assert_hidden(&output, &hidden, &format!("inspect {more:?}"));
        }
        for format in ["cyclonedx", "spdx"] {
            let output = command().args(["sbom", path, "--format", format]).output().unwrap();
            assert!(!output.stdout.is_empty());
            assert_hidden(&output, &hidden, format);
        }
    }
}

/// What is told as it stands is a part of something, and known for a secret by the whole only.
#[test]
fn a_secret_is_shown_by_no_word_that_a_finding_quotes() {
    let room = Room::new();
    let long = format!("{}.{}", "a".repeat(50), github());
    let urls = json!(["https://ci:hunter2x@h/layer", "https://h/layer?token=hunter2x"]);
    let foreign = clean_app(&small_base()).manifest_json(move |manifest| {
        let layer = &mut manifest["layers"][0];
        layer["mediaType"] = json!("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip");
        layer["urls"] = urls.clone();
    });
    let plain = || clean_app(&small_base());
    let twice = |key: &str| {
        let image = plain().label(key, "1");
        let config =
            text(&image.config()).replacen("\"Labels\":{", &format!("\"Labels\":{{\"{key}\":\"0\","), 1);
        image.config_bytes(config.into_bytes())
    };
    for (rule, hidden, image) in [
        ("layer-unsupported", "hunter2x", foreign),
        ("ambiguous-json", &github()[4..], twice(&github())),
        ("user-root", "hunter2x", plain().user("0").name("password=hunter2x")),
        ("user-root", "hunter2x", plain().user("0").platform("linux", "amd64", "password=hunter2x")),
        // A part of a key is no secret that anybody would know.
        ("ambiguous-json", &github()[4..12], twice(&long)),
        // Only the word before says that it is one.
        ("service-not-allowed", "hunter2x", plain().cmd(&["run", "--password", "hunter2x"])),
        ("service-not-allowed", "hunter2x", plain().cmd(&["sh", "-c", "run --password hunter2x"])),
        ("service-not-allowed", "hunter2x", plain().env("APP_OPTS=--password hunter2x")),
        ("service-not-allowed", "hunter2x", plain().env("TOKEN_OPTS=hunter2x")),
        // And only the name of the label.
        ("privileged-label", "hunter2x", plain().label("password", "docker run --device hunter2x x")),
        ("privileged-label", "hunter2x", plain().label("RUN", "DB_PASSWORD=hunter2x docker run x")),
        ("path-env-unsafe", "hunter2x", plain().env("PATH=/bin:x?password=hunter2x")),
        (
            "add-instruction",
            "hunter2x",
            plain().empty_history("x").layer_with(
                Layer::new().file("x", "x"),
                "ADD https://ci:hunter2x@h/app.tgz /opt/",
                Compression::Gzip(1),
            ),
        ),
    ] {
        let path = room.write("image.tar", image.oci_archive());
        let policy = room.write("policy.toml", ANY_SERVICE);
        let arguments = ["--policy", policy.to_str().unwrap(), "--env", "any", "--format", "json"];
        let output = command().arg(&path).args(arguments).output().unwrap();
        assert_hidden(&output, hidden, rule);
        let checked = Checked::of(&output);
        assert!(checked.findings().iter().any(|finding| finding["rule"] == rule), "{rule}");
        let output = command().arg("inspect").arg(&path).output().unwrap();
        assert_hidden(&output, hidden, rule);
    }
}

fn failing(checked: &Checked) -> Vec<String> {
    checked.failing().into_iter().filter(|told| told.starts_with("secret-")).collect()
}

#[test]
fn a_deleted_secret_is_found_with_its_severity() {
    let image = clean_app(&small_base())
        .layer(
            Layer::new().dir("root/", 0o700).file("root/id_rsa", key()).hardlink("root/again", "root/id_rsa"),
        )
        .layer(Layer::new().whiteout("root/id_rsa").whiteout("root/again"));
    let checked = check_bytes(image.oci_archive());
    let finding = checked.finding("secret-file");
    assert_eq!((&finding["severity"], &finding["effective"]), (&json!("high"), &json!(false)));
    assert_eq!((&finding["path"], &finding["layer"]["index"]), (&json!("/root/id_rsa"), &json!(4)));
    let evidence = &finding["evidence"];
    assert_eq!(
        (&evidence["kind"], &evidence["line"], &evidence["masked"]),
        (&json!("private-key"), &json!("1"), &json!("***"))
    );
    assert_eq!(checked.exit, 1);
    // Under another name it is still there.
    let linked = clean_app(&small_base())
        .layer(
            Layer::new().dir("root/", 0o700).file("root/id_rsa", key()).hardlink("root/again", "root/id_rsa"),
        )
        .layer(Layer::new().whiteout("root/id_rsa"));
    assert_eq!(check_bytes(linked.oci_archive()).finding("secret-file")["effective"], true);
    assert!(failing(&check_bytes(clean_app(&small_base()).oci_archive())).is_empty());
}

#[test]
fn a_file_that_comes_twice_is_told_once() {
    let layer = Layer::new().file("x", github()).file("./x", github()).file("y", "a\nb");
    let checked = check_bytes(clean_app(&small_base()).layer(layer).oci_archive());
    let finding = checked.finding("secret-file");
    assert_eq!((&finding["path"], &finding["effective"]), (&json!("/x"), &json!(true)));
}

fn check_on(base: &Image, app: &Image) -> Checked {
    let room = Room::new();
    let catalog = room.catalog(&[base]);
    let image = room.write("image.tar", app.oci_archive());
    let with = check_path(&image, Some(&catalog));
    std::fs::remove_dir_all(room.path("bases.facts")).unwrap();
    let without = check_path(&image, Some(&catalog));
    assert_eq!(with.without_run(), without.without_run(), "facts files change nothing");
    with
}

#[test]
fn secrets_of_the_base_are_its_own() {
    let base = small_base().layer(Layer::new().dir("opt/", 0o755).file("opt/key.pem", key()));
    // Written again, with the same bytes.
    let app = clean_app(&base).layer(Layer::new().file_mode("opt/key.pem", key(), 0o600));
    let checked = check_on(&base, &app);
    assert_eq!(failing(&checked), [""; 0], "{:#}", checked.report["images"][0]["findings"]);
    let told = checked.finding("secret-file");
    assert_eq!(
        (&told["severity"], &told["evidence"]["file"]),
        (&json!("info"), &json!(["/opt/key.pem", "/opt/key.pem"]))
    );
    let changed = clean_app(&base).layer(Layer::new().file("opt/key.pem", format!("\n{}", key())));
    assert_eq!(failing(&check_on(&base, &changed)), ["secret-file /opt/key.pem"]);
    assert_eq!(failing(&check_bytes(app.oci_archive())), ["secret-file /opt/key.pem"], "without a catalog");
}

#[test]
fn hashes_that_the_base_has_are_not_new() {
    let hash = |salt: &str| format!("$6${salt}${}", random(86));
    let line = |name: &str, hash: &str| format!("{name}:{hash}:19700:0:99999:7:::\n");
    let of_base = line("root", &hash("base")) + &line("bin", "*");
    let base = small_base().layer(Layer::new().file("etc/shadow", &of_base));
    let told = |layers: &[(&str, String)]| {
        let app = layers
            .iter()
            .fold(clean_app(&base), |app, (path, text)| app.layer(Layer::new().file(path, text)));
        failing(&check_on(&base, &app))
    };
    let shadow = ["secret-file /etc/shadow"];
    let again = format!("{of_base}{}", line("app", "!"));
    // useradd writes the file anew, and keeps the one before.
    assert_eq!(told(&[("etc/shadow", again.clone()), ("etc/shadow-", of_base.clone())]), [""; 0]);
    assert_eq!(told(&[("etc/shadow", format!("{of_base}{}", line("app", &hash("new"))))]), shadow);
    assert_eq!(told(&[("etc/shadow", line("root", &hash("other")))]), shadow);
    // The base's hash for another account opens another account.
    assert_eq!(told(&[("etc/shadow", format!("{of_base}{}", line("app", &hash("base"))))]), shadow);
    // What a later layer took back is told all the same.
    assert_eq!(
        told(&[("etc/shadow", of_base.clone() + &line("app", &hash("new"))), ("etc/shadow", again)]),
        shadow
    );
    assert_eq!(told(&[("srv/etc/shadow", of_base)]), ["secret-file /srv/etc/shadow"]);
}

#[test]
fn examples_are_told_and_do_not_alarm() {
    let layer = Layer::new()
        .file("usr/share/doc/x/key.pem", key())
        .file("usr/share/doc/x/token", github())
        .file("usr/lib/python3.11/test/key.pem", key());
    let checked = check_bytes(clean_app(&small_base()).layer(layer).oci_archive());
    assert_eq!(failing(&checked), [""; 0]);
    assert_eq!(checked.findings().iter().filter(|finding| finding["rule"] == "secret-file").count(), 2);
    let token = Layer::new().file("usr/lib/python3.11/test/x", github()).file("app/test/key.pem", key());
    let checked = check_bytes(clean_app(&small_base()).layer(token).oci_archive());
    assert_eq!(
        failing(&checked),
        ["secret-file /app/test/key.pem", "secret-file /usr/lib/python3.11/test/x"]
    );
}

#[test]
fn secrets_in_settings_are_found_in_every_reading() {
    for (setting, evil) in
        [("Env", json!(["DB_PASSWORD=hunter2"])), ("Cmd", json!(["x", "--token", "hunter2"]))]
    {
        let image =
            clean_app(&small_base()).config_json(move |config| config["config"][setting] = evil.clone());
        let checked = check_bytes(image.oci_archive());
        assert_eq!(failing(&checked), ["secret-env"], "{setting}");
        assert_eq!(checked.finding("secret-env")["evidence"]["length"], "7");
    }
    let label =
        clean_app(&small_base()).config_json(|config| config["config"]["Labels"] = json!({"x": github()}));
    assert_eq!(failing(&check_bytes(label.oci_archive())), ["secret-env"]);
    // Go reads the last of two keys, others the first.
    let config = clean_app(&small_base()).env("DB_PASSWORD=hunter2");
    let twice = text(&config.config()).replacen("\"Env\":", "\"Env\":[],\"env\":", 1);
    let checked = check_bytes(config.config_bytes(twice.into_bytes()).oci_archive());
    assert!(failing(&checked).contains(&"secret-env".to_owned()), "{:?}", checked.failing());
    let harmless =
        ["PASSWORD_FILE=/run/secrets/x", "TOKEN_TTL=30", "TOKEN=", "API_KEY=changeme", "SECRET=${X}"];
    let image = harmless.iter().fold(clean_app(&small_base()), |image, variable| image.env(variable));
    assert_eq!(failing(&check_bytes(image.oci_archive())), [""; 0]);
}

#[test]
fn secrets_in_the_history_are_found() {
    for step in
        ["|1 NPM_TOKEN=hunter2 /bin/sh -c npm ci", "ENV TOKEN=hunter2", "RUN curl -u a:hunter2 https://h"]
    {
        let image = clean_app(&small_base()).empty_history(step);
        assert_eq!(failing(&check_bytes(image.oci_archive())), ["secret-history"], "{step}");
    }
    let layer = clean_app(&small_base()).layer_with(
        Layer::new().file("x", "x"),
        "RUN |1 TOKEN=hunter2 /bin/sh -c make # buildkit",
        Compression::Gzip(1),
    );
    let checked = check_bytes(layer.oci_archive());
    assert_eq!(checked.finding("secret-history")["layer"]["index"], 4);
    assert_eq!(failing(&checked), ["secret-history"]);
}

#[test]
fn what_was_not_looked_at_is_no_pass() {
    let large = clean_app(&small_base()).layer(Layer::new().file("root/.npmrc", vec![b' '; (1 << 20) + 1]));
    let checked = check_bytes(large.oci_archive());
    assert_eq!(checked.outcome("secret-file"), "not-evaluated");
    let rules = checked.report["images"][0]["rules"].as_array().unwrap();
    let reason = rules.iter().find(|rule| rule["rule"] == "secret-file").unwrap()["reason"].as_str().unwrap();
    assert_eq!(reason, "/root/.npmrc in layer 4 is larger than the limit SECRET_FORM_BYTES");
    assert_eq!(checked.outcome("secret-env"), "pass");
}

/// Fields of the config that nobody reads as a rule, and names.
#[test]
fn a_secret_in_any_field_of_the_config_is_told_and_not_shown() {
    let room = Room::new();
    let token = github();
    let in_run = |key: &'static str, value: serde_json::Value| {
        clean_app(&small_base()).config_json(move |config| config["config"][key] = value.clone())
    };
    let author = json!(format!("me <{token}@example.com>"));
    for (place, image) in [
        (
            "HEALTHCHECK",
            in_run("Healthcheck", json!({"Test": ["CMD-SHELL", format!("curl -H 'X: {token}' h")]})),
        ),
        ("ONBUILD", in_run("OnBuild", json!([format!("RUN echo {token}")]))),
        ("SHELL", in_run("Shell", json!(["sh", token.clone()]))),
        ("the name of a label", in_run("Labels", json!({token.clone(): "docker run --privileged x"}))),
        ("the author", clean_app(&small_base()).config_json(move |config| config["author"] = author.clone())),
    ] {
        let path = room.write("image.tar", image.oci_archive());
        let checked = check_path(&path, None);
        let message = checked.finding("secret-env")["message"].as_str().unwrap().to_owned();
        assert_eq!(message, format!("{place} has a GitHub token"));
        let path = path.to_str().unwrap();
        for arguments in [&[path, "--format", "json"][..], &[path, "-v"], &["inspect", path]] {
            let output = command().args(arguments).output().unwrap();
            assert_hidden(&output, &token[4..], place);
        }
    }
}
