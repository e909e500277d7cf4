//! One scenario and the events that it has to give.

use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::expect::{self, Names};
use crate::harness::{Backend, Lapwing, Outcome};
use crate::marker;
use crate::need::{self, Need};

/// A scenario with what is expected of it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// Its name: the call, a slash, the variant.
    pub scenario: &'a str,
    /// What it needs of the machine.
    pub needs: &'a [Need],
    /// Options of `lapwing run`.
    pub options: &'a [&'a str],
    /// The events between the marks, as [`expect`] reads them.
    pub expected: &'a str,
}

/// A scratch directory for a scenario, which may act as another user.
#[derive(Debug)]
pub struct Ground {
    directory: TempDir,
    path: PathBuf,
}

impl Ground {
    /// A new one.
    ///
    /// # Panics
    ///
    /// When there can be none.
    #[must_use]
    #[expect(clippy::expect_used, reason = "without a directory nothing can be tested")]
    pub fn new() -> Self {
        let directory = TempDir::new().expect("temporary directory");
        // Events show paths without symbolic links, and /tmp may be one.
        let path = directory.path().canonicalize().expect("path of the directory");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("permissions");
        Self { directory, path }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        debug_assert!(self.directory.path().exists(), "removed too early");
        &self.path
    }

    /// Where it is, as text.
    #[must_use]
    pub fn text(&self) -> &str {
        self.path.to_str().unwrap_or_default()
    }
}

impl Default for Ground {
    fn default() -> Self {
        Self::new()
    }
}

/// Plays a scenario under a backend and compares.
///
/// # Panics
///
/// When the scenario fails, or when its events are not those expected.
#[expect(clippy::panic, reason = "a failed test panics")]
pub fn check(program: &str, backend: Backend, case: Case<'_>) {
    if !need::require(case.needs) {
        return;
    }
    let ground = Ground::new();
    let outcome = play(program, backend, &ground, case);
    if let Err(problems) = events_of(&outcome, &ground, program, backend, case.expected) {
        panic!("{} under {}:\n{problems}\n{outcome}", case.scenario, backend.name());
    }
}

/// Plays a scenario.
#[must_use]
pub fn play(program: &str, backend: Backend, ground: &Ground, case: Case<'_>) -> Outcome {
    Lapwing::with(backend).options(case.options).watch(&[program, case.scenario, ground.text()])
}

fn events_of(
    outcome: &Outcome,
    ground: &Ground,
    program: &str,
    backend: Backend,
    expected: &str,
) -> Result<(), String> {
    let (events, pid) = marker::between(&outcome.events)?;
    let names = Names::from([
        ("DIR".to_owned(), ground.text().to_owned()),
        ("PID".to_owned(), pid.to_string()),
        ("BIN".to_owned(), program.to_owned()),
    ]);
    expect::compare(&expect::parse(expected), events, names)?;
    if !outcome.status.success() {
        return Err(String::from("the events are right, but the scenario failed"));
    }
    let foreign = events.iter().find(|event| event.pointer("/event/origin") != Some(&Value::from(backend.name())));
    foreign.map_or(Ok(()), |event| Err(format!("of another backend: {}", expect::describe(event))))
}

/// The names of all scenarios.
///
/// # Panics
///
/// When the program cannot be run.
#[must_use]
#[expect(clippy::expect_used, reason = "without the program nothing can be tested")]
pub fn names(program: &str) -> BTreeSet<String> {
    let output = Command::new(program).arg("--list").output().expect("the scenario program runs");
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}
