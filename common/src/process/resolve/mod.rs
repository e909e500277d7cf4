//! Which process an event is of, where the cache does not know.
//!
//! A backend that stops whom it observes never misses a fork. One that copies records out of the kernel loses
//! some when its buffers are full, and then there are processes nobody told of, and children of parents that
//! are not known. They are looked for in this order: in the cache, among those that ended a moment ago, in
//! what the kernel's programs keep, in procfs. How the latter two are read is a [`Lookup`]'s business; when
//! they may be asked, and what is believed of the answer, is decided here, without any I/O.

mod limiter;
mod lost;
mod mend;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::mark::Relation;
use super::{Cache, Mark, Process, Source};
use crate::ids::{Pid, ProcessKey, Timestamp};
use crate::record::Running;
use limiter::{Limiter, Verdict};
use lost::Completed;

/// As many processes are looked up for one event: its own, and ancestors that are not known either.
const DEPTH: usize = 16;

/// Times of a process's start come in ticks of the kernel's clock, so they may be this much early and compared
/// with others that are exact, a little late.
const TICK: u64 = 10_000_000;

/// A place where processes that run can be looked up.
pub trait Lookup: fmt::Debug + Send {
    /// What the process is, as far as this place tells: a path that it does not know is `unresolved`. With a mark, if
    /// it is that process with that program, again as far as this place tells.
    fn process(&mut self, key: ProcessKey, mark: Option<Mark>) -> Option<Running>;

    /// Its parent alone, which is cheaper to tell; 0 if it has none.
    fn parent(&mut self, key: ProcessKey) -> Option<Pid>;
}

/// Whose ancestors are meant to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everybody's, up to the first process.
    Host,
    /// Those of processes that were chosen in some other way, as far up as they were. Who else is named as a parent
    /// is of no concern.
    Members,
    /// Those of a process and its descendants, up to that process. Who else is named as a parent has adopted one
    /// of them, and is of no concern.
    Tree(ProcessKey),
}

/// How far to go for a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Not to procfs, where a process that ends is a husk.
    Kernel,
    /// Everywhere.
    Procfs,
}

/// Whether whoever is looked up is observed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It did something that was observed.
    Observed,
    /// That is for its ancestors to tell.
    Unclear,
}

/// Looks processes up that the cache does not know.
#[derive(Debug)]
pub struct Resolver {
    scope: Scope,
    kernel: Option<Box<dyn Lookup>>,
    procfs: Option<Box<dyn Lookup>>,
    limiter: Limiter,
}

impl Resolver {
    /// One that has nowhere to look yet but among processes that have ended.
    #[must_use]
    pub fn new(scope: Scope) -> Self {
        Self { scope, kernel: None, procfs: None, limiter: Limiter::new() }
    }

    /// Looks in what the kernel's programs keep, as often as need be.
    #[must_use]
    pub fn with_kernel(self, lookup: impl Lookup + 'static) -> Self {
        Self { kernel: Some(Box::new(lookup)), ..self }
    }

    /// Looks in procfs after everything else, and not too often.
    #[must_use]
    pub fn with_procfs(self, lookup: impl Lookup + 'static) -> Self {
        Self { procfs: Some(Box::new(lookup)), ..self }
    }

    /// The process that an event of this time is of; a placeholder where there is one and nothing better.
    pub(crate) fn find(
        &mut self,
        cache: &mut Cache,
        key: ProcessKey,
        at: Timestamp,
        reach: Reach,
        mark: Option<Mark>,
    ) -> Option<Arc<Process>> {
        let known = cache.known(key).cloned();
        if let Some(process) = known.filter(|process| process.forked() <= at || cache.departed.find(key, at).is_none())
        {
            match (mark, mark.map_or(Relation::Same, |mark| process.mark.compare(mark))) {
                (Some(mark), Relation::LaterProgram) => {
                    return Some(self.catch_up(cache, &process, mark, at, reach));
                }
                (_, Relation::LaterProcess) => cache.displace(key, at),
                _ => {
                    cache.counters.hits += 1;
                    return Some(if reach == Reach::Procfs { self.mend(cache, process, at) } else { process });
                }
            }
        }
        if let Some(process) = cache.departed.find(key, at).cloned() {
            cache.counters.late += 1;
            return Some(process);
        }
        cache.counters.misses += 1;
        let found = self.look_up(cache, (key, mark), at, reach, Standing::Observed);
        if let (Some(process), Some(mark)) = (&found, mark) {
            process.mark.adopt(mark);
        }
        let placeholder = || cache.get(key).cloned();
        let found = found.or_else(placeholder);
        cache.counters.not_found += u64::from(found.is_none());
        found
    }

