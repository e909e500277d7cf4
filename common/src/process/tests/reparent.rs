//! Parents that change, by what comes with an exec. Also: the "kernel ppid" of the reference.

use alloc::sync::Arc;

use super::{Story, is_ancestor, key, lineage, program};
use crate::ids::{Pid, Timestamp};
use crate::process::{BrokenLineage, Cache, Credentials, Limits, Process};
use crate::record::Program;

impl Story {
    /// Runs a program, where the kernel says who the parent is.
    fn exec_below(&mut self, pid: i32, path: &str, ppid: i32) -> Arc<Process> {
        let at = self.tick();
        self.cache.exec(key(pid), Program { ppid: Pid(ppid), ..program(path) }, at)
    }

    fn reparented(&self) -> (u64, u64) {
        (self.cache.counters().reparented, self.cache.counters().reparents_failed)
    }
}

/// A sub-init (10), its child (11), and its grandchild (12), whose parent ends.
fn orphaned() -> (Story, Arc<Process>) {
    let mut story = Story::new();
    story.fork(1, 10);
    story.exec(10, "/bin/subinit");
    story.fork(10, 11);
    let grandchild = story.fork(11, 12);
    story.exit(11);
    (story, grandchild)
}

#[test]
fn an_orphan_comes_to_the_sub_init_that_the_kernel_names() {
    let (mut story, before) = orphaned();
    let orphan = story.exec_below(12, "/bin/sh", 10);
    assert_eq!(orphan.ppid(), Pid(10));
    // Its own step before the exec stays.
    assert_eq!(lineage(&orphan), [(12, "/bin/subinit"), (10, "/bin/subinit"), (10, "/sbin/init"), (1, "/sbin/init")]);
    assert_eq!(orphan.parent().unwrap().key(), key(10));
    assert!(is_ancestor(orphan.ancestor().unwrap(), story.cache.get(key(10)).unwrap()));
    assert_eq!((orphan.check_lineage(), story.reparented()), (Ok(()), (1, 0)));
    // Who held what there was still does.
    assert_eq!((before.ppid(), before.parent().unwrap().key()), (Pid(11), key(11)));
    story.exit(12);
    story.exit(10);
    assert_eq!(story.cache.len(), 1);
}

#[test]
fn the_same_parent_changes_nothing() {
    let mut story = Story::new();
    story.fork(1, 10);
    let child = story.fork(10, 11);
    let executed = story.exec_below(11, "/bin/sh", 10);
    assert!(is_ancestor(&executed, &child));
    assert_eq!((executed.ppid(), story.reparented()), (Pid(10), (0, 0)));
}

#[test]
fn an_unknown_parent_is_not_taken() {
    let (mut story, before) = orphaned();
    let orphan = story.exec_below(12, "/bin/sh", 77);
    assert!(is_ancestor(&orphan, &before));
    assert_eq!((orphan.ppid(), orphan.check_lineage(), story.reparented()), (Pid(11), Ok(()), (0, 1)));
    // Nor is one of which nothing is known but that it exists.
    story.cache.resolve(key(78));
    assert_eq!(story.exec_below(12, "/bin/ls", 78).ppid(), Pid(11));
    assert_eq!(story.reparented(), (0, 2));
}

#[test]
fn nobody_and_the_first_process_are_passed_over() {
    let (mut story, _) = orphaned();
    assert_eq!(story.exec_below(12, "/bin/sh", 0).ppid(), Pid(11));
    assert_eq!(story.exec_below(12, "/bin/ls", 1).ppid(), Pid(11));
    assert_eq!(story.reparented(), (0, 0));
}

#[test]
fn a_missing_parent_is_found() {
    let mut story = Story::new();
    story.fork(1, 10);
    // Of this one's parent nothing was known when it was forked: 11 came late.
    let orphan = story.fork(11, 12);
    assert_eq!(orphan.check_lineage(), Err(BrokenLineage::MissingParent));
    story.fork(10, 11);
    let executed = story.exec_below(12, "/bin/sh", 11);
    assert_eq!(executed.parent().unwrap().key(), key(11));
    assert_eq!((executed.check_lineage(), story.reparented()), (Ok(()), (1, 0)));
}

