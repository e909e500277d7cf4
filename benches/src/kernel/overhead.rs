//! Whole programs under the kernel backend and under bpftrace: what each adds to them while they run, and how
//! long it takes before and after.

use std::ffi::OsString;
use std::fs;
use std::time::Duration;

use anyhow::Context as _;
use nix::time::ClockId;

use super::clock::{self, Lap};
use super::files::{Files, Seen};
use super::look::{self, Look};
use super::verdict;
use super::way::{Kind, Way};
use crate::rounds::{Rounds, Turns};
use crate::run;
use crate::verdict::Measurement;
use crate::workload::Workload;
use lapwing_measure::statistics::Spread;

/// One workload under every way.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) workload: Workload,
    pub(crate) cells: Vec<Cell>,
}

/// One workload under one way.
#[derive(Debug)]
pub(crate) struct Cell {
    pub(crate) kind: Kind,
    pub(crate) name: &'static str,
    pub(crate) look: Look,
    /// By round.
    pub(crate) times: Vec<Times>,
    /// Numbers of events that rounds had.
    pub(crate) fewest: u64,
    pub(crate) most: u64,
    /// What was lost, in any round.
    pub(crate) losses: Vec<String>,
}

/// A run, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Times {
    /// From before the start of the tool until that of the workload.
    pub(crate) before: f64,
    /// The workload itself.
    pub(crate) inside: f64,
    /// From the end of the workload until the tool has been reaped.
    pub(crate) after: f64,
    /// Processor time of the workload, the kernel's on its behalf included.
    pub(crate) workload_cpu: f64,
    /// All other processor time: the tool's, and the clock's.
    pub(crate) tool_cpu: f64,
}

impl Measured {
    pub(crate) fn cell(&self, kind: Kind) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.kind == kind)
    }

    /// How many times as long as natively the workload itself takes, by what a way adds; `None` for what is native.
    pub(crate) fn times_native(&self, cell: &Cell) -> Option<Measurement> {
        let inside = |times: &Times| times.inside;
        let added = self.added(cell, inside)?;
        let rounds = self.cell(Kind::Native)?.times.iter().take(cell.times.len());
        let native = Spread::of(&rounds.map(inside).collect::<Vec<_>>()).median;
        Some(Measurement { value: 1.0 + added.median / native, error: added.error / native })
    }

    /// What a way adds to some time of the native run of the same round; `None` for what is native.
    pub(crate) fn added(&self, cell: &Cell, of: impl Fn(&Times) -> f64) -> Option<Spread> {
        let native = self.cell(Kind::Native).filter(|_| cell.kind != Kind::Native)?;
        let pairs = cell.times.iter().zip(&native.times);
        Some(Spread::of(&pairs.map(|(times, native)| of(times) - of(native)).collect::<Vec<_>>()))
    }
}

impl Cell {
    pub(crate) fn spread(&self, of: impl Fn(&Times) -> f64) -> Spread {
        Spread::of(&self.times.iter().map(of).collect::<Vec<_>>())
    }

    fn count(&mut self, seen: &Seen) {
        self.fewest = self.fewest.min(seen.total());
        self.most = self.most.max(seen.total());
        self.losses.extend(seen.losses.iter().cloned());
    }
}

