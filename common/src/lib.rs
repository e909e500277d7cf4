//! What Lapwing knows about Linux workloads, free of any way to observe them.
//!
//! Events and their fields, the catalogue of system calls, the decoder from raw records, and the
//! process cache. Nothing here does I/O or names a backend, and without the feature `std` the crate
//! needs only an allocator, so that everything is testable from plain data.

#![no_std]
#![warn(missing_docs)]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod accounts;
pub mod activity;
pub mod backend;
pub mod clock;
pub mod decode;
pub mod discard;
pub mod engine;
pub mod event;
pub mod graph;
pub mod hashes;
pub mod holdings;
pub mod ids;
pub mod json;
pub mod limiter;
pub mod names;
pub mod netns;
pub mod picture;
pub mod process;
pub mod procfs;
pub mod profile;
pub mod record;
#[cfg_attr(
    not(feature = "std"),
    allow(dead_code, unused_imports, reason = "rules come from policy files, which need std")
)]
pub mod rules;
pub mod schema;
pub mod session;
pub mod syscall;
pub mod wire;
