//! What rules let backends leave out, in the layout of the reference's reports, and in words.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use lapwing_common::discard::Mode;
use lapwing_common::rules::policy::Rules;
use lapwing_common::rules::{Approval, Sought, SoughtValue};
use serde_json::{Map, Value, json};

/// Approvers of each type, fields that take discarders, and how many rules name each field.
///
/// Types of which everything is reported, whatever the rules are, are left out.
pub(super) fn report(rules: &Rules) -> Map<String, Value> {
    let overview = rules.overview();
    let id = |place: usize| rules.rules().get(place).map_or("", |rule| &rule.id);
    let is_shown = |one: &&Approval| one.policy.mode == Mode::Deny || !one.open.is_empty();
    let types = overview.approvals.iter().filter(is_shown).map(|approval| {
        let mut shown = json!({ "mode": approval.policy.mode.name(), "approvers": detailed(&approval.sought) });
        if !approval.open.is_empty() {
            shown["accept_mode_rules"] = approval.open.iter().map(|place| json!({ "rule_id": id(*place) })).collect();
        }
        (approval.event.name().to_owned(), shown)
    });
    let arguments = overview.arguments.iter().map(|(event, sought)| {
        let shown = json!({ "mode": Mode::Deny.name(), "approvers": detailed(sought) });
        (event.name().to_owned(), shown)
    });
    let obstacle = |(place, field)| json!({ "rule_id": id(place), "field": field });
    let invalid: Vec<_> = overview.obstacles.iter().map(|one| obstacle((one.place, &one.field))).collect();
    let mut report = Map::new();
    report.insert("approvers".to_owned(), types.chain(arguments).collect());
    report.insert(
        "discarders".to_owned(),
        json!({ "supported": overview.directories, "files_only": overview.files, "invalid": invalid }),
    );
    report.insert("stats".to_owned(), json!({ "per_field_stats": overview.uses }));
    report
}

/// The values that approve, by type and field: what `lapwing policy eval` shows of one rule.
pub(super) fn values(rules: &Rules) -> Value {
    let overview = rules.overview();
    let types = overview.approvals.iter().filter(|one| one.policy.mode == Mode::Deny);
    let types = types.map(|one| (one.event, &one.sought));
    let all = types.chain(overview.arguments.iter().map(|(event, sought)| (*event, sought)));
    all.map(|(event, sought)| (event.name().to_owned(), by_field(sought, value))).collect()
}

fn detailed(sought: &[Sought]) -> Value {
    by_field(sought, |one| json!({ "Field": one.field, "Value": value(one), "Type": one.value.kind() }))
}

fn by_field(sought: &[Sought], show: impl Fn(&Sought) -> Value) -> Value {
    let mut fields = Map::new();
    for one in sought {
        if let Value::Array(rows) = fields.entry(one.field.clone()).or_insert_with(|| json!([])) {
            rows.push(show(one));
        }
    }
    Value::Object(fields)
}

fn value(sought: &Sought) -> Value {
    match &sought.value {
        SoughtValue::Text(text) | SoughtValue::Glob(text) => json!(text),
        SoughtValue::Number(number) | SoughtValue::Flags(number) => json!(number),
    }
}

/// The approvers and discarders of a report, a line each.
pub(super) fn in_words(report: &Map<String, Value>) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    for (event, shown) in report.get("approvers").and_then(Value::as_object).into_iter().flatten() {
        let rules = rules_of(&shown["accept_mode_rules"]);
        let values = shown["approvers"].as_object().into_iter().flatten();
        let count: usize = values.map(|(_, rows)| rows.as_array().map_or(0, Vec::len)).sum();
        let _ = match rules.as_slice() {
            [] => writeln!(
                text,
                "{event}: only what has one of {count} names, components of paths, flags or values is captured"
            ),
            rules => writeln!(text, "{event}: all are captured, for the sake of {}", some(rules)),
        };
    }
    let discarders = report.get("discarders").unwrap_or(&Value::Null);
    let mut obstacles: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for row in discarders["invalid"].as_array().into_iter().flatten() {
        obstacles.entry(row["field"].as_str().unwrap_or_default()).or_default().push(row);
    }
    for (field, rows) in obstacles {
        let rules: Vec<_> = rows.iter().filter_map(|row| row["rule_id"].as_str()).collect();
        let is_single = discarders["files_only"].as_array().is_some_and(|files| files.iter().any(|one| one == field));
        let what = if is_single { "files are discarded only one by one" } else { "nothing is discarded" };
        let _ = writeln!(text, "{field}: {what}, for the sake of {}", some(&rules));
    }
    text
}

fn rules_of(rows: &Value) -> Vec<&str> {
    rows.as_array().into_iter().flatten().filter_map(|row| row["rule_id"].as_str()).collect()
}

/// The first rule, and how many there are besides.
fn some(rules: &[&str]) -> String {
    match rules {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [one, rest @ ..] => format!("{one} and {} more", rest.len()),
    }
}
