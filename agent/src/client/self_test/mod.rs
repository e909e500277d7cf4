//! `lapwing self-test`: whether events really arrive.
//!
//! A process that is made for it does a few harmless things to files in a directory of its own, and what the agent
//! tells of it over the socket is compared with what it did. So everything takes part that takes part in observing:
//! the kernel, the backend, the engine, the socket.

mod actor;
mod check;

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use lapwing_proto::control::v1::{EventsRequest, Status, request, response};
use serde::Serialize;

use super::{Client, ClientError};
use crate::config::ClientConfig;
use actor::Stage;
use check::Checks;

pub(crate) use actor::act;

/// How long an event may take to arrive.
const PATIENCE: Duration = Duration::from_secs(10);

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    backends: Vec<Tested>,
}

/// What came of it with one backend.
#[derive(Debug, Serialize)]
struct Tested {
    name: &'static str,
    outcome: Outcome,
    /// Why, if it did not pass.
    #[serde(skip_serializing_if = "String::is_empty")]
    why: String,
    checks: Vec<check::Line>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Passed,
    Failed,
    Skipped,
}

/// Tests the agent that serves a directory.
pub(crate) fn self_test(config: &ClientConfig) -> Result<Report, ClientError> {
    let status = Client::connect(config)?.status()?;
    let backend = status.backend.clone().unwrap_or_default();
    let expected = if status.rules.is_some() { Expected::Match } else { Expected::Events(&backend.types) };
    let kernel = match kernel_place(&status) {
        Ok(place) => test(config, "kernel", expected, || Stage::set(place.as_deref()))?,
        Err((outcome, why)) => Tested { name: "kernel", outcome, why, checks: Vec::new() },
    };
    let ptrace = test(config, "ptrace", expected, || Stage::traced(&config.directory))?;
    Ok(Report { backends: vec![kernel, ptrace] })
}

/// Where a process has to be for the agent's own backend to observe it; or what stands in the way.
fn kernel_place(status: &Status) -> Result<Option<PathBuf>, (Outcome, String)> {
    let backend = status.backend.clone().unwrap_or_default();
    if backend.name != "kernel" {
        return Err((Outcome::Skipped, format!("the agent does not observe by it: {}", backend.why)));
    }
    if !backend.ended.is_empty() {
        return Err((Outcome::Failed, format!("it observes nothing any more: {}", backend.ended)));
    }
    place_in(&backend.scope).ok_or_else(|| {
        let why = format!("the agent observes {}, to which nothing of this test can belong", backend.scope);
        (Outcome::Skipped, why)
    })
}

/// What an agent has to show of the actor.
#[derive(Clone, Copy, Debug)]
enum Expected<'a> {
    /// Everything, of these types; of all if none are named.
    Events(&'a [String]),
    /// What a rule is about: the agent captures what its rules ask for.
    Match,
}

/// Lets the actor act, and listens for what the agent says of it by this backend.
fn test(
    config: &ClientConfig,
    name: &'static str,
    expected: Expected<'_>,
    set: impl FnOnce() -> io::Result<Stage>,
) -> Result<Tested, ClientError> {
    let mut client = Client::connect(config)?;
    let rules = match expected {
        Expected::Events(_) => Vec::new(),
        Expected::Match => vec![check::RULE.to_owned()],
    };
    client.begin(request::What::Events(EventsRequest { rules, ..EventsRequest::default() }))?;
    // The stream has begun when the first answer is here.
    client.answer()?;
    let acted = set().and_then(|mut stage| {
        let checks = match expected {
            Expected::Events(types) => Checks::new(stage.directory(), name, types),
            Expected::Match => Checks::by_rule(stage.directory(), name),
        };
        stage.act().map(|()| checks)
    });
    let mut checks = match acted {
        Ok(checks) => checks,
        Err(error) => {
            let why = format!("the test itself failed: {error}");
            return Ok(Tested { name, outcome: Outcome::Failed, why, checks: Vec::new() });
        }
    };
    let deadline = Instant::now() + PATIENCE;
    while !checks.are_done() {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        client.set_patience(Some(left))?;
        match client.answer() {
            Ok(response::What::Events(events)) => {
                events.lines.split(|byte| *byte == b'\n').for_each(|line| checks.look_at(line));
            }
            Ok(_) => return Err(client.nonsense("it answers something else than events")),
            Err(ClientError::Silent { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    let (outcome, why) = match checks.missing() {
        0 => (Outcome::Passed, String::new()),
        missing => (Outcome::Failed, format!("{missing} events did not arrive within {} s", PATIENCE.as_secs())),
    };
    Ok(Tested { name, outcome, why, checks: checks.into_lines() })
}

/// Where a process has to be in order to be observed: anywhere, or in a control group. `None` if no new process can
/// be.
fn place_in(scope: &str) -> Option<Option<PathBuf>> {
    match scope.split_once(':') {
        None => Some(None),
        Some(("cgroup", rest)) => {
            let first = rest.split(",cgroup:").next().unwrap_or(rest);
            Some(Some(PathBuf::from(first)))
        }
        Some(_) => None,
    }
}

impl Report {
    /// Whether something was tested, and nothing failed.
    pub(crate) fn passed(&self) -> bool {
        let count = |outcome| self.backends.iter().filter(|tested| tested.outcome == outcome).count();
        count(Outcome::Failed) == 0 && count(Outcome::Passed) > 0
    }

    /// For programs.
    pub(crate) fn json(&self) -> String {
        // Nothing in it can fail to be written.
        serde_json::to_string_pretty(self).map(|text| text + "\n").unwrap_or_default()
    }

    /// For people.
    pub(crate) fn pretty(&self) -> String {
        let mut text = String::new();
        for Tested { name, outcome, why, checks } in &self.backends {
            let word = match outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "FAILED",
                Outcome::Skipped => "not tested",
            };
            let colon = if why.is_empty() { "" } else { ": " };
            text.push_str(&format!("{name}: {word}{colon}{why}\n"));
            for line in checks {
                let seen = if line.seen { "seen    " } else { "MISSING " };
                text.push_str(&format!("  {seen}  {:<8} {}\n", line.event, line.what));
            }
        }
        if !self.backends.iter().any(|tested| tested.outcome != Outcome::Skipped) {
            text.push_str("nothing could be tested\n");
        }
        text
    }
}

/// An error that names what was done to what.
fn failed(what: &str) -> impl FnOnce(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("{what}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_can_be_observed_is_anywhere_or_in_a_control_group() {
        assert_eq!(place_in("host"), Some(None));
        assert_eq!(place_in("cgroup:/a/b,cgroup:/c"), Some(Some("/a/b".into())));
        assert_eq!(place_in("tree:12"), None);
    }

    #[test]
    fn a_report_passes_if_something_was_tested_and_nothing_failed() {
        let tested = |outcome| Tested { name: "kernel", outcome, why: String::new(), checks: Vec::new() };
        let passed =
            |outcomes: &[Outcome]| Report { backends: outcomes.iter().copied().map(tested).collect() }.passed();
        assert!(passed(&[Outcome::Passed, Outcome::Skipped]));
        assert!(!passed(&[Outcome::Passed, Outcome::Failed]));
        assert!(!passed(&[Outcome::Skipped]));
    }
}
