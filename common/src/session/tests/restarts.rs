//! Agents that die, come back, are slow or forget, in every order: what was seen and what was lost is always all.

use alloc::collections::BTreeSet;
use core::num::NonZeroUsize;
use core::time::Duration;

use super::story::Story;
use super::{Agent, assert_balanced, engine, known, talk, tracer};
use crate::session::{Heard, Resumable};
use crate::wire::tests::random::Random;

#[test]
fn the_same_agent_goes_on_where_it_was() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    let mut story = Story::new(31);
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    story.take(50).iter().for_each(|observation| tracer.observe(observation));
    // It processes everything, and its acknowledgement is lost with the connection.
    let out = tracer.outgoing(Duration::ZERO).to_vec();
    agent.hear(&out, usize::MAX);
    let mut sessions = Resumable::new(NonZeroUsize::MIN);
    sessions.remember(&agent.end);
    let mut again = Agent::new();
    again.acknowledged = sessions.recall(&[5; 16]);
    assert_eq!(again.acknowledged, Some(50));
    tracer.connected();
    let heard = talk(&mut tracer, &mut again, Duration::ZERO);
    assert_eq!(heard, [Heard::Welcome { plan: None, resumed: true }]);
    assert_eq!(again.end.observations(), 0, "nothing is told twice");
    assert_eq!(known(&again.engine), known(&agent.engine));
    assert_eq!(tracer.account().confirmed, 50);
}

/// A random life: whatever happens, what agents processed and what is reported lost is everything.
#[test]
fn nothing_is_lost_without_being_counted() {
    for seed in 1..40 {
        let mut random = Random(seed * 7919);
        let mut story = Story::new(seed);
        let mut tracer = tracer([15_000, 60_000, 1 << 20][random.below(3)]);
        let mut agent: Option<Agent> = None;
        let mut reference = engine();
        let mut now = Duration::ZERO;
        // Timestamps are unique in a story.
        let mut seen = BTreeSet::new();
        for _ in 0..200 {
            now += Duration::from_millis(100);
            match random.below(6) {
                0..3 => {
                    for observation in story.take(random.below(200)) {
                        reference.observe(observation.clone(), |_| {});
                        tracer.observe(&observation);
                    }
                }
                3 => match &mut agent {
                    None => {
                        tracer.connected();
                        let mut fresh = Agent::new();
                        fresh.window = 1 << (12 + random.below(8));
                        agent = Some(fresh);
                    }
                    Some(_) if random.below(3) == 0 => {
                        tracer.disconnected();
                        agent = None;
                    }
                    Some(_) => {}
                },
                _ => {
                    // A few bytes each way.
                    let Some(agent) = &mut agent else { continue };
                    let out = tracer.outgoing(now).to_vec();
                    let passed = random.below(out.len() + 1);
                    let mut taken = 0;
                    while taken < passed || agent.end.has_more() {
                        taken += agent.hear(&out[taken..passed], usize::MAX);
                    }
                    tracer.sent(passed);
                    let back = agent.end.outgoing().to_vec();
                    let passed = random.below(back.len() + 1);
                    agent.end.sent(passed);
                    tracer.receive(&back[..passed]).unwrap();
                    seen.extend(agent.seen.drain(..).map(|observation| observation.timestamp));
                }
            }
            assert_balanced(&tracer.account());
        }
        let mut last = Agent::new();
        tracer.disconnected();
        tracer.connected();
        talk(&mut tracer, &mut last, now + Duration::from_secs(10));
        tracer.part();
        talk(&mut tracer, &mut last, now);
        let account = &last.account;
        assert_eq!((account.waiting, tracer.is_settled()), (0, true), "seed {seed}");
        assert_balanced(account);
        assert_eq!(known(&last.engine), known(&reference), "seed {seed}");
        let before = account.generated - last.end.observations() - account.lost();
        assert!(seen.len() as u64 >= before, "seed {seed}: what the last agent did not see, others acknowledged");
    }
}

#[test]
fn what_is_kept_stays_within_the_limit() {
    let mut tracer = tracer(50_000);
    for observation in Story::new(33).take(3000) {
        tracer.observe(&observation);
        assert!(tracer.kept_bytes() <= 50_000);
    }
}
