//! One image: what it is, what it stands on, what it is made of, what was found.

use std::fmt::Write as _;

use super::{Text, badge};
use crate::limits::FINDING_STEP_CHARACTERS;
use crate::report::build::without_middle;
use crate::report::stream::Out;
use crate::report::text::{human_size, platform, title};
use crate::report::{BaseState, FindingReport, FindingStatus, ImageReport, LayerReport, Origin, Outcome};
use crate::rules::Severity;

/// Characters of one value of a config that are shown: a command may have megabytes. JSON has all of it.
const VALUE_CHARACTERS: usize = 2_000;

/// All images in a table, the way to each.
pub(super) fn write_list(page: &mut Out<'_>, images: &[ImageReport]) {
    page.push_str(
        "<table><thead><tr><th>verdict</th><th>image</th><th>archive</th><th>fails</th></tr></thead><tbody>\n",
    );
    for (number, image) in images.iter().enumerate() {
        let fails = image.findings.iter().filter(|finding| finding.status == FindingStatus::Fail).count();
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td><a href=\"#image-{number}\">{}</a></td><td><code>{}</code></td><td>{fails}</td></tr>",
            badge(image.verdict),
            Text(&title(&image.identity)),
            Text(&image.identity.source),
        );
    }
    page.push_str("</tbody></table>\n");
}

pub(super) fn write(page: &mut Out<'_>, image: &ImageReport, number: usize) {
    let title = title(&image.identity);
    let _ =
        writeln!(page, "<section id=\"image-{number}\">\n<h2>{} {}</h2>", badge(image.verdict), Text(&title));
    write_identity(page, image);
    write_lineage(page, image);
    write_layers(page, image);
    write_findings(page, image, number);
    write_rules(page, image);
    page.push_str("</section>\n");
}

fn write_identity(page: &mut Out<'_>, image: &ImageReport) {
    let config = &image.contents.config;
    let user = config.user.as_deref().filter(|user| !user.is_empty()).unwrap_or("(unset)");
    let uid = config.effective_uid.map_or_else(|| "not known".to_owned(), |uid| uid.to_string());
    let command = [config.entrypoint.as_slice(), &config.cmd].concat().join(" ");
    page.push_str("<dl>\n");
    for (name, value) in [
        ("Archive", format!("{} ({})", image.identity.source, image.identity.form)),
        ("Names", image.identity.names.join(", ")),
        ("Platform", platform(&image.identity.platform)),
        ("Manifest", image.identity.manifest_digest.clone().unwrap_or_else(|| "none".to_owned())),
        ("In index", image.identity.index_digests.join(", ")),
        ("Config", image.identity.config_digest.clone()),
        ("Created", config.created.clone().unwrap_or_default()),
        ("User", format!("{user} (uid {uid})")),
        ("Runs", command),
        ("Ports", config.exposed_ports.join(", ")),
    ] {
        if !value.is_empty() {
            let shown = without_middle(&value, VALUE_CHARACTERS);
            let _ = writeln!(page, "<dt>{name}</dt><dd>{}</dd>", Text(&shown));
        }
    }
    page.push_str("</dl>\n");
}

/// The bases as steps, the lowest first, and the application on them.
fn write_lineage(page: &mut Out<'_>, image: &ImageReport) {
    let base = &image.contents.base;
    page.push_str("<h3>Base</h3>\n<div class=\"lineage\">\n");
    match base.status {
        BaseState::Verified => {
            for step in &base.lineage {
                let _ = writeln!(
                    page,
                    "<div class=\"step {}\">{}:{}<small>{}, {}, {} layers</small></div><span>→</span>",
                    Text(&step.state),
                    Text(&step.name),
                    Text(&step.version),
                    Text(&step.tier),
                    Text(&step.state),
                    step.layers
                );
            }
        }
        BaseState::Missing => {
            let told = base.nearest.as_ref().map_or("no layer in common with any", |near| &near.explanation);
            let _ = writeln!(
                page,
                "<div class=\"step missing\">no approved base<small>{}</small></div><span>→</span>",
                Text(told)
            );
        }
        BaseState::NotEvaluated => {
            let reason = base.reason.as_deref().unwrap_or_default();
            let _ = writeln!(
                page,
                "<div class=\"step missing\">not evaluated<small>{}</small></div><span>→</span>",
                Text(reason)
            );
        }
    }
    let above = image.contents.layers.iter().filter(|layer| layer.origin == Origin::Upper).count();
    let _ = writeln!(
        page,
        "<div class=\"step application\">application<small>{above} layers</small></div>\n</div>"
    );
}

