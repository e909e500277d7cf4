//! The control group of a process.

use std::sync::Arc;

use lapwing_common::ids::Tid;
use lapwing_common::record::Cgroup;

use super::Resolver;

impl Resolver {
    /// The control group of a thread, and the container its path names; `None` if the thread is gone
    /// or the kernel has no control groups.
    pub fn cgroup(&mut self, tid: Tid) -> Option<Arc<Cgroup>> {
        self.cgroups.of(self.proc.read_record(tid, "cgroup").ok()?)
    }
}
