//! What times since boot are on the wall clock.
//!
//! The kernel stamps what happens with a clock that nobody can set, and people read the other one. The distance
//! between the two is measured once and stays, since small corrections of the wall clock (adjtimex(2)) slow both down or
//! speed both up. It changes when the wall clock is set: by hand, by NTP after a virtual machine was paused, by a leap
//! second. So it is measured again from time to time, and taken over when it is another by more than measuring can
//! be wrong.

use alloc::sync::Arc;
use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::ids::Timestamp;

/// By how much a measurement may be wrong, in nanoseconds. Less than people notice, and more than a thread takes to
/// read three clocks, unless it is interrupted meanwhile.
const EXACT: u64 = 1_000_000;

/// Both clocks at nearly the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Nanoseconds since boot, suspension included (`CLOCK_BOOTTIME`), before the wall clock was read.
    pub before: u64,
    /// The wall clock (`CLOCK_REALTIME`).
    pub wall: Timestamp,
    /// As `before`, after the wall clock was read.
    pub after: u64,
}

impl Reading {
    /// When the machine was booted, by the wall clock.
    fn boot(self) -> u64 {
        self.wall.0.saturating_sub(self.before.midpoint(self.after))
    }
}

/// Where the clocks of a machine are read.
pub trait Clocks: fmt::Debug {
    /// Reads them.
    fn read(&self) -> Reading;
}

/// Turns times since boot into times on the wall clock. Clones share what was measured.
#[derive(Clone, Debug)]
pub struct WallTime {
    boot: Arc<AtomicU64>,
}

impl WallTime {
    /// Measures for the first time.
    #[must_use]
    pub fn of(clocks: &impl Clocks) -> Self {
        Self { boot: Arc::new(AtomicU64::new(clocks.read().boot())) }
    }

    /// Measures again. Returns whether the wall clock was set meanwhile.
    pub fn check(&self, clocks: &impl Clocks) -> bool {
        let reading = clocks.read();
        let boot = reading.boot();
        let is_exact = reading.after.saturating_sub(reading.before) < EXACT;
        let was_set = is_exact && boot.abs_diff(self.boot.load(Relaxed)) > EXACT;
        if was_set {
            self.boot.store(boot, Relaxed);
        }
        was_set
    }

    /// When the machine was booted.
    #[must_use]
    pub fn boot(&self) -> Timestamp {
        Timestamp(self.boot.load(Relaxed))
    }

    /// The time so many nanoseconds after boot.
    #[must_use]
    pub fn at(&self, since_boot: u64) -> Timestamp {
        Timestamp(self.boot().0.saturating_add(since_boot))
    }
}

#[cfg(test)]
mod tests {
    use core::cell::Cell;

    use super::*;

    const SECOND: u64 = 1_000_000_000;
    const BOOT: u64 = 1_700_000_000 * SECOND;

    /// A machine whose clocks are set by the test.
    #[derive(Debug)]
    struct Fake {
        since_boot: Cell<u64>,
        boot: Cell<u64>,
        /// How long reading takes.
        takes: Cell<u64>,
    }

    impl Clocks for Fake {
        fn read(&self) -> Reading {
            let before = self.since_boot.get();
            let after = before + self.takes.get();
            // The wall clock is read at the very end.
            Reading { before, wall: Timestamp(self.boot.get() + after), after }
        }
    }

    fn machine() -> (Fake, WallTime) {
        let fake = Fake { since_boot: Cell::new(100 * SECOND), boot: Cell::new(BOOT), takes: Cell::new(0) };
        let time = WallTime::of(&fake);
        (fake, time)
    }

    #[test]
    fn a_stamp_is_as_long_after_boot_as_it_says() {
        let (fake, time) = machine();
        assert_eq!(time.at(3 * SECOND), Timestamp(BOOT + 3 * SECOND));
        fake.since_boot.set(9000 * SECOND);
        assert!(!time.check(&fake));
        assert_eq!(time.boot(), Timestamp(BOOT));
    }

    #[test]
    fn a_wall_clock_that_was_set_is_followed_both_ways() {
        let (fake, time) = machine();
        let shared = time.clone();
        for boot in [BOOT + 3600 * SECOND, BOOT - 3600 * SECOND, BOOT + SECOND] {
            fake.boot.set(boot);
            assert_eq!((time.check(&fake), time.check(&fake)), (true, false));
            assert_eq!(shared.at(SECOND), Timestamp(boot + SECOND));
        }
    }

    #[test]
    fn what_measuring_gets_wrong_is_no_step_and_does_not_add_up() {
        let (fake, time) = machine();
        for step in 1..100 {
            fake.takes.set(step * 9_999);
            assert!(!time.check(&fake));
        }
        assert_eq!(time.boot(), Timestamp(BOOT));
        // Small steps are followed once they come to something.
        fake.takes.set(0);
        let steps = (1..=30).filter(|step| {
            fake.boot.set(BOOT + step * 100_000);
            time.check(&fake)
        });
        assert_eq!(steps.count(), 2);
    }

    #[test]
    fn an_interrupted_measurement_is_not_believed() {
        let (fake, time) = machine();
        fake.takes.set(SECOND);
        assert!(!time.check(&fake));
        // And what was missed by it is found by the next.
        fake.boot.set(BOOT + 60 * SECOND);
        assert!(!time.check(&fake));
        fake.takes.set(1000);
        assert!(time.check(&fake));
    }
}
