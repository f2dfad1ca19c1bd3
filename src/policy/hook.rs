//! What the git hook is told: `[hook]`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::Profile;
use super::document::{At, Table};
use super::draft::{push_list, quoted};
use super::patterns::file_pattern;
use crate::rules::{Environment, Pattern};

/// Which images a push is held to, and when. All paths are relative to the top of the work tree.
#[derive(Debug, Clone)]
pub struct Hook {
    /// Which files and directories are the images; each pattern must match one.
    pub images: Vec<Pattern>,
    /// Makes the images where one is missing or too old: a program and its arguments, which no shell reads;
    /// empty where nothing does.
    pub build: Vec<String>,
    /// Files that the images must not be older than.
    pub newer_than: Vec<Pattern>,
    /// Which changed files make a push one that is checked; every push where there are none.
    pub when: Vec<Pattern>,
    /// Catalog of approved bases.
    pub bases: Option<String>,
    /// The profile to judge by; else the policy's own default.
    pub profile: Option<String>,
    /// The environment that the images are for.
    pub env: Option<String>,
}

impl Hook {
    /// Reads the table; `None`, with a mistake, where it names no image.
    pub(super) fn read(
        mut table: Table<'_>,
        profiles: &BTreeMap<String, Profile>,
        environments: &BTreeMap<String, Environment>,
    ) -> Option<Self> {
        let mut patterns = |key| {
            let texts = table.strings(key)?;
            Some(texts.iter().filter_map(|text| file_pattern(&table, text)).collect::<Vec<_>>())
        };
        let (images, newer_than, when) = (patterns("images"), patterns("newer_than"), patterns("when"));
        let build = table.strings("build");
        if let Some(build) = &build
            && build.first().is_none_or(|program| program.value.is_empty())
        {
            let place = build.first().map_or(table.place, |program| program.place);
            table.mistake(place, "build names no program, as in build = [\"make\", \"image\"]");
        }
        let bases = table.string("bases").map(|path| path.value);
        let profile = table.string("profile");
        let profile = known(&table, profile, "profile", profiles.keys());
        let env = table.string("env");
        let env = known(&table, env, "environment", environments.keys());
        let images = table.required("the hook", "images", images);
        if images.as_ref().is_some_and(Vec::is_empty) {
            table.mistake(table.place, "the hook needs an image to check in images");
        }
        table.end();
        Some(Self {
            images: images?,
            build: build.into_iter().flatten().map(|word| word.value).collect(),
            newer_than: newer_than.unwrap_or_default(),
            when: when.unwrap_or_default(),
            bases,
            profile,
            env,
        })
    }

    /// As TOML.
    pub(super) fn push(&self, text: &mut String) {
        text.push_str("\n[hook]\n");
        for (key, patterns) in
            [("images", &self.images), ("newer_than", &self.newer_than), ("when", &self.when)]
        {
            if !patterns.is_empty() {
                push_list(text, key, patterns.iter().map(|pattern| pattern.text.as_str()));
            }
        }
        if !self.build.is_empty() {
            push_list(text, "build", self.build.iter().map(String::as_str));
        }
        for (key, value) in [("bases", &self.bases), ("profile", &self.profile), ("env", &self.env)] {
            if let Some(value) = value {
                let _ = writeln!(text, "{key} = {}", quoted(value));
            }
        }
    }
}

/// A name that the policy must have.
fn known<'n>(
    table: &Table<'_>,
    name: Option<At<String>>,
    what: &str,
    mut names: impl Iterator<Item = &'n String> + Clone,
) -> Option<String> {
    let name = name?;
    if !names.clone().any(|known| *known == name.value) {
        table.not_one_of(&name, what, names.by_ref().map(String::as_str));
    }
    Some(name.value)
}

#[cfg(test)]
mod tests {
    use super::super::Draft;

