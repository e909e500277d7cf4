//! Peers that break the rules: they are told, and nothing else happens.

use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

use lapwing_proto::frame;
use lapwing_proto::parts::{Envelope, Kind as Part};
use lapwing_proto::tracer::v1::{self as proto, RefusalReason, to_agent::Message};
use prost::Message as _;

use super::story::Story;
use super::{Agent, talk, tracer};
use crate::session::{AgentEnd, Heard, OLDEST_PROTOCOL, PROTOCOL, Said, Violation};
use crate::wire::tests::random::Random;

fn framed(message: &impl prost::Message) -> Vec<u8> {
    let mut out = Vec::new();
    frame::encode(message, &mut out).unwrap();
    out
}

fn to_agent(message: Message) -> Vec<u8> {
    framed(&proto::ToAgent { message: Some(message) })
}

fn hello() -> proto::Hello {
    proto::Hello { protocol: PROTOCOL, oldest_protocol: OLDEST_PROTOCOL, session: vec![1; 16], ..Default::default() }
}

fn violation(end: &mut AgentEnd, bytes: &[u8]) -> Violation {
    let mut input = bytes;
    loop {
        match end.receive(&mut input) {
            Ok(None) => panic!("no violation"),
            Ok(Some(_)) => {}
            Err(violation) => return violation,
        }
    }
}

/// An agent's end whose tracer has sent its snapshot.
fn streaming() -> Agent {
    let mut agent = Agent::new();
    agent.hear(&to_agent(Message::Hello(hello())), usize::MAX);
    agent.hear(&to_agent(Message::Snapshot(proto::Snapshot { begin: true, end: true, ..Default::default() })), 9);
    agent
}

#[test]
fn messages_out_of_turn_end_the_session() {
    let report = to_agent(Message::Report(proto::Report::default()));
    assert!(matches!(violation(&mut AgentEnd::new(), &report), Violation::OutOfTurn(_)));
    let twice = [to_agent(Message::Hello(hello())), to_agent(Message::Hello(hello()))].concat();
    assert!(matches!(violation(&mut AgentEnd::new(), &twice), Violation::OutOfTurn(_)));
    let early = [to_agent(Message::Hello(hello())), report].concat();
    assert!(matches!(violation(&mut AgentEnd::new(), &early), Violation::OutOfTurn(_)));
    let batch = to_agent(Message::Batch(proto::Batch { first: 1, observations: vec![] }));
    let mut agent = Agent::new();
    agent.hear(&to_agent(Message::Hello(hello())), usize::MAX);
    assert!(matches!(violation(&mut agent.end, &batch), Violation::OutOfTurn(_)));
    let part = to_agent(Message::Snapshot(proto::Snapshot { end: true, ..Default::default() }));
    assert!(matches!(violation(&mut streaming().end, &part), Violation::OutOfTurn(_)));
}

#[test]
fn numbers_only_rise() {
    let exit = proto::observation::What::Exit(proto::Exit { cause: 1, code: 0 });
    let exit = proto::Observation { what: Some(exit), ..Default::default() };
    let batch = |first| to_agent(Message::Batch(proto::Batch { first, observations: vec![exit.clone(); 3] }));
    let mut agent = streaming();
    agent.hear(&batch(5), usize::MAX);
    assert_eq!((agent.end.observations(), agent.end.missing()), (3, 4));
    for first in [0, 5, 7, u64::MAX] {
        assert!(matches!(violation(&mut agent.end, &batch(first)), Violation::Field(_)), "{first}");
    }
}

#[test]
fn a_version_without_a_common_one_is_refused_as_such() {
    for (oldest, newest) in [(PROTOCOL + 1, PROTOCOL + 3), (0, 0)] {
        let hello = proto::Hello { protocol: newest, oldest_protocol: oldest, ..hello() };
        let found = violation(&mut AgentEnd::new(), &to_agent(Message::Hello(hello)));
        assert_eq!(found, Violation::Version { oldest, newest });
        assert_eq!(found.reason(), RefusalReason::Version);
    }
}

#[test]
fn a_refusal_is_heard_and_what_comes_after_it_is_not() {
    let (mut tracer, mut agent) = (tracer(1 << 20), AgentEnd::new());
    tracer.connected();
    let out = tracer.outgoing(Duration::ZERO).to_vec();
    assert!(matches!(agent.receive(&mut out.as_slice()), Ok(Some(Said::Hello(_)))));
    agent.refuse(RefusalReason::Namespace, "not yours");
    let told = agent.outgoing().to_vec();
    let expected = Heard::Refused { reason: RefusalReason::Namespace, text: "not yours".into() };
    assert_eq!(tracer.receive(&told).unwrap(), [expected]);
    assert!(agent.is_over() && !agent.is_welcome() && !tracer.is_welcome());
    let mut garbage = [0xff_u8; 100].as_slice();
    assert_eq!(agent.receive(&mut garbage), Ok(None));
    assert!(garbage.is_empty());
}

