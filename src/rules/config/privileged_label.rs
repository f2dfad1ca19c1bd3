//! `privileged-label`: see the page beside this file.

use serde_json::Value;

use super::run_options::{capabilities, host_program, is_open, mount, of_command, source};
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::rules::rule::{Finding, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::mask_text;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "privileged-label",
    severity: Severity::Medium,
    page: include_str!("privileged-label.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _| judge(facts),
};

fn judge(facts: &Facts) -> Judgement {
    let labels = facts.image.configs.iter().flat_map(|config| &config.labels);
    let findings = labels.filter_map(|(name, value)| {
        let asked = asks_for(name, value)?;
        let name = escape_text(&mask_text(name));
        let message = format!("the label {name} asks for {asked}");
        let remedy = "take the label away (LABEL NAME=\"\"); whoever runs the image decides what it may do";
        Some(Finding::new(message, remedy).evidence("label", name).evidence("asks", asked))
    });
    Judgement::of_unique(findings.collect())
}

/// What a label asks for that would take a fence down.
fn asks_for(name: &str, value: &str) -> Option<String> {
    match name {
        "io.containers.capabilities" => capabilities(value.split(',')),
        "devcontainer.metadata" => dev_container(value),
        "io.containers.seccomp.profile" => seccomp(value),
        // `podman container runlabel NAME IMAGE` runs the text of any label, whatever the case of its name.
        _ => of_command(value).or_else(|| is_command(name).then(|| host_program(value)).flatten()),
    }
}

/// Labels that are there to be run.
fn is_command(name: &str) -> bool {
    ["run", "install", "uninstall"].contains(&name.to_ascii_lowercase().as_str())
}

/// A profile that lets pass what it does not name; `SCMP_ACT_LOG` only writes it down.
fn seccomp(profile: &str) -> Option<String> {
    let profile: Value = serde_json::from_str(profile).ok()?;
    let action = profile.get("defaultAction")?.as_str()?;
    ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]
        .contains(&action)
        .then(|| "a seccomp profile that allows what it does not name".to_owned())
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
        let list = |name| part.get(name).and_then(Value::as_array).into_iter().flatten();
        if let Some(open) = list("securityOpt").filter_map(Value::as_str).find(|option| is_open(option)) {
            return Some(format!("a container with {}", escape_text(open)));
        }
        capabilities(list("capAdd").filter_map(Value::as_str)).or_else(|| {
            // Each is text as of `--mount`, or an object with the same fields.
            list("mounts").find_map(|value| match value.as_str() {
                Some(text) => mount(text),
                None => source(value.get("source").or_else(|| value.get("src"))?.as_str()?),
            })
        })
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
            ("Uninstall", "rm -rf /etc/x"),
            // Any label can be run, and says how to.
            ("usage", "docker run --privileged IMAGE"),
            ("io.containers.capabilities", "net_bind_service, CAP_NET_ADMIN"),
            ("io.containers.capabilities", "ALL"),
            ("io.containers.seccomp.profile", r#"{"defaultAction": "SCMP_ACT_ALLOW"}"#),
            ("io.containers.seccomp.profile", r#"{"defaultAction": "SCMP_ACT_LOG"}"#),
            ("devcontainer.metadata", r#"[{"id": "x"}, {"privileged": true}]"#),
            ("devcontainer.metadata", r#"{"capAdd": ["SYS_PTRACE"]}"#),
            ("devcontainer.metadata", r#"{"securityOpt": ["seccomp=unconfined"]}"#),
            ("devcontainer.metadata", r#"{"securityOpt": ["label:disable"]}"#),
            ("devcontainer.metadata", r#"{"mounts": ["source=/var/run/docker.sock,target=/s,type=bind"]}"#),
            (
                "devcontainer.metadata",
                r#"{"mounts": [{"source": "/var/run/docker.sock", "target": "/s", "type": "bind"}]}"#,
            ),
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
            ("update", "2026-01-01"),
            ("io.containers.capabilities", "setuid,setgid"),
            ("io.containers.capabilities", ""),
            ("io.containers.seccomp.profile", r#"{"defaultAction": "SCMP_ACT_ERRNO"}"#),
            ("io.containers.seccomp.profile", r#"{"defaultAction": 1}"#),
            ("devcontainer.metadata", r#"[{"privileged": false, "capAdd": ["NET_RAW"]}]"#),
            (
                "devcontainer.metadata",
                r#"{"mounts": [{"source": "vol", "target": "/x", "type": "volume"}, 1]}"#,
            ),
            // Only devcontainer.json itself may have it.
            ("devcontainer.metadata", r#"{"runArgs": ["--privileged"]}"#),
            ("devcontainer.metadata", "no JSON"),
            ("com.docker.compose.project", "x"),
        ] {
            assert_eq!(asks_for(name, value), None, "{name}={value}");
        }
    }
}
