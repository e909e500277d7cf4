//! What ends a discarder, and what does not.

use alloc::string::ToString as _;
use alloc::vec::Vec;
use core::time::Duration;

use crate::discard::{
    Discarders, InodeKey, Ktime, MOST_INODES, MOST_PIDS, MOUNT_REVISIONS, Pushed, RETENTION, Refusal, parents,
};
use crate::event::EventType::{self, Chmod, Link, Mkdir, Mprotect, Open, Rename, Rmdir, Setuid, Unlink};
use crate::ids::Pid;

const NOW: Ktime = Ktime(1_000_000_000_000);

fn at(nanoseconds: u64) -> Ktime {
    Ktime(NOW.0 + nanoseconds)
}

fn file(inode: u64, mount: u32) -> InodeKey {
    InodeKey { inode, mount, leaf: true }
}

fn below(inode: u64, mount: u32) -> InodeKey {
    InodeKey { inode, mount, leaf: false }
}

fn push(table: &mut Discarders, key: InodeKey, event: EventType) -> Pushed {
    table.push(key, event, None, NOW).unwrap()
}

#[test]
fn the_mask_accumulates() {
    let mut table = Discarders::default();
    for event in [Open, Chmod] {
        assert_eq!(push(&mut table, file(7, 42), event), Pushed::Added);
    }
    assert!(table.discards(file(7, 42), Open, NOW) && table.discards(file(7, 42), Chmod, NOW));
    assert!(!table.discards(file(7, 42), Unlink, NOW));
    let listing = table.list();
    assert_eq!(listing.inodes.len(), 1);
    assert_eq!(listing.inodes[0].1.params.event_mask.bits(), 1 << 6 | 1);
}

#[test]
fn another_inode_mount_or_role_is_another_key() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    for other in [file(8, 42), file(7, 43), below(7, 42)] {
        assert!(!table.discards(other, Open, NOW), "{other:?}");
    }
}

#[test]
fn a_timeout_ends_only_its_type() {
    let mut table = Discarders::default();
    let key = file(7, 42);
    table.push(key, Open, Some(Duration::from_secs(1)), NOW).unwrap();
    push(&mut table, key, Chmod);
    assert!(table.discards(key, Open, at(999_999_999)));
    assert!(!table.discards(key, Open, at(1_000_000_000)));
    assert!(table.discards(key, Chmod, at(u64::MAX / 2)));
    table.push(key, Unlink, Some(Duration::ZERO), Ktime(0)).unwrap();
    assert!(!table.discards(key, Unlink, NOW), "a timeout of nothing is not for ever");
}

/// The race that retention is there for: what is concluded from an event of the old file comes late.
#[test]
fn retention_keeps_a_discarder_out_for_five_seconds() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    table.expire(7, 42, NOW);
    for key in [file(7, 42), below(7, 42)] {
        assert!(!table.discards(key, Open, NOW));
        assert_eq!(table.push(key, Open, None, at(RETENTION - 1)).unwrap(), Pushed::Retained);
        assert!(!table.discards(key, Open, at(RETENTION - 1)));
        assert_eq!(table.push(key, Open, None, at(RETENTION)).unwrap(), Pushed::Added);
        assert!(table.discards(key, Open, at(RETENTION)));
    }
}

#[test]
fn retention_begins_where_nothing_was_known() {
    let mut table = Discarders::default();
    table.expire(7, 42, NOW);
    assert_eq!(push(&mut table, file(7, 42), Open), Pushed::Retained);
    assert_eq!(push(&mut table, file(8, 42), Open), Pushed::Added);
}

/// What was said about a removed file must not come back with the first thing said about its successor.
#[test]
fn nothing_is_left_of_the_mask_after_retention() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    table.expire(7, 42, NOW);
    table.push(file(7, 42), Chmod, None, at(RETENTION)).unwrap();
    assert!(table.discards(file(7, 42), Chmod, at(RETENTION)));
    assert!(!table.discards(file(7, 42), Open, at(RETENTION)));
}

#[test]
fn an_old_retention_is_forgotten_when_it_is_met() {
    let mut table = Discarders::default();
    table.expire(7, 42, NOW);
    assert!(!table.discards(file(7, 42), Open, at(RETENTION - 1)));
    assert_eq!(table.list().inodes.len(), 2);
    assert!(!table.discards(file(7, 42), Open, at(RETENTION)));
    let left: Vec<_> = table.list().inodes.iter().map(|(key, _)| *key).collect();
    assert_eq!(left, [below(7, 42)]);
}

