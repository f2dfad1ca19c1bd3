//! Whom an image runs as: `USER` of each reading of the config, through the account files of each
//! reading of the tree.

use super::Facts;
use crate::model::ImagePath;
use crate::rootfs::{Tree, UserReadings, resolve_user};
use crate::scan::Plan;

const PASSWD: &str = "etc/passwd";
const GROUP: &str = "etc/group";

/// Asks for the files that [`users`] reads.
pub fn plan(plan: &mut Plan) {
    plan.capture(ImagePath::new(PASSWD));
    plan.capture(ImagePath::new(GROUP));
}

/// One way to read whom the image runs as.
#[derive(Debug)]
pub struct User {
    /// As written; `None` where unset.
    pub spec: Option<String>,
    /// What it means in the final image; or why that is not known.
    pub resolved: Result<UserReadings, String>,
}

impl User {
    /// Whether some runtime would run the image as uid 0.
    ///
    /// # Errors
    /// Why that is not known.
    pub fn is_root(&self) -> Result<bool, String> {
        if is_root_by_spelling(self.spec.as_deref().unwrap_or_default()) {
            return Ok(true);
        }
        self.resolved.as_ref().map(|readings| readings.uids.contains(&0)).map_err(Clone::clone)
    }
}

/// Every way to read whom the image runs as.
pub fn users(facts: &Facts) -> Vec<User> {
    let mut specs: Vec<_> = facts.image.configs.iter().map(|config| config.user.clone()).collect();
    specs.dedup();
    let mut users = Vec::new();
    for spec in specs {
        match &facts.rootfs {
            Err(reason) => users.push(User { spec, resolved: Err(reason.clone()) }),
            Ok(rootfs) => {
                for reading in &rootfs.readings {
                    let resolved = resolve(facts, &reading.effective, spec.as_deref().unwrap_or_default());
                    users.push(User { spec: spec.clone(), resolved });
                }
            }
        }
    }
    users
}

/// The uid that the image runs as, where all readings agree.
pub fn effective_uid(facts: &Facts) -> Option<i64> {
    let mut uids = users(facts).into_iter().map(|user| match (user.is_root(), user.resolved) {
        (Ok(true), _) => Some(0),
        (_, Ok(readings)) if readings.uids.len() == 1 => readings.uids.first().copied(),
        _ => None,
    });
    let first = uids.next()??;
    uids.all(|uid| uid == Some(first)).then_some(first)
}

fn resolve(facts: &Facts, tree: &Tree, spec: &str) -> Result<UserReadings, String> {
    let passwd = facts.content_before_start(tree, PASSWD)?;
    let group = facts.content_before_start(tree, GROUP)?;
    let readings = resolve_user(spec, passwd.as_deref(), group.as_deref());
    match readings.unreadable {
        Some(reason) => Err(reason),
        None => Ok(readings),
    }
}

/// Whether the words alone say root, whatever the account files hold.
fn is_root_by_spelling(spec: &str) -> bool {
    let user = spec.split(':').next().unwrap_or_default();
    user == "root" || resolve_user(user, None, None).uids.contains(&0)
}
