//! What is given up when there is no room, and that every one of it is counted.

use alloc::collections::BTreeMap;
use alloc::string::String;
use core::time::Duration;

use super::story::Story;
use super::{Agent, assert_balanced, engine, known, talk, tracer};
use crate::event::EventType;
use crate::record::Sighting;

/// Room for some hundred observations of a story.
const SMALL: usize = 20_000;

fn lost(account: &crate::session::Account) -> BTreeMap<String, u64> {
    let mut lost = BTreeMap::new();
    account.losses.iter().for_each(|loss| *lost.entry(loss.event.clone()).or_default() += loss.count);
    lost
}

#[test]
fn without_an_agent_files_are_given_up_before_processes() {
    let (mut tracer, mut reference) = (tracer(SMALL), engine());
    for observation in Story::new(21).take(400) {
        reference.observe(observation.clone(), |_| {});
        tracer.observe(&observation);
        assert_balanced(&tracer.account());
    }
    let account = tracer.account();
    assert_eq!(lost(&account).keys().collect::<alloc::vec::Vec<_>>(), ["open"]);
    let mut agent = Agent::new();
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert_eq!(known(&agent.engine), known(&reference));
    assert_eq!(agent.end.missing(), account.lost(), "numbers that did not come are what was lost");
    assert_eq!(agent.account.lost(), account.lost());
    assert_eq!(agent.end.observations() + account.lost(), account.generated);
}

#[test]
fn processes_are_complete_even_when_all_that_told_of_them_is_lost() {
    let (mut tracer, mut reference) = (tracer(SMALL), engine());
    for observation in Story::new(22).take(20_000) {
        reference.observe(observation.clone(), |_| {});
        tracer.observe(&observation);
    }
    let account = tracer.account();
    assert!(lost(&account)["fork"] > 1000 && lost(&account)["exit"] > 1000);
    assert_balanced(&account);
    let mut agent = Agent::new();
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert_eq!(known(&agent.engine), known(&reference));
    assert_eq!(agent.end.observations() + account.lost(), account.generated);
}

/// The agent is there, but takes nothing for a while: what it missed of processes comes as a snapshot.
#[test]
fn an_agent_that_was_too_slow_gets_another_snapshot() {
    let (mut tracer, mut agent, mut reference) = (tracer(SMALL), Agent::new(), engine());
    let mut story = Story::new(23);
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert_eq!(agent.snapshots, 1);
    for _ in 0..5 {
        for observation in story.take(5000) {
            reference.observe(observation.clone(), |_| {});
            tracer.observe(&observation);
            assert_balanced(&tracer.account());
        }
        talk(&mut tracer, &mut agent, Duration::from_secs(100));
        assert_eq!(known(&agent.engine), known(&reference));
    }
    assert_eq!(agent.snapshots, 6);
    assert_eq!(agent.end.observations() + tracer.account().lost(), tracer.account().generated);
}

/// What was sent and had to make room before it was acknowledged is lost only if it never is acknowledged.
#[test]
fn what_was_sent_is_lost_only_if_nobody_acknowledges_it() {
    for dies in [false, true] {
        let (mut tracer, mut agent) = (tracer(SMALL), Agent::new());
        let mut story = Story::new(24);
        tracer.connected();
        talk(&mut tracer, &mut agent, Duration::ZERO);
        story.take(100).iter().for_each(|observation| tracer.observe(observation));
        let first = tracer.outgoing(Duration::ZERO).to_vec();
        tracer.sent(first.len());
        // Pushes out what is under way.
        story.take(5000).iter().for_each(|observation| tracer.observe(observation));
        let mut next = Agent::new();
        let processed = if dies {
            tracer.disconnected();
            tracer.connected();
            talk(&mut tracer, &mut next, Duration::ZERO);
            next.end.observations()
        } else {
            agent.hear(&first, usize::MAX);
            tracer.receive(agent.end.outgoing()).unwrap();
            let told = agent.end.outgoing().len();
            agent.end.sent(told);
            talk(&mut tracer, &mut agent, Duration::ZERO);
            agent.end.observations()
        };
        let account = tracer.account();
        assert_balanced(&account);
        assert_eq!(processed + account.lost(), account.generated, "dies: {dies}");
        let unconfirmed: u64 = account
            .losses
            .iter()
            .filter(|loss| loss.place == Some(crate::session::Place::Unconfirmed))
            .map(|loss| loss.count)
            .sum();
        assert_eq!(unconfirmed > 0, dies);
    }
}

#[test]
fn what_nobody_wants_is_no_loss() {
    let (mut tracer, mut agent, mut reference) = (tracer(1 << 20), Agent::new(), engine());
    tracer.want(crate::engine::EventSet::NONE.with(EventType::Exec));
    for observation in Story::new(25).take(1000) {
        reference.observe(observation.clone(), |_| {});
        tracer.observe(&observation);
    }
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert!(agent.seen.iter().all(|seen| match &seen.what {
        Sighting::Call(record) => record.credentials.is_some(),
        _ => true,
    }));
    assert_eq!(known(&agent.engine), known(&reference));
    assert_eq!(tracer.account().lost(), 0);
}

#[test]
fn no_more_is_under_way_than_the_agent_allows() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    agent.window = 4096;
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    Story::new(26).take(3000).iter().for_each(|observation| tracer.observe(observation));
    let out = tracer.outgoing(Duration::ZERO).len();
    assert!(out < 2 * 64 * 1024, "{out} bytes: one batch and what goes with it");
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert_eq!(agent.end.observations(), 3000);
}
