//! The way up from a process to what started it, and how long that way may get.
//!
//! Links point from child to parent only: a parent that held its children would keep every process of
//! a machine's life in memory. Links up have the same effect on a chain that never ends (a program
//! that runs itself over and over, a daemon that forks and exits), and an entry cannot be cut off
//! since others share it. So a chain that gets too long is copied as far as it is to be kept, and the
//! long one goes when its last holder does.

use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use hashbrown::HashMap;

use super::credentials::Live;
use super::version::Version;
use super::{Process, Source};

/// The ancestors of a process, nearest first: its parent, or itself before its last exec.
#[derive(Clone, Debug)]
pub struct Lineage<'a> {
    next: Option<&'a Process>,
}

impl<'a> Lineage<'a> {
    pub(super) fn of(process: &'a Process) -> Self {
        Self { next: process.ancestor.as_deref() }
    }
}

impl<'a> Iterator for Lineage<'a> {
    type Item = &'a Process;

    fn next(&mut self) -> Option<&'a Process> {
        let process = self.next?;
        self.next = process.ancestor.as_deref();
        Some(process)
    }
}

impl FusedIterator for Lineage<'_> {}

/// Why the ancestors of a process do not lead to the first one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum BrokenLineage {
    /// An ancestor has a parent that is not known: its fork was not seen.
    #[error("an ancestor's parent is not known")]
    MissingParent,
    /// The first process of a pid namespace has a parent in that namespace: a pid was confused.
    #[error("the first process of a namespace has a parent in it")]
    WrongParent,
    /// The ancestors end too early, because the lineage was longer than is kept.
    #[error("the ancestors end before the first process")]
    Incomplete,
}

impl Process {
    /// Whether its ancestors are known up to where observation begins.
    ///
    /// A lineage may end in one of two ways. The usual one is the first process (pid 1) of a
    /// namespace. The other is a *root of observation*: an entry of [`Source::Snapshot`] without an
    /// ancestor, because it ran already and its parent lies outside of what is observed: the program
    /// that a tracer wraps, or the top of an observed cgroup. What is above it has never been there to
    /// lose, so its missing parent breaks nothing.
    ///
    /// A pid 1 whose parent is in *another* namespace is the init of a container, and the lineage
    /// goes on above it.
    ///
    /// # Errors
    ///
    /// The first fault on the way up.
    pub fn check_lineage(&self) -> Result<(), BrokenLineage> {
        self.lineage
    }

    /// What [`Self::check_lineage`] has to say. An entry's links never change, nor do those above it, so this is
    /// found out once, from the ancestor's.
    #[inline]
    pub(super) fn judge(&self) -> Result<(), BrokenLineage> {
        if self.parent_missing && self.source != Source::Snapshot {
            return Err(BrokenLineage::MissingParent);
        }
        let is_first = self.key.pid.0 == 1;
        match self.ancestor.as_deref() {
            Some(above) if is_first && above.key != self.key && above.key.namespace == self.key.namespace => {
                Err(BrokenLineage::WrongParent)
            }
            Some(above) => above.lineage,
            None if is_first || self.source == Source::Snapshot => Ok(()),
            None => Err(BrokenLineage::Incomplete),
        }
    }

    /// Makes `ancestor` the nearest ancestor.
    pub(super) fn link(&mut self, ancestor: Option<Arc<Process>>) {
        self.depth = ancestor.as_ref().map_or(0, |ancestor| ancestor.depth.saturating_add(1));
        if let Some(above) = ancestor.as_ref().filter(|_| self.naming.accounts().is_none()) {
            // What nobody told of this process holds for it as for those it comes from: few change their root.
            self.naming = above.naming.clone();
        }
        self.ancestor = ancestor;
    }

    pub(super) fn copy_below(&self, ancestor: Option<Arc<Process>>) -> Self {
        let copy = |cell: &AtomicU64| AtomicU64::new(cell.load(Relaxed));
        let mut process = Self {
            key: self.key,
            ppid: self.ppid,
            source: self.source,
            image: Arc::clone(&self.image),
            container_since: self.container_since.clone(),
            cgroup: self.cgroup.clone(),
            tty: self.tty,
            credentials: Live::new(&self.credentials()),
            naming: self.naming.clone(),
            comm: self.comm.each_ref().map(copy),
            forked: self.forked,
            executed: copy(&self.executed),
            exited: copy(&self.exited),
            is_exec: self.is_exec,
            is_exec_exec: self.is_exec_exec,
            parent_missing: self.parent_missing,
            ancestor: None,
            depth: 0,
            lineage: Ok(()),
            mark: self.mark.copy(),
            asked: AtomicBool::new(false),
            version: Version::default(),
        };
        process.link(ancestor);
        process.lineage = process.judge();
        process
    }
}

/// Forgets copies that nobody holds once there are this many.
const FIRST_SWEEP: usize = 1024;

/// Copies chains that got too long, each entry at most once, so that relatives still share theirs.
///
/// Without that, a process with thousands of children at the end of a long chain would have the chain
/// copied for each of them.
#[derive(Debug)]
pub(super) struct Shortener {
    /// How many entries of a chain are kept.
    keep: usize,
    /// Copies by the address of the original, which its weak reference keeps from being used again.
    copies: HashMap<usize, (Weak<Process>, Weak<Process>)>,
    sweep_at: usize,
}

impl Shortener {
    pub(super) fn new(keep: usize) -> Self {
        Self { keep, copies: HashMap::new(), sweep_at: FIRST_SWEEP }
    }

    /// Whether a process below `ancestor` would have too many ancestors.
    pub(super) fn is_due(&self, ancestor: &Process) -> bool {
        usize::from(ancestor.depth) >= self.longest()
    }

    /// How many ancestors a process may have.
    pub(super) fn longest(&self) -> usize {
        2 * self.keep
    }

    /// The same entry with fewer ancestors. `copied` is told of each entry and the copy of it.
    ///
    /// The result leaves room for at least half of `keep` more, so that the cost is shared by as many.
    pub(super) fn shorten(
        &mut self,
        nearest: &Arc<Process>,
        mut copied: impl FnMut(&Arc<Process>, &Arc<Process>),
    ) -> Option<Arc<Process>> {
        let mut originals = Vec::with_capacity(self.keep);
        let mut lineage = None;
        let mut next = Some(nearest);
        while let Some(original) = next.filter(|_| originals.len() < self.keep) {
            let depth_above = |copy: &Arc<Process>| usize::from(copy.depth) + originals.len();
            lineage = self.copy_of(original).filter(|copy| depth_above(copy) < self.keep + self.keep / 2);
            if lineage.is_some() {
                break;
            }
            originals.push(original);
            next = original.ancestor.as_ref();
        }
        for original in originals.into_iter().rev() {
            let copy = Arc::new(original.copy_below(lineage.take()));
            self.copies.insert(address(original), (Arc::downgrade(original), Arc::downgrade(&copy)));
            copied(original, &copy);
            lineage = Some(copy);
        }
        self.sweep();
        lineage
    }

    fn copy_of(&self, original: &Arc<Process>) -> Option<Arc<Process>> {
        self.copies.get(&address(original)).and_then(|(_, copy)| copy.upgrade())
    }

    fn sweep(&mut self) {
        if self.copies.len() >= self.sweep_at {
            self.copies.retain(|_, (original, copy)| original.strong_count() > 0 && copy.strong_count() > 0);
            self.sweep_at = FIRST_SWEEP.max(2 * self.copies.len());
        }
    }
}

fn address(process: &Arc<Process>) -> usize {
    Arc::as_ptr(process).addr()
}
