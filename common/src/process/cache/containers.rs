//! Since when containers run, as far as their processes tell.
//!
//! Nothing says when a container was made: the inode of its control group has the times at which the kernel last
//! looked at it. So it is as old as the first program that was run in it, or as the oldest process that was
//! found there.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use lru::LruCache;

use crate::process::{Process, Source};

/// As many are remembered; the one that was asked about last stays longest.
const MOST: NonZeroUsize = NonZeroUsize::new(1024).expect("not zero");

/// The containers that processes were seen in.
#[derive(Debug)]
pub(super) struct Containers(LruCache<Vec<u8>, Arc<AtomicU64>>);

impl Containers {
    pub(super) fn new() -> Self {
        Self(LruCache::new(MOST))
    }

    /// Since when the container of a process runs, now that the process is seen there; for everybody in it.
    pub(super) fn since(&mut self, process: &Process) -> Option<Arc<AtomicU64>> {
        let id = process.container_id();
        let ran = process.is_exec && process.source == Source::Event;
        let seen = if ran { process.executed() } else { process.forked };
        if id.is_empty() || !seen.is_known() {
            return None;
        }
        let since = self.0.get_or_insert_ref(id, || Arc::new(AtomicU64::new(seen.0)));
        since.fetch_min(seen.0, Relaxed);
        Some(Arc::clone(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Pid, PidNs, ProcessKey, Timestamp};
    use crate::process::{Cache, Limits};
    use crate::record::{Cgroup, Program, Running};

    fn program(container: &str) -> Program {
        let cgroup = Cgroup { path: b"/x".as_slice().into(), container: container.as_bytes().into() };
        Program { cgroup: Some(Arc::new(cgroup)), ..Program::default() }
    }

    fn key(pid: i32) -> ProcessKey {
        ProcessKey { pid: Pid(pid), namespace: PidNs(1) }
    }

    #[test]
    fn a_container_is_as_old_as_its_first_program() {
        let mut cache = Cache::new(Limits::default());
        let since = |process: &Process| process.container_since().map(|since| since.0);
        // Whoever sets it up was outside of it before.
        let host = cache.fork(key(1), key(2), Timestamp(10));
        let first = cache.exec(key(2), program("c1"), Timestamp(20));
        let child = cache.fork(key(2), key(3), Timestamp(30));
        assert_eq!([since(&host), since(&first), since(&child)], [None, Some(20), Some(20)]);
        // Who comes in later, from outside, is not its beginning; another container has one of its own.
        let entered = cache.exec(key(4), program("c1"), Timestamp(40));
        let other = cache.exec(key(5), program("c2"), Timestamp(50));
        assert_eq!([since(&entered), since(&other)], [Some(20), Some(50)]);
    }

    #[test]
    fn what_ran_already_is_told_in_any_order() {
        let mut cache = Cache::new(Limits::default());
        let running = |started| Running { ppid: Pid(1), started: Timestamp(started), program: program("c1") };
        let late = cache.running(key(7), running(70));
        let early = cache.running(key(8), running(60));
        assert_eq!([late.container_since(), early.container_since()], [Some(Timestamp(60)); 2]);
    }
}
