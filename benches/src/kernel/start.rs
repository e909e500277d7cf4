//! How long it takes until the first event of a command is there.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

use super::files::Files;
use crate::run;
use crate::tools::Lapwing;
use lapwing_measure::statistics::Spread;

/// Starts of Lapwing, in seconds, from before its start.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    /// Until the first event was written.
    pub(crate) first_event: Spread,
    /// Until Lapwing had been reaped.
    pub(crate) end: Spread,
    /// Processor time, most of it the kernel's, which checks the programs.
    pub(crate) cpu: Spread,
}

/// Starts Lapwing this often, with a command that does nothing.
pub(super) fn measure(lapwing: &Lapwing, rounds: u16, files: &Files) -> anyhow::Result<Start> {
    let mut all = Vec::new();
    for round in 0..=rounds {
        let times = once(lapwing, files)?;
        // One warms up.
        if round > 0 {
            eprintln!("start {round:>2}/{rounds}: first event after {:.0} ms", times[0] * 1e3);
            all.push(times);
        }
    }
    let spread = |index: usize| Spread::of(&all.iter().map(|times| times[index]).collect::<Vec<_>>());
    Ok(Start { first_event: spread(0), end: spread(1), cpu: spread(2) })
}

fn once(lapwing: &Lapwing, files: &Files) -> anyhow::Result<[f64; 3]> {
    let mut command = Command::new(&lapwing.binary);
    command.args(["run", "--backend", "kernel", "--summary", "never", "--format", "json", "--", "/bin/true"]);
    run::isolate(&mut command, &files.stderr)?;
    // Where events go that have no file of their own.
    command.stderr(Stdio::piped());
    let begun = Instant::now();
    let (spent, first) = run::timed_with(&mut command, |child| {
        let mut reader = BufReader::new(child.stderr.take().context("no pipe")?);
        let mut line = String::new();
        while !line.starts_with('{') {
            line.clear();
            anyhow::ensure!(reader.read_line(&mut line)? > 0, "no event");
        }
        let first = begun.elapsed();
        reader.read_to_end(&mut Vec::new())?;
        Ok(first)
    })?;
    Ok([first.as_secs_f64(), spent.wall.as_secs_f64(), spent.cpu.as_secs_f64()])
}
