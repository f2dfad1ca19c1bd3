//! Policies to start from.

use clap::ValueEnum;

/// A policy that comes with the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// What is in force where nothing else is said
    Default,
    /// Fails on low findings too, and takes fewer changes of the base for ordinary
    Strict,
    /// The image section of the CIS Docker Benchmark
    Cis,
}

impl Preset {
    const ALL: [Self; 3] = [Self::Default, Self::Strict, Self::Cis];

    /// Their names.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Self::ALL.into_iter().map(Self::name)
    }

    /// As policies name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Default => "default",
            Self::Strict => "strict",
            Self::Cis => "cis",
        }
    }

    /// The one of that name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its TOML.
    pub fn text(self) -> &'static str {
        match self {
            Self::Default => include_str!("presets/default.toml"),
            Self::Strict => include_str!("presets/strict.toml"),
            Self::Cis => include_str!("presets/cis.toml"),
        }
    }

    /// A policy that extends it and says nothing else yet, with all keys explained.
    pub fn starter(self) -> String {
        include_str!("presets/starter.toml").replace("@PRESET@", self.name())
    }
}
