//! The cache under programs that never stop making processes.

use alloc::sync::Arc;
use alloc::vec::Vec;

use super::{Story, key, program, random, running};
use crate::ids::{Pid, Timestamp};
use crate::process::{Cache, Credentials, Limits, Process, Source};

/// Ancestors that a process may have by default.
const LONGEST: usize = 2 * 128;

fn depth(process: &Process) -> usize {
    process.ancestors().count()
}

#[test]
fn a_million_processes_that_come_and_go() {
    let mut story = Story::new();
    let sh = program("/bin/sh");
    for round in 0..1_000_000 {
        let pid = 2 + round % 30_000;
        story.fork(1, pid);
        let at = story.tick();
        let process = story.cache.exec(key(pid), sh.clone(), at);
        story.exit(pid);
        debug_assert_eq!(depth(&process), 2);
    }
    assert_eq!(story.cache.len(), 1);
    let counters = story.cache.counters();
    assert_eq!((counters.execs, counters.exits, counters.reused_pids), (1_000_000, 1_000_000, 0));
}

#[test]
fn a_chain_of_execs() {
    let mut story = Story::new();
    let programs = [program("/bin/a"), program("/bin/b")];
    let mut longest = 0;
    for round in 0..100_000 {
        let at = story.tick();
        let process = story.cache.exec(key(1), programs[round % 2].clone(), at);
        longest = longest.max(usize::from(process.depth));
        assert_eq!(process.ppid(), Pid(0));
    }
    assert_eq!((longest, story.cache.len()), (LONGEST, 1));
    let last = story.cache.get(key(1)).unwrap();
    assert_eq!(depth(last), usize::from(last.depth));
    assert!(last.ancestors().all(|ancestor| ancestor.exited().is_known() && ancestor.is_exec()));
    assert!(story.cache.counters().shortened_lineages >= 100_000 / 256);
}

#[test]
fn a_chain_of_daemons() {
    let mut story = Story::new();
    for generation in 0..100_000 {
        let process = story.fork(1 + generation, 2 + generation);
        story.exit(1 + generation);
        assert!(usize::from(process.depth) <= LONGEST);
        assert!(generation % 1000 != 0 || depth(&process) == usize::from(process.depth));
    }
    assert_eq!(story.cache.len(), 1);
    drop(story);
}

#[test]
fn the_longest_lineage_is_released_without_exhausting_the_stack() {
    let mut story = Story::within(Limits { lineage: u16::MAX, ..Limits::default() });
    for generation in 0..5_000 {
        story.fork(1 + generation, 2 + generation);
        story.exit(1 + generation);
    }
    let last = story.cache.iter().next().unwrap();
    assert!((1024..=2048).contains(&depth(last)));
}

#[test]
fn a_shortened_lineage_keeps_what_is_near() {
    let mut story = Story::within(Limits { lineage: 4, ..Limits::default() });
    let mut held = Vec::new();
    for pid in 2..=9 {
        held.push(story.fork(pid - 1, pid));
    }
    assert_eq!(story.cache.counters().shortened_lineages, 0);
    let process = story.fork(9, 10);
    let near: Vec<_> = process.ancestors().map(|ancestor| ancestor.key().pid.0).collect();
    assert_eq!(near, [9, 8, 7, 6]);
    // Those that run are the ones in the cache, so what happens to them is seen from below.
    let changed = Credentials { uid: 9, ..Credentials::default() };
    for ancestor in process.ancestors() {
        story.cache.set_credentials(ancestor.key(), &changed);
        assert_eq!(ancestor.credentials(), changed);
    }
    // Who held the long one still does.
    assert_eq!(depth(held.last().unwrap()), 8);
    assert_eq!(story.cache.len(), 10);
}

/// Thousands of children at the end of a long chain must not hold a copy of it each.
#[test]
fn relatives_share_a_shortened_lineage() {
    let mut story = Story::new();
    for pid in 2..=256 {
        story.fork(pid - 1, pid);
    }
    let children = 1000..3000;
    for pid in children.clone() {
        assert_eq!(story.fork(256, pid).depth, 256);
    }
    // The one that they share goes, and only their lineages hold it.
    story.exit(256);
    let mut parents = Vec::new();
    for pid in children {
        let grandchild = story.fork(pid, pid + 10_000);
        let parent = Arc::clone(grandchild.ancestor().unwrap());
        assert!(usize::from(grandchild.depth) <= LONGEST);
        parents.push(Arc::clone(parent.ancestor().unwrap()));
    }
    assert!(parents.iter().all(|parent| Arc::ptr_eq(parent, &parents[0])));
    assert_eq!(depth(&parents[0]), 126);
}

