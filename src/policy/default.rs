//! The policy that is built in.

use crate::digest::Digest;
use crate::rules::{RULES, Settings, Severity};

/// From here on a finding fails.
pub(super) const FAIL_ON: Severity = Severity::Medium;

/// Rules that an official base itself is told of and not refused for: it is what others are
/// measured against.
pub(super) const BASE_IMAGE_TELLS: [&str; 4] = ["file-capability", "setgid-file", "setuid-file", "user-root"];

/// State that package managers and runtimes always touch: shown, not hidden.
///
/// Nothing that is run or that decides who may do what belongs here.
const MUTABLE: [&str; 34] = [
    // Package databases and caches: what was installed, by dpkg, apk and rpm.
    "/etc/apk/world",
    "/lib/apk/db/**",
    "/usr/lib/apk/db/**",
    "/usr/lib/sysimage/rpm/**",
    "/usr/share/rpm/**",
    "/var/cache/**",
    "/var/lib/apt/**",
    "/var/lib/dnf/**",
    "/var/lib/dpkg/**",
    "/var/lib/rpm/**",
    "/var/lib/yum/**",
    // Caches that are rebuilt from what is installed.
    "/etc/ld.so.cache",
    "/usr/share/info/dir",
    "/usr/share/applications/mimeinfo.cache",
    "/usr/lib/*/gconv/gconv-modules.cache",
    "/usr/share/mime/**",
    "/var/lib/systemd/**",
    "/var/lib/pam/**",
    "/var/lib/ucf/**",
    "/var/lib/shells.state",
    // Backups that the account tools leave.
    "/etc/group-",
    "/etc/gshadow-",
    "/etc/passwd-",
    "/etc/shadow-",
    "/etc/subgid-",
    "/etc/subuid-",
    "/etc/.pwd.lock",
    // What runtimes mount over, and what is made anew at each start.
    "/etc/hostname",
    "/etc/hosts",
    "/etc/machine-id",
    "/etc/mtab",
    "/etc/resolv.conf",
    "/run/**",
    "/var/log/**",
];

/// What is ordinarily cleaned away: caches, logs, backups, and the state of packages that were removed.
/// A package database is not: without it nobody sees what is installed.
const REMOVABLE: [&str; 12] = [
    "/etc/*-",
    "/lib/apk/db/*.tar",
    "/run/**",
    "/tmp/**",
    "/usr/share/mime/**",
    "/var/cache/**",
    "/var/lib/apt/**",
    "/var/lib/dpkg/*-old",
    "/var/lib/dpkg/info/*",
    "/var/lib/dpkg/updates/*",
    "/var/log/**",
    "/var/tmp/**",
];

pub(super) fn settings() -> Settings {
    match Settings::new(&MUTABLE, &REMOVABLE) {
        Ok(settings) => settings,
        Err(error) => unreachable!("a built-in glob does not parse, which a test would have shown: {error}"),
    }
}

/// Identifies the policy: two runs with the same digest judged by the same rules.
pub(super) fn digest() -> Digest {
    let mut text = format!("fail_on = {FAIL_ON}\n");
    for rule in RULES {
        text.push_str(&format!("{} = {}\n", rule.id, rule.severity));
    }
    for glob in MUTABLE {
        text.push_str(&format!("mutable {glob}\n"));
    }
    for glob in REMOVABLE {
        text.push_str(&format!("removable {glob}\n"));
    }
    Digest::sha256(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ImagePath;

    #[test]
    fn package_databases_are_mutable_and_programs_are_not() {
        let settings = settings();
        for path in
            ["var/lib/dpkg/status", "var/lib/dpkg/info/a.list", "etc/ld.so.cache", "var/log/apt/term.log"]
        {
            assert!(settings.is_mutable(&ImagePath::new(path)), "{path}");
        }
        for path in
            ["usr/bin/ls", "etc/passwd", "etc/shadow", "var/lib/dpkg", "etc/ld.so.preload", "root/.bashrc"]
        {
            assert!(!settings.is_mutable(&ImagePath::new(path)), "{path}");
        }
    }
}
