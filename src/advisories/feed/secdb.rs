//! Alpine's secdb, and those of distributions that use apk as Alpine does: for each package of a repository the
//! versions that have fixes, and what they fix.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::json::{Many, Object, Text};
use super::{Skip, Skips};
use crate::advisories::ecosystem::Ecosystem;
use crate::advisories::record::{Affected, End, Fix, Range, Record, is_cve};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Secdb {
    distroversion: Text,
    urlprefix: Text,
    apkurl: Text,
    packages: Many<Object<Entry>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Entry {
    pkg: Object<Package>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Package {
    name: Text,
    secfixes: Object<BTreeMap<String, Many<Text>>>,
}

/// Whether an object with these keys is a secdb.
pub(super) fn is_secdb(keys: &[String]) -> bool {
    let has = |name: &str| keys.iter().any(|key| key == name);
    has("packages") && (has("apkurl") || has("distroversion") || has("urlprefix"))
}

/// Reads a secdb. An issue of several packages is a record for each; the database makes one of them.
///
/// # Errors
/// What is wrong with the document.
pub(super) fn read(
    document: &[u8],
    skips: &mut Skips,
    mut sink: impl FnMut(Record) -> Result<(), String>,
) -> Result<(), String> {
    let secdb: Secdb = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let ecosystem = ecosystem(&secdb)?;
    for Object(entry) in secdb.packages.0 {
        let package = entry.pkg.0;
        let name = package.name.0.trim().to_owned();
        if name.is_empty() {
            skips.count(Skip::NoPackage);
            continue;
        }
        for (version, issues) in package.secfixes.0 {
            for issue in issues.texts() {
                // `CVE-2019-1234 XSA-300`: two names of one issue.
                let mut names = issue.split_whitespace().map(str::to_owned);
                let Some(first) = names.next() else { continue };
                let mut names: Vec<String> = std::iter::once(first).chain(names).collect();
                let place = names.iter().position(|name| is_cve(name)).unwrap_or(0);
                let id = names.swap_remove(place);
                let affected = vec![affected(&ecosystem, &name, version.trim())];
                sink(Record { id, aliases: names, affected, ..Record::default() })?;
            }
        }
    }
    Ok(())
}

/// Whose packages they are: by the release, or by where the packages lie.
fn ecosystem(secdb: &Secdb) -> Result<Ecosystem, String> {
    let place = format!("{} {}", secdb.urlprefix.0, secdb.apkurl.0);
    let rolling = ["wolfi", "chainguard"].into_iter().find(|name| place.contains(name));
    let (id, release) = match rolling {
        Some(id) => (id, ""),
        None => ("alpine", secdb.distroversion.0.as_str()),
    };
    Ecosystem::of_distribution(id, release).map_err(|error| format!("a secdb of {error}"))
}

fn affected(ecosystem: &Ecosystem, package: &str, version: &str) -> Affected {
    // Version 0 has the fix of what never was in the package.
    let (ranges, fix) = match version {
        "0" => (Vec::new(), Fix::NotAffected),
        version => {
            (vec![Range { introduced: String::new(), end: End::Fixed(version.to_owned()) }], Fix::AsRanges)
        }
    };
    Affected {
        ecosystem: ecosystem.clone(),
        package: package.to_owned(),
        arch: String::new(),
        module: String::new(),
        ranges,
        versions: Vec::new(),
        fix,
        severity: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(document: &str) -> Result<Vec<String>, String> {
        let mut told = Vec::new();
        let mut skips = Skips::default();
        read(document.as_bytes(), &mut skips, |record| {
            let affected = &record.affected[0];
            let end = affected.ranges.first().map(|range| range.end.clone());
            told.push(format!(
                "{} {:?} {} {} {end:?} {:?}",
                record.id, record.aliases, affected.package, affected.ecosystem, affected.fix
            ));
            Ok(())
        })?;
        Ok(told)
    }

    #[test]
    fn fixes_are_intervals_and_version_0_is_not_affected() {
        let document = r#"{"apkurl": "{{urlprefix}}/{{distroversion}}/{{reponame}}", "archs": ["x86_64"],
            "reponame": "main", "urlprefix": "https://example.com/alpine", "distroversion": "v3.18",
            "packages": [
              {"pkg": {"name": "openssl", "secfixes": {"3.1.1-r0": ["CVE-2023-2650"], "0": ["CVE-2022-3358"]}}},
              {"pkg": {"name": "xen", "secfixes": {"4.17.0-r2": ["XSA-300 CVE-2019-17351"]}}},
              {"pkg": {"name": "", "secfixes": {}}}, {"pkg": {"name": "zlib", "secfixes": null}}]}"#;
        assert_eq!(
            told(document).unwrap(),
            [
                "CVE-2022-3358 [] openssl Alpine:3.18 None NotAffected",
                "CVE-2023-2650 [] openssl Alpine:3.18 Some(Fixed(\"3.1.1-r0\")) AsRanges",
                "CVE-2019-17351 [\"XSA-300\"] xen Alpine:3.18 Some(Fixed(\"4.17.0-r2\")) AsRanges",
            ]
        );
    }

    #[test]
    fn a_rolling_distribution_is_known_by_where_its_packages_lie() {
        let document = r#"{"apkurl": "{{urlprefix}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk", "reponame": "os",
            "urlprefix": "https://packages.wolfi.dev", "packages": [
              {"pkg": {"name": "go", "secfixes": {"1.20-r0": ["CVE-2023-0003"]}}}]}"#;
        assert_eq!(told(document).unwrap(), ["CVE-2023-0003 [] go Wolfi Some(Fixed(\"1.20-r0\")) AsRanges"]);
        assert!(told(r#"{"packages": [], "apkurl": ""}"#).unwrap_err().contains("without a release"));
        assert!(told(r#"{"packages": 1"#).is_err());
    }
}
