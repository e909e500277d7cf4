//! Differences that are written down, and whether they are there.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

use super::Program;

/// All differences that are known.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Of events.
    pub events: Vec<KnownEvent>,
    /// Of dumps of the same runs.
    pub dumps: Vec<KnownEntry>,
}

/// An entry of dumps that is known to be in one of them only.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownEntry {
    /// The program.
    pub program: String,
    /// The kind of entry, as `lapwing activity-dump diff --format json` calls it.
    pub kind: String,
    /// What it says.
    pub value: String,
    /// How the path of the program ends whose entry it is.
    pub by: String,
    /// Which backend has it: [`SeenBy::Ptrace`] or [`SeenBy::Kernel`].
    pub seen_by: SeenBy,
    /// Why it is so.
    pub reason: String,
}

/// A difference between events that is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KnownEvent {
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

/// Who sees the event of a [`KnownEvent`], or has the entry of a [`KnownEntry`].
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

/// When a known difference of events is there.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Present {
    /// Every time: a row that explains nothing any more has to go.
    Always,
    /// It depends on timing.
    Sometimes,
}

/// What no row explains, and which row explains nothing; empty if all is well.
pub(super) fn unknown(program: &Program<'_>, known: &Known, report: &Value) -> String {
    let entries: Vec<&KnownEntry> = known.dumps.iter().filter(|row| row.program == program.name).collect();
    let known: Vec<&KnownEvent> = known.events.iter().filter(|row| row.program == program.name).collect();
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
    problems.push_str(&unknown_entries(&entries, report, !explained.is_empty()));
    for (row, used) in known.iter().zip(used) {
        if !used && row.present == Present::Always {
            let _ = writeln!(problems, "known, but not there any more: {row:?}");
        }
    }
    problems
}

/// The same of dumps.
fn unknown_entries(known: &[&KnownEntry], report: &Value, events_differ: bool) -> String {
    let mut used = vec![false; known.len()];
    let mut problems = String::new();
    for change in report.pointer("/dumps/changes").and_then(Value::as_array).into_iter().flatten() {
        // Where events differ as it is known, so may the calls that programs are said to make.
        let mut explained = events_differ && change["kind"] == "syscall";
        for (_, used) in known.iter().zip(&mut used).filter(|(row, _)| row.explains(change)) {
            (explained, *used) = (true, true);
        }
        if !explained {
            // Writing to a string cannot fail.
            let _ = writeln!(problems, "not known of the dumps: {change}");
        }
    }
    for (row, _) in known.iter().zip(used).filter(|(_, used)| !used) {
        let _ = writeln!(problems, "known, but not there any more: {row:?}");
    }
    problems
}

impl KnownEntry {
    fn explains(&self, change: &Value) -> bool {
        let by = change["lineage"].as_array().and_then(|lineage| lineage.last()?.as_str()).unwrap_or_default();
        let change_of = match self.seen_by {
            SeenBy::Ptrace => "removed",
            SeenBy::Kernel => "added",
            SeenBy::Either | SeenBy::Both => return false,
        };
        change["change"] == change_of
            && change["kind"] == self.kind.as_str()
            && change["value"] == self.value.as_str()
            && by.ends_with(&self.by)
    }
}

impl KnownEvent {
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

    const PROGRAM: Program<'_> = Program { name: "p", ground: |_| (), script: "", processes: "tree" };

    fn known(row: KnownEvent) -> Known {
        Known { events: vec![row], dumps: Vec::new() }
    }

    fn row(seen_by: SeenBy, present: Present) -> KnownEvent {
        KnownEvent {
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
        let kernel = known(row(SeenBy::Kernel, Present::Always));
        assert_eq!(unknown(&PROGRAM, &kernel, &report("/a/b")), "");
        let other = unknown(&PROGRAM, &kernel, &report("/b"));
        assert!(other.contains("not known: \"open\" of \"sh\"") && other.contains("not there any more"), "{other}");
        assert!(other.contains("the trees part at"), "{other}");
        let ptrace = unknown(&PROGRAM, &known(row(SeenBy::Ptrace, Present::Sometimes)), &report("/a/b"));
        assert!(ptrace.contains("not known") && !ptrace.contains("any more"), "{ptrace}");
        assert_eq!(unknown(&PROGRAM, &known(row(SeenBy::Either, Present::Sometimes)), &report("/a/b")), "");
    }

    #[test]
    fn an_entry_of_dumps_is_known_by_what_it_says_and_of_whom() {
        let row = KnownEntry {
            program: "p".to_owned(),
            kind: "syscall".to_owned(),
            value: "execve".to_owned(),
            by: "/program".to_owned(),
            seen_by: SeenBy::Kernel,
            reason: String::new(),
        };
        let change = |change: &str, by: &str| json!({"change": change, "kind": "syscall", "value": "execve", "lineage": ["/sh", by]});
        let known = Known { events: Vec::new(), dumps: vec![row] };
        let said = |changes: &[Value]| unknown(&PROGRAM, &known, &json!({"dumps": {"changes": changes}}));
        assert_eq!(said(&[change("added", "/a/program"), change("added", "/b/program")]), "");
        for other in [change("removed", "/a/program"), change("added", "/a/other")] {
            let said = said(&[other]);
            assert!(said.contains("not known of the dumps") && said.contains("not there any more"), "{said}");
        }
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
