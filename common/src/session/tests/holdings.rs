//! What processes hold, asked and told.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use super::story::Story;
use super::{Agent, talk, tracer};
use crate::event::{Address, File};
use crate::holdings::Held;
use crate::ids::Pid;
use crate::record::SocketKind;
use crate::session::{Heard, Said, Violation};
use crate::wire::holdings_parts;
use crate::wire::tests::random::Random;
use lapwing_proto::frame;
use lapwing_proto::tracer::v1::{self as proto, to_agent::Message};

fn port(ip: IpAddr, port: u16) -> (Address, SocketKind) {
    let family = if ip.is_ipv4() { 2 } else { 10 };
    let socket = SocketKind { family, kind: 1, protocol: 6 };
    (Address { family, ip: Some(ip), port, path: Box::default() }, socket)
}

/// Much more than a message takes.
fn much() -> Held {
    let mut random = Random(7);
    let file = |number: usize| {
        let path = alloc::format!("/{number:0>400}").into_bytes().into();
        (File { path, ..random.file() }, 0o2001)
    };
    let ports = vec![port(IpAddr::V4(Ipv4Addr::LOCALHOST), 80), port(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 443)];
    Held { files: (0..500).map(file).collect(), ports, left_out: 12 }
}

/// What the agent hears of a request, put together by process, and whether it has heard the end.
fn hear(agent: &mut Agent, input: &[u8], told: &mut Vec<(Pid, Held)>) -> bool {
    let (mut input, mut ended) = (input, false);
    while let Some(said) = agent.end.receive(&mut input).unwrap() {
        let Said::Held { id, pid, held, end } = said else {
            assert!(matches!(said, Said::Observation(_) | Said::Report(_)), "{said:?}");
            continue;
        };
        assert_eq!(id, 5);
        ended |= end;
        match told.last_mut() {
            _ if end => assert_eq!(held, Held::default()),
            Some((last, known)) if *last == pid => {
                known.files.extend(held.files);
                known.ports.extend(held.ports);
                known.left_out += held.left_out;
            }
            _ => told.push((pid, held)),
        }
    }
    ended
}

#[test]
fn what_processes_hold_reaches_the_agent_in_parts() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert!(agent.end.ask_what_is_held(5, &[Pid(7), Pid(8), Pid(9)]));
    let wanted = Heard::HoldingsWanted { id: 5, pids: vec![Pid(7), Pid(8), Pid(9)] };
    assert_eq!(talk(&mut tracer, &mut agent, Duration::ZERO), [wanted]);
    let little = Held { files: vec![(File { path: (*b"/x").into(), ..File::default() }, 0)], ..Held::default() };
    tracer.tell_held(5, Pid(7), &little);
    assert!(tracer.has_room());
    tracer.tell_held(5, Pid(8), &Held::default());
    tracer.tell_held(5, Pid(9), &much());
    tracer.told_held(5);
    let (mut told, mut parts) = (Vec::new(), 0);
    loop {
        let out = tracer.outgoing(Duration::ZERO).to_vec();
        assert!((1..256 * 1024).contains(&out.len()), "not all at once");
        tracer.sent(out.len());
        parts += 1;
        if hear(&mut agent, &out, &mut told) {
            break;
        }
    }
    assert!(parts > 2);
    assert_eq!(told, [(Pid(7), little), (Pid(9), much())]);
}

#[test]
fn it_is_told_after_what_was_observed_before_and_forgotten_with_the_connection() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    Story::new(4).take(2000).iter().for_each(|observation| tracer.observe(observation));
    tracer.tell_held(5, Pid(7), &much());
    let mut told = Vec::new();
    while told.is_empty() {
        let out = tracer.outgoing(Duration::ZERO).to_vec();
        tracer.sent(out.len());
        let before = agent.end.observations();
        hear(&mut agent, &out, &mut told);
        assert!(agent.end.observations() > before || !told.is_empty());
        let back = agent.end.outgoing().to_vec();
        agent.end.sent(back.len());
        tracer.receive(&back).unwrap();
    }
    assert_eq!(agent.end.observations(), 2000);
    // Another agent has not asked anything.
    tracer.tell_held(5, Pid(8), &much());
    tracer.connected();
    let mut other = Agent::new();
    talk(&mut tracer, &mut other, Duration::ZERO);
    assert!(tracer.is_settled() && tracer.has_room());
}

#[test]
fn only_who_understands_is_asked() {
    for (protocol, answers) in [(1, false), (2, true), (3, true)] {
        let mut agent = Agent::new();
        let hello = proto::Hello { protocol, oldest_protocol: 1, session: vec![1; 16], ..Default::default() };
        let mut bytes = Vec::new();
        frame::encode(&proto::ToAgent { message: Some(Message::Hello(hello)) }, &mut bytes).unwrap();
        agent.hear(&bytes, usize::MAX);
        let mut decoder = frame::Decoder::new();
        let welcome: proto::ToTracer = decoder.next(&mut agent.end.outgoing()).unwrap().unwrap();
        let Some(proto::to_tracer::Message::Welcome(welcome)) = welcome.message else { panic!("{welcome:?}") };
        assert_eq!(welcome.protocol, protocol.min(2));
        assert_eq!(agent.end.ask_what_is_held(1, &[Pid(1)]), answers, "{protocol}");
    }
}

#[test]
fn what_cannot_be_ends_the_session() {
    let socket = proto::Socket { family: 2, kind: 1, protocol: 6 };
    let port = |ip: &[u8], port, socket| proto::HeldPort { ip: ip.to_vec(), port, socket };
    let of_port = |port| proto::Holdings { ports: vec![port], ..proto::Holdings::default() };
    let of_file = |file| proto::Holdings { files: vec![file], ..proto::Holdings::default() };
    let impossible = [
        of_port(port(&[1, 2, 3], 80, Some(socket))),
        of_port(port(&[1, 2, 3, 4], 1 << 16, Some(socket))),
        of_port(port(&[1, 2, 3, 4], 80, None)),
        of_file(proto::HeldFile::default()),
        of_file(proto::HeldFile {
            file: Some(proto::File {
                inode: Some(proto::Inode { mode: 1 << 16, ..proto::Inode::default() }),
                ..proto::File::default()
            }),
            flags: 0,
        }),
    ];
    for message in impossible {
        let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
        tracer.connected();
        talk(&mut tracer, &mut agent, Duration::ZERO);
        let mut bytes = Vec::new();
        frame::encode(&proto::ToAgent { message: Some(Message::Holdings(message.clone())) }, &mut bytes).unwrap();
        let heard = agent.end.receive(&mut bytes.as_slice());
        assert!(matches!(heard, Err(Violation::Observation(_))), "{message:?}: {heard:?}");
    }
    // A path as long as there can be is no reason to be cut.
    let long =
        Held { files: vec![(File { path: vec![b'/'; 40_000].into(), ..File::default() }, 0)], ..Held::default() };
    let lengths = holdings_parts(1, Pid(1), &long).into_iter().map(|part| prost::Message::encoded_len(&part));
    assert!(lengths.max().unwrap() < 64 * 1024);
}
