//! What a profile says of an event.

use alloc::vec::Vec;
use core::time::Duration;

use super::state::{Situation, Stability, State};
use super::{ANY_TAG, Profile};
use crate::activity::{ActivityTree, Dropped, Generation, Mark, Options, Presence, Syscalls};
use crate::discard::Ktime;
use crate::event::{Event, EventType};
use crate::syscall::{Arch, CallSet};

/// Bytes that the departures of a minute may take. Beyond it, repetitions are told again.
const DEPARTURES: usize = 1 << 20;

/// By whom, and when.
#[derive(Clone, Copy, Debug)]
pub struct Occasion<'a> {
    /// The workload's version. Empty or [`ANY_TAG`] if it is not known: then whatever any version did is normal.
    pub tag: &'a str,
    /// When the workload was started.
    pub started: Ktime,
    /// When the event happened.
    pub now: Ktime,
}

/// What a profile says of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// It is normal.
    Known,
    /// It was not, and is from now on.
    Learned,
    /// It departs from what is normal.
    Anomaly,
    /// It departs as another has, not long ago.
    Repeated,
    /// It departs, and so did the start of its program: that anomaly stands for this too.
    OfUnknownProgram,
    /// Events of its type are not judged: there is too much new among them, or they are not wanted.
    NotJudged,
    /// There is no room to learn it.
    NoRoom,
    /// It has no place in a tree.
    Dropped(Dropped),
}

/// How many events had which verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// [`Verdict::Known`].
    pub known: u64,
    /// [`Verdict::Learned`].
    pub learned: u64,
    /// [`Verdict::Anomaly`].
    pub anomalies: u64,
    /// [`Verdict::Repeated`].
    pub repeated: u64,
    /// [`Verdict::OfUnknownProgram`].
    pub of_unknown_programs: u64,
    /// [`Verdict::NoRoom`].
    pub no_room: u64,
    /// What should have a place in a tree, and has none, since too little is known of it.
    pub unplaced: u64,
}

impl Tally {
    pub(super) fn count(&mut self, verdict: Verdict) {
        let place = match verdict {
            Verdict::Known => &mut self.known,
            Verdict::Learned => &mut self.learned,
            Verdict::Anomaly => &mut self.anomalies,
            Verdict::Repeated => &mut self.repeated,
            Verdict::OfUnknownProgram => &mut self.of_unknown_programs,
            Verdict::NoRoom => &mut self.no_room,
            Verdict::Dropped(Dropped::BrokenLineage | Dropped::BrokenEvent) => &mut self.unplaced,
            Verdict::NotJudged | Verdict::Dropped(_) => return,
        };
        *place += 1;
    }
}

/// What has departed lately, so that it is told once.
#[derive(Debug, Default)]
pub(super) struct Departures {
    since: Ktime,
    tree: Option<ActivityTree>,
    calls: Option<CallSet>,
}

impl Departures {
    /// Whether the same has departed in this period already.
    fn has(&mut self, event: &Event, now: Ktime, period: Duration, options: &Options) -> bool {
        self.pass(now, period);
        let options = || Options { limit: DEPARTURES, syscalls: Syscalls::Ignored, ..options.clone() };
        let tree = self.tree.get_or_insert_with(|| ActivityTree::new(options()));
        matches!(tree.insert(event, &Mark::default()), Ok(novelty) if !novelty.any())
    }

    /// Of these system calls those that have not departed in this period already.
    pub(super) fn fresh(&mut self, calls: &[u32], now: Ktime, period: Duration) -> Vec<u32> {
        self.pass(now, period);
        let departed = self.calls.get_or_insert_with(|| CallSet::new(Arch::NATIVE));
        calls.iter().copied().filter(|call| departed.insert(*call)).collect()
    }

    fn pass(&mut self, now: Ktime, period: Duration) {
        if Duration::from_nanos(now.0.saturating_sub(self.since.0)) >= period {
            *self = Self { since: now, tree: None, calls: None };
        }
    }
}

impl Profile {
    /// Judges an event, or learns it.
    pub fn observe(&mut self, event: &Event, occasion: &Occasion<'_>) -> Verdict {
        let verdict = self.judge(event, occasion);
        self.tally.count(verdict);
        verdict
    }

