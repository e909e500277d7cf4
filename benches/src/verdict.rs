//! What is promised, and whether these measurements keep it.

use std::fmt;

use crate::comparison::{Comparison, Measured};
use crate::memory::Memory;
use crate::way::Kind;
use crate::workload::Workload;

/// A promise beside what was measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) promise: String,
    /// Not-a-number if it was not measured.
    pub(crate) measured: f64,
    pub(crate) limit: f64,
    pub(crate) unit: &'static str,
    pub(crate) verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// Why nothing is said.
    Open(&'static str),
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Met => f.write_str("met"),
            Self::Missed => f.write_str("**missed**"),
            Self::Open(reason) => write!(f, "not judged: {reason}"),
        }
    }
}

/// What Lapwing may add at most of what strace adds.
fn share_of_strace(workload: Workload) -> f64 {
    match workload {
        Workload::Files => 0.5,
        Workload::Exec | Workload::Python => 0.7,
    }
}

/// Times native that exec and exit may take on F.
const EXEC_EXIT_LIMIT: f64 = 1.03;
const PEAK_LIMIT_MIB: f64 = 64.0;
/// Over the second half. Of 100,000 processes ten bytes each would be as much, and nothing that is kept of a
/// process is as small; a page that is touched late is no growth.
const GROWTH_LIMIT_MIB: f64 = 1.0;

/// The promises about time.
pub(crate) fn of_times(comparison: &Comparison) -> Vec<Target> {
    let busy = comparison.load.objection().is_some();
    let mut targets = Vec::new();
    for workload in Workload::ALL {
        let measured = comparison.workloads.iter().find(|measured| measured.workload == workload);
        let ratio = |kind, to| measured.map_or(f64::NAN, |measured| added_ratio(measured, kind, to));
        let letter = workload.letter();
        targets.push(target(
            format!("{letter}: Lapwing with all events adds at most this part of what strace adds"),
            ratio(Kind::Everything, Kind::Strace),
            share_of_strace(workload),
        ));
        if workload == Workload::Files {
            targets.push(target(
                format!("{letter}: with `--type exec,exit` takes at most this many times as long as natively"),
                measured.map_or(f64::NAN, times_native),
                EXEC_EXIT_LIMIT,
            ));
        }
        let mut less = target(
            format!("{letter}: with `--type exec` adds less than tracexec, as a part of what that adds"),
            ratio(Kind::Exec, Kind::Tracexec),
            1.0,
        );
        if less.measured == less.limit {
            less.verdict = Verdict::Missed;
        }
        targets.push(less);
    }
    for target in &mut targets {
        if busy && !target.measured.is_nan() {
            target.verdict = Verdict::Open("the machine was busy");
        }
    }
    targets
}

/// The promises about memory, which a busy machine does not change.
pub(crate) fn of_memory(memory: &Memory) -> Vec<Target> {
    let unit = |target| Target { unit: " MiB", ..target };
    vec![
        unit(target("Peak of Lapwing's memory".to_owned(), memory.peak_kib as f64 / 1024.0, PEAK_LIMIT_MIB)),
        unit(target(
            "Growth over the second half of the processes".to_owned(),
            memory.second_half_growth_kib() / 1024.0,
            GROWTH_LIMIT_MIB,
        )),
    ]
}

fn target(promise: String, measured: f64, limit: f64) -> Target {
    let verdict = match measured {
        measured if measured.is_nan() => Verdict::Open("not measured"),
        measured if measured <= limit => Verdict::Met,
        _ => Verdict::Missed,
    };
    Target { promise, measured, limit, unit: "", verdict }
}

/// What one way adds as a part of what another does; not-a-number if there is nothing to compare with.
pub(crate) fn added_ratio(measured: &Measured, kind: Kind, to: Kind) -> f64 {
    let added = |kind| measured.cell(kind).and_then(|cell| measured.added(cell)).map(|added| added.median);
    match (added(kind), added(to)) {
        (Some(ours), Some(theirs)) if theirs > 0.0 => ours / theirs,
        _ => f64::NAN,
    }
}

