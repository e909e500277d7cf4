//! What Lapwing keeps of a process goes with the process.
//!
//! A build server starts hundreds of thousands of processes under one Lapwing. Its resident memory must be
//! bounded by how many live at once, not by how many there were. `LAPWING_TEST_PROCESSES` sets their
//! number; the default is what a test can afford.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a helper's failure is the test's, and so are its numbers"
)]

use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::run::resident;
use lapwing_integration::under_each_backend;
use tempfile::TempDir;

/// The most by which the end of the second half may exceed its beginning, in KiB: less than 100 bytes a
/// process even at the default number, and allocators round.
const GROWTH: u64 = 1 << 10;

under_each_backend!(a_great_many_short_processes);

/// The most that may be resident at any time, in KiB.
fn most(backend: Backend) -> u64 {
    match backend {
        Backend::Ptrace => 64 << 10,
        Backend::Kernel => (24 << 10) + u64::try_from(backend.rings()).unwrap() * (8 << 10),
    }
}

fn a_great_many_short_processes(backend: Backend) {
    let count: u32 = std::env::var("LAPWING_TEST_PROCESSES").map_or(20_000, |count| count.parse().unwrap());
    let directory = TempDir::new().unwrap();
    let events = directory.path().join("events.json");
    // All events of processes, written to where it costs nothing to have many.
    std::os::unix::fs::symlink("/dev/null", &events).unwrap();
    let mut lapwing =
        Lapwing::with(backend).command(&[env!("CARGO_BIN_EXE_tracee-forker"), &count.to_string()], &events);
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
    assert!(most < self::most(backend), "{most} KiB resident");
    let half = &samples[samples.len() / 2..];
    // Quarters of it rather than single samples, of which one may catch a batch under way.
    let quarter = half.len() / 4;
    if quarter > 0 {
        let least = |part: &[u64]| part.iter().min().copied().unwrap();
        let (first, last) = (least(&half[..quarter]), least(&half[half.len() - quarter..]));
        assert!(last <= first + GROWTH, "it grew from {first} to {last} KiB in the second half: {samples:?}");
    }
}
