//! Package databases.

use ocicheck::packages::alternatives::Alternative;
use ocicheck::packages::rpm::{self, Stored};
use ocicheck::packages::version::compare;
use ocicheck::packages::{Manager, apk, dpkg};

use super::tools::{first, parts};

/// A first byte for which of dpkg's files it is. Whatever stands in `status` before a package does not hide it.
pub fn dpkg(data: &[u8]) {
    let (which, rest) = first(data);
    match which % 3 {
        0 => status(rest),
        1 => {
            let parts = parts(rest);
            let mut package = dpkg::parse_status(&paragraph("one")).packages.remove(0);
            dpkg::add_files(&mut package, parts.first().copied(), parts.get(1).copied());
        }
        _ => {
            dpkg::parse_diversions(rest);
            if let Some(alternative) = Alternative::parse(b"editor", rest) {
                alternative.best().for_each(|choice| drop(choice.program()));
            }
        }
    }
}

fn paragraph(name: &str) -> Vec<u8> {
    format!("Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:2-3\n\n")
        .into_bytes()
}

/// `/var/lib/dpkg/status`.
fn status(data: &[u8]) {
    let parsed = dpkg::parse_status(&[data, b"\n\n", &paragraph("the-last-one")].concat());
    assert!(parsed.packages.iter().any(|package| package.name == "the-last-one"), "{parsed:?}");
}

/// `/lib/apk/db/installed`: whatever stands before a package does not hide it.
pub fn apk(data: &[u8]) {
    let parsed = apk::parse(&[data, b"\n\nP:the-last-one\nV:1-r0\nA:x86_64\n\n"].concat())
        .expect("far from all limits");
    assert!(parsed.packages.iter().any(|package| package.name == "the-last-one"), "{parsed:?}");
}

/// An rpm database, and what SQLite keeps beside it: what is broken in it is told, and it is read as the same again.
pub fn rpm(data: &[u8]) {
    let parts = parts(data);
    let part = |index: usize| parts.get(index).copied().unwrap_or_default();
    let (database, log, journal) = (part(0), part(1), part(2));
    let parsed = rpm::parse(database);
    if let Ok(parsed) = &parsed {
        assert_eq!(parsed, &rpm::parse(database).unwrap(), "read again, it is otherwise");
    }
    let packages = rpm::packages(Stored { database, log: &[], journal: &[] });
    match (&parsed, &packages) {
        (Ok(parsed), Ok(packages)) => {
            assert!(parsed.notes.is_empty(), "what is broken is not told: {:?}", parsed.notes);
            assert!(packages.len() <= parsed.headers.len());
        }
        (Err(_), Ok(_)) => assert!(database.is_empty(), "a database that cannot be read has packages"),
        _ => {}
    }
    let _ = rpm::packages(Stored { database, log, journal });
}

/// Three versions of one manager, by line: they are in an order.
pub fn versions(data: &[u8]) {
    let (which, rest) = first(data);
    let manager = [Manager::Dpkg, Manager::Apk, Manager::Rpm][usize::from(which % 3)];
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.lines();
    let [a, b, c] = [(); 3].map(|()| lines.next().unwrap_or_default());
    let Some(order) = compare(manager, a, b) else { return };
    assert_eq!(compare(manager, a, a), Some(std::cmp::Ordering::Equal), "{a:?} and itself");
    assert_eq!(compare(manager, b, a), Some(order.reverse()), "{manager:?}: {a:?} and {b:?}");
    if let (Some(next), Some(whole)) = (compare(manager, b, c), compare(manager, a, c))
        && order == next
    {
        assert_eq!(whole, order, "{manager:?}: {a:?}, {b:?}, {c:?}");
    }
}
