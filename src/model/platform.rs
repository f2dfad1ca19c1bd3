//! Platforms as image indexes and configs name them (image-spec image-index.md, config.md).

use std::fmt;
use std::str::FromStr;

/// Operating system, architecture and variant, in Go's names: `linux/arm64/v8`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Platform {
    /// `GOOS`; empty where the image does not say.
    pub os: String,
    /// `GOARCH`; empty where the image does not say.
    pub architecture: String,
    /// `v7`, `v8`, …; empty where there is none.
    pub variant: String,
}

impl Platform {
    /// Whether two platforms mean the same: `arm64` is `arm64/v8`, and an empty field is not known
    /// and so equals none but the empty one.
    pub fn same_as(&self, other: &Platform) -> bool {
        self.normal() == other.normal()
    }

    /// Whether this is what the user asked for: a variant not asked for matches each. An operating system or architecture that an
    /// image does not say is the host's to containerd, and so may be any.
    pub fn matches(&self, wanted: &Platform) -> bool {
        let (mine, theirs) = (self.normal(), wanted.normal());
        let fits = |mine: &str, theirs: &str| mine.is_empty() || mine == theirs;
        fits(&mine.os, &theirs.os)
            && fits(&mine.architecture, &theirs.architecture)
            && (theirs.variant.is_empty() || mine.variant == theirs.variant)
    }

    /// Whether both are said of one image, and cannot both be so. What one does not say is no contradiction.
    pub fn contradicts(&self, other: &Platform) -> bool {
        let (mine, theirs) = (self.normal(), other.normal());
        let differ = |mine: &str, theirs: &str| !mine.is_empty() && !theirs.is_empty() && mine != theirs;
        let variants = !self.variant.is_empty() && !other.variant.is_empty();
        differ(&mine.os, &theirs.os)
            || differ(&mine.architecture, &theirs.architecture)
            || variants && mine.variant != theirs.variant
    }

    /// The spelling that containerd's platforms package normalises to.
    fn normal(&self) -> Platform {
        let mut os = self.os.to_ascii_lowercase();
        if os == "macos" {
            os = "darwin".into();
        }
        let lower = self.architecture.to_ascii_lowercase();
        let variant = self.variant.to_ascii_lowercase();
        let (architecture, variant) = match (lower.as_str(), variant.as_str()) {
            ("x86_64" | "x86-64" | "amd64", "v1" | "") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("i386", _) => ("386", ""),
            ("aarch64" | "arm64", "8" | "v8" | "") => ("arm64", ""),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) | ("arm", "" | "7") => ("arm", "v7"),
            ("armel", _) | ("arm", "6") => ("arm", "v6"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "8") => ("arm", "v8"),
            (architecture, variant) => (architecture, variant),
        };
        Platform { os, architecture: architecture.to_owned(), variant: variant.to_owned() }
    }
}

/// A text that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a platform: write OS/ARCH or OS/ARCH/VARIANT, for example linux/amd64")]
pub struct ParsePlatformError;

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('/');
        let mut part = || parts.next().filter(|part| !part.is_empty());
        let (Some(os), Some(architecture)) = (part(), part()) else { return Err(ParsePlatformError) };
        let variant = part().unwrap_or_default();
        let platform = Platform { os: os.into(), architecture: architecture.into(), variant: variant.into() };
        if platform.to_string() == text { Ok(platform) } else { Err(ParsePlatformError) }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = |part: &str| if part.is_empty() { "unknown".to_owned() } else { part.to_owned() };
        write!(f, "{}/{}", known(&self.os), known(&self.architecture))?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn platform(text: &str) -> Platform {
        text.parse().unwrap()
    }

    #[test]
    fn a_platform_reads_back_as_written() {
        assert_eq!(platform("linux/arm/v7").to_string(), "linux/arm/v7");
        for text in ["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/arm/"] {
            assert_eq!(text.parse::<Platform>(), Err(ParsePlatformError), "{text}");
        }
    }

    #[test]
    fn spellings_of_one_platform_are_the_same() {
        assert!(platform("linux/arm64").same_as(&platform("linux/arm64/v8")));
        assert!(platform("linux/x86_64").same_as(&platform("linux/amd64")));
        assert!(!platform("linux/arm/v6").same_as(&platform("linux/arm/v7")));
        assert!(!platform("linux/amd64").same_as(&platform("windows/amd64")));
        assert!(!platform("linux/arm").contradicts(&platform("linux/arm/v6")));
        assert!(!platform("linux/arm64/v8").contradicts(&platform("linux/aarch64")));
        assert!(platform("linux/arm/v7").contradicts(&platform("linux/arm/v6")));
        assert!(platform("linux/amd64").contradicts(&platform("linux/arm64")));
        assert!(!platform("linux/amd64").contradicts(&Platform::default()));
        assert!(platform("linux/arm/v6").matches(&platform("linux/arm/v6")));
        assert!(!platform("linux/arm/v6").matches(&platform("linux/arm")));
    }
}
