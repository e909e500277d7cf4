//! Processes that somebody tells of as they are, not as something happens to them: a snapshot, or who was asked.

use alloc::sync::Arc;
use core::sync::atomic::AtomicU64;

use super::Cache;
use crate::ids::ProcessKey;
use crate::process::{Process, Source};
use crate::record::Running;

impl Cache {
    /// As [`Self::running`], by whoever was asked.
    pub(in crate::process) fn told(&mut self, key: ProcessKey, running: Running, source: Source) -> Arc<Process> {
        let Running { ppid, started, program } = running;
        if let Some(known) = self.processes.get(&key) {
            let since = known.forked.max(known.executed());
            if known.source != Source::Placeholder && (!since.is_known() || started <= since) {
                self.counters.stale_snapshot += 1;
                return Arc::clone(known);
            }
        }
        self.counters.snapshot += u64::from(source == Source::Snapshot);
        let placeholder = self.processes.get(&key).filter(|known| known.source == Source::Placeholder);
        let before = placeholder.and_then(|known| known.ancestor.clone()).filter(|before| before.key == key);
        self.displace(key, started);
        let mut process = self.with_program(key, source, program);
        process.ppid = ppid;
        process.forked = started;
        process.executed = AtomicU64::new(started.0);
        process.is_exec = !process.image.file.path.is_empty();
        let parent = ProcessKey { pid: ppid, ..key };
        if let Some(before) = before {
            // Its earlier programs are known; the one that is told of now was not.
            (process.ppid, process.forked) = (before.ppid, before.forked);
            process.is_exec_exec = before.is_exec;
            process.link(self.above(before));
            return self.insert(process);
        }
        match self.processes.get(&parent).filter(|_| parent != key).cloned() {
            Some(parent) => {
                if process.share_image_of(&parent) {
                    process.is_exec = false;
                    process.executed = AtomicU64::new(parent.executed().0);
                }
                process.link(self.above(parent));
            }
            None => process.parent_missing = ppid.0 != 0,
        }
        self.insert(process)
    }
}
