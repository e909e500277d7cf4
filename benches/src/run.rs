//! One run of one command, from before its start until it has been reaped.
//!
//! The environment is the same few variables however this tool was started: under `cargo run` there is an
//! `LD_LIBRARY_PATH`, which would make every program of every workload look for its libraries in more places.

#![allow(unsafe_code, reason = "wait4, which tells the CPU time and which std lacks")]

use std::fs::File;
use std::mem::MaybeUninit;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use crate::fixtures;

/// What a run took.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spent {
    /// From before the start until the end was known.
    pub(crate) wall: Duration,
    /// In user space and in the kernel, of the command and all its descendants.
    pub(crate) cpu: Duration,
}

/// Variables that are passed on.
const PASSED: [&str; 3] = ["PATH", "HOME", "TMPDIR"];

/// Takes the terminal, and whatever differs between shells, from a command.
pub(crate) fn isolate(command: &mut Command, stderr: &Path) -> anyhow::Result<()> {
    command.env_clear().env("LANG", "C.UTF-8").env("BENCH_FIXTURES", fixtures::directory()?);
    command.envs(PASSED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    let stderr = File::create(stderr).with_context(|| format!("cannot write {}", stderr.display()))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr);
    Ok(())
}

/// Runs a command with nothing beside it.
pub(crate) fn timed(command: &mut Command) -> anyhow::Result<Spent> {
    let begun = Instant::now();
    let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    reap(&child, begun).with_context(|| format!("{command:?}"))
}

/// Runs a command, and does something while it runs.
pub(crate) fn timed_with<T>(
    command: &mut Command,
    during: impl FnOnce(&mut Child) -> anyhow::Result<T>,
) -> anyhow::Result<(Spent, T)> {
    let begun = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let found = during(&mut child);
    // It may be waiting for the end of its input. Its output is kept open: it may have something left to say.
    drop(child.stdin.take());
    let spent = reap(&child, begun).with_context(|| format!("{command:?}"))?;
    Ok((spent, found?))
}

/// Runs a command and looks at it again and again. The looking disturbs, so its time is not returned.
pub(crate) fn sampled(command: &mut Command, period: Duration, mut sample: impl FnMut(u32)) -> anyhow::Result<()> {
    let child = command.spawn().with_context(|| format!("cannot start {command:?}"))?;
    let pid = child.id();
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || {
        let ended = reap(&child, Instant::now());
        // Whoever waits for it is there until it comes.
        let _ = sender.send(ended);
    });
    let ended = loop {
        match receiver.recv_timeout(period) {
            Ok(ended) => break ended,
            Err(RecvTimeoutError::Timeout) => sample(pid),
            Err(RecvTimeoutError::Disconnected) => bail!("the waiting thread ended"),
        }
    };
    drop(waiter.join());
    ended.map(drop).with_context(|| format!("{command:?}"))
}

fn reap(child: &Child, begun: Instant) -> anyhow::Result<Spent> {
    let mut status = 0;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: both point to places of the kernel's types. The child is ours and nobody else reaps it.
    let pid = unsafe { libc::wait4(child.id().cast_signed(), &raw mut status, 0, usage.as_mut_ptr()) };
    let wall = begun.elapsed();
    ensure!(pid == child.id().cast_signed(), "cannot wait: {}", std::io::Error::last_os_error());
    ensure!(status == 0, "ended with wait status {status:#x}");
    // SAFETY: all-zero bytes are a valid `rusage`, and the kernel has filled it in.
    let usage = unsafe { usage.assume_init() };
    Ok(Spent { wall, cpu: duration(usage.ru_utime) + duration(usage.ru_stime) })
}

fn duration(time: libc::timeval) -> Duration {
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec)) + Duration::from_micros(part(time.tv_usec))
}

/// A member of `/proc/PID/status` that is in KiB; `None` when the process has ended.
pub(crate) fn kib(pid: u32, member: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(member)?.strip_prefix(':'))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_waited_for_and_a_failed_one_is_an_error() {
        assert!(timed(&mut Command::new("true")).is_ok());
        let error = format!("{:#}", timed(Command::new("sh").args(["-c", "exit 3"])).unwrap_err());
        assert!(error.ends_with("ended with wait status 0x300"), "{error}");
        assert!(timed(&mut Command::new("/nonexistent")).is_err());
    }

    #[test]
    fn a_run_can_be_looked_at_while_it_lasts() {
        let mut seen = Vec::new();
        // It ends when its input does, which is when it has been looked at.
        let (reader, writer) = std::io::pipe().unwrap();
        let mut writer = Some(writer);
        let mut command = Command::new("cat");
        command.stdin(reader).stdout(Stdio::null());
        sampled(&mut command, Duration::from_millis(1), |pid| {
            if let Some(kib) = kib(pid, "VmRSS") {
                seen.push(kib);
                writer = None;
            }
        })
        .unwrap();
        assert!(seen.first().is_some_and(|kib| *kib > 0));
    }

    #[test]
    fn only_the_named_member_of_a_status_counts() {
        let own = std::process::id();
        assert!(kib(own, "VmHWM").unwrap() >= kib(own, "VmRSS").unwrap() / 2);
        assert_eq!(kib(own, "Vm"), None);
        assert_eq!(kib(u32::MAX, "VmRSS"), None);
    }
}
