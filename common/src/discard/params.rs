//! What is said about one inode or process, and for how long.

use core::time::Duration;

use super::{EventMask, RETENTION};
use crate::event::EventType;

/// A reading of the kernel's monotonic clock: nanoseconds since the machine was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ktime(pub u64);

/// A state of all discarders: another one once something about files was invalidated.
///
/// Whoever concludes something from a path, and looks up which file that is, asks for it before, and pushes with it
/// ([`Filters::push_since`](super::Filters::push_since)): so that nothing is said about a file that has been renamed
/// in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment(pub u64);

/// What is said about an inode or a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params {
    /// The types of events that are discarded.
    pub event_mask: EventMask,
    /// Until when, by number of the type; zero for ever.
    pub until: [Ktime; EventType::FILTERED],
    /// The end of its retention; zero if there was none.
    pub expire_at: Ktime,
    /// It was invalidated, and takes nothing new before `expire_at`.
    pub is_retained: bool,
    /// The global revision for which this holds.
    pub revision: u32,
}

/// What became of a discarder that was pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It holds from now on.
    Added,
    /// Nothing: the inode or process was invalidated a moment ago, and what was concluded may be about
    /// what it was before.
    Retained,
    /// Nothing, but its retention began: what was there is from before the last flush, and so may be
    /// the reason for this one.
    Outdated,
    /// Nothing: something became invalid after the moment from which it was concluded.
    Overtaken,
}

impl Params {
    pub(super) fn in_retention(&self, now: Ktime) -> bool {
        self.is_retained && self.expire_at > now
    }

    /// What keeps a new discarder out.
    pub(super) fn hindrance(&self, revision: u32, now: Ktime) -> Option<Pushed> {
        if self.in_retention(now) {
            Some(Pushed::Retained)
        } else if !self.is_retained && self.revision != revision {
            Some(Pushed::Outdated)
        } else {
            None
        }
    }

    pub(super) fn add(&mut self, event: EventType, timeout: Option<Duration>, now: Ktime) {
        self.event_mask = self.event_mask.with(event);
        let until = timeout.map_or(0, |timeout| {
            let nanoseconds = u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX);
            now.0.saturating_add(nanoseconds).max(1)
        });
        if let Some(slot) = self.until.get_mut(event as usize) {
            *slot = Ktime(until);
        }
    }

    pub(super) fn retain(&mut self, now: Ktime) {
        let expire_at = Ktime(now.0.saturating_add(RETENTION));
        *self = Self { expire_at, is_retained: true, revision: self.revision, ..Self::default() };
    }

    pub(super) fn covers(&self, event: EventType, revision: u32, now: Ktime) -> bool {
        let until = self.until.get(event as usize).copied().unwrap_or_default();
        self.event_mask.contains(event) && (until.0 == 0 || until > now) && self.revision == revision
    }
}