#[test]
fn a_flush_invalidates_all_and_the_first_push_only_begins_a_retention() {
    let mut table = Discarders::default();
    let keys = [file(7, 42), below(8, 43)];
    for key in keys {
        push(&mut table, key, Open);
    }
    table.flush();
    for key in keys {
        assert!(!table.discards(key, Open, NOW));
        assert_eq!(push(&mut table, key, Open), Pushed::Outdated);
        assert_eq!(push(&mut table, key, Open), Pushed::Retained);
        assert!(!table.discards(key, Open, NOW));
        assert_eq!(table.push(key, Open, None, at(RETENTION)).unwrap(), Pushed::Added);
        assert!(table.discards(key, Open, at(RETENTION)));
    }
    // What was not known before the flush cannot be from before it.
    assert_eq!(push(&mut table, file(9, 42), Open), Pushed::Added);
}

#[test]
fn a_mount_is_invalidated_alone_and_can_be_said_anew_at_once() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    push(&mut table, file(7, 43), Open);
    table.bump_mount(42);
    assert!(!table.discards(file(7, 42), Open, NOW));
    assert!(table.discards(file(7, 43), Open, NOW));
    assert_eq!(push(&mut table, file(7, 42), Chmod), Pushed::Added);
    assert!(table.discards(file(7, 42), Chmod, NOW));
    assert!(!table.discards(file(7, 42), Open, NOW), "the old mask is gone");
}

#[test]
fn mounts_that_share_a_revision_are_invalidated_together() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    table.bump_mount(42 + MOUNT_REVISIONS);
    assert!(!table.discards(file(7, 42), Open, NOW));
}

#[test]
fn an_inode_that_changes_changes_through_every_mount() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    push(&mut table, below(7, 43), Open);
    push(&mut table, file(8, 42), Open);
    table.expire(7, 44, NOW);
    assert!(!table.discards(file(7, 42), Open, NOW) && !table.discards(below(7, 43), Open, NOW));
    assert!(table.discards(file(8, 42), Open, NOW));
    // Only where it was changed somebody may be late.
    push(&mut table, file(7, 42), Open);
    assert!(table.discards(file(7, 42), Open, NOW));
}

#[test]
fn parents_are_looked_for_only_where_there_may_be_some() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Open);
    assert!(!table.has_parents(42));
    push(&mut table, below(7, 42), Open);
    assert!(table.has_parents(42) && !table.has_parents(43));
    table.bump_mount(42);
    assert!(!table.has_parents(42));
    push(&mut table, below(7, 42), Open);
    table.flush();
    assert!(!table.has_parents(42));
}

#[test]
fn three_directories_above_but_never_the_root() {
    let above = |path: &'static str| -> Vec<_> {
        parents(path.as_bytes()).map(|path| path.escape_ascii().to_string()).collect()
    };
    assert_eq!(above("/a/b/c/d/e"), ["/a/b/c/d", "/a/b/c", "/a/b"]);
    assert_eq!(above("/a/b/c"), ["/a/b", "/a"]);
    for path in ["/a", "/", "", "memfd:x/y", "socket:[1]", "a/b"] {
        assert_eq!(above(path), [""; 0], "{path}");
    }
}

#[test]
fn what_cannot_be_discarded_is_refused() {
    let mut table = Discarders::default();
    for event in [Rename, Link, Mprotect, Setuid, EventType::Exec] {
        assert_eq!(table.push(file(7, 42), event, None, NOW), Err(Refusal::NotDiscardable(event)));
    }
    for key in [file(0, 42), file(7, 0)] {
        assert_eq!(table.push(key, Open, None, NOW), Err(Refusal::NoIdentity));
    }
    table.expire(0, 42, NOW);
    table.expire(7, 0, NOW);
    for pid in [0, -1] {
        assert_eq!(table.push_pid(Pid(pid), Open, None, NOW), Err(Refusal::NoProcess(Pid(pid))));
    }
    assert_eq!(table.push_pid(Pid(1), Setuid, None, NOW), Err(Refusal::NotDiscardable(Setuid)));
    assert!(table.is_empty());
}

