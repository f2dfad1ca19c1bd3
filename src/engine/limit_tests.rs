//! Limits that are of an input as a whole.

use std::sync::Arc;

use super::*;
use crate::error::ErrorKind;
use crate::limits::INPUT_FACTS_BYTES;
use crate::scan::build::Tar;

/// Two images, of three layers all told.
fn archive() -> Vec<u8> {
    let layer = |number: usize| {
        let files = (0..50).fold(Tar::new(), |tar, file| tar.file(&format!("{number}/{file}"), "x"));
        files.end()
    };
    let list = r#"[{"Config":"c","Layers":["l0","l1"]},{"Config":"c","Layers":["l0","l2"]}]"#;
    let tar = Tar::new().file("manifest.json", list).file("c", "{}");
    (0..3).fold(tar, |tar, number| tar.entry(&format!("l{number}"), b'0', &layer(number))).end()
}

/// Whichever layer comes last, it is one and the same error, and no image is judged.
#[test]
fn an_input_is_held_to_input_facts_bytes_as_a_whole() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive()).unwrap();
    let input = Input::Path(file.path().to_owned());
    let request = Request {
        input: &input,
        selection: &Selection::default(),
        bases: None,
        cache: None,
        advisories: None,
        read_before: None,
        plan: plan(Limits::default()),
        held: None,
    };
    let read = |bytes: u64, threads: usize| {
        let budget = Arc::new(Budget::within(1 << 20, bytes));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let mut images = 0;
        let visited = pool.install(|| visit_within(&budget, &request, &(), |_| images += 1));
        (visited.map(|visited| visited.errors.len()), images)
    };
    let entries: usize = 3 * 50;
    let least = (entries * (size_of::<crate::scan::Entry>() + "0/0".len())) as u64;
    for threads in [1, 4] {
        let (outcome, images) = read(INPUT_FACTS_BYTES, threads);
        assert_eq!((outcome.unwrap(), images), (0, 2));
        let (outcome, images) = read(least, threads);
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), images), (ErrorKind::Limit, 0));
        assert!(
            error.to_string().ends_with(&format!("exceeds the limit INPUT_FACTS_BYTES ({least})")),
            "{error}"
        );
    }
}

/// A list that was cut short would not say what the policy accepts of it.
#[test]
fn findings_are_held_to_input_findings_over_all_images() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), archive()).unwrap();
    let engine = Engine {
        policy: Policy::built_in(crate::policy::Choice::default()).unwrap(),
        catalog: None,
        facts_files: None,
        advisories: None,
        cache: None,
        read_before: None,
        selection: Selection::default(),
    };
    let input = Input::Path(file.path().to_owned());
    let check = |left| {
        let mut found = Vec::new();
        let visited = engine.check_within(left, &input, &(), |image| found.push(image.findings));
        (found, visited.errors)
    };
    let (found, errors) = check(Left::default());
    let counts: Vec<_> = found.iter().map(Vec::len).collect();
    assert!(found.len() == 2 && !counts.contains(&0) && errors.is_empty(), "{counts:?}");
    let all = counts.iter().sum::<usize>();
    let bytes = found.iter().flatten().map(|finding| serde_json::to_string(finding).unwrap().len() as u64);
    let bytes = bytes.sum::<u64>();
    assert_eq!(check(Left { findings: all, bytes }).0.len(), 2);
    for (left, limit) in [
        (Left { findings: all - 1, bytes }, "INPUT_FINDINGS"),
        (Left { findings: all, bytes: bytes - 1 }, "INPUT_FINDING_BYTES"),
    ] {
        let (first, errors) = check(left);
        assert_eq!(first.len(), 1, "what was judged before stays");
        assert_eq!(errors.len(), 1);
        assert!(errors[0].kind() == ErrorKind::Limit && errors[0].to_string().contains(limit), "{errors:?}");
    }
}
