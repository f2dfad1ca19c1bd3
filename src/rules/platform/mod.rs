//! Whether the image fits its platform, and whether its distribution is still kept.

pub(super) mod architecture_mismatch;
pub(super) mod distribution_eol;
mod distributions;
