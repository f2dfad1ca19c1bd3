//! Reports for tests of the renderers: a passing image, and pieces to spoil it with.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::stream::written;
use super::*;
use crate::policy::vex::Status;

/// A digest that a person can tell from another.
pub(super) fn digest(digit: char) -> String {
    format!("sha256:{}", digit.to_string().repeat(64))
}

/// An image of two base layers and one above, without findings.
pub(super) fn image() -> ImageReport {
    let passed = [
        "base-not-official",
        "blob-missing",
        "diff-id-mismatch",
        "digest-mismatch",
        "layer-count-mismatch",
        "layer-unsupported",
        "setuid-file",
        "user-root",
    ];
    ImageReport {
        identity: identity(),
        verdict: Verdict::Pass,
        contents: contents(),
        findings: Vec::new(),
        rules: passed.map(|rule| outcome(rule, Outcome::Pass, None)).to_vec(),
        packages: None,
        heard: Heard::default(),
    }
}

/// Which image that is.
pub(super) fn identity() -> ImageIdentity {
    ImageIdentity {
        source: "app.tar".into(),
        form: "oci-archive".into(),
        names: vec!["example.com/shop/app:1.4".into()],
        manifest_digest: Some(digest('a')),
        index_digests: vec![digest('c')],
        config_digest: digest('b'),
        platform: PlatformReport { os: "linux".into(), architecture: "amd64".into(), variant: None },
    }
}

/// What it is made of.
pub(super) fn contents() -> ImageContents {
    ImageContents {
        base: BaseReport {
            status: BaseState::Verified,
            reason: None,
            lineage: vec![lineage("debian-base", "official", 1), lineage("java-base", "custom", 2)],
            nearest: None,
        },
        config: ConfigReport {
            user: Some("app".into()),
            effective_uid: Some(10_001),
            entrypoint: vec!["/usr/bin/java".into(), "-jar".into()],
            cmd: vec!["/app.jar".into()],
            working_dir: "/".into(),
            env: vec!["PATH=/usr/bin".into()],
            exposed_ports: Vec::new(),
            volumes: Vec::new(),
            labels: BTreeMap::new(),
            created: None,
        },
        layers: vec![
            layer(0, Origin::Base, "ADD rootfs.tar / in /"),
            layer(1, Origin::Base, "RUN apt-get install -y openjdk-17-jre-headless"),
            layer(2, Origin::Upper, "COPY app.jar /app.jar"),
        ],
    }
}

/// A base in the lineage.
pub(super) fn lineage(name: &str, tier: &str, layers: usize) -> LineageReport {
    LineageReport {
        name: name.into(),
        version: "12".into(),
        tier: tier.into(),
        state: "approved".into(),
        layers,
        chain_id: digest('c'),
    }
}

/// A layer.
pub(super) fn layer(index: usize, origin: Origin, step: &str) -> LayerReport {
    LayerReport {
        index,
        digest: Some(digest('d')),
        diff_id: Some(digest('e')),
        chain_id: Some(digest('f')),
        media_type: Some("application/vnd.oci.image.layer.v1.tar+gzip".into()),
        compression: Some("gzip".into()),
        size: Some(1_000),
        uncompressed_size: Some(4_096),
        origin,
        created_by: Some(step.into()),
        entries: Some(3),
    }
}

/// What became of a rule.
pub(super) fn outcome(rule: &'static str, outcome: Outcome, reason: Option<&str>) -> RuleReport {
    RuleReport { rule, outcome, reason: reason.map(str::to_owned), required: false, findings: 0 }
}

