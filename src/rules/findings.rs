//! What rules find, held to the limits on the findings of an input while it is found: a few bytes of an image may
//! make millions of findings.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::rule::Finding;
use crate::error::Error;
use crate::limits::{INPUT_FINDING_BYTES, INPUT_FINDINGS};

/// What is left of the limits on the findings of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Left {
    /// Of [`INPUT_FINDINGS`].
    pub findings: usize,
    /// Of [`INPUT_FINDING_BYTES`].
    pub bytes: u64,
}

impl Default for Left {
    fn default() -> Self {
        Self { findings: INPUT_FINDINGS, bytes: INPUT_FINDING_BYTES }
    }
}

impl Left {
    /// Takes so many findings of so many bytes.
    ///
    /// # Errors
    /// There are not so many left.
    pub fn take(&mut self, findings: usize, bytes: u64) -> Result<(), Full> {
        let left = Self {
            findings: self.findings.checked_sub(findings).ok_or(Full::FINDINGS)?,
            bytes: self.bytes.checked_sub(bytes).ok_or(Full::BYTES)?,
        };
        *self = left;
        Ok(())
    }
}

/// An input has more findings than it may have. A list that was cut short would not say what the policy accepts
/// of it, so that there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    what: &'static str,
    limit: &'static str,
    most: u64,
}

impl Full {
    const FINDINGS: Self = Self {
        what: "the number of findings of all images of an input",
        limit: "INPUT_FINDINGS",
        most: INPUT_FINDINGS as u64,
    };
    const BYTES: Self = Self {
        what: "what the findings of all images of an input take",
        limit: "INPUT_FINDING_BYTES",
        most: INPUT_FINDING_BYTES,
    };
}

impl From<Full> for Error {
    fn from(full: Full) -> Self {
        let hint = "mend what most of them have in common";
        Self::limit(full.what, full.limit, full.most).hint(hint)
    }
}

/// What the findings of all rules on one image share: the rules run side by side.
#[derive(Debug)]
pub struct Room(Mutex<Left>);

impl Room {
    /// Room for what is left.
    pub fn new(left: Left) -> Self {
        Self(Mutex::new(left))
    }

    /// An empty list of one rule's findings. Rules get theirs, and cannot make one.
    pub fn findings(&self) -> Findings<'_> {
        Findings { room: self, found: BTreeSet::new() }
    }

    fn left(&self) -> std::sync::MutexGuard<'_, Left> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The findings of one rule, each once: several readings may give the same.
#[derive(Debug)]
pub struct Findings<'room> {
    room: &'room Room,
    found: BTreeSet<Finding>,
}

impl Findings<'_> {
    /// Adds one.
    ///
    /// # Errors
    /// There is no room; the rule need look no further.
    pub fn add(&mut self, finding: Finding) -> Result<(), Full> {
        if !self.found.contains(&finding) {
            self.room.left().take(1, finding.bytes())?;
            self.found.insert(finding);
        }
        Ok(())
    }

    /// Adds all that an iterator yields, and asks it for no more once there is no room.
    ///
    /// # Errors
    /// As [`Findings::add`].
    pub fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) -> Result<(), Full> {
        findings.into_iter().try_for_each(|finding| self.add(finding))
    }

    /// Whether what a rule still holds back would find room.
    ///
    /// # Errors
    /// It would not.
    pub(super) fn hold(&self, findings: usize, bytes: u64) -> Result<(), Full> {
        let mut left = *self.room.left();
        left.take(findings, bytes)
    }

    pub(super) fn len(&self) -> usize {
        self.found.len()
    }

    pub(super) fn into_set(self) -> BTreeSet<Finding> {
        self.found
    }
}

/// Findings of which a rule tells so many and no more, where more say nothing new: it has not looked at everything
/// then.
pub(super) struct UpTo<'a, 'room> {
    findings: &'a mut Findings<'room>,
    most: usize,
    more: bool,
}

impl<'a, 'room> UpTo<'a, 'room> {
    pub(super) fn new(findings: &'a mut Findings<'room>, most: usize) -> Self {
        Self { findings, most, more: false }
    }

    /// Adds one, which is made only where it is told.
    pub(super) fn add(&mut self, finding: impl FnOnce() -> Finding) -> Result<(), Full> {
        if self.findings.len() < self.most {
            return self.findings.add(finding());
        }
        self.more = true;
        Ok(())
    }

    /// Whether there are more than are told.
    pub(super) fn are_more(&self) -> bool {
        self.more
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::limits::LINE_FINDINGS;
    use crate::model::ImagePath;

    fn finding(number: usize) -> Finding {
        Finding::new(format!("{number}"), "x")
    }

    #[test]
    fn findings_are_held_to_what_is_left_over_all_rules() {
        let room = Room::new(Left { findings: 3, ..Left::default() });
        let (mut one, mut other) = (room.findings(), room.findings());
        one.extend((0..2).map(finding)).unwrap();
        other.add(finding(0)).unwrap();
        let error = Error::from(other.add(finding(1)).unwrap_err());
        assert!(error.kind() == ErrorKind::Limit && error.to_string().contains("INPUT_FINDINGS"), "{error}");
        assert_eq!((one.len(), other.len()), (2, 1));
    }

    #[test]
    fn findings_are_held_to_their_bytes() {
        let long = |number: usize| finding(number).path(&ImagePath::new(vec![0x7f; 4_000]));
        // Escaped, as reports tell them.
        assert!((16_000..17_000).contains(&long(0).bytes()), "{}", long(0).bytes());
        let room = Room::new(Left { bytes: 2 * long(0).bytes(), ..Left::default() });
        let mut findings = room.findings();
        let full = findings.extend((0..3).map(long)).unwrap_err();
        assert_eq!((full, findings.len()), (Full::BYTES, 2));
    }

    #[test]
    fn faults_are_held_to_line_findings() {
        let room = Room::new(Left::default());
        let mut findings = room.findings();
        let mut told = UpTo::new(&mut findings, LINE_FINDINGS);
        (0..LINE_FINDINGS).try_for_each(|number| told.add(|| finding(number))).unwrap();
        assert!(!told.are_more());
        told.add(|| unreachable!("what is not told is not made")).unwrap();
        assert!(told.are_more());
        assert_eq!(findings.len(), LINE_FINDINGS);
    }

    #[test]
    fn the_same_finding_takes_room_once() {
        let room = Room::new(Left { findings: 1, bytes: finding(0).bytes() });
        let mut findings = room.findings();
        findings.extend((0..1_000).map(|_| finding(0))).unwrap();
        assert_eq!(findings.len(), 1);
    }

    #[test]
    fn nothing_more_is_made_once_there_is_no_room() {
        let room = Room::new(Left { findings: 2, ..Left::default() });
        let mut made = 0;
        let endless = (0..).map(finding).inspect(|_| made += 1);
        assert_eq!(room.findings().extend(endless), Err(Full::FINDINGS));
        assert_eq!(made, 3);
    }
}
