//! Parents that change, by what procfs says when an orphan does something.

use alloc::sync::Arc;

use super::resolve::{Place, tree};
use super::{Story, is_ancestor, key, lineage, program, random};
use crate::ids::Pid;
use crate::process::{BrokenLineage, Cache, Limits, Process, Resolver};
use crate::record::Program;

fn counts(story: &Story) -> (u64, u64) {
    (story.cache.counters().reparented, story.cache.counters().reparents_failed)
}

/// Ends a process without a word to the resolver.
fn orphan(story: &mut Story, parent: i32, child: i32) -> Arc<Process> {
    let process = story.fork(parent, child);
    story.exit(parent);
    process
}

fn family() -> (Story, Resolver, Place) {
    let (mut story, resolver, place) = tree();
    story.fork(10, 11);
    (story, resolver, place)
}

#[test]
fn sub_init() {
    let (mut story, mut resolver, place) = family();
    let before = orphan(&mut story, 11, 12);
    assert_eq!(story.cache.len(), 2);
    place.shows(12, 10, "/bin/root");
    let after = story.find(&mut resolver, 12).unwrap();
    assert_eq!((after.ppid(), lineage(&after), counts(&story)), (Pid(10), [(10, "/bin/root")].into(), (1, 0)));
    assert!(is_ancestor(&after, story.cache.get(key(10)).unwrap()));
    assert_eq!(before.ppid(), Pid(11));
    // Once is enough.
    assert!(Arc::ptr_eq(&after, &story.find(&mut resolver, 12).unwrap()));
    story.exit(12);
    story.exit(10);
    assert!(story.cache.is_empty());
}

#[test]
fn execs_stay_below_the_new_parent() {
    let (mut story, mut resolver, place) = family();
    story.fork(11, 12);
    story.exec(12, "/bin/sh");
    story.exec(12, "/bin/ls");
    story.exit(11);
    place.shows(12, 10, "/bin/ls");
    let after = story.find(&mut resolver, 12).unwrap();
    assert_eq!(lineage(&after), [(12, "/bin/sh"), (12, "/bin/root"), (10, "/bin/root")]);
    assert!(after.is_exec_exec() && after.ancestors().take(2).all(|step| step.ppid() == Pid(10)));
}

#[test]
fn a_stranger_is_no_parent() {
    let (mut story, mut resolver, place) = family();
    let before = orphan(&mut story, 11, 12);
    place.shows(12, 5, "/bin/root");
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&before, &story.find(&mut resolver, 12).unwrap()));
    }
    assert_eq!((before.check_lineage(), counts(&story)), (Ok(()), (0, 1)));
    assert!(place.read().is_empty());
}

#[test]
fn the_first_process_and_the_same_one_are_passed_over() {
    for ppid in [0, 1, 11] {
        let (mut story, mut resolver, place) = family();
        let before = orphan(&mut story, 11, 12);
        place.shows(12, ppid, "/bin/root");
        assert!(Arc::ptr_eq(&before, &story.find(&mut resolver, 12).unwrap()));
        assert_eq!(counts(&story), (0, 0), "{ppid}");
    }
}

#[test]
fn a_new_parent_that_is_not_known_is_looked_up() {
    let (mut story, mut resolver, place) = family();
    orphan(&mut story, 11, 12);
    place.shows(12, 20, "/bin/root");
    place.shows(20, 10, "/bin/subinit");
    let after = story.find(&mut resolver, 12).unwrap();
    assert_eq!((lineage(&after), counts(&story)), ([(20, "/bin/subinit"), (10, "/bin/root")].into(), (1, 0)));
}

#[test]
fn missing_ancestor() {
    let (mut story, mut resolver, place) = tree();
    // A child of nobody known; then its parent is.
    for (pid, shown) in [(12, Some(11)), (13, None)] {
        let child = story.fork(99, pid);
        assert_eq!(child.check_lineage(), Err(BrokenLineage::MissingParent));
        match shown {
            Some(ppid) => place.shows(pid, ppid, "/bin/root"),
            None => place.forgets(pid),
        }
    }
    story.fork(10, 11);
    let linked = story.find(&mut resolver, 12).unwrap();
    assert_eq!((linked.ppid(), linked.check_lineage(), counts(&story)), (Pid(11), Ok(()), (1, 0)));
    let unlinked = story.find(&mut resolver, 13).unwrap();
    assert_eq!((unlinked.check_lineage(), counts(&story)), (Err(BrokenLineage::MissingParent), (1, 1)));
}

