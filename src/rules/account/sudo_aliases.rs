//! What aliases of sudoers mean, all files of a tree together. sudo keeps the first definition of a name and passes
//! over others, so a new file that comes before the base's may give the base's own rule another meaning.

use std::collections::{BTreeMap, BTreeSet};

use super::sudo_files::File;
use super::{Key, Line, key, quoted};
use crate::error::Error;
use crate::limits;
use crate::rules::rule::Finding;

/// How many aliases lead from one to the next: further ones are looked at for what they are, no more.
const DEPTH: usize = 16;

/// The definitions that a finding quotes.
const QUOTED: usize = 4;

/// What may be an alias in a line, and whether it is defined there: a word of capitals, digits and `_`, and `=`.
pub(super) fn names(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    let ends_word = |byte: &u8| b"#>!=:,() \t\r\n\"".contains(byte);
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let begin = rest.iter().position(|byte| !ends_word(byte))?;
            let word = rest.get(begin..)?;
            let (word, after) =
                word.split_at_checked(word.iter().position(ends_word).unwrap_or(word.len()))?;
            rest = after;
            let is_part = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
            let is_name = word.first().is_some_and(u8::is_ascii_uppercase) && word.iter().all(is_part);
            if is_name && word != b"ALL" {
                return Some((word, after.trim_ascii_start().starts_with(b"=")));
            }
        }
    })
}

/// The definitions of a tree.
#[derive(Default)]
pub(super) struct Definitions<'a> {
    lines: Vec<Definition<'a>>,
    by_name: BTreeMap<&'a [u8], Meaning>,
    /// Why not all are known.
    pub(super) incomplete: Option<String>,
}

/// A line that defines aliases.
struct Definition<'a> {
    file: &'a File,
    line: &'a Line,
    /// The names in it, those that it defines too.
    names: BTreeSet<&'a [u8]>,
    key: Key,
}

/// What a name means.
#[derive(Default)]
struct Meaning {
    /// Numbers of the lines that define it. Which of them counts depends on the version of sudo.
    lines: Vec<usize>,
    /// Of these lines, and of what the names in them mean.
    key: Key,
}

impl<'a> Definitions<'a> {
    /// Of all files that sudo reads.
    pub(super) fn of(files: &'a [File]) -> Self {
        let mut definitions = Self::default();
        let mut more = files.iter().any(|file| file.sudoers.more_aliases);
        let mut seen = 0;
        let lines = files.iter().flat_map(|file| file.sudoers.aliases.iter().map(move |line| (file, line)));
        for (file, line) in lines {
            let number = definitions.lines.len();
            let named: Vec<_> = names(&line.text).collect();
            seen += named.len();
            if seen > limits::SUDOERS_NAMES {
                more = true;
                break;
            }
            for (name, _) in named.iter().filter(|(_, is_defined)| *is_defined) {
                definitions.by_name.entry(name).or_default().lines.push(number);
            }
            let names = named.into_iter().map(|(name, _)| name).collect();
            definitions.lines.push(Definition { file, line, names, key: key(&line.text) });
        }
        if more {
            let limit = limits::SUDOERS_NAMES as u64;
            let error = Error::limit("the number of names in definitions of sudoers", "SUDOERS_NAMES", limit);
            definitions.incomplete = Some(error.to_string());
        }
        // As often in every tree, so that the same definitions come to the same.
        (0..DEPTH).for_each(|_| definitions.look_further());
        definitions
    }

    /// Has each name mean what the names in its lines mean so far.
    fn look_further(&mut self) {
        let meant =
            |definition: &Definition<'_>| self.key_with(definition.key, definition.names.iter().copied());
        let lines: Vec<Key> = self.lines.iter().map(meant).collect();
        for meaning in self.by_name.values_mut() {
            let of_lines: BTreeSet<&Key> = meaning.lines.iter().filter_map(|line| lines.get(*line)).collect();
            meaning.key = key(&of_lines.into_iter().copied().collect::<Vec<_>>().concat());
        }
    }

