//! Findings about lines of files: hostile files have millions of lines, and each finding takes far more than a line.

use super::rule::Finding;
use crate::limits;

/// The first of them, and whether there are more.
#[derive(Default)]
pub(super) struct LineFindings {
    pub(super) told: Vec<Finding>,
    /// Why not all are told.
    pub(super) incomplete: Option<String>,
}

impl LineFindings {
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) {
        if self.told.len() < limits::LINE_FINDINGS {
            self.told.push(finding());
        } else {
            let reason = format!("there are more than {} (LINE_FINDINGS)", limits::LINE_FINDINGS);
            self.incomplete.get_or_insert(reason);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_are_held_to_line_findings() {
        let mut findings = LineFindings::default();
        (0..limits::LINE_FINDINGS).for_each(|_| findings.add(|| Finding::new("x", "y")));
        assert_eq!((findings.told.len(), &findings.incomplete), (limits::LINE_FINDINGS, &None));
        findings.add(|| Finding::new("x", "y"));
        assert_eq!(findings.told.len(), limits::LINE_FINDINGS);
        assert!(findings.incomplete.unwrap().contains("LINE_FINDINGS"));
    }
}