#[test]
fn one_frame_of_many_small_things_takes_little_memory_at_a_time() {
    // Half a million observations of nothing: two bytes each in the frame.
    let empty = [2 << 3 | 2, 0].repeat(500_000);
    let message = framed(&Envelope { message: Some(Part::Third([vec![1 << 3, 1], empty].concat())) });
    let mut agent = streaming();
    let mut input = message.as_slice();
    assert_eq!(agent.end.receive(&mut input), Ok(None));
    assert_eq!(agent.end.unintelligible(), 500_000);
    // A report is no place for a megabyte.
    let losses = [4 << 3 | 2, 0].repeat(500_000);
    let message = framed(&Envelope { message: Some(Part::Fourth(losses)) });
    assert!(matches!(violation(&mut streaming().end, &message), Violation::TooLong(_)));
}

#[test]
fn messages_of_newer_releases_are_passed_over() {
    let mut agent = streaming();
    // Field 15 of the envelope.
    let newer = [3, 0, 0, 0, 15 << 3 | 2, 1, 7];
    let exit = proto::observation::What::Exit(proto::Exit { cause: 1, code: 0 });
    let known = proto::Observation { what: Some(exit), ..Default::default() };
    let unknown = proto::Observation::default();
    let batch = proto::Batch { first: 1, observations: vec![unknown, known] };
    agent.hear(&newer, usize::MAX);
    agent.hear(&to_agent(Message::Batch(batch)), usize::MAX);
    assert_eq!((agent.end.observations(), agent.end.unintelligible()), (1, 1));
    assert_eq!(agent.end.progress(), Some(([1; 16], 2)));
}

#[test]
fn mutated_streams_are_understood_or_refused() {
    let mut random = Random(41);
    let mut tracer = tracer(1 << 20);
    Story::new(41).take(200).iter().for_each(|observation| tracer.observe(observation));
    tracer.connected();
    let hello = tracer.outgoing(Duration::ZERO).to_vec();
    tracer.sent(hello.len());
    let mut model = Agent::new();
    model.hear(&hello, usize::MAX);
    let welcome = model.end.outgoing().to_vec();
    tracer.receive(&welcome).unwrap();
    let stream = tracer.outgoing(Duration::ZERO).to_vec();
    let (mut refused, mut heard) = (0, 0);
    for _ in 0..2000 {
        let mut bytes = stream.clone();
        for _ in 0..=random.below(3) {
            let at = random.below(bytes.len());
            bytes[at] ^= 1 << random.below(8);
        }
        let mut agent = Agent::new();
        agent.hear(&hello, usize::MAX);
        let mut input = bytes.as_slice();
        loop {
            match agent.end.receive(&mut input) {
                Ok(None) => break,
                Ok(Some(Said::Observation(observation))) => {
                    heard += 1;
                    agent.engine.observe(observation, |_| {});
                }
                Ok(Some(_)) => {}
                Err(_) => {
                    refused += 1;
                    break;
                }
            }
        }
    }
    assert!(refused > 100 && heard > 1000, "{refused} {heard}");
}

#[test]
fn a_tracer_bears_with_what_an_agent_says() {
    let mut random = Random(42);
    let ack = |number| {
        framed(&proto::ToTracer { message: Some(proto::to_tracer::Message::Ack(proto::Ack { acknowledged: number })) })
    };
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    tracer.connected();
    assert!(matches!(tracer.receive(&ack(1)), Err(Violation::OutOfTurn(_))));
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert!(matches!(tracer.receive(&ack(1)), Err(Violation::Field(_))), "it has sent nothing yet");
    for _ in 0..2000 {
        tracer.connected();
        let welcome = proto::Welcome { protocol: 1, window: random.next(), ..Default::default() };
        let message = proto::ToTracer { message: Some(proto::to_tracer::Message::Welcome(welcome)) };
        let mut bytes = [message.encode_to_vec(), random.bytes(30)].concat();
        let at = random.below(bytes.len());
        bytes[at] ^= 1 << random.below(8);
        let mut framed = u32::try_from(bytes.len()).unwrap().to_le_bytes().to_vec();
        framed.extend(bytes);
        drop(tracer.receive(&framed));
        tracer.outgoing(Duration::ZERO);
    }
}
