//! `kernel`: what the kernel backend costs, beside bpftrace with a script of the same purpose.
//!
//! Unlike a ptracer it delays nothing by waiting for itself, but it has programs to load before it begins, and
//! every call of every process on the machine passes one of them. So times before, during and after a workload
//! are told apart, and calls are timed that nobody asks about.

pub(crate) mod calls;
pub(crate) mod clock;
mod discarded;
mod files;
mod look;
mod overhead;
mod report;
mod start;
mod verdict;
mod way;

use anyhow::ensure;

use crate::fixtures;
use crate::floor::Points;
use crate::machine::Load;
use crate::rounds::Rounds;
use crate::tools::Lapwing;
use crate::workload::Workload;
use lapwing_measure::order;

use calls::{Calls, Place};
use discarded::Discarded;
use files::Files;
use overhead::Measured;
use start::Start;
use way::{Absence, Kind, Way};

pub(crate) use report::add;

/// Everything that was measured.
#[derive(Debug)]
pub(crate) enum Kernel {
    /// Why the kernel backend does not work here.
    Absent(Absence),
    Costs(Box<Costs>),
}

/// What it costs.
#[derive(Debug)]
pub(crate) struct Costs {
    rounds: Rounds,
    /// Rounds after which every way has had every place and every predecessor equally often.
    period: usize,
    ways: Vec<Way>,
    /// Why bpftrace is not among the ways, if so.
    without_bpftrace: Option<Absence>,
    workloads: Vec<Measured>,
    calls: Vec<Calls>,
    calls_each: u32,
    start: Start,
    discarded: Option<Discarded>,
    load: Load,
}

/// Measures the kernel backend. `calls` is how many calls are timed at once.
pub(crate) fn measure(lapwing: &Lapwing, workloads: &[Workload], rounds: Rounds, calls: u32) -> anyhow::Result<Kernel> {
    let files = Files::new()?;
    let kernel = Way::lapwing(lapwing, Kind::Kernel);
    if let Err(absence) = kernel.works(&files)? {
        return Ok(Kernel::Absent(absence));
    }
    ensure!(calls > 0, "no calls to time");
    let (bpftrace, without_bpftrace) = match Way::bpftrace(&files)? {
        Ok(way) => (Some(way), None),
        Err(absence) => (None, Some(absence)),
    };
    let rules = Way::with_rules(lapwing, &fixtures::policies()?);
    let mut ways = vec![Way::native(), kernel.clone(), rules, Way::lapwing(lapwing, Kind::Ptrace)];
    ways.extend([Way::floor(Points::Both)?, Way::floor(Points::Exits)?]);
    ways.extend(bpftrace.clone());
    let place = |way: &Way, watched| Place { way: way.clone(), watched };
    let mut places = vec![
        place(&ways[0], true),
        place(&kernel, true),
        place(&Way::lapwing(lapwing, Kind::KernelExecExit), true),
        place(&kernel, false),
        place(&Way::floor(Points::Both)?, true),
        place(&Way::floor(Points::Exits)?, true),
    ];
    places.extend(bpftrace.iter().flat_map(|way| [place(way, true), place(way, false)]));
    let load = Load::watch();
    let mut measured = Vec::new();
    for workload in workloads {
        measured.push(overhead::measure(*workload, &ways, rounds, &files)?);
    }
    Ok(Kernel::Costs(Box::new(Costs {
        rounds,
        period: order::period(ways.len()),
        ways,
        without_bpftrace,
        workloads: measured,
        calls: calls::measure(places, calls, rounds.least, &files)?,
        calls_each: calls,
        start: start::measure(lapwing, rounds.least, &files)?,
        discarded: workloads.contains(&Workload::Files).then(|| discarded::measure(rounds, &files)).transpose()?,
        load: load.end(),
    })))
}
