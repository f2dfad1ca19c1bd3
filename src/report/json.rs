//! Report and inspection as JSON: the contract.

use std::io::{self, Write};

use super::Report;
use super::inspect::Inspection;

/// The whole report, indented, with a line break at the end. `run` comes last, and all before it is
/// byte-identical for the same input.
pub fn render(report: &Report) -> String {
    // A report holds strings, numbers and maps with string keys: nothing that cannot be serialized.
    let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
    text.push('\n');
    text
}

/// An inspection in the same form, written as it is made: a tree may have millions of names.
///
/// # Errors
/// Those of `out`.
pub fn write_inspection(inspection: &Inspection<'_>, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, inspection)?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use super::super::contract::Contract;
    use super::super::fixture::{as_json, full, image, report, sparse};

    fn contract() -> Contract {
        Contract::new(include_str!("../../docs/report.schema.json"), &["evidence", "labels"])
    }

    #[test]
    fn every_report_keeps_to_the_schema() {
        let contract = contract();
        for report in [full(), sparse(), report(vec![image()]), report(Vec::new())] {
            assert_eq!(contract.objections(&as_json(&report)), Vec::<String>::new());
        }
    }

    #[test]
    fn the_schema_sees_whatever_is_wrong_with_a_report() {
        contract().assert_sees_all(&as_json(&full()));
    }

    #[test]
    fn every_property_is_described() {
        contract().assert_described();
    }

    #[test]
    fn what_differs_from_run_to_run_comes_last() {
        let text = super::render(&full());
        let keys: Vec<_> = as_json(&full()).as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys.last().map(String::as_str), Some("run"));
        assert!(text.ends_with("}\n"));
    }
}
