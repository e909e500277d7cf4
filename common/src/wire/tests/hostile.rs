//! What a peer may send that no tracer would: read or refused, never a panic, and never an event that breaks the engine.

use alloc::vec;
use alloc::vec::Vec;

use prost::Message as _;

use super::random::{NAMESPACE, Random};
use crate::engine::{Engine, EventSet};
use crate::json;
use crate::process::Limits;
use crate::wire::proto::{self, observation::What};
use crate::wire::{LONGEST, Malformed, Reader, encode};

/// Reads bytes, and if they are an observation makes an event of it, and JSON of that.
fn swallow(reader: &mut Reader, engine: &mut Engine, bytes: &[u8]) -> bool {
    let Ok(observation) = reader.read(bytes) else { return false };
    let mut out = Vec::new();
    engine.observe(observation, |event| json::write_line(event, &mut out));
    true
}

fn engine() -> Engine {
    Engine::new(Limits { processes: 100, ..Limits::default() }, EventSet::ALL)
}

#[test]
fn whatever_is_read_can_be_made_an_event() {
    let (mut random, mut reader, mut engine) = (Random(3), Reader::new(NAMESPACE, None), engine());
    for _ in 0..3000 {
        assert!(swallow(&mut reader, &mut engine, &encode(&random.observation())));
    }
}

#[test]
fn mutated_messages_are_read_or_refused() {
    let (mut random, mut reader, mut engine) = (Random(4), Reader::new(NAMESPACE, None), engine());
    let mut read = 0;
    for _ in 0..4000 {
        let mut bytes = encode(&random.observation());
        for _ in 0..=random.below(4) {
            let at = random.below(bytes.len());
            match random.below(4) {
                0 => bytes[at] ^= 1 << random.below(8),
                1 => bytes[at] = random.next().to_le_bytes()[0],
                2 => bytes.truncate(at.max(1)),
                _ => bytes.insert(at, random.next().to_le_bytes()[0]),
            }
        }
        read += u32::from(swallow(&mut reader, &mut engine, &bytes));
    }
    // Else the mutations would only test prost.
    assert!(read > 500, "{read}");
}

#[test]
fn garbage_is_refused() {
    let (mut random, mut reader, mut engine) = (Random(5), Reader::new(NAMESPACE, None), engine());
    for _ in 0..5000 {
        let bytes = random.bytes(80);
        swallow(&mut reader, &mut engine, &bytes);
    }
}

#[test]
fn what_is_too_long_is_not_even_looked_at() {
    let bytes = vec![0; LONGEST + 1];
    assert_eq!(Reader::new(NAMESPACE, None).read(&bytes), Err(Malformed::TooLong(LONGEST + 1)));
}

#[test]
fn a_call_of_a_newer_catalogue_is_unknown() {
    let record = proto::Record { interface: 1, number: 9999, ..Default::default() };
    let message = proto::Observation { what: Some(What::Call(record)), ..Default::default() };
    let read = Reader::new(NAMESPACE, None).read(&message.encode_to_vec());
    assert_eq!(read, Err(Malformed::UnknownCall { interface: 1, number: 9999 }));
}

#[test]
fn values_that_cannot_be_are_refused_by_name() {
    // 257 is openat on amd64, 59 is execve.
    let openat = || proto::Record { interface: 1, number: 257, ..Default::default() };
    let program = || proto::Program {
        file: Some(proto::File::default()),
        credentials: Some(proto::Credentials::default()),
        ..Default::default()
    };
    let exec = |program| What::Exec(proto::Record { number: 59, program: Some(program), ..openat() });
    let text = |argument| proto::Text { argument, ..Default::default() };
    let cases: Vec<(What, Malformed)> = vec![
        (What::Call(proto::Record { interface: 9, ..openat() }), Malformed::Absent("interface")),
        (What::Call(proto::Record { arguments: vec![1; 7], ..openat() }), Malformed::Impossible("number of arguments")),
        (What::Call(proto::Record { texts: vec![text(6)], ..openat() }), Malformed::Impossible("argument")),
        (
            What::Call(proto::Record { texts: vec![text(0); 7], ..openat() }),
            Malformed::Impossible("number of captures"),
        ),
        (What::Call(proto::Record { unreadable: 256, ..openat() }), Malformed::Impossible("unreadable")),
        (What::Call(proto::Record { number: 59, ..openat() }), Malformed::Impossible("call")),
        (What::Exec(openat()), Malformed::Impossible("exec")),
        (exec(proto::Program { file: None, ..program() }), Malformed::Absent("file")),
        (exec(proto::Program { comm: vec![b'x'; 17], ..program() }), Malformed::Impossible("comm")),
        (exec(proto::Program { tty: vec![0], ..program() }), Malformed::Impossible("terminal")),
        (exec(proto::Program { arguments: vec![vec![]; 5000], ..program() }), Malformed::Impossible("arguments")),
        (exec(proto::Program { variables: vec![vec![]; 5000], ..program() }), Malformed::Impossible("environment")),
        (What::Exit(proto::Exit { cause: 77, code: 0 }), Malformed::Absent("cause")),
        (What::Running(proto::Running::default()), Malformed::Absent("program")),
        (What::Calls(proto::Calls::default()), Malformed::Absent("interface")),
        (What::Calls(proto::Calls { interface: 1, numbers: vec![1024] }), Malformed::Impossible("number of a call")),
    ];
    for (what, expected) in cases {
        let message = proto::Observation { what: Some(what), ..Default::default() };
        assert_eq!(Reader::new(NAMESPACE, None).read(&message.encode_to_vec()), Err(expected));
    }
    assert_eq!(Reader::new(NAMESPACE, None).read(&[]), Err(Malformed::Absent("anything that is known")));
}