/// Runs a workload in every way, in balanced orders.
pub(super) fn measure(workload: Workload, ways: &[Way], rounds: Rounds, files: &Files) -> anyhow::Result<Measured> {
    let letter = workload.letter();
    eprintln!("{letter}: {}", workload.script());
    fs::write(&files.script, workload.script()).context("cannot write a script")?;
    let inner = inner(files)?;
    // The first round warms up, and is for looking at what must not be looked at while it is timed.
    let mut cells = Vec::new();
    for way in ways {
        let look = look::at(way, &inner, files)?;
        let losses = look.seen.losses.clone();
        let cell = Cell { kind: way.kind, name: way.name, look, times: Vec::new(), fewest: u64::MAX, most: 0, losses };
        cells.push(cell);
    }
    let mut measured = Measured { workload, cells };
    let bases: Vec<usize> = ways.iter().position(|way| way.kind == Kind::Native).into_iter().collect();
    let mut turns = Turns::begin(rounds, ways.len());
    while let Some(order) = turns.next(&bases, |way| verdict::is_open(&measured, ways[way].kind)) {
        for index in order {
            let times = once(&ways[index], &inner, files)?;
            let cell = &mut measured.cells[index];
            cell.times.push(times);
            cell.count(&files.seen(ways[index].kind)?);
            files.remove_events()?;
        }
        let taking = measured.cells.iter().filter(|cell| cell.times.len() == turns.count());
        let last = taking.filter_map(|cell| Some((cell.name, cell.times.last()?)));
        let texts: Vec<_> = last.map(|(name, times)| format!("{name} {:.0} ms", times.inside * 1e3)).collect();
        eprintln!("{letter} {:>2}: {}", turns.count(), texts.join(", "));
    }
    Ok(measured)
}

/// The workload, by the clock.
pub(super) fn inner(files: &Files) -> anyhow::Result<Vec<OsString>> {
    let own = std::env::current_exe().context("cannot find myself")?;
    let words = [own.as_os_str(), "clock".as_ref(), "--into".as_ref(), files.lap.as_os_str(), "--".as_ref()];
    Ok(words.into_iter().chain(["/bin/sh".as_ref(), files.script.as_os_str()]).map(OsString::from).collect())
}

fn once(way: &Way, inner: &[OsString], files: &Files) -> anyhow::Result<Times> {
    let mut command = way.command(inner, files)?;
    let begun = clock::now(ClockId::CLOCK_MONOTONIC);
    let spent = run::timed(&mut command).with_context(|| files.said())?;
    let whole = spent.wall.as_secs_f64();
    let lap = Lap::read(&files.lap)?;
    let before = seconds(lap.begun.saturating_sub(begun));
    let inside = seconds(lap.ended.saturating_sub(lap.begun));
    let workload_cpu = seconds(lap.cpu);
    let tool_cpu = spent.cpu.as_secs_f64() - workload_cpu;
    Ok(Times { before, inside, after: whole - before - inside, workload_cpu, tool_cpu })
}

fn seconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A workload with these milliseconds a round under these ways.
    pub(crate) fn measured(workload: Workload, times: &[(Kind, &[f64])]) -> Measured {
        let cells = times.iter().map(|(kind, times)| Cell {
            kind: *kind,
            name: "x",
            look: Look::default(),
            times: times.iter().map(|inside| Times { inside: inside / 1e3, ..Times::default() }).collect(),
            fewest: 0,
            most: 0,
            losses: Vec::new(),
        });
        Measured { workload, cells: cells.collect() }
    }

    #[test]
    fn what_is_added_is_the_difference_within_rounds() {
        let measured = measured(Workload::Exec, &[(Kind::Native, &[100.0, 200.0]), (Kind::Kernel, &[110.0, 210.0])]);
        let kernel = measured.cell(Kind::Kernel).unwrap();
        let added = measured.added(kernel, |times| times.inside).unwrap();
        assert!((added.median - 0.01).abs() < 1e-9 && added.mad < 1e-9, "{added:?}");
        assert!((kernel.spread(|times| times.inside).median - 0.16).abs() < 1e-9);
        assert!(measured.added(measured.cell(Kind::Native).unwrap(), |times| times.inside).is_none());
    }

    #[test]
    fn a_native_run_is_all_inside() {
        let files = Files::new().unwrap();
        let inner: Vec<OsString> = ["/bin/sh", "-c", "printf '5 9 2' > \"$0\""].map(OsString::from).to_vec();
        let inner = [inner, vec![files.lap.clone().into_os_string()]].concat();
        let times = once(&Way::native(), &inner, &files).unwrap();
        assert!((times.inside - 4e-9).abs() < 1e-12 && (times.workload_cpu - 2e-9).abs() < 1e-12, "{times:?}");
    }
}