    /// The key of a text with names in it, sorted, that mean something here.
    fn key_with<'n>(&self, text: Key, names: impl Iterator<Item = &'n [u8]>) -> Key {
        let meanings = names.filter_map(|name| self.by_name.get(name)).map(|meaning| meaning.key);
        let keys: Vec<Key> = std::iter::once(text).chain(meanings).collect();
        key(&keys.concat())
    }

    /// The key of a line, with what the aliases mean that it names; that of the line alone where it names none.
    pub(super) fn key_of(&self, line: &[u8]) -> Key {
        let names = self.defined_in(line);
        if names.is_empty() { key(line) } else { self.key_with(key(line), names.into_iter()) }
    }

    fn defined_in<'l>(&self, line: &'l [u8]) -> BTreeSet<&'l [u8]> {
        names(line).map(|(name, _)| name).filter(|name| self.by_name.contains_key(name)).collect()
    }

    /// Says which definitions of layers above the base have a line mean something else than it does there.
    pub(super) fn tell(&self, mut finding: Finding, line: &[u8], upper: &std::ops::Range<usize>) -> Finding {
        finding.message =
            format!("{}; its aliases mean something else than in the base", finding.message).into();
        let mut pending: Vec<&[u8]> = self.defined_in(line).into_iter().collect();
        let mut seen: BTreeSet<&[u8]> = pending.iter().copied().collect();
        let (mut told, mut walked) = (BTreeSet::new(), BTreeSet::new());
        // Who accepts the finding accepts this meaning, also what is not quoted of it.
        let meaning = self.key_of(line).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        finding = finding.evidence("meaning", meaning);
        while let Some(meaning) = pending.pop().and_then(|name| self.by_name.get(name)) {
            for number in &meaning.lines {
                if !walked.insert(*number) {
                    continue;
                }
                let Some(definition) = self.lines.get(*number) else { continue };
                for name in definition.names.iter().filter(|name| self.by_name.contains_key(**name)) {
                    if seen.insert(name) {
                        pending.push(name);
                    }
                }
                let (file, line) = (definition.file, definition.line);
                if upper.contains(&file.layer) && told.len() < QUOTED && told.insert(*number) {
                    let text = format!("{}:{}: {}", file.path, line.number, quoted(&line.text));
                    finding = finding.evidence("alias", text).layer(file.layer);
                    finding.add_path(&file.path);
                }
            }
        }
        finding
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::super::sudo::sudoers;
    use super::*;
    use crate::model::ImagePath;

    fn files(texts: &[&str]) -> Vec<File> {
        let file = |text: &&str| File {
            path: ImagePath::new("etc/sudoers"),
            layer: 0,
            sudoers: Rc::new(sudoers(text.as_bytes())),
        };
        texts.iter().map(file).collect()
    }

    #[test]
    fn names_are_whole_words_of_capitals() {
        let found: Vec<_> =
            names(b"User_Alias A1_B=x,C , ALL:D = !E, %F, a.G, \\H, (I)NOPASSWD:/b J").collect();
        let expected: [(&[u8], bool); 6] = [
            (b"A1_B", true),
            (b"C", false),
            (b"D", true),
            (b"E", false),
            (b"I", false),
            (b"NOPASSWD", false),
        ];
        assert_eq!(found.get(..6), Some(&expected[..]));
        assert_eq!(found.get(6), Some(&(&b"J"[..], false)));
    }

    #[test]
    fn a_line_means_what_its_aliases_mean() {
        let rule = b"ADMINS ALL=(ALL) NOPASSWD: ALL";
        let key_in = |texts: &[&str]| Definitions::of(&files(texts)).key_of(rule);
        let base = "User_Alias ADMINS = OPS\nUser_Alias OPS = builder";
        let known = key_in(&[base]);
        assert_eq!(key_in(&["", base, "User_Alias OTHER = ALL\nCmnd_Alias A = /bin/x"]), known);
        assert_eq!(key_in(&["User_Alias OPS = builder", "User_Alias ADMINS = OPS"]), known);
        for other in [
            &[base, "User_Alias ADMINS = ALL"][..],
            &[base, "User_Alias OPS = ALL"],
            &[base, "Cmnd_Alias X = /bin/x : OPS = ALL"],
            &["User_Alias ADMINS = OPS"],
            &[""],
        ] {
            assert_ne!(key_in(other), known, "{other:?}");
        }
        // Names that lead to each other.
        let turning = "User_Alias ADMINS = OPS\nUser_Alias OPS = ADMINS";
        assert_eq!(key_in(&[turning]), key_in(&[turning]));
        assert_eq!(key_in(&[]), key(rule));
    }

    /// Also what is beyond the few definitions that are quoted.
    #[test]
    fn another_meaning_is_another_finding() {
        let told = |last: &str| {
            let names = ["A1", "A2", "A3", "A4", "A5"];
            let defined: String = names.iter().map(|name| format!("User_Alias {name}=x\n")).collect();
            let files = files(&["User_Alias OPS=A1,A2,A3,A4,A5", &defined, last]);
            Definitions::of(&files)
                .tell(Finding::new("x", "y"), b"OPS ALL=(ALL) NOPASSWD: ALL", &(0..1))
                .evidence
        };
        let meanings: BTreeSet<_> = ["A1", "A2", "A3", "A4", "A5"]
            .map(|name| told(&format!("User_Alias {name}=ALL")))
            .into_iter()
            .map(|evidence| evidence.into_iter().find(|(name, _)| *name == "meaning").unwrap().1)
            .collect();
        assert_eq!(meanings.len(), 5);
    }

    #[test]
    fn names_are_held_to_sudoers_names() {
        let incomplete = |count: usize| {
            let text = format!("User_Alias {}A = b", "A,".repeat(count - 1));
            let of_one = Definitions::of(&files(&[&text])).incomplete;
            let lines = "User_Alias A = b\n".repeat(count);
            assert_eq!(Definitions::of(&files(&[&lines])).incomplete, of_one);
            of_one
        };
        assert_eq!(incomplete(limits::SUDOERS_NAMES), None);
        assert!(incomplete(limits::SUDOERS_NAMES + 1).is_some_and(|reason| reason.contains("SUDOERS_NAMES")));
    }
}
