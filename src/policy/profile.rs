//! Ways of publishing an image: what each demands.

use std::collections::BTreeSet;

use crate::base::BaseStatus;
use crate::rules::{BaseDemand, Needs, Rule};

/// One way of publishing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// Which base is demanded.
    pub base: BaseDemand,
    /// The rules that must be evaluated.
    pub require: Required,
    /// Rules whose findings are told as info and never fail.
    pub tell: BTreeSet<&'static str>,
}

/// The rules that must be evaluated, or the image is in error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Required {
    /// All of them, each where what it needs was asked for: advisories, an environment, a catalog.
    pub all: bool,
    /// These, whatever was asked for.
    pub named: BTreeSet<&'static str>,
}

impl Profile {
    /// One that demands nothing of its own.
    pub(super) fn new(name: &str, base: BaseDemand) -> Self {
        Self {
            name: name.to_owned(),
            base,
            require: Required { all: true, named: BTreeSet::new() },
            tell: BTreeSet::new(),
        }
    }

    /// Whether images are judged at all by a rule with these needs.
    pub(super) fn judges(&self, needs: Needs) -> bool {
        self.base != BaseDemand::None
            || matches!(needs, Needs::Image | Needs::Environment | Needs::Advisories)
    }

    /// Whether an image is in error where the rule could not be evaluated.
    ///
    /// Where the image stands on no base, the rule that says so fails, and those that compare with it
    /// have nothing to compare.
    pub(super) fn requires(
        &self,
        rule: &Rule,
        needs: Needs,
        has_catalog: bool,
        has_environment: bool,
        has_advisories: bool,
        base: &BaseStatus,
    ) -> bool {
        let named = self.require.named.contains(rule.id);
        if !named && !self.require.all {
            return false;
        }
        let asked = match self.base {
            BaseDemand::Official | BaseDemand::Custom => true,
            BaseDemand::Either | BaseDemand::Optional => has_catalog || named,
            BaseDemand::None => false,
        };
        let nothing_to_compare = base.base_layers() == 0 && !matches!(base, BaseStatus::NotEvaluated { .. });
        match needs {
            Needs::Image => true,
            // Whoever names none asks for none, but where the policy names the rule.
            Needs::Environment => has_environment || named,
            Needs::Advisories => has_advisories || named,
            Needs::Catalog => asked,
            Needs::Base => named || (asked && !nothing_to_compare),
        }
    }
}
