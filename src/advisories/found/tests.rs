use super::super::{Affected, Ecosystem, End, Fix, Kind as Feed, Range, Record, build_of};
use super::*;
use crate::model::ImagePath;
use crate::packages::{Distribution, Source as Built};

/// A database of so many advisories about all versions of a package before 9.
fn advisories(ecosystem: &str, package: &str, count: usize) -> Advisories {
    let affected = Affected {
        ecosystem: Ecosystem::parse(ecosystem).unwrap(),
        package: package.to_owned(),
        arch: String::new(),
        module: String::new(),
        ranges: vec![Range { introduced: String::new(), end: End::Fixed("9".to_owned()) }],
        versions: Vec::new(),
        fix: Fix::AsRanges,
        severity: None,
    };
    let record = |number: usize| {
        let id = format!("PYSEC-{number}");
        (Feed::Osv, Record { id, affected: vec![affected.clone()], ..Record::default() })
    };
    Advisories::of_bytes(build_of((0..count).map(record).collect(), None).unwrap()).unwrap()
}

fn inventory(packages: impl IntoIterator<Item = Installed>) -> Inventory {
    Inventory { packages: packages.into_iter().collect(), ..Inventory::default() }
}

/// `app` in so many versions.
fn versions(count: usize) -> Inventory {
    let package =
        |number: usize| Installed::new(Kind::PyPi, "app", &format!("1.{number}"), ImagePath::root(), 0);
    inventory((0..count).map(package))
}

fn within(inventory: &Inventory, advisories: &Advisories, room: Room) -> Result<Vulnerabilities> {
    Vulnerabilities::within(inventory, advisories, room, Deadline::NONE)
}

#[track_caller]
fn exceeds(outcome: Result<Vulnerabilities>, name: &str) {
    let error = outcome.unwrap_err().to_string();
    assert!(error.contains(name), "{error}");
}

/// A database says as much of each version of a package, and a list of packages may have it in any number of them.
#[test]
fn vulnerabilities_are_held_to_input_findings() {
    let (advisories, inventory) = (advisories("PyPI", "app", 3), versions(2 * ASKED_AT_ONCE));
    let most = 3 * 2 * ASKED_AT_ONCE;
    let within = |findings| within(&inventory, &advisories, Room { findings, ..Room::default() });
    assert_eq!(within(most).unwrap().found.len(), most);
    exceeds(within(most - 1), "INPUT_FINDINGS");
}

/// Whether or not anything is found: each version is compared with all that advisories say.
#[test]
fn comparisons_are_held_to_advisory_comparisons() {
    let advisories = advisories("PyPI", "app", 3);
    let fixed = inventory(
        (0..100)
            .map(|number| Installed::new(Kind::PyPi, "app", &format!("9.{number}"), ImagePath::root(), 0)),
    );
    for inventory in [versions(100), fixed] {
        let within = |comparisons| within(&inventory, &advisories, Room { comparisons, ..Room::default() });
        // An advisory, and its range.
        assert!(within(100 * 3 * 2).is_ok());
        exceeds(within(100 * 3 * 2 - 1), "ADVISORY_COMPARISONS");
    }
    // A long version takes longer: each 64 bytes of it count, begun or whole.
    let long = |length: usize| {
        let version = format!("1.{}", "0".repeat(length - 2));
        inventory([Installed::new(Kind::PyPi, "app", &version, ImagePath::root(), 0)])
    };
    for (length, times) in [(64, 1), (65, 2), (2_000, 32)] {
        let within =
            |comparisons| within(&long(length), &advisories, Room { comparisons, ..Room::default() });
        assert!(within(3 * 2 * times).is_ok(), "{length}");
        exceeds(within(3 * 2 * times - 1), "ADVISORY_COMPARISONS");
    }
    // The same package again is not compared again.
    let same = Installed::new(Kind::PyPi, "app", "1", ImagePath::root(), 0);
    let same = inventory(std::iter::repeat_n(same, 100));
    assert!(within(&same, &advisories, Room { comparisons: 3 * 2, ..Room::default() }).is_ok());
}

