//! An event's way into an activity tree, and a dump's way into a file.

use std::cell::RefCell;

use divan::Bencher;
use lapwing_common::activity::Mark;
use lapwing_common::picture::{self, Picture};
use lapwing_proto::dumps::{SecDump, to_json};
use prost::Message as _;

use crate::tree::{NODES, grown, opening};

/// A file that is known is opened again: what most events are.
#[divan::bench(sample_count = 500, sample_size = 50)]
fn open_known(bencher: Bencher<'_, '_>) {
    let (tree, events) = grown(usize::MAX, NODES);
    let tree = RefCell::new(tree);
    let mut next = events.iter().cycle();
    bencher
        .with_inputs(|| next.next())
        .bench_local_values(|event| event.and_then(|event| tree.borrow_mut().insert(event, &Mark::default()).ok()));
}

/// A file is opened for the first time.
#[divan::bench(sample_count = 500, sample_size = 10)]
fn open_new(bencher: Bencher<'_, '_>) {
    let (mut tree, events) = grown(usize::MAX, NODES);
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
    let (tree, _) = grown(1750 << 10, usize::MAX);
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
    SecDump { tree: grown(1750 << 10, usize::MAX).0.to_messages(), ..SecDump::default() }
}
