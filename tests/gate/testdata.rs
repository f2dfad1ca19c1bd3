//! The committed images, made by real tools: each has the verdict that its list says.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::harness::check_with;

#[test]
fn each_committed_image_has_its_expected_verdict() {
    let testdata = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata");
    let expected = std::fs::read_to_string(testdata.join("expected.json")).unwrap();
    let expected: Vec<Value> = serde_json::from_str(&expected).unwrap();
    assert!(expected.len() >= 20, "only {} images are listed", expected.len());
    for image in &expected {
        let name = image["path"].as_str().unwrap();
        let with_catalog = image["bases"].as_bool().unwrap();
        let catalog = testdata.join("bases.json");
        let arguments: Vec<&str> =
            image["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let checked = check_with(&testdata.join(name), with_catalog.then_some(catalog.as_path()), &arguments);
        let rules: BTreeSet<&str> = (checked.findings().into_iter())
            .filter(|finding| finding["status"] == "fail")
            // It depends on the day.
            .filter(|finding| finding["rule"] != "distribution-eol")
            .map(|finding| finding["rule"].as_str().unwrap())
            .collect();
        let wanted = image["rules"].as_array().unwrap().iter().map(|rule| rule.as_str().unwrap()).collect();
        let exit = image["exit"].as_i64().unwrap();
        assert_eq!(
            (i64::from(checked.exit), rules),
            (exit, wanted),
            "{name}: {:#}",
            checked.report["images"]
        );
        for told in image["findings"].as_array().into_iter().flatten() {
            let same = |finding: &&&Value| {
                finding["rule"] == told["rule"]
                    && finding["path"] == told["path"]
                    && finding["layer"]["index"] == told["layer"]
                    && finding["layer"]["createdBy"]
                        .as_str()
                        .unwrap()
                        .contains(told["step"].as_str().unwrap())
            };
            assert!(
                checked.findings().iter().any(|finding| same(&finding)),
                "{name}: {told} is not among {:#}",
                checked.report["images"][0]["findings"]
            );
        }
    }
}
