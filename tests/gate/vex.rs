//! OpenVEX documents: what they accept, what they do not, and who may name them.

use ocicheck::digest::Digest;
use serde_json::{Value, json};

use crate::advisories::{CRITICAL, Trial, advisory, debian, vulnerabilities};
use crate::harness::{Checked, assert_valid, command, text};
use crate::support::{Image, Layer, Layout, Program, go_build_info};

/// As `vexctl create` wrote it, for the one vulnerable package of the image here:
///
/// ```sh
/// vexctl create --product='pkg:deb/debian/sed@4.8-r1?arch=amd64' --vuln=CVE-2026-0001 --status=not_affected \
///   --justification=vulnerable_code_not_present --author=security@example.com
/// ```
const BY_VEXCTL: &str = r#"{
  "@context": "https://openvex.dev/ns/v0.2.0",
  "@id": "https://openvex.dev/docs/public/vex-d72de7c9446d0eab6dca10e8f75df940416639bcc1431a556654b9a9b71e0418",
  "author": "security@example.com",
  "version": 1,
  "statements": [
    {
      "vulnerability": {
        "name": "CVE-2026-0001"
      },
      "products": [
        {
          "@id": "pkg:deb/debian/sed@4.8-r1?arch=amd64"
        }
      ],
      "status": "not_affected",
      "justification": "vulnerable_code_not_present",
      "timestamp": "2026-01-01T00:00:00Z"
    }
  ],
  "timestamp": "2026-01-01T00:00:00Z"
}
"#;

/// Which finding a policy with a document leaves.
const NAMED: &str = "[rules.vulnerability]\nvex = [{ file = \"openvex.json\" }]\n";

fn trial() -> Trial {
    Trial::new(&[advisory("CVE-2026-0001", "sed", Some("9"), CRITICAL)])
}

/// A document with these statements, each of a vulnerability, products and a status.
fn document(statements: &[(&str, Value, &str)]) -> String {
    let statements: Vec<_> = statements
        .iter()
        .map(|(name, products, status)| {
            json!({
                "vulnerability": { "name": name },
                "products": products,
                "status": status,
                "impact_statement": "sed is not run",
            })
        })
        .collect();
    json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "@id": "https://example.com/vex/1",
        "author": "security@example.com",
        "timestamp": "2026-01-01T00:00:00Z",
        "version": 1,
        "statements": statements,
    })
    .to_string()
}

/// The image of [`debian`], checked with documents of the command line.
fn check(trial: &Trial, policy: &str, more: &[&str]) -> Checked {
    let mut command = trial.command(&debian(), policy);
    Checked::of(&command.args(["--format", "json"]).args(more).output().unwrap())
}

/// What is said of a run that is refused.
fn refused(trial: &Trial, policy: &str, more: &[&str]) -> String {
    let output = trial.command(&debian(), policy).args(more).output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stdout));
    text(&output.stderr)
}

