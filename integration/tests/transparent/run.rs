//! Running commands that may hang, and asking for programs that may be missing.

#![allow(dead_code, reason = "several test binaries share this file, and none needs all of it")]

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Far longer than anything here takes, on a machine that does much else.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

/// Runs a command to its end, which has to come.
pub(crate) fn finish(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let stdin = child.stdin.take();
    std::thread::scope(|scope| {
        // A command need not read all of its input.
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        end_of(child)
    })
}

/// Waits for the end of a child, and kills it when that does not come.
pub(crate) fn end_of(child: Child) -> Output {
    let watchdog = Watchdog::over(&child);
    let output = child.wait_with_output().unwrap();
    assert!(!watchdog.barked(), "it did not end:\n{}", String::from_utf8_lossy(&output.stdout));
    output
}

/// Kills a process that takes too long, so that whoever waits for it or reads from it goes on.
pub(crate) struct Watchdog {
    done: Option<Sender<()>>,
    thread: Option<JoinHandle<bool>>,
}

impl Watchdog {
    pub(crate) fn over(child: &Child) -> Self {
        let pid = child.id().to_string();
        let (done, finished) = channel();
        let thread = std::thread::spawn(move || {
            let late = finished.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            if late {
                // Of Lapwing's, what it traces goes with it, so that the pipes close.
                let _ = Command::new("kill").args(["-KILL", &pid]).status();
            }
            late
        });
        Self { done: Some(done), thread: Some(thread) }
    }

    /// Whether it had to kill; it will not from now on.
    pub(crate) fn barked(mut self) -> bool {
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

/// What a shell would show as `$?`.
pub(crate) fn shell_status(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap()
}

/// Whether these programs are installed; says which is not. A test without them passes, unless
/// `LAPWING_REQUIRE_ALL` is set.
pub(crate) fn installed(programs: &[&str]) -> bool {
    let Some(missing) = programs.iter().find(|program| path_of(program).is_none()) else { return true };
    assert!(std::env::var_os("LAPWING_REQUIRE_ALL").is_none(), "{missing} is not installed");
    eprintln!("skipped: {missing} is not installed");
    false
}

/// Where a program is.
pub(crate) fn path_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}

/// Waits until something is so, which nothing announces.
pub(crate) fn until(what: &str, mut so: impl FnMut() -> bool) {
    let deadline = Instant::now() + LIMIT;
    while !so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
