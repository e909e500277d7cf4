//! `lapwing trace --pid`: attaching to what runs, and leaving it as it was.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use lapwing_integration::harness::{binary, read_events};
use lapwing_integration::run::{descendants, end_of, finish, shell_status, until};
use tempfile::TempDir;

use super::worker::{Worker, names, opened, tracers};

fn attach(pids: &[u32], events: &Path) -> Child {
    let mut lapwing = Command::new(binary());
    lapwing.args(["trace", "--quiet", "--format", "json", "-o"]).arg(events);
    for pid in pids {
        lapwing.args(["--pid", &pid.to_string()]);
    }
    lapwing.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    // SAFETY: takes no pointers; the child has not been waited for.
    unsafe { libc::kill(child.id().cast_signed(), libc::SIGINT) };
}

/// Every thread of every process is seen, and all they make later; then they are left alone.
#[test]
fn threads_children_and_those_to_come() {
    let directory = TempDir::new().unwrap();
    let events = directory.path().join("events.json");
    let mut worker = Worker::alone();
    worker.work("before");
    let pids = descendants(worker.child.id());
    assert_eq!(pids.len(), 3, "{pids:?}");

    let lapwing = attach(&pids[..1], &events);
    until("every thread has a tracer", || pids.iter().all(|pid| !tracers(*pid).contains(&0)));
    for order in ["one", "two"] {
        worker.work(order);
    }
    interrupt(&lapwing);
    let output = end_of(lapwing);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    for pid in &pids {
        assert_eq!(tracers(*pid), [0].into(), "process {pid}");
    }
    worker.work("after");

    let seen = opened(&read_events(&events).unwrap(), worker.directory.path());
    assert_eq!(seen, names("one").union(&names("two")).cloned().collect());
    let mut child = worker.child;
    worker.child = Command::new("true").spawn().unwrap();
    assert_eq!(worker.silence(), "end\n");
    assert_eq!(child.wait().unwrap().code(), Some(7));
}

/// It can be done again, and by several one after the other.
#[test]
fn attaching_again() {
    let directory = TempDir::new().unwrap();
    let mut worker = Worker::alone();
    let pids = descendants(worker.child.id());
    for round in ["a", "b", "c"] {
        let events = directory.path().join(round);
        let lapwing = attach(&pids, &events);
        until("every thread has a tracer", || pids.iter().all(|pid| !tracers(*pid).contains(&0)));
        worker.work(round);
        interrupt(&lapwing);
        assert_eq!(end_of(lapwing).status.code(), Some(0));
        assert_eq!(opened(&read_events(&events).unwrap(), worker.directory.path()), names(round));
    }
    assert_eq!(worker.silence(), "end\n");
}

/// The end of what it watches is its own.
#[test]
fn it_ends_with_the_last_process() {
    let directory = TempDir::new().unwrap();
    let events = directory.path().join("events.json");
    let worker = Worker::alone();
    let pid = worker.child.id();
    let lapwing = attach(&[pid], &events);
    let pids = descendants(pid);
    until("they have a tracer", || pids.iter().all(|pid| !tracers(*pid).contains(&0)));
    assert_eq!(worker.silence(), "end\n");
    assert_eq!(end_of(lapwing).status.code(), Some(0));
    let events = read_events(&events).unwrap();
    let ends = events.iter().filter(|event| event["type"] == "exit").count();
    assert_eq!(ends, 3, "of the worker and its two children");
}

/// What sleeps is not disturbed, and what is stopped stays stopped.
#[test]
fn stopped_processes() {
    let directory = TempDir::new().unwrap();
    let mut sleeper = Command::new("sleep").arg("1000").spawn().unwrap();
    let pid = sleeper.id();
    let state =
        || std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap().rsplit(") ").next().unwrap().chars().next();
    // SAFETY: take no pointers; the child has not been waited for.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGSTOP) };
    until("it is stopped", || state() == Some('T'));
    let lapwing = attach(&[pid], &directory.path().join("events.json"));
    until("it has a tracer", || !tracers(pid).contains(&0));
    interrupt(&lapwing);
    assert_eq!(end_of(lapwing).status.code(), Some(0));
    assert_eq!(tracers(pid), [0].into());
    // Let go of, it runs for a moment, within the kernel, until it has stopped again (kernel/ptrace.c, `__ptrace_unlink`).
    until("it is stopped as before", || state() == Some('T'));
    // SAFETY: as above.
    unsafe { libc::kill(pid.cast_signed(), libc::SIGCONT) };
    until("it goes on", || state() == Some('S'));
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
}

fn refused(pid: &str) -> String {
    let output = finish(Command::new(binary()).args(["trace", "--pid", pid]), b"");
    assert_eq!(shell_status(output.status), 1, "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_process_that_does_not_exist() {
    let mut gone = Command::new("true").spawn().unwrap();
    let pid = gone.id().to_string();
    gone.wait().unwrap();
    let said = refused(&pid);
    assert!(said.contains(&pid) && said.contains("no process"), "{said}");
}

/// A process has one tracer.
#[test]
fn a_process_that_is_traced_already() {
    let directory = TempDir::new().unwrap();
    let mut worker = Worker::alone();
    let pid = worker.child.id();
    let first = attach(&[pid], &directory.path().join("events.json"));
    until("it has a tracer", || !tracers(pid).contains(&0));
    let said = refused(&pid.to_string());
    assert!(said.contains(&pid.to_string()) && said.contains("traced already"), "{said}");
    // The first is none the worse for it.
    worker.work("on");
    interrupt(&first);
    assert_eq!(end_of(first).status.code(), Some(0));
    assert_eq!(worker.silence(), "end\n");
}
