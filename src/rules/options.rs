//! What a policy may choose of single rules.

use super::pattern::Pattern;
use super::rule::{Needs, Rule};
use super::severity::Severity;
use super::table::PACKAGE_FILE_TAMPERED;
use crate::digest::Digest;

/// The options of the rules that have some; [`Default`] holds what is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Labels that each image must have, by name (`label-missing`). None by default: which ones are
    /// wanted differs from company to company.
    pub required_labels: Vec<String>,
    /// Layers from which on an image has too many (`layer-count`): more than this are told. 125 by
    /// default: Docker refuses to stack more (`MaxLayerDepth` of moby's `layer` package).
    pub max_layers: usize,
    /// Uncompressed bytes of all layers from which on an image is too large (`image-size`). `None`, the
    /// default, is no bound: what is large differs from image to image.
    pub max_image_bytes: Option<u64>,
    /// What is made of vulnerabilities.
    pub vulnerability: VulnerabilityOptions,
    /// Days from which on a feed of advisories is too old (`advisories-stale`). 30 by default.
    pub advisories_max_age_days: u32,
    /// Whether files of all layers are held to their packages, and not only those above the base (`package-file-tampered`).
    /// Not by default: what the base holds is its owners' affair.
    pub verify_all_layers: bool,
    /// Packages that must not be there (`package-forbidden`).
    pub forbidden_packages: Vec<ForbiddenPackage>,
}

/// What is made of vulnerabilities (`vulnerability`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VulnerabilityOptions {
    /// From which severity on those of packages above the base can fail; lower ones are told only.
    pub fail_from: Threshold,
    /// The same of packages of the base: its owners may be the ones to mend it.
    pub fail_from_in_base: Threshold,
    /// Whether those without a fix are passed over.
    pub only_fixable: bool,
    /// What one weighs of which nobody says how bad it is.
    pub unknown: Severity,
    /// What is done of packages that no feed speaks of.
    pub uncovered: Uncovered,
    /// Documents by which findings may be accepted; read by who has the policy's file.
    pub vex: Vec<VexFile>,
}

/// A VEX document that the policy names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VexFile {
    /// Relative to the policy's file.
    pub file: String,
    /// What it must have.
    pub sha256: Option<Digest>,
    /// Where the policy says so.
    pub line: usize,
}

/// From which severity on something can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Threshold {
    /// From this one on.
    From(Severity),
    /// It cannot.
    Never,
}

impl Threshold {
    /// Whether something of this severity can fail.
    pub fn fails(self, severity: Severity) -> bool {
        match self {
            Self::From(least) => severity >= least,
            Self::Never => false,
        }
    }

    /// As policies write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::From(severity) => severity.name(),
            Self::Never => "never",
        }
    }
}

/// What is done of packages that no feed speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uncovered {
    /// The rule is not evaluated.
    Error,
    /// They are told, as info.
    Tell,
}

impl Uncovered {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Error, Self::Tell];

    /// As policies write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Tell => "tell",
        }
    }
}

/// A package that must not be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForbiddenPackage {
    /// Its name, or that of its source.
    pub name: Pattern,
    /// The type of its package URL; all where it is not said.
    pub kind: Option<String>,
    /// This version and later ones.
    pub from: Option<String>,
    /// Versions before this one.
    pub below: Option<String>,
    /// Why.
    pub reason: String,
}

impl Options {
    /// What a rule needs to be evaluated: one that looks at all layers alike needs no base.
    pub fn needs(&self, rule: &Rule) -> Needs {
        if self.verify_all_layers && rule.id == PACKAGE_FILE_TAMPERED.id { Needs::Image } else { rule.needs }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            required_labels: Vec::new(),
            max_layers: 125,
            max_image_bytes: None,
            vulnerability: VulnerabilityOptions {
                fail_from: Threshold::From(Severity::Info),
                fail_from_in_base: Threshold::From(Severity::Info),
                only_fixable: false,
                unknown: Severity::Medium,
                uncovered: Uncovered::Error,
                vex: Vec::new(),
            },
            advisories_max_age_days: 30,
            verify_all_layers: false,
            forbidden_packages: Vec::new(),
        }
    }
}
