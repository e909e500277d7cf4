//! Processes that ran already, and how they go together with events.

use alloc::sync::Arc;

use super::{Story, is_ancestor, key, lineage, path, program, running};
use crate::ids::{Pid, Timestamp};
use crate::process::{Cache, Limits, Source};

#[test]
fn links_to_a_known_parent() {
    let mut story = Story::new();
    let shell = story.running(10, 1, "/bin/sh");
    assert_eq!((shell.source(), shell.ppid(), shell.parent_missing()), (Source::Snapshot, Pid(1), false));
    assert_eq!((shell.forked(), shell.executed()), (Timestamp(2), Timestamp(2)));
    assert_eq!(lineage(&shell), [(1, "/sbin/init")]);
    assert_eq!(shell.check_lineage(), Ok(()));
}

#[test]
fn same_program_as_the_parent_is_a_fork() {
    let mut story = Story::new();
    let shell = story.running(10, 1, "/bin/sh");
    let subshell = story.running(11, 10, "/bin/sh");
    assert!(!subshell.is_exec() && subshell.executed() == shell.executed());
    assert!(Arc::ptr_eq(subshell.image(), shell.image()));
}

#[test]
fn exec_flags_in_a_snapshot() {
    let mut story = Story::new();
    assert!(story.cache.get(key(1)).unwrap().is_exec());
    let parent = story.running(10, 1, "/bin/sh");
    let child = story.running(11, 10, "/bin/ls");
    assert!(parent.is_exec() && !parent.is_exec_exec());
    assert!(child.is_exec() && !child.is_exec_exec());
    assert!(story.exec(11, "/bin/cat").is_exec_exec());
}

#[test]
fn a_thread_of_the_kernel_runs_no_program() {
    let mut story = Story::new();
    let daemon = story.running(2, 0, "");
    let worker = story.running(30, 2, "");
    assert!(!daemon.is_exec() && !worker.is_exec());
    assert!(worker.is_kworker() && !daemon.parent_missing());
}

#[test]
fn an_unknown_parent_is_said_to_be_missing_but_breaks_nothing() {
    let mut cache = Cache::new(Limits::default());
    let root = cache.running(key(100), running(50, 5, "/bin/sh"));
    assert!(root.parent_missing() && root.is_exec() && root.ancestor().is_none());
    let child = cache.fork(key(100), key(101), Timestamp(6));
    assert_eq!(cache.check_lineage(&child), Ok(()));
    // A process that is said to be its own parent is not linked to itself.
    assert!(cache.running(key(7), running(7, 5, "/bin/sh")).ancestor().is_none());
}

#[test]
fn an_event_outlives_a_snapshot_that_is_not_newer() {
    let mut story = Story::new();
    story.fork(1, 10);
    let event = story.exec(10, "/bin/sh");
    for started in [0, 1, 2, 3] {
        let kept = story.cache.running(key(10), running(1, started, "/bin/other"));
        assert!(Arc::ptr_eq(&kept, &event), "started at {started}");
    }
    assert_eq!(story.cache.counters().stale_snapshot, 4);
    let newer = story.cache.running(key(10), running(1, 4, "/bin/other"));
    assert_eq!((path(&newer), newer.is_exec_exec()), ("/bin/other", false));
    assert_eq!(event.exited(), Timestamp(4));
    assert!(!is_ancestor(&newer, &event));
    assert_eq!(story.cache.counters().reused_pids, 1);
}

#[test]
fn an_event_without_a_time_is_never_overwritten() {
    let mut cache = Cache::new(Limits::default());
    let event = cache.exec(key(10), program("/bin/sh"), Timestamp(0));
    assert!(Arc::ptr_eq(&cache.running(key(10), running(1, 100, "/bin/other")), &event));
}

#[test]
fn a_process_told_of_twice_has_one_entry() {
    let mut story = Story::new();
    let first = story.cache.running(key(10), running(1, 5, "/bin/sh"));
    let again = story.cache.running(key(10), running(1, 5, "/bin/sh"));
    assert!(Arc::ptr_eq(&first, &again));
}

#[test]
fn a_placeholder_gives_way_even_without_a_time() {
    let mut cache = Cache::new(Limits::default());
    cache.resolve(key(10));
    assert_eq!(path(&cache.running(key(10), running(1, 0, "/bin/sh"))), "/bin/sh");
    assert_eq!(cache.counters().reused_pids, 0);
}
