//! What each key of a policy means, for `docs/policy-reference.md`.

mod keys;
mod tests;
