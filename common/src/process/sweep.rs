//! Processes whose exit nobody told of: looked for now and then, and removed.
//!
//! Who is not there when it is looked for may still have an exit in some buffer. So it is removed when it is not there
//! at the second look, in the next round, and it is for the caller to have read every buffer between two rounds.

use alloc::vec::Vec;

use hashbrown::HashMap;

use super::{Cache, Mark};
use crate::ids::{PidNs, ProcessKey, Timestamp};

/// Rounds through the processes of a namespace, some at a time.
#[derive(Debug, Default)]
pub struct Sweep {
    /// Those to be looked at in this round.
    left: Vec<ProcessKey>,
    /// Those who were not there at the last look, with when they were forked.
    missing: HashMap<ProcessKey, Timestamp>,
}

impl Sweep {
    /// Begins a round through all processes of this namespace that are known.
    pub fn begin(&mut self, cache: &Cache, namespace: PidNs) {
        self.left.clear();
        self.left.extend(cache.unordered().map(|process| process.key()).filter(|key| key.namespace == namespace));
        self.missing.retain(|key, forked| cache.get(*key).is_some_and(|known| known.forked() == *forked));
    }

    /// Whether the round is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.left.is_empty()
    }

    /// Looks at some more of them. `runs` says whether a process is there: that very one, not another of its number.
    pub fn go_on(&mut self, cache: &mut Cache, most: usize, mut runs: impl FnMut(ProcessKey, Option<Mark>) -> bool) {
        let count = most.min(self.left.len());
        for key in self.left.drain(self.left.len() - count..) {
            let Some(process) = cache.get(key) else { continue };
            let forked = process.forked();
            if runs(key, process.mark.get()) {
                self.missing.remove(&key);
            } else if self.missing.remove(&key) == Some(forked) {
                cache.lose(key);
            } else {
                self.missing.insert(key, forked);
            }
        }
    }
}

impl Cache {
    /// Drops a process that is gone and whose exit nobody told of.
    fn lose(&mut self, key: ProcessKey) {
        self.counters.lost_exits += u64::from(self.processes.remove(&key).is_some());
    }
}