/// A finding that fails, of layer 2; without a path where it is empty.
pub(super) fn finding(rule: &'static str, severity: Severity, path: &str, message: &str) -> FindingReport {
    FindingReport {
        rule,
        severity,
        status: if severity >= Severity::Medium { FindingStatus::Fail } else { FindingStatus::Warn },
        message: message.to_owned().into(),
        path: Some(path.to_owned()).filter(|path| !path.is_empty()),
        layer: Some(Arc::new(LayerPlace {
            index: 2,
            diff_id: Some(digest('e')),
            created_by: Some("RUN chmod u+s /usr/bin/find".into()),
        })),
        effective: true,
        policy: None,
        vex: Vec::new(),
        content_sha256: None,
        evidence: Evidence::default(),
        remediation: format!("mend {rule}").into(),
        fingerprint: "0123456789abcdef0123456789abcdef".into(),
        references: [].into(),
    }
}

/// The image with these findings: their rules failed where they fail.
pub(super) fn with_findings(mut image: ImageReport, findings: Vec<FindingReport>) -> ImageReport {
    for finding in &findings {
        let fails = finding.status == FindingStatus::Fail;
        if fails {
            image.verdict = image.verdict.max(Verdict::Fail);
        }
        let now = if fails { Outcome::Fail } else { Outcome::Pass };
        match image.rules.iter_mut().find(|rule| rule.rule == finding.rule) {
            Some(rule) => (rule.outcome, rule.findings) = (now, rule.findings + 1),
            None => image.rules.push(RuleReport { findings: 1, ..outcome(finding.rule, now, None) }),
        }
    }
    image.rules.sort_by_key(|rule| rule.rule);
    image.findings = findings;
    image
}

/// A report of images only.
pub(super) fn report(images: Vec<ImageReport>) -> Report {
    with_errors(images, Vec::new())
}

/// A report of images and errors.
pub(super) fn with_errors(images: Vec<ImageReport>, errors: Vec<ErrorReport>) -> Report {
    let worst = images.iter().map(|image| image.verdict).max().unwrap_or(Verdict::Pass);
    Report {
        schema_version: SCHEMA_VERSION,
        tool: Tool { name: "ocicheck", version: "0.1.0" },
        policy: PolicyInfo {
            source: "built-in".into(),
            discovered: false,
            sha256: "0".repeat(64),
            profile: "standard".into(),
            environment: None,
            fail_on: Severity::Medium,
            waivers: Vec::new(),
            baseline: None,
            vex: Vec::new(),
        },
        verdict: if errors.is_empty() { worst } else { Verdict::Error },
        summary: builder::summary(&images, errors.len()),
        images,
        errors,
        notes: Vec::new(),
        run: Run { started_at: "2026-01-02T03:04:05Z".into(), duration_ms: 12, jobs: 2 },
    }
}

/// An error as the command line makes it.
pub(super) fn error() -> ErrorReport {
    ErrorReport {
        source: "missing.tar".into(),
        message: "missing.tar: cannot be opened: No such file or directory".into(),
        hint: Some("name an archive or a directory".into()),
    }
}

/// As [`identity`], with every field filled.
pub(super) fn full_identity() -> ImageIdentity {
    let mut identity = identity();
    identity.platform.variant = Some("v3".into());
    identity
}

/// As [`contents`], with every field filled and bases in every state.
pub(super) fn full_contents() -> ImageContents {
    let mut contents = contents();
    let config = &mut contents.config;
    config.created = Some("2026-01-02T03:04:05Z".into());
    config.labels = BTreeMap::from([("org.opencontainers.image.title".to_owned(), "app".to_owned())]);
    config.exposed_ports = vec!["8080/tcp".into()];
    config.volumes = vec!["/data".into()];
    let of_state = |state: &str| LineageReport { state: state.into(), ..lineage("b", "custom", 2) };
    contents.base.lineage.extend(["deprecated", "revoked"].map(of_state));
    contents
}

/// As [`identity`], with everything null that may be.
pub(super) fn sparse_identity() -> ImageIdentity {
    ImageIdentity { manifest_digest: None, ..identity() }
}

