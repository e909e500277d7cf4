//! What activity dumps cost: an event's way into a tree, a tree's way into a file, and the memory beside what a tree
//! says that it takes.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use lapwing_common::activity::{ActivityTree, Mark};
use lapwing_common::event::Event;
use lapwing_common::picture::{self, Picture};
use lapwing_measure::statistics::Spread;
use lapwing_proto::dumps::{SecDump, to_json};
use prost::Message as _;

use crate::rate::tree::{NODES, grown, opening};
use crate::report::Report;
use crate::verdict::{Measurement, Target, at_least, target};

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
    meanwhile: Meanwhile,
}

/// Events put into a tree while another thread encodes a dump, as the agent's worker does.
#[derive(Clone, Debug, Default)]
struct Meanwhile {
    /// Events a second, as a part of those without a dump right before.
    rate: Vec<f64>,
    /// Milliseconds that the slowest event of each batch took.
    longest: Vec<f64>,
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
    let meanwhile = meanwhile(&mut tree, &events, &dump);
    Ok(Dumps { known, new, encoded, memory, meanwhile })
}

fn meanwhile(tree: &mut ActivityTree, events: &[Event], dump: &SecDump) -> Meanwhile {
    let mut measured = Meanwhile::default();
    // Events, seconds and the slowest event, until there is an end of it.
    let mut take = |is_over: &dyn Fn(u64) -> bool| {
        let (mut count, mut slowest) = (0_u64, 0.0_f64);
        let begun = Instant::now();
        let mut last = begun;
        for event in events.iter().cycle() {
            let _ = tree.insert(event, &Mark::default());
            let now = Instant::now();
            slowest = slowest.max((now - last).as_secs_f64());
            (last, count) = (now, count + 1);
            if is_over(count) {
                break;
            }
        }
        (count as f64 / begun.elapsed().as_secs_f64(), slowest)
    };
    for batch in 0..=BATCHES {
        let (alone, _) = take(&|count| count >= 20 * EVENTS as u64);
        let is_encoded = AtomicBool::new(false);
        let (rate, slowest) = thread::scope(|scope| {
            scope.spawn(|| {
                // As the agent's worker has it.
                let _ = rustix::process::setpriority_process(None, 10);
                let picture = Picture::from(dump);
                let sizes = [dump.encode_to_vec().len(), to_json(dump).len(), picture::dot(&picture).len()];
                is_encoded.store(sizes.iter().all(|size| std::hint::black_box(*size) > 0), Ordering::Relaxed);
            });
            take(&|_| is_encoded.load(Ordering::Relaxed))
        });
        if batch > 0 {
            measured.rate.push(rate / alone);
            measured.longest.push(slowest * 1e3);
        }
    }
    measured
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
    let rate = measured(&dumps.meanwhile.rate);
    let promise = format!(
        "events a second into a tree while a dump of {} KiB is encoded three times, as a part of those without",
        USUAL >> 10
    );
    body.push_str(&format!(
        "\n{promise}: {:.2}; the slowest event of a batch took {:.2} ms\n",
        rate.value,
        measured(&dumps.meanwhile.longest).value
    ));
    targets.push(at_least(promise, rate, 0.5));
    report.targets(targets);
    let method = format!(
        "Trees of programs that open a hundred files each. Medians of {BATCHES} batches, of {EVENTS} events or one encoding \
         each. Memory is what the process has more of (`RssAnon`) with a tree of {} MiB, processes and events that made it \
         included as far as the allocator keeps them. What is encoded meanwhile (protobuf, JSON and DOT, one after the other, by a \
         thread of nice 10, as in the agent) is compared with as many events right before it.",
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
