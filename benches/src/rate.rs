//! How many events a second one core takes from raw record to evaluated event: decoder, process cache and rules, which
//! is all that has to keep pace with a backend. What is written comes after, and less often.

#[path = "../benches/micro/sample.rs"]
pub(crate) mod sample;
#[path = "../benches/micro/tree.rs"]
pub(crate) mod tree;

use std::time::Instant;

use anyhow::ensure;
use lapwing_common::ids::Pid;
use lapwing_common::record::{Observation, Sighting};
use lapwing_common::rules::policy::{Options, PolicySource, load};
use lapwing_measure::statistics::Spread;

use crate::fixtures::RULES;
use crate::policies;
use crate::report::Report;
use crate::verdict::{Measurement, Target, at_least};

/// Processes of a batch, and what each does beside being forked, executing a program and ending.
const PROCESSES: i32 = 500;
const FILES: usize = 20;
/// Batches that count; one more warms up.
const BATCHES: usize = 21;
/// Events a second.
const LIMIT: f64 = 500_000.0;

/// What was measured: events a second, of each batch.
#[derive(Clone, Debug)]
pub(crate) struct Rate {
    batches: Vec<f64>,
    events: u64,
}

/// Measures it, on this thread.
pub(crate) fn measure() -> anyhow::Result<Rate> {
    let source = PolicySource { name: "bench.policy".into(), text: policies::text(RULES) };
    let rules = load(&[source], &Options::default()).rules;
    let mut memory = rules.memory(1);
    let mut engine = sample::engine();
    let mut rate = Rate { batches: Vec::new(), events: 0 };
    for number in 0..=BATCHES {
        let batch = batch();
        let (mut events, mut matches) = (0_u64, 0_u64);
        let begun = Instant::now();
        for observation in batch {
            engine.observe(observation, |event| {
                events += 1;
                rules.evaluate(event, &mut memory, &mut |_| matches += 1);
            });
        }
        let took = begun.elapsed().as_secs_f64();
        ensure!(matches == 0, "{matches} events matched rules that are about none of them");
        if number > 0 {
            rate.batches.push(events as f64 / took);
        }
        rate.events = events;
    }
    Ok(rate)
}

/// Children of a build tool, one after the other.
fn batch() -> Vec<Observation> {
    let mut batch = Vec::new();
    for child in 10..10 + PROCESSES {
        batch.push(sample::observation(3, Sighting::Fork { child: Pid(child) }));
        let program = sample::exec("/usr/lib/gcc/x86_64-linux-gnu/12/cc1");
        batch.push(sample::observation(child, Sighting::Exec(Box::new(program))));
        batch.extend((0..FILES).map(|_| sample::observation(child, Sighting::Call(Box::new(sample::open())))));
        let exit = Sighting::Exit { cause: lapwing_common::event::ExitCause::Exited, code: 0 };
        batch.push(sample::observation(child, exit));
    }
    batch
}

/// Adds the section, and the verdict.
pub(crate) fn add(report: &mut Report, rate: &Rate) {
    let spread = Spread::of(&rate.batches);
    let promise = format!("from raw record to evaluated event, {RULES} rules: events a second on one core");
    let measured = Measurement { value: spread.median, error: spread.error };
    report.targets(vec![Target { unit: "/s", ..at_least(promise, measured, LIMIT) }]);
    let body =
        format!("{:.0} ± {:.0} events a second, {:.2} µs each\n", spread.median, spread.mad, 1e6 / spread.median);
    let method = format!(
        "Records as the ptrace backend makes them of {PROCESSES} compilers that run one after the other, each forked, \
         executed, opening {FILES} files and ending: {} events. One thread takes them through the decoder, the process \
         cache and {RULES} rules (`benches/src/policies.rs`), none of which matches. Making the records is not timed. \
         Median of {BATCHES} such batches ± the median distance from it.",
        rate.events,
    );
    report.section("From record to evaluated event", method, body);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_observation_of_a_batch_is_an_event() {
        let rate = measure().unwrap();
        assert_eq!(rate.batches.len(), BATCHES);
        assert_eq!(rate.events, u64::try_from(PROCESSES).unwrap() * (FILES as u64 + 3));
        assert!(rate.batches.iter().all(|rate| *rate > 0.0));
    }
}
