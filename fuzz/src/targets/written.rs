//! What users write: the policy and the catalog.

use ocicheck::base::Catalog;
use ocicheck::error::ErrorKind;
use ocicheck::limits::POLICY_MISTAKES;
use ocicheck::policy::{Choice, Policy, Source};

fn read(text: &str) -> Result<Policy, ocicheck::error::Error> {
    let choice = Choice { at: Some("2026-01-02".parse().unwrap()), ..Choice::default() };
    Policy::read(text, Source::Discovered("policy.toml".into()), choice)
}

/// A policy. What is wrong with it is the user's fault and told with a bound; a key that nobody knows is refused; a comment
/// changes nothing.
pub fn policy(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match read(&text) {
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
            assert!(error.details().len() <= POLICY_MISTAKES + 1, "{} mistakes", error.details().len());
            assert!(!error.to_string().is_empty());
        }
        Ok(policy) => {
            let shown = |policy: &Policy| {
                let Policy {
                    source: _,
                    sha256: _,
                    fail_on,
                    profile,
                    rules,
                    waivers,
                    today,
                    settings,
                    limits,
                    baseline: _,
                    vex: _,
                } = policy;
                format!("{fail_on:?} {profile:?} {rules:?} {waivers:?} {today:?} {settings:?} {limits:?}")
            };
            let commented = read(&format!("{text}\n# a comment\n")).expect("a comment is no mistake");
            assert_eq!(shown(&policy), shown(&commented));
            assert!(read(&format!("{text}\n[nonsense]\n")).is_err(), "a table that nobody knows is taken");
        }
    }
}

/// A catalog. What is read is written and read as the same.
pub fn catalog(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Catalog::parse(&text) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::Usage, "{error}"),
        Ok(catalog) => {
            let written = catalog.to_text();
            let again = Catalog::parse(&written).expect("what was just written");
            assert_eq!(again, catalog);
            assert_eq!(again.to_text(), written);
            assert!(catalog.bases().iter().all(|base| !base.layers.is_empty()));
            let keys: Vec<_> =
                catalog.bases().iter().map(|base| (&base.name, &base.version, &base.platform)).collect();
            assert!(keys.is_sorted() && keys.windows(2).all(|pair| pair[0] != pair[1]), "{keys:?}");
        }
    }
}
