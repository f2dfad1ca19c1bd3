//! Limits on what an input's documents say: just within them all images are read, just beyond is an error
//! by its name.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::store::{Members, Store};
use super::{Source, archive, from_bytes, from_store};
use crate::digest::Digest;
use crate::error::{Error, ErrorKind, Result};
use crate::limits::*;
use crate::read::build::Tar;
use crate::read::{ReadAt, Section};

fn exceeds(error: &Error, name: &str) {
    assert_eq!(error.kind(), ErrorKind::Limit, "{error}");
    assert!(error.to_string().contains(&format!("exceeds the limit {name} (")), "{error}");
}

/// An archive that must be read whole, and one that must be refused.
fn held(name: &str, within: Tar, beyond: Tar) -> Source {
    exceeds(&from_bytes(beyond.end()).unwrap_err(), name);
    let source = from_bytes(within.end()).unwrap();
    assert!(source.errors.is_empty(), "{:?}", source.errors);
    source
}

/// A docker archive: one config, and what `manifest.json` lists.
fn docker(items: &[Value]) -> Tar {
    Tar::new().file("manifest.json", &json!(items).to_string()).file("c.json", "{}").file("layer.tar", "")
}

fn item(layers: usize, name: &str) -> Value {
    json!({"Config": "c.json", "RepoTags": [name], "Layers": vec!["layer.tar"; layers]})
}

/// A layout: blobs that its `index.json` lists under this name.
fn layout(listed: &[&Value], blobs: &[&str], name: &str) -> Tar {
    let descriptors: Vec<_> = listed.iter().map(|document| named(&document.to_string(), name)).collect();
    let tar = Tar::new().file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let tar = tar.file("index.json", &json!({"manifests": descriptors}).to_string());
    let listed: Vec<_> = listed.iter().map(ToString::to_string).collect();
    let blob = |tar: Tar, text: &str| {
        tar.file(&format!("blobs/sha256/{}", Digest::sha256(text.as_bytes()).hex()), text)
    };
    listed.iter().map(String::as_str).chain(blobs.iter().copied()).fold(tar, blob)
}

fn descriptor(text: &str, media_type: &str) -> Value {
    json!({"mediaType": media_type, "digest": Digest::sha256(text.as_bytes()).to_string(), "size": text.len()})
}

fn named(text: &str, name: &str) -> Value {
    let mut descriptor = descriptor(text, "application/vnd.oci.image.manifest.v1+json");
    descriptor["annotations"] = json!({"org.opencontainers.image.ref.name": name});
    descriptor
}

fn manifest(layers: usize) -> Value {
    let layer = descriptor("", "application/vnd.oci.image.layer.v1.tar");
    let config = descriptor("{}", "application/vnd.oci.image.config.v1+json");
    json!({"schemaVersion": 2, "config": config, "layers": vec![layer; layers]})
}

/// An archive of Docker 1.9: a chain of layers, and the tags of the uppermost.
fn v1(layers: usize, repositories: &Value) -> Tar {
    let tar = Tar::new().file("repositories", &repositories.to_string());
    (1..=layers).fold(tar, |tar, number| {
        let parent = if number == 1 { String::new() } else { (number - 1).to_string() };
        let config = json!({"id": number.to_string(), "parent": parent});
        tar.file(&format!("{number}/json"), &config.to_string()).file(&format!("{number}/layer.tar"), "")
    })
}

fn tags(count: usize, id: &str) -> Value {
    let tags: serde_json::Map<_, _> = (0..count).map(|number| (number.to_string(), json!(id))).collect();
    json!({"app": tags})
}

#[test]
fn a_document_is_held_to_json_bytes_in_every_place() {
    let padded = |text: &str, length: usize| text.to_owned() + &" ".repeat(length - text.len());
    let most = JSON_BYTES as usize;
    for length in [most, most + 1] {
        let list = json!([item(1, "a:1")]).to_string();
        let in_list = Tar::new().file("manifest.json", &padded(&list, length)).file("c.json", "{}");
        let in_config = Tar::new().file("manifest.json", &list).file("c.json", &padded("{}", length));
        for archive in [in_list.file("layer.tar", ""), in_config.file("layer.tar", "")] {
            match from_bytes(archive.end()) {
                Ok(source) if length == most => assert_eq!(source.images.len(), 1),
                outcome => exceeds(&outcome.unwrap_err(), "JSON_BYTES"),
            }
        }
    }
}

