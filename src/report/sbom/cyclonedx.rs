//! CycloneDX 1.6 in JSON (ECMA-424).

use serde_json::{Value, json};

use super::Bill;
use crate::report::Tool;
use crate::report::inventory::{DistributionReport, PackageReport};

/// The whole document.
pub fn render(bill: &Bill<'_>) -> String {
    let packages = bill.references().map(|(reference, package)| component(bill, &reference, package));
    let system = bill.inventory.distribution.as_ref().map(operating_system);
    let components: Vec<_> = system.into_iter().chain(packages).collect();
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": serial_number(bill),
        "version": 1,
        "metadata": metadata(bill),
        "components": components,
    });
    if let (false, Some(object)) = (bill.inventory.gaps.is_empty(), document.as_object_mut()) {
        object
            .insert("compositions".to_owned(), json!([{ "aggregate": "incomplete", "assemblies": [IMAGE] }]));
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

/// How the document names the image.
const IMAGE: &str = "image";

fn metadata(bill: &Bill<'_>) -> Value {
    let Tool { name, version } = Tool::this();
    let gaps =
        bill.inventory.gaps.iter().map(|gap| property("gap", &format!("{}: {}", gap.place, gap.reason)));
    let mut metadata = json!({
        "tools": { "components": [{ "type": "application", "name": name, "version": version }] },
        "component": {
            "bom-ref": IMAGE,
            "type": "container",
            "name": bill.name(),
            "version": bill.digest(),
            "properties": [
                property("configDigest", &bill.identity.config_digest),
                property("os", &bill.identity.platform.os),
                property("architecture", &bill.identity.platform.architecture),
            ],
        },
        "properties": gaps.collect::<Vec<_>>(),
    });
    if let (Some(created), Some(object)) = (&bill.created, metadata.as_object_mut()) {
        object.insert("timestamp".to_owned(), json!(super::seconds(created)));
    }
    metadata
}

/// A UUID of the version that is for such as are made of a digest (RFC 9562 5.8).
fn serial_number(bill: &Bill<'_>) -> String {
    let digits = bill.fingerprint("CycloneDX 1.6");
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    format!("urn:uuid:{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

fn operating_system(distribution: &DistributionReport) -> Value {
    json!({
        "bom-ref": "operating-system",
        "type": "operating-system",
        "name": distribution.id,
        "version": distribution.version.as_ref().or(distribution.codename.as_ref()).cloned().unwrap_or_default(),
        "description": distribution.name,
        "properties": [property("path", &distribution.path)],
    })
}

fn component(bill: &Bill<'_>, reference: &str, package: &PackageReport<'_>) -> Value {
    let (group, name) = parts(package);
    let mut component = json!({ "bom-ref": reference, "type": "library" });
    let Some(object) = component.as_object_mut() else { return component };
    if let Some(group) = group {
        object.insert("group".to_owned(), json!(group));
    }
    object.insert("name".to_owned(), json!(name));
    object.insert("version".to_owned(), json!(package.version));
    object.insert("purl".to_owned(), json!(package.purl));
    let properties = bill.properties(package);
    let properties = properties.iter().map(|(name, value)| property(name, value));
    object.insert("properties".to_owned(), properties.collect());
    component
}

/// Group and name, of packages whose names have both.
fn parts<'a>(package: &PackageReport<'a>) -> (Option<&'a str>, &'a str) {
    let mark = match package.kind {
        "maven" => ':',
        "npm" => '/',
        _ => return (None, package.name),
    };
    package.name.split_once(mark).map_or((None, package.name), |(group, name)| (Some(group), name))
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": format!("ocicheck:{name}"), "value": value })
}
