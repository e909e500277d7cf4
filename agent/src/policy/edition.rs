//! Policies as the agent puts them to work: read once, and compiled for each backend that may feed the rules.
//!
//! Reading and compiling take their time, so that this happens beside the loop, and what comes of it is handed over
//! whole.

use std::path::{Path, PathBuf};

use lapwing_common::event::Origin;
use lapwing_common::rules::Feed;
use lapwing_common::rules::policy::{Loaded, PolicySource, Report, Severity};
use lapwing_proto::control::v1::{Problem, RuleStatus};

use super::{Policies, PolicyError};

/// The policy of `lapwing self-test`, which is always there and shown to nobody else.
pub(crate) const SELF_TEST: &str = "self-test";

/// Compiled policies.
#[derive(Debug)]
pub(crate) struct Edition {
    pub(crate) path: PathBuf,
    pub(crate) sets: Vec<(Origin, Loaded)>,
    /// What is wrong with them, for people.
    pub(crate) rendered: String,
}

impl Edition {
    /// Reads and compiles policies for these backends.
    pub(crate) fn load(path: &Path, origins: &[Origin]) -> Result<Self, PolicyError> {
        let mut policies = Policies::read(path)?;
        let text = include_str!("self_test.policy").to_owned();
        policies.sources.push(PolicySource { name: SELF_TEST.to_owned(), text });
        let load = |origin: &Origin| (*origin, policies.load(Feed::Backend(*origin), None));
        let sets: Vec<_> = origins.iter().map(load).collect();
        let is_written = |loaded: &Loaded| loaded.rules.rules().iter().any(|rule| rule.policy != SELF_TEST);
        if !sets.iter().any(|(_, loaded)| is_written(loaded)) {
            return Err(PolicyError::NoRules(path.to_owned()));
        }
        let rendered = sets.first().map(|(_, loaded)| policies.render(loaded)).unwrap_or_default();
        Ok(Self { path: path.to_owned(), sets, rendered })
    }

    /// What became of each rule, once for all backends for which that is the same.
    pub(crate) fn written(&self) -> Vec<RuleStatus> {
        let each = self.sets.iter().map(|(origin, loaded)| {
            let rows = loaded.statuses.iter().filter(|status| status.policy != SELF_TEST);
            let row = |status: &lapwing_common::rules::policy::Status| RuleStatus {
                policy: status.policy.clone(),
                id: status.rule.clone(),
                state: status.state.to_owned(),
                reason: status.reason.clone(),
                backends: Vec::new(),
            };
            (*origin, rows.map(row).collect())
        });
        together(each, self.sets.len(), |row| &mut row.backends)
    }

    /// What is wrong, likewise.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let each = self.sets.iter().map(|(origin, loaded)| (*origin, loaded.reports.iter().map(problem).collect()));
        together(each, self.sets.len(), |row| &mut row.backends)
    }
}

fn problem(report: &Report) -> Problem {
    let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    Problem {
        severity: if report.fault.severity() == Severity::Error { "error" } else { "warning" }.to_owned(),
        policy: report.policy.clone(),
        rule: report.rule.clone(),
        line: size(report.place.line),
        column: size(report.place.column),
        message: report.fault.to_string(),
        hint: report.fault.hint().unwrap_or_default(),
        backends: Vec::new(),
    }
}

/// Puts rows together that are the same for several backends, and names the backends where not all have a row.
fn together<T: Clone + PartialEq>(
    sets: impl Iterator<Item = (Origin, Vec<T>)>,
    count: usize,
    backends: fn(&mut T) -> &mut Vec<String>,
) -> Vec<T> {
    let mut rows: Vec<(T, Vec<String>)> = Vec::new();
    for (origin, set) in sets {
        for row in set {
            let name = origin.name().to_owned();
            match rows.iter_mut().find(|(known, _)| *known == row) {
                Some((_, names)) => names.push(name),
                None => rows.push((row, vec![name])),
            }
        }
    }
    let named = |(mut row, names): (T, Vec<String>)| {
        if names.len() < count {
            *backends(&mut row) = names;
        }
        row
    };
    rows.into_iter().map(named).collect()
}
