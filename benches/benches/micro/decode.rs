//! From a record to a payload.

use divan::Bencher;
use lapwing_common::decode;
use lapwing_common::event::EventType;
use lapwing_common::process::{Cache, Limits};

use crate::sample;

/// An `openat`: the most frequent call by far.
#[divan::bench(sample_count = 200, sample_size = 50)]
fn open(bencher: Bencher<'_, '_>) {
    let cache = Cache::new(Limits::default());
    bencher
        .with_inputs(sample::open)
        .bench_values(|mut record| decode::decode(&mut record, EventType::Open, sample::task(3), &cache));
}
