//! Lapwing's kernel backend: programs in the kernel, and what they hand over made into observations.
//!
//! The programs (`bpf/`) know no system call; a table that [`descriptors`] makes of the catalogue tells
//! them what to capture, and of whom is decided by a [`Scope`]. Records come through rings and are put in order,
//! decoded, and handed on by [`Watch`], after those processes that ran already. What nobody wants is left out in the kernel, as [`FilterMaps`] is told. [`features`] answers the question that comes before all that: would this machine run them?
//!
//! Everything that touches BPF goes through the private module `bpf`, the only one that names aya,
//! so that a change of loader stays in one folder.

#![warn(missing_docs)]

pub mod abi;
mod bpf;
mod clock;
mod decode;
pub mod descriptors;
pub mod features;
mod filters;
mod missed;
mod namespace;
mod order;
mod rights;
mod rings;
mod scope;
mod snapshot;
mod watch;

pub use bpf::{Floor, LoadError, TableError};
pub use caps::errors::CapsError;
pub use filters::{FilterError, FilterMaps};
pub use scope::{ControlGroup, GroupError, Scope};
pub use snapshot::{Holders, Presence};
pub use watch::{Options, ReplanError, StartError, Watch, WatchError};