#[test]
fn the_images_of_an_input_are_held_to_manifests_in_every_form() {
    let items = |count| docker(&vec![item(0, "a:1"); count]);
    assert_eq!(held("MANIFESTS", items(MANIFESTS), items(MANIFESTS + 1)).images.len(), 1);
    let manifest = manifest(0);
    let listed = |count| {
        let tar = Tar::new().file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
        let index = json!({"manifests": vec![named(&manifest.to_string(), "a"); count]});
        let tar = tar.file("index.json", &index.to_string());
        [manifest.to_string(), "{}".to_owned()].iter().fold(tar, |tar, text| {
            tar.file(&format!("blobs/sha256/{}", Digest::sha256(text.as_bytes()).hex()), text)
        })
    };
    assert_eq!(held("MANIFESTS", listed(MANIFESTS), listed(MANIFESTS + 1)).images.len(), 1);
    let tagged = |count| v1(1, &tags(count, "1"));
    let source = held("MANIFESTS", tagged(MANIFESTS), tagged(MANIFESTS + 1));
    assert_eq!(source.images[0].names.len(), MANIFESTS);
}

#[test]
fn the_layers_of_an_image_are_held_to_layers_in_every_form() {
    let of = |count| docker(&[item(count, "a:1")]);
    assert_eq!(held("LAYERS", of(LAYERS), of(LAYERS + 1)).images[0].layers.len(), LAYERS);
    let of = |count| layout(&[&manifest(count)], &["{}", ""], "a");
    assert_eq!(held("LAYERS", of(LAYERS), of(LAYERS + 1)).images[0].layers.len(), LAYERS);
    let of = |count: usize| v1(count, &tags(1, &count.to_string()));
    assert_eq!(held("LAYERS", of(LAYERS), of(LAYERS + 1)).images[0].layers.len(), LAYERS);
}