/// A package of Debian 12, built from `linux`, that an advisory knows by that name.
fn of_linux(name: &str, version: &str, layer: usize) -> Installed {
    let source = Some(Built { name: "linux".to_owned(), version: None });
    Installed { source, ..Installed::new(Kind::Deb, name, version, ImagePath::new("status"), layer) }
}

fn debian(packages: Vec<Installed>) -> Inventory {
    let distribution = Distribution {
        path: ImagePath::new("etc/os-release"),
        id: "debian".to_owned(),
        version: Some("12".to_owned()),
        codename: None,
        name: None,
    };
    Inventory { distribution: Some(distribution), ..inventory(packages) }
}

/// A kernel has thousands of advisories, and an image may say that any number of packages are built from it.
#[test]
fn packages_that_the_same_is_said_of_are_held_once() {
    let advisories = advisories("Debian:12", "linux", 50);
    let mut packages: Vec<Installed> = (0..200).map(|at| of_linux(&format!("a{at}"), "1", at % 2)).collect();
    packages.push(Installed { architecture: Some("all".to_owned()), ..of_linux("doc", "1", 0) });
    packages.push(of_linux("later", "2", 0));
    let all = within(&debian(packages), &advisories, Room::default()).unwrap();
    assert_eq!(all.found.len(), 50 * 3);
    let groups: Vec<usize> = all.groups.iter().map(Vec::len).collect();
    assert_eq!(groups, [101, 100, 1], "by layer and version, whatever the architecture");
    let of = |id: &str, version: &str, layer: usize| {
        let found = all.found.iter().find(|found| {
            (found.answer.id.as_str(), found.answer.version.as_str(), found.layer) == (id, version, layer)
        });
        all.packages(found.unwrap())
    };
    assert_eq!(of("PYSEC-7", "1", 1), (0..200).filter(|at| at % 2 == 1).collect::<Vec<_>>());
    assert_eq!(of("PYSEC-7", "1", 0).last(), Some(&200));
    assert_eq!(of("PYSEC-49", "2", 0), [201]);
}

#[test]
fn packages_of_vulnerabilities_are_held_to_image_vulnerability_bytes() {
    let advisories = advisories("Debian:12", "linux", 50);
    let packages: Vec<Installed> = (0..20).map(|at| of_linux(&format!("a{}", at % 10), "1", 0)).collect();
    let each = bytes(&packages[0]);
    let inventory = debian(packages);
    let within = |bytes| within(&inventory, &advisories, Room { bytes, ..Room::default() });
    assert_eq!(within(50 * 20 * each).unwrap().found.len(), 50);
    exceeds(within(50 * 20 * each - 1), "IMAGE_VULNERABILITY_BYTES");
}

/// Each answer has the version in it.
#[test]
fn versions_of_packages_are_held_to_advisory_text_bytes() {
    let advisories = advisories("Debian:12", "linux", 2);
    let of = |length: usize| {
        let inventory = debian(vec![of_linux("a", &"1".repeat(length), 0)]);
        Vulnerabilities::of(&inventory, &advisories, Deadline::NONE)
    };
    assert!(of(limits::ADVISORY_TEXT_BYTES).unwrap().found.is_empty());
    exceeds(of(limits::ADVISORY_TEXT_BYTES + 1), "ADVISORY_TEXT_BYTES");
}

fn osv(ecosystem: &str, package: &str, fixed: &str) -> Advisories {
    let range = Range { introduced: String::new(), end: End::Fixed(fixed.to_owned()) };
    let affected = Affected {
        ecosystem: Ecosystem::parse(ecosystem).unwrap(),
        package: package.to_owned(),
        arch: String::new(),
        module: String::new(),
        ranges: vec![range],
        versions: Vec::new(),
        fix: Fix::AsRanges,
        severity: None,
    };
    let record = Record { id: "A-1".to_owned(), affected: vec![affected], ..Record::default() };
    Advisories::of_bytes(build_of(vec![(Feed::Osv, record)], None).unwrap()).unwrap()
}

fn rpm(name: &str, version: &str, source: (&str, &str)) -> Installed {
    let source = Some(Built { name: source.0.to_owned(), version: Some(source.1.to_owned()) });
    Installed { source, ..Installed::new(Kind::Rpm, name, version, ImagePath::new("rpmdb.sqlite"), 0) }
}

