//! What is found out about a way beside its time, in runs that are not timed.
//!
//! Peak memory is read from the tool's own `/proc/PID/status`. `wait4` would tell it too, but of the tool and of
//! everything it has waited for together, and a traced Python is larger than its tracer. The counts come from a
//! run with a summary, which itself takes time and memory.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, ErrorKind};
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use crate::run;
use crate::way::Way;
use crate::workload::Workload;

/// How often memory is looked at. The peak only rises, so all that is missed is its last rise.
const PERIOD: Duration = Duration::from_millis(2);

/// What a way does, apart from taking time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Look {
    /// The tool's own; none where there is no tool.
    pub(crate) peak_kib: Option<u64>,
    /// Lines of Lapwing's JSON.
    pub(crate) events: Option<usize>,
    /// By Lapwing's summary.
    pub(crate) stops: Option<u64>,
    /// What was written to standard error, which should be nothing.
    pub(crate) said: String,
}

pub(super) fn at(way: &Way, workload: Workload, directory: &Path) -> anyhow::Result<Look> {
    let (events, stderr) = (directory.join("events.json"), directory.join("stderr"));
    let mut look = Look::default();
    let mut command = way.command(workload.script(), &events);
    run::isolate(&mut command, &stderr)?;
    run::sampled(&mut command, PERIOD, |pid| {
        if way.program.is_some() {
            look.peak_kib = look.peak_kib.max(run::kib(pid, "VmHWM"));
        }
    })
    .with_context(|| said(&stderr))?;
    look.said = said(&stderr);
    if let Some(mut command) = way.counting_command(workload.script(), &events) {
        look.events = Some(lines(&events)?);
        run::isolate(&mut command, &stderr)?;
        run::timed(&mut command).with_context(|| said(&stderr))?;
        look.stops = stops(&fs::read_to_string(&stderr).unwrap_or_default());
        remove(&events)?;
    }
    Ok(look)
}

/// Removes what was written, so that no later run waits for it to reach the disk.
pub(super) fn remove(events: &Path) -> anyhow::Result<()> {
    match fs::remove_file(events) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", events.display()))
        }
        _ => Ok(()),
    }
}

/// What a run wrote to standard error, shortened.
pub(super) fn said(stderr: &Path) -> String {
    let text = fs::read(stderr).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    text.trim().chars().take(300).collect()
}

fn lines(file: &Path) -> anyhow::Result<usize> {
    let file = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut lines = 0;
    for line in BufReader::new(file).split(b'\n') {
        lines += usize::from(!line?.is_empty());
    }
    Ok(lines)
}

/// The number in "tracing took 0.123 s in 456 stops, …".
fn stops(summary: &str) -> Option<u64> {
    let line = summary.lines().find_map(|line| line.strip_prefix("tracing took "))?;
    let (_, rest) = line.split_once(" in ")?;
    rest.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_are_read_from_a_summary() {
        let summary = "\n12 events of 3 processes in 0.010 s\ntracing took 0.002 s in 345 stops, 5.7 µs each\n";
        assert_eq!(stops(summary), Some(345));
        assert_eq!(stops("tracing took 0.002 s in 1 stop, 5.7 µs each"), Some(1));
        assert_eq!(stops("12 events of 3 processes in 0.010 s"), None);
    }
}