/// Alive, ended, alive, …: what is broken up to three parents up is mended from below.
#[test]
fn depth() {
    for (links, mended) in [(1, true), (2, true), (3, false)] {
        let (mut story, mut resolver, place) = family();
        // 12 lost its parent 11, and has `links` living processes below it.
        orphan(&mut story, 11, 12);
        for pid in 13..13 + links {
            story.fork(pid - 1, pid);
        }
        place.shows(12, 10, "/bin/root");
        let last = story.find(&mut resolver, 12 + links).unwrap();
        assert_eq!(counts(&story), (u64::from(mended), 0), "{links}");
        let has_left = last.ancestors().all(|ancestor| ancestor.key() != key(11));
        assert_eq!(has_left, mended, "{links}");
        assert_eq!(last.ppid(), Pid(11 + links));
        assert!(Arc::ptr_eq(&last, story.cache.get(key(12 + links)).unwrap()));
    }
}

#[test]
fn a_parent_that_executes_something_has_not_ended() {
    let (mut story, mut resolver, place) = family();
    let child = story.fork(11, 12);
    story.exec(11, "/bin/sh");
    place.shows(12, 10, "/bin/root");
    assert!(Arc::ptr_eq(&child, &story.find(&mut resolver, 12).unwrap()));
    // Its number alone does not make another process the parent.
    story.exit(11);
    story.fork(10, 11);
    let after = story.find(&mut resolver, 12).unwrap();
    assert_eq!((after.ppid(), counts(&story)), (Pid(10), (1, 0)));
}

#[test]
fn nothing_is_asked_where_nothing_is_missing() {
    let (mut story, mut resolver, place) = family();
    let child = story.fork(11, 12);
    place.shows(12, 10, "/bin/other");
    for _ in 0..3 {
        assert!(Arc::ptr_eq(&child, &story.find(&mut resolver, 12).unwrap()));
    }
    assert_eq!(story.cache.counters().hits, 3 + 2);
}

#[test]
fn not_being_allowed_to_ask_is_no_answer() {
    let (mut story, mut resolver, place) = family();
    orphan(&mut story, 11, 12);
    place.shows(12, 10, "/bin/root");
    for pid in 1000..1064 {
        place.shows(pid, 10, "/bin/sh");
        story.find(&mut resolver, pid);
    }
    assert_eq!(story.find(&mut resolver, 12).unwrap().ppid(), Pid(11));
    story.now += 1_000_000_000;
    assert_eq!(story.find(&mut resolver, 12).unwrap().ppid(), Pid(10));
}

/// Whatever is said of whom, bounds hold, and the entries of the cache are what is found.
#[test]
fn any_order_of_events_and_answers() {
    let mut random = random();
    let (mut story, mut resolver, place) = tree();
    story.cache = Cache::new(Limits { processes: 12, lineage: 3, ..Limits::default() });
    for _ in 0..100_000 {
        let (pid, other) = (10 + random(16), 10 + random(16));
        story.now += 5_000_000;
        let touched = match random(9) {
            0 | 1 => Some(story.fork(pid, other)),
            2 => Some(story.exec(pid, "/bin/sh")),
            3 => {
                let at = story.tick();
                let told = Program { ppid: Pid(other), ..program("/bin/ls") };
                resolver.find_parent(&mut story.cache, key(pid), Pid(other), at);
                Some(story.cache.exec(key(pid), told, at))
            }
            4 => {
                place.shows(pid, other, "/bin/sh");
                None
            }
            5 => {
                place.forgets(pid);
                None
            }
            6 => story.exit(pid),
            _ => {
                let found = story.find(&mut resolver, pid);
                if let Some(found) = &found {
                    assert!(Arc::ptr_eq(found, story.cache.get(key(pid)).unwrap()));
                }
                found
            }
        };
        assert!(story.cache.len() <= 12);
        if let Some(process) = touched {
            let depth = process.ancestors().count();
            assert!(depth <= 6 && depth == usize::from(process.depth));
        }
    }
    let counters = story.cache.counters();
    assert!(counters.reparented > 100 && counters.reparents_failed > 100 && counters.from_procfs > 100, "{counters:?}");
}
