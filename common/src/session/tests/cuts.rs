//! Every way in which the stream can be cut into pieces, and every place at which it can end.

use alloc::vec::Vec;
use core::time::Duration;

use super::story::Story;
use super::{Agent, assert_balanced, engine, known, talk, tracer};
use crate::engine::Engine;
use crate::record::Observation;
use crate::session::TracerEnd;

/// Enough for every kind of message.
const STORY: usize = 25;

fn prepared(seed: u64) -> (TracerEnd, Vec<Observation>, Engine) {
    let (mut tracer, mut reference) = (tracer(1 << 20), engine());
    let story = Story::new(seed).take(STORY);
    for observation in &story {
        tracer.observe(observation);
        reference.observe(observation.clone(), |_| {});
    }
    tracer.connected();
    (tracer, story, reference)
}

/// All that the tracer says to an agent that takes everything at once, with its Hello apart.
fn stream(tracer: &mut TracerEnd) -> (Vec<u8>, Vec<u8>) {
    let hello = tracer.outgoing(Duration::ZERO).to_vec();
    tracer.sent(hello.len());
    let mut agent = Agent::new();
    agent.hear(&hello, usize::MAX);
    let welcome = agent.end.outgoing().to_vec();
    // The agent speaks byte by byte.
    welcome.iter().for_each(|byte| drop(tracer.receive(&[*byte]).unwrap()));
    (hello, tracer.outgoing(Duration::ZERO).to_vec())
}

#[test]
fn pieces_of_every_size_mean_the_same() {
    let (mut tracer, story, _) = prepared(11);
    let (hello, rest) = stream(&mut tracer);
    for size in 1..300 {
        let mut agent = Agent::new();
        for piece in hello.chunks(size).chain(rest.chunks(size)) {
            agent.hear(piece, usize::MAX);
        }
        assert_eq!(agent.seen, story, "pieces of {size}");
    }
}

#[test]
fn an_agent_that_takes_one_thing_at_a_time_gets_all() {
    let (mut tracer, story, _) = prepared(12);
    let (hello, rest) = stream(&mut tracer);
    let mut agent = Agent::new();
    agent.hear(&hello, usize::MAX);
    let mut taken = 0;
    while taken < rest.len() || agent.end.has_more() {
        taken += agent.hear(&rest[taken..], 1);
    }
    assert_eq!(agent.seen, story);
}

/// The agent dies after any byte, with or without its acknowledgement under way: the next one knows every process,
/// and sees everything that the first did not acknowledge.
#[test]
fn a_stream_that_ends_anywhere_is_taken_up_by_the_next_agent() {
    let (mut model, ..) = prepared(13);
    let (_, whole) = stream(&mut model);
    for end in 0..=whole.len() {
        for acknowledges in [false, true] {
            let (mut tracer, story, reference) = prepared(13);
            let (hello, rest) = stream(&mut tracer);
            tracer.sent(rest.len());
            let mut first = Agent::new();
            first.hear(&hello, usize::MAX);
            let welcome = first.end.outgoing().len();
            first.end.sent(welcome);
            first.hear(&rest[..end], usize::MAX);
            let mut acknowledged = 0;
            if acknowledges {
                tracer.receive(first.end.outgoing()).unwrap();
                acknowledged = first.seen.len();
            }
            tracer.disconnected();
            tracer.connected();
            let mut second = Agent::new();
            talk(&mut tracer, &mut second, Duration::ZERO);
            let replayed = second.seen.len() - (story.len() - acknowledged);
            assert_eq!(second.seen[replayed..], story[acknowledged..], "cut at {end}");
            assert_eq!(known(&second.engine), known(&reference), "cut at {end}");
            let account = tracer.account();
            assert_balanced(&account);
            assert_eq!((account.confirmed, account.lost()), (STORY as u64, 0));
        }
    }
}
