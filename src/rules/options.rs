//! What a policy may choose of single rules.

/// The options of the rules that have some; [`Default`] holds what is built in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Labels that each image must have, by name (`label-missing`). None by default: which ones are
    /// wanted differs from company to company.
    pub required_labels: Vec<String>,
    /// Layers from which on an image has too many (`layer-count`): more than this are told. 125 by
    /// default: Docker refuses to stack more (`MaxLayerDepth` of moby's `layer` package).
    pub max_layers: usize,
    /// Uncompressed bytes of all layers from which on an image is too large (`image-size`). `None`, the
    /// default, is no bound: what is large differs from image to image.
    pub max_image_bytes: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self { required_labels: Vec::new(), max_layers: 125, max_image_bytes: None }
    }
}
