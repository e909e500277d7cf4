//! An event's way into an activity tree, and a dump's way into a file.

use std::cell::RefCell;
use std::sync::Arc;

use divan::Bencher;
use lapwing_common::activity::{ActivityTree, Mark, Options};
use lapwing_common::event::{Event, Payload};
use lapwing_common::ids::Pid;
use lapwing_common::picture::{self, Picture};
use lapwing_common::record::Sighting;
use lapwing_proto::dumps::{SecDump, to_json};
use prost::Message as _;

use crate::sample;

/// Nodes of the tree that events are put into.
const NODES: usize = 10_000;

/// A file that is known is opened again: what most events are.
#[divan::bench(sample_count = 500, sample_size = 50)]
fn open_known(bencher: Bencher<'_, '_>) {
    let (tree, events) = grown(usize::MAX);
    let tree = RefCell::new(tree);
    let mut next = events.iter().cycle();
    bencher
        .with_inputs(|| next.next())
        .bench_local_values(|event| event.and_then(|event| tree.borrow_mut().insert(event, &Mark::default()).ok()));
}

/// A file is opened for the first time.
#[divan::bench(sample_count = 500, sample_size = 10)]
fn open_new(bencher: Bencher<'_, '_>) {
    let (mut tree, events) = grown(usize::MAX);
    let mut number = 0;
    let fresh = || {
        number += 1;
        opening(&events[0], &format!("/srv/d{}/new-{number}", number % 50))
    };
    bencher.with_inputs(fresh).bench_local_values(|event| tree.insert(&event, &Mark::default()).ok());
}

/// From a tree of the usual greatest size to messages: what the engine waits for, before a worker encodes them.
#[divan::bench(sample_count = 20)]
fn to_messages(bencher: Bencher<'_, '_>) {
    let (tree, _) = grown(1750 << 10);
    bencher.bench_local(|| tree.to_messages());
}

/// Such a dump as protobuf.
#[divan::bench(sample_count = 20)]
fn protobuf(bencher: Bencher<'_, '_>) {
    let dump = largest();
    bencher.bench_local(|| dump.encode_to_vec().len());
}

/// Such a dump as JSON.
#[divan::bench(sample_count = 20)]
fn json(bencher: Bencher<'_, '_>) {
    let dump = largest();
    bencher.bench_local(|| to_json(&dump).len());
}

/// Such a dump for Graphviz.
#[divan::bench(sample_count = 20)]
fn dot(bencher: Bencher<'_, '_>) {
    let dump = largest();
    bencher.bench_local(|| picture::dot(&Picture::from(&dump)).len());
}

fn largest() -> SecDump {
    SecDump { tree: grown(1750 << 10).0.to_messages(), ..SecDump::default() }
}

/// A tree of some build: a few programs, many files, and the events that made it.
fn grown(limit: usize) -> (ActivityTree, Vec<Event>) {
    let nodes = if limit == usize::MAX { NODES } else { usize::MAX };
    let mut tree = ActivityTree::new(Options { limit, ..Options::default() });
    let mut engine = sample::engine();
    let mut events = Vec::new();
    for child in 4.. {
        let mut program = None;
        engine.observe(sample::observation(3, Sighting::Fork { child: Pid(child) }), |_| {});
        let exec = sample::exec(&format!("/usr/bin/cc{child}"));
        engine.observe(sample::observation(child, Sighting::Exec(Box::new(exec))), |event| {
            program = Some(event.clone());
        });
        let Some(program) = program else { continue };
        let mut is_full = tree.insert(&program, &Mark::default()).is_err();
        for number in 0..100 {
            let event = opening(&program, &format!("/usr/include/x86_64-linux-gnu/d{}/types-{number}.h", number % 7));
            is_full |= tree.insert(&event, &Mark::default()).is_err();
            events.push(event);
        }
        let counts = tree.counts();
        if is_full || counts.processes + counts.files + counts.syscalls >= nodes {
            break;
        }
    }
    (tree, events)
}

/// The same process opens a file.
fn opening(event: &Event, path: &str) -> Event {
    let mut found = None;
    let mut record = sample::open();
    record.set_file(lapwing_common::syscall::Slot::File, sample::file(path));
    sample::engine().observe(sample::observation(3, Sighting::Call(Box::new(record))), |open| {
        if let Payload::Open(_) = &open.payload {
            found = Some(Event { process: Arc::clone(&event.process), ..open.clone() });
        }
    });
    found.unwrap_or_else(|| event.clone())
}
