use proptest::prelude::*;

use super::build::build_of;
use super::format::{ADVISORY, ENTRY, KEY, MAGIC, PAGE, RANGE, REFERENCE, SCHEMA};
use super::read::Database;
use super::write::sealed;
use crate::advisories::ecosystem::Ecosystem;
use crate::advisories::feed::Kind;
use crate::advisories::query::{Advisories, Question};
use crate::advisories::record::{Affected, End, Fix, Range, Record};
use crate::advisories::severity::{Level, Score, Severity};
use crate::error::{Error, ErrorKind};
use crate::limits;
use crate::read::Section;

fn affected(ecosystem: &str, package: &str, end: End) -> Affected {
    Affected {
        ecosystem: Ecosystem::parse(ecosystem).unwrap(),
        package: package.to_owned(),
        arch: String::new(),
        module: String::new(),
        ranges: vec![Range { introduced: String::new(), end }],
        versions: vec!["0.1-odd".to_owned()],
        fix: Fix::AsRanges,
        severity: Some(Severity { level: Level::High, by: "Debian".to_owned() }),
    }
}

fn record(id: &str, affected: Vec<Affected>) -> Record {
    Record {
        id: id.to_owned(),
        aliases: vec![format!("{id}-alias")],
        related: vec!["CVE-2024-7".to_owned()],
        modified: Some(1_700_000_000),
        summary: format!("summary of {id}"),
        scores: Score::parse("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H").into_iter().collect(),
        references: vec!["https://example.com/1".to_owned()],
        affected,
        ..Record::default()
    }
}

fn small() -> Vec<u8> {
    let fixed = End::Fixed("3.0.11-1".to_owned());
    let records = vec![
        (
            Kind::Osv,
            record("A-1", vec![affected("Debian:12", "openssl", fixed), affected("PyPI", "x", End::Open)]),
        ),
        (Kind::Debian, record("A-2", vec![affected("Debian:12", "curl", End::LastAffected("7".to_owned()))])),
    ];
    build_of(records, None).unwrap()
}

fn open(bytes: &[u8]) -> Result<Database, Error> {
    Database::of(Section::of_bytes(bytes.to_vec()))
}

/// Opens, checks all, and asks all: whatever is wrong must come out by then.
fn all_of(bytes: &[u8]) -> Result<usize, Error> {
    let advisories = Advisories::of_bytes(bytes.to_vec())?;
    advisories.verify()?;
    let mut answers = 0;
    for (ecosystem, name) in [("Debian:12", "openssl"), ("Debian:12", "curl"), ("PyPI", "x")] {
        answers += advisories
            .ask_all(&Question::new(Ecosystem::parse(ecosystem).unwrap(), name, "1"))
            .map_or(0, |all| all.len());
    }
    Ok(answers)
}

#[test]
fn what_is_written_is_read() {
    let bytes = small();
    assert_eq!(all_of(&bytes).unwrap(), 3);
    let advisories = Advisories::of_bytes(bytes.clone()).unwrap();
    let names: Vec<&str> = advisories.ecosystems().iter().map(|ecosystem| ecosystem.name.as_str()).collect();
    assert_eq!(names, ["Debian:12", "PyPI"]);
    assert_eq!(advisories.ecosystems()[1].unfixed, 1);
    assert_eq!(advisories.size(), bytes.len() as u64);
    let question = Question::new(Ecosystem::parse("Debian:12").unwrap(), "openssl", "3.0.9-1");
    let [answer] = advisories.ask(&question).unwrap().try_into().unwrap();
    assert_eq!((answer.id.as_str(), answer.fixed_in.as_deref()), ("A-1", Some("3.0.11-1")));
    assert_eq!((answer.severity.level, answer.severity.by.as_str()), (Level::High, "Debian"));
    assert_eq!(answer.cvss.unwrap().1, Some(9.8));
    assert_eq!((answer.aliases, answer.cves), (vec!["A-1-alias".to_owned()], vec!["CVE-2024-7".to_owned()]));
    assert_eq!((answer.summary.as_str(), answer.modified.as_deref()), ("summary of A-1", Some("2023-11-14")));
}

