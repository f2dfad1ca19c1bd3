//! What people read, whole, so that a change of it is seen as they would see it.

use std::sync::Arc;

use super::super::fixture::{self, *};
use super::super::{FindingReport, ImageIdentity, Note, Origin, RuleReport};
use super::*;
use crate::report::stream::written;
use crate::rules::Severity;

fn normal(report: &Report) -> String {
    written(|out| write(report, &Style::default(), out))
}

fn with(report: &Report, verbosity: Verbosity) -> String {
    written(|out| write(report, &Style { verbosity, ..Style::default() }, out))
}

/// On no base, as root, with setuid programs.
fn bad() -> ImageReport {
    let mut image = image();
    image.identity.source = "bad.tar".into();
    image.identity.names = Vec::new();
    image.contents.base = missing_base();
    image.contents.config.user = None;
    image.contents.config.effective_uid = Some(0);
    for layer in &mut image.contents.layers {
        layer.origin = Origin::Upper;
    }
    let setuid = |severity, path| {
        finding("setuid-file", severity, path, "a setuid program that runs as uid 0 whoever starts it")
    };
    let no_base = "the image stands on no base of the catalog; 1 of the 2 layers of debian-base:12 agree, \
                   and layer 1 is another";
    let as_root = finding("user-root", Severity::High, "", "the image runs as uid 0: USER is not set");
    let findings = vec![
        finding("base-not-official", Severity::Critical, "", no_base),
        setuid(Severity::High, "/usr/bin/find"),
        setuid(Severity::High, "/usr/bin/with space"),
        FindingReport { layer: None, ..as_root },
        FindingReport { effective: false, ..setuid(Severity::Low, "/tmp/su") },
    ];
    with_findings(image, findings)
}

/// Good as far as could be told without a catalog.
fn without_catalog() -> ImageReport {
    let reason = "no catalog of bases was given (--bases)";
    let mut image = image();
    image.contents.base = unasked_base(reason);
    image.contents.layers.iter_mut().for_each(|layer| layer.origin = Origin::Upper);
    let not_asked = |rule| outcome(rule, Outcome::NotEvaluated, Some(reason));
    image.rules.retain(|rule| !rule.rule.starts_with("base-"));
    image.rules.extend(["base-deprecated", "base-not-official", "base-revoked"].map(not_asked));
    image.rules.sort_by_key(|rule| rule.rule);
    image
}

fn modified(number: usize) -> Vec<FindingReport> {
    let path = |number| format!("/usr/bin/tool{number:02}");
    let tell = |path: String| {
        finding("base-file-modified", Severity::High, &path, "a file of the base has other content")
    };
    (0..number).map(path).map(tell).collect()
}

#[test]
fn a_passing_image_says_what_was_proven() {
    assert_eq!(
        normal(&report(vec![image()])),
        "\
PASS   app.tar
       example.com/shop/app:1.4, linux/amd64 · oci-archive
  Base     debian-base:12 (official) → java-base:12 (custom) → application
           2 layers verified, 1 above
  Runs     as uid 10001 (USER app): /usr/bin/java -jar /app.jar
  Checked  manifest, config and 3 layers are what their digests say
  Rules    8 passed
"
    );
}

#[test]
fn a_failing_image_says_what_where_and_what_to_do() {
    assert_eq!(
        normal(&report(vec![bad()])),
        "\
FAIL   bad.tar
       no name, linux/amd64 · oci-archive
  Base     none of the catalog: 1 of the 2 layers of debian-base:12 agree, and
           layer 1 is another
  Runs     as uid 0 (USER is not set): /usr/bin/java -jar /app.jar
  Checked  manifest, config and 3 layers are what their digests say
  Rules    2 failed, 6 passed

  CRITICAL  base-not-official
    the image stands on no base of the catalog; 1 of the 2 layers of
    debian-base:12 agree, and layer 1 is another
      layer 2 · RUN chmod u+s /usr/bin/find
    → mend base-not-official

  HIGH      setuid-file (2)
    /usr/bin/find
    \"/usr/bin/with space\"
      a setuid program that runs as uid 0 whoever starts it
      layer 2 · RUN chmod u+s /usr/bin/find
    → mend setuid-file

  HIGH      user-root
    the image runs as uid 0: USER is not set
    → mend user-root

  Told only (below medium):

  LOW       setuid-file
    /tmp/su
      a setuid program that runs as uid 0 whoever starts it
      layer 2 · RUN chmod u+s /usr/bin/find
      not in the final image: a later layer took it away
    → mend setuid-file

5 findings: 1 critical, 3 high, 1 low (fails at medium)
Next: ocicheck rules explain base-not-official
"
    );
}

