//! Which layers are worth hashing first: those that are said to be catalogued. What is said decides
//! only how a layer is read, never what it is.

use std::path::Path;

use super::plan;
use crate::base::{Catalog, FactsFiles};
use crate::codec::{self, HEAD_BYTES};
use crate::digest::Digest;
use crate::limits::Limits;
use crate::model::Image;
use crate::model::descriptor::Compression;
use crate::read::Section;
use crate::scan::KnownLayers;

/// The facts files of a catalog, for what the rules want today.
pub fn facts_files(catalog: &Catalog, directory: &Path, limits: Limits) -> FactsFiles {
    FactsFiles::new(catalog, directory, plan(limits))
}

/// Whether a layer is said to be a known one: by its descriptor, or else, in docker archives, by its
/// file's name or (where it is not compressed) the config's diffID.
pub(super) fn hint(known: &dyn KnownLayers, image: &Image, index: usize, blob: &Section) -> bool {
    let Some(layer) = image.layers.get(index) else { return false };
    // A head that cannot be read is told when the layer is.
    let plain = blob.head(HEAD_BYTES).is_ok_and(|head| codec::detect(&head) == Compression::None);
    if let Some(declared) = &layer.declared {
        return known.may_know(&declared.digest, plain);
    }
    let mut said: Vec<Digest> = named(&layer.name).into_iter().collect();
    if plain {
        let diff_ids = image.configs.iter().filter_map(|config| config.diff_ids.as_ref()?.get(index));
        said.extend(diff_ids.filter_map(|diff_id| diff_id.parse::<Digest>().ok()));
    }
    said.iter().any(|digest| known.may_know(digest, plain))
}

/// The digest in a file name as tools write it: `blobs/sha256/<hex>`, `<hex>.tar.gz`, `sha256:<hex>`.
fn named(name: &str) -> Option<Digest> {
    let file = name.rsplit('/').next()?.split('.').next()?;
    format!("sha256:{}", file.strip_prefix("sha256:").unwrap_or(file)).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_layers_may_hold_a_digest() {
        let digest = Digest::sha256(b"x");
        let hex = digest.hex();
        for name in [format!("blobs/sha256/{hex}"), format!("{hex}.tar.gz"), format!("sha256:{hex}")] {
            assert_eq!(named(&name), Some(digest), "{name}");
        }
        for name in ["", "x/layer.tar", "sha256:", "a/b.tar"] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
