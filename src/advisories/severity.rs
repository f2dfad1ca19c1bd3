//! How bad an advisory is, by whom it is said, and what a CVSS vector comes to.

use std::str::FromStr as _;

/// How bad a vulnerability is, as its feed says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Nobody says; a policy must.
    #[default]
    Unknown,
    /// No vulnerability in practice: Debian's *unimportant*, Ubuntu's *negligible*.
    Negligible,
    /// Low.
    Low,
    /// Medium; *moderate* of Red Hat and GitHub.
    Medium,
    /// High; *important* of Red Hat.
    High,
    /// Critical.
    Critical,
}

impl Level {
    /// All, by their numbers in the file.
    pub(crate) const ALL: [Self; 6] =
        [Self::Unknown, Self::Negligible, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// In lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Negligible => "negligible",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }

    /// The words of Debian, Ubuntu, Red Hat, GitHub and those who use the same.
    pub(super) fn of_word(word: &str) -> Self {
        // Debian marks urgencies that it guessed with stars.
        match word.trim().trim_end_matches('*').to_ascii_lowercase().as_str() {
            "negligible" | "unimportant" => Self::Negligible,
            "low" => Self::Low,
            "medium" | "moderate" => Self::Medium,
            "high" | "important" => Self::High,
            "critical" => Self::Critical,
            _ => Self::Unknown,
        }
    }

    /// The rating of a base score (CVSS 3.1, section 5; 4.0, section 6). CVSS 2 has no critical, as NVD rates it.
    fn of_score(score: f64, kind: Cvss) -> Self {
        match score {
            score if score >= 9.0 && kind != Cvss::V2 => Self::Critical,
            score if score >= 7.0 => Self::High,
            score if score >= 4.0 => Self::Medium,
            score if score > 0.0 => Self::Low,
            _ => Self::Negligible,
        }
    }
}

/// How bad it is, and by whose word.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Severity {
    /// The word.
    pub level: Level,
    /// Whose word it is: `Ubuntu`, `Debian`, `GitHub`, `AlmaLinux`, `CVSS 3.1` …; empty where nobody says.
    pub by: String,
}

impl Severity {
    /// A word that somebody says; `None` where it says nothing.
    pub(super) fn said(word: &str, by: &str) -> Option<Self> {
        let level = Level::of_word(word);
        (level != Level::Unknown).then(|| Self { level, by: by.to_owned() })
    }

    /// What the scores say: of the newest version of CVSS that can be read.
    pub(super) fn of_scores(scores: &[Score]) -> Option<Self> {
        let best = scores
            .iter()
            .filter_map(|score| Some((score, score.base()?)))
            .max_by_key(|(score, _)| score.kind);
        best.map(|(score, base)| Self { level: Level::of_score(base, score.kind), by: score.name() })
    }
}

/// A version of CVSS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cvss {
    /// 2.0.
    V2,
    /// 3.0 and 3.1.
    V3,
    /// 4.0.
    V4,
}

impl Cvss {
    /// The metrics that a vector must have.
    fn metrics(self) -> &'static [&'static str] {
        match self {
            Self::V2 => &["AV", "AC", "Au", "C", "I", "A"],
            Self::V3 => &["AV", "AC", "PR", "UI", "S", "C", "I", "A"],
            Self::V4 => &["AV", "AC", "AT", "PR", "UI", "VC", "VI", "VA", "SC", "SI", "SA"],
        }
    }
}

/// A CVSS vector.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Score {
    /// Its version.
    pub kind: Cvss,
    /// As it is written: `CVSS:3.1/AV:N/…`, and without the beginning for version 2.
    pub vector: String,
}

