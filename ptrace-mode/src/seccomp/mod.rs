//! The seccomp filter that decides which system calls stop: compiled from traps, installed in the
//! child before its `execve`.
//!
//! The compiler is our own. `seccompiler`, the usual crate, compiles for one architecture and kills
//! on any other, while an x86-64 process may make i386 and x32 calls at any time, which must be seen
//! and not be fatal; nor can it test for "one of these bits". The default is to allow, so that a
//! system call without a trap depends on its number and interface only: the kernel (5.11 and later)
//! finds that out once and then skips the filter for such calls altogether.

mod assembler;
mod compile;
mod install;
mod listener;

use lapwing_common::syscall::{Arch, Test};

pub use compile::{CompileError, compile};
pub use install::{install, install_listening};
pub use listener::{Listener, Notification, listeners_work};

/// What the filter answers for a system call. What it does not answer for is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Stop, and give the tracer this number as the event message.
    Trace(u16),
    /// Wait until the [`Listener`] of the filter has answered.
    Notify,
    /// Do not run the call but fail with this error number, without a stop.
    Errno(u16),
}

/// What to do about a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trap {
    /// The interface.
    pub arch: Arch,
    /// The number as the kernel reports it: x32 numbers with their bit.
    pub number: u32,
    /// Alternatives of which one must hold; each holds when all of its tests do. No alternatives, or
    /// an alternative without tests: always.
    pub tests: Vec<Vec<Test>>,
    /// What to answer when the tests hold.
    pub action: Action,
}

/// The usual answer for calls by an interface that is not compiled for: stop, and let the tracer see
/// by the message that it knows nothing about the call. An unknown interface is never a blind spot.
pub const FOREIGN: Action = Action::Trace(0xffff);

#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod tests;
