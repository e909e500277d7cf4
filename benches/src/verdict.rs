//! What is promised, and whether these measurements keep it.

use std::fmt;

use crate::comparison::{Comparison, Measured};
use crate::machine::Load;
use crate::memory::Memory;
use crate::memory::agent::AgentMemory;
use crate::way::Kind;
use crate::workload::Workload;

/// A promise beside what was measured.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Target {
    pub(crate) promise: String,
    pub(crate) measured: Measurement,
    pub(crate) limit: f64,
    pub(crate) sense: Sense,
    pub(crate) unit: &'static str,
    pub(crate) verdict: Verdict,
    /// What cannot be done better whatever Lapwing does, as measured in the same run.
    pub(crate) floor: Option<Measurement>,
}

/// On which side of the limit is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    AtMost,
    AtLeast,
}

/// A value, and by how much it may be off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measurement {
    /// Not-a-number if it was not measured.
    pub(crate) value: f64,
    pub(crate) error: f64,
}

impl Measurement {
    pub(crate) const NONE: Self = Self { value: f64::NAN, error: f64::NAN };

    /// Whether a limit is more than two standard errors away.
    fn is_beside(self, limit: f64) -> bool {
        (self.value - limit).abs() > 2.0 * self.error
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// Why nothing is said.
    Open(&'static str),
}

impl Target {
    /// The verdict, and how far from the limit one is without Lapwing, if it is not met.
    pub(crate) fn judgement(&self) -> String {
        match self.floor.filter(|floor| self.verdict != Verdict::Met && !floor.value.is_nan()) {
            Some(Measurement { value, error }) => {
                format!("{}; with one that does nothing: {value:.3} ± {error:.3}{}", self.verdict, self.unit)
            }
            None => self.verdict.to_string(),
        }
    }
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

/// What Lapwing may add at most of what strace adds, with all events and with 300 rules.
fn share_of_strace(workload: Workload, kind: Kind) -> f64 {
    match (workload, kind) {
        (Workload::Files, Kind::Rules) => 0.10,
        (Workload::Python, Kind::Rules) => 0.20,
        (Workload::Files, _) => 0.35,
        _ => 0.50,
    }
}

/// Standard errors below which nothing is measured again: of parts of what strace adds, and of times native. Verdicts ask
/// for less.
pub(crate) const ENOUGH_OF_STRACE: f64 = 0.05;
pub(crate) const ENOUGH_OF_NATIVE: f64 = 0.012;

/// Times native that exec and exit may take on F.
const EXEC_EXIT_LIMIT: f64 = 1.03;
const PEAK_LIMIT_MIB: f64 = 64.0;
/// Over the second half. Of 100,000 processes ten bytes each would be as much, and nothing that is kept of a
/// process is as small; a page that is touched late is no growth.
const GROWTH_LIMIT_MIB: f64 = 1.0;
/// An agent's, rings included.
const IDLE_LIMIT_MIB: f64 = 25.0;
/// With 10,000 processes.
const CROWDED_LIMIT_MIB: f64 = 60.0;

/// The promises about time.
pub(crate) fn of_times(comparison: &Comparison) -> Vec<Target> {
    let mut targets = Vec::new();
    for workload in Workload::PROMISED {
        let measured = comparison.workloads.iter().find(|measured| measured.workload == workload);
        let part = |kind, of| measured.and_then(|measured| added_part(measured, kind, of)).unwrap_or(Measurement::NONE);
        let letter = workload.letter();
        for (kind, what) in [(Kind::Everything, "all events"), (Kind::Rules, "300 rules")] {
            let promise = format!("{letter}: Lapwing with {what} adds at most this part of what strace adds");
            let floor = floor(kind).map(|floor| part(floor, Kind::Strace));
            let target = target(promise, part(kind, Kind::Strace), (0.0, share_of_strace(workload, kind)));
            targets.push(Target { floor, ..target });
        }
        if workload == Workload::Files {
            targets.push(target(
                format!("{letter}: with `--type exec,exit` takes at most this many times as long as natively"),
                measured.and_then(times_native).unwrap_or(Measurement::NONE),
                (1.0, EXEC_EXIT_LIMIT),
            ));
        }
        let mut less = target(
            format!("{letter}: with `--type exec` adds less than tracexec, as a part of what that adds"),
            part(Kind::Exec, Kind::Tracexec),
            (0.0, 1.0),
        );
        if less.measured.value == less.limit {
            less.verdict = Verdict::Missed;
        }
        targets.push(less);
    }
    withhold_if_busy(&mut targets, comparison.load);
    targets
}

/// Whether what is judged of a way is not known well enough.
pub(crate) fn is_open(measured: &Measured, kind: Kind) -> bool {
    let exceeds = |found: Option<Measurement>, enough| found.is_some_and(|found| found.error > enough);
    let is_promised = Workload::PROMISED.contains(&measured.workload);
    match kind {
        Kind::Everything | Kind::Rules if is_promised => {
            exceeds(added_part(measured, kind, Kind::Strace), ENOUGH_OF_STRACE)
        }
        Kind::Lineage => is_open(measured, Kind::Rules),
        Kind::Calls => is_open(measured, Kind::Everything),
        Kind::ExecExit if measured.workload == Workload::Files => exceeds(times_native(measured), ENOUGH_OF_NATIVE),
        _ => false,
    }
}

/// What is left of a way when its tracer does nothing. Rules can do without any stop but those that tell who is who.
fn floor(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Everything => Some(Kind::Calls),
        Kind::Rules => Some(Kind::Lineage),
        _ => None,
    }
}

/// Nothing is concluded from times of a machine that others used.
pub(crate) fn withhold_if_busy(targets: &mut [Target], load: Load) {
    if load.objection().is_some() {
        for target in targets.iter_mut().filter(|target| !target.measured.value.is_nan()) {
            target.verdict = Verdict::Open("the machine was busy");
        }
    }
}

fn mebibytes(promise: &str, kib: f64, limit: f64) -> Target {
    let measured = Measurement { value: kib / 1024.0, error: 0.0 };
    Target { unit: " MiB", ..target(promise.to_owned(), measured, (0.0, limit)) }
}

/// Those about an agent's memory.
pub(crate) fn of_agent_memory(memory: AgentMemory) -> Vec<Target> {
    let crowded = format!("Agent that knows {} processes: resident memory", memory.processes);
    vec![
        mebibytes("Idle agent, kernel backend: resident memory", memory.idle_kib as f64, IDLE_LIMIT_MIB),
        mebibytes(&crowded, memory.crowded_kib as f64, CROWDED_LIMIT_MIB),
    ]
}

/// The promises about memory, which a busy machine does not change.
pub(crate) fn of_memory(memory: &Memory) -> Vec<Target> {
    vec![
        mebibytes("Peak of Lapwing's memory", memory.peak_kib as f64, PEAK_LIMIT_MIB),
        mebibytes("Growth over the second half of the processes", memory.second_half_growth_kib(), GROWTH_LIMIT_MIB),
    ]
}

/// What is allowed is everything from the ideal to the limit. What may be off by half of that tells nothing, unless it is
/// that far beside the limit.
pub(crate) fn target(promise: String, measured: Measurement, (ideal, limit): (f64, f64)) -> Target {
    let verdict = match measured {
        Measurement { value, .. } if value.is_nan() => Verdict::Open("not measured"),
        Measurement { error, .. } if error > (limit - ideal) / 2.0 && !measured.is_beside(limit) => {
            Verdict::Open("too noisy")
        }
        Measurement { value, .. } if value <= limit => Verdict::Met,
        _ => Verdict::Missed,
    };
    Target { promise, measured, limit, sense: Sense::AtMost, unit: "", verdict, floor: None }
}

/// What is allowed is everything from the limit on. What may be off by a fifth of that tells nothing, unless it is
/// that far beside the limit.
pub(crate) fn at_least(promise: String, measured: Measurement, limit: f64) -> Target {
    let verdict = match measured {
        Measurement { value, .. } if value.is_nan() => Verdict::Open("not measured"),
        Measurement { error, .. } if error > limit / 5.0 && !measured.is_beside(limit) => Verdict::Open("too noisy"),
        Measurement { value, .. } if value >= limit => Verdict::Met,
        _ => Verdict::Missed,
    };
    Target { promise, measured, limit, sense: Sense::AtLeast, unit: "", verdict, floor: None }
}

/// What one way adds as a part of what another does; `None` if there is nothing to compare with.
fn added_part(measured: &Measured, kind: Kind, of: Kind) -> Option<Measurement> {
    let added = |kind| measured.cell(kind).and_then(|cell| measured.added(cell));
    let (ours, theirs) = (added(kind)?, added(of).filter(|added| added.median > 0.0)?);
    let value = ours.median / theirs.median;
    Some(Measurement { value, error: (ours.error + value.abs() * theirs.error) / theirs.median })
}

fn times_native(measured: &Measured) -> Option<Measurement> {
    measured.times_native(measured.cell(Kind::ExecExit)?)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::comparison::tests::measured;
    use crate::rounds::Rounds;

    const ROUNDS: Rounds = Rounds { least: 3, most: 3, patience: Duration::ZERO };
    const QUIET: Load = Load { start: 0.1, end: 2.0, cores: 2, others: 0.0 };

    fn judged(workloads: Vec<Measured>, load: Load) -> Vec<Target> {
        of_times(&Comparison { rounds: ROUNDS, period: 6, ways: Vec::new(), workloads, load })
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
        // That about rules is not measured here.
        [0, 2, 3]
            .map(|index| &targets[index])
            .iter()
            .map(|target| (thousandths(target.measured.value), target.verdict.clone()))
            .collect()
    }

    #[test]
    fn promises_that_are_kept() {
        let targets = judged(vec![files([1000, 1035, 1030, 1100, 1003, 1004])], QUIET);
        assert_eq!(of_files(&targets), [(350, Verdict::Met), (1030, Verdict::Met), (750, Verdict::Met)]);
        assert!(targets[4..].iter().all(|target| target.verdict == Verdict::Open("not measured")));
        assert_eq!(targets.len(), 10);
    }

    #[test]
    fn promises_that_are_broken() {
        let targets = judged(vec![files([1000, 1036, 1031, 1100, 1004, 1004])], QUIET);
        assert_eq!(of_files(&targets), [(360, Verdict::Missed), (1031, Verdict::Missed), (1000, Verdict::Missed)]);
    }

    #[test]
    fn a_peer_that_adds_nothing_proves_nothing() {
        let targets = judged(vec![files([1000, 1051, 1031, 1000, 1004, 999])], QUIET);
        assert_eq!(targets[0].verdict, Verdict::Open("not measured"));
        assert_eq!(targets[3].verdict, Verdict::Open("not measured"));
    }

    #[test]
    fn nothing_is_concluded_on_a_busy_machine() {
        let targets = judged(vec![files([1000, 1035, 1030, 1100, 1003, 1004])], Load { start: 9.0, ..QUIET });
        let busy = Verdict::Open("the machine was busy");
        assert_eq!(of_files(&targets), [(350, busy.clone()), (1030, busy.clone()), (750, busy)]);
        assert!(targets[4..].iter().all(|target| target.verdict == Verdict::Open("not measured")));
    }

    #[test]
    fn what_is_missed_stands_beside_what_nobody_can_better() {
        let floor = Some(Measurement { value: 1.08, error: 0.005 });
        let said = |value, floor| {
            let target = target(String::new(), Measurement { value, error: 0.01 }, (1.0, 1.1));
            Target { floor, ..target }.judgement()
        };
        assert_eq!(said(1.2, floor), "**missed**; with one that does nothing: 1.080 ± 0.005");
        assert_eq!(said(1.2, None), "**missed**");
        assert_eq!(said(1.2, Some(Measurement::NONE)), "**missed**");
        assert_eq!(said(1.05, floor), "met");
    }

    #[test]
    fn noise_proves_nothing() {
        let of_strace = |everything: [u64; 3]| {
            let times = [[1000; 3], everything, [2000; 3]];
            let kinds = [Kind::Native, Kind::Everything, Kind::Strace];
            let cells: Vec<_> = kinds.into_iter().zip(times.iter().map(|times| times.as_slice())).collect();
            judged(vec![measured(Workload::Files, &cells)], QUIET)[0].verdict.clone()
        };
        assert_eq!(of_strace([1000, 1100, 1200]), Verdict::Met);
        assert_eq!(of_strace([1600, 1700, 1800]), Verdict::Missed);
        assert_eq!(of_strace([800, 1100, 1400]), Verdict::Open("too noisy"));
        // As noisy, and yet too much for sure.
        assert_eq!(of_strace([2900, 3200, 3500]), Verdict::Missed);
    }

    #[test]
    fn limits_of_exec_and_python_are_wider() {
        for workload in [Workload::Exec, Workload::Python] {
            let times = [[100_u64; 3], [149; 3], [200; 3]];
            let measured = measured(
                workload,
                &[(Kind::Native, &times[0]), (Kind::Everything, &times[1]), (Kind::Strace, &times[2])],
            );
            let targets = judged(vec![measured], QUIET);
            let first = targets.iter().find(|target| target.promise.starts_with(workload.letter())).unwrap();
            assert_eq!((first.limit, &first.verdict), (0.5, &Verdict::Met));
        }
    }

    #[test]
    fn what_has_to_be_enough_is_judged_from_below() {
        let verdict = |value, error| at_least(String::new(), Measurement { value, error }, 10.0).verdict;
        assert_eq!((verdict(10.0, 0.0), verdict(9.9, 0.0)), (Verdict::Met, Verdict::Missed));
        assert_eq!(verdict(12.0, 2.1), Verdict::Open("too noisy"));
        assert_eq!(verdict(15.0, 2.1), Verdict::Met);
        assert_eq!(verdict(f64::NAN, 0.0), Verdict::Open("not measured"));
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