#[test]
fn the_one_not_asked_about_for_longest_gives_way() {
    let mut table = Discarders::default();
    for inode in 1..=MOST_INODES as u64 {
        push(&mut table, file(inode, 42), Open);
    }
    assert!(table.discards(file(1, 42), Open, NOW));
    push(&mut table, file(1_000_000, 42), Open);
    assert!(table.discards(file(1, 42), Open, NOW));
    assert!(!table.discards(file(2, 42), Open, NOW));
    assert!(table.discards(file(3, 42), Open, NOW));
    assert_eq!(table.list().inodes.len(), MOST_INODES);
    for pid in 1..=600 {
        table.push_pid(Pid(pid), Open, None, NOW).unwrap();
    }
    assert_eq!(table.list().pids.len(), MOST_PIDS);
    assert!(!table.discards_pid(Pid(1), Open, NOW) && table.discards_pid(Pid(600), Open, NOW));
}

#[test]
fn a_process_is_discarded_until_it_ends() {
    let mut table = Discarders::default();
    let pid = Pid(100);
    for event in [Rename, Mprotect] {
        assert_eq!(table.push_pid(pid, event, None, NOW).unwrap(), Pushed::Added);
    }
    assert!(table.discards_pid(pid, Rename, NOW) && table.discards_pid(pid, Mprotect, NOW));
    assert!(!table.discards_pid(pid, Open, NOW) && !table.discards_pid(Pid(101), Rename, NOW));
    table.expire_pid(pid, NOW);
    assert!(!table.discards_pid(pid, Rename, NOW));
    assert_eq!(table.push_pid(pid, Rename, None, NOW).unwrap(), Pushed::Retained);
    assert_eq!(table.push_pid(pid, Open, None, at(RETENTION)).unwrap(), Pushed::Added);
    assert!(!table.discards_pid(pid, Rename, at(RETENTION)));
}

#[test]
fn a_process_is_not_discarded_for_what_had_its_pid_before() {
    let mut table = Discarders::default();
    let pid = Pid(100);
    table.push_pid(pid, Open, None, NOW).unwrap();
    table.begin_pid(pid);
    assert!(!table.discards_pid(pid, Open, NOW));
    table.expire_pid(pid, NOW);
    table.begin_pid(pid);
    assert_eq!(table.push_pid(pid, Open, None, NOW).unwrap(), Pushed::Retained, "somebody may still be late");
}

#[test]
fn a_flush_is_for_processes_too() {
    let mut table = Discarders::default();
    table.push_pid(Pid(1), Open, Some(Duration::from_secs(1)), NOW).unwrap();
    assert!(table.discards_pid(Pid(1), Open, NOW) && !table.discards_pid(Pid(1), Open, at(1_000_000_000)));
    table.flush();
    assert!(!table.discards_pid(Pid(1), Open, NOW));
    assert_eq!(table.push_pid(Pid(1), Open, None, NOW).unwrap(), Pushed::Outdated);
    assert_eq!(table.push_pid(Pid(1), Open, None, NOW).unwrap(), Pushed::Retained);
}

#[test]
fn statistics_swap_and_each_count_is_taken_once() {
    let mut table = Discarders::default();
    push(&mut table, file(7, 42), Rmdir);
    push(&mut table, file(7, 42), Mkdir);
    table.discards(file(7, 42), Rmdir, NOW);
    table.discards(file(7, 42), Open, NOW);
    let first = table.statistics().take();
    assert_eq!(first, crate::discard::Statistics::default(), "the other buffer");
    table.discards(file(7, 42), Rmdir, NOW);
    table.push_pid(Pid(1), Open, None, NOW).unwrap();
    let sum = table.statistics().sum();
    assert_eq!((sum.of(Rmdir).added, sum.of(Rmdir).discarded, sum.of(Mkdir).added), (1, 2, 1));
    assert_eq!((sum.of_pids().added, sum.of(Open).discarded), (1, 0));

    let second = table.statistics().take();
    assert_eq!((second.of(Rmdir).added, second.of(Rmdir).discarded, second.of_pids().added), (1, 1, 0));
    let third = table.statistics().take();
    assert_eq!((third.of(Rmdir).added, third.of(Rmdir).discarded, third.of_pids().added), (0, 1, 1));
    assert_eq!(table.statistics().sum(), crate::discard::Statistics::default());
}
