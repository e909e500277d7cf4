//! Lapwing's backend for places without BPF: a command run under seccomp and ptrace.
//!
//! A seccomp filter, compiled from the syscall catalogue, picks the calls that stop; one thread reaps
//! the stops, captures and resumes. Nothing here knows what an event is: see `lapwing_common::engine`.

#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod client;
mod filters;
mod floor;
mod options;
pub mod os;
mod pace;
mod queue;
pub mod resolve;
pub mod seccomp;
mod shared;
pub mod spawn;
mod start;
mod tracer;
mod traps;
mod watch;

pub use filters::FilterTable;
pub use floor::Floor;
pub use options::{Command, OnTracerDeath, Options, Pacing};
pub use spawn::{CommandError, ExecFailure};
pub use start::StartError;
pub use traps::traps;
pub use watch::{TracerGone, Watch};
