//! What is promised of the kernel backend.

use super::discarded::Discarded;
use super::overhead::{Cell, Measured, Times};
use super::way::Kind;
use super::{Costs, calls::Calls};
use crate::verdict::{ENOUGH_OF_NATIVE, Measurement, Target, Verdict, target, withhold_if_busy};
use crate::workload::Workload;
use lapwing_measure::statistics::Spread;

/// What a call that nobody asks about may take longer, in nanoseconds.
const CALL_LIMIT: f64 = 100.0;
/// From the start of Lapwing to the first event, in milliseconds.
const START_LIMIT: f64 = 150.0;
/// How many times as long as natively the first workload may take with a discarder on each of its files.
const DISCARDED_LIMIT: f64 = 1.08;
/// Memory beyond the rings.
const MEMORY_LIMIT_MIB: f64 = 40.0;

/// How many times as long as natively a workload may take, with all events and with 300 rules.
fn times_native_limit(workload: Workload, kind: Kind) -> f64 {
    match (workload, kind) {
        (Workload::Files, Kind::KernelRules) | (Workload::Exec, Kind::KernelRules) => 1.05,
        (_, Kind::KernelRules) => 1.03,
        (Workload::Files, _) => 1.12,
        _ => 1.06,
    }
}

/// All promises, those about time first.
pub(super) fn of(costs: &Costs) -> Vec<Target> {
    let mut targets = Vec::new();
    for workload in Workload::PROMISED {
        let measured = costs.workloads.iter().find(|measured| measured.workload == workload);
        targets.extend(of_workload(workload, measured));
    }
    for kind in [Kind::Kernel, Kind::KernelExecExit] {
        let what = if kind == Kind::Kernel { "all events" } else { "`--type exec,exit`" };
        let value = added_to_calls(&costs.calls, kind, true).unwrap_or(Measurement::NONE);
        let promise = format!("kernel backend, {what}: adds to a call that nobody asks about");
        let nothing = if kind == Kind::Kernel { Kind::Floor } else { Kind::FloorOfExits };
        let floor = added_to_calls(&costs.calls, nothing, true);
        targets.push(Target { unit: " ns", floor, ..target(promise, value, (0.0, CALL_LIMIT)) });
    }
    let promise = "F: under the kernel backend, an inode discarder on each file, takes at most this many times as long";
    let value = costs.discarded.as_ref().map_or(Measurement::NONE, times_native_discarded);
    let files = costs.workloads.iter().find(|measured| measured.workload == Workload::Files);
    let floor = files.and_then(|measured| times_native(measured, Kind::Floor));
    targets.push(Target { floor, ..target(promise.to_owned(), value, (1.0, DISCARDED_LIMIT)) });
    let first = costs.start.first_event;
    let first = Measurement { value: first.median * 1e3, error: first.error * 1e3 };
    let promise = "kernel backend: from the start to the first event".to_owned();
    targets.push(Target { unit: " ms", ..target(promise, first, (0.0, START_LIMIT)) });
    withhold_if_busy(&mut targets, costs.load);
    for measured in &costs.workloads {
        targets.extend(of_contents(measured));
    }
    targets
}

fn of_workload(workload: Workload, measured: Option<&Measured>) -> Vec<Target> {
    let letter = workload.letter();
    let times = |kind| measured.and_then(|measured| times_native(measured, kind)).unwrap_or(Measurement::NONE);
    let part = measured.and_then(part_of_bpftrace).unwrap_or(Measurement::NONE);
    let mut less = target(
        format!("{letter}: kernel backend, all events, adds less than bpftrace, as a part of what that adds"),
        part,
        (0.0, 1.0),
    );
    if less.measured.value == less.limit {
        less.verdict = Verdict::Missed;
    }
    let takes = |kind: Kind, what: &str| {
        let promise =
            format!("{letter}: under the kernel backend, {what}, takes at most this many times as long as natively");
        let floor = Some(times(kind.floor()));
        Target { floor, ..target(promise, times(kind), (1.0, times_native_limit(workload, kind))) }
    };
    vec![takes(Kind::Kernel, "all events"), takes(Kind::KernelRules, "300 rules"), less]
}

/// Whether what is judged of a way is not known well enough, or what it stands beside is.
pub(super) fn is_open(measured: &Measured, kind: Kind) -> bool {
    let is_noisy = |kind| times_native(measured, kind).is_some_and(|times| times.error > ENOUGH_OF_NATIVE);
    let concerns = |judged: &Kind| *judged == kind || judged.floor() == kind;
    Workload::PROMISED.contains(&measured.workload)
        && [Kind::Kernel, Kind::KernelRules].iter().filter(|judged| concerns(judged)).any(|judged| is_noisy(*judged))
}

