//! `privileged-label`: see the page beside this file.

use serde_json::Value;

use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "privileged-label",
    severity: Severity::Medium,
    page: include_str!("privileged-label.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _| judge(facts),
};

/// What Docker or podman give every container; to ask for it is to ask for nothing.
const DEFAULT_CAPABILITIES: [&str; 14] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "NET_RAW",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Options of `docker run` and `podman run` that take a container's fences down, with the values (all,
/// where there are none) that do.
const OPTIONS: [(&str, &[&str]); 9] = [
    ("--privileged", &[]),
    ("--cap-add", &[]),
    ("--device", &[]),
    ("--security-opt", &["seccomp=unconfined", "apparmor=unconfined", "label=disable", "label:disable"]),
    ("--pid", &["host"]),
    ("--ipc", &["host"]),
    ("--net", &["host"]),
    ("--network", &["host"]),
    ("--userns", &["host"]),
];

fn judge(facts: &Facts) -> Judgement {
    let labels = facts.image.configs.iter().flat_map(|config| &config.labels);
    let findings = labels.filter_map(|(name, value)| {
        let asked = asks_for(name, value)?;
        let message = format!("the label {} asks for {asked}", escape_text(name));
        let remedy = "take the label away (LABEL NAME=\"\"); whoever runs the image decides what it may do";
        Some(Finding::new(message, remedy).evidence("label", escape_text(name)).evidence("asks", asked))
    });
    Judgement::of_unique(findings.collect())
}

/// What a label asks for that would take a fence down.
fn asks_for(name: &str, value: &str) -> Option<String> {
    match name {
        "io.containers.capabilities" => capabilities(value.split(',')),
        "devcontainer.metadata" => dev_container(value),
        "io.containers.seccomp.profile" => {
            let profile: Value = serde_json::from_str(value).ok()?;
            (profile.get("defaultAction")? == "SCMP_ACT_ALLOW")
                .then(|| "a seccomp profile that allows all".into())
        }
        _ if is_command(name) => options(value),
        _ => None,
    }
}

/// `podman container runlabel NAME IMAGE` runs the label's text, whatever its name; these are the usual.
fn is_command(name: &str) -> bool {
    ["run", "install", "uninstall", "update", "upgrade", "debug"]
        .contains(&name.to_ascii_lowercase().as_str())
}

fn options(command: &str) -> Option<String> {
    let words: Vec<&str> = command.split_ascii_whitespace().collect();
    let asked = words.iter().enumerate().find_map(|(at, word)| {
        let (option, value) = word.split_once('=').map_or((*word, None), |(o, v)| (o, Some(v)));
        let (_, values) = OPTIONS.iter().find(|(known, _)| *known == option)?;
        let value = value.or_else(|| words.get(at + 1).copied()).unwrap_or_default();
        match (option, values.is_empty()) {
            ("--privileged", _) => (value != "false").then(|| option.to_owned()),
            (_, true) => Some(format!("{option} {value}")),
            (_, false) => values.contains(&value).then(|| format!("{option} {value}")),
        }
    });
    asked.map(|asked| escape_text(&asked)).or_else(|| {
        let is_root_mount = |word: &&str| word.strip_prefix("-v").unwrap_or(word).starts_with("/:");
        words.iter().any(is_root_mount).then(|| "the host's root directory".to_owned())
    })
}

fn capabilities<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names = names.map(|name| {
        let name = name.trim().to_ascii_uppercase();
        name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
    });
    let beyond: Vec<String> = names
        .filter(|name| !name.is_empty() && !DEFAULT_CAPABILITIES.contains(&name.as_str()))
        .map(|name| escape_text(&name))
        .collect();
    (!beyond.is_empty()).then(|| format!("capabilities beyond the usual: {}", beyond.join(", ")))
}

/// The label is one object of devcontainer.json, or a list of them.
fn dev_container(value: &str) -> Option<String> {
    let metadata: Value = serde_json::from_str(value).ok()?;
    let parts = match &metadata {
        Value::Array(parts) => parts.as_slice(),
        single => std::slice::from_ref(single),
    };
    parts.iter().find_map(|part| {
        if part.get("privileged") == Some(&Value::Bool(true)) {
            return Some("a privileged container".to_owned());
        }
        let texts =
            |name| part.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        if texts("securityOpt").any(|text| text.ends_with("=unconfined")) {
            return Some("a container without seccomp or AppArmor".to_owned());
        }
        capabilities(texts("capAdd"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_ask_for_privilege_are_found() {
        for (name, value) in [
            ("RUN", "docker run -it --privileged -v /:/host IMAGE"),
            ("install", "podman run --rm --privileged=true IMAGE"),
            ("RUN", "docker run --cap-add SYS_ADMIN IMAGE"),
            ("RUN", "docker run --net=host IMAGE"),
            ("RUN", "docker run --security-opt seccomp=unconfined IMAGE"),
            ("UNINSTALL", "docker run -v /:/host IMAGE"),
            ("io.containers.capabilities", "net_bind_service, CAP_NET_ADMIN"),
            ("io.containers.capabilities", "ALL"),
            ("io.containers.seccomp.profile", r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#),
            ("devcontainer.metadata", r#"[{"id": "x"}, {"privileged": true}]"#),
            ("devcontainer.metadata", r#"{"capAdd": ["SYS_PTRACE"]}"#),
        ] {
            assert!(asks_for(name, value).is_some(), "{name}={value}");
        }
    }

    #[test]
    fn labels_that_ask_for_nothing_are_none() {
        for (name, value) in [
            ("RUN", "docker run -it --rm --network bridge -v /srv:/srv IMAGE"),
            ("RUN", "podman run --privileged=false IMAGE"),
            ("RUN", ""),
            ("description", "do not run it with --privileged"),
            ("io.containers.capabilities", "setuid,setgid"),
            ("io.containers.capabilities", ""),
            ("io.containers.seccomp.profile", r#"{"defaultAction": "SCMP_ACT_ERRNO"}"#),
            ("devcontainer.metadata", r#"[{"privileged": false, "capAdd": ["NET_RAW"]}]"#),
            ("devcontainer.metadata", "no JSON"),
            ("com.docker.compose.project", "x"),
        ] {
            assert_eq!(asks_for(name, value), None, "{name}={value}");
        }
    }
}
