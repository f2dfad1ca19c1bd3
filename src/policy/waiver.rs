//! Findings that someone answers for: what a waiver or an allowed path covers, and until when.

use jiff::civil::Date;

use super::document::Place;
use super::vex::Assessment;
use crate::digest::Digest;
use crate::rules::Pattern;

/// What is known of a finding when waivers are asked.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The rule.
    pub rule: &'a str,
    /// Absolute in the image, as bytes.
    pub path: Option<&'a [u8]>,
    /// Further paths that it is about, as `path`.
    pub others: &'a [Vec<u8>],
    /// Whether it is about more than these, such as a variable.
    pub more: bool,
    /// Computed diffID and stored digest of each layer that did a part of it; `None` of what is no layer's.
    pub layers: &'a [[Option<Digest>; 2]],
    /// Names of the image.
    pub names: &'a [String],
    /// Computed digests of the image: manifest, configs.
    pub image: &'a [Digest],
    /// SHA-256 of the file's content, where the path is a regular file.
    pub content: Option<Digest>,
    /// Of the finding.
    pub fingerprint: &'a str,
    /// The advisory that it is of, by all its names, its own first.
    pub advisories: &'a [&'a str],
    /// The package that it is about.
    pub package: Option<&'a str>,
    /// What VEX documents say of it.
    pub vex: Option<&'a Assessment>,
}

impl Subject<'_> {
    /// Whether all that it is about is at paths that are accepted.
    fn is_within(&self, accepts: impl Fn(&[u8]) -> bool) -> bool {
        !self.more && self.path.is_some_and(&accepts) && self.others.iter().all(|path| accepts(path))
    }

    /// Whether an id names the advisory that it is of. Where that is about several CVEs, only its own id does, and where that
    /// is a CVE, none: any other name may be that of one of them, and who accepts one has said nothing of the rest.
    fn is_of(&self, id: &str) -> bool {
        let is_cve = |id: &&&str| id.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("CVE-"));
        let Some((own, others)) = self.advisories.split_first() else { return false };
        if self.advisories.iter().filter(is_cve).nth(1).is_some() {
            return own.eq_ignore_ascii_case(id) && !is_cve(&own);
        }
        own.eq_ignore_ascii_case(id) || others.iter().any(|name| name.eq_ignore_ascii_case(id))
    }

    /// Whether a layer did all of it.
    fn is_of_layer(&self, layer: Digest) -> bool {
        !self.more && !self.layers.is_empty() && self.layers.iter().all(|known| known.contains(&Some(layer)))
    }

    /// Whether it is about more than one place.
    fn is_spread(&self) -> bool {
        self.more || !self.others.is_empty()
    }
}

/// A path where a rule's findings are allowed for good.
#[derive(Debug, Clone)]
pub struct Allowance {
    /// Where the policy says so.
    pub place: Place,
    /// Which paths.
    pub path: Pattern,
    /// Why.
    pub reason: String,
}

/// The allowed path that a finding is at, where all that it is about is at allowed ones.
pub(super) fn allowed<'a>(allowed: &'a [Allowance], subject: &Subject<'_>) -> Option<&'a Allowance> {
    let of = |path: &[u8]| allowed.iter().find(|allowed| allowed.path.matches_path(path));
    subject.path.and_then(of).filter(|_| subject.is_within(|path| of(path).is_some()))
}

/// Someone's word that findings are accepted.
#[derive(Debug, Clone)]
pub struct Waiver {
    /// Where the policy says so.
    pub place: Place,
    /// The rule whose findings are accepted.
    pub rule: &'static str,
    /// Only on these paths.
    pub path: Option<Pattern>,
    /// Only in images of these names.
    pub image: Option<Pattern>,
    /// Only in the image with this manifest or config digest.
    pub digest: Option<Digest>,
    /// Only of this layer: diffID or stored digest.
    pub layer: Option<Digest>,
    /// Only this finding.
    pub fingerprint: Option<String>,
    /// Only with this content.
    pub sha256: Option<Digest>,
    /// Only of the advisory with this id or alias.
    pub advisory: Option<String>,
    /// Only of packages of these names.
    pub package: Option<Pattern>,
    /// Why.
    pub reason: String,
    /// Who answers for it.
    pub owner: String,
    /// The last day on which it applies.
    pub expires: Option<Date>,
}

impl Waiver {
    /// Whether it is one for this image at all.
    pub fn concerns(&self, names: &[String], image: &[Digest]) -> bool {
        let by_name = |pattern: &Pattern| names.iter().any(|name| pattern.matches(name));
        self.image.as_ref().is_none_or(by_name) && self.digest.is_none_or(|digest| image.contains(&digest))
    }

    pub(super) fn covers(&self, subject: &Subject<'_>) -> bool {
        let path = |pattern: &Pattern| subject.is_within(|path| pattern.matches_path(path));
        // What a fingerprint names is what was looked at: other content is another finding.
        let content = match (&self.fingerprint, self.sha256) {
            // It is known of one place only; of several, who accepts the finding itself has seen them.
            (None, Some(_)) if subject.is_spread() => false,
            (_, Some(sha256)) => subject.content == Some(sha256),
            (Some(_), None) => subject.content.is_none(),
            (None, None) => true,
        };
        self.rule == subject.rule
            && content
            && self.path.as_ref().is_none_or(path)
            && self.layer.is_none_or(|layer| subject.is_of_layer(layer))
            && self.fingerprint.as_ref().is_none_or(|fingerprint| fingerprint == subject.fingerprint)
            && self.advisory.as_ref().is_none_or(|id| subject.is_of(id))
            && self
                .package
                .as_ref()
                .is_none_or(|pattern| subject.package.is_some_and(|name| pattern.matches(name)))
            && self.concerns(subject.names, subject.image)
    }

    /// Whether its last day is over.
    pub fn is_expired(&self, today: Date) -> bool {
        self.expires.is_some_and(|last| last < today)
    }

    /// Whether two cover the same.
    pub(super) fn same_scope(&self, other: &Self) -> bool {
        // Each waiver is compared with all before it: nothing is copied.
        let same = |one: &Option<Pattern>, two: &Option<Pattern>| {
            one.as_ref().map(|pattern| &pattern.text) == two.as_ref().map(|pattern| &pattern.text)
        };
        self.rule == other.rule
            && same(&self.path, &other.path)
            && same(&self.image, &other.image)
            && same(&self.package, &other.package)
            && self.advisory == other.advisory
            && (self.digest, self.layer, self.sha256) == (other.digest, other.layer, other.sha256)
            && self.fingerprint == other.fingerprint
    }
}
