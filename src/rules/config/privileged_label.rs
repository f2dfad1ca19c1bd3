//! `privileged-label`: see the page beside this file.

use serde_json::Value;

use super::run_options::{capabilities, host_program, is_open, mount, of_command, source};
use crate::error::Result;
use crate::facts::Facts;
use crate::model::escape::escape_text;
use crate::model::json::{self, Shape};
use crate::rules::findings::Findings;
use crate::rules::quote;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;
use crate::scan::secrets::mask_assignment;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "privileged-label",
    severity: Severity::Medium,
    page: include_str!("privileged-label.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let labels = facts.image.configs.iter().flat_map(|config| &config.labels);
    let mut incomplete = None;
    for (name, value) in labels {
        let asked = asks_for(name, value).map(|asked| asked.map(|asked| as_shown(name, value, asked)));
        let name = quote::setting(name);
        match asked {
            Ok(Some(asked)) => {
                let message = format!("the label {name} asks for {asked}");
                let remedy =
                    "take the label away (LABEL NAME=\"\"); whoever runs the image decides what it may do";
                findings
                    .add(Finding::new(message, remedy).evidence("label", name).evidence("asks", asked))?;
            }
            Ok(None) => {}
            Err(error) => incomplete = incomplete.or(Some(format!("the label {name}: {error}"))),
        }
    }
    let annotations = facts.image.annotations.iter().flat_map(|annotations| annotations.keys());
    for (name, asked) in annotations.filter_map(|name| Some((name, of_runtime(name)?))) {
        let name = quote::setting(name);
        let message = format!("the annotation {name} asks for {asked}");
        let remedy = "take the annotation away; whoever runs the image decides what it may do";
        findings.add(Finding::new(message, remedy).evidence("annotation", name).evidence("asks", asked))?;
    }
    Ok(Judgement::of(findings).incomplete(incomplete))
}

/// What an annotation asks the runtime for: podman hands an image's own to crun (crun(1), "annotations").
fn of_runtime(name: &str) -> Option<&'static str> {
    /// What fences more, or shows what is run.
    const HARMLESS: [&str; 3] = ["handler", "seccomp_fail_unknown_syscall", "timens_offset"];
    if name.starts_with("org.systemd.property.") {
        return Some("a property of its own for the container's unit");
    }
    if name == "org.criu.config" {
        return Some("a configuration of CRIU on the host");
    }
    match name.strip_prefix("run.oci.")? {
        "seccomp_bpf_data" => Some("a seccomp filter of its own in the place of the runtime's"),
        "seccomp.plugins" => Some("a library that the runtime loads"),
        option if option.starts_with("hooks.") => Some("a file on the host to be written"),
        option if HARMLESS.contains(&option) => None,
        _ => Some("an option of the runtime"),
    }
}

/// What a label asks for, as it may be shown: by the words that are left where its secrets are masked.
fn as_shown(name: &str, value: &str, asked: String) -> String {
    let shown = mask_assignment(name, value);
    if shown == value {
        return asked;
    }
    let asked = asks_for(name, &shown).ok().flatten();
    asked.unwrap_or_else(|| "privilege in words that hold a secret, and are not shown".to_owned())
}

/// What a label asks for that would take a fence down.
fn asks_for(name: &str, value: &str) -> Result<Option<String>> {
    Ok(match name {
        "io.containers.capabilities" => capabilities(value.split(',')),
        "devcontainer.metadata" => readings(value, &Shape::Any)?.iter().find_map(dev_container),
        "io.containers.seccomp.profile" => readings(value, &SECCOMP)?.iter().find_map(seccomp),
        // `podman container runlabel NAME IMAGE` runs the text of any label, whatever the case of its name.
        _ => of_command(value).or_else(|| is_command(name).then(|| host_program(value)).flatten()),
    })
}

/// A label's JSON in the ways that its readers read it; none where it is no JSON at all.
fn readings(value: &str, shape: &Shape) -> Result<Vec<Value>> {
    if !value.trim_start().starts_with(['{', '[']) {
        return Ok(Vec::new());
    }
    json::parse(value.as_bytes(), shape).map(|document| document.readings)
}

/// Labels that are there to be run.
fn is_command(name: &str) -> bool {
    ["run", "install", "uninstall"].contains(&name.to_ascii_lowercase().as_str())
}

/// What podman, which is written in Go, decodes a profile into; the rest of it is not asked.
const SECCOMP: Shape = Shape::Struct(&[("defaultAction", Shape::Any)]);

/// A profile that lets pass what it does not name; `SCMP_ACT_LOG` only writes it down.
fn seccomp(profile: &Value) -> Option<String> {
    let action = profile.get("defaultAction")?.as_str()?;
    ["SCMP_ACT_ALLOW", "SCMP_ACT_LOG"]
        .contains(&action)
        .then(|| "a seccomp profile that allows what it does not name".to_owned())
}

/// The label is one object of devcontainer.json, or a list of them.
fn dev_container(metadata: &Value) -> Option<String> {
    list(Some(metadata)).iter().find_map(|part| {
        if part.get("privileged").is_some_and(is_truthy) {
            return Some("a privileged container".to_owned());
        }
        let texts = |name| list(part.get(name)).iter().filter_map(Value::as_str);
        if let Some(open) = texts("securityOpt").find(|option| is_open(option)) {
            return Some(format!("a container with {}", escape_text(open)));
        }
        capabilities(texts("capAdd")).or_else(|| {
            // Each is text as of `--mount`, or an object with the same fields.
            list(part.get("mounts")).iter().find_map(|value| match value.as_str() {
                Some(text) => mount(&substituted(text)),
                None => source(&substituted(value.get("source").or_else(|| value.get("src"))?.as_str()?)),
            })
        })
    })
}

