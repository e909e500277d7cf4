//! Rules: what an event costs that none of them matches, and what it costs to read them.

use std::cell::RefCell;

use divan::Bencher;
use lapwing_common::event::{Event, Payload};
use lapwing_common::ids::Pid;
use lapwing_common::record::Sighting;
use lapwing_common::rules::policy::{Options, PolicySource, Rules, load};

use crate::{policies, sample};

/// How many rules there are, to show that costs grow more slowly.
const SIZES: [usize; 3] = [30, 300, 3000];

/// A file is opened that no rule is about.
#[divan::bench(args = SIZES, sample_count = 1000, sample_size = 20)]
fn open(bencher: Bencher<'_, '_>, rules: usize) {
    let make = Sighting::Call(Box::new(sample::open()));
    evaluate(bencher, rules, make);
}

/// A program is executed that no rule is about.
#[divan::bench(args = SIZES, sample_count = 1000, sample_size = 20)]
fn exec(bencher: Bencher<'_, '_>, rules: usize) {
    evaluate(bencher, rules, Sighting::Exec(Box::new(sample::exec("/usr/lib/gcc/x86_64-linux-gnu/12/cc1"))));
}

/// From the text of a policy file to rules that can be evaluated.
#[divan::bench(args = SIZES, sample_count = 10)]
fn compile(bencher: Bencher<'_, '_>, rules: usize) {
    let source = source(rules);
    bencher.bench_local(|| compiled(&source));
}

fn evaluate(bencher: Bencher<'_, '_>, rules: usize, what: Sighting) {
    let rules = compiled(&source(rules));
    let memory = RefCell::new(rules.memory(1));
    let event = event(what);
    let mut matches = 0;
    rules.evaluate(&event, &mut memory.borrow_mut(), &mut |_| matches += 1);
    assert_eq!(matches, 0, "the event is one that no rule is about");
    bencher.bench_local(|| rules.evaluate(&event, &mut memory.borrow_mut(), &mut |_| {}));
}

#[expect(clippy::expect_used, reason = "a benchmark of an event that is none cannot run")]
fn event(what: Sighting) -> Event {
    let mut made = None;
    sample::engine().observe(sample::observation(3, what), |event| made = Some(event.clone()));
    let event = made.expect("the observation is an event");
    debug_assert!(matches!(event.payload, Payload::Open(_) | Payload::Exec(_)) && event.tid.0 == Pid(3).0);
    event
}

fn compiled(source: &PolicySource) -> Rules {
    let loaded = load(std::slice::from_ref(source), &Options::default());
    assert!(loaded.reports.is_empty(), "{}", loaded.reports[0].render(&source.text));
    loaded.rules
}

fn source(rules: usize) -> PolicySource {
    PolicySource { name: "bench.policy".into(), text: policies::text(rules) }
}
