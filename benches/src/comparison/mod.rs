//! `ptrace`: whole programs, natively and under each tool.
//!
//! What a tool adds is its time minus the native time of the same round, and of these differences the median is
//! taken: a disturbance that lasts longer than a round cancels, a shorter one is outvoted.

mod look;

use std::path::Path;

use anyhow::Context as _;
use lapwing_measure::order;
use tempfile::TempDir;

use crate::fixtures;
use crate::machine::Load;
use crate::rounds::{Rounds, Turns};
use crate::run::{self, Spent};
use crate::tools::Lapwing;
use crate::verdict::{self, Measurement};
use crate::way::{Kind, Way};
use crate::workload::Workload;
use lapwing_measure::statistics::Spread;

pub(crate) use look::Look;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) struct Comparison {
    pub(crate) rounds: Rounds,
    /// Rounds after which every way has had every place and every predecessor equally often.
    pub(crate) period: usize,
    pub(crate) ways: Vec<Way>,
    pub(crate) workloads: Vec<Measured>,
    pub(crate) load: Load,
}

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
    pub(crate) name: String,
    pub(crate) look: Look,
    /// By round.
    pub(crate) spent: Vec<Spent>,
}

impl Measured {
    pub(crate) fn cell(&self, kind: Kind) -> Option<&Cell> {
        self.cells.iter().find(|cell| cell.kind == kind)
    }

    /// Seconds.
    pub(crate) fn time(cell: &Cell) -> Spread {
        Spread::of(&cell.spent.iter().map(|spent| spent.wall.as_secs_f64()).collect::<Vec<_>>())
    }

    /// How many times as long as natively a way takes, by what it adds; `None` for what is native.
    pub(crate) fn times_native(&self, cell: &Cell) -> Option<Measurement> {
        let added = self.added(cell)?;
        let rounds = self.cell(Kind::Native)?.spent.iter().take(cell.spent.len());
        let native = Spread::of(&rounds.map(|spent| spent.wall.as_secs_f64()).collect::<Vec<_>>()).median;
        Some(Measurement { value: 1.0 + added.median / native, error: added.error / native })
    }

    /// Seconds beyond the native ones of the same round; `None` for what is native.
    pub(crate) fn added(&self, cell: &Cell) -> Option<Spread> {
        self.differences(cell, |spent| spent.wall.as_secs_f64())
    }

    /// As [`Measured::added`], of processor time.
    pub(crate) fn added_cpu(&self, cell: &Cell) -> Option<Spread> {
        self.differences(cell, |spent| spent.cpu.as_secs_f64())
    }

    fn differences(&self, cell: &Cell, of: impl Fn(&Spent) -> f64) -> Option<Spread> {
        let native = self.cell(Kind::Native).filter(|_| cell.kind != Kind::Native)?;
        let pairs = cell.spent.iter().zip(&native.spent);
        Some(Spread::of(&pairs.map(|(spent, native)| of(spent) - of(native)).collect::<Vec<_>>()))
    }
}

/// Runs every workload in every way.
pub(crate) fn compare(
    lapwing: &Lapwing,
    workloads: &[Workload],
    rounds: Rounds,
    variants: &[String],
) -> anyhow::Result<Comparison> {
    let directory = TempDir::new().context("cannot make a temporary directory")?;
    let ways = Way::all(lapwing, &fixtures::policies()?, variants)?;
    let load = Load::watch();
    let mut measured = Vec::new();
    for workload in workloads {
        measured.push(measure(*workload, &ways, rounds, directory.path())?);
    }
    Ok(Comparison { rounds, period: order::period(ways.len()), ways, workloads: measured, load: load.end() })
}

fn measure(workload: Workload, ways: &[Way], rounds: Rounds, directory: &Path) -> anyhow::Result<Measured> {
    eprintln!("{}: {}", workload.letter(), workload.script());
    // The first round warms up, and is for looking at what must not be looked at while it is timed.
    let mut cells = Vec::new();
    for way in ways {
        let look = look::at(way, workload, directory)?;
        cells.push(Cell { kind: way.kind, name: way.name.clone(), look, spent: Vec::new() });
    }
    let (events, stderr) = (directory.join("events.json"), directory.join("stderr"));
    let mut measured = Measured { workload, cells };
    let bases = [Kind::Native, Kind::Strace].map(|kind| ways.iter().position(|way| way.kind == kind));
    let bases: Vec<usize> = bases.into_iter().flatten().collect();
    let mut turns = Turns::begin(rounds, ways.len());
    while let Some(order) = turns.next(&bases, |way| verdict::is_open(&measured, ways[way].kind)) {
        for index in order {
            let mut command = ways[index].command(workload.script(), &events);
            run::isolate(&mut command, &stderr)?;
            let spent = run::timed(&mut command).with_context(|| look::said(&stderr))?;
            measured.cells[index].spent.push(spent);
            look::remove(&events)?;
        }
        let times = measured.cells.iter().filter(|cell| cell.spent.len() == turns.count()).filter_map(|cell| {
            let spent = cell.spent.last()?;
            Some(format!("{} {:.0} ms", cell.name, spent.wall.as_secs_f64() * 1e3))
        });
        eprintln!("{} {:>2}: {}", workload.letter(), turns.count(), times.collect::<Vec<_>>().join(", "));
    }
    Ok(measured)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::time::Duration;

    use super::*;

    /// A workload with these milliseconds a round under these ways.
    pub(crate) fn measured(workload: Workload, times: &[(Kind, &[u64])]) -> Measured {
        let cells = times.iter().map(|(kind, times)| Cell {
            kind: *kind,
            name: format!("{kind:?}"),
            look: Look::default(),
            spent: times
                .iter()
                .map(|time| Spent { wall: Duration::from_millis(*time), cpu: Duration::from_millis(*time * 2) })
                .collect(),
        });
        Measured { workload, cells: cells.collect() }
    }

    #[test]
    fn added_time_is_the_median_of_differences_within_rounds() {
        // The machine slows down to a half, which a difference of medians would show as 150 ms.
        let measured = measured(
            Workload::Files,
            &[(Kind::Native, &[100, 100, 200, 200, 200]), (Kind::Everything, &[150, 150, 250, 250, 900])],
        );
        let cell = measured.cell(Kind::Everything).unwrap();
        let added = measured.added(cell).unwrap();
        assert!((added.median - 0.05).abs() < 1e-9 && added.mad < 1e-9, "{added:?}");
        assert!((measured.added_cpu(cell).unwrap().median - 0.1).abs() < 1e-9);
        assert!((Measured::time(cell).median - 0.25).abs() < 1e-9);
        assert!(measured.added(measured.cell(Kind::Native).unwrap()).is_none());
    }
}
