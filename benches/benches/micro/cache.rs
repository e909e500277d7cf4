//! Processes that come and go, in a cache that knows others too.

use divan::Bencher;
use lapwing_common::ids::{Pid, ProcessKey, Timestamp};
use lapwing_common::process::{Cache, Limits};
use lapwing_common::record::Program;

use crate::sample;

/// A child of a shell executes a program and ends, beside this many processes that stay.
#[divan::bench(args = [1, 1000, 60_000], sample_count = 200, sample_size = 50)]
fn fork_exec_exit(bencher: Bencher<'_, '_>, others: i32) {
    let mut cache = beside(others);
    let mut at = sample::NOW;
    let (shell, child) = (key(1), key(others + 1));
    bencher.with_inputs(|| sample::program("/usr/bin/cc")).bench_local_values(|program: Program| {
        at = Timestamp(at.0 + 1);
        cache.fork(shell, child, at);
        let process = cache.exec(child, program, at);
        cache.exit(child, at);
        cache.remove(child);
        process
    });
}

/// A child that executes nothing.
#[divan::bench(args = [1, 1000, 60_000], sample_count = 200, sample_size = 50)]
fn fork_exit(bencher: Bencher<'_, '_>, others: i32) {
    let mut cache = beside(others);
    let mut at = sample::NOW;
    let (shell, child) = (key(1), key(others + 1));
    bencher.bench_local(|| {
        at = Timestamp(at.0 + 1);
        let process = cache.fork(shell, child, at);
        cache.exit(child, at);
        cache.remove(child);
        process
    });
}

fn beside(others: i32) -> Cache {
    let mut cache = Cache::new(Limits::default());
    cache.exec(key(1), sample::program("/usr/bin/bash"), sample::NOW);
    for pid in 2..=others {
        cache.fork(key(1), key(pid), sample::NOW);
    }
    cache
}

fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid: Pid(pid), namespace: sample::task(1).namespace }
}