#[test]
fn without_a_catalog_the_base_is_not_said_to_be_good() {
    assert_eq!(
        normal(&report(vec![without_catalog()])),
        "\
PASS   app.tar
       example.com/shop/app:1.4, linux/amd64 · oci-archive
  Base     not evaluated: no catalog of bases was given (--bases)
  Runs     as uid 10001 (USER app): /usr/bin/java -jar /app.jar
  Checked  manifest, config and 3 layers are what their digests say
  Rules    3 not evaluated, 7 passed

  Not evaluated, so not passed:
    3 rules: no catalog of bases was given (--bases)

Next: name the approved bases with --bases FILE to have the base proven too
"
    );
}

#[test]
fn many_images_begin_with_the_verdict_on_all() {
    let mut report = with_errors(vec![image(), without_catalog()], vec![error()]);
    report.notes = vec![Note {
        source: "app.tar".into(),
        message: "the index lists linux/arm64, which is not there".into(),
    }];
    assert_eq!(
        normal(&report),
        "\
ERROR  3 images: 2 pass, 1 could not be checked

PASS   app.tar
       example.com/shop/app:1.4, linux/amd64 · oci-archive
  Base     debian-base:12 (official) → java-base:12 (custom) → application
           2 layers verified, 1 above
  Runs     as uid 10001 (USER app): /usr/bin/java -jar /app.jar
  Checked  manifest, config and 3 layers are what their digests say
  Rules    8 passed

PASS   app.tar
       example.com/shop/app:1.4, linux/amd64 · oci-archive
  Base     not evaluated: no catalog of bases was given (--bases)
  Runs     as uid 10001 (USER app): /usr/bin/java -jar /app.jar
  Checked  manifest, config and 3 layers are what their digests say
  Rules    3 not evaluated, 7 passed

  Not evaluated, so not passed:
    3 rules: no catalog of bases was given (--bases)

ERROR  missing.tar
       cannot be opened: No such file or directory
       → name an archive or a directory

Note   app.tar: the index lists linux/arm64, which is not there

3 images: 2 pass, 1 could not be checked
Next: mend what could not be checked, and check again
"
    );
}

#[test]
fn quiet_is_one_line_for_each_image() {
    let mut errored = image();
    errored.verdict = Verdict::Error;
    let report = with_errors(vec![image(), bad(), errored], vec![error()]);
    assert_eq!(
        with(&report, Verbosity::Quiet),
        "\
PASS   app.tar (example.com/shop/app:1.4, linux/amd64)
FAIL   bad.tar (no name, linux/amd64): 1 critical, 3 high
ERROR  app.tar (example.com/shop/app:1.4, linux/amd64): required rules not evaluated
ERROR  missing.tar: cannot be opened: No such file or directory
"
    );
}

