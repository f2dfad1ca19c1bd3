//! The sheet that text is written on: it wraps, indents and colours, and is the one place where
//! what comes from an image is made safe to show.

use std::io;

use anstyle::{AnsiColor, Style as Ink};

use crate::model::escape::escape_text;
use crate::report::Verdict;
use crate::report::stream::Out;
use crate::rules::Severity;

/// Narrower than this nothing can be read.
const MIN_WIDTH: usize = 40;

/// Characters of one text that are shown: a name or command of an image may have megabytes. JSON
/// has all of it.
const LONGEST: usize = 2_000;

/// A cut word of at most so many characters is left out whole.
const CUT_WORD: usize = 12;

/// Text with nothing of the image's own that could steer a terminal, break a line or turn text
/// around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Safe(String);

impl Safe {
    /// Escapes it. What is escaped already stays as it is.
    ///
    /// Nor does it command a CI system that reads the log: GitHub obeys lines that begin with `::`, Azure
    /// `##vso[` and TeamCity `##teamcity[` anywhere, and a line may be wrapped at any blank.
    pub(super) fn of(text: &str) -> Self {
        let text = escape_text(text).replace("##", "#\\x23");
        let mut words = text.split(' ').map(|word| match word.strip_prefix("::") {
            Some(rest) => format!(":\\x3a{rest}"),
            None => word.to_owned(),
        });
        let first = words.next().unwrap_or_default();
        Self(words.fold(first, |text, word| text + " " + &word))
    }

    /// The text, escaped.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

/// How a piece of text looks where there is colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// As it is.
    Plain,
    /// Stands out.
    Bold,
    /// Steps back.
    Dim,
    /// A verdict.
    Verdict(Verdict),
    /// A severity.
    Severity(Severity),
}

impl Look {
    fn ink(self) -> Ink {
        let color = |color: AnsiColor| Ink::new().bold().fg_color(Some(color.into()));
        match self {
            Self::Plain => Ink::new(),
            Self::Bold => Ink::new().bold(),
            Self::Dim => Ink::new().dimmed(),
            Self::Verdict(Verdict::Pass) => color(AnsiColor::Green),
            Self::Verdict(Verdict::Fail) => color(AnsiColor::Red),
            Self::Verdict(Verdict::Error) | Self::Severity(Severity::Critical) => color(AnsiColor::Magenta),
            Self::Severity(Severity::High) => color(AnsiColor::Red),
            Self::Severity(Severity::Medium) => color(AnsiColor::Yellow),
            Self::Severity(Severity::Low) => color(AnsiColor::Cyan),
            Self::Severity(Severity::Info) => color(AnsiColor::Blue),
        }
    }
}

/// The sheet: what is written goes out line by line.
pub(super) struct Page<'a> {
    out: Out<'a>,
    line: String,
    /// Line breaks at the end of what was written.
    breaks: usize,
    width: usize,
    color: bool,
}

impl<'a> Page<'a> {
    pub(super) fn new(width: usize, color: bool, out: &'a mut dyn io::Write) -> Self {
        Self { out: Out::new(out), line: String::new(), breaks: 0, width: width.max(MIN_WIDTH), color }
    }

    /// Whether all of it was written.
    pub(super) fn finish(self) -> io::Result<()> {
        self.out.finish()
    }

    /// An empty line, but never two and none at the top.
    pub(super) fn gap(&mut self) {
        if self.breaks == 1 {
            self.end_line();
        }
    }

    /// Text after a coloured mark; further lines begin below the text.
    pub(super) fn marked(&mut self, indent: usize, mark: &str, look: Look, text: &str, text_look: Look) {
        let hang = indent + count(mark);
        for (number, line) in
            wrap(&shorten(text, LONGEST), self.width.saturating_sub(hang)).iter().enumerate()
        {
            if number == 0 {
                self.spaces(indent);
                self.paint(mark, look);
            } else {
                self.spaces(hang);
            }
            self.paint(line, text_look);
            self.end_line();
        }
    }

    /// Text that begins at `indent`, as do further lines.
    pub(super) fn wrapped(&mut self, indent: usize, text: &str, look: Look) {
        self.marked(indent, "", Look::Plain, text, look);
    }

    /// One line, shortened in its middle where it is too long.
    pub(super) fn shortened(&mut self, indent: usize, text: &str, look: Look) {
        self.spaces(indent);
        let short = shorten(text, self.width.saturating_sub(indent));
        self.paint(&short, look);
        self.end_line();
    }

    /// One line as it is: paths are for copying, whatever their length.
    pub(super) fn whole(&mut self, indent: usize, text: &str, look: Look) {
        self.spaces(indent);
        self.paint(text, look);
        self.end_line();
    }

    /// A mark and text on one line, whatever its length.
    pub(super) fn one_line(&mut self, mark: &str, look: Look, text: &str) {
        self.paint(mark, look);
        self.paint(&shorten(text, LONGEST), Look::Plain);
        self.end_line();
    }

    fn spaces(&mut self, number: usize) {
        self.line.extend(std::iter::repeat_n(' ', number));
    }