#[test]
fn a_document_accepts_a_finding_and_both_are_told() {
    let trial = trial();
    trial.room.write("openvex.json", BY_VEXCTL);
    let checked = check(&trial, NAMED, &[]);
    assert_eq!((checked.exit, checked.outcome("vulnerability")), (0, "waived"), "{:#}", checked.report);
    let finding = checked.finding("vulnerability");
    assert_eq!((&finding["status"], &finding["policy"]), (&"waived".into(), &Value::Null));
    let id = "https://openvex.dev/docs/public/vex-d72de7c9446d0eab6dca10e8f75df940416639bcc1431a556654b9a9b71e0418";
    let statement = json!({
        "source": "openvex.json",
        "statement": 1,
        "document": id,
        "author": "security@example.com",
        "timestamp": "2026-01-01T00:00:00Z",
        "vulnerability": "CVE-2026-0001",
        "status": "not_affected",
        "justification": "vulnerable_code_not_present",
        "impactStatement": null,
        "actionStatement": null,
        "statusNotes": null,
        "partial": false,
    });
    assert_eq!(finding["vex"], json!([statement]));
    let told = json!([{
        "source": "openvex.json",
        "sha256": Digest::sha256(BY_VEXCTL.as_bytes()).hex(),
        "id": id,
        "author": "security@example.com",
        "timestamp": "2026-01-01T00:00:00Z",
        "statements": 1,
        "used": 1,
        "otherImage": 0,
        "unused": [],
        "findings": 1,
    }]);
    assert_eq!(checked.report["policy"]["vex"], told);
    assert_valid("report.schema.json", &checked.report);
    // The same by name on the command line, and by the environment.
    let named = check(&trial, "", &["--vex", "openvex.json"]);
    assert_eq!((named.exit, &named.report["policy"]["vex"]), (0, &told));
    let mut command = trial.command(&debian(), "");
    let output = command.env("OCICHECK_VEX", "openvex.json").args(["--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn every_form_of_the_report_says_by_whose_word() {
    let trial = trial();
    let app = "sha256:2222222222222222222222222222222222222222222222222222222222222222";
    let more = document(&[
        ("CVE-2026-0001", json!(["pkg:deb/debian/sed"]), "fixed"),
        ("CVE-2026-0002", json!(["pkg:deb/debian/sed"]), "fixed"),
        ("CVE-2026-0001", json!([{ "@id": "pkg:deb/debian/sed@1" }]), "fixed"),
        ("CVE-2026-0001", json!([{ "@id": app }]), "affected"),
    ]);
    trial.room.write("vex.json", more);
    let outputs = ["r.json", "r.sarif", "r.xml", "r.html", "r.md", "r.txt"];
    let mut command = trial.command(&debian(), "");
    command.args(["--vex", "vex.json", "--format", "text"]);
    command.args(outputs.iter().flat_map(|file| ["-o", file]));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let read = |file: &str| std::fs::read_to_string(trial.room.path(file)).unwrap();
    let said = "CVE-2026-0001 is fixed by vex.json, statement 1 (security@example.com): sed is not run";
    for file in &outputs[1..] {
        let words = read(file).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(words.contains(said), "{file}: {words}");
        assert!(!words.to_lowercase().contains("accepted by the policy"), "{file}: {words}");
    }
    assert_eq!(read("r.html").matches("statement 1 (security@example.com)").count(), 1, "said once");
    for (file, told) in [
        ("r.txt", "  Accepted:\n"),
        ("r.txt", "; 1 of them accepted\n"),
        ("r.md", "<summary>Accepted: 1</summary>"),
        ("r.html", "<p class=\"dim\">Accepted: "),
    ] {
        assert!(read(file).contains(told), "{file}: {}", read(file));
    }
    assert!(read("r.txt").contains(
        "Note   vex.json: 2 of 4 statements are about no finding: CVE-2026-0002 (statement 2), CVE-2026-0001"
    ), "{}", read("r.txt"));
    assert!(read("r.xml").contains("critical, waived: /var/lib/dpkg/status"), "{}", read("r.xml"));
    let report: Value = serde_json::from_str(&read("r.json")).unwrap();
    let document = &report["policy"]["vex"][0];
    assert_eq!((&document["used"], &document["otherImage"]), (&1.into(), &1.into()), "{document:#}");
    let sarif: Value = serde_json::from_str(&read("r.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["ruleId"] == "vulnerability").unwrap();
    assert_eq!(
        (&result["suppressions"][0]["status"], &result["suppressions"][0]["justification"]),
        (&"accepted".into(), &said.into())
    );
}

#[test]
fn what_is_no_all_clear_for_all_of_it_changes_nothing_and_is_told() {
    let trial = trial();
    for (products, status, heard) in [
        (json!(["pkg:deb/debian/sed"]), "affected", 1),
        (json!(["pkg:deb/debian/sed"]), "under_investigation", 1),
        (json!(["pkg:deb/debian/sed@4.8"]), "not_affected", 0),
        (json!(["pkg:deb/ubuntu/sed"]), "not_affected", 0),
        (json!(["cpe:2.3:a:gnu:sed:4.8:*:*:*:*:*:*:*"]), "not_affected", 0),
    ] {
        trial.room.write("openvex.json", document(&[("CVE-2026-0001", products.clone(), status)]));
        let checked = check(&trial, NAMED, &[]);
        let finding = checked.finding("vulnerability");
        let told =
            (checked.exit, finding["status"].as_str().unwrap(), finding["vex"].as_array().unwrap().len());
        assert_eq!(told, (1, "fail", heard), "{products} {status}");
        let unused = checked.report["policy"]["vex"][0]["unused"].as_array().unwrap();
        assert_eq!(unused.len(), 1 - heard, "{products} {status}");
        if heard == 1 {
            assert_eq!(
                (&finding["vex"][0]["status"], &finding["vex"][0]["partial"]),
                (&status.into(), &false.into())
            );
        }
    }
}

#[test]
fn an_image_is_accepted_by_its_digest_with_or_without_its_parts() {
    let trial = trial();
    let plain = check(&trial, "", &[]);
    let image = &plain.report["images"][0];
    for digest in [&image["manifestDigest"], &image["configDigest"]].map(|digest| digest.as_str().unwrap()) {
        let product =
            format!("pkg:oci/whatever@{}?repository_url=example.com/whatever", digest.replace(':', "%3A"));
        for (parts, exit) in [
            (json!([]), 0),
            (json!([{ "@id": "pkg:deb/debian/sed@4.8-r1" }]), 0),
            (json!([{ "@id": "pkg:deb/debian/other" }]), 1),
        ] {
            let product = json!([{ "@id": product, "subcomponents": parts }]);
            trial.room.write("openvex.json", document(&[("DEBIAN-CVE-2026-0001", product, "not_affected")]));
            assert_eq!(check(&trial, NAMED, &[]).exit, exit, "{digest} {parts}");
        }
    }
}

#[test]
fn an_image_is_accepted_by_the_digest_of_an_index_that_lists_it() {
    let trial = trial();
    let listed = Layout::new().image(&debian());
    let digest = crate::support::digest(&serde_json::to_vec(&listed.index()).unwrap());
    for (product, exit) in [
        (format!("pkg:oci/whatever@{}?repository_url=example.com/whatever", digest.replace(':', "%3A")), 0),
        (format!("example.com/whatever@{digest}"), 0),
        (crate::support::digest(b"another index"), 1),
    ] {
        let statement = ("DEBIAN-CVE-2026-0001", json!([{ "@id": &product }]), "not_affected");
        trial.room.write("openvex.json", document(&[statement]));
        let mut command = trial.command(&debian(), NAMED);
        trial.room.write("image.tar", Layout::new().nested(listed.clone()).archive());
        assert_eq!(
            Checked::of(&command.args(["--format", "json"]).output().unwrap()).exit,
            exit,
            "{product}"
        );
    }
}

/// An advisory of a module of Go.
fn net() -> Value {
    json!({
        "id": "GO-2026-0001",
        "aliases": ["CVE-2026-0001"],
        "modified": "2026-01-01T00:00:00Z",
        "severity": [{ "type": "CVSS_V3", "score": CRITICAL }],
        "affected": [{
            "package": { "ecosystem": "Go", "name": "golang.org/x/net" },
            "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }, { "fixed": "0.6.0" }] }],
        }],
    })
}

/// A program of a module, with the module in it that [`net`] is about.
fn program(module: &str) -> Vec<u8> {
    let module = format!("mod\t{module}\tv1.0.0\th1:x=");
    let info = go_build_info("go1.26.1", &[&module, "dep\tgolang.org/x/net\tv0.5.0\th1:y="]);
    Program::new().section(".go.buildinfo", info).bytes()
}

/// The findings of that advisory, where a document accepts the module in the programs of another.
fn of_net(trial: &Trial, image: &Image, product: &str) -> Vec<Value> {
    let part = json!([{ "@id": "pkg:golang/golang.org/x/net@v0.5.0" }]);
    let products = json!([{ "@id": product, "subcomponents": part }]);
    trial.room.write("openvex.json", document(&[("CVE-2026-0001", products, "not_affected")]));
    let checked = trial.check_on(None, image, &format!("{NAMED}uncovered = \"tell\"\n"));
    let is_it = |finding: &&Value| finding["evidence"]["advisory"] == "GO-2026-0001";
    let found: Vec<_> = vulnerabilities(&checked).into_iter().filter(is_it).cloned().collect();
    assert!(!found.is_empty(), "{product}: {}", checked.stderr);
    found
}

/// The products of VEX Hub: a module, and what is in its programs.
#[test]
fn what_is_in_a_program_is_accepted_as_a_part_of_its_module() {
    let trial = Trial::new(&[net()]);
    let one = Layer::new().file_mode("usr/bin/app", program("example.com/app"), 0o755);
    let two = one.clone().file_mode("usr/bin/other", program("example.com/other"), 0o755);
    for (layer, product, status) in [
        (&one, "pkg:golang/example.com/app", "waived"),
        (&one, "pkg:golang/example.com/other", "fail"),
        (&one, "pkg:golang/golang.org/x/net", "waived"),
        // The other program has it, too.
        (&two, "pkg:golang/example.com/app", "fail"),
    ] {
        let found = of_net(&trial, &debian().layer(layer.clone()), product);
        assert_eq!((found.len(), &found[0]["status"]), (1, &status.into()), "{product} {found:#?}");
    }
}

/// Runtimes make two trees of such layers, with a program each at one place.
#[test]
fn what_is_in_a_program_in_one_reading_only_is_not_accepted() {
    let trial = Trial::new(&[net()]);
    let lower =
        Layer::new().symlink("bin", "usr/bin").file_mode("usr/bin/app", program("example.com/other"), 0o755);
    let image = debian().layer(lower);
    let upper = |path: &str| Layer::new().file_mode(path, program("example.com/app"), 0o755);
    for (image, status) in [
        (image.clone().layer(upper("usr/bin/app")), "waived"),
        (image.clone().layer(upper("bin/app")), "fail"),
    ] {
        let found = of_net(&trial, &image, "pkg:golang/example.com/app");
        let statuses: Vec<_> = found.iter().map(|finding| &finding["status"]).collect();
        assert!(statuses.contains(&&status.into()), "{found:#?}");
        assert_eq!(statuses.iter().all(|it| *it == "waived"), status == "waived", "{found:#?}");
    }
}

/// Two documents may have one name.
#[test]
fn findings_are_counted_by_the_document_that_accepts_them() {
    let trial = trial();
    let named = |id: &str, statements: &[(&str, Value, &str)]| {
        document(statements).replace("https://example.com/vex/1", id)
    };
    let sed = || json!(["pkg:deb/debian/sed"]);
    std::fs::create_dir(trial.room.path("sub")).unwrap();
    trial.room.write("openvex.json", named("of the policy", &[("CVE-2026-0009", sed(), "fixed")]));
    trial.room.write("sub/openvex.json", named("of the caller", &[("CVE-2026-0001", sed(), "fixed")]));
    trial.command(&debian(), NAMED);
    let mut command = command();
    command.current_dir(trial.room.path("sub")).args(["../image.tar", "--advisories", "../advisories.db"]);
    command.args(["--policy", "../policy.toml", "--at", "2026-01-15"]);
    let output = command.args(["--vex", "openvex.json", "--format", "json"]).output().unwrap();
    let checked = Checked::of(&output);
    let told = |key: &str| -> Vec<Value> {
        checked.report["policy"]["vex"].as_array().unwrap().iter().map(|it| it[key].clone()).collect()
    };
    assert_eq!(told("source"), ["openvex.json", "openvex.json"], "{}", checked.stderr);
    assert_eq!(told("id"), ["of the policy", "of the caller"]);
    assert_eq!(told("findings"), [0, 1]);
}

/// Who pins the policy pins what it accepts.
#[test]
fn a_pinned_policy_pins_its_documents() {
    let trial = trial();
    trial.room.write("openvex.json", BY_VEXCTL);
    let sha256 = Digest::sha256(BY_VEXCTL.as_bytes()).hex();
    let pin = |policy: &str| Digest::sha256(policy.as_bytes()).hex();
    let told = refused(&trial, NAMED, &["--policy-sha256", &pin(NAMED)]);
    assert!(
        told.contains(
            "policy.toml:2: --policy-sha256 pins the policy, and not the VEX document openvex.json"
        ),
        "{told}"
    );
    assert!(told.contains(&format!("hint: review it, and write sha256 = \"{sha256}\"")), "{told}");
    let pinned = NAMED.replace(" }", &format!(", sha256 = \"{sha256}\" }}"));
    let checked = check(&trial, &pinned, &["--policy-sha256", &pin(&pinned)]);
    assert_eq!(checked.exit, 0, "{}", checked.stderr);
    // Named twice, and pinned once: what is not pinned may be another tomorrow.
    let item = |more: &str| format!("{{ file = \"openvex.json\"{more} }}");
    let pin_item = format!(", sha256 = \"{sha256}\"");
    for (items, line) in [([item(&pin_item), item("")], 2), ([item(""), item(&pin_item)], 2)] {
        let twice = format!("[rules.vulnerability]\nvex = [{}]\n", items.join(", "));
        let told = refused(&trial, &twice, &["--policy-sha256", &pin(&twice)]);
        assert!(told.contains(&format!("policy.toml:{line}: --policy-sha256 pins the policy")), "{told}");
    }
    // The caller's own word needs no pin.
    assert_eq!(check(&trial, "", &["--policy-sha256", &pin(""), "--vex", "openvex.json"]).exit, 0);
    trial.room.write("openvex.json", BY_VEXCTL.replace("4.8-r1", "4.8-r2"));
    let told = refused(&trial, &pinned, &[]);
    assert!(told.contains("line 2 of the policy says another"), "{told}");
}

#[test]
fn a_document_that_cannot_be_read_is_no_pass() {
    let trial = trial();
    assert!(refused(&trial, NAMED, &[]).contains("openvex.json cannot be read"));
    for (text, told) in [
        ("{}", "openvex.json: it is no OpenVEX document: missing field `@context`"),
        (
            &BY_VEXCTL.replace("not_affected", "fine"),
            "openvex.json: statement 1: there is no status \"fine\"",
        ),
    ] {
        trial.room.write("openvex.json", text);
        for error in [refused(&trial, NAMED, &[]), refused(&trial, "", &["--vex", "openvex.json"])] {
            assert!(error.contains(told), "{error}");
        }
        let output =
            command().args(["policy", "check"]).arg(trial.room.path("policy.toml")).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "that policy names none");
    }
    trial.room.write("policy.toml", NAMED);
    let output = command().args(["policy", "check"]).arg(trial.room.path("policy.toml")).output().unwrap();
    assert!(text(&output.stderr).contains("statement 1"), "{}", text(&output.stderr));
    for (policy, told) in [
        ("vex = [{ }]", "a VEX document needs file"),
        ("vex = [{ file = \" \" }]", "the file is empty"),
        ("vex = [{ file = \"a\", sha256 = \"12\" }]", "is no digest"),
        ("vex = [\"openvex.json\"]", "vex is a list of tables"),
        ("vex = [{ file = \"a\", sha = \"12\" }]", "allowed are file, sha256"),
    ] {
        let error = refused(&trial, &format!("[rules.vulnerability]\n{policy}\n"), &[]);
        assert!(error.contains(told), "{policy}: {error}");
    }
    let told = refused(&trial, "", &["--vex", ""]);
    assert!(told.contains("--vex"), "{told}");
}

/// Nothing of an image, and nothing that merely lies about, is a document.
#[test]
fn only_what_is_named_is_read() {
    let trial = trial();
    for name in ["openvex.json", "vex.json", ".vex.json"] {
        trial.room.write(name, BY_VEXCTL);
    }
    let image = debian().layer(
        Layer::new().file("openvex.json", BY_VEXCTL).file("usr/share/vex/sed.openvex.json", BY_VEXCTL),
    );
    let output = trial.command(&image, "").args(["--format", "json"]).output().unwrap();
    let checked = Checked::of(&output);
    assert_eq!((checked.exit, vulnerabilities(&checked).len()), (1, 1));
    assert_eq!(checked.report["policy"]["vex"], json!([]));
}

#[test]
fn a_waiver_goes_before_a_document_and_a_document_is_not_written_over() {
    let trial = trial();
    trial.room.write("openvex.json", BY_VEXCTL);
    let waiver = "[[waivers]]\nrule = \"vulnerability\"\npackage = \"sed\"\nreason = \"r\"\nowner = \"o\"\nexpires = \"2026-02-01\"\n";
    let checked = check(&trial, &format!("{NAMED}{waiver}"), &[]);
    let finding = checked.finding("vulnerability");
    assert_eq!(
        (&finding["policy"]["action"], finding["vex"].as_array().unwrap().len()),
        (&"waiver".into(), 1)
    );
    assert_eq!(checked.report["policy"]["vex"][0]["findings"], 0);
    for (policy, more) in
        [(NAMED, &["-o", "openvex.json"][..]), ("", &["--vex", "openvex.json", "-o", "openvex.json"])]
    {
        assert!(refused(&trial, policy, more).contains("would be overwritten by --output"));
    }
    assert_eq!(std::fs::read_to_string(trial.room.path("openvex.json")).unwrap(), BY_VEXCTL);
}
