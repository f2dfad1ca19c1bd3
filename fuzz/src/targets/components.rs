//! Packages of languages in a layer.

use std::collections::{BTreeMap, BTreeSet};

use ocicheck::limits::LAYER_COMPONENT_BYTES;
use ocicheck::scan::TarFacts;
use ocicheck::scan::packed::{Unpacked, pack};
use serde_json::json;

use super::tools::{first, scan_sound};
use crate::support::{Layer, OldGoBuildInfo, Program, Zip, cargo_auditable, go_build_info};

/// Places of files of each kind.
const PLACES: [[&str; 2]; 6] = [
    ["a.jar", "usr/a.jar"],
    ["bin/app", "opt/tool"],
    ["a.dist-info/METADATA", "x/a.egg-info/PKG-INFO"],
    ["node_modules/a/package.json", "x/node_modules/@b/a/package.json"],
    ["specifications/a.gemspec", "x/specifications/default/a.gemspec"],
    ["lib/a.war", "b/a.war"],
];

/// A first byte for how. Odd: names by line, each in well-formed files of every kind; each is found. Even: the file as it
/// is; the same is found at another place that shows the same, and packed facts hold it.
pub fn components(data: &[u8]) {
    let (how, rest) = first(data);
    if how % 2 == 0 {
        let places = PLACES[usize::from(how >> 1) % PLACES.len()];
        let [one, other] = places.map(|path| scan_sound(&Layer::new().file(path, rest)));
        assert_eq!(one.components, other.components, "its place changes what is in it");
        hold_packed(&one);
        return;
    }
    let names: BTreeSet<String> = rest
        .split(|byte| *byte == b'\n')
        .filter_map(|name| String::from_utf8(name.to_vec()).ok())
        .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'))
        .collect();
    let tar = scan_sound(&layer(&names, how));
    let components = tar.components.as_ref().expect("the plan looks for components");
    assert!(components.gaps.is_empty(), "{:?}", components.gaps);
    for found in components.found.values() {
        let found: BTreeSet<&str> =
            found.iter().map(|component| component.name.trim_start_matches("g:")).collect();
        let missing: Vec<_> =
            names.iter().filter(|name| !found.contains(name.trim_start_matches("g:"))).collect();
        assert!(missing.is_empty(), "{missing:?} are not found");
    }
    // Without names there are Go's own library and, where the jar holds another, that one by its file's name.
    let of_none = if how & 8 != 0 { 2 } else { 1 };
    assert_eq!(components.found.len(), if names.is_empty() { of_none } else { 3 });
    hold_packed(&tar);
}

/// What was found is within its limit, and the same when it is read back.
fn hold_packed(tar: &TarFacts) {
    let found = tar.components.as_ref().expect("the plan looks for components");
    let texts: usize =
        found.found.values().flatten().map(|found| found.name.len() + found.version.len()).sum();
    assert!(texts <= LAYER_COMPONENT_BYTES);
    let packed = pack(tar, &BTreeMap::new(), |_| 1).expect("a small layer can be packed");
    assert_eq!(Unpacked::read(&packed).expect("what was packed can be read").components, *found);
}

/// A program of Go, one of Rust, and a jar, each with all names.
fn layer(names: &BTreeSet<String>, how: u8) -> Layer {
    let (is_wide, is_big) = (how & 2 != 0, how & 4 != 0);
    let empty = || Program::new().wide(is_wide).big_endian(is_big);
    let program = || empty().section(".text", "\u{ff} Go buildinf:");
    let lines: Vec<String> = names.iter().map(|name| format!("dep\t{name}\tv1")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let old = OldGoBuildInfo { is_wide, is_big, address: empty().address() };
    let go = match how & 32 {
        0 => program().section(".go.buildinfo", go_build_info("go1.22", &lines)),
        _ => empty().section(".go.buildinfo", old.bytes("go1.17", &lines)).data(),
    };
    let packages: Vec<_> = names.iter().map(|name| json!({ "name": name, "version": "1" })).collect();
    let list = cargo_auditable(&json!({ "packages": packages }).to_string());
    let rust = program().section(".dep-v0", list);
    Layer::new().file("go", go.bytes()).file("rust", rust.bytes()).file("app", jar(names, how))
}

fn jar(names: &BTreeSet<String>, how: u8) -> Vec<u8> {
    let mut zip = names.iter().enumerate().fold(Zip::new(), |zip, (number, name)| {
        let path = format!("META-INF/maven/g/{number}/pom.properties");
        let text = format!("groupId=g\nartifactId={name}\nversion=1\n");
        if number % 2 == 0 { zip.member(path, text) } else { zip.deflated(path, text) }
    });
    if how & 8 != 0 {
        zip = Zip::new().deflated("lib/x.jar", zip.bytes());
    }
    if how & 16 != 0 {
        zip = zip.prefix("#!/bin/sh\nexec java -jar \"$0\"\n");
    }
    zip.bytes()
}
