//! `lapwing policy check`.

use std::fmt::Write as _;

use lapwing_common::backend::{ArgumentTest, Values};
use lapwing_common::discard::{Approver, Mode};
use lapwing_common::event::{EventType, Origin};
use lapwing_common::rules::policy::{Loaded, Severity};
use lapwing_common::rules::{Feed, field_of};
use serde_json::{Map, Value, json};

use super::{Outcome, Policies, PolicyError};
use crate::cli::{CheckArgs, Feeder, ReportFormat};
use crate::config::Surroundings;

/// Reads, compiles and tells.
pub(crate) fn check(args: &CheckArgs, surroundings: &Surroundings) -> Result<Outcome, PolicyError> {
    let policies = Policies::read(&args.policies)?;
    let feed = match args.backend {
        None => Feed::Lapwing,
        Some(Feeder::Kernel) => Feed::Backend(Origin::Kernel),
        Some(Feeder::Ptrace) => Feed::Backend(Origin::Ptrace),
    };
    let loaded = policies.load(feed, None);
    let usual = if surroundings.stdout_is_terminal { ReportFormat::Pretty } else { ReportFormat::Json };
    let text = match args.format.unwrap_or(usual) {
        ReportFormat::Pretty => pretty(&policies, &loaded),
        ReportFormat::Json => json(&loaded),
    };
    Ok(Outcome { text, status: u8::from(loaded.has_errors()) })
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
    for approval in loaded.rules.approvals() {
        let (event, how) = (approval.event, approval.policy.approvers.len());
        let _ = match approval.open.as_slice() {
            [] => writeln!(text, "{event}: only what has one of {how} names or flags is captured"),
            open => writeln!(
                text,
                "{event}: all are captured, for the sake of {} rules such as {}",
                open.len(),
                loaded.rules.rules()[open[0]].id
            ),
        };
    }
    for (event, field, values) in arguments(loaded) {
        let _ = match values {
            Values::OneOf(..) => {
                writeln!(text, "{event}: only calls with one of {} values of {field} are captured", values.each().len())
            }
            Values::AnyBit(bits) => {
                writeln!(text, "{event}: only calls with a bit of {bits:#x} in {field} are captured")
            }
        };
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

/// Arguments that all rules of a type ask for, by the field that shows them.
fn arguments(loaded: &Loaded) -> impl Iterator<Item = (EventType, &'static str, Values)> {
    let shown = |(event, test): (EventType, ArgumentTest)| {
        let (role, values) = test.value?;
        Some((event, field_of(event, role)?, values))
    };
    loaded.rules.arguments().into_iter().filter_map(shown)
}

/// What backends report of each type, in the reference's layout.
fn approvers(loaded: &Loaded) -> Value {
    let mut types = Map::new();
    for approval in loaded.rules.approvals() {
        let event = approval.event.name();
        let mut fields: Map<String, Value> = Map::new();
        for approver in &approval.policy.approvers {
            let (field, value, kind) = match approver {
                Approver::Basename(name) => {
                    (format!("{event}.file.name"), String::from_utf8_lossy(name).into_owned(), "scalar")
                }
                Approver::Flags(bits) => (format!("{event}.flags"), bits.to_string(), "bitmask"),
            };
            let row = json!({ "Field": field, "Value": value, "Type": kind });
            if let Value::Array(rows) = fields.entry(field).or_insert_with(|| json!([])) {
                rows.push(row);
            }
        }
        let open: Vec<_> =
            approval.open.iter().map(|place| json!({ "rule_id": loaded.rules.rules()[*place].id })).collect();
        let mut shown = json!({ "mode": approval.policy.mode.name(), "approvers": fields });
        if !open.is_empty() {
            shown["accept_mode_rules"] = json!(open);
        }
        types.insert(event.into(), shown);
    }
    for (event, field, values) in arguments(loaded) {
        let row = |value: u32, kind: &str| json!({ "Field": field, "Value": value.to_string(), "Type": kind });
        let rows: Vec<_> = match values {
            Values::OneOf(..) => values.each().iter().map(|value| row(*value, "scalar")).collect(),
            Values::AnyBit(bits) => vec![row(bits, "bitmask")],
        };
        types.insert(event.name().into(), json!({ "mode": Mode::Deny.name(), "approvers": { field: rows } }));
    }
    Value::Object(types)
}

fn json(loaded: &Loaded) -> String {
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
                "message": report.fault.to_string(),
                "hint": report.fault.hint(),
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
    let report = json!({ "approvers": approvers(loaded), "rules": rules, "problems": problems });
    super::eval::indented(&report, b"\t")
}
