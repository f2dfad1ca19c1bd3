//! Report and inspection as JSON: the contract.

use std::io::{self, Write};

use super::Report;
use super::inspect::Inspection;
use super::stream::write_json;

/// The whole report, indented, with a line break at the end. `run` comes last, and all before it is
/// byte-identical for the same input.
///
/// # Errors
/// Those of `out`.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    write_json(report, out)
}

/// An inspection in the same form: a tree may have millions of names.
///
/// # Errors
/// Those of `out`.
pub fn write_inspection(inspection: &Inspection<'_>, out: &mut dyn Write) -> io::Result<()> {
    write_json(inspection, out)
}

#[cfg(test)]
mod tests {
    use super::super::contract::Contract;
    use super::super::fixture::{as_json, full, image, report, sparse};
    use super::super::stream::written;

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
        let text = written(|out| super::write(&full(), out));
        let keys: Vec<_> = as_json(&full()).as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys.last().map(String::as_str), Some("run"));
        assert!(text.ends_with("}\n"));
    }
}
