//! One layer after the other made into a tree (image-spec layer.md, "Applying Changesets"), in the
//! way of one runtime. What each entry does is in [`super::apply`].

use super::apply::Extraction;
use super::stack;
use super::tree::Tree;
use crate::error::{Error, Result};
use crate::limits::{self, Deadline};
use crate::model::anomaly::Anomalies;
use crate::model::{Anomaly, ImagePath};
use crate::scan::facts::TarFacts;

/// The ways in which layers become a root file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Runtime {
    /// Each entry is applied in order onto one real directory, symlinked parents followed: Docker,
    /// podman and buildah with the `vfs` driver, containerd's `native` snapshotter.
    Vfs,
    /// Each layer is extracted into a directory of its own, and overlayfs stacks these: the usual
    /// drivers of Docker, containerd, podman and CRI-O.
    Overlay,
    /// As [`Runtime::Vfs`], but the order of a layer's entries is nothing to whiteouts, and a hard
    /// link's own metadata are nothing: umoci.
    Umoci,
}

impl std::fmt::Display for Runtime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Vfs => "vfs",
            Self::Overlay => "overlay",
            Self::Umoci => "umoci",
        })
    }
}

/// Applies layers, lowest first.
#[derive(Debug)]
pub struct Builder {
    runtime: Runtime,
    pub(super) tree: Tree,
    anomalies: Anomalies,
    refusal: Option<String>,
    implied_resets: Vec<(usize, ImagePath)>,
    /// What those take of memory.
    reset_bytes: u64,
    pub(super) visits: u64,
    deadline: Deadline,
}

impl Builder {
    /// Starts with an empty root.
    pub fn new(runtime: Runtime) -> Self {
        Self {
            runtime,
            tree: Tree::new(),
            anomalies: Anomalies::of_image(),
            refusal: None,
            implied_resets: Vec::new(),
            reset_bytes: 0,
            visits: 0,
            deadline: Deadline::default(),
        }
    }

    /// The same, which applies nothing once the time is up.
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline, ..self }
    }

    /// Applies the next layer; `layer` is its index in the image.
    ///
    /// # Errors
    ///
    /// Only limits, and that of time: more names than [`crate::limits::ENTRIES`], more anomalies than
    /// [`crate::limits::IMAGE_ANOMALIES`], or a layer that takes too many steps to apply.
    pub fn apply(&mut self, layer: usize, facts: &TarFacts) -> Result<()> {
        let number = u32::try_from(layer).unwrap_or(u32::MAX - 1);
        let in_place = self.runtime != Runtime::Overlay;
        let over_nothing = self.tree.is_empty();
        let tree = if in_place { std::mem::take(&mut self.tree) } else { self.tree.fresh() };
        let first = Extraction::new(self.runtime, tree, number, &facts.entries);
        let anomalies = std::mem::replace(&mut self.anomalies, Anomalies::of_image());
        let mut extraction =
            Extraction { visits: self.visits, deadline: self.deadline, over_nothing, anomalies, ..first };
        extraction.run().map_err(|error| error.at(format!("layer {layer}")))?;
        self.visits = extraction.visits;
        for path in extraction.implied_resets() {
            self.reset_bytes += (size_of::<(usize, ImagePath)>() + path.as_bytes().len()) as u64;
            if self.reset_bytes > limits::IMAGE_ANOMALY_BYTES {
                let what = "what the directories take that layers do not name";
                return Err(Error::limit(what, "IMAGE_ANOMALY_BYTES", limits::IMAGE_ANOMALY_BYTES));
            }
            self.implied_resets.push((layer, path));
        }
        if self.refusal.is_none() {
            self.refusal = extraction.refusal.map(|reason| format!("layer {layer}: {reason}"));
        }
        self.anomalies = extraction.anomalies;
        if in_place {
            self.tree = extraction.tree;
            return Ok(());
        }
        stack::mount(&mut self.tree, &extraction.tree, number, &extraction.opaque)
    }

    /// The tree so far.
    pub fn tree(&self) -> &Tree {
        &self.tree
    }

    /// What was ambiguous or broken. Collected in the reading of [`Runtime::Vfs`], which meets every
    /// ambiguity; the others are built to see what becomes of it.
    pub fn anomalies(&self) -> &[Anomaly] {
        self.anomalies.as_slice()
    }

    /// Why this runtime would not unpack the image, if that is known. The tree then shows what a
    /// more lenient version would make of it.
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Directories of a lower layer with a mode, owner or attributes of their own, in which a layer
    /// has entries without naming the directory; with the layer. Here, as in vfs drivers, umoci and
    /// containerd, they keep what the lower layer said. Docker's `overlay2` and podman's `overlay` were
    /// seen to reset them to 0755, owned by root (`/tmp` is no longer 1777).
    pub fn implied_resets(&self) -> &[(usize, ImagePath)] {
        &self.implied_resets
    }

    /// Takes the tree out; an empty one is left.
    pub fn take_tree(&mut self) -> Tree {
        std::mem::take(&mut self.tree)
    }
}
