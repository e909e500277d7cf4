//! What is promised of services.

use super::Serving;
use super::measure::Measured;
use super::service::Service;
use super::way::Kind;
use crate::verdict::{Measurement, Target, at_least, target, withhold_if_busy};

/// For nginx: a way, what it is compared with, and the least part of that.
const LIMITS: [(Kind, &str, Kind, &str, f64); 4] = [
    (Kind::Ptrace, "ptrace backend, all events", Kind::Strace, "strace's", 2.0),
    (Kind::PtraceRules, "ptrace backend, 300 rules", Kind::Native, "the native ones", 0.7),
    (Kind::Kernel, "kernel backend, all events", Kind::Native, "the native ones", 0.90),
    (Kind::KernelRules, "kernel backend, 300 rules", Kind::Native, "the native ones", 0.95),
];

/// Standard error of a part of the native requests below which nothing is measured again.
pub(super) const ENOUGH: f64 = 0.015;

/// Whether what is judged of a way is not known well enough, or what it stands beside is.
pub(super) fn is_open(measured: &Measured, kind: Kind) -> bool {
    let is_noisy = |kind| measured.part(kind, Kind::Native).is_some_and(|part| part.error > ENOUGH);
    let of_native = LIMITS.iter().map(|limit| limit.0).filter(|judged| *judged != Kind::Ptrace);
    let concerns = |judged: &Kind| *judged == kind || floor(*judged) == Some(kind);
    measured.service == Service::Nginx && of_native.filter(concerns).any(is_noisy)
}

/// What is left of a way when its programs do nothing.
fn floor(kind: Kind) -> Option<Kind> {
    match kind {
        Kind::Kernel => Some(Kind::Floor),
        Kind::KernelRules => Some(Kind::FloorOfExits),
        Kind::Ptrace => Some(Kind::Calls),
        Kind::PtraceRules => Some(Kind::Answers),
        _ => None,
    }
}

pub(super) fn of(serving: &Serving) -> Vec<Target> {
    let nginx = serving.services.iter().find(|measured| measured.service == Service::Nginx);
    let mut targets: Vec<Target> = LIMITS.iter().map(|limit| of_rate(nginx, limit)).collect();
    withhold_if_busy(&mut targets, serving.load);
    for measured in &serving.services {
        for cell in measured.cells.iter().filter(|cell| cell.kind.is_lapwing()) {
            let losses = Measurement { value: cell.losses.len() as f64, error: 0.0 };
            let promise = format!("{} under {}: losses reported in all runs", measured.service.name(), cell.name);
            targets.push(target(promise, losses, (0.0, 0.0)));
        }
    }
    targets
}

fn of_rate(nginx: Option<&Measured>, (kind, name, of, whose, limit): &(Kind, &str, Kind, &str, f64)) -> Target {
    let part = nginx.and_then(|measured| measured.part(*kind, *of));
    let measured = part.map_or(Measurement::NONE, |part| Measurement { value: part.median, error: part.error });
    let floor = nginx.zip(floor(*kind)).and_then(|(measured, nothing)| measured.part(nothing, *of));
    let floor = floor.map(|part| Measurement { value: part.median, error: part.error });
    let promise = format!("nginx and wrk: requests a second, {name}, as a part of {whose}");
    Target { floor, ..at_least(promise, measured, *limit) }
}

#[cfg(test)]
mod tests {
    use super::super::measure::tests::measured;
    use super::*;
    use crate::verdict::Verdict;

    #[test]
    fn rates_have_to_be_high_enough() {
        let verdict = |native: f64, kernel: f64| {
            let measured = measured(&[(Kind::Native, &[native; 3]), (Kind::Kernel, &[kernel; 3])]);
            of_rate(Some(&measured), &LIMITS[2]).verdict
        };
        assert_eq!(verdict(1000.0, 900.0), Verdict::Met);
        assert_eq!(verdict(1000.0, 899.0), Verdict::Missed);
        assert_eq!(of_rate(None, &LIMITS[0]).verdict, Verdict::Open("not measured"));
    }
}