/// What a busy machine does not change.
fn of_contents(measured: &Measured) -> Vec<Target> {
    let Some(kernel) = measured.cell(Kind::Kernel) else { return Vec::new() };
    let letter = measured.workload.letter();
    let exact = |value: f64| Measurement { value, error: 0.0 };
    let none = |promise: String, value: f64| target(promise, exact(value), (0.0, 0.0));
    let mut targets = vec![Target {
        unit: " MiB",
        ..target(
            format!("{letter}: kernel backend: memory beyond the rings"),
            beyond_rings_mib(kernel).map_or(Measurement::NONE, exact),
            (0.0, MEMORY_LIMIT_MIB),
        )
    }];
    targets.push(none(format!("{letter}: kernel backend: losses reported in all runs"), kernel.losses.len() as f64));
    if !Workload::PROMISED.contains(&measured.workload) {
        // What a compiler's jobs do depends on how they interleave.
        return targets;
    }
    if let Some(ptrace) = measured.cell(Kind::Ptrace) {
        let differences = kernel.look.seen.differences(&ptrace.look.seen);
        let missing: u64 = differences.iter().map(|(_, here, there)| here.abs_diff(*there)).sum();
        targets.push(none(
            format!("{letter}: kernel backend: events more or fewer than the ptrace backend's, by type"),
            missing as f64,
        ));
    }
    targets
}

/// The peak of memory, less what it contains of mapped rings.
pub(super) fn beyond_rings_mib(cell: &Cell) -> Option<f64> {
    let peak = cell.look.peak_kib?;
    Some(peak.saturating_sub(cell.look.mapped_kib) as f64 / 1024.0)
}

fn inside(times: &Times) -> f64 {
    times.inside
}

/// How long the workload itself takes, as a part of what it takes natively.
fn times_native(measured: &Measured, kind: Kind) -> Option<Measurement> {
    measured.times_native(measured.cell(kind)?)
}

pub(super) fn times_native_discarded(discarded: &Discarded) -> Measurement {
    let native = Spread::of(&discarded.native).median;
    let added = discarded.added();
    Measurement { value: 1.0 + added.median / native, error: added.error / native }
}

/// What Lapwing adds to the workload itself, as a part of what bpftrace does.
fn part_of_bpftrace(measured: &Measured) -> Option<Measurement> {
    let added = |kind| measured.cell(kind).and_then(|cell| measured.added(cell, inside));
    let (ours, theirs) = (added(Kind::Kernel)?, added(Kind::Bpftrace).filter(|added| added.median > 0.0)?);
    let value = ours.median / theirs.median;
    Some(Measurement { value, error: (ours.error + value.abs() * theirs.error) / theirs.median })
}

fn added_to_calls(calls: &[Calls], kind: Kind, watched: bool) -> Option<Measurement> {
    let native = calls.iter().find(|calls| calls.place.way.kind == Kind::Native)?;
    let found = calls.iter().find(|calls| calls.place.way.kind == kind && calls.place.watched == watched)?;
    let added = found.added(native);
    Some(Measurement { value: added.median, error: added.error })
}

#[cfg(test)]
mod tests {
    use super::super::overhead::tests::measured;
    use super::*;

    fn verdicts(workload: Workload, times: [f64; 3]) -> Vec<Verdict> {
        let [native, kernel, bpftrace] = times.map(|time| [time; 3]);
        let cells = [(Kind::Native, &native[..]), (Kind::Kernel, &kernel), (Kind::Bpftrace, &bpftrace)];
        of_workload(workload, Some(&measured(workload, &cells))).into_iter().map(|target| target.verdict).collect()
    }

    #[test]
    fn promises_kept_and_broken() {
        let open = Verdict::Open("not measured");
        let all = |verdict: Verdict| [verdict.clone(), open.clone(), verdict];
        assert_eq!(verdicts(Workload::Files, [1000.0, 1119.0, 1250.0]), all(Verdict::Met));
        assert_eq!(verdicts(Workload::Files, [1000.0, 1121.0, 1110.0]), all(Verdict::Missed));
        assert_eq!(verdicts(Workload::Exec, [1000.0, 1150.0, 1150.0]), all(Verdict::Missed));
        assert_eq!(verdicts(Workload::Python, [1000.0, 1099.0, 990.0])[2], Verdict::Open("not measured"));
        assert_eq!(of_workload(Workload::Exec, None)[0].verdict, Verdict::Open("not measured"));
    }

    #[test]
    fn a_loss_and_a_missing_event_break_promises() {
        let mut measured = measured(Workload::Exec, &[(Kind::Kernel, &[]), (Kind::Ptrace, &[])]);
        let said = |measured: &Measured| {
            let targets = of_contents(measured);
            targets.into_iter().map(|target| (target.measured.value, target.verdict)).collect::<Vec<_>>()
        };
        assert_eq!(said(&measured)[1..], [(0.0, Verdict::Met), (0.0, Verdict::Met)]);
        measured.cells[0].losses.push("3 open events".to_owned());
        measured.cells[1].look.seen.events.insert("open".to_owned(), 2);
        measured.cells[0].look.peak_kib = Some(72 << 10);
        measured.cells[0].look.mapped_kib = 32 << 10;
        assert_eq!(said(&measured), [(40.0, Verdict::Met), (1.0, Verdict::Missed), (2.0, Verdict::Missed)]);
    }
}
