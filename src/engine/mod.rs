//! The way of the data: plan from rules → scan → facts → rules → report, one image after another,
//! the layers of each in parallel.

mod allowance;
mod before;
mod digests;
mod enroll;
mod guard;
mod image;
mod known;
mod layers;
mod likenesses;
#[cfg(test)]
mod limit_tests;
mod packaged;
mod second;

use std::sync::Arc;

use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};

use crate::advisories::Advisories;
use crate::base::{Catalog, FactsFiles};
use crate::cache::Cache;
use crate::error::{Error, Result};
use crate::facts::Facts;
use crate::host;
use crate::limits::Limits;
use crate::packages::verify::HeldLayers;
use crate::policy::Policy;
use crate::report::{ImageReport, ImageVerdict, build_image};
use crate::rules::{Judged, Judgement, Left, PACKAGE_FILE_TAMPERED, RULES, Room, Rule};
use crate::scan::{Budget, Opinions, Plan, Progress, Tables};
use crate::source::{self, Input, Selection};

pub use before::ReadBefore;
pub use enroll::{Enrolled, NewBase, enroll};
pub use known::facts_files;

use allowance::Allowance;
use digests::FileDigests;
use guard::guarded;
use image::{Shared, image_facts, vulnerabilities};
use known::Known;
use layers::{layers_of, scan, uncompressed, unpacked_for_components};
use likenesses::Likenesses;
use second::SecondReads;

/// By what images are judged.
#[derive(Debug)]
pub struct Engine {
    /// The policy.
    pub policy: Policy,
    /// The catalog, where one is given.
    pub catalog: Option<Catalog>,
    /// The catalog's facts files, where they may be used.
    pub facts_files: Option<FactsFiles>,
    /// What is known of vulnerabilities, where it is given.
    pub advisories: Option<Advisories>,
    /// Layers that were read before, where they are kept.
    pub cache: Option<Cache>,
    /// Layers that inputs before had, where several are checked.
    pub read_before: Option<ReadBefore>,
    /// Which of an input's images are wanted.
    pub selection: Selection,
}

/// What came of one input.
#[derive(Debug, Default)]
pub struct Checked {
    /// In the order of the archive.
    pub images: Vec<ImageReport>,
    /// Images that could not be checked, or the input as a whole.
    pub errors: Vec<Error>,
    /// Things to know that are no fault.
    pub notes: Vec<String>,
}

impl Engine {
    /// Checks every wanted image of an input.
    pub fn check(&self, input: &Input, progress: &dyn Progress) -> Checked {
        let mut images = Vec::new();
        let Visited { errors, notes } = self.check_each(input, progress, |image| images.push(image));
        Checked { images, errors, notes }
    }

    /// As [`Engine::check`]; each image is handed over when its verdict is made.
    pub fn check_each(
        &self,
        input: &Input,
        progress: &dyn Progress,
        each: impl FnMut(ImageReport),
    ) -> Visited {
        self.check_within(Left::default(), input, progress, each)
    }

    /// As [`Engine::check_each`], where all images may have so much of findings.
    fn check_within(
        &self,
        mut left: Left,
        input: &Input,
        progress: &dyn Progress,
        mut each: impl FnMut(ImageReport),
    ) -> Visited {
        let bases = self.catalog.as_ref().map(|catalog| Bases { catalog, files: self.facts_files.as_ref() });
        let name = input.name();
        let request = Request {
            input,
            selection: &self.selection,
            bases,
            advisories: self.advisories.as_ref(),
            cache: self.cache.as_ref(),
            read_before: self.read_before.as_ref(),
            plan: self.plan(),
            held: self.held(),
        };
        let mut unjudged = Vec::new();
        let visited = visit(&request, progress, |facts| match self.judge_within(&name, &facts, &mut left) {
            Ok(image) => each(image),
            Err(error) => unjudged.push(error.at(facts.image.title()).at(&name)),
        });
        let mut visited =
            visited.unwrap_or_else(|error| Visited { errors: vec![error], ..Visited::default() });
        visited.errors.append(&mut unjudged);
        visited
    }

    /// What the rules want read under this policy.
    fn plan(&self) -> Arc<Plan> {
        let settings = &self.policy.settings;
        let mut plan = rules_plan(self.policy.limits);
        if settings.services.look_into_archives() {
            plan.look_into_archives();
        }
        if self.advisories.is_some() || !settings.options.forbidden_packages.is_empty() {
            plan.look_for_components();
        }
        Arc::new(plan)
    }

