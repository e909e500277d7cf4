//! Processes as the engine uses them, one file a subject.

mod arguments;
mod bounds;
mod cache;
mod dump;
mod environment;
mod lineage;
mod lost;
mod mend;
mod reparent;
mod resolve;
mod scrub;
mod snapshot;
mod sweep;

use alloc::sync::Arc;

use super::{Cache, Limits, Process};
use crate::event::File;
use crate::ids::{Pid, PidNs, ProcessKey, Timestamp};
use crate::record::{Program, Running};
use crate::schema::Short;

/// Numbers from 0 up to a bound, the same in every run (xorshift).
fn random() -> impl FnMut(i32) -> i32 {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    move |below| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        i32::try_from(seed % u64::from(below.unsigned_abs())).unwrap()
    }
}

fn key(pid: i32) -> ProcessKey {
    within(1, pid)
}

fn within(namespace: u64, pid: i32) -> ProcessKey {
    ProcessKey { pid: Pid(pid), namespace: PidNs(namespace) }
}

fn program(path: &str) -> Program {
    let file = File::at(path.as_bytes());
    let comm = Short::new(file.name());
    Program { file, comm, ..Program::default() }
}

fn running(ppid: i32, started: u64, path: &str) -> Running {
    Running { ppid: Pid(ppid), started: Timestamp(started), program: program(path) }
}

/// A cache that numbers what it is told by a clock of its own, so that tests read as stories.
struct Story {
    cache: Cache,
    now: u64,
}

impl Story {
    /// Nothing is known but the first process.
    fn new() -> Self {
        Self::within(Limits::default())
    }

    fn within(limits: Limits) -> Self {
        let mut story = Self { cache: Cache::new(limits), now: 0 };
        story.running(1, 0, "/sbin/init");
        story
    }

    fn tick(&mut self) -> Timestamp {
        self.now += 1;
        Timestamp(self.now)
    }

    fn running(&mut self, pid: i32, ppid: i32, path: &str) -> Arc<Process> {
        let started = self.tick();
        self.cache.running(key(pid), running(ppid, started.0, path))
    }

    fn fork(&mut self, parent: i32, child: i32) -> Arc<Process> {
        let at = self.tick();
        self.cache.fork(key(parent), key(child), at)
    }

    fn exec(&mut self, pid: i32, path: &str) -> Arc<Process> {
        let at = self.tick();
        self.cache.exec(key(pid), program(path), at)
    }

    fn exit(&mut self, pid: i32) -> Option<Arc<Process>> {
        let at = self.tick();
        let process = self.cache.exit(key(pid), at);
        self.cache.remove(key(pid));
        process
    }

    fn known(&self, pid: i32) -> bool {
        self.cache.get(key(pid)).is_some()
    }
}

fn path(process: &Process) -> &str {
    core::str::from_utf8(&process.image().file.path).unwrap()
}

/// Pid and path of each ancestor, nearest first.
fn lineage(process: &Process) -> alloc::vec::Vec<(i32, &str)> {
    process.ancestors().map(|ancestor| (ancestor.key().pid.0, path(ancestor))).collect()
}

fn is_ancestor(of: &Process, ancestor: &Arc<Process>) -> bool {
    of.ancestor().is_some_and(|nearest| Arc::ptr_eq(nearest, ancestor))
}
