//! Images by other hands, where they are at hand: never a panic, never a hang; sound ones carry no
//! integrity finding, and broken ones do. What is sound is computed here, independently.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::harness::{Checked, command};
use crate::support::digest;

type Files = BTreeMap<String, Vec<u8>>;

/// Rules that say an image is not what its digests say.
const INTEGRITY: [&str; 4] = ["digest-mismatch", "diff-id-mismatch", "blob-missing", "layer-count-mismatch"];

/// How the names of files end that could be images.
const ARCHIVES: [&str; 9] = ["tar", "gz", "tgz", "zst", "xz", "bz2", "img", "image", "golden"];

#[test]
fn images_by_other_hands_are_read() {
    let Some((room, candidates)) = candidates() else { return };
    let (mut images, mut sound, mut broken) = (0, 0, 0);
    for path in candidates {
        let started = Instant::now();
        let output = command().arg(&path).args(["--format", "json"]).output().unwrap();
        let name = path.strip_prefix(room.path()).unwrap().display().to_string();
        assert!(started.elapsed() < Duration::from_secs(30), "{name} took {:?}", started.elapsed());
        assert!(matches!(output.status.code(), Some(0..=2)), "{name}: {:?}", output.status);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panicked"), "{name}: {stderr}");
        let checked = Checked::of(&output);
        if checked.report["images"].as_array().unwrap().is_empty() {
            assert_eq!(checked.exit, 2, "{name}");
            continue;
        }
        images += 1;
        let findings = checked.findings();
        let rules: Vec<_> = findings.iter().map(|finding| finding["rule"].as_str().unwrap()).collect();
        let found = rules.iter().any(|rule| INTEGRITY.contains(rule));
        let unread = rules.contains(&"layer-unsupported");
        match files_of(&path).as_ref().and_then(is_sound) {
            Some(true) => {
                sound += 1;
                assert!(!found, "{name} is sound: {:#}", checked.report["images"]);
            }
            Some(false) => {
                broken += 1;
                assert!(found || unread, "{name} is broken: {:#}", checked.report["images"]);
            }
            None => {}
        }
    }
    println!("{images} foreign images were judged; {sound} computed as sound, {broken} as broken");
    assert!(images >= 10 && sound >= 5, "{images} images, {sound} sound");
}

/// The corpus, unpacked, and what in it could be an image; `None` where there is none.
pub(crate) fn candidates() -> Option<(tempfile::TempDir, Vec<PathBuf>)> {
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpus/corpus.tar.zst");
    if !packed.exists() {
        println!("skipped: no corpus of foreign images beside the project");
        return None;
    }
    let room = tempfile::tempdir().unwrap();
    let candidates = unpack(&packed, room.path());
    Some((room, candidates))
}

/// Unpacks the corpus, and names what could be an image: every archive, and every layout directory.
fn unpack(packed: &Path, room: &Path) -> Vec<PathBuf> {
    let decoder = zstd::Decoder::new(std::fs::File::open(packed).unwrap()).unwrap();
    let mut candidates = Vec::new();
    for entry in tar::Archive::new(decoder).entries().unwrap() {
        let mut entry = entry.unwrap();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = room.join(entry.path().unwrap());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        entry.unpack(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let extension = path.extension().unwrap_or_default().to_string_lossy().into_owned();
        if name == "index.json" {
            candidates.push(path.parent().unwrap().to_owned());
        } else if ARCHIVES.contains(&extension.as_str()) {
            candidates.push(path);
        }
    }
    candidates
}

/// All files of an image that is plain or in gzip, or in a directory.
fn files_of(path: &Path) -> Option<Files> {
    let mut files = Files::new();
    if path.is_dir() {
        for entry in walkdir::WalkDir::new(path).max_depth(3) {
            let entry = entry.ok()?;
            if entry.file_type().is_file() {
                let name = entry.path().strip_prefix(path).ok()?.to_str()?.to_owned();
                files.insert(name, std::fs::read(entry.path()).ok()?);
            }
        }
        return Some(files);
    }
    let bytes = uncompressed(&std::fs::read(path).ok()?)?;
    for entry in tar::Archive::new(bytes.as_slice()).entries().ok()? {
        let mut entry = entry.ok()?;
        if entry.header().entry_type().is_symlink() {
            return None;
        }
        let name = entry.path().ok()?.to_str()?.trim_start_matches("./").to_owned();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).ok()?;
        files.insert(name, content);
    }
    Some(files)
}

