//! Profiles as messages and back.

use lapwing_proto::dumps::{EventTypeState, Metadata, ProfileContext, SecurityProfile};

use super::*;

fn reloaded(message: SecurityProfile, now: u64) -> Profile {
    Profile::from_message(message, settings(), Options::default(), Ktime(now))
}

#[test]
fn a_saved_profile_knows_what_it_knew() {
    let mut scene = Scene::server(settings());
    scene.exec(2, 2, "/usr/sbin/server");
    scene.profile.add_syscalls("1", [41, 3, 3, 0], Ktime(scene.now));
    let metadata = Metadata { name: "x".into(), ..Metadata::default() };
    let message = scene.profile.to_message(metadata);
    let context = &message.profile_contexts["1"];
    assert_eq!(context.syscalls, [0, 3, 41]);
    assert_eq!(context.tags, ["image_name:web", "image_tag:1"]);
    let states: alloc::vec::Vec<_> =
        context.event_type_state.iter().map(|(kind, state)| (*kind, state.event_profile_state)).collect();
    assert_eq!(states, [(1, 4), (16, 3), (41, 4)], "open and bind were not looked at since");
    let mut again = reloaded(message.clone(), scene.now);
    assert_eq!(again.to_message(message.metadata.clone().unwrap()).tree, message.tree);
    assert_eq!(again.selector().to_string(), "web:*");
    let occasion = Occasion { tag: "1", started: Ktime(0), now: Ktime(scene.now) };
    let shell = scene.exec_unseen(2, 3, "/bin/sh");
    assert_eq!(again.observe(&shell, &occasion), Verdict::Anomaly);
    // What was being learned begins its time anew.
    let file = scene.story.opening(2, "/etc/late.conf", 0);
    assert_eq!(again.observe(&file, &occasion), Verdict::Learned);
}

#[test]
fn times_of_another_boot_are_not_ahead_and_keep_their_order() {
    let context = |first_seen, last_seen| ProfileContext { first_seen, last_seen, ..ProfileContext::default() };
    let message = SecurityProfile {
        profile_contexts: [("old".into(), context(100, 600)), ("new".into(), context(500, 900))].into(),
        ..SecurityProfile::default()
    };
    let profile = reloaded(message, 400);
    let times: alloc::vec::Vec<_> =
        profile.versions().map(|(tag, context)| (tag, context.first_seen().0, context.last_seen().0)).collect();
    assert_eq!(times, [("new", 0, 400), ("old", 0, 100)]);
}

#[test]
fn states_of_types_that_are_not_judged_are_kept() {
    let dns = EventTypeState { last_anomaly_nano: 7, event_profile_state: 3 };
    let context = ProfileContext { event_type_state: [(34, dns)].into(), ..ProfileContext::default() };
    let message = SecurityProfile { profile_contexts: [("1".into(), context)].into(), ..SecurityProfile::default() };
    let again = reloaded(message, 0).to_message(Metadata::default());
    assert_eq!(again.profile_contexts["1"].event_type_state.get(&34), Some(&dns));
}

#[test]
fn what_a_profile_says_nothing_of_is_not_judged() {
    let learned = EventTypeState { last_anomaly_nano: 7, event_profile_state: 4 };
    let context = ProfileContext { event_type_state: [(16, learned)].into(), ..ProfileContext::default() };
    let message = SecurityProfile { profile_contexts: [("1".into(), context)].into(), ..SecurityProfile::default() };
    for (message, expected) in [(message, Verdict::NotJudged), (SecurityProfile::default(), Verdict::OfUnknownProgram)]
    {
        let mut scene = Scene::new(settings());
        scene.profile = reloaded(message, 0);
        scene.profile.settle(Ktime(0));
        assert_eq!(scene.exec(2, 2, "/bin/sh"), Verdict::Anomaly);
        assert_eq!(scene.open(2, "/etc/passwd"), expected);
    }
}

#[test]
fn a_disabled_profile_judges_nothing() {
    let message = SecurityProfile { disabled: true, ..SecurityProfile::default() };
    let mut scene = Scene::new(settings());
    scene.profile = reloaded(message, 0);
    scene.profile.settle(Ktime(0));
    assert_eq!(scene.exec(2, 2, "/bin/sh"), Verdict::NotJudged);
}
