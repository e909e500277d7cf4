//! An activity tree to measure with, and the events that made it.

use std::sync::Arc;

use lapwing_common::activity::{ActivityTree, Mark, Options};
use lapwing_common::event::{Event, Payload};
use lapwing_common::ids::Pid;
use lapwing_common::record::Sighting;
use lapwing_common::syscall::Slot;

use super::sample;

/// Nodes of the tree that events are put into.
pub(crate) const NODES: usize = 10_000;

/// A tree of some build: programs, a hundred files of each, and of the first events some that made it.
pub(crate) fn grown(limit: usize, nodes: usize) -> (ActivityTree, Vec<Event>) {
    let mut tree = ActivityTree::new(Options { limit, ..Options::default() });
    let mut engine = sample::engine();
    let mut events = Vec::new();
    for child in 4.. {
        let mut program = None;
        engine.observe(sample::observation(3, Sighting::Fork { child: Pid(child) }), |_| {});
        let exec = sample::exec(&format!("/usr/bin/cc{child}"));
        engine
            .observe(sample::observation(child, Sighting::Exec(Box::new(exec))), |event| program = Some(event.clone()));
        let Some(program) = program else { continue };
        let mut is_full = tree.insert(&program, &Mark::default()).is_err();
        for number in 0..100 {
            let event = opening(&program, &format!("/usr/include/x86_64-linux-gnu/d{}/types-{number}.h", number % 7));
            is_full |= tree.insert(&event, &Mark::default()).is_err();
            if events.len() < NODES {
                events.push(event);
            }
        }
        engine.forget(program.process.key());
        let counts = tree.counts();
        if is_full || counts.processes + counts.files + counts.syscalls >= nodes {
            break;
        }
    }
    (tree, events)
}

/// The same process opens a file.
pub(crate) fn opening(event: &Event, path: &str) -> Event {
    let mut found = None;
    let mut record = sample::open();
    record.set_file(Slot::File, sample::file(path));
    sample::engine().observe(sample::observation(3, Sighting::Call(Box::new(record))), |open| {
        if let Payload::Open(_) = &open.payload {
            found = Some(Event { process: Arc::clone(&event.process), ..open.clone() });
        }
    });
    found.unwrap_or_else(|| event.clone())
}
