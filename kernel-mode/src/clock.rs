//! The clocks of this machine, by which stamps and starts of processes become times.

use lapwing_common::clock::{Clocks, Reading, WallTime};
use lapwing_common::ids::Timestamp;
use lapwing_common::procfs::stat::Clock;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::{SysconfVar, sysconf};

/// What stamps of the programs, and starts of processes in `/proc`, are on the wall clock. Clones share it, so that
/// both move together when the clock is set, and can be compared.
#[derive(Clone, Debug)]
pub(crate) struct HostTime {
    wall: WallTime,
    ticks: u64,
}

impl HostTime {
    /// As of now.
    pub(crate) fn now() -> Self {
        let ticks = sysconf(SysconfVar::CLK_TCK).ok().flatten().and_then(|ticks| u64::try_from(ticks).ok());
        Self { wall: WallTime::of(&Host), ticks: ticks.unwrap_or(0) }
    }

    /// Looks whether the wall clock was set, and goes by it from now on. Returns whether it was.
    pub(crate) fn check(&self) -> bool {
        self.wall.check(&Host)
    }

    /// Of a stamp.
    pub(crate) fn at(&self, stamp: u64) -> Timestamp {
        self.wall.at(stamp)
    }

    /// Of starts of processes.
    pub(crate) fn starts(&self) -> Clock {
        Clock::new(self.wall.boot(), self.ticks)
    }
}

/// The time since boot, as programs stamp with it.
pub(crate) fn since_boot() -> u64 {
    read(ClockId::CLOCK_BOOTTIME)
}

#[derive(Debug)]
struct Host;

impl Clocks for Host {
    fn read(&self) -> Reading {
        Reading { before: since_boot(), wall: Timestamp(read(ClockId::CLOCK_REALTIME)), after: since_boot() }
    }
}

/// A clock's reading in nanoseconds; 0 if there is no such clock.
fn read(clock: ClockId) -> u64 {
    let Ok(time) = clock_gettime(clock) else { return 0 };
    let seconds = u64::try_from(time.tv_sec()).unwrap_or(0);
    seconds * 1_000_000_000 + u64::try_from(time.tv_nsec()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_of_now_is_now() {
        let (before, time, stamp) = (Timestamp::now(), HostTime::now(), since_boot());
        let at = time.at(stamp).0;
        // However long it took to read them.
        assert!((before.0 - 1_000_000_000..=Timestamp::now().0 + 1_000_000_000).contains(&at), "{at}");
    }
}
