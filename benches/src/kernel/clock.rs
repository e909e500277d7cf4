//! How long the workload itself takes, told by the first program that a tool starts.
//!
//! A tool that loads programs into the kernel needs a while before the workload begins, and some time after
//! it. Seen from outside all of it is one number. So under every tool, and under none, a workload is run by
//! this clock, which writes down when it began and ended, by the machine's own clock.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use nix::time::{ClockId, clock_gettime};

use crate::run;

/// When something ran, in nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lap {
    pub(crate) begun: u64,
    pub(crate) ended: u64,
    /// Processor time meanwhile, in nanoseconds.
    pub(crate) cpu: u64,
}

impl Lap {
    pub(super) fn write(self, into: &Path) -> anyhow::Result<()> {
        let Self { begun, ended, cpu } = self;
        fs::write(into, format!("{begun} {ended} {cpu}")).with_context(|| format!("cannot write {}", into.display()))
    }

    pub(super) fn read(from: &Path) -> anyhow::Result<Self> {
        let text = fs::read_to_string(from).with_context(|| format!("cannot read {}", from.display()))?;
        let numbers: Result<Vec<u64>, _> = text.split(' ').map(str::parse).collect();
        match numbers.as_deref() {
            Ok([begun, ended, cpu]) => Ok(Self { begun: *begun, ended: *ended, cpu: *cpu }),
            _ => anyhow::bail!("{} is not what the clock writes: {text}", from.display()),
        }
    }
}

/// Runs a command and writes to a file when it ran.
pub(crate) fn run(command: &[String], into: &Path) -> anyhow::Result<()> {
    let (program, arguments) = command.split_first().context("nothing to run")?;
    let begun = now(ClockId::CLOCK_MONOTONIC);
    let spent = run::timed(Command::new(program).args(arguments))?;
    let ended = now(ClockId::CLOCK_MONOTONIC);
    Lap { begun, ended, cpu: u64::try_from(spent.cpu.as_nanos())? }.write(into)
}

/// A clock's reading in nanoseconds; 0 if there is no such clock.
pub(super) fn now(clock: ClockId) -> u64 {
    let Ok(time) = clock_gettime(clock) else { return 0 };
    let part = |value| u64::try_from(value).unwrap_or(0);
    part(time.tv_sec()) * 1_000_000_000 + part(time.tv_nsec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lap_is_within_the_time_in_which_it_was_run() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("lap");
        let before = now(ClockId::CLOCK_MONOTONIC);
        run(&["/bin/sh".to_owned(), "-c".to_owned(), ":".to_owned()], &file).unwrap();
        let lap = Lap::read(&file).unwrap();
        assert!(before <= lap.begun && lap.begun < lap.ended && lap.ended <= now(ClockId::CLOCK_MONOTONIC), "{lap:?}");
        assert!(run(&["/bin/false".to_owned()], &file).is_err());
        assert!(run(&[], &file).is_err());
    }

    #[test]
    fn a_torn_file_is_no_lap() {
        let directory = tempfile::TempDir::new().unwrap();
        let file = directory.path().join("lap");
        fs::write(&file, "1 2").unwrap();
        assert!(Lap::read(&file).is_err());
        let lap = Lap { begun: 1, ended: 2, cpu: 3 };
        lap.write(&file).unwrap();
        assert_eq!(Lap::read(&file).unwrap(), lap);
    }
}
