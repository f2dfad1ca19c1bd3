//! Findings as the report has them, with what the policy makes of each.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::fingerprint::fingerprint;
use super::vex::{Heard, Vex, statements};
use super::{FindingReport, FindingStatus, ImageVerdict, LayerPlace, PolicyAction, PolicyLine};
use crate::digest::{ContentId, Digest};
use crate::facts::Facts;
use crate::limits;
use crate::model::ImagePath;
use crate::policy::{Because, Known, KnownFindings, Standing, Subject, can_be_known};
use crate::rootfs::{Inode, Reading, ResolveError, Tree};
use crate::rules::contents::{Contents, Whole, of_symlink};
use crate::rules::quote::without_secrets;
use crate::rules::{Evidence, Finding, Rule};
use crate::scan::EntryKind;

/// What the findings of one image are told with.
pub(super) struct Teller<'a> {
    verdict: &'a ImageVerdict<'a>,
    places: &'a [Arc<LayerPlace>],
    /// Computed digests that waivers may name the image by.
    digests: Vec<Digest>,
    /// What the baseline has of the image, where there is one.
    known: Option<KnownFindings<'a>>,
    /// The files of each layer, for findings that the effective tree does not show.
    files: Vec<OnceCell<HashMap<&'a ImagePath, ContentId>>>,
    whole: Whole<'a>,
    /// What VEX documents are asked with.
    vex: Vex<'a>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(verdict: &'a ImageVerdict<'a>, places: &'a [Arc<LayerPlace>]) -> Self {
        let image = &verdict.facts.image;
        let baseline = verdict.policy.baseline.as_ref();
        Self {
            known: baseline.map(|known| known.of_image(&image.names, verdict.source, image.platform())),
            verdict,
            places,
            digests: image.digests().collect(),
            files: image.layers.iter().map(|_| OnceCell::new()).collect(),
            whole: Whole::new(verdict.facts),
            vex: Vex::new(verdict),
        }
    }

    pub(super) fn tell(
        &self,
        rule: &Rule,
        references: &Arc<[&'static str]>,
        finding: Finding,
    ) -> FindingReport {
        let finding = without_secrets(finding);
        let path = finding.path.as_ref().map(ToString::to_string);
        let fingerprint = fingerprint(rule.id, path.as_deref().unwrap_or_default(), &finding);
        let content = self.content(&finding).map(Digest::Sha256);
        let absolute = |path: &ImagePath| [b"/", path.as_bytes()].concat();
        let others: Vec<_> = finding.also.paths.iter().map(absolute).collect();
        let layers: Vec<_> =
            self.layers(&finding).into_iter().map(|layer| self.layer_digests(layer)).collect();
        let first = finding.path.as_ref().map(absolute);
        let said = self.vex.say(&finding, &self.digests);
        let decision = self.verdict.policy.decide(
            rule,
            &finding,
            &Subject {
                rule: rule.id,
                path: first.as_deref(),
                others: &others,
                more: finding.also.more,
                layers: &layers,
                names: &self.verdict.facts.image.names,
                image: &self.digests,
                content,
                fingerprint: &fingerprint,
                advisories: &named(&finding, &["advisory", "alias"]),
                package: named(&finding, &["package"]).first().copied(),
                vex: said.as_ref(),
            },
        );
        let known = Known {
            severity: decision.severity,
            message: finding.message,
            content_sha256: content.map(|digest| digest.hex()),
            evidence: Evidence::of(finding.evidence),
        };
        let report = FindingReport {
            rule: rule.id,
            severity: decision.severity,
            status: match decision.standing {
                Standing::Fails if self.is_known(rule, &fingerprint, &known) => FindingStatus::Known,
                Standing::Fails => FindingStatus::Fail,
                Standing::Told => FindingStatus::Warn,
                Standing::Waived => FindingStatus::Waived,
            },
            policy: decision.because.and_then(|because| self.policy_line(because)),
            vex: said.as_ref().map(|said| statements(&self.verdict.policy.vex, said)).unwrap_or_default(),
            message: known.message,
            layer: finding.layer.and_then(|index| self.places.get(index).cloned()),
            effective: finding.effective,
            content_sha256: known.content_sha256,
            evidence: known.evidence,
            remediation: finding.remediation,
            fingerprint,
            references: Arc::clone(references),
            path,
        };
        if let Some(said) = said.filter(|_| report.is_accepted_by_vex()) {
            self.vex.accepted_by(&said);
        }
        report
    }

    /// Whether the baseline has it. What is wrong with the image itself fails each time.
    fn is_known(&self, rule: &Rule, fingerprint: &str, finding: &Known) -> bool {
        can_be_known(rule) && self.known.as_ref().is_some_and(|known| known.has(fingerprint, finding))
    }

    /// What VEX documents had to do with all that was told.
    pub(super) fn into_heard(self) -> Heard {
        self.vex.into_heard()
    }

    /// The line that decided; a VEX document is none of the policy's.
    fn policy_line(&self, because: Because) -> Option<PolicyLine> {
        let line = |action, line| PolicyLine { action, line, reason: None, owner: None, expires: None };
        Some(match because {
            Because::Vex => return None,
            Because::Severity(place) => line(PolicyAction::Severity, place.line),
            Because::Allowed(place, reason) => {
                PolicyLine { reason: Some(reason), ..line(PolicyAction::Allow, place.line) }
            }
            Because::Waiver(index) => {
                let Some(waiver) = self.verdict.policy.waivers.get(index) else {
                    return Some(line(PolicyAction::Waiver, 0));
                };
                PolicyLine {
                    reason: Some(waiver.reason.clone()),
                    owner: Some(waiver.owner.clone()),
                    expires: waiver.expires.map(|date| date.to_string()),
                    ..line(PolicyAction::Waiver, waiver.place.line)
                }
            }
        })
    }

    /// The layers of all places that it is about; of a place that no layer is known of there is none.
    fn layers(&self, finding: &Finding) -> BTreeSet<Option<usize>> {
        let tree = self.tree();
        let of_path = |path| Some(tree?.get(path)?.origin().layer());
        finding.also.paths.iter().map(of_path).chain([finding.layer]).collect()
    }

    /// Computed diffID and stored digest of a layer.
    fn layer_digests(&self, layer: Option<usize>) -> [Option<Digest>; 2] {
        let read = layer.and_then(|index| self.verdict.facts.layers.get(index)?.as_ref());
        [read.and_then(|read| Some(read.tar.as_ref().ok()?.diff_id)), read.map(|read| read.blob.sha256)]
    }

    /// The effective tree in each reading; the first is the one that is shown.
    fn trees(&self) -> impl Iterator<Item = &'a Tree> {
        let facts: &'a Facts = self.verdict.facts;
        facts.rootfs.iter().flat_map(|rootfs| &rootfs.readings).map(|Reading { effective, .. }| effective)
    }

    fn tree(&self) -> Option<&'a Tree> {
        self.trees().next()
    }

    /// What it is about holds. Who accepts the finding by its fingerprint names this too, so that he accepts no other content.
    fn content(&self, finding: &Finding) -> Option<ContentId> {
        if finding.content.is_some() {
            return finding.content;
        }
        let path = finding.path.as_ref().filter(|_| finding.identity.is_none())?;
        if !finding.effective
            && let Some(layer) = finding.layer
        {
            return self.content_in_layer(layer, path);
        }
        if finding.also.paths.is_empty() {
            return self.trees().find_map(|tree| self.content_at(tree, path));
        }
        self.content_of_several(path, finding)
    }

    /// Of a regular file, what it holds; of a symlink, what it leads to.
    fn content_at(&self, tree: &'a Tree, path: &ImagePath) -> Option<ContentId> {
        let of_file = |inode: &Inode| (inode.kind == EntryKind::File).then_some(inode.content);
        let there = tree.get(path).map(|node| node.inode());
        if let Some(inode) = there.filter(|inode| inode.kind != EntryKind::Symlink) {
            return of_file(inode);
        }
        match self.whole.resolve(tree, path) {
            Err(ResolveError::TooFar) => Some(self.whole.layers()),
            found => found.ok().and_then(|node| of_file(node.inode())).or_else(|| of_symlink(there?)),
        }
    }

    /// Of several paths: all that is at them. Names of one file hold what it holds.
    fn content_of_several(&self, path: &ImagePath, finding: &Finding) -> Option<ContentId> {
        let tree = self.tree()?;
        let others = &finding.also.paths;
        let paths = || std::iter::once(path).chain(others);
        let inode = |path| tree.get(path).map(|node| node.inode());
        let first = inode(path).filter(|inode| inode.kind == EntryKind::File);
        if let Some(first) = first
            && others.iter().all(|path| inode(path).is_some_and(|inode| inode.origin == first.origin))
        {
            return Some(first.content);
        }
        let mut contents = Contents::new(&self.whole, tree);
        paths().for_each(|path| contents.add_path(path));
        if others.len() >= limits::FINDING_PATHS {
            // There may be more, which nobody lists.
            contents.add_all_layers();
        }
        Some(contents.digest())
    }

    /// Of a file that a later layer took away, by the layer that has it.
    fn content_in_layer(&self, layer: usize, path: &ImagePath) -> Option<ContentId> {
        let facts: &'a Facts = self.verdict.facts;
        let of_layer = || {
            let mut files = HashMap::new();
            for entry in facts.entries(layer) {
                let content = match entry.kind {
                    EntryKind::File => Some(entry.content),
                    // To a file of this layer before it; what else it may name is another layer's.
                    EntryKind::HardLink => files.get(&entry.hard_link_target()).copied(),
                    _ => None,
                };
                files.extend(content.map(|content| (&entry.path, content)));
            }
            files
        };
        self.files.get(layer)?.get_or_init(of_layer).get(path).copied()
    }
}

/// The values of a finding's evidence by these names.
fn named<'a>(finding: &'a Finding, names: &[&str]) -> Vec<&'a str> {
    let of = finding.evidence.iter().filter(|(name, _)| names.contains(name));
    of.map(|(_, value)| value.as_str()).collect()
}
