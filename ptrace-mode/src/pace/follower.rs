//! Moving the tracer to a CPU and back, and making room when others want it.

use std::fs::File;
use std::io::{Read, Seek};
use std::time::{Duration, Instant};

use nix::sched::CpuSet;

use super::Place;
use crate::os::placement::{self, Policy};

/// A stop that comes this late is looked at: with nobody else around the next one takes microseconds.
const LATE: Duration = Duration::from_millis(1);
/// Windows for which others are not given way to once there were too many of them.
const PATIENCE: u32 = 16;

/// Moves the tracer to its tracee's CPU and back.
#[derive(Debug)]
pub(super) struct Follower {
    everywhere: CpuSet,
    cpus: usize,
    load: File,
    at: Option<usize>,
    /// Under `SCHED_IDLE`.
    yielding: bool,
    /// Lapwing's other busy thread, which is kept away from where the tracer follows to.
    reader: i32,
    /// When the last stop came.
    seen: Instant,
    /// Windows in a row in which more wanted to run than there are CPUs.
    crowded: u32,
    /// Windows for which to leave things as they are, after the CPUs were found busy.
    patience: u32,
}

impl Follower {
    /// `None` where the way back would be barred or there is only one CPU anyway.
    pub(super) fn new(reader: i32) -> Option<Self> {
        let everywhere = placement::allowed()?;
        let cpus = (0..CpuSet::count()).filter(|cpu| everywhere.is_set(*cpu).unwrap_or(false)).count();
        let load = File::open("/proc/loadavg").ok()?;
        (cpus > 1 && placement::may_return_from_idle()).then_some(Self {
            everywhere,
            cpus,
            load,
            at: None,
            yielding: false,
            reader,
            seen: Instant::now(),
            crowded: 0,
            patience: 0,
        })
    }

    /// Goes to a place, unless there are others who have to run.
    pub(super) fn decide(&mut self, tid: i32, place: Place) {
        if self.patience > 0 {
            self.patience -= 1;
            return;
        }
        if place == Place::Anywhere {
            self.go_anywhere();
            return;
        }
        // One count says little: threads that are just going to sleep are in it.
        self.crowded = if self.runnable() > self.cpus { self.crowded + 1 } else { 0 };
        if self.crowded >= 2 {
            self.make_room();
        } else if self.crowded == 0 {
            match place {
                Place::WithTracee => {
                    if let Some(cpu) = cpu_of(tid) {
                        self.follow(cpu);
                    }
                }
                Place::Yielding => {
                    self.let_go();
                    self.yield_to_others();
                }
                Place::Anywhere => {}
            }
        }
    }

    /// To be called at every stop: notices when giving way has become waiting in line.
    pub(super) fn check(&mut self) {
        let before = std::mem::replace(&mut self.seen, Instant::now());
        // It may well be that the tracees had nothing to stop for.
        if self.yielding && self.seen.duration_since(before) >= LATE && self.runnable() > self.cpus {
            self.make_room();
        }
    }

    fn make_room(&mut self) {
        self.go_anywhere();
        self.patience = PATIENCE;
    }

    fn follow(&mut self, cpu: usize) {
        if self.at == Some(cpu) {
            return;
        }
        let Some(only) = placement::only(cpu) else { return };
        if !self.yield_to_others() || !placement::allow(0, &only) {
            return self.go_anywhere();
        }
        self.at = Some(cpu);
        let mut elsewhere = self.everywhere;
        if elsewhere.unset(cpu).is_ok() {
            placement::allow(self.reader, &elsewhere);
        }
    }

    fn yield_to_others(&mut self) -> bool {
        self.yielding = self.yielding || placement::set_policy(Policy::Idle);
        self.yielding
    }

    /// Back to the usual policy and CPUs.
    pub(super) fn go_anywhere(&mut self) {
        if std::mem::take(&mut self.yielding) {
            placement::set_policy(Policy::Normal);
        }
        self.let_go();
    }

    fn let_go(&mut self) {
        if self.at.take().is_some() {
            placement::allow(0, &self.everywhere);
            placement::allow(self.reader, &self.everywhere);
        }
    }

    /// How many threads of the machine want to run. The tracer itself is counted.
    fn runnable(&mut self) -> usize {
        let mut text = [0; 64];
        let read = self.load.rewind().and_then(|()| self.load.read(&mut text)).unwrap_or(0);
        // "0.00 0.01 0.05 RUNNING/TOTAL LAST_PID" (proc(5)).
        let running = std::str::from_utf8(&text[..read])
            .ok()
            .and_then(|text| text.split(' ').nth(3)?.split('/').next()?.parse::<usize>().ok());
        running.unwrap_or(usize::MAX)
    }
}

/// The CPU that a thread ran on last: the 39th member of `/proc/PID/stat` (proc(5)).
fn cpu_of(tid: i32) -> Option<usize> {
    let stat = std::fs::read(format!("/proc/{tid}/stat")).ok()?;
    // The second member is the name in parentheses, which may contain anything.
    let after_name = stat.iter().rposition(|byte| *byte == b')')? + 2;
    let member = stat.get(after_name..)?.split(|byte| *byte == b' ').nth(39 - 3)?;
    std::str::from_utf8(member).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cpu_of_this_thread_is_one_it_may_run_on() {
        let allowed = placement::allowed().unwrap();
        let cpu = cpu_of(nix::unistd::gettid().as_raw()).unwrap();
        assert!(allowed.is_set(cpu).unwrap());
    }

    #[test]
    fn following_and_leaving_restores_where_the_thread_may_run() {
        let Some(mut follower) = Follower::new(nix::unistd::gettid().as_raw()) else {
            println!("skipped: one CPU, or no way back from SCHED_IDLE");
            return;
        };
        let before = placement::allowed().unwrap();
        follower.follow(cpu_of(nix::unistd::gettid().as_raw()).unwrap());
        assert_ne!(placement::allowed().unwrap(), before);
        follower.go_anywhere();
        assert_eq!(placement::allowed().unwrap(), before);
    }
}