impl Score {
    /// A vector by its own beginning, whatever the field beside it says; `None` for what is none.
    pub fn parse(vector: &str) -> Option<Self> {
        let vector = vector.trim();
        let kind = if vector.starts_with("CVSS:4.") {
            Cvss::V4
        } else if vector.starts_with("CVSS:3.") {
            Cvss::V3
        } else if vector.trim_start_matches('(').starts_with("AV:") {
            Cvss::V2
        } else {
            return None;
        };
        let vector = vector.trim_start_matches('(').trim_end_matches(')');
        Some(Self { kind, vector: vector.to_owned() })
    }

    /// The score, with the threat or temporal metrics that the vector has, from 0 to 10; `None` where the vector is
    /// broken.
    pub fn base(&self) -> Option<f64> {
        // The library takes metrics that are missing for harmless ones.
        let has = |metric: &&str| {
            self.vector.split('/').any(|part| part.split_once(':').is_some_and(|(name, _)| name == *metric))
        };
        if !self.kind.metrics().iter().all(has) {
            return None;
        }
        match self.kind {
            Cvss::V2 => Some(cvss::v2::Vector::from_str(&self.vector).ok()?.score().value()),
            Cvss::V3 => Some(cvss::v3::Vector::from_str(&self.vector).ok()?.score().value()),
            Cvss::V4 => Some(cvss::v4::Vector::from_str(&self.vector).ok()?.score().value()),
        }
    }

    /// `CVSS 3.1`.
    fn name(&self) -> String {
        match self.kind {
            Cvss::V2 => "CVSS 2.0".to_owned(),
            _ => {
                let version = self.vector.split('/').next().unwrap_or_default();
                version.replace(':', " ")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_of_each_version_have_the_scores_of_their_calculators() {
        for (vector, score, level, name) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:L/I:N/A:N", 5.8, Level::Medium, "CVSS 3.1"),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", 9.8, Level::Critical, "CVSS 3.1"),
            ("CVSS:3.0/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:N/A:N", 5.9, Level::Medium, "CVSS 3.0"),
            (
                "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N",
                9.3,
                Level::Critical,
                "CVSS 4.0",
            ),
            ("AV:N/AC:L/Au:N/C:C/I:C/A:C", 10.0, Level::High, "CVSS 2.0"),
            ("(AV:N/AC:L/Au:N/C:P/I:P/A:P)", 7.5, Level::High, "CVSS 2.0"),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", 0.0, Level::Negligible, "CVSS 3.1"),
        ] {
            let parsed = Score::parse(vector).unwrap();
            assert_eq!(parsed.base(), Some(score), "{vector}");
            let severity = Severity::of_scores(&[parsed]).unwrap();
            assert_eq!((severity.level, severity.by.as_str()), (level, name), "{vector}");
        }
    }

    #[test]
    fn a_broken_vector_says_nothing_and_the_newest_that_holds_counts() {
        for vector in ["", "7.5", "CVSS:5.0/AV:N"] {
            assert_eq!(Score::parse(vector), None, "{vector}");
        }
        for vector in
            ["CVSS:3.1/AV:N", "CVSS:3.1/AV:N/AC:Q/PR:N/UI:N/S:U/C:H/I:H/A:H", "CVSS:4.0/AV:N", "AV:N"]
        {
            assert_eq!(Score::parse(vector).unwrap().base(), None, "{vector}");
        }
        let scores =
            ["AV:N/AC:L/Au:N/C:P/I:P/A:P", "CVSS:3.1/AV:L/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N", "CVSS:4.0/AV:N"];
        let scores: Vec<Score> = scores.iter().filter_map(|vector| Score::parse(vector)).collect();
        assert_eq!(Severity::of_scores(&scores).unwrap().by, "CVSS 3.1");
    }

    #[test]
    fn words_of_all_vendors_are_levels() {
        for (word, level) in [
            ("Important", Level::High),
            ("MODERATE", Level::Medium),
            ("unimportant", Level::Negligible),
            ("medium**", Level::Medium),
            ("not yet assigned", Level::Unknown),
            ("", Level::Unknown),
        ] {
            assert_eq!(Level::of_word(word), level, "{word}");
        }
    }
}
