//! Before the command: an agent that is there, comes late, refuses, or never comes.

use std::process::Stdio;
use std::time::{Duration, Instant};

use lapwing_integration::run::until;
use lapwing_proto::tracer::v1::RefusalReason;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::collector::{Collector, Manner};

#[test]
fn a_command_is_held_until_an_agent_comes() {
    let mut agent = Collector::absent();
    let file = agent.directory().join("ran");
    let mut child = agent.trace(&["--", "touch", file.to_str().unwrap()]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(500));
    assert!(!file.exists() && child.try_wait().unwrap().is_none());
    agent.start(Manner::default());
    assert!(child.wait().unwrap().success());
    assert!(file.exists());
    agent.until_parted();
    agent.look(|sessions| assert_eq!(sessions[0].executed().len(), 1));
}

#[test]
fn without_an_agent_it_begins_after_a_while_and_says_so() {
    let agent = Collector::absent();
    let output = agent.trace(&["--agent-timeout", "1", "--", "echo", "ran"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"ran\n".as_slice()));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("no agent has answered") && said.contains("have not reached an agent"), "{said}");
}

#[test]
fn without_an_agent_nothing_begins_if_so_asked() {
    let agent = Collector::absent();
    let options = ["--agent-timeout", "1", "--without-agent", "fail", "--", "echo", "ran"];
    let output = agent.trace(&options).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(1), b"".as_slice()));
    assert!(String::from_utf8_lossy(&output.stderr).contains("nothing was started"));
}

#[test]
fn a_command_that_is_not_held_runs_without_an_agent() {
    let agent = Collector::absent();
    let begun = Instant::now();
    let status = agent.trace(&["--async", "--", "sh", "-c", "exit 3"]).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(3));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[test]
fn a_refusal_is_said_and_counts_as_no_agent() {
    let agent = Collector::mannered(Manner { refuses: Some(RefusalReason::Namespace), ..Manner::default() });
    let options = ["--agent-timeout", "1", "--without-agent", "fail", "--", "true"];
    let output = agent.trace(&options).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("refuses this tracer (namespace): by a test"), "{said}");
}

#[test]
fn a_command_that_does_not_exist_is_not_waited_for() {
    let agent = Collector::absent();
    let begun = Instant::now();
    let output = agent.trace(&["--", "/no/such/command"]).output().unwrap();
    assert_eq!(output.status.code(), Some(127));
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_signal_ends_the_waiting() {
    let agent = Collector::absent();
    let file = agent.directory().join("ran");
    let mut child = agent.trace(&["--", "touch", file.to_str().unwrap()]).stderr(Stdio::null()).spawn().unwrap();
    let pid = child.id();
    // SIGTERM is blocked, and so taken, once the waiting has begun.
    until("waiting", || {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let blocked = status.lines().find_map(|line| line.strip_prefix("SigBlk:\t")).unwrap();
        u64::from_str_radix(blocked, 16).unwrap() & 1 << (libc::SIGTERM - 1) != 0
    });
    kill(Pid::from_raw(pid.cast_signed()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(128 + libc::SIGTERM));
    assert!(!file.exists());
}
