//! The report as one JSON object.

use serde_json::{Value, json};

use super::Report;
use crate::activity;
use crate::compare::Processes;
use crate::compare::nearest::{Difference, Field};
use crate::compare::tree::{Parting, PartingKind};

pub(super) fn render(report: &Report, limit: usize) -> String {
    let sides: Vec<Value> = report
        .sides
        .iter()
        .map(|side| json!({"file": side.name, "events": side.events, "processes": side.processes}))
        .collect();
    let differences: Vec<Value> = report.differences.iter().take(limit).map(difference).collect();
    let partings: Vec<Value> = report.partings.iter().take(limit).map(parting).collect();
    let value = json!({
        "agrees": report.agrees(),
        "streams": sides,
        "differences": differences,
        "differences_left_out": report.differences.len().saturating_sub(limit),
        "trees": match report.processes {
            Processes::Tree => json!({"agree": report.partings.is_empty(), "partings": partings}),
            Processes::Paths => Value::Null,
        },
        "dumps": report.dumps.as_ref().map(activity::difference_value),
    });
    format!("{value:#}\n")
}

fn difference(difference: &Difference) -> Value {
    let fields: Vec<Value> =
        difference.fields.iter().map(|Field { name, values }| json!({"name": name, "values": values})).collect();
    json!({
        "process": difference.process,
        "type": difference.kind,
        "count": difference.count,
        "events": difference.events,
        "fields": fields,
    })
}

fn parting(Parting { process, kind }: &Parting) -> Value {
    let kind = match kind {
        PartingKind::OnlyIn(0) => "only in the first",
        PartingKind::OnlyIn(_) => "only in the second",
        PartingKind::Events => "other events",
    };
    json!({"process": process, "kind": kind})
}