/// Copied in any order, the same; and no clock is in it.
#[test]
fn the_order_of_what_is_gathered_makes_no_difference() {
    let fixed = |version: &str| End::Fixed(version.to_owned());
    let mut newer = record("A-1", vec![affected("PyPI", "x", fixed("2"))]);
    newer.modified = Some(1_800_000_000);
    let records = [
        record("A-1", vec![affected("PyPI", "x", fixed("1")), affected("PyPI", "y", fixed("1"))]),
        newer,
        record("A-2", vec![affected("npm", "x", fixed("1"))]),
        record("A-1", vec![affected("PyPI", "x", fixed("1")), affected("PyPI", "z", fixed("1"))]),
    ];
    let first = build_of(records.iter().cloned().map(|record| (Kind::Osv, record)).collect(), None).unwrap();
    for rotation in 1..4 {
        let mut records = records.to_vec();
        records.rotate_left(rotation);
        records.reverse();
        let again = build_of(records.into_iter().map(|record| (Kind::Osv, record)).collect(), None).unwrap();
        assert!(again == first, "rotation {rotation}");
    }
    // Of the package of which the newer copy speaks, only that counts; of others all do.
    let advisories = Advisories::of_bytes(first).unwrap();
    let fix = |name: &str| {
        let question = Question::new(Ecosystem::parse("PyPI").unwrap(), name, "0");
        let answers = advisories.ask(&question).unwrap();
        answers.into_iter().map(|answer| answer.fixed_in.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!([fix("x"), fix("y"), fix("z")], [["2"], ["1"], ["1"]]);
}

#[test]
fn a_file_cut_short_anywhere_is_refused() {
    let bytes = small();
    let whole = Section::of_bytes(bytes.clone());
    for length in 0..bytes.len() {
        let error = Database::of(whole.slice(0, length as u64).unwrap()).unwrap_err();
        assert!(error.hint_text().is_some(), "{length}: {error}");
        assert!(length < MAGIC.len() || error.to_string().contains("cut short"), "{length}: {error}");
    }
    let longer = [bytes, vec![0]].concat();
    assert!(all_of(&longer).unwrap_err().to_string().contains("behind its end"));
}

/// Where the records of a database lie, without what fills its pages.
fn places(bytes: &[u8]) -> Vec<usize> {
    let database = open(bytes).unwrap();
    let head = bytes.len() - database.pages.size() as usize;
    let sections = database.header.sections;
    let sizes = [
        (sections.keys, KEY),
        (sections.entries, ENTRY),
        (sections.ranges, RANGE),
        (sections.advisories, ADVISORY),
        (sections.lists, REFERENCE),
        (sections.strings, 1),
    ];
    let of = |(section, size): (super::format::Section, usize)| {
        let start = head + section.offset as usize;
        start..start + section.count as usize * size
    };
    sizes.into_iter().flat_map(of).collect()
}

#[test]
fn any_byte_that_is_changed_is_found() {
    let bytes = small();
    let head = bytes.len() - open(&bytes).unwrap().pages.size() as usize;
    // What fills pages is checked as all else is, and is most of so small a file.
    let filling = (2_000..bytes.len()).step_by(997);
    for place in (0..2_000).chain(places(&bytes)).chain(filling) {
        let mut changed = bytes.clone();
        changed[place] ^= 1 << (place % 8);
        let opened = open(&changed);
        assert_eq!(
            opened.is_err(),
            place < head,
            "{place}: the head is checked when it is opened, and nothing else"
        );
        let error = all_of(&changed).unwrap_err();
        assert!(error.hint_text().is_some(), "{place}: {error}");
    }
}

/// A page that nobody touched may be anything; once it is touched, it is refused.
#[test]
fn a_changed_page_is_refused_when_it_is_touched() {
    let mut bytes = small();
    let advisories = Advisories::of_bytes(bytes.clone()).unwrap();
    let sections = advisories.header().sections;
    let head = bytes.len() - open(&bytes).unwrap().pages.size() as usize;
    let place = head + sections.ranges.offset as usize;
    bytes[place] ^= 1;
    let question = |name| Question::new(Ecosystem::parse("Debian:12").unwrap(), name, "1");
    let advisories = Advisories::of_bytes(bytes).unwrap();
    assert!(advisories.ask(&question("nothing")).unwrap().is_empty(), "no range is read for it");
    let error = advisories.ask(&question("openssl")).unwrap_err();
    assert!(error.to_string().contains("is not as it was written"), "{error}");
    assert!(advisories.verify().is_err());
}

#[test]
fn another_version_of_the_form_is_refused_with_what_to_do() {
    let mut bytes = small();
    bytes[8] = SCHEMA as u8 + 1;
    let error = all_of(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("version 2") && error.hint_text().unwrap().contains("db build"),
        "{error}"
    );
    let error =
        all_of(b"{\"not\": \"a database\", \"but\": \"something else, of more than a head's bytes\"}")
            .unwrap_err();
    assert!(error.to_string().contains("no database"), "{error}");
}

/// A file that holds together, but says what no program of ours writes.
#[test]
fn a_forged_head_is_held_to_the_file() {
    let bytes = small();
    for (field, value) in [(12, 1_u32), (16, u32::MAX), (20, u32::MAX), (20, 0), (16, 0)] {
        let mut bytes = bytes.clone();
        bytes[field..field + 4].copy_from_slice(&value.to_le_bytes());
        assert!(open(&bytes).is_err(), "{field} {value}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever knows the form can seal any bytes: what is read of them is an error or an answer, never a panic.
    #[test]
    fn forged_pages_are_answers_or_errors(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..40)) {
        let mut bytes = small();
        let places = places(&bytes);
        for (index, value) in changes {
            bytes[places[index.index(places.len())]] = value;
        }
        let is_changed = bytes != small();
        let advisories = Advisories::of_bytes(sealed(bytes).unwrap()).unwrap();
        prop_assert_eq!(advisories.verify().is_err(), is_changed, "the SHA-256 of all pages does not hold");
        for (ecosystem, name) in [("Debian:12", "openssl"), ("Debian:12", "curl"), ("PyPI", "x")] {
            let _ = advisories.ask_all(&Question::new(Ecosystem::parse(ecosystem).unwrap(), name, "1"));
        }
    }

    #[test]
    fn any_records_are_written_and_read(
        records in prop::collection::vec(("[A-C]{1,2}", "[a-d]{1,2}", "[0-9]{1,2}", any::<bool>(), 0_i64..3), 0..40),
    ) {
        let made = records.iter().map(|(id, package, version, npm, modified)| {
            let ecosystem = if *npm { "npm" } else { "AlmaLinux:8" };
            let mut record = record(id, vec![affected(ecosystem, package, End::Fixed(version.clone()))]);
            record.modified = Some(*modified);
            (Kind::Osv, record)
        });
        let made: Vec<_> = made.collect();
        let mut reversed = made.clone();
        reversed.reverse();
        let bytes = build_of(made, None).unwrap();
        prop_assert!(bytes == build_of(reversed, None).unwrap());
        let advisories = Advisories::of_bytes(bytes).unwrap();
        advisories.verify().unwrap();
        for (id, package, ..) in &records {
            let told = ["npm", "AlmaLinux:8"].iter().flat_map(|ecosystem| {
                let question = Question::new(Ecosystem::parse(ecosystem).unwrap(), package, "0.1-odd");
                advisories.ask_all(&question).unwrap()
            });
            let told: Vec<_> = told.collect();
            prop_assert!(told.iter().any(|answer| &answer.id == id || answer.also.contains(id)));
        }
    }
}

#[test]
fn a_text_is_held_to_advisory_text_bytes() {
    let of = |length: usize| {
        let mut record = record("A-1", vec![affected("PyPI", "x", End::Open)]);
        record.informational = "i".repeat(length);
        build_of(vec![(Kind::Osv, record)], None)
    };
    let within = Advisories::of_bytes(of(limits::ADVISORY_TEXT_BYTES).unwrap()).unwrap();
    assert!(within.verify().is_ok());
    let error = of(limits::ADVISORY_TEXT_BYTES + 1).unwrap_err();
    assert!(
        error.to_string().contains("ADVISORY_TEXT_BYTES") && error.to_string().contains("A-1"),
        "{error}"
    );
}

#[test]
fn a_list_is_held_to_advisory_list_items() {
    let of = |count: usize| {
        let mut record = record("A-1", vec![affected("PyPI", "x", End::Open)]);
        record.affected[0].versions = (0..count).map(|number| format!("v{number}")).collect();
        build_of(vec![(Kind::Osv, record)], None)
    };
    assert!(Advisories::of_bytes(of(limits::ADVISORY_LIST_ITEMS).unwrap()).unwrap().verify().is_ok());
    assert!(of(limits::ADVISORY_LIST_ITEMS + 1).unwrap_err().to_string().contains("ADVISORY_LIST_ITEMS"));
}

/// What the first bytes say of the header's and the file's length is held to the limits before it is believed.
#[test]
fn a_database_is_held_to_its_limits_by_its_first_bytes() {
    let bytes = small();
    let forged = |at: usize, value: &[u8]| {
        let mut bytes = bytes.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        open(&bytes).unwrap_err().to_string()
    };
    let size = |size: u64| forged(24, &size.to_le_bytes());
    assert!(!size(limits::ADVISORY_DATABASE_BYTES).contains("ADVISORY_DATABASE_BYTES"));
    assert!(size(limits::ADVISORY_DATABASE_BYTES + 1).contains("ADVISORY_DATABASE_BYTES"));
    let header = |size: u64| forged(16, &(size as u32).to_le_bytes());
    assert!(!header(limits::ADVISORY_HEADER_BYTES).contains("ADVISORY_HEADER_BYTES"));
    assert!(header(limits::ADVISORY_HEADER_BYTES + 1).contains("ADVISORY_HEADER_BYTES"));
}

/// Texts of every length, so that some would lie over the end of a page.
#[test]
fn texts_at_the_ends_of_pages_are_read() {
    let records: Vec<_> = (0..400)
        .map(|number| {
            let mut record =
                record(&format!("A-{number}"), vec![affected("npm", &format!("p{number}"), End::Open)]);
            record.summary = "s".repeat(number);
            (Kind::Osv, record)
        })
        .collect();
    let bytes = build_of(records, None).unwrap();
    let advisories = Advisories::of_bytes(bytes).unwrap();
    advisories.verify().unwrap();
    assert!(advisories.header().sections.strings.count > 4 * PAGE as u64);
    for number in 0..400 {
        let name = format!("p{number}");
        let question = Question::new(Ecosystem::parse("npm").unwrap(), &name, "1.0.0");
        let [answer] = advisories.ask(&question).unwrap().try_into().unwrap();
        assert_eq!((answer.id, answer.summary.len()), (format!("A-{number}"), number));
    }
}

mod faults {
    use super::*;
    use crate::host::fault::{Faults, Kind, MARK};

    #[test]
    fn every_read_of_a_database_may_fail() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("advisories.db");
        std::fs::write(&path, small()).unwrap();
        let run = |kind, at| {
            let faults = Faults::new(kind, at);
            let told = faults.within(1, || {
                let advisories = Advisories::open(&path)?;
                let question = Question::new(Ecosystem::parse("Debian:12").unwrap(), "openssl", "1");
                Ok::<usize, Error>(advisories.ask(&question)?.len())
            });
            (told.map_err(|error| error.to_string()), faults.calls())
        };
        let (sound, calls) = run(Kind::Nothing, 0);
        assert!(sound == Ok(1) && calls >= 8, "{sound:?} after {calls} calls");
        for call in 0..calls {
            let told = run(Kind::Once, call).0.unwrap_err();
            assert!(told.contains(MARK), "{told}");
        }
        for kind in [Kind::Short, Kind::Interrupted] {
            assert_eq!(run(kind, 0).0, sound);
        }
        assert!(run(Kind::Ended, 4).0.is_err());
    }
}
