//! Where events end that rules are about: what a backend leaves out at each stage, and what is left to try rules on.
//! One run under each backend; nothing is timed.

use std::fs;
use std::process::Command;

use anyhow::Context as _;
use serde_json::Value;
use tempfile::TempDir;

use crate::fixtures;
use crate::report::Report;
use crate::run;
use crate::table::Table;
use crate::tools::Lapwing;
use crate::workload::Workload;

/// What is counted, in the order in which events come to it.
const STAGES: [&str; 5] = ["unasked", "rejected", "discarded", "evaluated", "matched"];

/// What one backend counted, or why it did not.
#[derive(Debug)]
pub(crate) struct Counted {
    backend: &'static str,
    counts: Result<[Option<u64>; 5], String>,
}

/// Runs the workload of files by each backend.
pub(crate) fn measure(lapwing: &Lapwing) -> anyhow::Result<Vec<Counted>> {
    ["ptrace", "kernel"].into_iter().map(|backend| run_once(lapwing, backend)).collect()
}

fn run_once(lapwing: &Lapwing, backend: &'static str) -> anyhow::Result<Counted> {
    let directory = TempDir::new().context("cannot make a temporary directory")?;
    let [counters, stderr] = ["counters", "stderr"].map(|name| directory.path().join(name));
    let mut command = Command::new(&lapwing.binary);
    command.args(["run", "--quiet", "--backend", backend, "--policies"]).arg(fixtures::policies()?);
    command.arg("--counters").arg(&counters).args(["--", "/bin/sh", "-c", Workload::Files.script()]);
    run::isolate(&mut command, &stderr)?;
    let counts = match run::timed(&mut command) {
        Ok(_) => Ok(counts(&fs::read_to_string(&counters)?)?),
        Err(error) => Err(format!("{error:#}: {}", fs::read_to_string(&stderr).unwrap_or_default().trim())),
    };
    Ok(Counted { backend, counts })
}

fn counts(text: &str) -> anyhow::Result<[Option<u64>; 5]> {
    let counters: Value = serde_json::from_str(text).context("the counters are no JSON")?;
    Ok(STAGES.map(|stage| counters["filters"][stage].as_u64()))
}

/// Adds the section.
pub(crate) fn add(report: &mut Report, counted: &[Counted]) {
    let mut table = Table::new(["backend", "unasked", "rejected", "discarded", "evaluated", "matched"]);
    let mut absent = String::new();
    for Counted { backend, counts } in counted {
        match counts {
            Ok(counts) => table.row(std::iter::once((*backend).to_owned()).chain(shares(counts))),
            Err(why) => absent.push_str(&format!("Not measured: {backend}: {why}\n\n")),
        }
    }
    let method = "F once under each backend with the 300 rules of `benches/src/policies.rs`, none of which matches. \
        *Unasked* are calls whose arguments make no event that a rule asks for (ptrace: the system call filter lets them \
        by, and nobody counts them), *rejected* events without a name or flag that a rule asks for, *discarded* those \
        about files under whose paths no rule can match; rules are tried on what is left.";
    report.section("Where events end, of F with 300 rules", method.to_owned(), format!("{absent}{table}"));
}

/// Counts with their share of all that came to any stage; what matches has been evaluated before.
fn shares(counts: &[Option<u64>; 5]) -> impl Iterator<Item = String> {
    let all: u64 = counts[..4].iter().flatten().sum();
    let shown = counts.map(move |count| match count {
        Some(count) => format!("{count} ({:.1} %)", 100.0 * count as f64 / all.max(1) as f64),
        None => "–".to_owned(),
    });
    shown.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_everything_that_came_to_a_stage() {
        let text = r#"{"filters": {"unasked": null, "rejected": 30, "discarded": 60, "evaluated": 10, "matched": 5}}"#;
        let shown: Vec<_> = shares(&counts(text).unwrap()).collect();
        assert_eq!(shown, ["–", "30 (30.0 %)", "60 (60.0 %)", "10 (10.0 %)", "5 (5.0 %)"]);
        assert!(counts("no").is_err());
    }
}
