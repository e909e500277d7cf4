//! The kernel's tracing interface, typed: what a wait status means, what may be asked of a stopped
//! thread, and how its memory is read.
//!
//! Nothing here keeps state or decides anything; the tracer's loop does. It goes to `libc` where
//! `nix` cannot hold what the kernel says (real-time signals, structures missing on musl).

pub mod memory;
pub(crate) mod notices;
pub(crate) mod placement;
pub mod request;
pub mod signal;
pub(crate) mod thread;
pub mod wait;

#[cfg(test)]
pub(crate) mod tracee;

pub use memory::{Memory, MemoryError, Outcome, Request};
pub use nix::errno::Errno;
pub use pete::ptracer::Options;
pub use request::{Op, RequestError, SignalInfo, SyscallInfo};
pub use signal::Signal;
pub use wait::{Status, Stop, WaitError, WaitMode, wait};
