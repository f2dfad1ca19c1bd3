//! The records of update-alternatives(1): which programs offer to stand behind a name, and with
//! what priority. Packages register themselves when they are installed, and in automatic mode the
//! highest priority gets the link `/etc/alternatives/NAME`.

use crate::model::ImagePath;

/// One name, and all that offer to stand behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alternative {
    /// The highest priority gets the link; else someone has chosen.
    pub is_auto: bool,
    /// Names of the links in `/etc/alternatives`: the name itself, then those that go with it.
    pub names: Vec<Box<[u8]>>,
    /// All that offer themselves.
    pub choices: Vec<Choice>,
}

/// One that offers itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The targets of the links, in the order of [`Alternative::names`]; empty where it has none.
    pub targets: Vec<Box<[u8]>>,
    /// The highest wins.
    pub priority: i64,
}

impl Choice {
    /// The program, symlinks not followed.
    pub fn program(&self) -> Option<ImagePath> {
        self.target(0)
    }

    /// Where the link of that place in [`Alternative::names`] leads, symlinks not followed.
    pub fn target(&self, place: usize) -> Option<ImagePath> {
        self.targets.get(place).map(ImagePath::new)
    }
}

impl Alternative {
    /// Reads the record of `name`; `None` where it breaks off.
    ///
    /// A line each: `auto` or `manual`; the public link; name and public link of each that goes with
    /// it; nothing. Then for each choice its target, its priority, and a target for each that goes
    /// with it; at the end nothing.
    pub fn parse(name: &[u8], bytes: &[u8]) -> Option<Self> {
        let mut lines = bytes.split(|byte| *byte == b'\n');
        let is_auto = match lines.next()? {
            b"auto" => true,
            b"manual" => false,
            _ => return None,
        };
        lines.next()?;
        let mut names: Vec<Box<[u8]>> = vec![name.into()];
        while let Some(slave) = lines.next().filter(|line| !line.is_empty()) {
            names.push(slave.into());
            lines.next()?;
        }
        let mut choices = Vec::new();
        while let Some(target) = lines.next().filter(|line| !line.is_empty()) {
            let priority = std::str::from_utf8(lines.next()?).ok()?.trim().parse().ok()?;
            let mut targets: Vec<Box<[u8]>> = vec![target.into()];
            for _ in names.iter().skip(1) {
                targets.push(lines.next()?.into());
            }
            choices.push(Choice { targets, priority });
        }
        Some(Self { is_auto, names, choices })
    }

    /// Those of the highest priority; update-alternatives takes one of them.
    pub fn best(&self) -> impl Iterator<Item = &Choice> {
        let highest = self.choices.iter().map(|choice| choice.priority).max();
        self.choices.iter().filter(move |choice| Some(choice.priority) == highest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGER: &[u8] = b"auto\n/usr/bin/pager\npager.1.gz\n/usr/share/man/man1/pager.1.gz\n\n\
        /bin/more\n50\n/usr/share/man/man1/more.1.gz\n/usr/bin/less\n77\n\n\n";

    #[test]
    fn the_highest_priority_is_the_best() {
        let pager = Alternative::parse(b"pager", PAGER).unwrap();
        assert!(pager.is_auto);
        assert_eq!(pager.names, [(*b"pager").into(), Box::<[u8]>::from(&b"pager.1.gz"[..])]);
        let best: Vec<_> = pager.best().map(|choice| &*choice.targets[0]).collect();
        assert_eq!(best, [b"/usr/bin/less"]);
    }

    #[test]
    fn a_record_that_breaks_off_is_none() {
        for end in 1..PAGER.len() - 4 {
            // What is cut within a number or behind a whole choice reads as a shorter record.
            if let Some(cut) = Alternative::parse(b"pager", &PAGER[..end]) {
                assert!(cut.choices.len() <= 2);
            }
        }
        assert_eq!(Alternative::parse(b"pager", b""), None);
        assert_eq!(Alternative::parse(b"pager", b"auto\n/x\n\n/y\nhigh\n"), None);
    }
}
