//! Choosing among the images of an input. Without a choice all are checked.

use std::collections::BTreeSet;
use std::fmt;

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
    /// Leaves only what is wanted, and notes how much else there is.
    ///
    /// # Errors
    /// Nothing is left: the message lists what there is.
    pub fn apply(&self, source: &mut Source) -> Result<()> {
        if source.images.is_empty() {
            return Ok(());
        }
        let all: Vec<String> = source.images.iter().map(describe).collect();
        let mut called = BTreeSet::new();
        for image in source.images.iter().filter(|image| self.wants(image)) {
            called.extend(names(image).flat_map(spellings));
        }
        source.images.retain(|image| self.wants(image) || self.is_alternative(image, &called));
        let left_out = all.len() - source.images.len();
        if !source.images.is_empty() {
            if left_out > 0 {
                source.notes.push(format!(
                    "not looked at: {left_out} of {} images, as {} was asked for",
                    all.len(),
                    self
                ));
            }
            return Ok(());
        }
        Err(Error::usage(format!("nothing in it is {self}")).hint(format!("it holds {}", all.join("; "))))
    }

    /// Whether it is in no index of platforms and has a name of one that is wanted: Docker and Podman choose among such by the
    /// name alone, and which of them counts is theirs to say.
    fn is_alternative(&self, image: &Image, called: &BTreeSet<(&str, String)>) -> bool {
        let mut spellings = names(image).flat_map(spellings);
        self.platform.is_some()
            && image.index_digests.is_empty()
            && spellings.any(|name| called.contains(&name))
    }

    fn wants(&self, image: &Image) -> bool {
        let platform = self.platform.as_ref().is_none_or(|wanted| image.is_for(wanted));
        platform && self.image.as_ref().is_none_or(|wanted| is_called(image, wanted))
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let platform = self.platform.as_ref().map(|platform| format!("platform {platform}"));
        let image = self.image.as_ref().map(|image| format!("image {}", escape_text(image)));
        f.write_str(&[image, platform].into_iter().flatten().collect::<Vec<_>>().join(", "))
    }
}

fn names(image: &Image) -> impl Iterator<Item = &str> {
    image.names.iter().chain(&image.other_names).map(String::as_str)
}

/// A name as Docker and as Podman complete it.
fn spellings(name: &str) -> [(&'static str, String); 2] {
    [("docker", to_docker(name)), ("podman", to_podman(name))]
}

fn is_called(image: &Image, wanted: &str) -> bool {
    let digest = wanted.rsplit_once('@').map_or(wanted, |(_, digest)| digest);
    names(image).any(|name| is_one_name(name, wanted))
        || image.digests().any(|known| known.to_string() == digest || known.hex() == digest)
}

/// Two spellings of one name are one tag to Docker or to Podman, and the last image that has it is what they run.
fn is_one_name(one: &str, other: &str) -> bool {
    one == other || spellings(one).iter().zip(&spellings(other)).any(|(one, other)| one == other)
}

/// A name as Docker completes it, without what it leaves out when it shows it.
fn to_docker(name: &str) -> String {
    let name =
        name.strip_prefix("index.docker.io/").or_else(|| name.strip_prefix("docker.io/")).unwrap_or(name);
    tagged(name.strip_prefix("library/").unwrap_or(name))
}

/// A name as Podman completes it where it loads an archive: without a registry it is the machine's own.
fn to_podman(name: &str) -> String {
    tagged(name.strip_prefix("localhost/").unwrap_or(name))
}

fn tagged(name: &str) -> String {
    let has_tag = name.rsplit('/').next().is_some_and(|last| last.contains(':'));
    if has_tag { name.to_owned() } else { format!("{name}:latest") }
}

fn describe(image: &Image) -> String {
    escape_text(&format!("{} ({})", image.title(), image.platform()))
}