#[test]
fn verbose_tells_all() {
    let mut finding = finding("diff-id-mismatch", Severity::Critical, "", "the layer is another");
    finding.evidence.insert("declared".into(), digest('1').into());
    finding.evidence.insert("sizes".into(), serde_json::json!(["1", "2"]));
    assert_eq!(
        with(&report(vec![with_findings(without_catalog(), vec![finding])]), Verbosity::Verbose),
        "\
FAIL   app.tar
       example.com/shop/app:1.4, linux/amd64 · oci-archive
  Base     not evaluated: no catalog of bases was given (--bases)
  Runs     as uid 10001 (USER app): /usr/bin/java -jar /app.jar
  Checked  NOT proven to be what it says (diff-id-mismatch)
  Rules    1 failed, 3 not evaluated, 6 passed
  Manifest sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
  In index sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
  Config   sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
  Layers   0 upper, 4.0 kB · ADD rootfs.tar / in /
             sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
           1 upper, 4.0 kB · RUN apt-get install -y openjdk-17-jre-headless
             sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee
           2 upper, 4.0 kB · COPY app.jar /app.jar
             sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee

  CRITICAL  diff-id-mismatch
    the layer is another
      declared: sha256:1111111111111111111111111111111111111111111111111111111111111111
      sizes: [\"1\",\"2\"]
      layer 2 · RUN chmod u+s /usr/bin/find
    → mend diff-id-mismatch

  Not evaluated, so not passed:
    3 rules: no catalog of bases was given (--bases)
      base-deprecated, base-not-official, base-revoked

1 finding: 1 critical (fails at medium)
Next: ocicheck rules explain diff-id-mismatch
"
    );
}

#[test]
fn what_could_not_be_evaluated_says_why_it_is_an_error() {
    let mut image = image();
    image.verdict = Verdict::Error;
    let reason = Some("layer 2 could not be read");
    image.rules.retain(|rule| rule.rule != "layer-unsupported");
    image.rules.push(RuleReport { findings: 1, ..outcome("layer-unsupported", Outcome::Fail, None) });
    image.rules.push(RuleReport { findings: 2, ..outcome("ambiguous-entry", Outcome::Fail, reason) });
    image.rules.push(outcome("user-unknown", Outcome::NotEvaluated, reason));
    assert_eq!(
        normal(&report(vec![image])),
        "\
ERROR  app.tar
       example.com/shop/app:1.4, linux/amd64 · oci-archive
  Why      rules that the profile requires could not be evaluated; see below
  Base     debian-base:12 (official) → java-base:12 (custom) → application
           2 layers verified, 1 above
  Runs     as uid 10001 (USER app): /usr/bin/java -jar /app.jar
  Checked  NOT proven to be what it says (layer-unsupported)
  Rules    2 failed, 1 not evaluated, 7 passed

  Not evaluated, so not passed:
    user-unknown: layer 2 could not be read

  Failed, and could not look at everything:
    ambiguous-entry: layer 2 could not be read

Next: mend what could not be checked, and check again
"
    );
}

#[test]
fn many_paths_fold_and_verbose_lists_them() {
    let folded = normal(&report(vec![with_findings(image(), modified(42))]));
    let block = folded.split_once("\n\n").map(|(_, block)| block);
    assert_eq!(
        block,
        Some(
            "  HIGH      base-file-modified (42)
    /usr/bin/tool00
    /usr/bin/tool01
    /usr/bin/tool02
    /usr/bin/tool03
    /usr/bin/tool04
      a file of the base has other content
    … and 37 more (-v and JSON list all)
      layer 2 · RUN chmod u+s /usr/bin/find
    → mend base-file-modified

42 findings: 42 high (fails at medium)
Next: ocicheck rules explain base-file-modified
"
        )
    );
    let all = with(&report(vec![with_findings(image(), modified(42))]), Verbosity::Verbose);
    assert!(all.contains("/usr/bin/tool41\n") && !all.contains("more"), "{all}");
    let six = normal(&report(vec![with_findings(image(), modified(6))]));
    assert!(
        six.contains("/usr/bin/tool05\n") && !six.contains("more"),
        "one more takes no more room:\n{six}"
    );
}

#[test]
fn each_thing_to_do_is_said_once_for_a_rule() {
    let text = normal(&report(vec![with_findings(image(), modified(3))]));
    assert_eq!(text.matches("→ mend base-file-modified").count(), 1, "{text}");
}

#[test]
fn a_revoked_base_measures_nothing() {
    let mut image = image();
    image.contents.base.lineage.truncate(1);
    image.contents.base.lineage[0].state = "revoked".into();
    image.contents.layers.iter_mut().for_each(|layer| layer.origin = Origin::Upper);
    let text = normal(&report(vec![image]));
    let base = "  Base     debian-base:12 (official, revoked) → application\n           \
                no approved base among them, so every layer counts as new\n";
    assert!(text.contains(base), "{text}");
}

#[test]
fn of_several_names_the_one_that_says_most_is_shown() {
    let title = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).into()).collect();
        image::title(&ImageIdentity { names, ..fixture::identity() })
    };
    assert_eq!(title(&[]), "no name, linux/amd64");
    assert_eq!(title(&["1.0"]), "1.0, linux/amd64");
    assert_eq!(title(&["1.0", "a.example/app:1.0"]), "a.example/app:1.0, linux/amd64");
    assert_eq!(title(&["a:1", "a:2", "b:1"]), "a:1 and 2 more names, linux/amd64");
}

