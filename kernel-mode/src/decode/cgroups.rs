//! Control groups of new programs. A program in the kernel tells the set of a process; what that is called stands in
//! `/proc`, where it is looked up for the first process of each set.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use lapwing_common::ids::Pid;
use lapwing_common::procfs::cgroup::Cgroups;
use lapwing_common::record::Cgroup;

/// As many sets are remembered; a machine has a few for each container.
const REMEMBERED: usize = 1024;

/// Sets of control groups that were met, shared by all that decode.
#[derive(Clone, Debug, Default)]
pub(super) struct Sets(Arc<Mutex<Known>>);

#[derive(Debug, Default)]
struct Known {
    paths: Cgroups,
    sets: HashMap<(u64, u64), Option<Arc<Cgroup>>>,
}

impl Sets {
    /// The control group of a process in this set.
    pub(super) fn of(&self, set: (u64, u64), pid: Pid) -> Option<Arc<Cgroup>> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.sets.get(&set) {
            return found.clone();
        }
        let found = std::fs::read(format!("/proc/{pid}/cgroup")).ok().and_then(|text| known.paths.of(&text));
        // The process may have ended; the next one of this set may tell.
        if found.is_some() {
            if known.sets.len() >= REMEMBERED {
                known.sets.clear();
            }
            known.sets.insert(set, found.clone());
        }
        found
    }
}
