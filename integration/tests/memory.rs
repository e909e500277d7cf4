//! What Lapwing keeps of a process goes with the process.
//!
//! A build server starts hundreds of thousands of processes under one Lapwing. Its resident memory must be
//! bounded by how many live at once, not by how many there were. `LAPWING_TEST_PROCESSES` sets their
//! number; the default is what a test can afford.

use std::fs;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lapwing_integration::harness::{Backend, Lapwing};
use tempfile::TempDir;

/// The most that may be resident at any time, in KiB.
const MOST: u64 = 64 << 10;
/// The most by which the end of the second half may exceed its beginning, in KiB: less than 100 bytes a
/// process even at the default number, and allocators round.
const GROWTH: u64 = 1 << 10;

/// `VmRSS` of a process in KiB.
fn resident(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

#[test]
fn a_great_many_short_processes() {
    let count: u32 = std::env::var("LAPWING_TEST_PROCESSES").map_or(20_000, |count| count.parse().unwrap());
    let directory = TempDir::new().unwrap();
    let events = directory.path().join("events.json");
    // All events of processes, written to where it costs nothing to have many.
    std::os::unix::fs::symlink("/dev/null", &events).unwrap();
    let mut lapwing =
        Lapwing::with(Backend::Ptrace).command(&[env!("CARGO_BIN_EXE_tracee-forker"), &count.to_string()], &events);
    let child = lapwing.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let pid = child.id();
    let begun = Instant::now();
    let over = AtomicBool::new(false);
    let interval = Duration::from_millis(if count > 50_000 { 1000 } else { 100 });
    let (samples, output) = std::thread::scope(|scope| {
        let sampler = scope.spawn(|| {
            let mut samples = Vec::new();
            while !over.load(Relaxed) {
                samples.extend(resident(pid));
                std::thread::sleep(interval);
            }
            samples
        });
        // Not limited in time: how long it takes depends on the number that was asked for.
        let output = child.wait_with_output().unwrap();
        over.store(true, Relaxed);
        (sampler.join().unwrap(), output)
    });
    let took = begun.elapsed();
    println!("{count} processes in {took:.1?}, resident every {interval:?} in KiB: {samples:?}");
    let executed = count.div_ceil(10);
    assert_eq!(String::from_utf8_lossy(&output.stdout), format!("{} ended, {executed} executed\n", count - executed));
    assert!(output.status.success());

    let most = samples.iter().max().copied().unwrap();
    assert!(most < MOST, "{most} KiB resident");
    let half = &samples[samples.len() / 2..];
    // Quarters of it rather than single samples, of which one may catch a batch under way.
    let quarter = half.len() / 4;
    if quarter > 0 {
        let least = |part: &[u64]| part.iter().min().copied().unwrap();
        let (first, last) = (least(&half[..quarter]), least(&half[half.len() - quarter..]));
        assert!(last <= first + GROWTH, "it grew from {first} to {last} KiB in the second half: {samples:?}");
    }
}