/// A bar of all layers, each as wide as it is large.
fn write_layers(page: &mut Out<'_>, image: &ImageReport) {
    let layers = &image.contents.layers;
    let total: u64 = layers.iter().filter_map(|layer| layer.uncompressed_size).fold(0, u64::saturating_add);
    let _ = writeln!(
        page,
        "<h3>Layers: {}, {}<i class=\"key base\"></i>base<i class=\"key upper\"></i>above it</h3>\n<div class=\"layers\">",
        layers.len(),
        Text(&human_size(total)),
    );
    let steps: Vec<_> = layers.iter().map(step).collect();
    for (layer, step) in layers.iter().zip(&steps) {
        let _ = writeln!(
            page,
            "<span class=\"{}\" style=\"flex-grow:{}\" title=\"{}\"></span>",
            layer.origin.name(),
            layer.uncompressed_size.unwrap_or_default().max(1),
            Text(&format!(
                "layer {}: {}, {}",
                layer.index,
                size(layer),
                step.as_deref().unwrap_or("no build step")
            )),
        );
    }
    page.push_str("</div>\n<details><summary>All layers</summary>\n<table><thead><tr><th>layer</th><th>of</th><th>size</th><th>entries</th><th>build step and diffID</th></tr></thead><tbody>\n");
    for (layer, step) in layers.iter().zip(&steps) {
        let _ = writeln!(
            page,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code><br><code class=\"dim\">{}</code></td></tr>",
            layer.index,
            layer.origin.name(),
            Text(&size(layer)),
            layer.entries.map(|entries| entries.to_string()).unwrap_or_default(),
            Text(step.as_deref().unwrap_or_default()),
            Text(layer.diff_id.as_deref().unwrap_or("not read")),
        );
    }
    page.push_str("</tbody></table>\n</details>\n");
}

/// A layer's build step as findings tell it; JSON has all of it.
fn step(layer: &LayerReport) -> Option<String> {
    layer.created_by.as_deref().map(|step| without_middle(step, FINDING_STEP_CHARACTERS))
}

fn size(layer: &LayerReport) -> String {
    layer.uncompressed_size.map_or_else(|| "not read".to_owned(), human_size)
}

fn write_findings(page: &mut Out<'_>, image: &ImageReport, number: usize) {
    let _ = writeln!(page, "<h3>Findings: {}</h3>", image.findings.len());
    if image.findings.is_empty() {
        page.push_str("<p>None.</p>\n");
        return;
    }
    write_filter(page, image, number);
    let _ = writeln!(
        page,
        "<table id=\"findings-{number}\"><thead><tr><th>severity</th><th>rule</th><th>what and where</th><th>layer</th></tr></thead><tbody>"
    );
    for finding in &image.findings {
        write_finding(page, finding);
    }
    page.push_str("</tbody></table>\n");
}

fn status(finding: &FindingReport) -> &'static str {
    match finding.status {
        FindingStatus::Fail => "fail",
        FindingStatus::Warn => "warn",
        FindingStatus::Waived => "waived",
        FindingStatus::Known => "known",
    }
}