fn times_native(measured: &Measured) -> f64 {
    let cell = |kind| measured.cell(kind);
    match (cell(Kind::Native), cell(Kind::ExecExit)) {
        (Some(native), Some(ours)) => {
            let added = measured.added(ours).map_or(f64::NAN, |added| added.median);
            1.0 + added / Measured::time(native).median
        }
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::comparison::tests::measured;
    use crate::machine::Load;

    const QUIET: Load = Load { start: 0.1, end: 2.0, cores: 2, others: 0.0 };

    fn judged(workloads: Vec<Measured>, load: Load) -> Vec<Target> {
        of_times(&Comparison { rounds: 3, period: 6, ways: Vec::new(), workloads, load })
    }

    fn files(times: [u64; 6]) -> Measured {
        let [native, everything, exec_exit, strace, exec, tracexec] = times.map(|time| [time; 3]);
        measured(
            Workload::Files,
            &[
                (Kind::Native, &native),
                (Kind::Everything, &everything),
                (Kind::ExecExit, &exec_exit),
                (Kind::Strace, &strace),
                (Kind::Exec, &exec),
                (Kind::Tracexec, &tracexec),
            ],
        )
    }

    fn of_files(targets: &[Target]) -> Vec<(i64, Verdict)> {
        let thousandths = |value: f64| format!("{:.0}", value * 1000.0).parse().unwrap_or(-1);
        targets[..3].iter().map(|target| (thousandths(target.measured), target.verdict.clone())).collect()
    }

    #[test]
    fn promises_that_are_kept() {
        let targets = judged(vec![files([1000, 1050, 1030, 1100, 1003, 1004])], QUIET);
        assert_eq!(of_files(&targets), [(500, Verdict::Met), (1030, Verdict::Met), (750, Verdict::Met)]);
        assert!(targets[3..].iter().all(|target| target.verdict == Verdict::Open("not measured")));
        assert_eq!(targets.len(), 7);
    }

    #[test]
    fn promises_that_are_broken() {
        let targets = judged(vec![files([1000, 1051, 1031, 1100, 1004, 1004])], QUIET);
        assert_eq!(of_files(&targets), [(510, Verdict::Missed), (1031, Verdict::Missed), (1000, Verdict::Missed)]);
    }

    #[test]
    fn a_peer_that_adds_nothing_proves_nothing() {
        let targets = judged(vec![files([1000, 1051, 1031, 1000, 1004, 999])], QUIET);
        assert_eq!(targets[0].verdict, Verdict::Open("not measured"));
        assert_eq!(targets[2].verdict, Verdict::Open("not measured"));
    }

    #[test]
    fn nothing_is_concluded_on_a_busy_machine() {
        let targets = judged(vec![files([1000, 1050, 1030, 1100, 1003, 1004])], Load { start: 9.0, ..QUIET });
        let busy = Verdict::Open("the machine was busy");
        assert_eq!(of_files(&targets), [(500, busy.clone()), (1030, busy.clone()), (750, busy)]);
        assert!(targets[3..].iter().all(|target| target.verdict == Verdict::Open("not measured")));
    }

    #[test]
    fn limits_of_exec_and_python_are_wider() {
        for workload in [Workload::Exec, Workload::Python] {
            let times = [[100_u64; 3], [170; 3], [200; 3]];
            let measured = measured(
                workload,
                &[(Kind::Native, &times[0]), (Kind::Everything, &times[1]), (Kind::Strace, &times[2])],
            );
            let targets = judged(vec![measured], QUIET);
            let first = targets.iter().find(|target| target.promise.starts_with(workload.letter())).unwrap();
            assert_eq!((first.limit, &first.verdict), (0.7, &Verdict::Met));
        }
    }

    #[test]
    fn memory_is_judged_by_its_peak_and_by_its_growth() {
        let verdicts = |peak_kib, growth: u64| {
            let samples = (0..=20_u32).map(|step| (step * 1000, 10_000 + growth * u64::from(step) / 20));
            let memory = Memory { processes: 20_000, peak_kib, samples: samples.collect(), ..Memory::default() };
            of_memory(&memory).into_iter().map(|target| target.verdict).collect::<Vec<_>>()
        };
        assert_eq!(verdicts(64 * 1024, 2000), [Verdict::Met, Verdict::Met]);
        assert_eq!(verdicts(64 * 1024 + 1, 2100), [Verdict::Missed, Verdict::Missed]);
    }
}
