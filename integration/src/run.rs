//! Running commands that may hang.

#![expect(clippy::unwrap_used, reason = "only tests call these, and a failure is theirs")]

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::unistd::Pid;

/// Far longer than anything here takes, on a machine that does much else.
pub const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command to its end, which has to come.
pub fn finish(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // A command need not read all of its input.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        end_of(child)
    })
}

/// Waits for the end of a child, and kills it when that does not come.
pub fn end_of(child: Child) -> Output {
    let watchdog = Watchdog::over(&child);
    let output = child.wait_with_output().unwrap();
    assert!(!watchdog.barked(), "it did not end:\n{}", String::from_utf8_lossy(&output.stdout));
    output
}

/// Kills a process that takes too long, so that whoever waits for it or reads from it goes on.
#[derive(Debug)]
pub struct Watchdog {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<bool>>,
}

impl Watchdog {
    /// From now on, until it is dropped; then it fails the test if it had to kill.
    #[must_use]
    pub fn over(child: &Child) -> Self {
        let pid = child.id();
        let (done, finished) = channel();
        let thread = std::thread::spawn(move || {
            let late = finished.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            if late {
                // With its descendants, so that the pipes close.
                for pid in descendants(pid) {
                    let _ = nix::sys::signal::kill(Pid::from_raw(pid.cast_signed()), Signal::SIGKILL);
                }
            }
            late
        });
        Self { done: Some(done), thread: Some(thread) }
    }

    /// Whether it had to kill; it will not from now on.
    pub fn barked(mut self) -> bool {
        self.rest()
    }

    fn rest(&mut self) -> bool {
        drop(self.done.take());
        self.thread.take().is_some_and(|thread| thread.join().unwrap())
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let barked = self.rest();
        assert!(!barked || std::thread::panicking(), "it took too long");
    }
}

/// A process and its descendants.
#[must_use]
pub fn descendants(pid: u32) -> Vec<u32> {
    let mut pids = vec![pid];
    let mut at = 0;
    while let Some(pid) = pids.get(at).copied() {
        for task in tasks(pid) {
            let children = fs::read_to_string(format!("/proc/{pid}/task/{task}/children")).unwrap_or_default();
            pids.extend(children.split_whitespace().map(|child| child.parse::<u32>().unwrap()));
        }
        at += 1;
    }
    pids
}

/// The threads of a process; none when it has ended.
#[must_use]
pub fn tasks(pid: u32) -> Vec<u32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    entries.flatten().map(|entry| entry.file_name().to_str().unwrap().parse().unwrap()).collect()
}

/// `VmRSS` of a process in KiB, unless it has ended.
#[must_use]
pub fn resident(pid: u32) -> Option<u64> {
    of_status(pid, "VmRSS:")
}

/// `RssAnon` of a process in KiB, unless it has ended: its own memory, without its program and without mapped rings.
#[must_use]
pub fn anonymous(pid: u32) -> Option<u64> {
    of_status(pid, "RssAnon:")
}

fn of_status(pid: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

/// What a shell would show as `$?`.
pub fn shell_status(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}

/// Waits until something is so, which nothing announces.
pub fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