/// Variables as the tools put their values in (`${localEnv:NAME:default}`): few are set everywhere.
fn substituted(text: &str) -> String {
    let mut substituted = String::new();
    let mut rest = text;
    while let Some((before, (name, after))) =
        rest.split_once("${").and_then(|(before, behind)| Some((before, behind.split_once('}')?)))
    {
        substituted.push_str(before);
        match name.split_once(':') {
            Some((_, "HOME" | "USERPROFILE")) | None => substituted.push_str("/home/user"),
            Some((_, name)) => substituted.push_str(name.split_once(':').map_or("", |(_, default)| default)),
        }
        rest = after;
    }
    substituted + rest
}

/// A list, or what JavaScript's `concat` and `flat` take for a list of one.
fn list(value: Option<&Value>) -> &[Value] {
    match value {
        Some(Value::Array(items)) => items,
        Some(single) => std::slice::from_ref(single),
        None => &[],
    }
}

/// Whether JavaScript, which the tools are written in, takes a value for true.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn annotations_that_runtimes_obey_are_found() {
        for name in [
            "run.oci.seccomp_bpf_data",
            "run.oci.seccomp.plugins",
            "run.oci.hooks.stdout",
            "run.oci.keep_original_groups",
            "org.systemd.property.DevicePolicy",
            "org.criu.config",
        ] {
            assert!(of_runtime(name).is_some(), "{name}");
        }
        for name in [
            "run.oci.handler",
            "run.oci.seccomp_fail_unknown_syscall",
            "org.opencontainers.image.created",
            "org.criu.configs",
            "",
        ] {
            assert_eq!(of_runtime(name), None, "{name}");
        }
    }

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
            ("devcontainer.metadata", r#"{"mounts": ["source=${localEnv:NONE}/,target=/s,type=bind"]}"#),
            ("devcontainer.metadata", r#"{"mounts": ["Source=${localEnv:NONE:/},target=/s,type=bind"]}"#),
            ("devcontainer.metadata", r#"{"mounts": [{"source": "/${localEnv:NONE}", "target": "/s"}]}"#),
            (
                "devcontainer.metadata",
                r#"{"mounts": [{"source": "/var/run/docker.sock", "target": "/s", "type": "bind"}]}"#,
            ),
            // JavaScript takes these for true.
            ("devcontainer.metadata", r#"[{"privileged": "true"}]"#),
            ("devcontainer.metadata", r#"[{"privileged": "false"}]"#),
            ("devcontainer.metadata", r#"[{"privileged": 1}]"#),
            ("devcontainer.metadata", r#"[{"privileged": []}]"#),
            // And these for a list of one.
            ("devcontainer.metadata", r#"{"capAdd": "SYS_PTRACE"}"#),
            ("devcontainer.metadata", r#"{"mounts": "source=/etc/..,target=/host,type=bind"}"#),
            ("devcontainer.metadata", r#"{"mounts": [{"source": "/./", "target": "/x"}]}"#),
            // The last of two keys is JavaScript's, the first somebody else's.
            ("devcontainer.metadata", r#"[{"privileged": false, "privileged": true}]"#),
            ("devcontainer.metadata", r#"[{"privileged": true, "privileged": false}]"#),
            // Go folds the case of keys, and the last wins.
            (
                "io.containers.seccomp.profile",
                r#"{"defaultAction": "SCMP_ACT_ERRNO", "DefaultAction": "SCMP_ACT_ALLOW"}"#,
            ),
            ("io.containers.seccomp.profile", r#"{"DEFAULTACTION": "SCMP_ACT_ALLOW"}"#),
        ] {
            assert!(asks_for(name, value).unwrap().is_some(), "{name}={value}");
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
            ("io.containers.seccomp.profile", r#"{"DefaultAction": "SCMP_ACT_ERRNO"}"#),
            ("io.containers.seccomp.profile", ""),
            ("devcontainer.metadata", r#"[{"privileged": null}, {"privileged": 0}, {"privileged": ""}]"#),
            ("devcontainer.metadata", r#"[{"Privileged": true}]"#),
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
            assert_eq!(asks_for(name, value).unwrap(), None, "{name}={value}");
        }
    }

    #[test]
    fn what_is_asked_for_is_told_without_secrets() {
        for (name, value, shown) in [
            ("RUN", "docker run --privileged IMAGE", "--privileged"),
            ("RUN", "docker run -e TOKEN=hunter2x --device /dev/sda IMAGE", "--device /dev/sda"),
            ("RUN", "DB_PASSWORD=hunter2x docker run IMAGE", "the program DB_PASSWORD=*** on the host"),
            (
                "the_password",
                "docker run --device hunter2x IMAGE",
                "privilege in words that hold a secret, and are not shown",
            ),
        ] {
            let asked = asks_for(name, value).unwrap().unwrap();
            assert_eq!(as_shown(name, value, asked), shown, "{name}={value}");
        }
    }

    #[test]
    fn json_that_cannot_be_read_asks_perhaps() {
        // Go reads what is deeper than this.
        let deep =
            format!(r#"{{"defaultAction": "SCMP_ACT_ALLOW", "x": {}1{}}}"#, "[".repeat(200), "]".repeat(200));
        for value in [&*deep, "{\"defaultAction\": "] {
            assert!(asks_for("io.containers.seccomp.profile", value).is_err(), "{value}");
        }
    }
}
