//! What files cost that were made to be slow.

use super::all_kinds;
use super::samples::{by_form, random};
use super::tests::whole;
use crate::limits;
use crate::model::ImagePath;

#[test]
fn hostile_bytes_cost_time_in_proportion() {
    // Unoptimized code is about fifty times slower; the figure is for release.
    let size = if cfg!(debug_assertions) { 1 << 20 } else { 64 << 20 };
    let mut clues: Vec<String> =
        all_kinds().map(|kind| kind.prefix.to_owned()).filter(|p| !p.is_empty()).collect();
    clues.extend(["eyJ0eXAiOi", "sig=", "8Q~", "AccountKey="].map(str::to_owned));
    clues.push(format!("-----BEGIN {} KEY-----\nM", "PRIVATE"));
    clues.push(format!("-----BEGIN {} KEY-----\na: b\nc: d\n", "PRIVATE"));
    clues.push(format!("-----BEGIN {} KEY-----\\n\" + \"MI", "PRIVATE"));
    clues.push(format!("-----BEGIN {} KEY-----{}\"", "PRIVATE", "\\".repeat(16)));
    clues.push(format!("\nPuTTY-User-Key-{}2: x\n", "File-"));
    clues.push(format!("sig={}&", random(50)));
    clues.push(["LS0tLS1CRUdJ", "TiB"].concat());
    clues.push(format!("\"secret_access_key\": {} ", random(39)));
    clues.push(format!(" {}", by_form().pop().unwrap().1));
    clues.push(format!(" ghp_{}", "a".repeat(36)));
    clues.extend(["<", "<password>", "\"auth\":", "password x1 "].map(str::to_owned));
    for clue in clues {
        let file = |size: usize| clue.repeat((size - 1) / clue.len()) + ">";
        let started = std::time::Instant::now();
        whole("x", file(size));
        let largest = limits::SECRET_FORM_BYTES as usize;
        for path in ["app/.env", "settings.xml", ".docker/config.json", ".netrc"] {
            whole(path, file(largest));
        }
        let took = started.elapsed();
        eprintln!("{:>6} ms {}", took.as_millis(), clue.len());
        assert!(took.as_secs() < 60, "{took:?} for a clue of {} bytes", clue.len());
    }
}

#[test]
fn long_lines_of_known_files_cost_time_in_proportion() {
    let paths =
        [".netrc", ".pgpass", ".git-credentials", ".npmrc", ".htpasswd", "etc/shadow", ".env", "a.conf"];
    for path in paths {
        let form = super::named::Form::of(&ImagePath::new(path)).unwrap();
        for clue in ["password x1 ", "://a:b@", "a:$1$", "://", "a=\"", ": ", "token=\u{e9}"] {
            let line = clue.repeat(limits::SECRET_FORM_BYTES as usize / clue.len());
            let started = std::time::Instant::now();
            form.read(line.as_bytes());
            assert!(started.elapsed().as_secs() < 60, "{:?} for {clue:?} in {path}", started.elapsed());
        }
    }
}
