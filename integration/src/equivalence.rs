//! The same program under both backends, and whether they saw the same.
//!
//! Each run begins on the same ground: a directory of the same name, made anew, in which nothing is left of the run
//! before. What then has to differ is taken away by the rules of `lapwing compare` (`docs/compare.md`). What still
//! differs fails, unless it is written down in a file of known differences.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Backend, Lapwing, binary, read_events};
use crate::run::finish;

/// A program to run, and how to compare what it did.
#[derive(Clone, Copy, Debug)]
pub struct Program<'a> {
    /// What known differences call it.
    pub name: &'a str,
    /// What it finds in its directory.
    pub ground: fn(&Path),
    /// A script for bash, run in that directory, which is `$HOME` too.
    pub script: &'a str,
    /// How processes are told apart: `tree`, or `paths` for workers that take what comes.
    pub processes: &'a str,
    /// What it calls its files.
    pub names: Names,
}

/// Whether two runs of a program use the same names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// They do: the dumps of both have to be the same too.
    Fixed,
    /// They make up names for temporary files, which the rules of `lapwing compare` see through and dumps show.
    MadeUp,
}

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

/// Runs a program under both backends and compares.
///
/// # Errors
///
/// Explains what differs that is not known, and which known difference there is not any more.
///
/// # Panics
///
/// When there is no ground to run it on.
#[expect(clippy::expect_used, reason = "without a directory nothing can be tested")]
pub fn check(program: &Program<'_>, known: &[Known]) -> Result<(), String> {
    let directory = TempDir::new().expect("temporary directory");
    // Events show paths without symbolic links, and /tmp may be one.
    let root = directory.path().canonicalize().expect("path of the directory");
    let dump = |backend: Backend| root.join(format!("{}.protobuf", backend.name()));
    let events = watch_both(program, &root, |backend| vec!["--dump".into(), dump(backend).into()])?;
    let report = compare(program, &events)?;
    let mut problems = unknown(program, known, &report);
    // What differs as it is known may differ in the dumps too.
    let comparable = program.names == Names::Fixed;
    if problems.is_empty() && comparable && report["differences"].as_array().is_none_or(Vec::is_empty) {
        problems = dumps_apart(&BACKENDS.map(dump));
    }
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{}: {problems}\n{}", program.name, show(program, &events)))
}

/// Runs a program under both backends with policies, and compares what matched. Returns the rules that did, once for
/// each event.
///
/// # Errors
///
/// Explains what differs.
///
/// # Panics
///
/// When there is no ground to run it on.
#[expect(clippy::expect_used, reason = "without a directory nothing can be tested")]
pub fn check_matches(program: &Program<'_>, policies: &Path) -> Result<Vec<String>, String> {
    let directory = TempDir::new().expect("temporary directory");
    let root = directory.path().canonicalize().expect("path of the directory");
    let events = watch_both(program, &root, |_| vec!["--policies".into(), policies.into()])?;
    let report = compare(program, &events)?;
    let problems = unknown(program, &[], &report);
    if !problems.is_empty() {
        return Err(format!("{}: {problems}\n{}", program.name, show(program, &events)));
    }
    let matches = read_events(&events[0]).map_err(|error| error.to_string())?;
    Ok(matches.iter().filter_map(|event| Some(event["rule"]["id"].as_str()?.to_owned())).collect())
}

/// What a backend found that no rule can match.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Discarded {
    /// Directories, with the types of events that are left out below them, as a mask.
    pub directories: BTreeMap<String, u64>,
    /// Other files of the program's own directory, likewise.
    pub files: BTreeMap<String, u64>,
}

/// Runs a program under both backends with policies, which `policies` makes of the program's directory, and compares
/// the discarders that were found. Returns them, with paths as in that directory.
///
/// Whether a file elsewhere is discarded depends on what else is used between two uses of it.
///
/// # Errors
///
/// Explains what differs.
///
/// # Panics
///
/// When there is no ground to run it on.
#[expect(clippy::expect_used, reason = "without a directory nothing can be tested")]
pub fn check_discarders(program: &Program<'_>, policies: impl FnOnce(&Path) -> String) -> Result<Discarded, String> {
    let directory = TempDir::new().expect("temporary directory");
    let root = directory.path().canonicalize().expect("path of the directory");
    let ground = root.join("ground");
    let rules = root.join("rules.policy");
    fs::write(&rules, policies(&ground)).expect("policy");
    let dump = |backend: Backend| root.join(format!("{}.yaml", backend.name()));
    watch_both(program, &root, |backend| {
        vec!["--policies".into(), (&rules).into(), "--discarders".into(), dump(backend).into()]
    })?;
    let [ptrace, kernel] = BACKENDS.map(|backend| read_discarders(&dump(backend), &ground));
    let (ptrace, kernel) = (ptrace?, kernel?);
    if ptrace == kernel {
        return Ok(ptrace);
    }
    Err(format!("{}: not the same discarders:\nptrace {ptrace:#?}\nkernel {kernel:#?}", program.name))
}

