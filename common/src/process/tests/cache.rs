//! Forks, execs and exits in the orders in which they may come.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Story, is_ancestor, key, lineage, path, program, within};
use crate::ids::{Pid, PidNs, Timestamp};
use crate::process::{BrokenLineage, Cache, Credentials, Limits, Source};
use crate::record::{Cgroup, Program};
use crate::schema::Short;

#[test]
fn fork_then_child_and_parent_exit() {
    let mut story = Story::new();
    let parent = story.fork(1, 10);
    let child = story.fork(10, 11);
    assert!(is_ancestor(&child, &parent));
    assert_eq!(story.cache.len(), 3);
    assert_eq!(story.exit(11).unwrap().exited(), Timestamp(4));
    assert_eq!(story.cache.len(), 2);
    story.exit(10);
    story.exit(1);
    assert!(story.cache.is_empty());
    assert_eq!(story.cache.counters().exits, 3);
}

#[test]
fn parent_exits_before_child() {
    let mut story = Story::new();
    let parent = story.fork(1, 10);
    let child = story.fork(10, 11);
    story.exit(10);
    assert!(!story.known(10) && story.known(11));
    assert!(is_ancestor(&child, &parent));
    assert_eq!(parent.exited(), Timestamp(4));
    story.exit(11);
    assert_eq!(story.cache.len(), 1);
}

#[test]
fn exit_keeps_the_entry_until_it_is_removed() {
    let mut story = Story::new();
    story.fork(1, 10);
    let exited = story.cache.exit(key(10), Timestamp(9)).unwrap();
    assert!(Arc::ptr_eq(&exited, &story.cache.resolve(key(10))));
    story.cache.remove(key(10));
    assert!(!story.known(10));
    assert!(story.cache.exit(key(10), Timestamp(9)).is_none());
    story.cache.remove(key(10));
}

#[test]
fn fork_then_exec() {
    let mut story = Story::new();
    let forked = story.fork(1, 10);
    let executed = story.exec(10, "/bin/sh");
    assert_eq!(story.cache.len(), 2);
    assert!(is_ancestor(&executed, &forked));
    assert_eq!(lineage(&executed), [(10, "/sbin/init"), (1, "/sbin/init")]);
    assert_eq!((executed.ppid(), executed.forked(), executed.executed()), (Pid(1), Timestamp(2), Timestamp(3)));
    assert_eq!(forked.exited(), executed.executed());
    assert!(!executed.exited().is_known());
    assert_eq!(executed.parent().unwrap().key(), key(1));
}

#[test]
fn orphan_that_execs_keeps_its_lineage() {
    let mut story = Story::new();
    let parent = story.fork(1, 10);
    let child = story.fork(10, 11);
    story.exit(10);
    let executed = story.exec(11, "/bin/sh");
    assert!(is_ancestor(&executed, &child) && is_ancestor(&child, &parent));
    assert_eq!(executed.check_lineage(), Ok(()));
}

#[test]
fn fork_exec_exec() {
    let mut story = Story::new();
    story.fork(1, 10);
    let first = story.exec(10, "/bin/sh");
    let second = story.exec(10, "/bin/ls");
    assert_eq!(lineage(&second), [(10, "/bin/sh"), (10, "/sbin/init"), (1, "/sbin/init")]);
    assert_eq!(first.exited(), second.executed());
    assert!(first.ancestor().unwrap().exited().is_known());
    assert_eq!(story.cache.len(), 2);
}

#[test]
fn pid_reuse() {
    let mut story = Story::new();
    let old_parent = story.fork(1, 10);
    let old_child = story.fork(10, 11);
    let new_parent = story.fork(1, 10);
    let new_child = story.fork(10, 12);
    assert!(is_ancestor(&old_child, &old_parent) && is_ancestor(&new_child, &new_parent));
    assert_eq!(old_parent.exited(), new_parent.forked());
    assert_eq!(story.cache.counters().reused_pids, 1);
    assert_eq!(story.cache.len(), 4);
}

#[test]
fn pid_reuse_after_an_exit_keeps_the_time_of_the_exit() {
    let mut story = Story::new();
    let old = story.fork(1, 10);
    story.cache.exit(key(10), Timestamp(50));
    story.cache.fork(key(1), key(10), Timestamp(60));
    assert_eq!(old.exited(), Timestamp(50));
}

#[test]
fn fork_fork_exec_keeps_what_the_parent_was() {
    let mut story = Story::new();
    let parent = story.fork(1, 10);
    let child = story.fork(10, 11);
    let executed = story.exec(10, "/bin/sh");
    assert!(is_ancestor(&child, &parent) && !is_ancestor(&child, &executed));
    assert_eq!(path(&child), "/sbin/init");
    let later = story.fork(10, 12);
    assert!(is_ancestor(&later, &executed));
}

