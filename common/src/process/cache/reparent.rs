//! Processes that get another parent.
//!
//! When a parent ends, the kernel gives its children to the nearest ancestor that asked for orphans
//! (`PR_SET_CHILD_SUBREAPER`), or to the first process of the namespace (`find_new_reaper` of
//! kernel/exit.c). Nothing is done at that moment: it would take links from parents to children, which in
//! a cache that lives as long as the machine are a leak. A child learns of its new parent when the kernel
//! next says who that is, and entries being what they are, by a copy of its own steps below that parent.
//! Who held the old entry (an event, a child) keeps it.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Cache;
use crate::ids::{Pid, ProcessKey};
use crate::process::{Process, Source};

/// How many execs of one process are carried over to a new parent.
const STEPS: usize = 64;

impl Cache {
    /// Takes the kernel's word for who the parent of a process is. Returns the process's entry.
    ///
    /// The first process adopts what nobody else does; as a parent it tells less than the one that is known,
    /// so that one stays. It stays, too, where the new one is not known.
    #[inline]
    pub(super) fn follow(&mut self, process: Arc<Process>, ppid: Pid) -> Arc<Process> {
        if ppid.0 <= 1 || (ppid == process.ppid && !process.lacks_parent()) {
            return process;
        }
        self.adopt(process, ppid)
    }

    fn adopt(&mut self, process: Arc<Process>, ppid: Pid) -> Arc<Process> {
        match self.parent_by_pid(&process, ppid) {
            Some(parent) => self.reparent(&process, parent),
            None => {
                self.counters.reparents_failed += 1;
                process
            }
        }
    }

    /// Puts a process below another parent, and counts it.
    pub(in crate::process) fn reparent(&mut self, process: &Arc<Process>, parent: Arc<Process>) -> Arc<Process> {
        self.counters.reparented += 1;
        self.relink(process, parent)
    }

    /// Puts the steps of a process below an entry of its parent: its own, so that what its parent was when it
    /// did what stays as it was for its children. Returns the copy of `process`, which takes its place.
    pub(in crate::process) fn relink(&mut self, process: &Arc<Process>, parent: Arc<Process>) -> Arc<Process> {
        let ppid = parent.key.pid;
        let mut below = self.above(parent);
        let room = self.shortener.longest().saturating_sub(below.as_ref().map_or(0, |parent| parent.depth.into()));
        let mut steps: Vec<_> = process.steps().take(STEPS.min(room.max(1))).collect();
        let mut nearest = None;
        while let Some(step) = steps.pop() {
            let mut copy = step.copy_below(below.take());
            (copy.ppid, copy.parent_missing) = (ppid, false);
            copy.lineage = copy.judge();
            let copy = Arc::new(copy);
            (nearest, below) = (Some(Arc::clone(&copy)), Some(copy));
        }
        let Some(copy) = nearest else { return Arc::clone(process) };
        if let Some(entry) = self.processes.get_mut(&process.key).filter(|entry| Arc::ptr_eq(entry, process)) {
            *entry = Arc::clone(&copy);
        }
        copy
    }

    /// The process that may be the parent of this one: known, and none of its descendants.
    pub(in crate::process) fn parent_by_pid(&self, process: &Process, ppid: Pid) -> Option<Arc<Process>> {
        let parent = self.known(ProcessKey { pid: ppid, ..process.key })?;
        let is_below = parent.key == process.key || parent.ancestors().any(|above| above.key == process.key);
        (!is_below).then(|| Arc::clone(parent))
    }

    /// The process, if more is known of it than its pid.
    pub(in crate::process) fn known(&self, key: ProcessKey) -> Option<&Arc<Process>> {
        self.processes.get(&key).filter(|process| process.source != Source::Placeholder)
    }

    /// Links a process of which nothing was known to its parent, if that is known.
    pub(super) fn link_to_parent(&mut self, process: &mut Process, ppid: Pid) {
        process.ppid = ppid;
        match self.parent_by_pid(process, ppid) {
            Some(parent) => process.link(self.above(parent)),
            None => process.parent_missing = process.key.pid.0 != 1,
        }
    }
}

impl Process {
    /// This entry and those before its execs, latest first.
    pub(in crate::process) fn steps(&self) -> impl Iterator<Item = &Self> {
        core::iter::once(self).chain(self.ancestors()).take_while(|step| step.key == self.key)
    }

    /// Whether it has a parent that was never known, rather than none at all.
    pub(in crate::process) fn lacks_parent(&self) -> bool {
        let missing = |step: &Self| step.ancestor.is_none() && step.parent_missing && step.source != Source::Snapshot;
        self.steps().take(STEPS).last().is_some_and(missing)
    }
}
