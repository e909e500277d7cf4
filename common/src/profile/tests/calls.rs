//! System calls: learned as sets, and judged for the whole workload.

use super::*;
use crate::event::EventType;
use crate::ids::Timestamp;
use crate::profile::verdict::Verdict;
use crate::syscall::{Arch, CallSet};

fn set(calls: &[u32]) -> CallSet {
    let mut set = CallSet::new(Arch::NATIVE);
    calls.iter().for_each(|call| assert!(set.insert(*call)));
    set
}

impl Scene {
    fn calls(&mut self, pid: i32, calls: &[u32]) -> (Verdict, alloc::vec::Vec<u32>) {
        let process = self.story.cache.resolve(crate::activity::tests::key(pid));
        let occasion = Occasion { tag: self.tag, started: self.started, now: Ktime(self.now) };
        let said = self.profile.observe_calls(&process, &set(calls), Timestamp(self.now), &occasion);
        (said.verdict, said.departed)
    }
}

fn judging() -> Settings {
    let usual = settings();
    Settings { types: usual.types.with(EventType::Syscalls), ..usual }
}

/// A server that has just begun.
fn started(settings: Settings) -> Scene {
    let mut scene = Scene::new(settings);
    assert_eq!(scene.exec(2, 2, "/usr/sbin/server"), Verdict::Learned);
    scene
}

#[test]
fn calls_that_no_program_of_the_workload_made_depart_once_a_minute() {
    let mut scene = started(judging());
    assert_eq!(scene.calls(2, &[0, 1, 257]).0, Verdict::Learned);
    scene.wait(100);
    assert_eq!(scene.exec(2, 3, "/usr/bin/helper"), Verdict::Anomaly);
    // All that was learned of one program is normal for another that is known.
    assert_eq!(scene.calls(2, &[1, 257]), (Verdict::Known, [].into()));
    assert_eq!(scene.calls(2, &[0, 101, 321]), (Verdict::Anomaly, [101, 321].into()));
    assert_eq!(scene.calls(2, &[101]), (Verdict::Repeated, [].into()));
    assert_eq!(scene.calls(2, &[101, 310]), (Verdict::Anomaly, [310].into()));
    // An anomaly of its own stands for all that a program does.
    assert_eq!(scene.calls(3, &[101]), (Verdict::OfUnknownProgram, [].into()));
    scene.wait(60);
    assert_eq!(scene.calls(2, &[101]), (Verdict::Anomaly, [101].into()));
}

#[test]
fn something_new_puts_stability_off_and_versions_are_learned_each_for_itself() {
    let mut scene = started(judging());
    assert_eq!(scene.calls(2, &[1]).0, Verdict::Learned);
    scene.wait(99);
    assert_eq!(scene.calls(2, &[1, 2]).0, Verdict::Learned);
    scene.wait(99);
    assert_eq!(scene.calls(2, &[3]).0, Verdict::Learned);
    scene.wait(100);
    assert_eq!(scene.calls(2, &[4]), (Verdict::Anomaly, [4].into()));
    scene.tag = "2";
    assert_eq!(scene.calls(2, &[1]), (Verdict::Anomaly, [1].into()), "the other version is stable");
    assert_eq!(scene.calls(2, &[1]).0, Verdict::Known, "and this one has learned it");
}

#[test]
fn calls_are_judged_only_where_that_is_asked_for_and_known_again_from_files() {
    let mut scene = Scene::server(settings());
    assert_eq!(scene.calls(2, &[1]).0, Verdict::NotJudged);
    let mut scene = started(judging());
    assert_eq!(scene.calls(2, &[1, 2]).0, Verdict::Learned);
    scene.profile.add_syscalls("1", [7], Ktime(scene.now));
    scene.wait(100);
    assert_eq!(scene.calls(2, &[2, 7]).0, Verdict::Known);
    let message = scene.profile.to_message(Default::default());
    assert_eq!(message.profile_contexts["1"].event_type_state[&44].event_profile_state, 3);
    let now = Ktime(scene.now);
    scene.profile = Profile::from_message(message.clone(), judging(), Options::default(), now);
    assert_eq!(scene.calls(2, &[1, 2, 7, 8]), (Verdict::Anomaly, [8].into()));
    // A file that says nothing of calls: they are learned from now on, however old it is.
    let mut older = message;
    older.profile_contexts.get_mut("1").unwrap().event_type_state.remove(&44);
    scene.profile = Profile::from_message(older, judging(), Options::default(), now);
    assert_eq!(scene.calls(2, &[8]).0, Verdict::Learned);
}
