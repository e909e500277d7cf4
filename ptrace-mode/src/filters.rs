//! Discarders and approvers between the tracer's thread and whoever says what is of no interest.
//!
//! They are kept here, in the tracer's process, since a stop that is not needed is what filtering is to
//! save. The tracer asks at every stop, so that nothing but one atomic flag is looked at while nothing
//! was said. The lock is never held while the kernel is asked for something.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard::{
    ApproverStatistics, Approvers, Discarders, FilePolicy, Filters, InodeKey, Invalidation, Ktime, Listing, Mode,
    Moment, Passage, Pushed, Refusal, Statistics,
};
use lapwing_common::engine::EventSet;
use lapwing_common::event::EventType;
use lapwing_common::ids::Pid;
use nix::time::{ClockId, clock_gettime};

/// What the tracer is told to leave out, to be shared with whoever tells it.
///
/// The tracer decides about a file that is opened at the end of the call, and about all else at its start.
#[derive(Debug, Default)]
pub struct FilterTable {
    /// Whether there may be discarders: whether what ends them is seen.
    planned: bool,
    /// The types of events that the watch was begun for.
    begun: u64,
    /// Those of them that nobody wants any more.
    given_up: AtomicU64,
    /// Whether there is anything to be asked.
    any: AtomicBool,
    state: Mutex<State>,
    /// Shared by every call that gives many files other names, until it is over.
    holds: Arc<()>,
}

/// Keeps discarders out while it lives: what is concluded from names may be about those that files had before.
#[derive(Debug)]
#[must_use = "discarders are taken again once it is dropped"]
pub(crate) struct Hold(#[expect(dead_code, reason = "its existence is what counts")] Arc<()>);

#[derive(Debug, Default)]
struct State {
    discarders: Discarders,
    approvers: Approvers,
    /// Something was pushed that may hold still.
    pushed: bool,
    /// Files may be removed and renamed unseen from now on.
    out_of_sight: bool,
}

/// What is known of a file's discarders before its directories are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The event is reported.
    Report,
    /// It is not.
    Drop,
    /// It depends on the directories above the file.
    AskParents,
}

impl FilterTable {
    pub(crate) fn new(plan: &FilterPlan) -> Self {
        Self { planned: plan.discarders, begun: plan.events.bits(), ..Self::default() }
    }

    /// Has only events of these types reported from now on, as far as the watch was begun for them: what is trapped
    /// was decided then. Returns those that are reported. What keeps processes and discarders right is followed in
    /// any case. A call that is not wanted any more still stops, since a filter cannot be taken off, but nothing is
    /// read, and it does not stop again when it returns.
    pub fn want(&self, events: EventSet) -> EventSet {
        let wanted = events.bits() & self.begun;
        self.given_up.store(self.begun & !wanted, Relaxed);
        EventSet::from_bits(wanted)
    }

    /// Whether events of the type were wanted once, and are not any more.
    pub(crate) fn has_given_up(&self, event: EventType) -> bool {
        EventSet::from_bits(self.given_up.load(Relaxed)).contains(event)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave it half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = change(&mut state);
        self.any.store(state.pushed || !state.approvers.is_default(), Release);
        result
    }

    /// Whether anything was said that a stop could be spared for.
    #[must_use]
    pub fn any(&self) -> bool {
        self.any.load(Acquire)
    }

    /// Whether the event is not reported whatever file it is about: by its process, or by its flags.
    pub(crate) fn drops_any_file(&self, pid: Pid, event: EventType, flags: u64) -> bool {
        let state = &mut *self.lock();
        state.approvers.mode(event) != Mode::NoFilter
            && (state.approvers.rejects_by_flags(event, flags) || state.discarders.discards_pid(pid, event, now()))
    }

