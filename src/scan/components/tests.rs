#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "test code, also in the helpers between the tests"
)]

use proptest::prelude::*;

use super::build::{Program, go_build_info};
use super::*;
use crate::limits::{self, Deadline};
use crate::model::ImagePath;
use crate::scan::archives::build::Zip;
use crate::scan::room::Budget;
use crate::scan::tar::Piece;

/// What a file has, in pieces of that size.
fn probe(path: &str, file: &[u8], piece: usize) -> Components {
    let budget = Budget::default();
    let mut probe = Probe::new(&budget, Deadline::NONE);
    probe.start(&[ImagePath::new(path)], file.len() as u64);
    file.chunks(piece).for_each(|data| probe.feed(&Piece::Data(data)));
    probe.finish(7..=7).unwrap();
    probe.into_components()
}

/// As `name version`, and ` in …` where it was within.
pub(super) fn shown(components: &Components) -> Vec<String> {
    let show = |component: &Component| {
        let inside =
            component.inside.as_deref().map(|inside| format!(" in {}", String::from_utf8_lossy(inside)));
        format!("{} {}{}", component.name, component.version, inside.unwrap_or_default())
    };
    components.found.values().flatten().map(show).collect()
}

pub(super) fn read(path: &str, file: impl AsRef<[u8]>) -> (Vec<String>, Option<Gap>) {
    let components = probe(path, file.as_ref(), 4096);
    (shown(&components), components.gaps.get(&7).copied())
}

fn found(path: &str, file: impl AsRef<[u8]>) -> Vec<String> {
    let (found, gap) = read(path, file);
    assert_eq!(gap, None, "{path}");
    found
}

const METADATA: &str = "Metadata-Version: 2.1\nName: requests\nVersion: 2.31.0\nSummary: x\n\nName: other\n";
const PACKAGE: &str = r#"{"name": "lodash", "version": "4.17.21", "main": "x.js"}"#;
const GEM: &str = "# -*- encoding: utf-8 -*-\n# stub: rake 13.0.6 ruby lib\n\nGem::Specification.new do |s|\n  s.name = \"rake\".freeze\n  s.version = \"13.0.6\"\n  s.add_dependency(%q<x>)\nend\n";

#[test]
fn texts_are_known_by_their_place() {
    for (text, one, paths) in [
        (
            METADATA,
            "requests 2.31.0",
            &[
                "usr/lib/python3/dist-packages/requests-2.31.0.dist-info/METADATA",
                "requests-2.31.0.dist-info/METADATA",
                "opt/venv/lib/python3.12/site-packages/requests-2.31.0.egg-info/PKG-INFO",
                "usr/lib/python2.7/requests-2.31.0.egg-info",
                "site/requests-2.31.0-py3.9.egg/EGG-INFO/PKG-INFO",
            ][..],
        ),
        (
            PACKAGE,
            "lodash 4.17.21",
            &[
                "app/node_modules/lodash/package.json",
                "node_modules/@types/lodash/package.json",
                "app/node_modules/a/node_modules/lodash/package.json",
                "app/node_modules/.pnpm/lodash@4.17.21/node_modules/lodash/package.json",
                "usr/share/nodejs/lodash/package.json",
                "usr/share/nodejs/@types/lodash/package.json",
                "usr/lib/nodejs/lodash/package.json",
                "usr/lib/x86_64-linux-gnu/nodejs/lodash/package.json",
            ],
        ),
        (
            GEM,
            "rake 13.0.6",
            &[
                "usr/local/bundle/specifications/rake-13.0.6.gemspec",
                "usr/lib/ruby/gems/3.2.0/specifications/default/rake-13.0.6.gemspec",
            ],
        ),
    ] {
        for path in paths {
            assert_eq!(found(path, text), [one], "{path}");
        }
    }
    for (text, paths) in [
        (
            METADATA,
            &[
                "x.dist-info/metadata",
                "x.dist-info/PKG-INFO",
                "METADATA",
                ".dist-info/METADATA",
                "x.dist-info/licenses/METADATA",
                "src/PKG-INFO",
                ".egg-info",
                "EGG-INFO/PKG-INFO",
            ][..],
        ),
        (
            PACKAGE,
            &[
                "app/package.json",
                "app/node_modules/package.json",
                "app/node_modules/a/lib/package.json",
                "app/node_modules/@types/package.json",
                "app/node_modules/.cache/package.json",
                "app/@types/lodash/package.json",
                "node_modules/@a/@b/package.json",
                "nodejs/lodash/package.json",
                "share/nodejs/lodash/package.json",
                "opt/usr/share/nodejs/lodash/package.json",
                "usr/src/nodejs/lodash/package.json",
                "usr/share/x/nodejs/lodash/package.json",
                "a/usr/lib/x/nodejs/lodash/package.json",
                "usr/share/nodejs/package.json",
                "usr/share/nodejs/lodash/lib/package.json",
            ],
        ),
        (GEM, &["app/rake.gemspec", "gems/rake/specifications/x/rake.gemspec", "specifications/.gemspec"]),
    ] {
        for path in paths {
            assert_eq!(found(path, text), [""; 0], "{path}");
        }
    }
}