#[test]
fn exec_of_the_same_program_advances_its_time() {
    let mut story = Story::new();
    story.fork(1, 10);
    let first = story.exec(10, "/bin/bomb");
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&story.exec(10, "/bin/bomb"), &first));
    }
    assert_eq!((first.executed(), first.exited()), (Timestamp(6), Timestamp(0)));
    assert!(!first.is_exec_exec());
    assert_eq!(story.cache.counters().repeated_execs, 3);
}

#[test]
fn exec_of_the_same_program_differs_with_credentials_place_or_after_a_fork() {
    let mut story = Story::new();
    // The first exec after a fork is one, even of the parent's program.
    story.fork(1, 10);
    let first = story.exec(10, "/sbin/init");
    assert!(first.is_exec() && first.ancestor().is_some());
    assert!(Arc::ptr_eq(first.image(), first.ancestor().unwrap().image()), "equal images are one");

    let root = Credentials { euid: 7, ..Credentials::default() };
    let second = story.cache.exec(key(10), Program { credentials: root, ..program("/sbin/init") }, Timestamp(10));
    assert!(is_ancestor(&second, &first));
    let cgroup = Some(Arc::new(Cgroup { path: (*b"/a").into(), ..Cgroup::default() }));
    let moved = Program { credentials: root, cgroup, ..program("/sbin/init") };
    let third = story.cache.exec(key(10), moved, Timestamp(11));
    assert!(is_ancestor(&third, &second));
    // A program whose place was not looked at stays where it was.
    let unplaced = Program { credentials: root, ..program("/sbin/init") };
    assert!(Arc::ptr_eq(&story.cache.exec(key(10), unplaced, Timestamp(12)), &third));
}

#[test]
fn exec_flags_at_run_time() {
    let mut story = Story::new();
    let parent = story.fork(1, 10);
    let child = story.fork(10, 11);
    assert!(!parent.is_exec() && !child.is_exec());
    let first = story.exec(11, "/bin/sh");
    assert!(first.is_exec() && !first.is_exec_exec());
    let second = story.exec(11, "/bin/ls");
    assert!(second.is_exec() && second.is_exec_exec());
    let third = story.exec(11, "/bin/cat");
    assert!(third.is_exec_exec());
    let fork = story.fork(11, 12);
    assert!(!fork.is_exec() && !fork.is_exec_exec());
}

#[test]
fn fork_inherits() {
    let mut cache = Cache::new(Limits::default());
    let cgroup = Arc::new(Cgroup { path: (*b"/a").into(), container: (*b"c0ffee").into() });
    let credentials = Credentials { uid: 3, cap_effective: 1 << 40, ..Credentials::default() };
    let tty = Short::new(b"pts0");
    let first = Program { cgroup: Some(cgroup), credentials, tty, ..program("/bin/sh") };
    let parent = cache.exec(key(10), first, Timestamp(1));
    cache.set_comm(key(10), Short::new(b"renamed"));
    let child = cache.fork(key(10), key(11), Timestamp(2));
    assert!(Arc::ptr_eq(child.image(), parent.image()));
    assert_eq!(child.comm().as_bytes(), b"renamed");
    assert_eq!((child.tty(), child.container_id(), child.credentials()), (tty, &b"c0ffee"[..], credentials));
    assert_eq!((child.executed(), child.forked(), child.exited()), (Timestamp(1), Timestamp(2), Timestamp(0)));
    // An exec has a name, a terminal and credentials of its own, and its place unless it says so.
    let executed = cache.exec(key(11), program("/bin/ls"), Timestamp(3));
    assert_eq!((executed.comm().as_bytes(), executed.container_id()), (&b"ls"[..], &b"c0ffee"[..]));
    assert_eq!((executed.tty(), executed.credentials()), (Short::default(), Credentials::default()));
}

#[test]
fn fork_of_an_unknown_parent() {
    let mut cache = Cache::new(Limits::default());
    let child = cache.fork(key(10), key(11), Timestamp(5));
    assert_eq!((child.ppid(), child.source(), child.parent_missing()), (Pid(10), Source::Event, true));
    assert!(child.ancestor().is_none() && cache.get(key(10)).is_none());
    assert_eq!(cache.check_lineage(&child), Err(BrokenLineage::MissingParent));
    assert_eq!((cache.counters().misses, cache.counters().missing_parents), (1, 1));
    // What is said to have made itself is not its own ancestor.
    let child = cache.fork(key(11), key(11), Timestamp(6));
    assert!(child.parent_missing() && child.ancestor().is_none());
}