fn small(processes: usize) -> Cache {
    Cache::new(Limits { processes, ..Limits::default() })
}

#[test]
fn eviction_takes_what_ended_first_then_what_is_oldest() {
    let mut cache = small(4);
    cache.running(key(1), running(0, 1, "/sbin/init"));
    cache.fork(key(1), key(2), Timestamp(2));
    cache.fork(key(1), key(3), Timestamp(3));
    cache.exit(key(3), Timestamp(4));
    cache.resolve(key(4));
    let pids = |cache: &Cache| cache.iter().map(|process| process.key().pid.0).collect::<Vec<_>>();
    // A placeholder is older than anything.
    cache.fork(key(2), key(5), Timestamp(5));
    assert_eq!(pids(&cache), [1, 2, 3, 5]);
    cache.fork(key(2), key(6), Timestamp(6));
    assert_eq!(pids(&cache), [1, 2, 5, 6]);
    let child = cache.fork(key(1), key(7), Timestamp(7));
    assert_eq!(pids(&cache), [2, 5, 6, 7]);
    assert_eq!(child.parent().unwrap().key(), key(1), "its descendants keep what was evicted");
    assert_eq!(cache.counters().evicted, 3);
    // An exec of what is known takes no room.
    cache.exec(key(2), program("/bin/sh"), Timestamp(8));
    assert_eq!(cache.counters().evicted, 3);
}

#[test]
fn eviction_goes_by_the_batch() {
    let mut cache = small(1600);
    for pid in 1..=1601 {
        cache.fork(key(0), key(pid), Timestamp(u64::from(pid.unsigned_abs())));
    }
    assert_eq!((cache.len(), cache.counters().evicted), (1501, 100));
    assert!(cache.get(key(100)).is_none() && cache.get(key(101)).is_some());
}

#[test]
fn a_flood_of_unknown_processes_stays_bounded_and_spares_the_known() {
    let mut cache = small(1024);
    cache.running(key(1), running(0, 1, "/sbin/init"));
    for pid in 2..200_000 {
        let process = cache.resolve(key(pid));
        assert_eq!(process.source(), Source::Placeholder);
        assert!(cache.len() <= 1024);
    }
    assert!(cache.get(key(1)).is_some());
}

#[test]
fn limits_of_nothing_are_limits_of_one() {
    let mut cache = Cache::new(Limits { processes: 0, lineage: 0, ..Limits::default() });
    for pid in 1..100 {
        let process = cache.fork(key(pid), key(pid + 1), Timestamp(1));
        assert!(depth(&process) <= 2);
        cache.exec(key(pid + 1), program("/bin/sh"), Timestamp(2));
        assert_eq!(cache.len(), 1);
    }
}

/// Whatever comes in whatever order, bounds hold and links only lead to what was there before.
#[test]
fn any_order_of_events() {
    let mut random = random();
    let paths = ["/bin/a", "/bin/b", ""];
    let mut cache = Cache::new(Limits { processes: 12, lineage: 3, ..Limits::default() });
    for time in 0..200_000 {
        let (process, other, at) = (key(random(16)), key(random(16)), Timestamp(time));
        let path = paths[usize::try_from(random(3)).unwrap()];
        let touched = match random(8) {
            0 | 1 => cache.fork(process, other, at),
            2 | 3 => cache.exec(process, program(path), at),
            4 => cache.running(process, running(other.pid.0, time.saturating_sub(5), path)),
            5 => cache.resolve(process),
            6 => match cache.exit(process, at) {
                Some(exited) => exited,
                None => continue,
            },
            _ => {
                cache.remove(process);
                continue;
            }
        };
        assert!(cache.len() <= 12);
        assert!(depth(&touched) <= 6 && depth(&touched) == usize::from(touched.depth));
        assert!(cache.iter().all(|entry| cache.get(entry.key()).is_some_and(|known| Arc::ptr_eq(known, entry))));
        let _ = cache.check_lineage(&touched);
    }
    let counters = cache.counters();
    assert!(counters.shortened_lineages > 0 && counters.evicted > 0 && counters.reused_pids > 0);
    assert!(counters.repeated_execs > 0 && counters.stale_snapshot > 0 && counters.incomplete_lineages > 0);
}
