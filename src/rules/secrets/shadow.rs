//! Password hashes that a layer wrote again: whoever adds an account writes all of `/etc/shadow` anew.

use std::collections::BTreeSet;

use crate::base::accounts::password_hashes;
use crate::facts::Facts;
use crate::model::ImagePath;
use crate::scan::secrets::Secret;
use crate::scan::{EntryKind, Plan};

/// All have the same accounts: `shadow-` is what `shadow` was before, and before that the hashes were in `passwd`.
const SHADOW: [&str; 4] = ["etc/shadow", "etc/shadow-", "etc/passwd", "etc/passwd-"];

pub(super) fn plan(plan: &mut Plan) {
    SHADOW.into_iter().for_each(|path| plan.capture(ImagePath::new(path)));
}

/// Names and hashes, by reading of the rootfs.
pub(super) struct BaseHashes(Vec<BTreeSet<(Vec<u8>, Vec<u8>)>>);

impl BaseHashes {
    /// Those of the base. What of it cannot be read has none, so that all above it is new.
    pub(super) fn of(facts: &Facts) -> Self {
        let Ok(rootfs) = &facts.rootfs else { return Self(Vec::new()) };
        if facts.base.base_layers() == 0 {
            return Self(Vec::new());
        }
        let hashes = rootfs.readings.iter().map(|reading| {
            let nodes = SHADOW.iter().filter_map(|path| reading.base.get(&ImagePath::new(path)));
            let inodes = nodes.map(|node| node.inode()).filter(|inode| inode.kind == EntryKind::File);
            let contents: Vec<_> = inodes.filter_map(|inode| facts.content(inode).ok()).collect();
            let hashes = contents.iter().flat_map(|content| password_hashes(content));
            hashes.map(|(name, hash)| (name.to_vec(), hash.to_vec())).collect()
        });
        Self(hashes.collect())
    }

    /// Whether the base has this hash for this account, in every reading.
    pub(super) fn have(&self, facts: &Facts, layer: usize, path: &ImagePath, secret: &Secret) -> bool {
        let is_shadow = SHADOW.iter().any(|shadow| shadow.as_bytes() == path.as_bytes());
        if !is_shadow || secret.kind.id != "password-hash" || self.0.is_empty() {
            return false;
        }
        let Some(content) = facts.entry_content(layer, secret.entry) else { return false };
        let Some(told) = account(&content, secret) else { return false };
        self.0.iter().all(|hashes| hashes.contains(&told))
    }
}

/// Whose hash it is, and the hash.
fn account(content: &[u8], secret: &Secret) -> Option<(Vec<u8>, Vec<u8>)> {
    let start = usize::try_from(secret.offset).ok()?;
    let end = start.checked_add(usize::try_from(secret.length).ok()?)?;
    let line = content.get(..start)?.rsplit(|byte| *byte == b'\n').next()?;
    let name = line.split(|byte| *byte == b':').next()?;
    Some((name.to_vec(), content.get(start..end)?.to_vec()))
}