    fn paint(&mut self, text: &str, look: Look) {
        let ink = look.ink();
        if self.color && ink != Ink::new() && !text.is_empty() {
            self.line.push_str(&format!("{ink}{text}{ink:#}"));
        } else {
            self.line.push_str(text);
        }
    }

    fn end_line(&mut self) {
        self.line.truncate(self.line.trim_end_matches(' ').len());
        self.breaks = if self.line.is_empty() { self.breaks + 1 } else { 1 };
        self.line.push('\n');
        self.out.push_str(&self.line);
        self.line.clear();
    }
}

/// Characters, as columns. Wide characters take two, which a line of the report can bear.
fn count(text: &str) -> usize {
    text.chars().count()
}

/// Breaks text at spaces into lines of at most `width`; a longer word has a line of its own. At
/// least one line, which may be empty.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let word_length = count(word);
        if length > 0 && length + 1 + word_length > width {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        line.push_str(word);
        length += word_length;
    }
    lines.push(line);
    lines
}

/// One line of at most `width`: the beginning says what it is, the end what it was about.
pub(super) fn shorten(text: &str, width: usize) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let length = count(&text);
    if length <= width {
        return text;
    }
    let kept = width.saturating_sub(3);
    let head = kept - kept / 3;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - (kept - head)).collect();
    // Whole words, where that costs little.
    let start = match start.rsplit_once(' ') {
        Some((whole, cut)) if count(cut) <= CUT_WORD => whole,
        _ => start.as_str(),
    };
    let end = match end.split_once(' ') {
        Some((cut, whole)) if count(cut) <= CUT_WORD => whole,
        _ => end.as_str(),
    };
    format!("{} … {}", start.trim_end(), end.trim_start())
}

/// `4.1 kB`: in powers of 1000, as docker and registries say it.
pub(crate) fn human_size(bytes: u64) -> String {
    let mut size = bytes;
    let mut rest = 0;
    for unit in ["B", "kB", "MB", "GB", "TB"] {
        if size < 1_000 || unit == "TB" {
            return if unit == "B" { format!("{size} B") } else { format!("{size}.{} {unit}", rest / 100) };
        }
        (size, rest) = (size / 1_000, size % 1_000);
    }
    format!("{bytes} B")
}

/// `1 layer`, `2 layers`.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::stream::written;

    #[test]
    fn no_log_takes_text_of_an_image_for_a_command() {
        for (text, shown) in [
            ("x ::add-mask::pass", "x :\\x3aadd-mask::pass"),
            ("::stop", ":\\x3astop"),
            ("a::b c:: d", "a::b c:: d"),
            ("##vso[task] x##[group]", "#\\x23vso[task] x#\\x23[group]"),
            ("# a #b", "# a #b"),
        ] {
            assert_eq!(Safe::of(text).as_str(), shown);
        }
    }

    #[test]
    fn long_text_is_wrapped_and_long_words_are_left_whole() {
        assert_eq!(wrap("one two three", 7), ["one two", "three"]);
        assert_eq!(wrap("a sha256:0123456789 b", 8), ["a", "sha256:0123456789", "b"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn a_long_step_keeps_its_beginning_and_its_end() {
        let step = "RUN apt-get update && apt-get install -y curl   && rm -rf /var/lib/apt/lists/*";
        assert_eq!(shorten(step, 40), "RUN apt-get update && … /apt/lists/*");
        assert_eq!(shorten("RUN\n  true", 40), "RUN true");
        for width in 0..100 {
            assert!(count(&shorten(step, width)) <= width.max(3), "{width}");
        }
    }

    #[test]
    fn sizes_are_for_people() {
        let sizes = [0, 999, 4_096, 86_123_456, 1_099_511_627_776].map(human_size);
        assert_eq!(sizes, ["0 B", "999 B", "4.0 kB", "86.1 MB", "1.0 TB"]);
    }

    #[test]
    fn megabytes_in_a_name_do_not_fill_the_screen() {
        let text = written(|out| {
            let mut page = Page::new(80, false, out);
            page.wrapped(0, &"x".repeat(1 << 20), Look::Plain);
            page.one_line("", Look::Plain, &"y ".repeat(1 << 20));
            page.finish()
        });
        assert!(text.len() < 2 * LONGEST + 10);
    }

    #[test]
    fn colour_stands_around_the_text_and_never_in_a_plain_page() {
        let write = |color| {
            written(|out| {
                let mut page = Page::new(80, color, out);
                page.marked(0, "FAIL  ", Look::Verdict(Verdict::Fail), "app.tar", Look::Bold);
                page.finish()
            })
        };
        assert_eq!(write(false), "FAIL  app.tar\n");
        assert_eq!(write(true), "\u{1b}[1m\u{1b}[31mFAIL  \u{1b}[0m\u{1b}[1mapp.tar\u{1b}[0m\n");
    }

    #[test]
    fn what_an_image_says_cannot_steer_the_terminal() {
        assert_eq!(Safe::of("a\u{1b}[2J\u{202e}b").as_str(), "a\\x1b[2J\\xe2\\x80\\xaeb");
        let once = Safe::of("\u{7}");
        assert_eq!(Safe::of(once.as_str()), once);
    }
}