fn read_discarders(file: &Path, ground: &Path) -> Result<Discarded, String> {
    let text = fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let dump: Value = serde_saphyr::from_str(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    let mut found = Discarded::default();
    for inode in dump["inodes"].as_array().into_iter().flatten() {
        let path = Path::new(inode["path"].as_str().ok_or("a discarder without a path")?);
        let mask = inode.pointer("/value/params/event_mask").and_then(Value::as_u64).ok_or("no mask")?;
        // What was said and has become wrong.
        if mask == 0 {
            continue;
        }
        let inside = path.strip_prefix(ground).ok();
        let name = inside.unwrap_or(path).to_string_lossy().into_owned();
        if path.is_dir() {
            *found.directories.entry(name).or_default() |= mask;
        } else if inside.is_some() {
            *found.files.entry(name).or_default() |= mask;
        }
    }
    Ok(found)
}

const BACKENDS: [Backend; 2] = [Backend::Ptrace, Backend::Kernel];

/// Runs a program under each backend with these options, and returns where the events are.
fn watch_both(
    program: &Program<'_>,
    root: &Path,
    options: impl Fn(Backend) -> Vec<OsString>,
) -> Result<[PathBuf; 2], String> {
    let events = BACKENDS.map(|backend| root.join(format!("{}.jsonl", backend.name())));
    for (backend, file) in BACKENDS.into_iter().zip(&events) {
        watch(program, backend, &root.join("ground"), file, options(backend))?;
    }
    Ok(events)
}

/// What differs between dumps; empty if nothing does.
fn dumps_apart(dumps: &[PathBuf; 2]) -> String {
    let output = finish(Command::new(binary()).args(["activity-dump", "diff", "--exit-code"]).args(dumps), b"");
    if output.status.success() {
        return String::new();
    }
    let said = [output.stdout, output.stderr].concat();
    format!("the same events, but not the same dump:\n{}", String::from_utf8_lossy(&said))
}

/// Runs it under one backend. It has to succeed, and nothing may be lost.
fn watch(
    program: &Program<'_>,
    backend: Backend,
    ground: &Path,
    events: &Path,
    options: Vec<OsString>,
) -> Result<(), String> {
    let failed = |error: &dyn std::fmt::Display| format!("{} under {}: {error}", program.name, backend.name());
    if ground.exists() {
        fs::remove_dir_all(ground).map_err(|error| failed(&error))?;
    }
    fs::create_dir_all(ground.join("tmp")).map_err(|error| failed(&error))?;
    (program.ground)(ground);
    let script = format!("set -e -o pipefail\n{}", program.script);
    let lapwing = Lapwing::with(backend);
    let lapwing = options.into_iter().fold(lapwing, Lapwing::option);
    let lapwing = lapwing
        .telling_losses()
        .in_directory(ground)
        .variable("HOME", ground)
        .variable("TMPDIR", ground.join("tmp"))
        .variable("LC_ALL", "C")
        .variable("TZ", "UTC")
        // With several, malloc reads how many CPUs there are when two threads happen to need memory at once.
        .variable("MALLOC_ARENA_MAX", "2")
        // Compiled modules would be there for the second run only.
        .variable("PYTHONDONTWRITEBYTECODE", "1");
    // Where $HOME is not what it was, rustup does not find itself.
    let rustup =
        std::env::var_os("RUSTUP_HOME").or_else(|| Some(Path::new(&std::env::var_os("HOME")?).join(".rustup").into()));
    let lapwing = rustup.into_iter().fold(lapwing, |lapwing, home| lapwing.variable("RUSTUP_HOME", home));
    let output = finish(&mut lapwing.command(&["bash", "-c", &script], events), b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(failed(&format!("{}\n{}{said}", output.status, String::from_utf8_lossy(&output.stdout))));
    }
    let lost = crate::harness::losses(&output.stderr);
    // A stack or a string of a process that is about to exec or to end need not be there any more.
    let lost: Vec<_> = lost.iter().filter(|(what, _)| !what.starts_with("reads of a process's memory")).collect();
    if lost.is_empty() { Ok(()) } else { Err(failed(&format!("lost {lost:?}"))) }
}

fn command(program: &Program<'_>, events: &[PathBuf; 2]) -> Command {
    let mut command = Command::new(binary());
    command.args(["compare", "--processes", program.processes, "--events"]).args(events);
    command
}

/// The report as JSON.
fn compare(program: &Program<'_>, events: &[PathBuf; 2]) -> Result<Value, String> {
    let output = finish(command(program, events).args(["--format", "json", "--limit", "1000000"]), b"");
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The report for people.
fn show(program: &Program<'_>, events: &[PathBuf; 2]) -> String {
    let output = finish(command(program, events).args(["--limit", "40"]), b"");
    let counts = events.each_ref().map(|file| read_events(file).map_or(0, |events| events.len()));
    format!("{}({counts:?} events)", String::from_utf8_lossy(&output.stdout))
}

/// What no row explains, and which row explains nothing; empty if all is well.
fn unknown(program: &Program<'_>, known: &[Known], report: &Value) -> String {
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