/// Shown by the script, which makes it work.
fn write_filter(page: &mut Out<'_>, image: &ImageReport, number: usize) {
    let _ = write!(page, "<div class=\"filter\" data-of=\"findings-{number}\">");
    let mut choices: Vec<&str> = Vec::new();
    choices.extend(
        Severity::WORST_FIRST
            .iter()
            .filter(|severity| image.findings.iter().any(|finding| finding.severity == **severity))
            .map(|severity| severity.name()),
    );
    choices.extend(
        ["fail", "warn", "waived", "known"]
            .into_iter()
            .filter(|word| image.findings.iter().any(|finding| status(finding) == *word)),
    );
    for choice in choices {
        let _ = write!(page, "<label><input type=\"checkbox\" value=\"{choice}\" checked> {choice}</label>");
    }
    page.push_str("<input type=\"search\" placeholder=\"rule, path, words\" aria-label=\"Search the findings\"><output></output></div>\n");
}

fn write_finding(page: &mut Out<'_>, finding: &FindingReport) {
    let _ = write!(
        page,
        "<tr data-severity=\"{0}\" data-status=\"{1}\"><td><span class=\"severity {0}\">{0}</span><br><span class=\"dim\">{1}</span></td><td>{2}</td><td class=\"what\">",
        finding.severity,
        status(finding),
        finding.rule,
    );
    if let Some(path) = &finding.path {
        let _ = write!(page, "<span class=\"path\">{}</span>", Text(path));
    }
    let gone = if finding.effective { "" } else { " (not in the image's final tree)" };
    let _ = write!(
        page,
        "<p>{}{gone}</p><p class=\"remedy\">{}</p>",
        Text(&finding.message),
        Text(&finding.remediation)
    );
    if let Some(by) = finding.accepted_by() {
        let _ = write!(page, "<p class=\"dim\">Accepted: {}</p>", Text(&by));
    }
    write_evidence(page, finding);
    let layer = finding.layer.as_ref();
    let step = layer.and_then(|layer| layer.created_by.as_deref()).unwrap_or_default();
    let index = layer.map(|layer| layer.index.to_string()).unwrap_or_default();
    let _ = writeln!(page, "</td><td>{index}<br><code class=\"dim\">{}</code></td></tr>", Text(step));
}

fn write_evidence(page: &mut Out<'_>, finding: &FindingReport) {
    page.push_str("<details><summary class=\"dim\">evidence</summary><dl>");
    for (name, value) in finding.evidence.iter() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let _ = write!(page, "<dt>{}</dt><dd>{}</dd>", Text(name), Text(&value));
    }
    // Those that accept it stand above.
    for statement in finding.vex.iter().filter(|_| !finding.is_accepted_by_vex()) {
        let _ = write!(page, "<dt>VEX</dt><dd>{}</dd>", Text(&statement.in_words()));
    }
    if let Some(content) = &finding.content_sha256 {
        let _ = write!(page, "<dt>content</dt><dd>sha256:{}</dd>", Text(content));
    }
    let _ = write!(page, "<dt>fingerprint</dt><dd>{}</dd>", Text(&finding.fingerprint));
    for reference in finding.references.iter() {
        let _ = write!(page, "<dt>see</dt><dd>{}</dd>", Text(reference));
    }
    page.push_str("</dl></details>");
}

/// How the rules ended; those that were not evaluated with their reason, for they are no pass.
fn write_rules(page: &mut Out<'_>, image: &ImageReport) {
    let by_reason = image.not_evaluated();
    if !by_reason.is_empty() {
        page.push_str("<h3>Not evaluated, so not passed</h3>\n<ul>\n");
        for (reason, rules) in by_reason {
            let _ = writeln!(page, "<li>{}: {}</li>", rules.join(", "), Text(reason));
        }
        page.push_str("</ul>\n");
    }
    let passed: Vec<&str> =
        image.rules.iter().filter(|rule| rule.outcome == Outcome::Pass).map(|rule| rule.rule).collect();
    let _ = writeln!(
        page,
        "<details><summary>Rules passed: {}</summary><p>{}</p></details>",
        passed.len(),
        passed.join(", ")
    );
}
