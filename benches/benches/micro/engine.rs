//! From an observation to a line of JSON: all that Lapwing does for an event after its capture.

use std::cell::RefCell;

use divan::Bencher;
use lapwing_common::ids::Pid;
use lapwing_common::json;
use lapwing_common::process::{Resolver, Scope};
use lapwing_common::record::Sighting;

use crate::sample;

/// A file is opened.
#[divan::bench(sample_count = 200, sample_size = 50)]
fn open_to_json(bencher: Bencher<'_, '_>) {
    let mut engine = sample::engine();
    let (mut lines, mut line) = (json::Lines::default(), Vec::new());
    let observation = || sample::observation(3, Sighting::Call(Box::new(sample::open())));
    bencher.with_inputs(observation).bench_local_values(|observation| {
        line.clear();
        engine.observe(observation, |event| lines.write(event, &mut line));
        line.len()
    });
}

/// A program is executed, by a child of its own each time: in one process every exec would lengthen the lineage
/// that the next one shows.
#[divan::bench(sample_count = 200, sample_size = 50)]
fn exec_to_json(bencher: Bencher<'_, '_>) {
    let engine = RefCell::new(sample::engine());
    let mut line = Vec::new();
    let mut children = 4..;
    let fork_and_exec = || {
        let child = children.next().unwrap_or_default();
        let fork = sample::observation(3, Sighting::Fork { child: Pid(child) });
        engine.borrow_mut().observe(fork, |_| {});
        sample::observation(child, Sighting::Exec(Box::new(sample::exec("/usr/bin/cc"))))
    };
    bencher.with_inputs(fork_and_exec).bench_local_values(|observation| {
        line.clear();
        engine.borrow_mut().observe(observation, |event| json::write_line(event, &mut line));
        line.len()
    });
}

/// All but the line, where every process is known: without a place to look others up, and with one.
#[divan::bench(args = ["never", "if need be"], sample_count = 200, sample_size = 50)]
fn open_observed(bencher: Bencher<'_, '_>, looks_up: &str) {
    let mut engine = sample::engine();
    if looks_up != "never" {
        engine.resolve_with(Resolver::new(Scope::Host));
    }
    let observation = || sample::observation(3, Sighting::Call(Box::new(sample::open())));
    bencher.with_inputs(observation).bench_local_values(|observation| {
        let mut lineage = 0;
        engine.observe(observation, |event| lineage = event.quality.bits());
        lineage
    });
}

/// What the line alone takes.
#[divan::bench(sample_count = 200, sample_size = 50)]
fn open_written_only(bencher: Bencher<'_, '_>) {
    let mut event = None;
    let open = sample::observation(3, Sighting::Call(Box::new(sample::open())));
    sample::engine().observe(open, |observed| event = Some(observed.clone()));
    let mut line = Vec::new();
    bencher.bench_local(|| {
        line.clear();
        if let Some(event) = &event {
            json::write_line(event, &mut line);
        }
        line.len()
    });
}