#[test]
fn indexes_in_indexes_are_held_to_index_depth() {
    let nested = |depth: usize| {
        let mut blobs = vec![manifest(0).to_string()];
        for _ in 0..depth {
            let inner = blobs.last().unwrap();
            let media_type = if blobs.len() == 1 { "manifest" } else { "index" };
            let inner = descriptor(inner, &format!("application/vnd.oci.image.{media_type}.v1+json"));
            blobs.push(json!({"schemaVersion": 2, "manifests": [inner]}).to_string());
        }
        let index = blobs.pop().unwrap();
        let tar =
            Tar::new().file("oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#).file("index.json", &index);
        blobs.iter().map(String::as_str).chain(["{}"]).fold(tar, |tar, text| {
            tar.file(&format!("blobs/sha256/{}", Digest::sha256(text.as_bytes()).hex()), text)
        })
    };
    // The outermost is in no other.
    assert_eq!(held("INDEX_DEPTH", nested(INDEX_DEPTH + 1), nested(INDEX_DEPTH + 2)).images.len(), 1);
}

/// A long name was copied to each of its tags, and to all images below its index.
#[test]
fn a_name_is_held_to_image_name_bytes_in_every_form() {
    let (within, beyond) = ("n".repeat(IMAGE_NAME_BYTES), "n".repeat(IMAGE_NAME_BYTES + 1));
    let of = |name: &str| docker(&[item(0, name)]);
    assert_eq!(
        held("IMAGE_NAME_BYTES", of(&within), of(&beyond)).images[0].names,
        std::slice::from_ref(&within)
    );
    let of = |name: &str| layout(&[&manifest(0)], &["{}"], name);
    assert_eq!(
        held("IMAGE_NAME_BYTES", of(&within), of(&beyond)).images[0].names,
        std::slice::from_ref(&within)
    );
    let of = |name: &str| v1(1, &json!({(&name[1..]): {"t": "1"}}));
    assert_eq!(held("IMAGE_NAME_BYTES", of(&within), of(&beyond)).images[0].names.len(), 1);
}

/// Each document was bounded; a thousand images could each keep the values of one and the same config.
#[test]
fn all_documents_of_an_input_are_held_to_input_json_bytes() {
    let images: Vec<_> = (0..20).map(|number| item(number % 3, &format!("a:{number}"))).collect();
    let layouts: Vec<Value> = (0..20).map(manifest).collect();
    let listed: Vec<&Value> = layouts.iter().collect();
    for archive in [docker(&images), layout(&listed, &["{}", ""], "a"), v1(20, &tags(3, "20"))] {
        let archive = archive.end();
        let read = |room: u64| -> (Result<Source>, u64) {
            let members = archive::ArchiveIndex::read(Section::of_bytes(archive.clone())).unwrap();
            let store = Store::new(Members::Archive(members));
            assert_eq!(store.documents_left.replace(room), INPUT_JSON_BYTES);
            let source = from_store(&store);
            (source, room - store.documents_left.get())
        };
        let (whole, taken) = read(INPUT_JSON_BYTES);
        let whole = whole.unwrap();
        assert!(whole.errors.is_empty() && taken > archive.len() as u64 / 20, "{taken}");
        assert_eq!(read(taken).0.unwrap().images.len(), whole.images.len());
        exceeds(&read(taken - 1).0.unwrap_err(), "INPUT_JSON_BYTES");
    }
    // A config is kept by each image that has it.
    let one = |config: &str| {
        let tar = Tar::new().file("manifest.json", &json!(images).to_string());
        tar.file("c.json", config).file("layer.tar", "").end()
    };
    let taken = |archive: Vec<u8>| {
        let members = archive::ArchiveIndex::read(Section::of_bytes(archive)).unwrap();
        let store = Store::new(Members::Archive(members));
        assert_eq!(from_store(&store).unwrap().images.len(), 20);
        INPUT_JSON_BYTES - store.documents_left.get()
    };
    let config = json!({"x": "y".repeat(10_000)}).to_string();
    assert!(taken(one(&config)) > taken(one("{}")) + 20 * 10_000);
}

/// Thousands of descriptors of an artifact could have one large blob hashed as often.
#[test]
fn a_blob_of_artifacts_is_hashed_once() {
    #[derive(Debug)]
    struct Counted(Vec<u8>, AtomicU64);
    impl ReadAt for Counted {
        fn read_at(&self, buffer: &mut [u8], offset: u64) -> std::io::Result<usize> {
            let read = self.0.read_at(buffer, offset)?;
            self.1.fetch_add(read as u64, Ordering::Relaxed);
            Ok(read)
        }
        fn size(&self) -> u64 {
            self.0.len() as u64
        }
    }
    let blob = "x".repeat(1 << 20);
    let artifact = |number: usize| {
        let layer = descriptor(&blob, "application/vnd.example");
        let config = descriptor("{}", "application/vnd.example.config");
        json!({"schemaVersion": 2, "config": config, "layers": vec![layer; 100 + number]})
    };
    let (one, two, image) = (artifact(0), artifact(1), manifest(0));
    let archive = layout(&[&one, &two, &image], &["{}", &blob], "a").end();
    let size = archive.len() as u64;
    let counted = Arc::new(Counted(archive, AtomicU64::new(0)));
    let source =
        super::from_section(Section::whole(Arc::clone(&counted) as Arc<dyn ReadAt>), &Limits::default());
    let source = source.unwrap();
    assert!(source.images.len() == 1 && source.errors.is_empty(), "{:?}", source.notes);
    assert_eq!(source.notes.iter().filter(|note| note.contains("an artifact")).count(), 2);
    let read = counted.1.load(Ordering::Relaxed);
    assert!(read < 2 * size, "{read} bytes of {size}");
}
