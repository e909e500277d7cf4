//! Room for one more process, where there are as many as may be.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Cache;
use crate::process::{Process, Source};

impl Cache {
    /// Drops a sixteenth of the entries, so that looking for the ones to drop costs each insertion little. What
    /// has ended or is hardly known goes first, then what is oldest.
    pub(super) fn make_room(&mut self) {
        let rank = |process: &Arc<Process>| {
            let in_use = !process.exited().is_known() && process.source != Source::Placeholder;
            let since = if process.forked.is_known() { process.forked } else { process.executed() };
            (in_use, since, process.key)
        };
        let mut ranks: Vec<_> = self.processes.values().map(rank).collect();
        let count = (ranks.len() / 16).max(1);
        ranks.select_nth_unstable(count - 1);
        for (_, _, key) in &ranks[..count] {
            self.processes.remove(key);
        }
        self.counters.evicted += count as u64;
    }
}