#[test]
fn the_head_of_a_message_says_name_and_version() {
    let of = |text: &str| read("x.dist-info/METADATA", text);
    let one = |name: &str| (vec![name.to_owned()], None);
    for (text, expected) in [
        ("Name: a\nVersion: 1\n", one("a 1")),
        ("Name: a\r\nVersion: 1\r\n\r\nName: b\r\n", one("a 1")),
        ("Name: a\rVersion: 1\r", one("a 1")),
        ("VERSION:1\nname:a", one("a 1")),
        ("Name: a\nName: b\nVersion: 1\nVersion: 2\n", one("a 1")),
        ("Summary: x\n Name: b\nName: a\nVersion: 1\n", one("a 1")),
        ("Name:\n a\nVersion: 1\n  .0\n", one("a 1 .0")),
        ("\u{feff}Name: a\nVersion: 1\n", one("a 1")),
        ("no header\nName: a\nVersion: 1\n", one("a 1")),
        ("Name: a\n", one("a ")),
        ("Version: 1\n", (Vec::new(), Some(Gap::Unreadable))),
        ("", (Vec::new(), Some(Gap::Unreadable))),
        ("\nName: a\n", (Vec::new(), Some(Gap::Unreadable))),
    ] {
        assert_eq!(of(text), expected, "{text:?}");
    }
}