/// As [`contents`], with everything null that may be.
pub(super) fn sparse_contents() -> ImageContents {
    let mut contents = contents();
    (contents.config.user, contents.config.effective_uid) = (None, None);
    for layer in &mut contents.layers {
        *layer = LayerReport {
            digest: None,
            diff_id: None,
            chain_id: None,
            media_type: None,
            compression: None,
            size: None,
            uncompressed_size: None,
            created_by: None,
            entries: None,
            ..layer.clone()
        };
    }
    contents
}

/// A report in which every field is filled and every value of every list of values stands.
pub(super) fn full() -> Report {
    let findings = Severity::WORST_FIRST.into_iter().map(|severity| FindingReport {
        effective: severity > Severity::Low,
        evidence: serde_json::from_value(
            json!({ "text": "4755", "number": 2, "flag": true, "list": ["a", "b"] }),
        )
        .expect("named values"),
        references: ["OCI image spec"].into(),
        ..finding("setuid-file", severity, "/usr/bin/find", "a setuid program")
    });
    let accepted = [
        accepted(Some("2027-03-31"), Some("shop-team")),
        FindingReport { policy: Some(line(PolicyAction::Severity)), ..accepted(None, None) },
        FindingReport { policy: Some(line(PolicyAction::Allow)), ..accepted(None, None) },
        known(),
        accepted_by_vex(),
    ];
    let mut failing = with_findings(image(), findings.chain(accepted).collect());
    failing.rules.push(outcome("setgid-file", Outcome::Waived, None));
    (failing.identity, failing.contents) = (full_identity(), full_contents());
    failing.packages = Some(vec![InstalledReport {
        kind: "maven",
        name: "org.example:lib".into(),
        version: "1.0".into(),
        purl: "pkg:maven/org.example/lib@1.0".into(),
        place: "/app/app.jar".into(),
        inside: Some("BOOT-INF/lib/lib-1.0.jar".into()),
        layer: 1,
        origin: Origin::Base,
        advisories: Some(2),
    }]);
    let mut missing = image();
    missing.contents.base = missing_base();
    let mut errored = image();
    errored.verdict = Verdict::Error;
    errored.contents.base = unasked_base("layer 2 could not be read");
    errored.rules.push(outcome("user-unknown", Outcome::NotEvaluated, Some("layer 2 could not be read")));
    let mut report = with_errors(vec![failing, missing, errored], vec![error()]);
    report.policy.environment = Some("production".into());
    report.policy.baseline =
        Some(BaselineReport { source: "before.json".into(), sha256: "2".repeat(64), known: 1 });
    let statuses =
        [WaiverStatus::Used, WaiverStatus::Unused, WaiverStatus::Expired, WaiverStatus::OtherImage];
    report.policy.waivers = statuses.map(waiver).to_vec();
    report.policy.vex = vec![vex_document()];
    report.notes = vec![Note { source: "app.tar".into(), message: "an attestation was left out".into() }];
    report
}

/// A finding that a waiver accepts.
pub(super) fn accepted(expires: Option<&str>, owner: Option<&str>) -> FindingReport {
    FindingReport {
        status: FindingStatus::Waived,
        content_sha256: Some("1".repeat(64)),
        policy: Some(PolicyLine {
            reason: Some("replaced in release 2".into()),
            owner: owner.map(str::to_owned),
            expires: expires.map(str::to_owned),
            ..line(PolicyAction::Waiver)
        }),
        ..finding("setuid-file", Severity::High, "/usr/bin/helper", "a setuid program")
    }
}

/// A finding that a baseline has.
pub(super) fn known() -> FindingReport {
    FindingReport {
        status: FindingStatus::Known,
        ..finding("setuid-file", Severity::High, "/usr/bin/known", "a setuid program")
    }
}

