//! Differences that are written down, and whether they are there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::Program;

/// A difference that is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// The program.
    pub program: String,
    /// The type of the event.
    pub event: String,
    /// Fields that the event has; a `*` at the end of a value stands for anything.
    #[serde(default)]
    pub fields: std::collections::BTreeMap<String, String>,
    /// Which backends see it; with `both`, what differs is a field.
    pub seen_by: SeenBy,
    /// The fields that differ, with `both`.
    #[serde(default)]
    pub differs: BTreeSet<String>,
    /// Whether it is there every time.
    pub present: Present,
    /// Why it is so.
    pub reason: String,
}

/// Who sees the event of a [`Known`].
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum SeenBy {
    /// The ptrace backend.
    Ptrace,
    /// The kernel backend.
    Kernel,
    /// One of them, once more often than the other: it depends on timing.
    Either,
    /// Both, each in its way.
    Both,
}

/// When a known difference is there.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Present {
    /// Every time: a row that explains nothing any more has to go.
    Always,
    /// It depends on timing.
    Sometimes,
}

/// What no row explains, and which row explains nothing; empty if all is well.
pub(super) fn unknown(program: &Program<'_>, known: &[Known], report: &Value) -> String {
    let known: Vec<&Known> = known.iter().filter(|row| row.program == program.name).collect();
    let mut used = vec![false; known.len()];
    let mut problems = String::new();
    let mut explained = BTreeSet::new();
    for difference in report["differences"].as_array().into_iter().flatten() {
        let row = known.iter().position(|row| row.explains(difference));
        match row {
            Some(row) => {
                used[row] = true;
                explained.insert(difference["process"].as_str().unwrap_or_default());
            }
            // Writing to a string cannot fail.
            None => drop(writeln!(problems, "not known: {} of {}", difference["type"], difference["process"])),
        }
    }
    // A process whose events differ as it is known is at another place in the tree for that.
    for parting in report.pointer("/trees/partings").and_then(Value::as_array).into_iter().flatten() {
        if !explained.contains(parting["process"].as_str().unwrap_or_default()) {
            let _ = writeln!(problems, "the trees part at {}: {}", parting["process"], parting["kind"]);
        }
    }
    for (row, used) in known.iter().zip(used) {
        if !used && row.present == Present::Always {
            let _ = writeln!(problems, "known, but not there any more: {row:?}");
        }
    }
    problems
}

impl Known {
    fn explains(&self, difference: &Value) -> bool {
        let events = [&difference["events"][0], &difference["events"][1]];
        let seen = match self.seen_by {
            SeenBy::Ptrace => events[1].is_null(),
            SeenBy::Kernel => events[0].is_null(),
            SeenBy::Either => events.iter().any(|event| event.is_null()),
            SeenBy::Both => events.iter().all(|event| !event.is_null()) && self.has_just_these(difference),
        };
        seen && difference["type"] == self.event.as_str()
            && events.iter().filter(|event| !event.is_null()).all(|event| {
                self.fields.iter().all(|(name, wanted)| {
                    let found = event.pointer(&format!("/{}", name.replace('.', "/")));
                    found.is_some_and(|found| agrees(wanted, found))
                })
            })
    }

    fn has_just_these(&self, difference: &Value) -> bool {
        let fields = difference["fields"].as_array().into_iter().flatten();
        fields.map(|field| field["name"].as_str().unwrap_or_default()).all(|name| self.differs.contains(name))
    }
}

fn agrees(wanted: &str, found: &Value) -> bool {
    let found = found.as_str().map_or_else(|| found.to_string(), str::to_owned);
    wanted.strip_suffix('*').map_or_else(|| found == wanted, |start| found.starts_with(start))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::equivalence::Names;

    const PROGRAM: Program<'_> =
        Program { name: "p", ground: |_| (), script: "", processes: "tree", names: Names::Fixed };

    fn row(seen_by: SeenBy, present: Present) -> Known {
        Known {
            program: "p".to_owned(),
            event: "open".to_owned(),
            fields: [("open.file.path".to_owned(), "/a/*".to_owned())].into(),
            seen_by,
            differs: ["open.retval".to_owned()].into(),
            present,
            reason: String::new(),
        }
    }

    fn report(path: &str) -> Value {
        let event = json!({"open": {"file": {"path": path}}});
        json!({
            "differences": [{"type": "open", "process": "sh", "events": [null, event], "fields": []}],
            "trees": {"partings": [{"process": "sh", "kind": "other events"}]},
        })
    }

    #[test]
    fn a_row_explains_what_it_says_and_nothing_else() {
        let kernel = [row(SeenBy::Kernel, Present::Always)];
        assert_eq!(unknown(&PROGRAM, &kernel, &report("/a/b")), "");
        let other = unknown(&PROGRAM, &kernel, &report("/b"));
        assert!(other.contains("not known: \"open\" of \"sh\"") && other.contains("not there any more"), "{other}");
        assert!(other.contains("the trees part at"), "{other}");
        let ptrace = unknown(&PROGRAM, &[row(SeenBy::Ptrace, Present::Sometimes)], &report("/a/b"));
        assert!(ptrace.contains("not known") && !ptrace.contains("any more"), "{ptrace}");
        assert_eq!(unknown(&PROGRAM, &[row(SeenBy::Either, Present::Sometimes)], &report("/a/b")), "");
    }

    #[test]
    fn a_row_about_fields_is_about_these_fields() {
        let both = row(SeenBy::Both, Present::Always);
        let difference = |field: &str| {
            let event = json!({"open": {"file": {"path": "/a/b"}}});
            json!({"type": "open", "process": "sh", "events": [event, event], "fields": [{"name": field}]})
        };
        assert!(both.explains(&difference("open.retval")));
        assert!(!both.explains(&difference("open.flags")));
    }
}
