//! The image config (image-spec config.md), read liberally where real configs are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::platform::Platform;
use crate::error::{Error, Result};

/// One reading of an image config.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Config {
    /// What the image is for.
    pub platform: Platform,
    /// When the image was made, as written.
    pub created: Option<String>,
    /// `USER`, as written; `None` where unset or null.
    pub user: Option<String>,
    /// `ENV`: `NAME=value`.
    pub env: Vec<String>,
    /// `ENTRYPOINT`.
    pub entrypoint: Vec<String>,
    /// `CMD`.
    pub cmd: Vec<String>,
    /// `WORKDIR`.
    pub working_dir: String,
    /// `EXPOSE`, sorted: `80/tcp`.
    pub exposed_ports: Vec<String>,
    /// `VOLUME`, sorted.
    pub volumes: Vec<String>,
    /// `LABEL`.
    pub labels: BTreeMap<String, String>,
    /// `STOPSIGNAL`.
    pub stop_signal: Option<String>,
    /// `HEALTHCHECK`: its test, `["CMD", …]`, `["CMD-SHELL", …]` or `["NONE"]`; empty where there is none.
    /// Docker's own, not the image specification's.
    pub health_check: Vec<String>,
    /// `rootfs.diff_ids` as written, lowest layer first; `None` where the config has none at all
    /// (docker's v1 images).
    pub diff_ids: Option<Vec<String>>,
    /// Build steps, oldest first.
    pub history: Vec<History>,
    /// The whole document: oci-spec and most others drop `OnBuild` and `Shell`.
    pub raw: Value,
}

/// A build step.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// When, as written.
    pub created: Option<String>,
    /// The command, as written.
    pub created_by: String,
    /// The comment, as written.
    pub comment: String,
    /// It made no layer.
    pub empty_layer: bool,
}

impl Config {
    /// Reads one reading of the document.
    ///
    /// # Errors
    /// A field of another type than the spec says: the runtimes would refuse it too.
    pub fn from_value(raw: Value) -> Result<Self> {
        let top = Fields::of(&raw, "config")?;
        let run = top.object("config")?;
        let rootfs = top.object("rootfs")?;
        let history = top.list("history")?;
        Ok(Self {
            platform: Platform {
                os: top.text("os")?.unwrap_or_default(),
                architecture: top.text("architecture")?.unwrap_or_default(),
                variant: top.text("variant")?.unwrap_or_default(),
            },
            created: top.text("created")?,
            user: run.text("User")?,
            env: run.texts("Env")?.unwrap_or_default(),
            entrypoint: run.command("Entrypoint")?,
            cmd: run.command("Cmd")?,
            working_dir: run.text("WorkingDir")?.unwrap_or_default(),
            exposed_ports: run.keys("ExposedPorts")?,
            volumes: run.keys("Volumes")?,
            labels: run.map("Labels")?,
            stop_signal: run.text("StopSignal")?,
            health_check: run.object("Healthcheck")?.texts("Test")?.unwrap_or_default(),
            diff_ids: rootfs.texts("diff_ids")?,
            history: history.iter().map(History::from_value).collect::<Result<_>>()?,
            raw,
        })
    }
}

impl History {
    fn from_value(value: &Value) -> Result<Self> {
        let fields = Fields::of(value, "history")?;
        Ok(Self {
            created: fields.text("created")?,
            created_by: fields.text("created_by")?.unwrap_or_default(),
            comment: fields.text("comment")?.unwrap_or_default(),
            empty_layer: fields.flag("empty_layer")?,
        })
    }

    /// The build step as people wrote it, on one line: without the shell that docker puts before it.
    pub fn step(&self) -> String {
        let command = self.created_by.trim();
        let command = command.strip_prefix("/bin/sh -c ").unwrap_or(command).trim_start();
        let command = match command.strip_prefix("#(nop)") {
            Some(instruction) => instruction.trim().to_owned(),
            None if command.len() != self.created_by.trim().len() => format!("RUN {command}"),
            None => command.to_owned(),
        };
        let command = command.trim_end_matches("# buildkit").trim_end();
        without_build_arguments(command).replacen("RUN /bin/sh -c ", "RUN ", 1)
    }
}

/// Builders put the values of build arguments before the command: `|1 TOKEN=… /bin/sh -c make`. They
/// are nobody's business, and often secrets.
fn without_build_arguments(command: &str) -> String {
    let rest = command.strip_prefix("RUN ").unwrap_or(command);
    let counted =
        rest.strip_prefix('|').map(|rest| rest.trim_start_matches(|char: char| char.is_ascii_digit()));
    match counted {
        Some(rest) if rest.starts_with(' ') => match rest.split_once(" /bin/sh -c ") {
            Some((_, command)) => format!("RUN {command}"),
            None => "RUN (build arguments and command not shown)".to_owned(),
        },
        _ => command.to_owned(),
    }
}