/// What each package is told to be: `affected 5.38.2-500`.
fn verdicts(id: &str, release: &str, packages: &[Installed], advisories: &Advisories) -> Vec<String> {
    let distribution = Distribution {
        path: ImagePath::new("etc/os-release"),
        id: id.to_owned(),
        version: Some(release.to_owned()),
        codename: None,
        name: None,
    };
    let inventory = Inventory { distribution: Some(distribution), ..inventory(packages.to_vec()) };
    let all = Vulnerabilities::of(&inventory, advisories, Deadline::NONE).unwrap();
    let told = all.found.iter().flat_map(|found| {
        all.packages(found).iter().map(|number| {
            let name = &inventory.packages[*number].name;
            format!("{name} {} {}", found.answer.verdict.name(), found.answer.version)
        })
    });
    told.collect()
}

/// perl's packages have versions of their own, and its feed speaks of the source's.
#[test]
fn an_rpm_is_held_to_its_sources_version_where_feeds_name_sources() {
    let of = |release: &str| {
        let source = ("perl", &*format!("5.38.2-{release}.azl3"));
        [
            rpm("perl-Carp", &format!("1.54-{release}.azl3"), source),
            rpm("perl-libs", &format!("4:5.38.2-{release}.azl3"), source),
            rpm("perl-version", &format!("8:9.99.29-{release}.azl3"), source),
        ]
    };
    let advisories = osv("Azure Linux:3", "perl", "5.38.2-507");
    let ask = |packages: &[Installed]| verdicts("azurelinux", "3.0", packages, &advisories);
    assert!(ask(&of("509")).is_empty());
    let all = ["perl-Carp", "perl-libs", "perl-version"];
    assert_eq!(ask(&of("500")), all.map(|name| format!("{name} affected 4:5.38.2-500.azl3")));
    // Nobody says which epoch the source has, and the feed tells none.
    assert_eq!(ask(&of("500")[2..]), ["perl-version affected 5.38.2-500.azl3"]);
    assert!(ask(&of("509")[2..]).is_empty());
}

/// Its packages of the same version have the source's epoch, which the name of its file has not.
#[test]
fn the_epoch_of_a_source_is_that_of_its_packages_of_the_same_version() {
    let source = ("perl", "5.32.1-481.el9");
    let [errno, libs] =
        [rpm("perl-Errno", "1.30-481.el9", source), rpm("perl-libs", "4:5.32.1-481.el9", source)];
    let ask = |fixed: &str, packages: &[Installed]| {
        verdicts("rocky", "9.3", packages, &osv("Rocky Linux:9", "perl", fixed))
    };
    let both = [errno.clone(), libs];
    assert!(ask("4:5.32.1-480.el9", &both).is_empty());
    assert_eq!(
        ask("4:5.32.1-482.el9", &both),
        ["perl-Errno affected 4:5.32.1-481.el9", "perl-libs affected 4:5.32.1-481.el9"]
    );
    assert_eq!(ask("5:1.0-1.el9", &both).len(), 2);
    // Alone it could be of any epoch.
    assert_eq!(ask("4:5.32.1-480.el9", &[errno]), ["perl-Errno undecidable 5.32.1-481.el9"]);
}

/// Some builds of modules have no label, but their releases tell what they are.
#[test]
fn an_rpm_of_a_module_without_its_label_is_of_an_unknown_stream() {
    let advisories = osv("AlmaLinux:8", "nodejs", "1:14.21.1-2.module_el8.7.0+3384+c5c1a9b6");
    for (release, told) in [
        ("2.module_el8.5.0+2618+8d46dafd", Some("undecidable")),
        ("2.module+el8.5.0+2618+8d46dafd", Some("undecidable")),
        ("2.el8", None),
        ("3.module_el8.9.0+1+8d46dafd", Some("undecidable")),
    ] {
        let version = format!("1:14.18.2-{release}");
        let node = rpm("nodejs", &version, ("nodejs", &version[2..]));
        let expected: Vec<String> = told.map(|told| format!("nodejs {told} {version}")).into_iter().collect();
        assert_eq!(verdicts("almalinux", "8.7", &[node], &advisories), expected, "{release}");
    }
}
