//! Whom the image runs as.

pub(super) mod user_root;
pub(super) mod user_unknown;

use crate::rules::quote;

/// `USER` as people wrote it.
fn written(spec: Option<&str>) -> String {
    match spec {
        None => "USER is not set".to_owned(),
        Some(spec) => format!("USER is \"{}\"", quote::user(spec)),
    }
}