    /// Of which layers files are held to their packages under this policy.
    fn held(&self) -> Option<HeldLayers> {
        let all = self.policy.settings.options.verify_all_layers;
        let layers = if all { HeldLayers::All } else { HeldLayers::Upper };
        self.policy.judges(PACKAGE_FILE_TAMPERED).then_some(layers)
    }

    /// Judges the facts of one image.
    ///
    /// # Errors
    /// The time is up, there are more findings than [`INPUT_FINDINGS`](crate::limits::INPUT_FINDINGS) and [`INPUT_FINDING_BYTES`](crate::limits::INPUT_FINDING_BYTES)
    /// allow, or a rule failed by a fault of this program.
    pub fn judge(&self, source: &str, facts: &Facts) -> Result<ImageReport> {
        self.judge_within(source, facts, &mut Left::default())
    }

    /// As [`Self::judge`], where so much is left of the limits on findings, of which the image takes its part.
    fn judge_within(&self, source: &str, facts: &Facts, left: &mut Left) -> Result<ImageReport> {
        let judged = self.judged(facts, *left)?;
        let has_catalog = self.catalog.is_some();
        let has_advisories = self.advisories.is_some();
        let verdict = ImageVerdict { source, facts, policy: &self.policy, has_catalog, has_advisories };
        let mut after = *left;
        let image = guarded("judging the image", || build_image(&verdict, judged, &mut after))?;
        *left = after;
        Ok(image)
    }

    /// What each rule says.
    fn judged(&self, facts: &Facts, left: Left) -> Result<Vec<(&'static Rule, Judgement)>> {
        let rules = RULES.into_par_iter().filter(|rule| self.policy.judges(rule));
        let room = Room::new(left);
        let judged = rules.map(|rule| Ok((rule, self.judge_by(rule, facts, &room)?)));
        let judged = judged.collect::<Result<Vec<_>>>()?;
        let all: Option<Vec<_>> =
            judged.into_iter().map(|(rule, judged)| Some((rule, judged.ok()?))).collect();
        if let Some(all) = all {
            return Ok(all);
        }
        // Which limit is met first depends on which rules run at the same time, and the error must not.
        let room = Room::new(left);
        let rules = RULES.into_iter().filter(|rule| self.policy.judges(rule));
        rules.map(|rule| Ok((rule, self.judge_by(rule, facts, &room)??))).collect()
    }

    fn judge_by(&self, rule: &'static Rule, facts: &Facts, room: &Room) -> Result<Judged> {
        self.policy.limits.deadline.check()?;
        let judge = || Ok((rule.judge)(facts, &self.policy.settings, room.findings()));
        guarded("judging the image", judge).map_err(|error| error.at(format!("rule {}", rule.id)))
    }
}

/// The facts of an input's images.
#[derive(Debug, Default)]
pub struct Gathered {
    /// In the order of the archive.
    pub images: Vec<Facts>,
    /// Images that could not be read.
    pub errors: Vec<Error>,
    /// Things to know that are no fault.
    pub notes: Vec<String>,
}

/// What is to be read, and how.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// Where the images are.
    pub input: &'a Input,
    /// Which of them are wanted.
    pub selection: &'a Selection,
    /// What is known of bases; without them no image is compared with one.
    pub bases: Option<Bases<'a>>,
    /// What is known of vulnerabilities; without it nobody asks for them.
    pub advisories: Option<&'a Advisories>,
    /// Layers that were read before; those that are read now are kept there.
    pub cache: Option<&'a Cache>,
    /// Layers that inputs before had, read by the same plan; those that are read now are kept there, too.
    pub read_before: Option<&'a ReadBefore>,
    /// What is kept of their content, and how large things may be.
    pub plan: Arc<Plan>,
    /// Of which layers files are held to what their packages say; costs a second read of layers that have some.
    pub held: Option<HeldLayers>,
}

/// What is known of bases.
#[derive(Debug, Clone, Copy)]
pub struct Bases<'a> {
    /// The catalog.
    pub catalog: &'a Catalog,
    /// Its facts files; without them every layer is read.
    pub files: Option<&'a FactsFiles>,
}

