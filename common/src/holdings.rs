//! What a process holds at one moment: files that are open or mapped, and ports that are bound.
//!
//! No event tells of it when an activity dump begins in the middle of a program's life. Whoever can look into the
//! process's `/proc` reads it: the agent, or a tracer that it asks.

use alloc::vec::Vec;

use crate::event::{Address, File};
use crate::record::SocketKind;

/// Processes of a workload that are looked at, those with the lowest numbers.
pub const PROCESSES: usize = 4096;
/// Descriptors of a process that are looked at, those with the lowest numbers.
pub const DESCRIPTORS: usize = 1024;
/// Mapped files of a process, in the order of addresses.
pub const MAPPINGS: usize = 128;

/// What a process holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Held {
    /// Files, each once, and how each is open: access mode and `O_APPEND`; 0 for one that is mapped only.
    pub files: Vec<(File, u64)>,
    /// Ports that it listens at, or receives from.
    pub ports: Vec<(Address, SocketKind)>,
    /// Descriptors and mappings beyond what is looked at.
    pub left_out: usize,
}
