//! What every backend is to the rest of Lapwing.
//!
//! A backend yields observations in the order in which they happened and counts what it did and what
//! it lost. It knows nothing of events, rules or outputs.

use alloc::vec::Vec;

use crate::engine::EventSet;
use crate::event::EventType;
use crate::record::Observation;

/// What a backend shall capture. Nothing else is stopped, copied or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterPlan {
    /// The types of events that somebody wants. Lineage (fork, exec, exit) is always followed.
    pub events: EventSet,
    /// Whether there may be discarders ([`crate::discard::Filters`]). If so, the calls that make one wrong
    /// (unlink, rename, link and the like) are captured whether somebody wants their events or not; if
    /// not, pushing one is refused.
    pub discarders: bool,
    /// What happens when a workload sets up an io_uring, whose operations are no system calls.
    pub io_uring: IoUring,
    /// Which system calls every program makes is said ([`crate::record::Sighting::Calls`]), whether they make events or
    /// not. It costs every call: under eBPF a fraction of a microsecond, under ptrace a stop.
    pub syscalls: bool,
    /// Of some types only events with certain flags: what a system call filter can tell by itself.
    pub flags: FlagsWanted,
}

impl Default for FilterPlan {
    fn default() -> Self {
        Self {
            events: EventSet::ALL,
            discarders: false,
            io_uring: IoUring::Allow,
            syscalls: false,
            flags: FlagsWanted::default(),
        }
    }
}

/// Flags without which events of some types are of no interest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagsWanted([Option<FlagTest>; EventType::FILTERED]);

/// What the flags of an event have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagTest {
    /// At least one of these is set.
    pub any: u64,
    /// Or none at all.
    pub or_none: bool,
}

impl FlagTest {
    /// Whether flags pass.
    #[must_use]
    pub fn passes(self, flags: u64) -> bool {
        flags & self.any != 0 || (self.or_none && flags == 0)
    }

    /// What passes one of two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { any: self.any | other.any, or_none: self.or_none || other.or_none }
    }
}

impl FlagsWanted {
    /// What events of a type need; `None` if all are wanted.
    #[must_use]
    pub fn of(&self, event: EventType) -> Option<FlagTest> {
        self.0.get(event as usize).copied().flatten()
    }

    /// What several sets of rules together leave of each type: nothing but events with these flags, where each of them
    /// asks for some.
    #[must_use]
    pub fn by(asked: impl Iterator<Item = (EventType, Option<FlagTest>)>) -> Self {
        let mut all: [Option<Option<FlagTest>>; EventType::FILTERED] = [None; EventType::FILTERED];
        for (event, test) in asked {
            let Some(slot) = all.get_mut(event as usize) else { continue };
            let before = slot.unwrap_or(Some(FlagTest::default()));
            *slot = Some(before.zip(test).map(|(one, other)| one.or(other)));
        }
        Self(all.map(Option::flatten))
    }
}

/// What happens when a workload sets up an io_uring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoUring {
    /// It works, and a `blind` event says so.
    #[default]
    Allow,
    /// It fails with EPERM, as where an administrator disabled it, and a `blind` event says so.
    Deny,
}

/// What a backend counted: names are stable, for output.
pub type Counters = Vec<(&'static str, u64)>;

/// A source of observations.
pub trait Backend {
    /// What went wrong for good.
    type Error;

    /// Hands over what has been seen since the last call, in order. Does not wait.
    ///
    /// # Errors
    ///
    /// When the backend can see nothing any more.
    fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, Self::Error>;

    /// What it did and what it lost.
    fn counters(&self) -> Counters;

    /// Stops observing and leaves the observed processes as they would be without Lapwing.
    fn stop(&mut self);
}

/// Whether a backend will have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more later.
    Watching,
    /// Everything that was observed has ended; the command's exit status, if one was started.
    Finished(Option<Ending>),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

impl Ending {
    /// The exit status that a shell would show: 128 + n for a signal.
    #[must_use]
    pub fn shell_status(self) -> i32 {
        match self {
            Self::Exited(status) => status,
            Self::Signaled(signal) => 128 + signal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_of_which_all_ask_for_flags_can_be_told_by_them() {
        let of = |asked: &[Option<FlagTest>]| {
            FlagsWanted::by(asked.iter().map(|one| (EventType::Open, *one))).of(EventType::Open)
        };
        let test = |any, or_none| Some(FlagTest { any, or_none });
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[test(0x41, false)]), test(0x41, false));
        assert_eq!(of(&[test(0x41, false), test(2, true)]), test(0x43, true));
        assert_eq!(of(&[test(0x41, false), None]), None);
        assert_eq!(of(&[None, test(0x41, false)]), None);
        assert!(FlagTest { any: 2, or_none: true }.passes(0) && !FlagTest { any: 2, or_none: true }.passes(1));
    }
}
