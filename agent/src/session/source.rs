//! Where observations come from: one of the backends, with what the main loop has to know of its command.

use std::sync::Arc;
use std::time::Duration;

use lapwing_common::backend::{Backend as _, Counters, Ending, Progress};
use lapwing_common::event::Origin;
use lapwing_common::process::Resolver;
use lapwing_common::record::Observation;
use lapwing_ptrace::{ExecFailure, FilterTable, Watch};

use super::kernel::Kernel;
use super::{SessionError, signals};
use crate::policy::Sink;

/// How long observations of the tracer's may gather before they are looked at: waking the main loop costs the
/// tracer, and so the tracees.
const GATHERING: Duration = Duration::from_millis(5);

/// A backend that watches.
#[derive(Debug)]
pub(super) enum Source {
    Ptrace(Watch),
    Kernel(Box<Kernel>),
}

impl Source {
    pub(super) fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, SessionError> {
        match self {
            Self::Ptrace(watch) => Ok(watch.drain(each)?),
            Self::Kernel(kernel) => kernel.drain(each),
        }
    }

    /// Has the programs that run tell by the next drains which system calls they have made so far.
    pub(super) fn read_calls(&mut self) {
        match self {
            // It tells at once.
            Self::Ptrace(_) => {}
            Self::Kernel(kernel) => kernel.read_calls(),
        }
    }

    /// What finds processes that the backend lost sight of; `None` if it never does.
    pub(super) fn resolver(&self) -> Option<Resolver> {
        match self {
            Self::Ptrace(_) => None,
            Self::Kernel(kernel) => Some(kernel.resolver()),
        }
    }

    /// How long to wait after it was announced that there are observations. The rings of the kernel backend let
    /// them gather themselves.
    pub(super) fn gathering(&self) -> Duration {
        match self {
            Self::Ptrace(_) => GATHERING,
            Self::Kernel(_) => Duration::ZERO,
        }
    }

    /// How long to wait if nothing is announced; `None` if everything is.
    pub(super) fn interval(&self) -> Option<Duration> {
        match self {
            Self::Ptrace(_) => None,
            Self::Kernel(kernel) => kernel.interval(),
        }
    }

    /// Whether no further observation will come than those that wait to be drained.
    pub(super) fn is_over(&self) -> bool {
        match self {
            Self::Ptrace(watch) => watch.is_over(),
            Self::Kernel(kernel) => kernel.is_over(),
        }
    }

    /// Looks at the command after SIGCHLD came.
    pub(super) fn on_child(&mut self) {
        match self {
            // The tracer has a thread that waits for it.
            Self::Ptrace(_) => {}
            Self::Kernel(kernel) => kernel.look(),
        }
    }

    /// The pid of the command, when one was started.
    pub(super) fn command_pid(&self) -> Option<i32> {
        match self {
            Self::Ptrace(watch) => watch.command_pid(),
            Self::Kernel(kernel) => Some(kernel.command().pid()),
        }
    }

    /// Whether the command is stopped.
    pub(super) fn command_is_stopped(&self) -> bool {
        match self {
            Self::Ptrace(watch) => watch.command_stopped().is_some(),
            Self::Kernel(kernel) => kernel.command().stopped().is_some(),
        }
    }

    /// Whether the command has ended. Descendants may still be watched.
    pub(super) fn command_is_over(&self) -> bool {
        match self {
            Self::Ptrace(watch) => watch.command_ended().is_some(),
            Self::Kernel(kernel) => kernel.command().is_over(),
        }
    }

    /// How the command ended.
    pub(super) fn ending(&self) -> Option<Ending> {
        match self {
            Self::Ptrace(watch) => watch.command_ended(),
            Self::Kernel(kernel) => kernel.ending(),
        }
    }

    /// Why the command could not be executed after it had been started.
    pub(super) fn exec_failure(&self) -> Option<ExecFailure> {
        match self {
            Self::Ptrace(watch) => watch.exec_failure(),
            Self::Kernel(kernel) => kernel.command().exec_failure(),
        }
    }

    /// Whether this process is one of the watched; `None` if that can only be said after a drain.
    pub(super) fn watches(&self, pid: i32) -> Option<bool> {
        match self {
            Self::Ptrace(_) => Some(signals::is_tracee(pid)),
            Self::Kernel(kernel) => kernel.has_seen(pid).then_some(true),
        }
    }

    /// The request to the kernel that failed last although the tracee lived, with its error number.
    pub(super) fn last_refused_request(&self) -> Option<(&'static str, i32)> {
        match self {
            Self::Ptrace(watch) => watch.last_refused_request(),
            Self::Kernel(_) => None,
        }
    }

    /// What the tracer can be told to leave out; `None` for a backend that is told otherwise.
    pub(super) fn filters(&self) -> Option<Arc<FilterTable>> {
        match self {
            Self::Ptrace(watch) => Some(watch.filters()),
            Self::Kernel(_) => None,
        }
    }

    /// Where discarders go.
    pub(super) fn sink(&self) -> Sink {
        match self {
            Self::Ptrace(watch) => Sink::Ptrace(watch.filters()),
            Self::Kernel(kernel) => Sink::Kernel(kernel.filters()),
        }
    }

    pub(super) fn counters(&self) -> Counters {
        match self {
            Self::Ptrace(watch) => watch.counters(),
            Self::Kernel(kernel) => kernel.counters(),
        }
    }

    /// Which backend it is.
    pub(super) fn origin(&self) -> Origin {
        match self {
            Self::Ptrace(_) => Origin::Ptrace,
            Self::Kernel(_) => Origin::Kernel,
        }
    }

    pub(super) fn stop(&mut self) {
        match self {
            Self::Ptrace(watch) => watch.stop(),
            Self::Kernel(kernel) => kernel.stop(),
        }
    }
}
