//! The same program under both backends, and whether they saw the same.
//!
//! Each run begins on the same ground: a directory of the same name, made anew, in which nothing is left of the run
//! before. What then has to differ is taken away by the rules of `lapwing compare` (`docs/compare.md`). What still
//! differs fails, unless it is written down in a file of known differences.

mod discarded;
mod known;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::harness::{Backend, Lapwing, binary, read_events};
use crate::run::finish;
pub use discarded::{Discarded, check_discarders};
use known::unknown;
pub use known::{Known, KnownEntry, KnownEvent, Present, SeenBy};

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
pub fn check(program: &Program<'_>, known: &Known) -> Result<(), String> {
    let directory = TempDir::new().expect("temporary directory");
    // Events show paths without symbolic links, and /tmp may be one.
    let root = directory.path().canonicalize().expect("path of the directory");
    let dump = |backend: Backend| root.join(format!("{}.protobuf", backend.name()));
    let events = watch_both(program, &root, |backend| vec!["--dump".into(), dump(backend).into()])?;
    let dumps = BACKENDS.map(dump);
    let report = compare(program, &events, Some(&dumps))?;
    let problems = unknown(program, known, &report);
    if problems.is_empty() {
        return Ok(());
    }
    Err(format!("{}: {problems}\n{}", program.name, show(program, &events, Some(&dumps))))
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
    let report = compare(program, &events, None)?;
    let problems = unknown(program, &Known::default(), &report);
    if !problems.is_empty() {
        return Err(format!("{}: {problems}\n{}", program.name, show(program, &events, None)));
    }
    let matches = read_events(&events[0]).map_err(|error| error.to_string())?;
    Ok(matches.iter().filter_map(|event| Some(event["rule"]["id"].as_str()?.to_owned())).collect())
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

fn command(program: &Program<'_>, events: &[PathBuf; 2], dumps: Option<&[PathBuf; 2]>) -> Command {
    let mut command = Command::new(binary());
    command.args(["compare", "--processes", program.processes, "--events"]).args(events);
    if let Some(dumps) = dumps {
        command.arg("--dumps").args(dumps);
    }
    command
}

/// The report as JSON.
fn compare(program: &Program<'_>, events: &[PathBuf; 2], dumps: Option<&[PathBuf; 2]>) -> Result<Value, String> {
    let output = finish(command(program, events, dumps).args(["--format", "json", "--limit", "1000000"]), b"");
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// The report for people.
fn show(program: &Program<'_>, events: &[PathBuf; 2], dumps: Option<&[PathBuf; 2]>) -> String {
    let output = finish(command(program, events, dumps).args(["--limit", "40"]), b"");
    let counts = events.each_ref().map(|file| read_events(file).map_or(0, |events| events.len()));
    format!("{}({counts:?} events)", String::from_utf8_lossy(&output.stdout))
}