/// B15 of the reference: there, the first exec of an unknown process passed for a thread.
#[test]
fn exec_of_an_unknown_process_is_an_exec() {
    let mut cache = Cache::new(Limits::default());
    let process = cache.exec(key(10), program("/bin/sh"), Timestamp(5));
    assert!(process.is_exec() && !process.is_exec_exec() && process.parent_missing());
    assert_eq!((process.ppid(), process.forked(), process.executed()), (Pid(0), Timestamp(0), Timestamp(5)));
    assert!(cache.exec(key(10), program("/bin/ls"), Timestamp(6)).is_exec_exec());
    assert!(!cache.exec(key(1), program("/sbin/init"), Timestamp(6)).parent_missing(), "the first has no parent");
}

#[test]
fn a_placeholder_is_shared_and_gives_way() {
    let mut story = Story::new();
    let placeholder = story.cache.resolve(key(10));
    assert_eq!((placeholder.source(), placeholder.parent_missing()), (Source::Placeholder, true));
    assert!(Arc::ptr_eq(&placeholder, &story.cache.resolve(key(10))));
    let child = story.fork(10, 11);
    assert!(is_ancestor(&child, &placeholder));
    assert_eq!(child.check_lineage(), Err(BrokenLineage::MissingParent));
    // The fork that was late is of the same process: no pid came back.
    story.fork(1, 10);
    let counters = story.cache.counters();
    assert_eq!((counters.placeholders, counters.misses, counters.hits, counters.reused_pids), (1, 1, 3, 0));
}

#[test]
fn credentials_change_for_every_holder() {
    let mut story = Story::new();
    let held = story.fork(1, 10);
    let child = story.fork(10, 11);
    let changed = Credentials { uid: 5, euid: 6, cap_permitted: 1 << 40, ..Credentials::default() };
    story.cache.set_credentials(key(10), &changed);
    story.cache.set_comm(key(10), Short::new(b"a name of sixteen bytes"));
    assert_eq!(held.credentials(), changed);
    assert_eq!(held.comm().as_bytes(), b"a name of sixtee");
    assert_eq!(child.ancestor().unwrap().credentials(), changed);
    assert_eq!(child.credentials(), Credentials::default(), "the child has its own");
    assert_eq!(story.cache.get(key(10)).unwrap().credentials(), changed);
    // A new program has new ones, and the old one keeps what it had.
    let executed = story.exec(10, "/bin/sh");
    assert_eq!((executed.credentials(), held.credentials()), (Credentials::default(), changed));
    // Of a process that is not known nothing changes.
    story.cache.set_credentials(key(99), &changed);
    story.cache.set_comm(key(99), Short::new(b"x"));
    assert!(!story.known(99));
}

#[test]
fn namespaces_are_apart_and_forgotten_together() {
    let mut cache = Cache::new(Limits::default());
    for namespace in [1, 2] {
        for pid in [3, 1, 2] {
            cache.resolve(within(namespace, pid));
        }
    }
    let order: Vec<_> = cache.iter().map(|process| process.key()).collect();
    assert!(order.is_sorted() && order.len() == 6);
    assert_eq!(cache.forget_namespace(PidNs(1)), 3);
    assert!(cache.iter().all(|process| process.key().namespace == PidNs(2)));
    assert_eq!(cache.forget_namespace(PidNs(1)), 0);
    assert_eq!((cache.len(), cache.counters().forgotten), (3, 3));
}

#[test]
fn cut_programs_are_counted() {
    let mut cache = Cache::new(Limits::default());
    let mut cut = program("/bin/sh");
    cut.arguments.truncated = true;
    cut.environment.truncated = true;
    cache.exec(key(10), cut, Timestamp(1));
    cache.exec(key(10), program("/bin/ls"), Timestamp(2));
    assert_eq!((cache.counters().arguments_truncated, cache.counters().environments_truncated), (1, 1));
}

/// `kill` of a process that ends before the call returns: its exit is seen first.
#[test]
fn what_a_call_acts_on_may_just_have_ended() {
    let mut story = Story::new();
    story.fork(1, 10);
    story.exec(10, "/bin/victim");
    let victim = story.exit(10).unwrap();
    assert!(story.cache.get(key(10)).is_none());
    assert!(Arc::ptr_eq(story.cache.target(key(10)).unwrap(), &victim));
    // Whoever has the number now comes first, and who was only forgotten is not known.
    let now = story.fork(1, 10);
    assert!(Arc::ptr_eq(story.cache.target(key(10)).unwrap(), &now));
    story.fork(1, 11);
    story.cache.remove(key(11));
    assert!(story.cache.target(key(11)).is_none());
}