/// A finding that a VEX document accepts; another says something of it, too.
pub(super) fn accepted_by_vex() -> FindingReport {
    let statement = |number, status| StatementReport {
        source: "openvex.json".into(),
        statement: number,
        document: "https://openvex.dev/docs/example/vex-1".into(),
        author: "security@example.com".into(),
        timestamp: "2026-01-01T00:00:00Z".into(),
        vulnerability: "CVE-2026-0001".into(),
        status,
        justification: Some("vulnerable_code_not_present"),
        impact_statement: Some("it was removed by a patch".into()),
        action_statement: Some("none".into()),
        status_notes: Some("reviewed".into()),
        partial: number > 1,
    };
    let statuses = Status::ALL.map(Status::name);
    FindingReport {
        status: FindingStatus::Waived,
        vex: statuses.into_iter().enumerate().map(|(at, status)| statement(at + 1, status)).collect(),
        ..finding("vulnerability", Severity::High, "/lib/apk/db/installed", "openssl has CVE-2026-0001")
    }
}

/// A VEX document with a statement that is about nothing.
pub(super) fn vex_document() -> VexReport {
    VexReport {
        source: "openvex.json".into(),
        sha256: "3".repeat(64),
        id: "https://openvex.dev/docs/example/vex-1".into(),
        author: "security@example.com".into(),
        timestamp: Some("2026-01-01T00:00:00Z".into()),
        statements: 6,
        used: 4,
        other_image: 1,
        unused: vec![UnusedReport { statement: 6, vulnerability: "CVE-2026-0006".into() }],
        findings: 1,
    }
}

/// A line of the policy that did this.
fn line(action: PolicyAction) -> PolicyLine {
    PolicyLine { action, line: 12, reason: None, owner: None, expires: None }
}

/// A waiver that came to this.
pub(super) fn waiver(status: WaiverStatus) -> WaiverReport {
    WaiverReport {
        line: 12,
        rule: "setuid-file",
        status,
        findings: 0,
        reason: "replaced in release 2".into(),
        owner: "shop-team".into(),
        expires: (status != WaiverStatus::Unused).then(|| "2026-03-31".into()),
    }
}

/// Everything that may be null is null.
pub(super) fn sparse() -> Report {
    let mut image = image();
    (image.identity, image.contents) = (sparse_identity(), sparse_contents());
    let bare = FindingReport { layer: None, ..finding("user-root", Severity::High, "", "uid 0") };
    let mut placed = finding("blob-missing", Severity::Critical, "", "not there");
    placed.layer = Some(Arc::new(LayerPlace { index: 1, diff_id: None, created_by: None }));
    let mut vexed = accepted_by_vex();
    for statement in &mut vexed.vex {
        (statement.justification, statement.impact_statement) = (None, None);
        (statement.action_statement, statement.status_notes) = (None, None);
    }
    let mut report = report(vec![with_findings(image, vec![placed, bare, vexed])]);
    report.policy.vex = vec![VexReport { timestamp: None, ..vex_document() }];
    report.errors = vec![ErrorReport { hint: None, ..error() }];
    report
}

/// No base, and one that is near.
pub(super) fn missing_base() -> BaseReport {
    BaseReport {
        status: BaseState::Missing,
        reason: None,
        lineage: Vec::new(),
        nearest: Some(NearestReport {
            name: "debian-base".into(),
            version: "12".into(),
            layers: 2,
            layers_agreed: 1,
            breaks_at: Some(BreakReport { layer: 1, expected: digest('1'), found: Some(digest('2')) }),
            found_at: Some(1),
            other_platform: true,
            content: Some(ContentReport { files: 7_001, equal: 6_912 }),
            explanation: "1 of the 2 layers of debian-base:12 agree, and layer 1 is another".into(),
        }),
    }
}

/// A base that could not be asked for.
pub(super) fn unasked_base(reason: &str) -> BaseReport {
    BaseReport {
        status: BaseState::NotEvaluated,
        reason: Some(reason.to_owned()),
        lineage: Vec::new(),
        nearest: None,
    }
}

/// The JSON that programs get.
pub(super) fn as_json(report: &Report) -> Value {
    serde_json::from_str(&written(|out| json::write(report, out))).expect("what was written can be read")
}
