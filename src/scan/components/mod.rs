//! Components: packages of languages in a layer, by what their own tools left beside or within them.
//!
//! The probe sees every file as it streams by. Texts with names that tools give them (`METADATA` of Python,
//! `package.json` of npm, specifications of gems) are kept and read, and so are programs (`programs`: what Go and
//! cargo-auditable put into them) and archives (`java`: jars and the jars in them). What a component is called and
//! which version it has is what stands there: its own claim, as that of a package database. Nothing here knows a
//! rule, and what could not be looked at is a gap.

#[cfg(test)]
#[path = "../../../tests/support/program.rs"]
#[allow(dead_code, unreachable_pub, missing_docs, reason = "the one writer of test programs")]
pub(crate) mod build;
mod found;
mod go;
mod java;
mod look;
mod probe;
mod programs;
#[cfg(test)]
mod tests;
mod texts;

use std::collections::BTreeMap;
use std::fmt;

pub use look::Look;
pub(crate) use probe::Probe;

/// Where a component's name is given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ecosystem {
    /// Python packages.
    PyPi,
    /// npm packages of JavaScript.
    Npm,
    /// Java artifacts, as Maven names them.
    Maven,
    /// Go modules; the standard library is `stdlib`.
    Go,
    /// Crates of Rust.
    Cargo,
    /// Gems of Ruby.
    Gem,
}

impl Ecosystem {
    /// All, in the order of their numbers in facts files.
    pub const ALL: [Ecosystem; 6] = [Self::PyPi, Self::Npm, Self::Maven, Self::Go, Self::Cargo, Self::Gem];
}

/// What says that a component is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// `METADATA` or `PKG-INFO` of an installed Python package.
    PythonMetadata,
    /// `package.json` of a package below `node_modules`.
    PackageJson,
    /// `pom.properties`, which Maven puts into jars: exact.
    PomProperties,
    /// The manifest of a jar, partly or whole: the group is often missing, and the name may be another.
    Manifest,
    /// The name of a jar's file only: a guess.
    FileName,
    /// What Go's linker puts into programs: a module that the program needs, or Go's own library.
    GoBuildInfo,
    /// What cargo-auditable puts into programs.
    CargoAuditable,
    /// The specification of an installed gem.
    GemSpecification,
    /// What Go's linker puts into programs: the module that the program is of.
    GoProgram,
}

impl Evidence {
    /// All, in the order of their numbers in facts files.
    pub const ALL: [Evidence; 9] = [
        Self::PythonMetadata,
        Self::PackageJson,
        Self::PomProperties,
        Self::Manifest,
        Self::FileName,
        Self::GoBuildInfo,
        Self::CargoAuditable,
        Self::GemSpecification,
        Self::GoProgram,
    ];
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PythonMetadata => "Python metadata",
            Self::PackageJson => "package.json",
            Self::PomProperties => "pom.properties",
            Self::Manifest => "the jar's manifest",
            Self::FileName => "the jar's file name",
            Self::GoBuildInfo | Self::GoProgram => "Go build information",
            Self::CargoAuditable => "cargo-auditable",
            Self::GemSpecification => "the gem's specification",
        })
    }
}

/// A package of a language. Its texts are the image's: escape them before people see them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Component {
    /// Where its name is given out.
    pub ecosystem: Ecosystem,
    /// Its name as written; of Maven `group:artifact`, or `artifact` alone where no group is said.
    pub name: Box<str>,
    /// Its version as written, of modules of Go with the `v`; empty where none is said.
    pub version: Box<str>,
    /// What says so.
    pub evidence: Evidence,
    /// The member of the entry's archive that it was found in, and the members of those, joined by `!/`; `None`
    /// where it was found in the file itself.
    pub inside: Option<Box<[u8]>>,
}

impl Component {
    /// What it takes of memory, in bytes.
    pub(super) fn memory(&self) -> usize {
        size_of::<Self>()
            + self.name.len()
            + self.version.len()
            + self.inside.as_ref().map_or(0, |path| path.len())
    }
}

/// The components of a layer, by index of the file's entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Components {
    /// Those of each file that has some, sorted, none twice.
    pub found: BTreeMap<usize, Vec<Component>>,
    /// Files in which not all was found, each with the first reason.
    pub gaps: BTreeMap<usize, Gap>,
    /// Bytes that archives and programs unpacked to: layers that are known from before count as much as when they are read.
    pub unpacked: u64,
}

impl Components {
    /// What they take of memory, in bytes.
    pub(super) fn memory(&self) -> u64 {
        let found: usize = self.found.values().flatten().map(Component::memory).sum();
        let entries = self.found.len() * size_of::<(usize, Vec<Component>)>();
        (found + entries + self.gaps.len() * size_of::<(usize, Gap)>()) as u64
    }
}

/// Why components of a file may be missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// What says it lies in a part that is not kept: [`crate::limits::COMPONENT_FILE_BYTES`].
    LargeFile,
    /// A text that says it is larger than [`crate::limits::COMPONENT_TEXT_BYTES`].
    LargeText,
    /// A text that ought to say it is broken, or lacks the name.
    Unreadable,
    /// Archives in it are nested deeper than [`crate::limits::COMPONENT_DEPTH`].
    DeepArchive,
    /// It unpacks to more than [`crate::limits::COMPONENT_UNPACKED_BYTES`].
    LargeContent,
    /// The layer unpacks to more than [`crate::limits::LAYER_COMPONENT_UNPACKED_BYTES`].
    LargeLayer,
    /// It seems to end more often than [`crate::limits::ARCHIVE_ENDS`].
    ManyEnds,
    /// The components of the layer take more than [`crate::limits::LAYER_COMPONENT_BYTES`].
    ManyComponents,
    /// A program made by Go before 1.18, which points to what is in it, and not to where it could be.
    OldGo,
}

impl Gap {
    /// All, in the order of their numbers in facts files.
    pub const ALL: [Gap; 9] = [
        Self::LargeFile,
        Self::LargeText,
        Self::Unreadable,
        Self::DeepArchive,
        Self::LargeContent,
        Self::LargeLayer,
        Self::ManyEnds,
        Self::ManyComponents,
        Self::OldGo,
    ];
}

impl fmt::Display for Gap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LargeFile => "is larger than the limit COMPONENT_FILE_BYTES, and what says its components lies in its middle",
            Self::LargeText => "has a list of components larger than the limit COMPONENT_TEXT_BYTES",
            Self::Unreadable => "has a description of a component that is broken or lacks its name",
            Self::DeepArchive => "has archives nested deeper than the limit COMPONENT_DEPTH",
            Self::LargeContent => "has archives or a list of components in it that unpack to more than the limit COMPONENT_UNPACKED_BYTES",
            Self::LargeLayer => "is in a layer whose archives and programs unpack to more than the limit LAYER_COMPONENT_UNPACKED_BYTES",
            Self::ManyEnds => "seems to end more often than the limit ARCHIVE_ENDS",
            Self::ManyComponents => "is in a layer whose components take more than the limit LAYER_COMPONENT_BYTES",
            Self::OldGo => "was made by Go before 1.18, and what it says of its modules could not be found in it",
        })
    }
}
