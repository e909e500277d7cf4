//! The process cache dumped: the copy, which holds events up, and the writing, which does not.

use divan::Bencher;
use lapwing_common::ids::{Pid, ProcessKey, Timestamp};
use lapwing_common::process::dump::{Dump, ShowArguments};
use lapwing_common::process::{Cache, Limits};

use crate::sample;

/// As many processes as a large host has, each with a program of its own.
const PROCESSES: i32 = 50_000;

#[divan::bench(sample_count = 20, sample_size = 1)]
fn copy(bencher: Bencher<'_, '_>) {
    let cache = full();
    bencher.bench_local(|| Dump::of(&cache));
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn write_dot(bencher: Bencher<'_, '_>) {
    let dump = Dump::of(&full());
    bencher.bench_local(|| {
        let mut length = 0;
        let put = &mut |piece: &[u8]| {
            length += piece.len();
            Ok::<_, std::convert::Infallible>(())
        };
        dump.clone().write_dot(ShowArguments::Yes, put).map(|()| length)
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn write_json(bencher: Bencher<'_, '_>) {
    let dump = Dump::of(&full());
    bencher.bench_local(|| {
        let mut length = 0;
        let put = &mut |piece: &[u8]| {
            length += piece.len();
            Ok::<_, std::convert::Infallible>(())
        };
        dump.clone().write_json(ShowArguments::Yes, put).map(|()| length)
    });
}

fn full() -> Cache {
    let mut cache = Cache::new(Limits::default());
    let key = |pid| ProcessKey { pid: Pid(pid), namespace: sample::task(1).namespace };
    cache.exec(key(1), sample::program("/usr/bin/bash"), sample::NOW);
    for pid in 2..=PROCESSES {
        let at = Timestamp(sample::NOW.0 + u64::from(pid.unsigned_abs()));
        cache.fork(key(pid / 2), key(pid), at);
        cache.exec(key(pid), sample::program("/usr/bin/cc"), at);
    }
    cache
}
