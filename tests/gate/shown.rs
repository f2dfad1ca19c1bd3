//! What the documents show of the program: outputs and a picture, made from real runs, and links that lead somewhere.
//! `UPDATE_DOCS=1 cargo test --test gate shown` makes outputs and picture anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::harness::{command, text};

/// Outputs that documents show, between marks of their names.
const OUTPUTS: [(&str, &[&str]); 2] = [("README.md", &["app-good"]), ("docs/quick-start.md", &["app-bad"])];

const PICTURE: &str = "docs/pictures/app-bad.svg";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: impl AsRef<Path>) -> String {
    std::fs::read_to_string(root().join(name)).unwrap()
}

/// What a person sees of a check of a committed image. On a day before the end of its distribution's support.
fn seen(image: &str, color: &str) -> String {
    let image = format!("testdata/{image}.tar");
    let mut command = command();
    command.current_dir(root()).args([&image, "--bases", "testdata/bases.json"]);
    command.args(["--format", "text", "--at", "2026-11-25", "--color", color]);
    text(&command.output().unwrap().stdout)
}

/// Holds a file to what is made for it, or writes it.
fn hold(name: &str, made: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(root().join(name).parent().unwrap()).unwrap();
        std::fs::write(root().join(name), made).unwrap();
    }
    assert!(read(name) == made, "{name} is out of step: UPDATE_DOCS=1 cargo test --test gate shown");
}

#[test]
fn outputs_in_the_documents_are_real() {
    for (document, names) in OUTPUTS {
        let mut body = read(document);
        for name in names {
            let (begin, end) =
                (format!("<!-- output:{name} -->\n```text\n"), format!("```\n<!-- /output:{name} -->"));
            let (before, rest) = body.split_once(&begin).unwrap();
            let (_, after) = rest.split_once(&end).unwrap();
            body = format!("{before}{begin}{}{end}{after}", seen(name, "never"));
        }
        hold(document, &body);
    }
}

#[test]
fn the_picture_is_a_real_run() {
    let shown =
        format!("$ ocicheck testdata/app-bad.tar --bases testdata/bases.json\n{}", seen("app-bad", "always"));
    let picture =
        svg(&shown, "ocicheck says of an image why it fails: files of the base, privilege, the user");
    // A picture of it has no more and no less than the text.
    let parsed = roxmltree::Document::parse(&picture).unwrap();
    let lines = parsed.descendants().filter(|node| node.has_tag_name("text"));
    let lines: Vec<String> = lines
        .map(|line| {
            line.descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect()
        })
        .collect();
    let plain = seen("app-bad", "never");
    assert_eq!(lines[1..].join("\n"), plain.trim_end());
    assert!(picture.len() < 20_000, "{} bytes", picture.len());
    hold(PICTURE, &picture);
}

const CELL: usize = 8;
const LINE: usize = 19;
const MARGIN: usize = 16;

/// Text with the terminal's colours as a picture.
fn svg(terminal: &str, title: &str) -> String {
    let lines: Vec<Vec<(String, String)>> = terminal.lines().map(pieces).collect();
    let columns = lines.iter().map(|line| line.iter().map(|(_, text)| text.chars().count()).sum::<usize>());
    let (width, height) = (columns.max().unwrap() * CELL + 2 * MARGIN, lines.len() * LINE + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{title}</title>\n\
         <style>text {{ font: 13px ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace; fill: #d0d7de; white-space: pre }}\n\
         .bold {{ font-weight: bold }} .dim {{ fill: #8b949e }} .red {{ fill: #ff7b72 }} .green {{ fill: #7ee787 }}\n\
         .yellow {{ fill: #e3b341 }} .blue {{ fill: #79c0ff }} .magenta {{ fill: #d2a8ff }} .cyan {{ fill: #76e3ea }}</style>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (number, line) in lines.iter().enumerate() {
        let y = MARGIN + number * LINE + LINE * 3 / 4;
        let _ = write!(svg, "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\">");
        for (class, text) in line {
            let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
            match class.as_str() {
                "" => svg.push_str(&text),
                _ => drop(write!(svg, "<tspan class=\"{class}\">{text}</tspan>")),
            }
        }
        svg.push_str("</text>\n");
    }
    svg + "</svg>\n"
}

/// A line in pieces, each with the classes that its escape sequences stand for.
fn pieces(line: &str) -> Vec<(String, String)> {
    let mut classes: Vec<&str> = Vec::new();
    let (first, rest) = line.split_once('\u{1b}').unwrap_or((line, ""));
    let mut pieces = vec![(String::new(), first.to_owned())];
    for sequence in rest.split('\u{1b}').filter(|sequence| !sequence.is_empty()) {
        let (code, text) = sequence.strip_prefix('[').unwrap().split_once('m').unwrap();
        match code {
            "0" => classes.clear(),
            code => classes.push(class(code)),
        }
        pieces.push((classes.join(" "), text.to_owned()));
    }
    pieces.retain(|(_, text)| !text.is_empty());
    pieces
}

fn class(code: &str) -> &'static str {
    match code {
        "1" => "bold",
        "2" => "dim",
        "31" => "red",
        "32" => "green",
        "33" => "yellow",
        "34" => "blue",
        "35" => "magenta",
        "36" => "cyan",
        other => panic!("no class for the code {other}"),
    }
}

/// All documents, by their names from the root.
fn documents() -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(root().join("docs")).into_iter().map(Result::unwrap);
    let files = files.map(|file| file.path().strip_prefix(root()).unwrap().to_owned());
    let is_text = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    files
        .filter(is_text)
        .chain(["README.md", "CHANGELOG.md", "testdata/README.md"].map(PathBuf::from))
        .collect()
}

/// Where a document's links lead: what is between `](` and `)`, outside blocks of code.
fn links(body: &str) -> Vec<String> {
    let text: String = body.split("\n```").step_by(2).collect();
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    links.map(str::to_owned).collect()
}

/// A heading as links name it.
fn anchor(heading: &str) -> String {
    let kept = heading.to_lowercase().replace(' ', "-");
    kept.chars().filter(|char| char.is_alphanumeric() || ['-', '_'].contains(char)).collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut followed = 0;
    for document in documents() {
        let body = read(&document);
        for link in links(&body).iter().filter(|link| !link.contains("://")) {
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let target = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let there = root().join(&target).exists();
            assert!(there, "{}: {link} leads nowhere", document.display());
            if !heading.is_empty() {
                let body = read(&target);
                let headings = body.lines().filter(|line| line.starts_with('#'));
                let mut anchors = headings.map(|line| anchor(line.trim_start_matches('#').trim_start()));
                assert!(
                    anchors.any(|anchor| anchor == heading),
                    "{}: {link} has no such heading",
                    document.display()
                );
            }
            followed += 1;
        }
    }
    assert!(followed >= 100, "only {followed} links were followed");
}

#[test]
fn the_readme_leads_to_every_document() {
    let listed: BTreeSet<String> = links(&read("README.md")).into_iter().collect();
    let files = walkdir::WalkDir::new(root().join("docs")).into_iter().map(Result::unwrap);
    for file in files.filter(|file| file.file_type().is_file()) {
        let name = file.path().strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        let shown = name.starts_with("docs/pictures/") && read("docs/formats.md").contains(&name[5..]);
        assert!(listed.contains(&name) || shown, "{name} is not in README.md");
    }
}