#[test]
fn a_package_json_is_read_as_javascript_reads_it() {
    let of = |text: &str| read("node_modules/a/package.json", text);
    let none = || (Vec::new(), None);
    let one = |name: &str| (vec![name.to_owned()], None);
    let deep =
        format!(r#"{{"x": {}{}, "name": "a", "version": "1"}}"#, "[".repeat(10_000), "]".repeat(10_000));
    for (text, expected) in [
        (PACKAGE, one("lodash 4.17.21")),
        ("\u{feff}{\"name\": \"a\", \"version\": \"1\"}\n", one("a 1")),
        (r#"{"name": "a", "name": "b", "version": "1"}"#, one("b 1")),
        (r#"{"n\u0061me": "a", "version": "1", "deps": {"name": "x", "version": "2"}}"#, one("a 1")),
        (&deep, one("a 1")),
        // What npm makes no package of.
        (r#"{"type": "module"}"#, none()),
        (r#"{"name": "a"}"#, none()),
        (r#"{"name": ["a"], "version": {"x": 1}}"#, none()),
        (r#"{"name": 1, "version": null}"#, none()),
        (r#"{"name": "", "version": "1"}"#, none()),
        ("{}", none()),
        ("[]", (Vec::new(), Some(Gap::Unreadable))),
        ("", (Vec::new(), Some(Gap::Unreadable))),
        (r#"{"name": "a", "version": "1""#, (Vec::new(), Some(Gap::Unreadable))),
        (r#"{"name": "a", "version": "1"} x"#, (Vec::new(), Some(Gap::Unreadable))),
    ] {
        assert_eq!(of(text), expected, "{text:.60}");
    }
}

#[test]
fn a_gem_without_a_name_is_a_gap() {
    let of = |text: &str| read("specifications/a.gemspec", text);
    assert_eq!(of("s.name = 'a'\ns.version = Gem::Version.new(\"1.2\")\n").0, ["a 1.2"]);
    assert_eq!(of("s.name = NAME\n"), (Vec::new(), Some(Gap::Unreadable)));
}

/// Of what is said in a text only its head counts, so a long one is no gap; JSON counts whole.
#[test]
fn texts_are_held_to_component_text_bytes() {
    let limit = limits::COMPONENT_TEXT_BYTES as usize;
    let filled = |start: &str, end: &str, length: usize| {
        format!("{start}{}{end}", " ".repeat(length - start.len() - end.len()))
    };
    let json = |length| read("node_modules/a/package.json", filled(PACKAGE, "", length));
    assert_eq!(json(limit), (vec!["lodash 4.17.21".to_owned()], None));
    assert_eq!(json(limit + 1), (Vec::new(), Some(Gap::LargeText)));
    let late = |length| read("a.dist-info/METADATA", filled("X: ", "\nName: a\n", length));
    assert_eq!(late(limit), (vec!["a ".to_owned()], None));
    assert_eq!(late(limit + 9), (Vec::new(), Some(Gap::LargeText)));
    assert_eq!(found("a.dist-info/METADATA", filled(METADATA, "", limit + 1)), ["requests 2.31.0"]);
}

/// Files of every kind, each with something to find.
pub(super) fn samples() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let pom = "groupId=g\nartifactId=a\nversion=1\n";
    let jar = Zip::jar(["A.class"]).deflated("META-INF/maven/g/a/pom.properties", pom);
    let program = Program::new().section(".go.buildinfo", go_build_info("go1.22.1", &["mod\tm\tv1.0.0"]));
    vec![
        ("x.dist-info/METADATA", METADATA.into(), "requests 2.31.0"),
        ("node_modules/a/package.json", PACKAGE.into(), "lodash 4.17.21"),
        ("a.jar", jar.bytes(), "g:a 1"),
        ("app", jar.clone().prefix("#!/bin/sh\nexec java -jar $0\n").bytes(), "g:a 1"),
        ("lib", jar.bytes(), "g:a 1"),
        ("b.war", Zip::new().member("WEB-INF/lib/a.jar", jar.bytes()).bytes(), "g:a 1 in WEB-INF/lib/a.jar"),
        ("bin/go", program.bytes(), "m v1.0.0"),
    ]
}

#[test]
fn in_which_pieces_a_file_comes_changes_nothing() {
    for (path, file, expected) in samples() {
        let whole = probe(path, &file, file.len());
        assert!(shown(&whole).contains(&expected.to_owned()), "{path}");
        for piece in [1, 2, 3, 5, 63, file.len() - 1] {
            assert_eq!(probe(path, &file, piece), whole, "{path} in pieces of {piece}");
        }
        for at in 0..file.len() {
            let budget = Budget::default();
            let mut probe = Probe::new(&budget, Deadline::NONE);
            probe.start(&[ImagePath::new(path)], file.len() as u64);
            probe.feed(&Piece::Data(&file[..at]));
            probe.feed(&Piece::Data(&file[at..]));
            probe.finish(7..=7).unwrap();
            assert_eq!(probe.into_components(), whole, "{path} parted at {at}");
        }
    }
}

/// Of a file that is larger than what may be kept its first and its last bytes count, in any pieces.
#[test]
fn a_file_is_held_to_component_file_bytes() {
    let pom = |group: &str| format!("groupId={group}\nartifactId=a\nversion=1\n");
    let (first, middle, last) = (pom("first"), pom("middle"), pom("last"));
    let jar = Zip::new()
        .member("x/pom.properties", &first)
        .member("filler", [b'f'; 5000])
        .member("y/pom.properties", &middle)
        .member("filler", [b'f'; 1000])
        .member("z/pom.properties", &last);
    let file = jar.bytes();
    let read = |most: u64, piece: usize| {
        let budget = Budget::default();
        let mut probe = Probe::new(&budget, Deadline::NONE);
        assert_eq!(std::mem::replace(&mut probe.most, most), limits::COMPONENT_FILE_BYTES);
        probe.start(&[ImagePath::new("a.jar")], file.len() as u64);
        file.chunks(piece).for_each(|data| probe.feed(&Piece::Data(data)));
        probe.finish(7..=7).unwrap();
        let components = probe.into_components();
        (shown(&components), components.gaps.get(&7).copied())
    };
    let whole = vec!["first:a 1".to_owned(), "last:a 1".to_owned(), "middle:a 1".to_owned()];
    for piece in [1, 7, 4096, file.len()] {
        assert_eq!(read(file.len() as u64, piece), (whole.clone(), None));
        let ends = vec!["first:a 1".to_owned(), "last:a 1".to_owned()];
        assert_eq!(read(3000, piece), (ends, Some(Gap::LargeFile)));
        assert_eq!(read(1000, piece), (Vec::new(), Some(Gap::LargeFile)), "not even the directory");
    }
    // One byte too few hides nothing here, for it is one of the filler.
    assert_eq!(read(file.len() as u64 - 1, 64), (whole, None));
}

#[test]
fn components_are_held_to_layer_component_bytes() {
    let one = Component {
        ecosystem: Ecosystem::Npm,
        name: "lodash".into(),
        version: "4.17.21".into(),
        evidence: Evidence::PackageJson,
        inside: None,
    };
    let budget = Budget::default();
    let read = |left: usize, names: usize| {
        let mut probe = Probe::new(&budget, Deadline::NONE);
        probe.found.bytes = limits::LAYER_COMPONENT_BYTES - left;
        probe.start(&[ImagePath::new("node_modules/a/package.json")], PACKAGE.len() as u64);
        probe.feed(&Piece::Data(PACKAGE.as_bytes()));
        probe.finish(3..=2 + names).unwrap();
        let components = probe.into_components();
        (components.found.len(), components.gaps.into_iter().collect::<Vec<_>>())
    };
    let needed = one.memory();
    assert_eq!(read(needed, 1), (1, Vec::new()));
    assert_eq!(read(needed - 1, 1), (0, vec![(3, Gap::ManyComponents)]));
    // Each name of a file has its own.
    assert_eq!(read(2 * needed, 2), (2, Vec::new()));
    assert_eq!(read(2 * needed - 1, 2), (1, vec![(4, Gap::ManyComponents)]));
}

#[test]
fn holes_are_zeros_and_files_follow_each_other() {
    let budget = Budget::default();
    let mut probe = Probe::new(&budget, Deadline::NONE);
    let (_, jar, _) = samples().remove(2);
    probe.start(&[ImagePath::new("a.jar")], jar.len() as u64 + 9_003);
    probe.feed(&Piece::Hole(2));
    probe.feed(&Piece::Hole(9_001));
    probe.feed(&Piece::Data(&jar));
    probe.finish(1..=2).unwrap();
    // A program or a script begins with no zero.
    probe.start(&[ImagePath::new("sparse")], jar.len() as u64 + 3);
    probe.feed(&Piece::Hole(3));
    probe.feed(&Piece::Data(&jar));
    probe.finish(3..=3).unwrap();
    for (entry, path) in [(4, "other"), (5, "b.jar"), (6, "empty.jar")] {
        let file = if entry == 6 { &b""[..] } else { b"PK\x03\x04 and no more" };
        probe.start(&[ImagePath::new(path)], file.len() as u64);
        probe.feed(&Piece::Data(file));
        probe.finish(entry..=entry).unwrap();
    }
    let components = probe.into_components();
    assert_eq!(shown(&components), ["g:a 1", "g:a 1"]);
    assert_eq!(
        (components.found.keys().collect::<Vec<_>>(), components.gaps),
        (vec![&1, &2], BTreeMap::new())
    );
}

/// A name of another reader counts as the entry's own.
#[test]
fn any_name_of_a_file_shows_what_it_is() {
    let budget = Budget::default();
    let mut probe = Probe::new(&budget, Deadline::NONE);
    probe.start(&[ImagePath::new("x"), ImagePath::new("node_modules/a/package.json")], PACKAGE.len() as u64);
    probe.feed(&Piece::Data(PACKAGE.as_bytes()));
    probe.finish(0..=1).unwrap();
    let components = probe.into_components();
    assert_eq!(shown(&components), ["lodash 4.17.21", "lodash 4.17.21"]);
    assert!(components.gaps.is_empty());
}

/// Two layers that both keep a large file do so one after another, and both are read.
#[test]
fn large_files_are_kept_one_at_a_time_beyond_component_at_once_bytes() {
    let budget = Budget::default();
    let size = limits::COMPONENT_AT_ONCE_BYTES;
    let begin = |size: u64| {
        let mut probe = Probe::new(&budget, Deadline::NONE);
        probe.start(&[ImagePath::new("a.jar")], size);
        probe.feed(&Piece::Hole(size));
        probe
    };
    let mut small = begin(size);
    assert!(budget.is_free(), "as many as each layer may keep");
    let mut large = begin(size + 1);
    assert!(!budget.is_free());
    small.finish(0..=0).unwrap();
    assert!(!budget.is_free());
    large.finish(0..=0).unwrap();
    assert!(budget.is_free());
    std::thread::scope(|scope| {
        let read = || begin(size + 1).finish(0..=0).unwrap();
        (0..3).map(|_| scope.spawn(read)).for_each(|thread| thread.join().unwrap());
    });
}

/// Layers are many, and each stored one is read once. Which of them meets the limit depends on the threads, so it is an
/// error of all.
#[test]
fn what_is_unpacked_is_held_to_a_limit_over_all_layers() {
    let list = format!(r#"{{"packages":[{{"name":"a","version":"1"}}]}}{}"#, " ".repeat(50_000));
    let program = Program::new().section(".dep-v0", build::cargo_auditable(&list)).bytes();
    let jar = Zip::new().deflated("x/pom.properties", format!("groupId=g{}", "\n".repeat(50_000))).bytes();
    for (path, file, each) in [("app", program, list.len()), ("a.jar", jar, 50_009)] {
        let each = each + found::LEAST_BYTES as usize;
        let read = |bytes: usize| {
            let budget = Budget::default().unpacking(bytes as u64);
            let layer = || {
                let mut probe = Probe::new(&budget, Deadline::NONE);
                probe.start(&[ImagePath::new(path)], file.len() as u64);
                probe.feed(&Piece::Data(&file));
                probe.finish(0..=0)
            };
            let read = [layer(), layer(), layer()].map(|read| read.is_ok());
            (read, budget.exceeded().map(|error| error.to_string()))
        };
        assert_eq!(read(3 * each), ([true; 3], None), "{path}");
        let (read, error) = read(3 * each - 1);
        assert_eq!(read, [true, true, false], "{path}");
        assert!(error.unwrap().contains("INPUT_COMPONENT_UNPACKED_BYTES"), "{path}");
    }
}

#[test]
fn the_clock_is_looked_at_in_archives() {
    let budget = Budget::default();
    let over = Deadline::after(std::time::Instant::now(), std::time::Duration::ZERO);
    let mut probe = Probe::new(&budget, over);
    let (path, jar, _) = samples().remove(2);
    probe.start(&[ImagePath::new(path)], jar.len() as u64);
    probe.feed(&Piece::Data(&jar));
    assert_eq!(probe.finish(0..=0).unwrap_err().kind(), crate::error::ErrorKind::Timeout);
}

#[test]
fn every_gap_says_what_is_not_known() {
    for gap in Gap::ALL {
        let text = gap.to_string();
        assert!(
            text.starts_with("is ")
                || text.starts_with("has ")
                || text.starts_with("was ")
                || text.starts_with("seems "),
            "{text}"
        );
    }
}

proptest! {
    /// Bytes of samples changed, cut and put together: nothing stops, and pieces change nothing.
    #[test]
    fn no_bytes_harm(
        which in 0..7_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        cut in any::<prop::sample::Index>(),
        piece in 1..100_usize,
    ) {
        let (path, mut file, _) = samples().remove(which);
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        file.truncate(cut.index(file.len() * 2));
        prop_assert_eq!(probe(path, &file, piece), probe(path, &file, usize::MAX));
    }
}
