//! One run: what it took, and what can be looked at while it lasts.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeVal;

/// What a run took.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spent {
    /// From before the start of the tool until its end was known.
    pub(super) wall: Duration,
    /// In user space and in the kernel, of the tool, the command and all its descendants that were waited for.
    pub(super) cpu: Duration,
    pub(super) status: ExitStatus,
}

/// Between two looks at a tool's memory.
const PERIOD: Duration = Duration::from_millis(2);

/// Runs a command without input and without a terminal; its output goes nowhere, and stderr to a file.
pub(super) fn timed(command: &mut Command, stderr: &Path) -> io::Result<Spent> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(stderr)?);
    let before = children()?;
    let begun = Instant::now();
    let status = command.spawn()?.wait()?;
    let wall = begun.elapsed();
    Ok(Spent { wall, cpu: children()?.saturating_sub(before), status })
}

/// As [`timed`], and looks at the tool's memory meanwhile: its peak in KiB. The looking disturbs, so times of such a run
/// do not count.
pub(super) fn looked_at(command: &mut Command, stderr: &Path) -> io::Result<(ExitStatus, Option<u64>)> {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(File::create(stderr)?);
    let mut child = command.spawn()?;
    let pid = child.id();
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut peak = None;
            while !over.load(Ordering::Relaxed) {
                peak = peak.max(high_water(pid));
                thread::sleep(PERIOD);
            }
            peak
        });
        let status = child.wait();
        over.store(true, Ordering::Relaxed);
        Ok((status?, looking.join().unwrap_or_default()))
    })
}

/// `VmHWM` of a process in KiB; `None` when it has ended.
fn high_water(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix(" kB")?.parse().ok()
}

/// Processor time of all children that were waited for so far.
fn children() -> io::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok(duration(usage.user_time()) + duration(usage.system_time()))
}

fn duration(time: TimeVal) -> Duration {
    let part = |value: i64| u64::try_from(value).unwrap_or(0);
    Duration::from_secs(part(time.tv_sec())) + Duration::from_micros(part(time.tv_usec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_takes_time_and_has_a_status() {
        let directory = tempfile::TempDir::new().unwrap();
        let stderr = directory.path().join("stderr");
        let spent = timed(Command::new("sh").args(["-c", "echo no >&2; exit 3"]), &stderr).unwrap();
        assert_eq!(spent.status.code(), Some(3));
        assert!(spent.wall > Duration::ZERO);
        assert_eq!(fs::read_to_string(&stderr).unwrap(), "no\n");
        assert!(timed(&mut Command::new("/nonexistent"), &stderr).is_err());
        let (status, peak) = looked_at(Command::new("sleep").arg("0.1"), &stderr).unwrap();
        assert!(status.success() && peak.is_some_and(|peak| peak > 100));
    }
}
