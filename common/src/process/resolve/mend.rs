//! Lineages that lead to a parent that has ended, or to none.
//!
//! The kernel is asked once for each such gap, when the process next does something, or one not far below it.

use alloc::sync::Arc;
use core::sync::atomic::Ordering::Relaxed;

use super::{Reach, Resolver, Standing};
use crate::ids::{ProcessKey, Timestamp};
use crate::process::{Cache, Process, Source};

/// How many parents up gaps are looked for.
const FORKS: usize = 3;
/// How many execs of a process are passed over on the way to its parent.
const STEPS: usize = 64;

/// What there is above a process.
enum Above {
    /// Nothing that is missing.
    Nothing,
    /// A parent that lives.
    Parent(Arc<Process>),
    /// One of which more is known by now.
    Better(Arc<Process>),
    /// Nobody any more, or nobody who is known.
    Gap,
}

impl Resolver {
    /// The process, with what can be learned of its nearest ancestors.
    pub(super) fn mend(&mut self, cache: &mut Cache, process: Arc<Process>, at: Timestamp) -> Arc<Process> {
        self.mended(cache, &process, at, FORKS).unwrap_or(process)
    }

    /// The copy of the process that has a better lineage.
    fn mended(
        &mut self,
        cache: &mut Cache,
        process: &Arc<Process>,
        at: Timestamp,
        forks: usize,
    ) -> Option<Arc<Process>> {
        if forks == 0 {
            return None;
        }
        match above(cache, process) {
            Above::Nothing => None,
            Above::Parent(parent) => {
                let better = self.mended(cache, &parent, at, forks - 1)?;
                Some(cache.relink(process, better))
            }
            Above::Better(parent) => Some(cache.reparent(process, parent)),
            Above::Gap => self.fill(cache, process, at),
        }
    }

    fn fill(&mut self, cache: &mut Cache, process: &Arc<Process>, at: Timestamp) -> Option<Arc<Process>> {
        if process.asked.load(Relaxed) {
            return None;
        }
        let mut ppid = self.kernel.as_deref_mut().and_then(|kernel| kernel.parent(process.key()));
        if ppid.is_none() {
            let procfs = self.procfs.as_deref_mut().filter(|_| self.limiter.take(at))?;
            ppid = procfs.parent(process.key());
        }
        process.asked.store(true, Relaxed);
        let unchanged = ppid == Some(process.ppid()) && !process.lacks_parent();
        if unchanged || ppid.is_some_and(|ppid| ppid.0 <= 1) {
            return None;
        }
        let parent = ppid.and_then(|ppid| {
            let key = ProcessKey { pid: ppid, ..process.key() };
            if cache.known(key).is_none() {
                self.look_up(cache, (key, None), at, Reach::Procfs, Standing::Unclear);
            }
            cache.parent_by_pid(process, ppid)
        });
        match parent {
            Some(parent) => Some(cache.reparent(process, parent)),
            None => {
                cache.counters.reparents_failed += 1;
                None
            }
        }
    }
}

fn above(cache: &Cache, process: &Process) -> Above {
    let Some(parent) = parent(process) else {
        return if process.lacks_parent() { Above::Gap } else { Above::Nothing };
    };
    let is_placeholder = parent.source() == Source::Placeholder;
    // An entry is over when its process ends, but also when it executes something.
    if !parent.exited().is_known() && !is_placeholder {
        return Above::Parent(Arc::clone(parent));
    }
    match cache.known(parent.key()) {
        Some(now) if is_placeholder => Above::Better(Arc::clone(now)),
        Some(now) if now.forked() == parent.forked() && !now.exited().is_known() => Above::Parent(Arc::clone(parent)),
        _ if is_placeholder => Above::Nothing,
        _ => Above::Gap,
    }
}

/// The nearest entry above that is another process's.
fn parent(process: &Process) -> Option<&Arc<Process>> {
    let of_another = |step: &&Arc<Process>| step.key() != process.key();
    process.steps().take(STEPS).filter_map(Process::ancestor).find(of_another)
}
