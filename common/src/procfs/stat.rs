//! `/proc/TID/stat`: a thread's parent, terminal and start.

use super::{number, tty};
use crate::ids::{Pid, Timestamp};
use crate::schema::Short;

/// What `/proc/TID/stat` says: proc_pid_stat(5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The command name.
    pub name: Short,
    /// The parent.
    pub ppid: Pid,
    /// Name of the controlling terminal (`pts0`), empty without one.
    pub tty: Short,
    /// When it was created.
    pub started: Timestamp,
}

/// What a time since boot is on the wall clock: see [`crate::clock`] for when that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    boot: u64,
    tick: u64,
}

impl Clock {
    /// A clock for a machine that was booted at `boot` (`CLOCK_REALTIME` less `CLOCK_BOOTTIME`), and
    /// whose `/proc` counts this many ticks a second (`sysconf(_SC_CLK_TCK)`; 0 is taken for 100, which
    /// it is on x86 and ARM).
    #[must_use]
    pub fn new(boot: Timestamp, ticks_per_second: u64) -> Self {
        let ticks = if ticks_per_second == 0 { 100 } else { ticks_per_second };
        Self { boot: boot.0, tick: 1_000_000_000 / ticks }
    }

    /// The time so many ticks after boot, as the field `starttime` has them.
    #[must_use]
    pub fn at(self, ticks: u64) -> Timestamp {
        Timestamp(self.boot.saturating_add(ticks.saturating_mul(self.tick)))
    }
}

impl Stat {
    /// Reads the text; `None` if it is not whole.
    ///
    /// `TID (name) state ppid pgrp session tty_nr …`, where the name may hold anything, brackets and
    /// lines too; unlike that of `status` it is not escaped (seen on Linux 6.18).
    #[must_use]
    pub fn parse(text: &[u8], clock: Clock) -> Option<Self> {
        let open = text.iter().position(|byte| *byte == b'(')?;
        let close = text.iter().rposition(|byte| *byte == b')')?;
        // Counted from the state, the third field.
        let mut fields = text.get(close + 1..)?.trim_ascii().split(|byte| *byte == b' ');
        let ppid = number(fields.nth(1)?)?;
        let tty: i32 = number(fields.nth(2)?)?;
        let started = number(fields.nth(14)?)?;
        Some(Self {
            name: Short::new(text.get(open + 1..close)?),
            ppid: Pid(ppid),
            tty: tty::name(tty.cast_unsigned()),
            started: clock.at(started),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_brackets_in_the_name() {
        let clock = Clock::new(Timestamp(1_000), 100_000_000);
        let text = b"9 (a) R\\n (b)) S 4 9 9 34817 9 4194560 1 2 3 4 5 6 7 8 20 0 1 0 321 1000 2\n";
        let stat = Stat::parse(text, clock).unwrap();
        assert_eq!(stat.name.as_bytes(), b"a) R\\n (b)");
        assert_eq!((stat.ppid, stat.tty.as_bytes()), (Pid(4), &b"pts1"[..]));
        assert_eq!(stat.started, Timestamp(1_000 + 3_210));
        assert_eq!(Stat::parse(b"", clock), None);
        assert_eq!(Stat::parse(b"9 (a) S 4", clock), None);
    }

    #[test]
    fn ticks_are_a_hundredth_where_nobody_says() {
        assert_eq!(Clock::new(Timestamp(5), 0).at(2), Timestamp(20_000_005));
    }
}
