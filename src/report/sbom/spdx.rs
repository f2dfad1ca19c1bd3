//! SPDX 2.3 in JSON (ISO/IEC 5962 continued).

use serde_json::{Value, json};

use super::Bill;
use crate::report::Tool;
use crate::report::inventory::{DistributionReport, PackageReport};

const DOCUMENT: &str = "SPDXRef-DOCUMENT";
const IMAGE: &str = "SPDXRef-Image";
const SYSTEM: &str = "SPDXRef-OperatingSystem";

/// What stands where the format wants a value and nothing is claimed.
const NOTHING_SAID: &str = "NOASSERTION";

/// The whole document.
pub fn render(bill: &Bill<'_>) -> String {
    let Tool { name, version } = Tool::this();
    let mut packages = vec![image(bill)];
    packages.extend(bill.inventory.distribution.as_ref().map(operating_system));
    packages.extend(bill.inventory.packages.iter().enumerate().map(|(number, it)| package(bill, number, it)));
    let ids = packages.iter().filter_map(|package| package.get("SPDXID")?.as_str());
    let contained = ids.filter(|id| *id != IMAGE).map(|id| relationship(IMAGE, "CONTAINS", id));
    let relationships: Vec<_> =
        std::iter::once(relationship(DOCUMENT, "DESCRIBES", IMAGE)).chain(contained).collect();
    let gaps = bill
        .inventory
        .gaps
        .iter()
        .map(|gap| format!("packages may be missing: {}: {}", gap.place, gap.reason));
    let comment = gaps.collect::<Vec<_>>().join("\n");
    let mut document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": DOCUMENT,
        "name": bill.name(),
        "documentNamespace": format!("urn:ocicheck:sbom:{}", bill.fingerprint("SPDX 2.3")),
        "creationInfo": {
            "created": super::seconds(&bill.created.unwrap_or_default()),
            "creators": [format!("Tool: {name}-{version}")],
        },
        "packages": packages,
        "relationships": relationships,
    });
    if let (false, Some(object)) = (comment.is_empty(), document.as_object_mut()) {
        object.insert("comment".to_owned(), json!(comment));
    }
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// What every package has, by which nothing is claimed that ocicheck does not know.
fn element(id: &str, name: &str, version: &str, purpose: &str) -> Value {
    let mut element = json!({
        "SPDXID": id,
        "name": name,
        "downloadLocation": NOTHING_SAID,
        "filesAnalyzed": false,
        "licenseConcluded": NOTHING_SAID,
        "licenseDeclared": NOTHING_SAID,
        "copyrightText": NOTHING_SAID,
        "primaryPackagePurpose": purpose,
    });
    if let (false, Some(object)) = (version.is_empty(), element.as_object_mut()) {
        object.insert("versionInfo".to_owned(), json!(version));
    }
    element
}

fn image(bill: &Bill<'_>) -> Value {
    let mut image = element(IMAGE, &bill.name(), bill.digest(), "CONTAINER");
    let digest = bill.digest().split_once(':');
    if let (Some((algorithm, value)), Some(object)) = (digest, image.as_object_mut()) {
        let algorithm = algorithm.to_uppercase();
        object.insert("checksums".to_owned(), json!([{ "algorithm": algorithm, "checksumValue": value }]));
    }
    image
}

fn operating_system(distribution: &DistributionReport) -> Value {
    let version = distribution.version.as_ref().or(distribution.codename.as_ref());
    element(SYSTEM, &distribution.id, version.map_or("", String::as_str), "OPERATING-SYSTEM")
}

fn package(bill: &Bill<'_>, number: usize, package: &PackageReport<'_>) -> Value {
    let id = format!("SPDXRef-Package-{}-{number}", package.kind);
    let mut value = element(&id, package.name, package.version, "LIBRARY");
    let Some(object) = value.as_object_mut() else { return value };
    let properties = bill.properties(package);
    let told: Vec<_> = properties.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    object.insert("sourceInfo".to_owned(), json!(told.join("; ")));
    object.insert(
        "externalRefs".to_owned(),
        json!([{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package.purl,
        }]),
    );
    value
}
