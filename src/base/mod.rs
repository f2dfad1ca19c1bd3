//! The official base: the catalog of approved bases, the proof that an image stands on one, and
//! what the layers above it changed.

pub mod accounts;
mod carried;
pub mod catalog;
pub mod chain;
pub mod compare;
mod difference;
mod differing;
pub mod layer_facts;
pub mod likeness;
pub mod nearest;
pub mod subordinate_ids;
pub mod upgrades;

pub use catalog::{Catalog, CatalogEntry, State, Tier};
pub use chain::BaseStatus;
pub use compare::{Change, ChangeKind, Comparison};
pub use differing::PackageChange;
pub use layer_facts::{FactsFile, FactsFiles};
pub use likeness::{BaseFiles, Likeness};
pub use nearest::Nearest;
pub use upgrades::{Explanation, Upgrades};
