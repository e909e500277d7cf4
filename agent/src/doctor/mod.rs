//! `lapwing doctor`: what this machine permits, and what to do about what it does not.
//!
//! What can be tried is tried, on processes of Lapwing's own: a version of the kernel says little about a
//! container's seccomp profile. Every question is put so that "yes" is the good answer, and whatever is not a
//! yes comes with what to do.

mod host;
mod kernel;
mod render;
mod subject;
mod trial;
mod untraced;

use lapwing_kernel::features;
use serde::Serialize;

pub(crate) use subject::be_subject;

/// Everything that was found out.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    version: &'static str,
    system: String,
    /// The backend that `--backend auto` picks, if one works.
    auto: Option<&'static str>,
    reason: String,
    backends: Vec<Backend>,
    checks: Vec<Check>,
}

/// One backend.
#[derive(Debug, Serialize)]
struct Backend {
    name: &'static str,
    works: bool,
    why: String,
}

/// One question and its answer.
#[derive(Debug, Serialize)]
struct Check {
    area: Area,
    name: &'static str,
    state: State,
    /// How that was found, or what it means.
    detail: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Area {
    Ptrace,
    Kernel,
    Environment,
}

/// The answer to a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Yes,
    No,
    Unknown,
    /// Neither good nor bad.
    Note,
}

impl Check {
    fn yes(area: Area, name: &'static str, detail: impl Into<String>) -> Self {
        Self { area, name, state: State::Yes, detail: detail.into(), advice: None }
    }

    fn no(area: Area, name: &'static str, detail: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { area, name, state: State::No, detail: detail.into(), advice: Some(advice.into()) }
    }

    fn unknown(area: Area, name: &'static str, detail: impl Into<String>) -> Self {
        Self { area, name, state: State::Unknown, detail: detail.into(), advice: None }
    }

    fn note(area: Area, name: &'static str, detail: impl Into<String>) -> Self {
        Self { area, name, state: State::Note, detail: detail.into(), advice: None }
    }

    fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }
}

/// Finds everything out.
pub(crate) fn examine() -> Report {
    let features = features::probe();
    let traced = trial::watch();
    let untraced = untraced::watch(&features);
    let ptrace_works = traced.state == State::Yes;
    let ptrace = Backend {
        name: "ptrace",
        works: ptrace_works,
        why: if ptrace_works { "works here" } else { "does not work here: a command could not be watched" }.to_owned(),
    };
    let kernel = kernel::backend(&features, &untraced);
    let mut checks = vec![traced];
    checks.extend(trial::steps());
    checks.extend(host::ptrace(&features));
    checks.push(untraced);
    checks.extend(kernel::checks(&features));
    checks.extend(host::environment());

    let (auto, reason) = pick(kernel.works, ptrace.works);
    Report {
        version: env!("CARGO_PKG_VERSION"),
        system: host::system(),
        auto,
        reason: reason.to_owned(),
        backends: vec![ptrace, kernel],
        checks,
    }
}

/// What `--backend auto` picks, and why.
fn pick(kernel_works: bool, ptrace_works: bool) -> (Option<&'static str>, &'static str) {
    match (kernel_works, ptrace_works) {
        (true, _) => (Some("kernel"), "it works here, and does not stop what it watches"),
        (false, true) => (Some("ptrace"), "it works here, and the kernel backend does not"),
        (false, false) => (None, "neither backend works here"),
    }
}

impl Report {
    /// Whether some backend works.
    pub(crate) fn works(&self) -> bool {
        self.auto.is_some()
    }
}

#[cfg(test)]
mod tests;
