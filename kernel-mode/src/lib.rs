//! Lapwing's kernel backend. Its programs are not part of this release; what is here answers the
//! question that comes before them: would this machine run them?
//!
//! Everything that touches BPF goes through the private module `bpf`, the only one that names aya,
//! so that a change of loader stays in one folder.

#![warn(missing_docs)]

mod bpf;
pub mod features;
#[cfg_attr(not(test), expect(dead_code, reason = "the loader of the programs, which calls it, comes next"))]
mod snapshot;
