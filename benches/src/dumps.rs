//! What activity dumps cost: an event's way into a tree, a tree's way into a file, and the memory beside what a tree
//! says that it takes.

use std::fs;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use lapwing_common::activity::Mark;
use lapwing_common::event::Event;
use lapwing_common::picture::{self, Picture};
use lapwing_measure::statistics::Spread;
use lapwing_proto::dumps::{SecDump, to_json};
use prost::Message as _;

use crate::rate::tree::{NODES, grown, opening};
use crate::report::Report;
use crate::verdict::{Measurement, Target, target};

/// Events of a batch.
const EVENTS: usize = 1_000;
/// Batches that count; one more warms up.
const BATCHES: usize = 51;
/// The usual greatest size of a dump's tree, and that of one whose memory is told from noise.
const USUAL: usize = 1750 << 10;
const LARGE: usize = 64 << 20;

/// What was measured.
#[derive(Clone, Debug)]
pub(crate) struct Dumps {
    /// Nanoseconds for each event of a batch that is known, and of one that is new.
    known: Vec<f64>,
    new: Vec<f64>,
    /// Milliseconds, by format.
    encoded: [(&'static str, f64, Vec<f64>); 3],
    /// Memory that the process took for a tree, as a part of what the tree says.
    memory: f64,
}

/// Measures it, on this thread.
pub(crate) fn measure() -> anyhow::Result<Dumps> {
    // First, while the process has no memory to spare.
    let memory = memory()?;
    let (mut tree, events) = grown(usize::MAX, NODES);
    let known = timed(|_| {
        let begun = Instant::now();
        for event in events.iter().cycle().take(EVENTS) {
            let _ = tree.insert(event, &Mark::default());
        }
        begun.elapsed().as_nanos() as f64 / EVENTS as f64
    });
    let new = timed(|batch| {
        let fresh: Vec<Event> = (0..EVENTS)
            .map(|number| opening(&events[0], &format!("/srv/d{}/n{batch}-{number}", number % 50)))
            .collect();
        // Each batch finds the same tree.
        let (mut tree, _) = grown(usize::MAX, NODES);
        let begun = Instant::now();
        for event in &fresh {
            let _ = tree.insert(event, &Mark::default());
        }
        begun.elapsed().as_nanos() as f64 / EVENTS as f64
    });
    let dump = SecDump { tree: grown(USUAL, usize::MAX).0.to_messages(), ..SecDump::default() };
    let milliseconds = |encode: &dyn Fn() -> usize| {
        timed(|_| {
            let begun = Instant::now();
            let bytes = std::hint::black_box(encode());
            assert!(bytes > 0, "an empty dump");
            begun.elapsed().as_secs_f64() * 1e3
        })
    };
    let encoded = [
        ("protobuf", 10.0, milliseconds(&|| dump.encode_to_vec().len())),
        ("json", 40.0, milliseconds(&|| to_json(&dump).len())),
        ("dot", 40.0, milliseconds(&|| picture::dot(&Picture::from(&dump)).len())),
    ];
    Ok(Dumps { known, new, encoded, memory })
}

fn timed(batch: impl FnMut(usize) -> f64) -> Vec<f64> {
    (0..=BATCHES).map(batch).skip(1).collect()
}

fn memory() -> anyhow::Result<f64> {
    let before = resident()?;
    let (tree, _) = grown(LARGE, usize::MAX);
    let after = resident()?;
    ensure!(tree.size() > LARGE / 2 && tree.size() <= LARGE, "the tree says that it takes {} bytes", tree.size());
    Ok((after - before) / tree.size() as f64)
}

/// Bytes of anonymous memory.
fn resident() -> anyhow::Result<f64> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line =
        text.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("/proc/self/status has no RssAnon")?;
    let kib: f64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib * 1024.0)
}

/// Adds the section, and the verdicts.
pub(crate) fn add(report: &mut Report, dumps: &Dumps) {
    let measured = |values: &[f64]| {
        let Spread { median, error, .. } = Spread::of(values);
        Measurement { value: median, error }
    };
    let mut body = String::new();
    let mut targets = Vec::new();
    for (what, values) in [("known", &dumps.known), ("new", &dumps.new)] {
        let promise = format!("an event whose entry is {what}, into an activity tree of {NODES} nodes");
        let value = measured(values);
        body.push_str(&format!("{promise}: {:.0} ns\n\n", value.value));
        targets.push(Target { unit: "ns", ..target(promise, value, (0.0, 1000.0)) });
    }
    for (format, limit, values) in &dumps.encoded {
        let promise = format!("a dump of {} KiB as {format}", USUAL >> 10);
        let value = measured(values);
        body.push_str(&format!("{promise}: {:.2} ms\n\n", value.value));
        targets.push(Target { unit: "ms", ..target(promise, value, (0.0, *limit)) });
    }
    let promise = "memory of an activity tree, as a multiple of what it says that it takes".to_owned();
    body.push_str(&format!("{promise}: {:.2}\n", dumps.memory));
    targets.push(target(promise, Measurement { value: dumps.memory, error: 0.0 }, (1.0, 1.5)));
    report.targets(targets);
    let method = format!(
        "Trees of programs that open a hundred files each. Medians of {BATCHES} batches, of {EVENTS} events or one encoding \
         each. Memory is what the process has more of (`RssAnon`) with a tree of {} MiB, processes and events that made it \
         included as far as the allocator keeps them.",
        LARGE >> 20
    );
    report.section("Activity dumps", method, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trees_are_as_large_as_is_said() {
        let (tree, events) = grown(usize::MAX, NODES);
        let counts = tree.counts();
        assert!(counts.processes + counts.files + counts.syscalls >= NODES);
        assert!(events.len() >= EVENTS);
        let (tree, _) = grown(USUAL, usize::MAX);
        assert!(tree.size() > USUAL / 10 * 9 && tree.size() <= USUAL);
    }
}
