//! How an image had better be made: nothing here is a danger by itself, and all of it weighs little.

pub(super) mod add_instruction;
pub(super) mod healthcheck_missing;
pub(super) mod image_size;
pub(super) mod label_missing;
pub(super) mod layer_count;
pub(super) mod package_cache_left;
pub(super) mod port_privileged;
pub(super) mod tag_latest;

use super::rule::Rule;

/// The rules of this family.
static RULES: [&Rule; 8] = [
    &add_instruction::RULE,
    &healthcheck_missing::RULE,
    &image_size::RULE,
    &label_missing::RULE,
    &layer_count::RULE,
    &package_cache_left::RULE,
    &port_privileged::RULE,
    &tag_latest::RULE,
];

/// Whether a rule is of this family: people need not read all that it says each time.
pub fn is_hygiene(id: &str) -> bool {
    RULES.iter().any(|rule| rule.id == id)
}