fn uncompressed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match bytes {
        [0x1f, 0x8b, ..] => flate2::bufread::MultiGzDecoder::new(bytes).read_to_end(&mut out).ok()?,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => zstd::Decoder::new(bytes).ok()?.read_to_end(&mut out).ok()?,
        _ => return Some(bytes.to_vec()),
    };
    Some(out)
}

/// Whether every digest holds, of images of one form only; `None` where this simple reader gives up.
fn is_sound(files: &Files) -> Option<bool> {
    match (files.get("manifest.json"), files.get("index.json")) {
        (Some(manifest), None) => {
            let manifest: Value = serde_json::from_slice(manifest).ok()?;
            let mut sound = true;
            for image in manifest.as_array()? {
                let config = files.get(image["Config"].as_str()?)?;
                let layers: Vec<_> = image["Layers"]
                    .as_array()?
                    .iter()
                    .map(|name| files.get(name.as_str().unwrap_or_default()))
                    .collect();
                sound &= config_holds(image["Config"].as_str()?, config) && layers_hold(config, &layers)?;
            }
            Some(sound)
        }
        (None, Some(index)) => {
            let index: Value = serde_json::from_slice(index).ok()?;
            let mut sound = true;
            for descriptor in index["manifests"].as_array()? {
                if !descriptor["mediaType"].as_str()?.contains("manifest.v") {
                    return None;
                }
                let Some(manifest) = blob(files, descriptor) else { continue };
                sound &= holds(descriptor, manifest);
                let manifest: Value = serde_json::from_slice(manifest).ok()?;
                if !manifest["config"]["mediaType"].as_str()?.contains("image") {
                    return None;
                }
                let config = blob(files, &manifest["config"])?;
                sound &= holds(&manifest["config"], config);
                let mut layers = Vec::new();
                for descriptor in manifest["layers"].as_array()? {
                    if !descriptor["mediaType"].as_str()?.contains("tar") {
                        return None;
                    }
                    let layer = blob(files, descriptor);
                    sound &= layer.is_some_and(|layer| holds(descriptor, layer));
                    layers.push(layer);
                }
                sound &= layers_hold(config, &layers)?;
            }
            Some(sound)
        }
        _ => None,
    }
}

fn blob<'a>(files: &'a Files, descriptor: &Value) -> Option<&'a Vec<u8>> {
    files.get(&format!("blobs/{}", descriptor["digest"].as_str()?.replace(':', "/")))
}

fn holds(descriptor: &Value, bytes: &[u8]) -> bool {
    descriptor["digest"] == digest(bytes).as_str() && descriptor["size"] == bytes.len()
}

fn config_holds(name: &str, config: &[u8]) -> bool {
    let hex = name.trim_end_matches(".json").trim_start_matches("sha256:");
    hex.len() != 64 || hex == &digest(config)[7..]
}

/// Whether the layers are what the config's diffIDs say.
fn layers_hold(config: &[u8], layers: &[Option<&Vec<u8>>]) -> Option<bool> {
    let config: Value = serde_json::from_slice(config).ok()?;
    let diff_ids = config["rootfs"]["diff_ids"].as_array()?;
    if diff_ids.len() != layers.len() {
        return Some(false);
    }
    let mut sound = true;
    for (declared, layer) in diff_ids.iter().zip(layers) {
        sound &= match layer {
            Some(layer) => *declared == digest(&uncompressed(layer)?).as_str(),
            None => false,
        };
    }
    Some(sound)
}
