//! `port-privileged`: see the page beside this file.

use crate::facts::Facts;
use crate::rules::findings::Findings;
use crate::rules::quote;
use crate::rules::rule::{Finding, Judged, Judgement, Needs, Rule, no_plan};
use crate::rules::severity::Severity;

pub(in crate::rules) static RULE: Rule = Rule {
    id: "port-privileged",
    severity: Severity::Low,
    page: include_str!("port-privileged.md"),
    needs: Needs::Image,
    plan: no_plan,
    judge: |facts, _, findings| judge(facts, findings),
};

/// Ports below this one need a capability to be listened on (`ip_unprivileged_port_start` of Linux).
const UNPRIVILEGED: u16 = 1024;

fn judge(facts: &Facts, mut findings: Findings<'_>) -> Judged {
    let ports = facts.image.configs.iter().flat_map(|config| &config.exposed_ports);
    let privileged = ports.filter(|port| lowest(port).is_some_and(|port| (1..UNPRIVILEGED).contains(&port)));
    findings.extend(privileged.map(|port| {
        let port = quote::setting(port);
        let remedy = "listen on a port from 1024 on, and publish it as the other";
        Finding::new(format!("EXPOSE {port} is a privileged port"), remedy).evidence("port", port)
    }))?;
    Ok(Judgement::of(findings))
}

/// The first port of `80`, `80/tcp` or `8000-9000/udp`.
fn lowest(port: &str) -> Option<u16> {
    let numbers = port.split('/').next()?;
    numbers.split('-').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_in_all_their_forms() {
        for (port, number) in [
            ("80/tcp", Some(80)),
            ("8080", Some(8080)),
            ("8000-9000/udp", Some(8000)),
            ("", None),
            ("http/tcp", None),
            ("99999/tcp", None),
        ] {
            assert_eq!(lowest(port), number, "{port}");
        }
    }
}
