//! What a workload does, as a tree of its processes: activity dumps, and what profiles are made of.
//!
//! [`ActivityTree`] is the living form. Every event is put below the programs that led to it, once: what happens again
//! only moves a time. So a tree stays small however long it is fed, knows its size at any moment, and refuses what
//! would take it past its limit. The messages of [`lapwing_proto::dumps`] are the form in files; everything that
//! works on finished dumps (drawings, differences) works on those.

mod alike;
mod arena;
mod branch;
mod cgroups;
mod counters;
mod evict;
mod file;
mod insert;
mod message;
mod network;
mod process;
mod recent;
mod reduce;
mod requests;
mod restore;
mod rules;
mod seen;
mod size;
mod tree;

pub use branch::Scope;
pub use cgroups::{BadCgroupPath, CgroupPaths};
pub use counters::{Dropped, NodeCounts};
pub use rules::RuleId;
pub use seen::Tag;
pub use tree::{ActivityTree, Mark, Novelty, Options, Presence, Syscalls};

use process::ProcessId;

/// How a node came into a tree. The numbers are those of files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Generation {
    /// Not said.
    #[default]
    Unknown = 0,
    /// By an event.
    Runtime = 1,
    /// It was there when observation began.
    Snapshot = 2,
    /// By an event, when the rest was learned already.
    ProfileDrift = 3,
    /// By an event of a workload that had just started.
    WorkloadWarmup = 4,
}

impl Generation {
    /// The generation of a number in a file.
    #[must_use]
    pub fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Runtime,
            2 => Self::Snapshot,
            3 => Self::ProfileDrift,
            4 => Self::WorkloadWarmup,
            _ => Self::Unknown,
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
