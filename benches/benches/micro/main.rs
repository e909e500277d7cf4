//! Parts of Lapwing in a loop, one file a part, and the allocations that each makes.
//!
//! `cargo bench -p lapwing-benches`; a word after `--` picks those whose name contains it.

mod activity;
mod cache;
mod decode;
mod dump;
mod engine;
#[path = "../../src/policies.rs"]
mod policies;
mod rules;
mod sample;
mod seccomp;
mod tree;

/// Allocations are counted because the event path should make few, and because counts repeat where times do not.
#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}
