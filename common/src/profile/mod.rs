//! Security profiles: what a workload normally does, and whether an event departs from it.
//!
//! A [`Profile`] is an activity tree with a verdict. While it learns, events go into the tree; once nothing new has
//! come for long enough it is stable, and what is not in it is an anomaly. That is decided for each version of the
//! workload and each type of event, since a new version may do new things, and files settle later than programs.
//! Nothing here reads a clock: times come with the events.

mod calls;
mod context;
mod limiter;
mod message;
mod selector;
mod settings;
mod state;
mod store;
mod suppress;
mod verdict;

pub use calls::CallsVerdict;
pub use context::Context;
pub use limiter::Limiter;
pub use selector::{ANY_TAG, Selector};
pub use settings::Settings;
pub use state::{Situation, Stability, State};
pub use store::{Added, Profiles};
pub use suppress::{Standing, is_suppressed};
pub use verdict::{Occasion, Tally, Verdict};

use alloc::string::String;
use alloc::vec::Vec;

use crate::activity::{ActivityTree, NodeCounts, Options};
use crate::discard::Ktime;
use crate::engine::EventSet;
use crate::event::{Event, EventType};
use context::Contexts;

/// The types of events that profiles judge: those that activity trees hold. The last one is judged by sets of calls
/// ([`Profile::observe_calls`]), and only where [`Settings::types`] has it: most of the time nobody follows every call.
pub const JUDGED: [EventType; 4] = [EventType::Exec, EventType::Open, EventType::Bind, EventType::Syscalls];

/// What a workload normally does, over all of its versions.
#[derive(Debug)]
pub struct Profile {
    selector: Selector,
    settings: Settings,
    tree: ActivityTree,
    contexts: Contexts,
    loaded: Ktime,
    departures: verdict::Departures,
    /// The system calls of versions, by tag.
    calls: calls::Known,
    tally: Tally,
    is_disabled: bool,
}

impl Profile {
    /// A profile that knows nothing yet. `tree` says which processes are the workload's; its limit is that of the
    /// settings.
    #[must_use]
    pub fn new(selector: Selector, settings: Settings, tree: Options, now: Ktime) -> Self {
        Self {
            selector,
            tree: ActivityTree::new(settings.tree(tree)),
            contexts: Contexts::default(),
            loaded: now,
            departures: verdict::Departures::default(),
            calls: calls::Known::default(),
            tally: Tally::default(),
            is_disabled: false,
            settings,
        }
    }

    /// Which workloads it is about.
    #[must_use]
    pub fn selector(&self) -> &Selector {
        &self.selector
    }

    /// Says of which workloads it is.
    pub fn select(&mut self, selector: Selector) {
        self.selector = selector;
    }

    /// What its tree is of.
    #[must_use]
    pub fn options(&self) -> &Options {
        self.tree.options()
    }

    /// What it knows.
    #[must_use]
    pub fn tree(&self) -> &ActivityTree {
        &self.tree
    }

    /// How much it knows.
    #[must_use]
    pub fn counts(&self) -> NodeCounts {
        self.tree.counts()
    }

    /// What became of the events that it was shown.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// When it began, or was loaded.
    #[must_use]
    pub fn loaded(&self) -> Ktime {
        self.loaded
    }

    /// The versions of the workload that it has seen, by their tags.
    pub fn versions(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.contexts.iter()
    }

    /// System calls of a version, by their numbers for this machine's processor, besides those of the tree.
    pub fn add_syscalls(&mut self, tag: &str, calls: impl IntoIterator<Item = u32>, now: Ktime) {
        self.calls = calls::Known::default();
        let context = self.version(tag, now);
        for call in calls {
            if let Err(at) = context.syscalls.binary_search(&call) {
                context.syscalls.insert(at, call);
            }
        }
    }

    /// What all versions are together, for a type: unstable if one is, else stable if one is, else learning.
    #[must_use]
    pub fn state(&self, kind: EventType) -> State {
        let any = |wanted| self.contexts.iter().any(|(_, context)| context.state(kind) == wanted);
        match () {
            () if any(State::Unstable) => State::Unstable,
            () if any(State::Stable) => State::Stable,
            () => State::AutoLearning,
        }
    }

    /// Takes what was learned for all that is normal: from now on what is not in the profile is an anomaly. For whoever
    /// knows that it is complete; else time tells. Of a profile that says of which types it is, others are not judged.
    pub fn settle(&mut self, now: Ktime) {
        let is_told = |kind: &EventType| self.contexts.iter().any(|(_, context)| context.tells_of(*kind));
        let told: EventSet = JUDGED.into_iter().filter(is_told).collect();
        if told != EventSet::NONE {
            // Whoever has calls judged knows that the profile has them.
            self.settings.types = self.settings.types.and(told.with(EventType::Syscalls));
        }
        self.contexts.settle(now);
    }

    /// The programs that led to an event, topmost first, down to the one that acted. Empty if they are not known.
    #[must_use]
    pub fn lineage<'a>(&self, event: &'a Event) -> Vec<&'a [u8]> {
        self.tree.lineage(&event.process)
    }

    /// The context of a version. Beyond the most versions, the one last seen longest ago is forgotten.
    fn version(&mut self, tag: &str, now: Ktime) -> &mut Context {
        let (context, forgotten) = self.contexts.enter(tag, self.settings.max_image_tags, now);
        if let Some(tag) = forgotten.and_then(|name: String| self.tree.known_tag(&name)) {
            self.tree.evict_tag(tag);
            self.calls = calls::Known::default();
        }
        context
    }
}

#[cfg(test)]
mod tests;
