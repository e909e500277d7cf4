//! Processes that have ended, for events of them that come late, and for those that name one: what was killed may
//! have ended before the call that killed it has returned.

use alloc::collections::VecDeque;
use alloc::sync::Arc;

use crate::ids::{ProcessKey, Timestamp};
use crate::process::Process;

/// As many are kept.
const KEPT: usize = 256;
/// For so many nanoseconds: a minute.
const FOR: u64 = 60_000_000_000;

/// The processes that ended last, in that order.
#[derive(Debug)]
pub(in crate::process) struct Departed {
    processes: VecDeque<Arc<Process>>,
}

impl Departed {
    pub(super) fn new() -> Self {
        Self { processes: VecDeque::new() }
    }

    /// A process has ended. Older ones make room.
    pub(super) fn add(&mut self, process: Arc<Process>) {
        let before = process.exited().0.saturating_sub(FOR);
        let is_due = |oldest: &Arc<Process>| oldest.exited().0 < before;
        while self.processes.len() >= KEPT || self.processes.front().is_some_and(is_due) {
            self.processes.pop_front();
        }
        self.processes.push_back(process);
    }

    /// The process that had this number last.
    pub(super) fn last(&self, key: ProcessKey) -> Option<&Arc<Process>> {
        self.processes.iter().rev().find(|process| process.key() == key)
    }

    /// The process that had this number then.
    pub(in crate::process) fn find(&self, key: ProcessKey, at: Timestamp) -> Option<&Arc<Process>> {
        let lived =
            |process: &&Arc<Process>| process.key() == key && process.forked() <= at && at.0 <= process.exited().0;
        self.processes.iter().rev().find(lived)
    }
}
