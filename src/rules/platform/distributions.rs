//! When distributions end, as known on [`KNOWN_ON`].
//!
//! Debian and Ubuntu are as in `debian.csv` (`eol-lts`) and `ubuntu.csv` (`eol`) of distro-info-data 0.58+deb12u7; a
//! test compares them where the package is installed. All others are as `eol` in `products/*.md` of
//! endoflife-date/endoflife.date on 2026-08-22 (commit `a70eca337600`).

use jiff::civil::{Date, date};

/// The day of the older of the sources of the table below.
pub(super) const KNOWN_ON: Date = date(2026, 8, 22);

/// A release of a distribution.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Release {
    /// `ID` of os-release.
    pub(super) id: &'static str,
    /// How `VERSION_ID` begins: whole parts between dots.
    pub(super) version: &'static str,
    /// The last day of free security updates for the whole distribution.
    pub(super) end: Date,
}

const fn release(id: &'static str, version: &'static str, year: i16, month: i8, day: i8) -> Release {
    Release { id, version, end: date(year, month, day) }
}

/// The release of an os-release file; `None` where it is not known.
pub(super) fn find(id: &str, version: &str) -> Option<&'static Release> {
    let is_version = |release: &&Release| {
        version.strip_prefix(release.version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    RELEASES.iter().filter(|release| release.id == id).find(is_version)
}

static RELEASES: [Release; 127] = [
    // Debian: the end of LTS.
    release("debian", "7", 2018, 5, 31),
    release("debian", "8", 2020, 6, 30),
    release("debian", "9", 2022, 6, 30),
    release("debian", "10", 2024, 6, 30),
    release("debian", "11", 2026, 8, 31),
    release("debian", "12", 2028, 6, 30),
    release("debian", "13", 2030, 6, 30),
    // Ubuntu: the end of standard support.
    release("ubuntu", "12.04", 2017, 4, 28),
    release("ubuntu", "12.10", 2014, 5, 16),
    release("ubuntu", "13.04", 2014, 1, 27),
    release("ubuntu", "13.10", 2014, 7, 17),
    release("ubuntu", "14.04", 2019, 4, 25),
    release("ubuntu", "14.10", 2015, 7, 23),
    release("ubuntu", "15.04", 2016, 2, 4),
    release("ubuntu", "15.10", 2016, 7, 28),
    release("ubuntu", "16.04", 2021, 4, 30),
    release("ubuntu", "16.10", 2017, 7, 20),
    release("ubuntu", "17.04", 2018, 1, 13),
    release("ubuntu", "17.10", 2018, 7, 19),
    release("ubuntu", "18.04", 2023, 5, 31),
    release("ubuntu", "18.10", 2019, 7, 18),
    release("ubuntu", "19.04", 2020, 1, 23),
    release("ubuntu", "19.10", 2020, 7, 17),
    release("ubuntu", "20.04", 2025, 5, 29),
    release("ubuntu", "20.10", 2021, 7, 22),
    release("ubuntu", "21.04", 2022, 1, 20),
    release("ubuntu", "21.10", 2022, 7, 14),
    release("ubuntu", "22.04", 2027, 6, 1),
    release("ubuntu", "22.10", 2023, 7, 20),
    release("ubuntu", "23.04", 2024, 1, 25),
    release("ubuntu", "23.10", 2024, 7, 11),
    release("ubuntu", "24.04", 2029, 5, 31),
    release("ubuntu", "24.10", 2025, 7, 10),
    release("ubuntu", "25.04", 2026, 1, 15),
    release("ubuntu", "25.10", 2026, 7, 9),
    release("ubuntu", "26.04", 2031, 5, 29),
    release("ubuntu", "26.10", 2027, 7, 15),
    // Alpine.
    release("alpine", "3.3", 2017, 11, 1),
    release("alpine", "3.4", 2018, 5, 1),
    release("alpine", "3.5", 2018, 11, 1),
    release("alpine", "3.6", 2019, 5, 1),
    release("alpine", "3.7", 2019, 11, 1),
    release("alpine", "3.8", 2020, 5, 1),
    release("alpine", "3.9", 2020, 11, 1),
    release("alpine", "3.10", 2021, 5, 1),
    release("alpine", "3.11", 2021, 11, 1),
    release("alpine", "3.12", 2022, 5, 1),
    release("alpine", "3.13", 2022, 11, 1),
    release("alpine", "3.14", 2023, 5, 1),
    release("alpine", "3.15", 2023, 11, 1),
    release("alpine", "3.16", 2024, 5, 23),
    release("alpine", "3.17", 2024, 11, 22),
    release("alpine", "3.18", 2025, 5, 9),
    release("alpine", "3.19", 2025, 11, 1),
    release("alpine", "3.20", 2026, 4, 1),
    release("alpine", "3.21", 2026, 11, 1),
    release("alpine", "3.22", 2027, 5, 1),
    release("alpine", "3.23", 2027, 11, 1),
    release("alpine", "3.24", 2028, 6, 1),
    // RHEL and UBI: the end of the maintenance phase.
    release("rhel", "6", 2020, 11, 30),
    release("rhel", "7", 2024, 6, 30),
    release("rhel", "8", 2029, 5, 31),
    release("rhel", "9", 2032, 5, 31),
    release("rhel", "10", 2035, 5, 31),
    // CentOS Linux 8, and Stream 8, both call themselves 8: the later end counts.
    release("centos", "6", 2020, 11, 30),
    release("centos", "7", 2024, 6, 30),
    release("centos", "8", 2024, 5, 31),
    release("centos", "9", 2027, 5, 31),
    release("centos", "10", 2030, 5, 31),
    release("rocky", "8", 2029, 5, 31),
    release("rocky", "9", 2032, 5, 31),
    release("rocky", "10", 2035, 5, 31),
    release("almalinux", "8", 2029, 5, 31),
    release("almalinux", "9", 2032, 5, 31),
    release("almalinux", "10", 2035, 5, 31),
    release("ol", "6", 2021, 3, 31),
    release("ol", "7", 2024, 12, 31),
    release("ol", "8", 2029, 7, 31),
    release("ol", "9", 2032, 6, 30),
    // Fedora.
    release("fedora", "24", 2017, 8, 8),
    release("fedora", "25", 2017, 12, 12),
    release("fedora", "26", 2018, 5, 29),
    release("fedora", "27", 2018, 11, 30),
    release("fedora", "28", 2019, 5, 28),
    release("fedora", "29", 2019, 11, 26),
    release("fedora", "30", 2020, 5, 26),
    release("fedora", "31", 2020, 11, 24),
    release("fedora", "32", 2021, 5, 25),
    release("fedora", "33", 2021, 11, 30),
    release("fedora", "34", 2022, 6, 7),
    release("fedora", "35", 2022, 12, 13),
    release("fedora", "36", 2023, 5, 16),
    release("fedora", "37", 2023, 12, 5),
    release("fedora", "38", 2024, 5, 21),
    release("fedora", "39", 2024, 11, 26),
    release("fedora", "40", 2025, 5, 13),
    release("fedora", "41", 2025, 12, 15),
    release("fedora", "42", 2026, 5, 27),
    release("fedora", "43", 2026, 12, 9),
    release("fedora", "44", 2027, 6, 2),
    // Amazon Linux; the first one names the month of its packages.
    release("amzn", "2018", 2023, 12, 31),
    release("amzn", "2017", 2023, 12, 31),
    release("amzn", "2016", 2023, 12, 31),
    release("amzn", "2", 2026, 6, 30),
    release("amzn", "2023", 2029, 6, 30),
    // openSUSE Leap.
    release("opensuse-leap", "15.0", 2019, 12, 3),
    release("opensuse-leap", "15.1", 2021, 2, 2),
    release("opensuse-leap", "15.2", 2022, 1, 4),
    release("opensuse-leap", "15.3", 2022, 12, 31),
    release("opensuse-leap", "15.4", 2023, 12, 7),
    release("opensuse-leap", "15.5", 2024, 12, 31),
    release("opensuse-leap", "15.6", 2026, 4, 30),
    release("opensuse-leap", "16.0", 2027, 10, 31),
    // SUSE Linux Enterprise: the end of general support of each service pack.
    release("sles", "11", 2019, 3, 31),
    release("sles", "12.1", 2017, 5, 31),
    release("sles", "12.2", 2018, 3, 31),
    release("sles", "12.3", 2019, 6, 30),
    release("sles", "12.4", 2020, 6, 30),
    release("sles", "12.5", 2024, 10, 31),
    release("sles", "15.1", 2021, 1, 31),
    release("sles", "15.2", 2021, 12, 31),
    release("sles", "15.3", 2022, 12, 31),
    release("sles", "15.4", 2023, 12, 31),
    release("sles", "15.5", 2024, 12, 31),
    release("sles", "15.6", 2025, 12, 31),
    release("sles", "15.7", 2031, 7, 31),
    release("sles", "16.0", 2027, 11, 30),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_version_is_found_by_whole_parts() {
        let end = |id, version| find(id, version).map(|release| release.version);
        assert_eq!(end("alpine", "3.10.9"), Some("3.10"));
        assert_eq!(end("alpine", "3.1"), None);
        assert_eq!(end("debian", "12"), Some("12"));
        assert_eq!(end("rhel", "9.4"), Some("9"));
        assert_eq!(end("amzn", "2023"), Some("2023"));
        assert_eq!(end("amzn", "2018.03"), Some("2018"));
        assert_eq!(end("debian", ""), None);
        assert_eq!(end("wolfi", "20230201"), None);
    }

    /// Release and end, by the columns of distro-info-data's file; `None` where it is not installed.
    fn distro_info(id: &str, end: &str) -> Option<Vec<(String, Option<Date>)>> {
        let text = std::fs::read_to_string(format!("/usr/share/distro-info/{id}.csv")).ok()?;
        let mut rows = text.lines().map(|line| line.split(',').collect::<Vec<_>>());
        let header = rows.next().unwrap();
        let column = |name: &str| header.iter().position(|field| *field == name).unwrap();
        let (version, created, end) = (column("version"), column("created"), column(end));
        let known = rows.filter(|row| row[created].parse::<Date>().is_ok_and(|created| created <= KNOWN_ON));
        let row = |row: Vec<&str>| {
            let version = row[version].split(' ').next().unwrap_or_default();
            (version.to_owned(), row.get(end).and_then(|end| end.parse().ok()))
        };
        Some(known.map(row).collect())
    }

    #[test]
    fn debian_and_ubuntu_end_when_distro_info_says() {
        for (id, end, from) in [("debian", "eol-lts", "7"), ("ubuntu", "eol", "12.04")] {
            let Some(rows) = distro_info(id, end) else {
                eprintln!("skipped: distro-info-data is not installed");
                return;
            };
            let first = rows.iter().position(|(version, _)| version == from).unwrap();
            let known: Vec<_> = rows[first..].iter().filter(|(_, end)| end.is_some()).collect();
            assert!(known.len() > 5, "{id}: {known:?}");
            for (version, end) in known {
                let ours = find(id, version).map(|release| release.end);
                assert_eq!(ours, *end, "{id} {version}: is the table's date out of date?");
            }
        }
    }

    #[test]
    fn each_release_stands_in_the_table_once() {
        let all: BTreeSet<_> = RELEASES.iter().map(|release| (release.id, release.version)).collect();
        assert_eq!(all.len(), RELEASES.len());
    }
}
