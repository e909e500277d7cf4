//! Watching a command by the kernel backend: the command is a child that nobody traces.
//!
//! It is held before its `execve` until the programs are attached, so that its first call is seen, and never
//! runs if they cannot be. Should observing fail later, the command goes on: it owes nothing to Lapwing.

use std::os::fd::{AsRawFd as _, RawFd};
use std::sync::Arc;
use std::time::Duration;

use lapwing_common::backend::{Backend as _, Counters, Ending, Progress};
use lapwing_common::process::Resolver;
use lapwing_common::record::{Observation, Sighting};
use lapwing_kernel::{CapsError, FilterMaps, Options, Scope, Watch};
use lapwing_ptrace::Command;
use lapwing_ptrace::spawn::Launch;

use super::child::{Child, Notices};
use super::members::Members;
use super::{SessionError, system};
use crate::console::Console;

/// A watch and the command that it watches.
#[derive(Debug)]
pub(super) struct Kernel {
    watch: Watch,
    child: Child,
    members: Members,
    /// The command has not been executed yet: what the child does is Lapwing's doing.
    launching: bool,
    /// The watch will have nothing more.
    exhausted: bool,
    /// Why it has not.
    failure: Option<String>,
    console: Console,
}

/// A command that is watched and not yet let go.
pub(super) struct Ready {
    watch: Watch,
    held: lapwing_ptrace::spawn::Held,
    notices: Notices,
}

impl Ready {
    /// Prepares the command's process, and watches it.
    pub(super) fn new(command: &Command, options: Options) -> Result<Self, SessionError> {
        let launch = Launch::of(command)?;
        let notices = Notices::take().map_err(system("take over SIGCHLD"))?;
        let held = launch.hold().map_err(SessionError::Process)?;
        let watch = Watch::begin(Scope::Command(held.pid()), options).map_err(SessionError::StartKernel)?;
        Ok(Self { watch, held, notices })
    }

    /// What the programs are to leave out.
    pub(super) fn filters(&self) -> Arc<FilterMaps> {
        self.watch.filters()
    }

    /// Readable when observations wait.
    pub(super) fn observations(&self) -> RawFd {
        self.watch.as_raw_fd()
    }

    /// Readable when something has become of the command.
    pub(super) fn notices(&self) -> RawFd {
        self.notices.descriptor()
    }

    /// Lets the command run.
    pub(super) fn go(self, console: Console) -> Result<Kernel, SessionError> {
        let Self { watch, held, notices } = self;
        if let Some(why) = watch.unseen() {
            console.info(format_args!("operations of io_urings are not seen: {why}"));
        }
        let members = Members::of(held.pid());
        let child = Child::new(held.release().map_err(SessionError::Process)?, notices);
        Ok(Kernel { watch, child, members, launching: true, exhausted: false, failure: None, console })
    }
}

impl Kernel {
    /// Finished is what has neither a command nor observations any more.
    pub(super) fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, SessionError> {
        let Self { watch, members, launching, .. } = self;
        let command = self.child.pid();
        if !self.exhausted {
            members.begin();
            let drained = watch.drain(&mut |observation| {
                members.observe(&observation);
                if observation.task.pid.0 == command && is_before_exec(launching, &observation.what) {
                    return;
                }
                each(observation);
            });
            match drained {
                Ok(Progress::Watching) => {}
                Ok(Progress::Finished(_)) => self.exhausted = true,
                Err(error) => {
                    self.exhausted = true;
                    self.failure = Some(error.to_string());
                    self.console.warn(format_args!("cannot go on watching: {error}; the command runs on unobserved"));
                }
            }
        }
        match &self.failure {
            _ if !self.is_over() => Ok(Progress::Watching),
            Some(failure) => Err(SessionError::Kernel(failure.clone())),
            None => Ok(Progress::Finished(self.child.ending())),
        }
    }

    /// See [`Watch::read_calls`].
    pub(super) fn read_calls(&mut self) {
        self.watch.read_calls();
    }

    /// Whether no further observation will come, and the command has ended.
    pub(super) fn is_over(&self) -> bool {
        self.exhausted && self.child.is_over()
    }

    /// See [`Watch::give_up_rights`].
    pub(super) fn give_up_rights(&self) -> Result<Vec<String>, CapsError> {
        self.watch.give_up_rights()
    }

    /// When to drain again, if nothing comes before.
    pub(super) fn interval(&self) -> Option<Duration> {
        (!self.exhausted).then(|| self.watch.interval())
    }

    pub(super) fn resolver(&self) -> Resolver {
        self.watch.resolver()
    }

    pub(super) fn command(&self) -> &Child {
        &self.child
    }

    /// Looks at the command after a notice.
    pub(super) fn look(&mut self) {
        self.child.look();
    }

    /// What the programs leave out.
    pub(super) fn filters(&self) -> Arc<FilterMaps> {
        self.watch.filters()
    }

    /// How it ended.
    pub(super) fn ending(&self) -> Option<Ending> {
        self.child.ending()
    }

    /// Whether a process was seen to belong to the command's tree, up to what was drained last.
    pub(super) fn has_seen(&self, pid: i32) -> bool {
        self.members.contains(pid)
    }

    pub(super) fn counters(&self) -> Counters {
        self.watch.counters()
    }

    pub(super) fn stop(&mut self) {
        self.watch.stop();
    }
}

/// Whether the child has done this as Lapwing's child, not as the command: a refused `execve`, and its end after
/// that. Neither is an event, as it is none under ptrace; Lapwing itself reports it.
fn is_before_exec(launching: &mut bool, what: &Sighting) -> bool {
    let before = match what {
        Sighting::Exec(record) => !record.succeeded(),
        Sighting::Exit { .. } => true,
        Sighting::Running(_) => return false,
        _ => false,
    };
    *launching &= before;
    *launching
}

#[cfg(test)]
mod tests {
    use lapwing_common::event::ExitCause;
    use lapwing_common::ids::Pid;

    use super::*;

    #[test]
    fn the_end_of_a_child_that_never_became_the_command_is_no_event() {
        let exit = Sighting::Exit { cause: ExitCause::Exited, code: 127 };
        let mut launching = true;
        assert!(is_before_exec(&mut launching, &exit) && launching);
        // Whatever else is seen of it, it has become the command, even if that itself was not seen.
        assert!(!is_before_exec(&mut launching, &Sighting::Fork { child: Pid(2) }));
        assert!(!is_before_exec(&mut launching, &exit));
    }
}