/// What is to be told of an input beside its images.
#[derive(Debug, Default)]
pub struct Visited {
    /// Images that could not be read.
    pub errors: Vec<Error>,
    /// Things to know that are no fault.
    pub notes: Vec<String>,
}

/// As [`visit`], with the facts of all images kept at once.
///
/// # Errors
/// As [`visit`].
pub fn gather(request: &Request<'_>, progress: &dyn Progress) -> Result<Gathered> {
    let mut images = Vec::new();
    let Visited { errors, notes } = visit(request, progress, |facts| images.push(facts))?;
    Ok(Gathered { images, errors, notes })
}

/// Reads an input and hands over the facts of each wanted image, one image after another, so that
/// only one tree need be kept; each stored layer is read once.
///
/// # Errors
/// What is no image at all, or cannot be read.
pub fn visit(request: &Request<'_>, progress: &dyn Progress, each: impl FnMut(Facts)) -> Result<Visited> {
    visit_within(&Arc::new(Budget::new(request.plan.limits())), request, progress, each)
}

/// As [`visit`]; `budget` is what all layers may keep.
fn visit_within(
    budget: &Arc<Budget>,
    request: &Request<'_>,
    progress: &dyn Progress,
    mut each: impl FnMut(Facts),
) -> Result<Visited> {
    let Request { input, selection, bases, advisories, cache, read_before, plan, held } = request;
    let fault = |error: Error| error.at(input.name());
    let opened = guarded("reading it", || Ok(source::open(input, plan.limits()))).map_err(fault)?;
    let mut source = opened?;
    selection.apply(&mut source).map_err(fault)?;
    let mut visited = Visited {
        errors: source.errors.into_iter().map(|error| error.at(input.name())).collect(),
        notes: source.notes,
    };
    let files = bases.and_then(|bases| bases.files);
    // Told once: of an input with many images, the first carries what is wrong with the input itself.
    if let Some(first) = source.images.first_mut() {
        first.anomalies.append(&mut source.anomalies);
    }
    let known = Known::new(files, *cache, *read_before);
    let scanned = guarded("reading its layers", || Ok(scan(&source.images, plan, budget, &known, progress)))
        .map_err(fault)?;
    // One error, whichever of the layers met it.
    if let Some(error) = budget.exceeded() {
        return Err(fault(error));
    }
    if plan.looks_for_components() {
        budget.hold_unpacked(unpacked_for_components(&scanned)).map_err(fault)?;
    }
    visited.notes.extend(files.map(FactsFiles::take_notes).unwrap_or_default());
    let mut shared = Shared {
        allowance: Allowance::of(uncompressed(&scanned)),
        opinions: Opinions::default(),
        tables: Tables::new(Arc::clone(budget)),
        digests: FileDigests::default(),
        second: SecondReads::default(),
        likenesses: Likenesses::default(),
    };
    for image in source.images {
        let title = image.title();
        let facts = guarded("reading the image", || {
            let layers = layers_of(&image, &scanned)?;
            let mut facts = image_facts(image, layers, *bases, plan, *held, &mut shared)?;
            let deadline = plan.limits().deadline;
            facts.vulnerabilities =
                advisories.and_then(|advisories| vulnerabilities(&facts, advisories, deadline));
            deadline.check()?;
            host::step();
            known.keep(&facts);
            Ok(facts)
        });
        match facts {
            Ok(facts) => each(facts),
            Err(error) => visited.errors.push(error.at(title).at(input.name())),
        }
    }
    visited.notes.extend(shared.likenesses.note());
    Ok(visited)
}

/// What all rules together want captured, whatever the policy is but for its limits.
pub fn plan(limits: Limits) -> Arc<Plan> {
    Arc::new(rules_plan(limits))
}

fn rules_plan(limits: Limits) -> Plan {
    let mut plan = Plan::new(limits);
    for rule in RULES {
        (rule.plan)(&mut plan);
    }
    plan
}

/// What the inventory is made of, beside what rules want.
pub fn inventory_plan(limits: Limits) -> Arc<Plan> {
    let mut plan = rules_plan(limits);
    plan.look_for_components();
    Arc::new(plan)
}

/// All that rules want under any policy, and the components: what facts files hold.
pub fn whole_plan(limits: Limits) -> Arc<Plan> {
    let mut plan = rules_plan(limits);
    plan.look_into_archives();
    plan.look_for_components();
    Arc::new(plan)
}

#[cfg(test)]
mod tests;
