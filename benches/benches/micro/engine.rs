//! From an observation to a line of JSON: all that Lapwing does for an event after its capture.

use divan::Bencher;
use lapwing_common::engine::Engine;
use lapwing_common::json;
use lapwing_common::record::{Observation, Sighting};

use crate::sample;

/// A file is opened.
#[divan::bench(sample_count = 200, sample_size = 50)]
fn open_to_json(bencher: Bencher<'_, '_>) {
    to_json(bencher, || sample::observation(3, Sighting::Call(Box::new(sample::open()))));
}

/// A program is executed. A different one each time: executing the same again is a case of its own.
#[divan::bench(sample_count = 200, sample_size = 50)]
fn exec_to_json(bencher: Bencher<'_, '_>) {
    let mut paths = ["/usr/bin/cc", "/usr/bin/ld"].into_iter().cycle();
    to_json(bencher, move || {
        let path = paths.next().unwrap_or_default();
        sample::observation(3, Sighting::Exec(Box::new(sample::exec(path))))
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

fn to_json(bencher: Bencher<'_, '_>, observation: impl FnMut() -> Observation) {
    let mut engine: Engine = sample::engine();
    let mut line = Vec::new();
    bencher.with_inputs(observation).bench_local_values(|observation| {
        line.clear();
        engine.observe(observation, |event| json::write_line(event, &mut line));
        line.len()
    });
}
