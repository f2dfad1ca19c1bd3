//! Alpine's secdb, and those of distributions that use apk as Alpine does: for each package of a repository the
//! versions that have fixes, and what they fix.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::json::{Many, Object, Text};
use super::{Skip, Skips};
use crate::advisories::ecosystem::Ecosystem;
use crate::advisories::record::{Affected, End, Fix, Range, Record, is_cve, short};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Secdb {
    distroversion: Text,
    reponame: Text,
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

/// Reads a secdb. An issue of several packages is a record for each; the database makes one of them. Yields the release,
/// and which of its repositories it is of (`main`); empty where it does not say.
///
/// # Errors
/// What is wrong with the document.
pub(super) fn read(
    document: &[u8],
    skips: &mut Skips,
    mut sink: impl FnMut(Record) -> Result<(), String>,
) -> Result<(String, String), String> {
    let secdb: Secdb = serde_json::from_slice(document).map_err(|error| error.to_string())?;
    let ecosystem = ecosystem(&secdb)?;
    let repository = short(&secdb.reponame.0);
    for Object(entry) in secdb.packages.0 {
        let package = entry.pkg.0;
        let name = package.name.0.trim().to_owned();
        if name.is_empty() {
            skips.count(Skip::NoPackage);
            continue;
        }
        for (version, issues) in package.secfixes.0 {
            for issue in issues.texts() {
                let words = words(&issue);
                for id in ids(&words) {
                    let is_other = |word: &&String| *word != id && !is_cve(word);
                    let related = words.iter().filter(is_other).cloned().collect();
                    let affected = vec![affected(&ecosystem, &name, version.trim())];
                    sink(Record { id: id.clone(), related, affected, ..Record::default() })?;
                }
            }
        }
    }
    Ok((ecosystem.to_string(), repository))
}

/// The words of an entry: names of issues, and what is said of them. CVEs are written `CVE 2018-16859`, too.
fn words(entry: &str) -> Vec<String> {
    let odd = entry.strip_prefix("CVE").and_then(|rest| rest.strip_prefix([' ', '_']));
    let cve = odd.map(|number| format!("CVE-{number}"));
    let words = cve.as_deref().unwrap_or(entry).split_whitespace();
    words.map(str::to_owned).collect()
}

/// The issues that an entry is about: its CVEs; without any, the first word that may be a name. No word is another name
/// of one: `CVE-2016-9815 XSA-201` and `CVE-2016-9816 XSA-201` are two issues, and `(fixed)` is none.
fn ids(words: &[String]) -> Vec<&String> {
    let cves: Vec<&String> = words.iter().filter(|word| is_cve(word)).collect();
    if !cves.is_empty() {
        return cves;
    }
    let is_name = |word: &&String| word.bytes().any(|byte| byte.is_ascii_digit());
    words.iter().find(is_name).or(words.first()).into_iter().collect()
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
                "{} {:?} {:?} {} {} {end:?} {:?}",
                record.id, record.aliases, record.related, affected.package, affected.ecosystem, affected.fix
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
                "CVE-2022-3358 [] [] openssl Alpine:3.18 None NotAffected",
                "CVE-2023-2650 [] [] openssl Alpine:3.18 Some(Fixed(\"3.1.1-r0\")) AsRanges",
                "CVE-2019-17351 [] [\"XSA-300\"] xen Alpine:3.18 Some(Fixed(\"4.17.0-r2\")) AsRanges",
            ]
        );
    }

    /// Xen's advisories have several CVEs each, so that no name of one is one of a CVE; nor are words about it.
    #[test]
    fn each_cve_of_an_entry_is_an_issue_of_its_own() {
        let named = |entry: &str| {
            let document = format!(
                r#"{{"distroversion": "v3.18", "packages": [{{"pkg": {{"name": "x", "secfixes": {{"1-r0": ["{entry}"]}}}}}}]}}"#
            );
            let told = told(&document).unwrap();
            told.iter().map(|told| told.split_once(" x Alpine").unwrap().0.to_owned()).collect::<Vec<_>>()
        };
        for (entry, expected) in [
            ("CVE-2016-9815 XSA-201", &["CVE-2016-9815 [] [\"XSA-201\"]"][..]),
            (
                "CVE-2018-3620 CVE-2018-3646 XSA-273",
                &["CVE-2018-3620 [] [\"XSA-273\"]", "CVE-2018-3646 [] [\"XSA-273\"]"],
            ),
            ("CVE-2018-14881 (BGP)", &["CVE-2018-14881 [] [\"(BGP)\"]"]),
            // No number yet: the advisory has one.
            ("CVE-????-????? XSA-292", &["XSA-292 [] [\"CVE-????-?????\"]"]),
            ("CVE 2018-16859", &["CVE-2018-16859 [] []"]),
            ("CVE_2019-2426", &["CVE-2019-2426 [] []"]),
            ("XSA-248", &["XSA-248 [] []"]),
            ("regression fix", &["regression [] [\"fix\"]"]),
            ("", &[]),
        ] {
            assert_eq!(named(entry), expected, "{entry}");
        }
    }

    #[test]
    fn a_rolling_distribution_is_known_by_where_its_packages_lie() {
        let document = r#"{"apkurl": "{{urlprefix}}/{{arch}}/{{pkg.name}}-{{pkg.ver}}.apk", "reponame": "os",
            "urlprefix": "https://packages.wolfi.dev", "packages": [
              {"pkg": {"name": "go", "secfixes": {"1.20-r0": ["CVE-2023-0003"]}}}]}"#;
        assert_eq!(
            told(document).unwrap(),
            ["CVE-2023-0003 [] [] go Wolfi Some(Fixed(\"1.20-r0\")) AsRanges"]
        );
        assert!(told(r#"{"packages": [], "apkurl": ""}"#).unwrap_err().contains("without a release"));
        assert!(told(r#"{"packages": 1"#).is_err());
    }
}
