//! `lapwing policy check`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use lapwing_common::event::Origin;
use lapwing_common::rules::Feed;
use lapwing_common::rules::policy::{Loaded, Severity};
use lapwing_proto::control::v1::BackendFilters;
use serde_json::{Map, Value, json};

use super::eval::indented;
use super::filters;
use super::{Outcome, Policies, PolicyError};
use crate::cli::{CheckArgs, Feeder, ReportFormat};
use crate::client::rules::{has_errors, in_short, problems, to_json};
use crate::client::{self, Client};
use crate::config::Surroundings;

/// Reads, compiles and tells.
pub(crate) fn check(path: &Path, args: &CheckArgs, surroundings: &Surroundings) -> Result<Outcome, PolicyError> {
    let policies = Policies::read(path)?;
    let feed = match args.backend {
        None => Feed::Lapwing,
        Some(backend) => Feed::Backend(origin(backend)),
    };
    let loaded = policies.load(feed, None);
    let text = match format(args, surroundings) {
        ReportFormat::Pretty => pretty(&policies, &loaded),
        ReportFormat::Json => json(&policies, &loaded),
    };
    Ok(Outcome { text, status: u8::from(loaded.has_errors()) })
}

/// Tells of the rules that an agent works by.
pub(crate) fn check_loaded(
    client: &mut Client,
    args: &CheckArgs,
    surroundings: &Surroundings,
) -> anyhow::Result<Outcome> {
    let Some(rules) = client.status()?.rules else {
        anyhow::bail!("this agent has no policies: give it some by --policies");
    };
    let wanted = args.backend.map(|backend| origin(backend).name());
    let found = client.filters()?.into_iter().find(|one| wanted.is_none_or(|wanted| one.backend == wanted));
    let Some(BackendFilters { backend, report }) = found else {
        anyhow::bail!("the agent has no rules for the backend {}", wanted.unwrap_or_default());
    };
    let mut report: Map<String, Value> = serde_json::from_str(&report)
        .context("the agent's report is not of this version: start it anew after an update")?;
    let text = match format(args, surroundings) {
        ReportFormat::Pretty => {
            format!("{}{}{}\n", problems(&rules), filters::in_words(&report), in_short(&rules))
        }
        ReportFormat::Json => {
            let mut shown = to_json(&rules, client::time(rules.since).into());
            report.insert("backend".to_owned(), json!(backend));
            report.insert("rules".to_owned(), shown["written"].take());
            report.insert("problems".to_owned(), shown["problems"].take());
            indented(&Value::Object(report), b"\t")
        }
    };
    Ok(Outcome { text, status: u8::from(has_errors(&rules)) })
}

fn format(args: &CheckArgs, surroundings: &Surroundings) -> ReportFormat {
    let usual = if surroundings.stdout_is_terminal { ReportFormat::Pretty } else { ReportFormat::Json };
    args.format.unwrap_or(usual)
}

fn origin(backend: Feeder) -> Origin {
    match backend {
        Feeder::Kernel => Origin::Kernel,
        Feeder::Ptrace => Origin::Ptrace,
    }
}

fn pretty(policies: &Policies, loaded: &Loaded) -> String {
    let mut text = policies.render(loaded);
    if !text.is_empty() {
        text.push('\n');
    }
    let width = loaded.rules.rules().iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    // Writing to a `String` cannot fail.
    for rule in loaded.rules.rules() {
        let _ = writeln!(text, "{:<width$}  {:<13} {}", rule.id, rule.event, rule.policy);
    }
    let filters = filters::in_words(&filters::report(&loaded.rules));
    if !filters.is_empty() {
        let _ = write!(text, "\n{filters}");
    }
    let count = |state| loaded.statuses.iter().filter(|status| status.state == state).count();
    let (works, filtered, wrong) = (count("loaded"), count("filtered"), count("error"));
    let warnings = loaded.reports.iter().filter(|one| one.fault.severity() == Severity::Warning).count();
    let _ = writeln!(
        text,
        "\n{works} rules work, {filtered} are not meant for here or switched off, {wrong} are wrong; {warnings} warnings"
    );
    text
}

fn json(policies: &Policies, loaded: &Loaded) -> String {
    let problems: Vec<_> = loaded
        .reports
        .iter()
        .map(|report| {
            json!({
                "severity": if report.fault.severity() == Severity::Error { "error" } else { "warning" },
                "policy": report.policy,
                "rule_id": report.rule,
                "line": report.place.line,
                "column": report.place.column,
                "width": report.width,
                "message": report.fault.to_string(),
                "hint": report.fault.hint(),
                "rendered": report.render(policies.text(&report.policy)),
            })
        })
        .collect();
    let rules: Vec<_> = loaded
        .statuses
        .iter()
        .map(|status| {
            let (policy, id, state) = (&status.policy, &status.rule, status.state);
            json!({ "policy": policy, "rule_id": id, "status": state, "reason": status.reason })
        })
        .collect();
    let mut report = filters::report(&loaded.rules);
    report.insert("rules".to_owned(), json!(rules));
    report.insert("problems".to_owned(), json!(problems));
    indented(&Value::Object(report), b"\t")
}
