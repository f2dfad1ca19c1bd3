//! ocicheck
