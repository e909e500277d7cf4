//! Differences for programs: a list, because that is what a filter like jq takes.

use lapwing_common::picture::{self, Category, Mark, Picture, Tally};
use serde::Serialize;

#[derive(Serialize)]
struct Report {
    added: usize,
    removed: usize,
    same: usize,
    changes: Vec<Change>,
}

#[derive(Serialize)]
struct Change {
    change: &'static str,
    kind: &'static str,
    /// Of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    access: Option<&'static str>,
    value: String,
    lineage: Vec<String>,
}

/// The differences of a compared picture, as one JSON object.
pub(super) fn json(compared: &Picture) -> String {
    // Text and numbers always become JSON.
    let mut text = serde_json::to_string_pretty(&report(compared)).unwrap_or_default();
    text.push('\n');
    text
}

/// The same, as a part of another object.
pub(crate) fn value(compared: &Picture) -> serde_json::Value {
    serde_json::to_value(report(compared)).unwrap_or_default()
}

fn report(compared: &Picture) -> Report {
    let Tally { added, removed, same } = picture::tally(compared);
    let changes = picture::changes(compared).into_iter().map(|change| Change {
        change: if change.mark == Mark::Removed { "removed" } else { "added" },
        kind: change.category.map_or("program", Category::name),
        access: (change.category == Some(Category::Files)).then_some(if change.is_strong { "write" } else { "read" }),
        value: change.value,
        lineage: change.lineage,
    });
    Report { added, removed, same, changes: changes.collect() }
}
