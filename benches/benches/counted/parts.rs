//! The parts: each does its work so often, on inputs that are made before it.

use std::hint::black_box;

use lapwing_common::activity::{ActivityTree, Mark, Options};
use lapwing_common::backend::FilterPlan;
use lapwing_common::decode;
use lapwing_common::discard::{Discarders, InodeKey, Ktime};
use lapwing_common::event::{Event, EventType};
use lapwing_common::ids::{Pid, ProcessKey};
use lapwing_common::json;
use lapwing_common::process::{Cache, Limits};
use lapwing_common::record::{Observation, Sighting};
use lapwing_common::rules::policy::{Options as RuleOptions, PolicySource, Rules, load};
use lapwing_common::syscall::Arch;
use lapwing_common::wire;
use lapwing_proto::dumps::{SecDump, to_json};
use lapwing_proto::frame;
use lapwing_proto::tracer::v1 as messages;
use lapwing_ptrace::seccomp::{self, FOREIGN};
use prost::Message as _;

use crate::{policies, sample};

/// A part, and what it is called.
pub(crate) type Part = (&'static str, fn(u32));

pub(crate) const PARTS: &[Part] = &[
    ("decode: openat", decode_open),
    ("process cache: fork, exec, exit", fork_exec_exit),
    ("rules: open that none of 300 matches", |times| rules(times, open())),
    ("rules: exec that none of 300 matches", |times| rules(times, exec(3))),
    ("engine and 300 rules: open", engine_and_rules),
    ("filters: a discarder is asked", discarder),
    ("activity tree: a known file", known_file),
    ("JSON of an open", json_line),
    ("dump of 1000 files as protobuf", |times| dump(times, |dump| dump.encode_to_vec().len())),
    ("dump of 1000 files as JSON", |times| dump(times, |dump| to_json(dump).len())),
    ("wire: an open encoded", wire_out),
    ("wire: an open in a frame, read", frame_in),
    ("seccomp filter for everything", filter),
];

fn open() -> Observation {
    sample::observation(3, Sighting::Call(Box::new(sample::open())))
}

fn exec(pid: i32) -> Observation {
    sample::observation(pid, Sighting::Exec(Box::new(sample::exec("/usr/lib/gcc/x86_64-linux-gnu/12/cc1"))))
}

/// The event of an observation.
#[expect(clippy::expect_used, reason = "a count of an event that is none cannot run")]
fn event(observation: Observation) -> Event {
    let mut made = None;
    sample::engine().observe(observation, |event| made = Some(event.clone()));
    made.expect("the observation is an event")
}

fn compiled() -> Rules {
    let source = PolicySource { name: "bench.policy".into(), text: policies::text(300) };
    load(&[source], &RuleOptions::default()).rules
}

fn decode_open(times: u32) {
    let cache = Cache::new(Limits::default());
    // As many as the longest run needs, so that both runs make equally many.
    for mut record in prepared(times, |_| sample::open()) {
        black_box(decode::decode(&mut record, EventType::Open, sample::task(3), &cache));
    }
}

/// Inputs for the longest run, of which as many as asked for are used: what is made is the same in each run.
fn prepared<T>(times: u32, make: impl Fn(i32) -> T) -> impl Iterator<Item = T> {
    let all: Vec<T> = (0..).take(usize::try_from(super::FEW + super::MORE).unwrap_or(0)).map(make).collect();
    all.into_iter().take(usize::try_from(times).unwrap_or(0))
}

fn fork_exec_exit(times: u32) {
    let mut cache = Cache::new(Limits::default());
    let key = |pid| ProcessKey { pid: Pid(pid), namespace: sample::task(1).namespace };
    cache.exec(key(1), sample::program("/usr/bin/bash"), sample::NOW);
    for program in prepared(times, |_| sample::program("/usr/bin/cc")) {
        cache.fork(key(1), key(2), sample::NOW);
        black_box(cache.exec(key(2), program, sample::NOW));
        cache.exit(key(2), sample::NOW);
        cache.remove(key(2));
    }
}

fn rules(times: u32, observation: Observation) {
    let (rules, event) = (compiled(), event(observation));
    let mut memory = rules.memory(1);
    for _ in 0..times {
        rules.evaluate(black_box(&event), &mut memory, &mut |found| drop(black_box(found)));
    }
}

fn engine_and_rules(times: u32) {
    let rules = compiled();
    let mut memory = rules.memory(1);
    let mut engine = sample::engine();
    for observation in prepared(times, |_| open()) {
        engine.observe(observation, |event| rules.evaluate(event, &mut memory, &mut |found| drop(black_box(found))));
    }
}

fn discarder(times: u32) {
    let mut discarders = Discarders::default();
    for inode in 1..=1000 {
        let added = discarders.push(InodeKey { inode, mount: 29, leaf: true }, EventType::Open, None, Ktime(1));
        assert!(added.is_ok(), "{added:?}");
    }
    for inode in (1..=1000).cycle().take(usize::try_from(times).unwrap_or(0)) {
        black_box(discarders.discards(InodeKey { inode, mount: 29, leaf: true }, EventType::Open, Ktime(2)));
    }
}

/// A tree with this many files of one program, and the last event that went into it.
fn tree(files: u32) -> (ActivityTree, Option<Event>) {
    let mut tree = ActivityTree::new(Options::default());
    let mut engine = sample::engine();
    let mut last = None;
    let mut insert = |observation| {
        engine.observe(observation, |event| {
            let inserted = tree.insert(event, &Mark::default());
            assert!(inserted.is_ok(), "the tree takes it");
            last = Some(event.clone());
        });
    };
    insert(exec(3));
    for number in 0..files {
        let mut record = sample::open();
        let path = format!("/usr/include/d{}/types-{number}.h", number % 7);
        record.set_file(lapwing_common::syscall::Slot::File, sample::file(&path));
        insert(sample::observation(3, Sighting::Call(Box::new(record))));
    }
    (tree, last)
}

fn known_file(times: u32) {
    let (mut tree, event) = tree(1000);
    for _ in 0..times {
        black_box(event.as_ref().map(|event| tree.insert(event, &Mark::default()).is_ok()));
    }
}

fn json_line(times: u32) {
    let event = event(open());
    let (mut lines, mut line) = (json::Lines::default(), Vec::new());
    for _ in 0..times {
        line.clear();
        lines.write(black_box(&event), &mut line);
        black_box(line.len());
    }
}

fn dump(times: u32, encode: fn(&SecDump) -> usize) {
    let dump = SecDump { tree: tree(1000).0.to_messages(), ..SecDump::default() };
    for _ in 0..times {
        black_box(encode(black_box(&dump)));
    }
}

fn wire_out(times: u32) {
    let observation = open();
    for _ in 0..times {
        black_box(wire::encode(black_box(&observation)).len());
    }
}

#[expect(clippy::expect_used, reason = "a count of a frame that cannot be read cannot run")]
fn frame_in(times: u32) {
    let message = messages::Observation::decode(wire::encode(&open()).as_slice()).expect("our own observation");
    let mut bytes = Vec::new();
    frame::encode(&message, &mut bytes).expect("a short frame");
    let mut decoder = frame::Decoder::new();
    for _ in 0..times {
        let mut input = black_box(bytes.as_slice());
        black_box(decoder.next::<messages::Observation>(&mut input).expect("our own frame"));
    }
}

fn filter(times: u32) {
    for _ in 0..times {
        let traps = lapwing_ptrace::traps(black_box(&FilterPlan::default()));
        black_box(seccomp::compile(&traps, Arch::NATIVE.reachable(), FOREIGN).map_or(0, |program| program.len()));
    }
}
