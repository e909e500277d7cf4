//! `memory`: what Lapwing keeps of processes that are gone, which should be nothing, and what an agent takes of those
//! that run.
//!
//! Growth is judged against the count of processes rather than against time: a leak is so many bytes a process,
//! however fast they come.

pub(crate) mod agent;
pub(crate) mod forker;

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tempfile::TempDir;

use crate::run;
use crate::tools::Lapwing;
use lapwing_measure::statistics::slope;

/// How often memory is looked at.
const PERIOD: Duration = Duration::from_secs(1);
/// With fewer in the second half, nothing is said of growth.
const FEWEST: usize = 5;

/// Memory of Lapwing over processes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// How many there were in the end.
    pub(crate) processes: u32,
    pub(crate) took: Duration,
    /// By the kernel, so also between samples.
    pub(crate) peak_kib: u64,
    /// How many processes there had been, and Lapwing's KiB then.
    pub(crate) samples: Vec<(u32, u64)>,
}

impl Memory {
    /// KiB that were added while the second half of the processes came and went, by the line that fits best.
    /// Not-a-number with too few samples.
    pub(crate) fn second_half_growth_kib(&self) -> f64 {
        let half = self.processes / 2;
        let second = self.samples.iter().filter(|(processes, _)| *processes >= half);
        let points: Vec<(f64, f64)> = second.map(|(processes, kib)| (f64::from(*processes), *kib as f64)).collect();
        if points.len() < FEWEST { f64::NAN } else { slope(&points) * f64::from(self.processes - half) }
    }

    /// About this many samples, evenly spread, the last one included.
    pub(crate) fn excerpt(&self, about: usize) -> impl Iterator<Item = (u32, u64)> {
        let step = self.samples.len().div_ceil(about.max(1)).max(1);
        let skip = self.samples.len().saturating_sub(1) % step;
        self.samples.iter().skip(skip).step_by(step).copied()
    }
}

/// Lets Lapwing watch this many processes.
pub(crate) fn measure(lapwing: &Lapwing, processes: u32) -> anyhow::Result<Memory> {
    let directory = TempDir::new().context("cannot make a temporary directory")?;
    let mut command = std::process::Command::new(&lapwing.binary);
    // The events are made and shown as usual, but a gigabyte of them is not kept.
    command.args(["run", "--backend", "ptrace", "--summary", "never", "--format", "json", "-o", "/dev/null", "--"]);
    command.arg(std::env::current_exe().context("cannot find myself")?);
    command.args(["forker", "--processes", &processes.to_string()]);
    let stderr = directory.path().join("stderr");
    run::isolate(&mut command, &stderr)?;
    let (reader, writer) = std::io::pipe().context("cannot make a pipe")?;
    command.stdout(Stdio::from(writer));
    let done = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&done);
    // Ends with the last process that has the other end.
    let counting = thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            counter.store(line.parse().unwrap_or(0), Relaxed);
        }
    });
    let mut memory = Memory::default();
    let begun = Instant::now();
    run::sampled(&mut command, PERIOD, |pid| {
        if let (Some(now), Some(peak)) = (run::kib(pid, "VmRSS"), run::kib(pid, "VmHWM")) {
            let processes = done.load(Relaxed);
            memory.samples.push((processes, now));
            memory.peak_kib = memory.peak_kib.max(peak);
            eprintln!("memory: {processes} processes, {now} KiB");
        }
    })
    .with_context(|| said(&stderr))?;
    memory.took = begun.elapsed();
    // The pipe's writing end is the command's, and open as long as that is.
    drop(command);
    drop(counting.join());
    memory.processes = done.load(Relaxed);
    Ok(memory)
}

fn said(stderr: &Path) -> String {
    std::fs::read_to_string(stderr).unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(samples: Vec<(u32, u64)>) -> Memory {
        Memory { processes: 200, samples, ..Memory::default() }
    }

    #[test]
    fn growth_is_that_of_the_second_half() {
        let flat_after_a_rise = (0..20).map(|step| (step * 10, if step < 10 { 100 * u64::from(step) } else { 1000 }));
        assert_eq!(memory(flat_after_a_rise.collect()).second_half_growth_kib(), 0.0);
        let rising = (0..20).map(|step| (step * 10, 1000 + 3 * u64::from(step)));
        assert!((memory(rising.collect()).second_half_growth_kib() - 30.0).abs() < 1e-9);
        assert!(memory(vec![(0, 1), (199, 2)]).second_half_growth_kib().is_nan());
    }

    #[test]
    fn an_excerpt_ends_with_the_last_sample() {
        for count in 0..50 {
            let memory = memory((0..count).map(|step| (step, 7)).collect());
            let excerpt: Vec<_> = memory.excerpt(10).collect();
            assert_eq!(excerpt.last(), memory.samples.last());
            assert!(excerpt.len() <= 10);
        }
    }
}
