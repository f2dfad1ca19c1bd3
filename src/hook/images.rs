//! The images of `[hook]`: found, held to the files that they are made of, and built where that is asked for.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::SystemTime;

use super::files::{Kind, changed, made, matching};
use super::{Repository, process};
use crate::error::{Error, Result};
use crate::limits::HOOK_FILES;
use crate::policy::Hook;
use crate::rules::Pattern;

/// The images, relative to the top of the work tree. Where one is missing or too old the build is run, if there is
/// one, and told before.
///
/// # Errors
/// One is missing or too old and nothing builds it, or the build does not.
pub(crate) fn images(repository: &Repository, hook: &Hook, tell: impl Fn(&str)) -> Result<BTreeSet<PathBuf>> {
    let lack = match look(repository, hook)? {
        Ok(images) => return Ok(images),
        Err(lack) => lack,
    };
    if hook.build.is_empty() {
        let hint = "build the images, or name a command in `build` of [hook] that does";
        return Err(Error::usage(lack.to_text()).hint(hint));
    }
    tell(&format!("{}; building: {}", lack.to_text(), hook.build.join(" ")));
    process::build(&hook.build, &repository.top, &repository.variables()?)?;
    look(repository, hook)?.map_err(|lack| {
        let hint = "see to it that `build` of [hook] writes what `images` names, after it read what it needs";
        Error::usage(format!("the build ended, and {}", lack.to_text())).hint(hint)
    })
}

/// What keeps images from being checked.
#[derive(Debug)]
enum Lack {
    /// A pattern that matches none.
    Missing(String),
    /// An image, and a file that is newer.
    Old(PathBuf, PathBuf),
}

impl Lack {
    fn to_text(&self) -> String {
        match self {
            Self::Missing(pattern) => format!("no image is there by the name {pattern}"),
            Self::Old(image, file) => {
                format!("the image {} is older than {}", image.display(), file.display())
            }
        }
    }
}

fn look(repository: &Repository, hook: &Hook) -> Result<std::result::Result<BTreeSet<PathBuf>, Lack>> {
    let mut images = BTreeSet::new();
    for pattern in &hook.images {
        let found = matching(&repository.top, pattern, Kind::Images, HOOK_FILES)?;
        if found.is_empty() {
            return Ok(Err(Lack::Missing(pattern.text.clone())));
        }
        images.extend(found);
    }
    if let Some((time, file)) = newest(repository, &hook.newer_than, &images)? {
        for image in &images {
            if made(&repository.top.join(image))? < time {
                return Ok(Err(Lack::Old(image.clone(), file)));
            }
        }
    }
    Ok(Ok(images))
}

/// The file that was changed last; images are not made of each other.
fn newest(
    repository: &Repository,
    patterns: &[Pattern],
    images: &BTreeSet<PathBuf>,
) -> Result<Option<(SystemTime, PathBuf)>> {
    let mut newest: Option<(SystemTime, PathBuf)> = None;
    for pattern in patterns {
        let files = matching(&repository.top, pattern, Kind::Files, HOOK_FILES)?;
        if files.is_empty() {
            // With a slip of the pen every image would be new enough.
            let what = format!("{} in newer_than of [hook] matches no file", pattern.text);
            return Err(Error::usage(what).hint("correct it; /** behind a directory stands for all below"));
        }
        for file in files {
            if file.ancestors().any(|path| images.contains(path)) {
                continue;
            }
            let time = changed(&repository.top.join(&file))?;
            if newest.as_ref().is_none_or(|(latest, _)| *latest < time) {
                newest = Some((time, file));
            }
        }
    }
    Ok(newest)
}
