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
    value: String,
    lineage: Vec<String>,
}

/// The differences of a compared picture, as one JSON object.
pub(super) fn json(compared: &Picture) -> String {
    let Tally { added, removed, same } = picture::tally(compared);
    let changes = picture::changes(compared).into_iter().map(|change| Change {
        change: if change.mark == Mark::Removed { "removed" } else { "added" },
        kind: change.category.map_or("program", Category::name),
        value: change.value,
        lineage: change.lineage,
    });
    let report = Report { added, removed, same, changes: changes.collect() };
    // Text and numbers always become JSON.
    let mut text = serde_json::to_string_pretty(&report).unwrap_or_default();
    text.push('\n');
    text
}
