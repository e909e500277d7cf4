//! Lapwing is killed.

use lapwing_integration::harness::{Backend, Lapwing, read_events};
use lapwing_integration::run::{descendants, until};
use tempfile::TempDir;

use super::worker::{Worker, names, opened};

fn worker_under(on_tracer_death: &str, events: &TempDir) -> Worker {
    let lapwing = Lapwing::with(Backend::Ptrace).option("--on-tracer-death").option(on_tracer_death);
    Worker::start(|words| lapwing.command(words, &events.path().join("events.json")))
}

/// By default nothing runs on unobserved.
#[test]
fn everything_dies_with_it() {
    let events = TempDir::new().unwrap();
    let mut worker = worker_under("kill", &events);
    worker.work("1");
    let pids = descendants(worker.child.id());
    // Lapwing, the command and its two children.
    assert_eq!(pids.len(), 4, "{pids:?}");
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    assert_eq!(worker.silence(), "", "it said something after its death");
    for pid in &pids[1..] {
        // Gone, or a zombie that whoever inherited it has not reaped yet.
        until("dead", || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.rsplit(") ").next().is_none_or(|rest| rest.is_empty() || rest.starts_with(['Z', 'X']))
        });
    }
}

/// If it was asked for, everything runs on as if it had never been traced.
#[test]
fn everything_outlives_it() {
    let events = TempDir::new().unwrap();
    let mut worker = worker_under("continue", &events);
    worker.work("1");
    let pids = descendants(worker.child.id());
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    worker.work("2");
    worker.work("3");
    for pid in &pids[1..] {
        assert_eq!(super::worker::tracers(*pid), [0].into(), "process {pid}");
    }
    assert_eq!(worker.silence(), "end\n");
}

/// What was written before is whole lines, but for the last.
#[test]
fn events_up_to_its_death_are_there() {
    let events = TempDir::new().unwrap();
    let mut worker = worker_under("kill", &events);
    worker.work("1");
    let file = events.path().join("events.json");
    let directory = worker.directory.path().to_owned();
    until("written", || read_events(&file).is_ok_and(|events| opened(&events, &directory).is_superset(&names("1"))));
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    let text = std::fs::read_to_string(&file).unwrap();
    let whole = text.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()).count();
    assert!(text.lines().count() - whole <= 1);
}

/// Nobody traces what the kernel backend observes, so nothing becomes of it.
#[test]
fn what_the_kernel_backend_observes_outlives_it() {
    if !Backend::Kernel.is_available() {
        return;
    }
    let events = TempDir::new().unwrap();
    let lapwing = Lapwing::with(Backend::Kernel);
    let mut worker = Worker::start(|words| lapwing.command(words, &events.path().join("events.json")));
    worker.work("1");
    worker.child.kill().unwrap();
    worker.child.wait().unwrap();
    worker.work("2");
    assert_eq!(worker.silence(), "end\n");
}