    /// Makes the parent known that the kernel names for a process which runs a new program, if it is not.
    pub(crate) fn find_parent(&mut self, cache: &mut Cache, key: ProcessKey, ppid: Pid, at: Timestamp) {
        let parent = ProcessKey { pid: ppid, ..key };
        let is_settled = |process: &Arc<Process>| process.ppid() == ppid && !process.lacks_parent();
        if ppid.0 > 1 && cache.known(parent).is_none() && !cache.known(key).is_some_and(is_settled) {
            self.look_up(cache, (parent, None), at, Reach::Procfs, Standing::Unclear);
        }
    }

    fn look_up(
        &mut self,
        cache: &mut Cache,
        (key, mark): (ProcessKey, Option<Mark>),
        at: Timestamp,
        reach: Reach,
        standing: Standing,
    ) -> Option<Arc<Process>> {
        let wanted = (key, mark, at);
        if let Some(kernel) = self.kernel.as_deref_mut() {
            let procfs = self.procfs.as_deref_mut().filter(|_| reach == Reach::Procfs);
            let limiter = &mut self.limiter;
            let is_allowed = |key| limiter.judge(key, at) == Verdict::Allowed;
            let mut kernel = Completed { kernel, procfs, is_allowed };
            let found = learn(&mut kernel, Source::Kernel, self.scope, standing, cache, wanted, |_, _| true);
            if found.is_some() {
                return found;
            }
        }
        let procfs = self.procfs.as_deref_mut().filter(|_| reach == Reach::Procfs)?;
        let (limiter, mut taken) = (&mut self.limiter, 0);
        let allowed = |cache: &mut Cache, key| {
            let verdict = limiter.judge(key, at);
            cache.counters.limited += u64::from(verdict == Verdict::TooMany);
            taken += u32::from(verdict == Verdict::Allowed);
            verdict == Verdict::Allowed
        };
        let found = learn(procfs, Source::Procfs, self.scope, standing, cache, wanted, allowed);
        if found.is_none() && taken == 1 {
            // That there is no such process is found out quickly, and is what most have to say after a flood.
            self.limiter.give_back();
        }
        found
    }
}

/// Looks a process up in one place, with those of its ancestors that are not known, and enters them all into
/// the cache, ancestors first.
fn learn(
    place: &mut dyn Lookup,
    source: Source,
    scope: Scope,
    standing: Standing,
    cache: &mut Cache,
    (key, mark, at): (ProcessKey, Option<Mark>, Timestamp),
    mut allowed: impl FnMut(&mut Cache, ProcessKey) -> bool,
) -> Option<Arc<Process>> {
    // Only the numbers at first: who turns out to be a stranger is not read.
    let mut chain = Vec::new();
    let mut next = key;
    let leads_home = loop {
        if !chain.is_empty() && cache.known(next).is_some() {
            break true;
        }
        if next.pid.0 == 0 {
            break scope == Scope::Host;
        }
        if chain.len() >= DEPTH {
            cache.counters.too_deep += 1;
            break false;
        }
        let Some(ppid) = allowed(cache, next).then(|| place.parent(next)).flatten() else { break false };
        chain.push(next);
        if scope == Scope::Tree(next) {
            break true;
        }
        next.pid = ppid;
    };
    if scope != Scope::Host && !leads_home {
        chain.truncate(usize::from(standing == Standing::Observed));
    }
    let (_, above) = chain.split_first()?;
    let running = place.process(key, mark)?;
    if running.started.0 > at.0.saturating_add(TICK) {
        cache.counters.outlived += 1;
        return None;
    }
    for ancestor in above.iter().rev() {
        if let Some(running) = place.process(*ancestor, None) {
            enter(cache, *ancestor, running, source, scope);
        }
    }
    Some(enter(cache, key, running, source, scope))
}

fn enter(cache: &mut Cache, key: ProcessKey, running: Running, source: Source, scope: Scope) -> Arc<Process> {
    let counters = &mut cache.counters;
    match source {
        Source::Kernel => counters.from_kernel += 1,
        _ => counters.from_procfs += 1,
    }
    counters.path_errors += u64::from(running.program.file.unresolved);
    // The root of a tree has run since before observation began, and what is above it never mattered.
    cache.told(key, running, if scope == Scope::Tree(key) { Source::Snapshot } else { source })
}
