//! Exits that nobody told of.

use alloc::vec::Vec;
use std::collections::HashSet;

use super::{Story, key, within};
use crate::ids::PidNs;
use crate::process::{Mark, Sweep};

/// A round in which those run that `alive` names.
fn round(story: &mut Story, sweep: &mut Sweep, alive: &HashSet<i32>) {
    sweep.begin(&story.cache, PidNs(1));
    while !sweep.is_over() {
        sweep.go_on(&mut story.cache, 2, |key, _| alive.contains(&key.pid.0));
    }
}

fn family() -> (Story, Sweep) {
    let mut story = Story::new();
    for pid in 10..15 {
        story.fork(1, pid);
    }
    (story, Sweep::default())
}

#[test]
fn who_is_gone_twice_is_removed_and_nobody_else() {
    let (mut story, mut sweep) = family();
    let alive = HashSet::from([1, 10, 12, 14]);
    round(&mut story, &mut sweep, &alive);
    assert_eq!((story.cache.len(), story.cache.counters().lost_exits), (6, 0));
    round(&mut story, &mut sweep, &alive);
    let left = [1, 10, 11, 12, 13, 14].into_iter().filter(|pid| story.known(*pid));
    assert!(left.eq([1, 10, 12, 14]));
    assert_eq!(story.cache.counters().lost_exits, 2);
    round(&mut story, &mut sweep, &alive);
    assert_eq!(story.cache.counters().lost_exits, 2);
}

/// The exit was still in a buffer.
#[test]
fn an_exit_between_two_rounds_is_no_lost_one() {
    let (mut story, mut sweep) = family();
    let alive = HashSet::from([1, 10, 11, 12, 13]);
    round(&mut story, &mut sweep, &alive);
    assert!(story.exit(14).is_some());
    round(&mut story, &mut sweep, &alive);
    assert_eq!((story.cache.len(), story.cache.counters().lost_exits), (5, 0));
}

/// Its number is another process's by then, of which an event told.
#[test]
fn a_number_that_came_back_is_looked_at_anew() {
    let (mut story, mut sweep) = family();
    let alive = HashSet::from([1, 10, 11, 12, 13]);
    round(&mut story, &mut sweep, &alive);
    story.fork(1, 14);
    round(&mut story, &mut sweep, &alive);
    assert!(story.known(14));
    round(&mut story, &mut sweep, &alive);
    assert!(!story.known(14));
}

#[test]
fn marks_are_handed_on_and_other_namespaces_let_be() {
    let (mut story, mut sweep) = family();
    let mark = Mark { began: 7, programs: 3 };
    story.cache.get(key(11)).unwrap().runs(Some(mark));
    story.cache.fork(within(2, 1), within(2, 10), crate::ids::Timestamp(1));
    sweep.begin(&story.cache, PidNs(1));
    let mut asked = Vec::new();
    sweep.go_on(&mut story.cache, usize::MAX, |key, mark| {
        asked.push((key, mark));
        true
    });
    asked.sort_by_key(|(key, _)| *key);
    let expected = [1, 10, 11, 12, 13, 14].map(|pid| (key(pid), (pid == 11).then_some(mark)));
    assert_eq!(asked, expected);
}
