//! The versions of a workload: each is learned for itself, in one tree.

use alloc::string::String;
use alloc::vec::Vec;

use super::JUDGED;
use super::state::{Stability, State};
use crate::discard::Ktime;
use crate::event::EventType;

/// How far a type is learned in a version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Progress {
    pub(super) stability: Stability,
    /// When something was new last.
    pub(super) last_new: Ktime,
}

/// One version of a workload.
#[derive(Clone, Debug, Default)]
pub struct Context {
    pub(super) first_seen: Ktime,
    pub(super) last_seen: Ktime,
    pub(super) progress: [Option<Progress>; JUDGED.len()],
    /// States of types that are not judged here, as a file had them.
    pub(super) others: Vec<(u32, lapwing_proto::dumps::EventTypeState)>,
    /// In order.
    pub(super) syscalls: Vec<u32>,
    pub(super) tags: Vec<String>,
}

impl Context {
    /// When it was seen first.
    #[must_use]
    pub fn first_seen(&self) -> Ktime {
        self.first_seen
    }

    /// When it was seen last.
    #[must_use]
    pub fn last_seen(&self) -> Ktime {
        self.last_seen
    }

    /// How far a type is learned, without what passes: warm-up and size.
    #[must_use]
    pub fn state(&self, kind: EventType) -> State {
        let progress = place(kind).and_then(|place| self.progress[place]);
        progress.unwrap_or_default().stability.into()
    }

    /// Whether something is said of a type.
    #[must_use]
    pub fn tells_of(&self, kind: EventType) -> bool {
        place(kind).is_some_and(|place| self.progress[place].is_some())
    }

    /// Its system calls besides those of the tree, in order.
    #[must_use]
    pub fn syscalls(&self) -> &[u32] {
        &self.syscalls
    }

    /// A type that nothing was seen of is learned from when the version was first seen.
    pub(super) fn progress(&mut self, kind: EventType) -> Option<&mut Progress> {
        let first = Progress { last_new: self.first_seen, ..Progress::default() };
        Some(self.progress[place(kind)?].get_or_insert(first))
    }
}

fn place(kind: EventType) -> Option<usize> {
    JUDGED.iter().position(|judged| *judged == kind)
}

/// All versions, by their tags.
#[derive(Debug, Default)]
pub(super) struct Contexts {
    versions: Vec<(String, Context)>,
    /// Versions that come are stable at once.
    is_settled: bool,
}

impl Contexts {
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Context)> {
        self.versions.iter().map(|(tag, context)| (&**tag, context))
    }

    pub(super) fn add(&mut self, tag: String, context: Context) {
        self.versions.push((tag, context));
    }

    /// The context of a tag, which is seen now, and the tag that had to go for it.
    pub(super) fn enter(&mut self, tag: &str, most: usize, now: Ktime) -> (&mut Context, Option<String>) {
        let Self { versions, is_settled } = self;
        let known = versions.iter().position(|(name, _)| name == tag);
        let mut forgotten = None;
        let at = known.unwrap_or_else(|| {
            let oldest = versions.iter().enumerate().min_by_key(|(_, (_, context))| context.last_seen);
            if let Some((oldest, _)) = oldest.filter(|_| versions.len() >= most.max(1)) {
                forgotten = Some(versions.remove(oldest).0);
            }
            let progress = if *is_settled { settled(now) } else { Default::default() };
            versions.push((tag.into(), Context { first_seen: now, progress, ..Context::default() }));
            versions.len() - 1
        });
        let context = &mut versions[at].1;
        context.last_seen = context.last_seen.max(now);
        (context, forgotten)
    }

    pub(super) fn settle(&mut self, now: Ktime) {
        self.is_settled = true;
        self.versions.iter_mut().for_each(|(_, context)| context.progress = settled(now));
    }
}

fn settled(now: Ktime) -> [Option<Progress>; JUDGED.len()] {
    [Some(Progress { stability: Stability::Stable, last_new: now }); JUDGED.len()]
}
