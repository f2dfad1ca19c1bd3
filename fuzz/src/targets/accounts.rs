//! Account files, as runtimes, sudo and the rules read them.

use ocicheck::report::{FindingReport, Outcome, Report};
use ocicheck::rootfs::accounts::{parse_group, parse_passwd};
use ocicheck::rootfs::resolve_user;

use super::tools::{image_of, judge, parts};

/// passwd, group, shadow, sudoers, a file of sudoers.d and the user, parted by separators. Whatever stands before a line
/// that opens the image does not hide it.
pub fn accounts(data: &[u8]) {
    let parts = parts(data);
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let (passwd, group, shadow, sudoers, included) = (part(0), part(1), part(2), part(3), part(4));
    let user = String::from_utf8_lossy(part(5));
    assert_eq!(
        parse_passwd(passwd).map_err(|e| e.to_string()),
        parse_passwd(passwd).map_err(|e| e.to_string())
    );
    let _ = parse_group(group);
    let readings = resolve_user(&user, Some(passwd), Some(group));
    assert!(
        readings.uids.iter().chain(&readings.gids).all(|id| (0..=i64::from(u32::MAX)).contains(id)),
        "{readings:?}"
    );

    let after = |file: &[u8], line: &str| [file, b"\n\n", line.as_bytes(), b"\n"].concat();
    let passwd = after(passwd, "second-root:x:0:0::/:/bin/sh");
    let shadow = after(shadow, "second-root::19700:0:99999:7:::");
    let sudoers = after(sudoers, "operator ALL=(ALL:ALL) NOPASSWD: ALL");
    let image = image_of([
        ("etc/passwd", &*passwd),
        ("etc/group", group),
        ("etc/shadow", &shadow),
        ("etc/sudoers", &sudoers),
        ("etc/sudoers.d/more", included),
    ]);
    let report = judge(&image.user(&user).oci_archive());
    for (rule, name) in [("account-uid-zero", "second-root"), ("sudo-nopasswd", "operator")] {
        assert!(is_told(&report, rule, name), "{rule} does not tell of the last line: {:?}", report.images);
    }
}

/// Whether a rule has a finding that names it, or says that it could not look.
fn is_told(report: &Report, rule: &str, name: &str) -> bool {
    let mut images = report.images.iter();
    images.any(|image| {
        let names = |finding: &&FindingReport| serde_json::to_string(finding).unwrap().contains(name);
        image.findings.iter().filter(|finding| finding.rule == rule).any(|finding| names(&finding))
            || image.rules.iter().any(|told| told.rule == rule && told.outcome == Outcome::NotEvaluated)
    })
}
