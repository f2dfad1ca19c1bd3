//! Choosing among the images of an input. Without a choice all are checked.

use super::Source;
use crate::error::{Error, Result};
use crate::model::Platform;
use crate::model::escape::escape_text;
use crate::model::image::Image;

/// Which images are wanted.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// A platform.
    pub platform: Option<Platform>,
    /// A name (`example.com/app:1`), or the digest of a manifest, a config, or an index: then all that it lists.
    /// Of a name with a digest (`example.com/app@sha256:…`) the digest decides.
    pub image: Option<String>,
}

impl Selection {
    /// Leaves only what is wanted.
    ///
    /// # Errors
    /// Nothing is left: the message lists what there is.
    pub fn apply(&self, source: &mut Source) -> Result<()> {
        if source.images.is_empty() {
            return Ok(());
        }
        let all: Vec<String> = source.images.iter().map(describe).collect();
        source.images.retain(|image| self.wants(image));
        if !source.images.is_empty() {
            return Ok(());
        }
        let platform = self.platform.as_ref().map(|platform| format!("platform {platform}"));
        let image = self.image.as_ref().map(|image| format!("image {}", escape_text(image)));
        let wanted = [image, platform].into_iter().flatten().collect::<Vec<_>>().join(", ");
        Err(Error::usage(format!("nothing in it is {wanted}")).hint(format!("it holds {}", all.join("; "))))
    }

    fn wants(&self, image: &Image) -> bool {
        let platform = self.platform.as_ref().is_none_or(|wanted| image.is_for(wanted));
        platform && self.image.as_ref().is_none_or(|wanted| is_called(image, wanted))
    }
}

fn is_called(image: &Image, wanted: &str) -> bool {
    let full = full_name(wanted);
    let wanted_digest = wanted.rsplit_once('@').map_or(wanted, |(_, digest)| digest);
    image.names.iter().any(|name| name == wanted || full_name(name) == full)
        || image.digests().any(|digest| digest.to_string() == wanted_digest || digest.hex() == wanted_digest)
}

/// A name as Docker completes it: two spellings of one name are one tag there, and the last image that has
/// it is run by it.
fn full_name(name: &str) -> String {
    let name =
        name.strip_prefix("index.docker.io/").or_else(|| name.strip_prefix("docker.io/")).unwrap_or(name);
    let name = name.strip_prefix("library/").unwrap_or(name);
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

fn describe(image: &Image) -> String {
    escape_text(&format!("{} ({})", image.title(), image.platform()))
}