    const WHOLE: &str = "[hook]\nimages = [\"dist/*.tar\", \"layout\"]\nnewer_than = [\"src/**\"]\nwhen = [\"**/Dockerfile\"]\n\
        build = [\"sh\", \"-c\", \"a \\\"b\\\" $c\"]\nbases = \"../bases.json\"\nprofile = \"mine\"\nenv = \"prod\"\n\
        [profiles.mine]\nbase = \"none\"\n[environments.prod]\n";

    fn mistakes(text: &str) -> String {
        let error = Draft::read(text).expect_err(text);
        std::iter::once(error.to_string())
            .chain(error.details().iter().cloned())
            .collect::<Vec<_>>()
            .join("\n")
    }

    #[test]
    fn the_hook_reads_back_as_written() {
        let draft = Draft::read(WHOLE).unwrap();
        let hook = draft.hook().unwrap();
        assert_eq!((hook.images.len(), hook.build.len(), hook.profile.as_deref()), (2, 3, Some("mine")));
        let again = Draft::read(&draft.to_text()).unwrap();
        assert_eq!(again.to_text(), draft.to_text());
        assert_eq!(format!("{:?}", again.hook()), format!("{:?}", draft.hook()));
        assert!(Draft::read("").unwrap().hook().is_none());
        let small = Draft::read("[hook]\nimages = [\"a\"]\n").unwrap().to_text();
        assert!(small.ends_with("[hook]\nimages = [\"a\"]\n"), "{small}");
    }

    #[test]
    fn what_can_match_no_file_of_the_repository_is_a_mistake() {
        let patterns = [
            "",
            "/dist/*.tar",
            "../*.tar",
            "dist/../../x",
            "./x",
            "a//b",
            "dist/",
            "[",
            "..",
            "a/..",
            ".git",
            ".git/x.tar",
            "a/.git/*",
            "**/.GIT/x",
        ];
        for pattern in patterns {
            for key in ["images", "newer_than", "when"] {
                let text = format!("[hook]\nimages = [\"a\"]\n{key} = [\"{pattern}\"]\n");
                let text = if key == "images" { text.replacen("images = [\"a\"]\n", "", 1) } else { text };
                let told = mistakes(&text);
                assert!(told.contains("matches nothing: ") || told.contains("is no pattern"), "{told}");
            }
        }
    }

    #[test]
    fn names_that_only_begin_as_that_of_git_are_names() {
        let text = "[hook]\nimages = [\".gitlab/x.tar\", \".github/**\", \"x.git/*\", \".gitignore\"]\n";
        assert_eq!(Draft::read(text).unwrap().hook().unwrap().images.len(), 4);
    }

    #[test]
    fn mistakes_are_told_where_they_stand() {
        for (text, told) in [
            ("[hook]\nwhen = [\"a\"]\n", "1:1: the hook needs images"),
            ("[hook]\nimages = []\n", "the hook needs an image to check"),
            ("[hook]\nimages = \"a\"\n", "2:10: images is a list of strings"),
            ("[hook]\nimages = [\"a\"]\nbuild = []\n", "build names no program"),
            ("[hook]\nimages = [\"a\"]\nbuild = [\"\", \"x\"]\n", "3:10: build names no program"),
            ("[hook]\nimages = [\"a\"]\nbuild = \"make\"\n", "3:9: build is a list of strings"),
            (
                "[hook]\nimages = [\"a\"]\nprofile = \"standart\"\n",
                "3:11: there is no profile \"standart\"; did you mean standard?",
            ),
            ("[hook]\nimages = [\"a\"]\nenv = \"prod\"\n", "3:7: there is no environment \"prod\""),
            ("[hook]\nimages = [\"a\"]\nnewer-than = [\"a\"]\n", "did you mean newer_than?"),
            ("hook = 1\n", "hook is a table"),
        ] {
            let mistakes = mistakes(text);
            assert!(mistakes.contains(told), "{told}: {mistakes}");
        }
    }
}
