//! Dumps: files that say what the agent knows at one moment.
//!
//! What a dump shows is collected by the main loop, as cheaply as that goes; encoding and writing happen on a
//! [`worker`], so that events do not wait for them. Every file is new, readable by its owner only, and removed again
//! if it cannot be written to its end.

mod discarders;
mod file;
mod namespaces;
mod processes;
mod store;
#[cfg(test)]
mod tests;
mod worker;

pub(crate) use discarders::{discarders, listed};
pub(crate) use file::{DumpDir, DumpError};
pub(crate) use namespaces::namespaces;
pub(crate) use processes::{GraphFormat, processes};
pub(crate) use store::activity;
pub(crate) use worker::{Done, Dumper};