#[test]
fn nothing_from_an_image_steers_the_terminal() {
    let hostile = "\u{1b}[2J\u{202e}\r\nFAKE";
    let mut image = image();
    for text in [
        &mut image.identity.source,
        &mut image.identity.form,
        &mut image.identity.platform.os,
        &mut image.identity.platform.architecture,
        &mut image.contents.config.cmd[0],
        &mut image.identity.names[0],
        &mut image.contents.base.lineage[0].name,
    ] {
        *text = hostile.into();
    }
    image.identity.platform.variant = Some(hostile.into());
    image.contents.config.user = Some(hostile.into());
    image.contents.layers[0].created_by = Some(hostile.into());
    image.rules.push(outcome("user-unknown", Outcome::NotEvaluated, Some(hostile)));
    let mut bad = finding("user-root", Severity::High, hostile, hostile);
    bad.remediation = hostile.into();
    bad.evidence.insert("user".into(), hostile.into());
    bad.evidence.insert("users".into(), serde_json::json!([hostile]));
    if let Some(layer) = bad.layer.as_mut().and_then(Arc::get_mut) {
        layer.created_by = Some(hostile.into());
    }
    let mut unasked = without_catalog();
    unasked.contents.base.reason = Some(hostile.into());
    let mut near = super::tests::bad();
    near.identity.names = vec![format!("{hostile}:1"), format!("{hostile}:2")];
    near.contents.base.nearest.as_mut().unwrap().explanation = hostile.into();
    let mut error = error();
    (error.source, error.message, error.hint) = (hostile.into(), hostile.into(), Some(hostile.into()));
    let mut report = with_errors(vec![with_findings(image, vec![bad]), unasked, near], vec![error]);
    report.notes = vec![Note { source: hostile.into(), message: hostile.into() }];
    for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
        let text = with(&report, verbosity);
        let steers = |char: char| char != '\n' && (char.is_control() || char == '\u{202e}');
        assert!(!text.contains(steers), "{text:?}");
        assert!(!text.lines().any(|line| line.starts_with("FAKE")), "a line was broken:\n{text}");
    }
}

#[test]
fn colour_changes_no_word() {
    let report = full();
    let colored = written(|out| write(&report, &Style { color: true, ..Style::default() }, out));
    let mut plain = String::new();
    for (number, part) in colored.split('\u{1b}').enumerate() {
        plain.push_str(if number == 0 { part } else { part.split_once('m').unwrap().1 });
    }
    assert_ne!(plain, colored);
    assert_eq!(plain, normal(&report));
}

#[test]
fn every_report_is_well_shaped_at_every_width() {
    for report in [full(), sparse(), report(Vec::new()), with_errors(Vec::new(), vec![error()])] {
        for width in [0, 40, 80, 200] {
            for verbosity in [Verbosity::Quiet, Verbosity::Normal, Verbosity::Verbose] {
                let text = written(|out| write(&report, &Style { color: false, width, verbosity }, out));
                assert!(text.is_empty() || text.ends_with('\n') && !text.ends_with("\n\n"), "{text:?}");
                assert!(
                    !text.contains("\n\n\n") && !text.contains(" \n") && !text.starts_with('\n'),
                    "{text}"
                );
                assert!(!text.contains(": \n"), "{text}");
            }
        }
    }
}

#[test]
fn lines_keep_to_the_width_where_words_allow() {
    let text = written(|out| write(&report(vec![bad()]), &Style { width: 60, ..Style::default() }, out));
    let long: Vec<_> = text.lines().filter(|line| line.chars().count() > 60).collect();
    assert_eq!(long, Vec::<&str>::new());
}

#[test]
fn what_the_policy_accepts_is_told_with_who_answers_for_it() {
    let findings = vec![
        finding("setgid-file", Severity::Medium, "/usr/bin/wall", "a setgid program"),
        fixture::accepted(Some("2027-03-31"), Some("shop-team")),
    ];
    let mut report = report(vec![with_findings(image(), findings)]);
    report.policy.waivers = vec![waiver(WaiverStatus::Unused), waiver(WaiverStatus::Expired)];
    let text = normal(&report);
    let told = text.split_once("  Accepted:\n").expect("what is accepted").1;
    assert_eq!(
        told,
        "  high      setuid-file
    /usr/bin/helper
      policy line 12: replaced in release 2 (shop-team), until 2027-03-31

Note   built-in:12: the waiver of setuid-file (shop-team) accepts nothing:
       remove it, or mend it
Note   built-in:12: the waiver of setuid-file (shop-team) expired on 2026-03-31

2 findings: 1 high, 1 medium (fails at medium); 1 of them accepted
Next: ocicheck rules explain setgid-file
"
    );
}