    fn judge(&mut self, event: &Event, occasion: &Occasion<'_>) -> Verdict {
        let kind = event.event_type();
        if kind == EventType::Exit {
            // Moves a time.
            let _ = self.tree.insert(event, &Mark { adds_processes: false, ..Mark::default() });
            return Verdict::NotJudged;
        }
        let Some(state) = self.met_with(kind, occasion) else { return Verdict::NotJudged };
        match state {
            State::Unstable => Verdict::NotJudged,
            State::Stable => self.compare(event, occasion),
            State::AtMaxSize => {
                let verdict = self.presence(event, occasion.tag);
                match verdict {
                    Ok(Presence::Known) => Verdict::Known,
                    Ok(_) => {
                        self.renew(occasion, kind);
                        Verdict::NoRoom
                    }
                    Err(dropped) => Verdict::Dropped(dropped),
                }
            }
            State::AutoLearning => self.learn(event, occasion, Generation::ProfileDrift),
            State::WorkloadWarmup => self.learn(event, occasion, Generation::WorkloadWarmup),
        }
    }

    /// The state in which something of a type finds the profile, which stays if it is one that stays. `None` if the
    /// type is not judged.
    pub(super) fn met_with(&mut self, kind: EventType, occasion: &Occasion<'_>) -> Option<State> {
        if self.is_disabled || !self.settings.types.contains(kind) || self.state(kind) == State::Unstable {
            return None;
        }
        let Occasion { tag, started, now } = *occasion;
        let (size, loaded) = (self.tree.size(), self.loaded);
        let context = self.version(tag, now);
        let began = context.first_seen.max(loaded);
        let progress = context.progress(kind)?;
        // Of a type that is judged since the profile was loaded, nothing new has come since then.
        let (stability, last_new) = (progress.stability, progress.last_new.max(loaded));
        let state = Situation { stability, last_new, started, began, size, now }.state(&self.settings);
        match state {
            State::Unstable => self.set(occasion, kind, Stability::Unstable),
            State::Stable => self.set(occasion, kind, Stability::Stable),
            _ => {}
        }
        Some(state)
    }

    fn presence(&mut self, event: &Event, tag: &str) -> Result<Presence, Dropped> {
        if tag.is_empty() || tag == ANY_TAG {
            return self.tree.presence(event, None);
        }
        match self.tree.known_tag(tag) {
            Some(tag) => self.tree.presence(event, Some(tag)),
            None => Ok(if event.event_type() == EventType::Exec { Presence::NewEntry } else { Presence::NewProgram }),
        }
    }

    fn compare(&mut self, event: &Event, occasion: &Occasion<'_>) -> Verdict {
        match self.presence(event, occasion.tag) {
            Ok(Presence::Known) => Verdict::Known,
            Ok(Presence::NewProgram) if event.event_type() != EventType::Exec => Verdict::OfUnknownProgram,
            Ok(Presence::NewEntry | Presence::NewProgram) => self.depart(event, occasion),
            Err(dropped) => Verdict::Dropped(dropped),
        }
    }

    fn depart(&mut self, event: &Event, occasion: &Occasion<'_>) -> Verdict {
        let Self { departures, settings, tree, .. } = self;
        let is_repeated = departures.has(event, occasion.now, settings.repeat, tree.options());
        if is_repeated { Verdict::Repeated } else { Verdict::Anomaly }
    }

    fn learn(&mut self, event: &Event, occasion: &Occasion<'_>, generation: Generation) -> Verdict {
        let kind = event.event_type();
        // A program is learned by its start. What else a program does that was not learned says nothing of normality,
        // unless programs are still being learned.
        let adds_processes =
            kind == EventType::Exec || generation == Generation::WorkloadWarmup || self.is_learning_programs(occasion);
        let tag = self.tree.tag(occasion.tag);
        match self.tree.insert(event, &Mark { tag, generation, adds_processes, rules: &[] }) {
            Ok(novelty) if !novelty.any() => Verdict::Known,
            Ok(_) => {
                self.renew(occasion, kind);
                // Other versions have long been stable, and none of them did this.
                if self.state(kind) == State::Stable { self.depart(event, occasion) } else { Verdict::Learned }
            }
            Err(Dropped::UnknownProcess) => Verdict::OfUnknownProgram,
            Err(Dropped::Full) => {
                self.renew(occasion, kind);
                Verdict::NoRoom
            }
            Err(dropped) => Verdict::Dropped(dropped),
        }
    }

    pub(super) fn is_learning_programs(&mut self, occasion: &Occasion<'_>) -> bool {
        self.version(occasion.tag, occasion.now).state(EventType::Exec) == State::AutoLearning
    }

    fn set(&mut self, occasion: &Occasion<'_>, kind: EventType, stability: Stability) {
        if let Some(progress) = self.version(occasion.tag, occasion.now).progress(kind) {
            progress.stability = stability;
        }
    }

    /// Something new has come: stability is put off.
    pub(super) fn renew(&mut self, occasion: &Occasion<'_>, kind: EventType) {
        if let Some(progress) = self.version(occasion.tag, occasion.now).progress(kind) {
            progress.last_new = occasion.now;
        }
    }
}
