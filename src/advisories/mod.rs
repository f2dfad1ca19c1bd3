//! Vulnerabilities: feeds of advisories, the one-file database that is made of them, and what it says of a package.
//!
//! [`build`] makes the file of feeds as they are published. It is carried to where images are checked, and
//! [`Advisories::open`] reads it in place. [`Advisories::ask`] answers a [`Question`] about one package.
//!
//! Nothing here knows an image: who asks says what is installed, and who decides is a rule.

mod db;
mod ecosystem;
mod feed;
mod found;
mod order;
mod purl;
mod query;
mod record;
mod severity;

pub use self::db::build::{Built, build, build_of, build_of_bytes};
pub use self::db::format::{EcosystemInfo, Header, Sections, Source};
pub use self::db::verify::Verified;
#[doc(hidden)]
pub use self::db::write::sealed;
pub use self::ecosystem::{By, Ecosystem, Family, Names, NoEcosystem, Release, python_name};
pub use self::feed::{Kind, Skip, Skips, Taken, is_feed};
pub use self::found::{Found, Vulnerabilities};
pub use self::order::{Order, compare};
pub use self::purl::{NoPurl, Purl};
pub use self::query::{Advisories, Answer, Modularity, NoQuestion, Question, Verdict};
pub use self::record::{Affected, End, Fix, Range, Record, day};
pub use self::severity::{Cvss, Level, Score, Severity};
