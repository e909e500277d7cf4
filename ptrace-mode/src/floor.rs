//! Tracers that do nothing: what any tool of this kind adds to a command, whatever it does at stops.
//!
//! For measurements, beside which those of a watch can be seen. They resume what stops, and look at nothing.

use lapwing_common::backend::{Ending, FilterPlan};
use lapwing_common::event::EventType;
use lapwing_common::syscall::{Arch, Product, Syscall};

use crate::options::{Command, OnTracerDeath};
use crate::os::request;
use crate::os::wait::{Status, Stop, WaitError, WaitMode, wait};
use crate::seccomp::{self, Action, Listener, Trap};
use crate::spawn::{self, Arrival, Handover, Launch};
use crate::start::{StartError, ptrace_options};
use crate::traps::{is_answered, traps_by};

/// What a tracer that does nothing is told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// Which threads and programs there are. Without these stops nobody can say who does something.
    Lineage,
    /// That, and the calls that Lapwing follows for all events: once an exec, which tells of its success by the new
    /// program, and twice any other, since nothing else tells its result.
    Calls,
    /// The opening and execution of files, by answers instead of stops: all are let go at once. Nothing is traced.
    Answers,
}

/// What the filter tells of a call that need not be followed to its end.
const ONCE: u16 = 0;
/// What it tells of others.
const TWICE: u16 = 1;

impl Floor {
    /// Runs a command, and returns how it ended. The calling thread must have no other children.
    ///
    /// # Errors
    ///
    /// When there is no such command, or the kernel does not allow it.
    pub fn run(self, command: &Command) -> Result<Option<Ending>, StartError> {
        let traps = self.traps();
        let reachable = Arch::NATIVE.reachable();
        let filter = (!traps.is_empty()).then(|| seccomp::compile(&traps, reachable, seccomp::FOREIGN)).transpose()?;
        let launch = Launch {
            no_new_privs: filter.is_some() && spawn::needs_no_new_privs(),
            filter,
            listening: self == Self::Answers,
            options: ptrace_options(OnTracerDeath::Kill),
            ..Launch::of(command)?
        };
        let child = if self == Self::Answers {
            launch.hold().and_then(spawn::Held::release)
        } else {
            launch.start(|_pid| Ok(()))
        }
        .map_err(StartError::Spawn)?;
        if let Some(handover) = child.handover {
            std::thread::Builder::new().spawn(move || answer(&handover)).map_err(StartError::Thread)?;
        }
        Ok(follow(child.pid))
    }

    fn traps(self) -> Vec<Trap> {
        let plan = FilterPlan::default();
        match self {
            Self::Lineage => Vec::new(),
            Self::Calls => {
                let times = |row: &Syscall| if row.product == Product::Program { ONCE } else { TWICE };
                traps_by(&plan, |row| Action::Trace(times(row)), &[])
            }
            Self::Answers => {
                let files = [EventType::Open, EventType::Exec].into_iter().collect();
                let answered = |row: &Syscall| is_answered(row, files).then_some(Action::Notify);
                let mut traps = traps_by(&plan, |row| answered(row).unwrap_or(Action::Trace(ONCE)), &[]);
                traps.retain(|trap| trap.action == Action::Notify);
                traps
            }
        }
    }
}

/// Resumes whatever stops until nothing is left.
fn follow(command: i32) -> Option<Ending> {
    let mut ending = None;
    loop {
        match wait(WaitMode::Block) {
            Ok(Some((tid, Status::Stopped(stop)))) => resume(tid, stop),
            Ok(Some((tid, status))) if tid == command => {
                ending = match status {
                    Status::Exited(code) => Some(Ending::Exited(code)),
                    Status::Killed { signal, .. } => Some(Ending::Signaled(signal.0)),
                    Status::Stopped(_) | Status::Continued => ending,
                };
            }
            Ok(_) | Err(WaitError::Interrupted) => {}
            Err(WaitError::NoTracees | WaitError::Failed(_)) => return ending,
        }
    }
}

/// Resumes a thread as a tracer has to. An error is that it was killed meanwhile, which its end tells.
fn resume(tid: i32, stop: Stop) {
    let _ = match stop {
        Stop::Seccomp if request::event_message(tid) == Ok(u64::from(TWICE)) => request::syscall(tid, None),
        Stop::Group(_) => request::listen(tid),
        Stop::Signal(signal) => request::cont(tid, Some(signal)),
        _ => request::cont(tid, None),
    };
}

/// Lets every call go that waits.
fn answer(handover: &Handover) {
    let listener: Listener = loop {
        match handover.take() {
            Arrival::Come(listener) => break listener,
            // The child is on its way to it, which takes microseconds.
            Arrival::Awaited => std::thread::yield_now(),
            Arrival::Never => return,
        }
    };
    // It is over with this process, which lives as long as the command.
    loop {
        if let Ok(call) = listener.receive() {
            let _ = listener.pass(&call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_followed_is_followed_as_often_as_in_a_watch() {
        assert!(Floor::Lineage.traps().is_empty());
        let of = |floor: Floor, name: &str| {
            let number = Syscall::named(name).unwrap().number(Arch::NATIVE).unwrap();
            let traps = floor.traps();
            traps.iter().find(|trap| trap.arch == Arch::NATIVE && trap.number == number).map(|trap| trap.action)
        };
        assert_eq!(of(Floor::Calls, "execve"), Some(Action::Trace(ONCE)));
        assert_eq!(of(Floor::Calls, "openat"), Some(Action::Trace(TWICE)));
        assert_eq!(Floor::Calls.traps().len(), crate::traps(&FilterPlan::default()).len());
        assert_eq!(of(Floor::Answers, "openat"), Some(Action::Notify));
        assert_eq!(of(Floor::Answers, "connect"), None);
    }
}
