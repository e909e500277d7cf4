//! What it takes to evaluate rules for an event, of many events that differ: the median, and what one in a hundred
//! takes at least. Of a single event `benches/micro` tells; here no two that follow each other take the same way.

use std::time::Instant;

use anyhow::ensure;
use lapwing_common::event::Event;
use lapwing_common::record::{Record, Sighting};
use lapwing_common::rules::policy::{Options, PolicySource, Rules, load};
use lapwing_common::syscall::Slot;

use crate::fixtures::RULES;
use crate::policies;
use crate::rate::sample;
use crate::report::Report;
use crate::table::Table;
use crate::verdict::{Measurement, Target, target};

/// How many rules there are.
const SIZES: [usize; 3] = [30, RULES, 3000];
const EVENTS: usize = 5000;
/// One event in so many is almost what a rule asks for: files as well as programs.
const NEAR: usize = 9;
/// Each event is evaluated so often, one after the other each time; its median counts, so that what interrupts does not.
const TURNS: usize = 15;
/// Nanoseconds: of the median event, and of one in a hundred.
const LIMITS: (f64, f64) = (1000.0, 5000.0);

/// Nanoseconds that evaluation takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    rules: usize,
    /// Of the event in the middle, of those that one in a hundred and one in a thousand exceeds, and of the dearest.
    median: f64,
    hundredth: f64,
    thousandth: f64,
    most: f64,
}

/// Measures it, on this thread.
pub(crate) fn measure() -> anyhow::Result<Vec<Cost>> {
    SIZES.into_iter().map(cost).collect()
}

fn cost(rules: usize) -> anyhow::Result<Cost> {
    let source = PolicySource { name: "bench.policy".into(), text: policies::text(rules) };
    let compiled = load(&[source], &Options::default()).rules;
    let events = events(rules);
    ensure!(events.len() == EVENTS, "{} of {EVENTS} records are events", events.len());
    let mut of_events: Vec<_> = turns(&compiled, &events)?.into_iter().map(middle).collect();
    of_events.sort_unstable_by(f64::total_cmp);
    let at = |part: usize| of_events[of_events.len() - 1 - of_events.len() / part];
    Ok(Cost { rules, median: at(2), hundredth: at(100), thousandth: at(1000), most: at(usize::MAX) })
}

/// The times of each event, what it takes to look at the clock left out.
fn turns(rules: &Rules, events: &[Event]) -> anyhow::Result<Vec<Vec<f64>>> {
    let mut memory = rules.memory(1);
    let mut times = vec![Vec::with_capacity(TURNS); events.len()];
    let mut matches = 0;
    // One more turn warms up.
    for turn in 0..=TURNS {
        for (event, times) in events.iter().zip(&mut times) {
            let begun = Instant::now();
            rules.evaluate(event, &mut memory, &mut |_| matches += 1);
            let took = begun.elapsed();
            if turn > 0 {
                times.push(took.as_nanos() as f64);
            }
        }
    }
    ensure!(matches == 0, "{matches} events matched rules that are about none of them");
    let clock = clock();
    for time in times.iter_mut().flatten() {
        *time = (*time - clock).max(0.0);
    }
    Ok(times)
}

/// Nanoseconds between two looks at the clock.
fn clock() -> f64 {
    middle((0..1000).map(|_| Instant::now().elapsed().as_nanos() as f64).collect())
}

fn middle(mut times: Vec<f64>) -> f64 {
    times.sort_unstable_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Three of four are opened files, the others programs.
fn events(rules: usize) -> Vec<Event> {
    let mut engine = sample::engine();
    let mut events = Vec::with_capacity(EVENTS);
    for number in 0..EVENTS {
        let near = number.is_multiple_of(NEAR).then_some(number / NEAR);
        let what = match number % 4 {
            3 => Sighting::Exec(Box::new(exec(number, near, rules))),
            _ => Sighting::Call(Box::new(open(number, near, rules))),
        };
        engine.observe(sample::observation(3, what), |event| events.push(event.clone()));
    }
    events
}

/// A file of a system, or of a rule's neighbourhood.
fn open(number: usize, near: Option<usize>, rules: usize) -> Record {
    let path = match near {
        Some(near) => {
            let rule = near * 6 % rules;
            match near / 4 % 4 {
                0 => format!("/etc/service-{rule}/part-{}.conf", number + 100),
                // Opened to be read.
                1 => format!("/var/lib/app-{}/{}/a/file", rule + 1, near % 20),
                2 => format!("/srv/{number}/secret-{}-{}.key", rule + 2, number + 100),
                // By nobody whom the rule is about.
                _ => format!("/home/user/.config-{}/settings", rule + 3),
            }
        }
        None => match number % 5 {
            0 => format!("/usr/include/x86_64-linux-gnu/bits/types-{number}.h"),
            1 => format!("/usr/lib/python3/dist-packages/package_{}/module_{number}.py", number % 97),
            2 => format!("/home/user/project/src/part{}/file{number}.c", number % 31),
            3 => format!("/var/log/service-{}/current", number % 53),
            _ => format!("/proc/{number}/status"),
        },
    };
    let mut record = sample::open();
    record.set_file(Slot::File, sample::file(&path));
    record
}

/// A program of a system, or one whose name a rule has.
fn exec(number: usize, near: Option<usize>, rules: usize) -> Record {
    match near {
        // The parent is another.
        Some(near) => sample::exec(&format!("/usr/bin/tool-{}-{}", near * 6 % rules + 4, near % 30)),
        None => sample::exec(&format!("/usr/lib/tools-{}/program{number}", number % 41)),
    }
}

/// Adds the section, and the verdicts.
pub(crate) fn add(report: &mut Report, costs: &[Cost]) {
    let mut table = Table::new(["rules", "median ns", "p99 ns", "p99.9 ns", "most ns"]);
    for cost in costs {
        let times = [cost.median, cost.hundredth, cost.thousandth, cost.most].map(|time| format!("{time:.0}"));
        table.row([cost.rules.to_string()].into_iter().chain(times));
        if cost.rules == RULES {
            let of = [("median", cost.median, LIMITS.0), ("one in a hundred", cost.hundredth, LIMITS.1)];
            let targets = of.map(|(which, value, limit)| {
                let promise = format!("{RULES} rules evaluated for an event: {which}");
                Target { unit: " ns", ..target(promise, Measurement { value, error: 0.0 }, (0.0, limit)) }
            });
            report.targets(targets.into());
        }
    }
    let method = format!(
        "{EVENTS} events that differ, three of four of them opened files and the others programs; one in {NEAR} is almost what a \
         rule asks for. None matches. Each is evaluated {TURNS} times, all others in between; its time is the median of those, \
         without what two looks at the clock take. Over the events the median is shown, and what one in a hundred and one in a \
         thousand exceeds."
    );
    report.section("Evaluating rules", method, table.to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_many_and_match_nothing() {
        let cost = cost(30).unwrap();
        assert!(cost.median > 0.0 && cost.median <= cost.hundredth && cost.hundredth <= cost.most, "{cost:?}");
    }
}