#[test]
fn a_process_that_nobody_told_of_is_linked_when_it_executes_something() {
    let mut story = Story::new();
    let parent = story.fork(1, 10);
    let lost = story.exec_below(11, "/bin/sh", 10);
    assert!(is_ancestor(&lost, &parent) && !lost.parent_missing() && lost.is_exec() && !lost.is_exec_exec());
    assert_eq!((lost.ppid(), lost.check_lineage()), (Pid(10), Ok(())));
    // The same for one that did something before, but then the parent is found for what it was.
    let placeholder = story.cache.resolve(key(12));
    let lost = story.exec_below(12, "/bin/sh", 10);
    assert_eq!((lost.ppid(), lost.check_lineage()), (Pid(10), Ok(())));
    assert_eq!(placeholder.check_lineage(), Err(BrokenLineage::MissingParent));
    // Without a parent that is known, it has none.
    let lost = story.exec_below(13, "/bin/sh", 99);
    assert_eq!((lost.ppid(), lost.check_lineage()), (Pid(99), Err(BrokenLineage::MissingParent)));
}

#[test]
fn the_same_program_again_below_another_parent() {
    let (mut story, _) = orphaned();
    let first = story.exec(12, "/bin/bomb");
    let again = story.exec_below(12, "/bin/bomb", 10);
    assert!(!Arc::ptr_eq(&first, &again) && !again.is_exec_exec());
    assert_eq!((again.ppid(), again.parent().unwrap().key()), (Pid(10), key(10)));
    assert!(Arc::ptr_eq(&again, story.cache.get(key(12)).unwrap()));
    assert!(Arc::ptr_eq(&again, &story.exec_below(12, "/bin/bomb", 10)));
}

#[test]
fn what_happens_to_an_adopted_process_is_seen_in_its_entry() {
    let (mut story, _) = orphaned();
    let orphan = story.exec_below(12, "/bin/sh", 10);
    let changed = Credentials { uid: 5, ..Credentials::default() };
    story.cache.set_credentials(key(12), &changed);
    assert_eq!(orphan.credentials(), changed);
    assert_eq!(story.exit(12).unwrap().exited(), orphan.exited());
}

#[test]
fn a_descendant_is_no_parent() {
    let mut story = Story::new();
    story.fork(1, 10);
    story.fork(10, 11);
    let executed = story.exec_below(10, "/bin/sh", 11);
    assert_eq!((executed.ppid(), story.reparented()), (Pid(1), (0, 1)));
    assert_eq!(story.exec_below(10, "/bin/ls", 10).ppid(), Pid(1));
}

/// A lineage may not get longer by way of a new parent than it may by forks.
#[test]
fn bounds_hold() {
    let mut cache = Cache::new(Limits { lineage: 4, ..Limits::default() });
    for pid in 2..=9 {
        cache.fork(key(pid - 1), key(pid), Timestamp(1));
    }
    cache.fork(key(100), key(101), Timestamp(1));
    let programs = ["/bin/a", "/bin/b"];
    let mut linked = 0;
    for round in 0..40_usize {
        cache.exec(key(101), program(programs[round % 2]), Timestamp(2));
        let ppid = Pid(if round % 2 == 0 { 9 } else { 8 });
        let process = cache.exec(key(101), Program { ppid, ..program("/bin/c") }, Timestamp(3));
        assert!(process.ancestors().count() <= 8 && process.ancestors().count() == usize::from(process.depth));
        assert_eq!(process.ppid(), ppid);
        // What was cut off may be the parent.
        assert!(process.parent().is_none_or(|parent| parent.key().pid == ppid));
        linked += u32::from(process.parent().is_some());
    }
    assert_eq!(cache.counters().reparented, 40);
    assert!(linked >= 20, "{linked}");
}
