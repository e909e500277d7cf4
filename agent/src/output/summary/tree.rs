//! How many processes there were, and how deep their tree was.
//!
//! From observations, not from events: lineage is observed even where no event of it is wanted. Only what lives
//! is remembered.

use std::collections::HashMap;

use lapwing_common::ids::{Pid, ProcessKey};
use lapwing_common::record::{Observation, Sighting};

/// The tree of observed processes.
#[derive(Debug, Default)]
pub(super) struct Tree {
    /// The depth of each process that acted and lives: 1 for the first.
    living: HashMap<ProcessKey, u32>,
    /// Parents of processes that were there before, which may never act.
    before: HashMap<ProcessKey, Pid>,
    pub(super) processes: u64,
    pub(super) depth: u32,
}

impl Tree {
    pub(super) fn observe(&mut self, observation: &Observation) {
        let key = |pid| ProcessKey { pid, namespace: observation.task.namespace };
        let actor = key(observation.task.pid);
        match &observation.what {
            Sighting::Running(running) => {
                self.before.insert(actor, running.ppid);
            }
            Sighting::Fork { child } => {
                let depth = self.depth_of(actor) + 1;
                self.enter(key(*child), depth);
            }
            Sighting::Exit { .. } => {
                self.depth_of(actor);
                self.living.remove(&actor);
                self.before.remove(&actor);
            }
            _ => {
                self.depth_of(actor);
            }
        }
    }

    fn depth_of(&mut self, key: ProcessKey) -> u32 {
        if let Some(depth) = self.living.get(&key) {
            return *depth;
        }
        // One that was there before is below its parent if that is observed, else a root.
        let parent = self.before.get(&key).map(|ppid| ProcessKey { pid: *ppid, ..key });
        let depth = parent.and_then(|parent| self.living.get(&parent)).map_or(1, |depth| depth + 1);
        self.enter(key, depth);
        depth
    }

    fn enter(&mut self, key: ProcessKey, depth: u32) {
        self.living.insert(key, depth);
        self.processes += 1;
        self.depth = self.depth.max(depth);
    }
}
