//! How often procfs may be asked.
//!
//! A lookup takes some fifty microseconds, and whoever makes records overflow makes lookups necessary: without
//! a limit, what is lost would be followed by more that is lost. Time is that of the events.

use alloc::collections::VecDeque;

use crate::ids::{ProcessKey, Timestamp};

/// Lookups that may come at once.
const BURST: u32 = 64;
/// One more after so many nanoseconds: a hundred in a second.
const INTERVAL: u64 = 10_000_000;
/// The same process is asked for once in so many nanoseconds.
const PATIENCE: u64 = 30_000_000_000;
/// As many processes are remembered for that.
const REMEMBERED: usize = 128;

/// A bucket of lookups, and who was looked up last.
#[derive(Debug)]
pub(super) struct Limiter {
    tokens: u32,
    /// Up to when tokens have been added.
    filled: u64,
    recent: VecDeque<(ProcessKey, Timestamp)>,
}

/// What is to be done about a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// This process was looked up a moment ago.
    AskedBefore,
    /// There have been too many lookups.
    TooMany,
}

impl Limiter {
    pub(super) fn new() -> Self {
        Self { tokens: BURST, filled: 0, recent: VecDeque::with_capacity(REMEMBERED) }
    }

    /// Whether the process may be looked up.
    pub(super) fn judge(&mut self, key: ProcessKey, at: Timestamp) -> Verdict {
        let is_recent =
            |(other, since): &(ProcessKey, Timestamp)| *other == key && at.0.saturating_sub(since.0) < PATIENCE;
        if self.recent.iter().any(is_recent) {
            return Verdict::AskedBefore;
        }
        if !self.take(at) {
            return Verdict::TooMany;
        }
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        self.recent.push_back((key, at));
        Verdict::Allowed
    }

    /// Takes a token, if there is one.
    pub(super) fn take(&mut self, at: Timestamp) -> bool {
        let gained = at.0.saturating_sub(self.filled) / INTERVAL;
        if gained > 0 {
            let missing = BURST - self.tokens;
            self.tokens += u32::try_from(gained).map_or(missing, |gained| gained.min(missing));
            self.filled += gained * INTERVAL;
        }
        let taken = self.tokens.checked_sub(1);
        self.tokens = taken.unwrap_or(0);
        taken.is_some()
    }

    /// Puts a token back: what it was taken for cost next to nothing.
    pub(super) fn give_back(&mut self) {
        self.tokens = BURST.min(self.tokens + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Pid, PidNs};

    const SECOND: u64 = 1_000_000_000;

    impl Limiter {
        fn allows(&mut self, key: ProcessKey, at: Timestamp) -> bool {
            self.judge(key, at) == Verdict::Allowed
        }
    }

    fn key(pid: i32) -> ProcessKey {
        ProcessKey { pid: Pid(pid), namespace: PidNs(1) }
    }

    #[test]
    fn a_process_is_asked_for_twice_in_a_minute() {
        let mut limiter = Limiter::new();
        let seconds = (100..160).filter(|second| limiter.allows(key(1), Timestamp(second * SECOND)));
        assert!(seconds.eq([100, 130]));
    }

    #[test]
    fn many_processes_come_in_a_burst_and_then_one_by_one() {
        let mut limiter = Limiter::new();
        let mut pids = 1..;
        let mut allowed = |limiter: &mut Limiter, at| {
            pids.by_ref().take(200).filter(|pid| limiter.allows(key(*pid), Timestamp(at))).count()
        };
        let start = 1_700_000_000 * SECOND;
        assert_eq!(allowed(&mut limiter, start), 64);
        assert_eq!(allowed(&mut limiter, start + INTERVAL - 1), 0);
        assert_eq!(allowed(&mut limiter, start + INTERVAL), 1);
        assert_eq!(allowed(&mut limiter, start + SECOND / 2), 49);
        assert_eq!(allowed(&mut limiter, start + 3600 * SECOND), 64);
    }

    #[test]
    fn being_refused_for_want_of_tokens_does_not_count_as_being_asked_for() {
        let mut limiter = Limiter::new();
        while limiter.take(Timestamp(SECOND)) {}
        assert_eq!(limiter.judge(key(1), Timestamp(SECOND)), Verdict::TooMany);
        assert!(limiter.allows(key(1), Timestamp(SECOND + INTERVAL)));
    }

    #[test]
    fn only_so_many_are_remembered() {
        let mut limiter = Limiter::new();
        for pid in 0..=128 {
            assert!(limiter.allows(key(pid), Timestamp(SECOND + u64::from(pid.unsigned_abs()) * INTERVAL)));
        }
        let later = Timestamp(4 * SECOND);
        assert!(limiter.allows(key(0), later) && !limiter.allows(key(128), later));
        assert_eq!(limiter.recent.len(), REMEMBERED);
    }

    #[test]
    fn time_that_goes_back_gives_nothing() {
        let mut limiter = Limiter::new();
        while limiter.take(Timestamp(9 * SECOND)) {}
        assert!(!limiter.take(Timestamp(8 * SECOND)));
    }
}