    /// What becomes of an event with these paths and flags, about this file; its mount where there is no
    /// such file yet. Of a process with another root nothing is discarded: it knows files by other names.
    pub(crate) fn ask<'a>(
        &self,
        event: EventType,
        paths: impl Iterator<Item = Option<&'a [u8]>>,
        flags: u64,
        file: Option<InodeKey>,
        has_other_root: bool,
    ) -> Answer {
        let state = &mut *self.lock();
        match state.approvers.judge(event, paths, flags) {
            Passage::Never => return Answer::Drop,
            Passage::Always => return Answer::Report,
            Passage::UnlessDiscarded if has_other_root || !event.is_discardable() => return Answer::Report,
            Passage::UnlessDiscarded => {}
        }
        match file {
            Some(file) if state.discarders.discards(file, event, now()) => Answer::Drop,
            Some(file) if !state.discarders.has_parents(file.mount) => Answer::Report,
            _ => Answer::AskParents,
        }
    }

    /// Whether what is below a directory is discarded; not counted.
    pub(crate) fn matches(&self, directory: InodeKey, event: EventType) -> bool {
        self.lock().discarders.matches(directory, event, now())
    }

    /// Counts an event that nobody wants to hear of, by its path.
    pub(crate) fn count_rejected(&self, event: EventType) {
        self.lock().approvers.count_rejected(event);
    }

    /// Counts an event that a directory discards.
    pub(crate) fn count_discarded(&self, event: EventType) {
        self.lock().discarders.count_discarded(event);
    }

    /// Drops what is no longer valid.
    pub(crate) fn invalidate(&self, what: impl IntoIterator<Item = Invalidation>) {
        let discarders = &mut self.lock().discarders;
        for invalid in what {
            match invalid {
                Invalidation::Inode { inode, mount } => discarders.expire(inode, mount, now()),
                Invalidation::Mount(mount) => discarders.bump_mount(mount),
                Invalidation::Mounts => discarders.bump_mounts(),
                Invalidation::Everything => discarders.flush(),
            }
        }
    }

    /// Has no discarders of files taken from before a call is made until what it did is known. To be asked for before
    /// what the call makes wrong is dropped, and let go of after what it made wrong was.
    pub(crate) fn hold(&self) -> Hold {
        Hold(Arc::clone(&self.holds))
    }

    /// Adds discarders of files, unless names are about to change.
    fn unless_held(&self, push: impl FnOnce(&mut State) -> Result<Pushed, Refusal>) -> Result<Pushed, Refusal> {
        self.when_planned(|state| {
            // Under the lock under which the tracer drops what is wrong, before and after a call.
            if Arc::strong_count(&self.holds) > 1 {
                return Ok(Pushed::Overtaken);
            }
            let pushed = push(state)?;
            state.pushed |= pushed == Pushed::Added;
            Ok(pushed)
        })
    }

    /// Gives up discarders: what ends them may not be seen any more.
    pub(crate) fn lose_sight(&self) {
        self.change(|state| {
            state.discarders.flush();
            state.pushed = false;
            state.out_of_sight = true;
        });
    }

    /// A process began.
    pub(crate) fn begin_pid(&self, pid: Pid) {
        self.lock().discarders.begin_pid(pid);
    }

    /// A process ended.
    pub(crate) fn expire_pid(&self, pid: Pid) {
        self.lock().discarders.expire_pid(pid, now());
    }

    /// Whether discarders are taken: the watch was begun for them, and everything that ends them is seen.
    #[must_use]
    pub fn takes_discarders(&self) -> bool {
        self.planned && !self.lock().out_of_sight
    }

    fn when_planned<T>(&self, change: impl FnOnce(&mut State) -> Result<T, Refusal>) -> Result<T, Refusal> {
        if !self.planned {
            return Err(Refusal::NotPlanned);
        }
        self.change(|state| if state.out_of_sight { Err(Refusal::OutOfSight) } else { change(state) })
    }
}

impl Filters for FilterTable {
    type Error = Refusal;

    fn push(&self, key: InodeKey, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.unless_held(|state| state.discarders.push(key, event, timeout, now()))
    }

    fn moment(&self) -> Result<Moment, Refusal> {
        Ok(self.lock().discarders.moment())
    }

    fn push_since(&self, moment: Moment, key: InodeKey, event: EventType) -> Result<Pushed, Refusal> {
        self.unless_held(|state| state.discarders.push_since(moment, key, event, now()))
    }

    fn push_pid(&self, pid: Pid, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.when_planned(|state| {
            let pushed = state.discarders.push_pid(pid, event, timeout, now())?;
            state.pushed |= pushed == Pushed::Added;
            Ok(pushed)
        })
    }

    fn expire(&self, inode: u64, mount: u32) -> Result<(), Refusal> {
        self.when_planned(|state| {
            state.discarders.expire(inode, mount, now());
            Ok(())
        })
    }

    fn flush(&self) -> Result<(), Refusal> {
        self.change(|state| {
            state.discarders.flush();
            state.pushed = false;
        });
        Ok(())
    }

    fn list(&self) -> Result<Listing, Refusal> {
        Ok(self.lock().discarders.list())
    }

    fn set_policy(&self, event: EventType, policy: FilePolicy) -> Result<(), Refusal> {
        self.change(|state| state.approvers.set(event, &policy))
    }

    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, Refusal> {
        Ok(self.lock().approvers.list())
    }

    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        let state = &mut *self.lock();
        Ok((state.discarders.statistics().sum(), state.approvers.statistics().sum()))
    }

    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        let state = &mut *self.lock();
        Ok((state.discarders.statistics().take(), state.approvers.statistics().take()))
    }
}

/// The clock that discarders are timed by. It cannot fail on Linux; zero would only lengthen a retention.
fn now() -> Ktime {
    let Ok(now) = clock_gettime(ClockId::CLOCK_MONOTONIC) else { return Ktime(0) };
    let (seconds, nanoseconds) = (u64::try_from(now.tv_sec()), u64::try_from(now.tv_nsec()));
    Ktime(seconds.unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(nanoseconds.unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_taken_while_names_are_about_to_change() {
        let filters = FilterTable::new(&FilterPlan { discarders: true, ..FilterPlan::default() });
        let key = InodeKey { inode: 7, mount: 42, leaf: false };
        let push = || filters.push(key, EventType::Open, None).unwrap();
        let moment = filters.moment().unwrap();
        let (one, other) = (filters.hold(), filters.hold());
        assert_eq!(push(), Pushed::Overtaken);
        assert_eq!(filters.push_since(moment, key, EventType::Open).unwrap(), Pushed::Overtaken);
        assert_eq!(filters.push_pid(Pid(1), EventType::Open, None).unwrap(), Pushed::Added, "it depends on no name");
        drop(one);
        assert_eq!(push(), Pushed::Overtaken, "another call is still being made");
        filters.invalidate([Invalidation::Mounts]);
        drop(other);
        assert_eq!(filters.push_since(moment, key, EventType::Open).unwrap(), Pushed::Overtaken);
        assert!(!filters.matches(key, EventType::Open));
        assert_eq!(push(), Pushed::Added);
    }
}
