//! Layers applied in order: the tree a runtime would see, each path with its origin.
//!
//! Layers mean the same to all runtimes as long as they keep to the image specification (layer.md).
//! Where they do not, runtimes differ, and an image could show one tree to whoever checks it and
//! another to whoever runs it. So each entry that is read differently is an anomaly, and where there
//! is one, every [`Reading`] is built, for rules to judge them all.
//!
//! Some differences are not taken for ambiguous, for nothing hangs on them: a whiteout by itself makes
//! no directory here, as in umoci, while others leave an empty one where the whiteout's directory is
//! nowhere; directories that no entry names are 0755, while Docker 20.10 with `vfs` makes them 0600, and
//! some give them the group and the setgid bit of a setgid directory above; a directory named
//! again has the attributes of its last entry, while podman's `vfs` and containerd keep old ones beside
//! them; a symlink has the mode that its entry gives it, while Linux knows none; hard-linked symlinks,
//! fifos and devices are one, while `vfs` drivers and containerd's `native` copy them; and attributes in
//! libarchive's form are attributes, while Go reads none of it (privileged ones are told). Nor are layers
//! that some refuse and all others read in one way. The differential test (`.ci/differential`) counts
//! these, and allows no others.

pub mod accounts;
mod apply;
mod builder;
pub mod capabilities;
mod children;
mod inode;
mod links;
mod marks;
mod mounted;
mod names;
mod parents;
mod resolve;
mod stack;
mod steps;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod trail;
mod tree;
mod users;
mod walk;
mod whiteouts;

pub use builder::{Builder, Runtime};
pub use inode::{Inode, Origin};
pub use resolve::{Located, ResolveError, Resolved};
pub use steps::Steps;
pub use trail::Trail;
pub use tree::{NodeRef, Tree};
pub use users::{UserReadings, resolve_user};
pub use walk::HardLinks;

use crate::error::Result;
use crate::limits::Deadline;
use crate::model::{Anomaly, Fault, ImagePath};
use crate::scan::facts::TarFacts;

/// What some runtimes make of the layers.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Who reads it so.
    pub runtimes: Vec<Runtime>,
    /// The tree of the base layers.
    pub base: Tree,
    /// The tree of all layers.
    pub effective: Tree,
}

/// All that the layers can mean.
#[derive(Debug, Clone)]
pub struct Rootfs {
    /// What was ambiguous or broken, with layer and path.
    pub anomalies: Vec<Anomaly>,
    /// At least one; the first is that of [`Runtime::Vfs`]. No two are the same.
    pub readings: Vec<Reading>,
    /// Lower directories whose metadata overlay drivers reset, with the layer that makes them do so;
    /// see [`Builder::implied_resets`].
    pub implied_resets: Vec<(usize, ImagePath)>,
    /// Runtimes that would not unpack the image, and why. They have no reading.
    pub refusals: Vec<(Runtime, String)>,
}

impl Rootfs {
    /// The reading to show where one is to be shown.
    pub fn first(&self) -> Option<&Reading> {
        self.readings.first()
    }
}

/// Builds all readings of a stack of layers.
#[derive(Debug, Clone, Copy)]
pub struct Readings;

impl Readings {
    /// Applies layers, lowest first, each with its index in the image; the first `base_len` of them
    /// are the base. One reading is built; the others only where some entry is ambiguous.
    ///
    /// # Errors
    ///
    /// Only limits; see [`Builder::apply`].
    pub fn build(layers: &[(usize, &TarFacts)], base_len: usize) -> Result<Rootfs> {
        Self::build_until(layers, base_len, Deadline::default())
    }

    /// As [`Readings::build`], as long as there is time.
    ///
    /// # Errors
    ///
    /// As there, and when the time is up.
    pub fn build_until(layers: &[(usize, &TarFacts)], base_len: usize, deadline: Deadline) -> Result<Rootfs> {
        Self::build_seen(layers, base_len, deadline, |_, _| {})
    }

    /// As [`Readings::build_until`]; `see` is shown the first reading's tree after each layer, with the layer's
    /// index.
    ///
    /// # Errors
    ///
    /// As there.
    pub fn build_seen(
        layers: &[(usize, &TarFacts)],
        base_len: usize,
        deadline: Deadline,
        see: impl FnMut(usize, &Tree),
    ) -> Result<Rootfs> {
        let new = |runtime| Builder::new(runtime).until(deadline);
        let (reading, builder) = read(new(Runtime::Vfs), Runtime::Vfs, layers, base_len, see)?;
        let mut rootfs = Rootfs {
            anomalies: builder.anomalies().to_vec(),
            readings: vec![reading],
            implied_resets: builder.implied_resets().to_vec(),
            refusals: builder.refusal().map(|why| (Runtime::Vfs, why.to_owned())).into_iter().collect(),
        };
        if rootfs.anomalies.iter().all(|anomaly| anomaly.fault != Fault::AmbiguousEntry) {
            for reading in &mut rootfs.readings {
                reading.runtimes.extend([Runtime::Overlay, Runtime::Umoci]);
            }
            return Ok(rootfs);
        }
        for runtime in [Runtime::Overlay, Runtime::Umoci] {
            let (reading, builder) = read(new(runtime), runtime, layers, base_len, |_, _| {})?;
            if let Some(why) = builder.refusal() {
                rootfs.refusals.push((runtime, why.to_owned()));
                continue;
            }
            let same = |known: &&mut Reading| {
                known.effective.same_as(&reading.effective) && known.base.same_as(&reading.base)
            };
            match rootfs.readings.iter_mut().find(same) {
                Some(known) => known.runtimes.push(runtime),
                None => rootfs.readings.push(reading),
            }
        }
        Ok(rootfs)
    }
}

/// The reading of one runtime, and the builder for what it noted; its tree is taken out.
fn read(
    mut builder: Builder,
    runtime: Runtime,
    layers: &[(usize, &TarFacts)],
    base_len: usize,
    mut see: impl FnMut(usize, &Tree),
) -> Result<(Reading, Builder)> {
    let mut base = (base_len == 0).then(Tree::new);
    for (count, (index, facts)) in layers.iter().enumerate() {
        builder.apply(*index, facts)?;
        see(*index, builder.tree());
        if count + 1 == base_len {
            base = Some(builder.tree().clone());
        }
    }
    let effective = builder.take_tree();
    // A base of more layers than there are is all of them.
    let base = base.unwrap_or_else(|| effective.clone());
    Ok((Reading { runtimes: vec![runtime], base, effective }, builder))
}