/// The fields of a JSON object; a missing or null one is as good as none.
pub(super) struct Fields<'a> {
    value: Option<&'a serde_json::Map<String, Value>>,
    place: &'a str,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value, place: &'a str) -> Result<Self> {
        match value {
            Value::Object(map) => Ok(Self { value: Some(map), place }),
            Value::Null => Ok(Self { value: None, place }),
            other => Err(Error::invalid(format!("{place} is {}, not an object", type_name(other)))),
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Value> {
        self.value?.get(name).filter(|value| !value.is_null())
    }

    fn wrong<T>(&self, name: &str, value: &Value, wanted: &str) -> Result<T> {
        Err(Error::invalid(format!("{}.{name} is {}, not {wanted}", self.place, type_name(value))))
    }

    pub(super) fn object(&self, name: &'a str) -> Result<Fields<'a>> {
        self.get(name).map_or(Ok(Fields { value: None, place: name }), |value| Fields::of(value, name))
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(other) => self.wrong(name, other, "a string"),
        }
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(other) => self.wrong(name, other, "true or false"),
        }
    }

    pub(super) fn list(&self, name: &str) -> Result<&'a [Value]> {
        match self.get(name) {
            None => Ok(&[]),
            Some(Value::Array(items)) => Ok(items),
            Some(other) => self.wrong(name, other, "a list"),
        }
    }

    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>> {
        if self.get(name).is_none() {
            return Ok(None);
        }
        let text = |item: &Value| match item {
            Value::String(text) => Ok(text.clone()),
            Value::Null => Ok(String::new()),
            other => self.wrong(name, other, "a list of strings"),
        };
        self.list(name)?.iter().map(text).collect::<Result<_>>().map(Some)
    }

    /// Entrypoint and Cmd: docker takes one string for a list of one.
    fn command(&self, name: &str) -> Result<Vec<String>> {
        match self.get(name) {
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            _ => Ok(self.texts(name)?.unwrap_or_default()),
        }
    }

    fn keys(&self, name: &str) -> Result<Vec<String>> {
        let mut keys: Vec<String> = match self.get(name) {
            None => Vec::new(),
            Some(Value::Object(map)) => map.keys().cloned().collect(),
            Some(other) => return self.wrong(name, other, "an object"),
        };
        keys.sort();
        Ok(keys)
    }

    pub(super) fn map(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let Some(value) = self.get(name) else { return Ok(BTreeMap::new()) };
        let Value::Object(map) = value else { return self.wrong(name, value, "an object") };
        let text = |(key, value): (&String, &Value)| match value {
            Value::String(text) => Ok((key.clone(), text.clone())),
            Value::Null => Ok((key.clone(), String::new())),
            other => self.wrong(name, other, "an object of strings"),
        };
        map.iter().map(text).collect()
    }
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_config_is_read_liberally() {
        let config = Config::from_value(json!({
            "architecture": "amd64", "os": null,
            "config": {"User": null, "Env": null, "Cmd": "sh", "ExposedPorts": {"80/tcp": {}}},
            "rootfs": {"type": "layers", "diff_ids": null},
            "history": [{"created_by": "x", "empty_layer": true}, null],
        }))
        .unwrap();
        assert_eq!((config.user, config.diff_ids), (None, None));
        assert_eq!(config.cmd, ["sh"]);
        assert_eq!(config.exposed_ports, ["80/tcp"]);
        assert_eq!(config.history.len(), 2);
    }

    #[test]
    fn a_field_of_the_wrong_type_is_told() {
        let error = Config::from_value(json!({"config": {"User": 0}})).unwrap_err();
        assert_eq!(error.to_string(), "config.User is a number, not a string");
        assert!(Config::from_value(json!([])).is_err());
    }

    #[test]
    fn a_health_check_is_its_test() {
        let test = |value| {
            Config::from_value(json!({"config": {"Healthcheck": value}})).map(|config| config.health_check)
        };
        assert_eq!(test(json!({"Test": ["CMD", "/up"], "Interval": 5})).unwrap(), ["CMD", "/up"]);
        for none in [json!(null), json!({}), json!({"Test": null})] {
            assert_eq!(test(none).unwrap(), Vec::<String>::new());
        }
        assert!(test(json!("/up")).is_err());
    }

    #[test]
    fn a_build_step_is_shown_as_it_was_written() {
        for (created_by, step) in [
            ("/bin/sh -c #(nop)  USER app", "USER app"),
            ("/bin/sh -c apt-get update", "RUN apt-get update"),
            ("RUN /bin/sh -c chmod u+s /x # buildkit", "RUN chmod u+s /x"),
            ("COPY a b # buildkit", "COPY a b"),
            ("|1 NPM_TOKEN=hunter2 /bin/sh -c npm ci", "RUN npm ci"),
            ("RUN |2 A=b C=hunter2 /bin/sh -c make # buildkit", "RUN make"),
            ("RUN |1 A=hunter2 /bin/bash -c make", "RUN (build arguments and command not shown)"),
        ] {
            assert_eq!(History { created_by: created_by.into(), ..History::default() }.step(), step);
        }
    }
}
