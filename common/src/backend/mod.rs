//! What every backend is to the rest of Lapwing.
//!
//! A backend yields observations in the order in which they happened and counts what it did and what
//! it lost. It knows nothing of events, rules or outputs.

mod arguments;
mod interest;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use crate::engine::EventSet;
use crate::event::EventType;
use crate::record::Observation;

pub use arguments::{ArgumentTest, ArgumentsWanted, FlagTest, Tests, Values};
pub use interest::Interest;

/// What a backend shall capture. Nothing else is stopped, copied or sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilterPlan {
    /// The types of events that somebody wants. Lineage (fork, exec, exit) is always followed.
    pub events: EventSet,
    /// Whether there may be discarders ([`crate::discard::Filters`]). If so, the calls that make one wrong
    /// (unlink, rename, link and the like) are captured whether somebody wants their events or not; if
    /// not, pushing one is refused.
    pub discarders: bool,
    /// What happens when a workload sets up an io_uring, whose operations are no system calls.
    pub io_uring: IoUring,
    /// Which system calls every program makes is said ([`crate::record::Sighting::Calls`]), whether they make events or
    /// not. It costs every call: under eBPF a fraction of a microsecond, under ptrace a stop.
    pub syscalls: bool,
    /// Of some types only events whose calls have certain arguments: what a backend can tell by the registers.
    pub arguments: ArgumentsWanted,
}

impl Default for FilterPlan {
    fn default() -> Self {
        Self {
            events: EventSet::ALL,
            discarders: false,
            io_uring: IoUring::Allow,
            syscalls: false,
            arguments: ArgumentsWanted::default(),
        }
    }
}

/// What happens when a workload sets up an io_uring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IoUring {
    /// It works, and a `blind` event says so.
    #[default]
    Allow,
    /// It fails with EPERM, as where an administrator disabled it, and a `blind` event says so.
    Deny,
}

/// What a backend counted: names are stable, for output.
pub type Counters = Vec<(&'static str, u64)>;

/// The name of a counter: calls that passed arguments which make no event of this type that anybody wants. A backend has
/// it if such calls reach it at all.
#[must_use]
pub fn unasked(event: EventType) -> String {
    format!("unasked_{event}_calls")
}

/// A source of observations.
pub trait Backend {
    /// What went wrong for good.
    type Error;

    /// Hands over what has been seen since the last call, in order. Does not wait.
    ///
    /// # Errors
    ///
    /// When the backend can see nothing any more.
    fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, Self::Error>;

    /// What it did and what it lost.
    fn counters(&self) -> Counters;

    /// Stops observing and leaves the observed processes as they would be without Lapwing.
    fn stop(&mut self);
}

/// Whether a backend will have more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// There may be more later.
    Watching,
    /// Everything that was observed has ended; the command's exit status, if one was started.
    Finished(Option<Ending>),
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// With this status.
    Exited(i32),
    /// By this signal.
    Signaled(i32),
}

impl Ending {
    /// The exit status that a shell would show: 128 + n for a signal.
    #[must_use]
    pub fn shell_status(self) -> i32 {
        match self {
            Self::Exited(status) => status,
            Self::Signaled(signal) => 128 + signal,
        }
    }
}
