//! Where lineages may end.

use alloc::sync::Arc;

use super::{Story, key, program, running, within};
use crate::ids::Timestamp;
use crate::process::{BrokenLineage, Cache, Limits};

#[test]
fn ancestors_are_nearest_first_and_end_for_good() {
    let mut story = Story::new();
    story.fork(1, 10);
    let process = story.exec(10, "/bin/sh");
    let mut ancestors = process.ancestors();
    assert_eq!(ancestors.next().unwrap().key(), key(10));
    assert_eq!(ancestors.next().unwrap().key(), key(1));
    assert!(ancestors.next().is_none() && ancestors.next().is_none());
}

#[test]
fn the_first_process_is_a_good_end_even_if_seen_by_events_alone() {
    let mut cache = Cache::new(Limits::default());
    let first = cache.fork(within(9, 0), within(9, 1), Timestamp(1));
    assert_eq!(first.check_lineage(), Ok(()));
    let executed = cache.exec(within(9, 1), program("/init"), Timestamp(2));
    assert_eq!(executed.check_lineage(), Ok(()), "its own earlier program is no parent");
    assert_eq!(cache.resolve(within(8, 1)).check_lineage(), Ok(()));
}

#[test]
fn the_first_process_has_no_parent_in_its_namespace() {
    let mut story = Story::new();
    story.fork(1, 10);
    let confused = story.fork(10, 1);
    assert_eq!(story.cache.check_lineage(&confused), Err(BrokenLineage::WrongParent));
    let below = story.fork(1, 11);
    assert_eq!(story.cache.check_lineage(&below), Err(BrokenLineage::WrongParent));
    assert_eq!(story.cache.counters().wrong_parents, 2);
}

#[test]
fn the_first_process_of_a_container_has_a_parent_outside() {
    let mut story = Story::new();
    let runtime = story.fork(1, 10);
    let init = story.cache.fork(key(10), within(2, 1), Timestamp(5));
    assert!(Arc::ptr_eq(init.ancestor().unwrap(), &runtime));
    assert_eq!(init.check_lineage(), Ok(()));
    // What is above it counts.
    let mut cache = Cache::new(Limits::default());
    cache.fork(key(5), key(10), Timestamp(1));
    let init = cache.fork(key(10), within(2, 1), Timestamp(5));
    assert_eq!(init.check_lineage(), Err(BrokenLineage::MissingParent));
}

#[test]
fn a_root_of_observation_is_a_good_end_and_a_cut_is_not() {
    let mut cache = Cache::new(Limits { lineage: 2, ..Limits::default() });
    let mut process = cache.running(key(100), running(50, 1, "/bin/sh"));
    assert_eq!(process.check_lineage(), Ok(()));
    for pid in 101..=104 {
        process = cache.fork(key(pid - 1), key(pid), Timestamp(2));
        assert_eq!(process.check_lineage(), Ok(()));
    }
    let below = cache.fork(key(104), key(105), Timestamp(2));
    assert_eq!(cache.check_lineage(&below), Err(BrokenLineage::Incomplete));
    assert_eq!((cache.counters().shortened_lineages, cache.counters().incomplete_lineages), (1, 1));
}
