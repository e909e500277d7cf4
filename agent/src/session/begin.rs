//! Beginning a watch: which backend, and what becomes of the choice when one does not work.

use std::sync::Arc;

use lapwing_common::discard::Filters;
use lapwing_common::event::Origin;
use lapwing_common::process::ArgumentLimits;
use lapwing_kernel::features;
use lapwing_ptrace::{Command, Options, Pacing, Watch};
use mio::unix::SourceFd;
use mio::{Interest, Poll, Waker};
use rustix::process::{getpriority_process, setpriority_process};

use super::kernel::Ready;
use super::source::Source;
use super::{CHILD, OBSERVATIONS, SessionError, system};
use crate::config::{CaptureConfig, Choice};
use crate::console::Console;

/// By how much the nice value of a reader of rings is below its command's: some ten times its share of a CPU.
const SOONER: i32 = 10;

/// What a watch is begun with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stage<'a> {
    pub(super) capture: &'a CaptureConfig,
    pub(super) poll: &'a Poll,
    pub(super) waker: &'a Arc<Waker>,
    pub(super) console: Console,
}

impl Stage<'_> {
    /// Starts a command under the backend that is asked for.
    pub(super) fn run(self, command: &Command, choice: Choice) -> Result<Source, SessionError> {
        match choice {
            Choice::Kernel => {
                if let Some(refusal) = features::glance().refusal() {
                    return Err(SessionError::NoKernel(refusal));
                }
                let source = self.kernel(command)?;
                self.console.debug("observing with the kernel backend, as asked for");
                Ok(source)
            }
            Choice::Ptrace { why } => {
                self.console.debug(format_args!("observing with ptrace, {why}"));
                self.ptrace(command)
            }
            Choice::Auto => self.either(command),
        }
    }

    /// Attaches to processes that run.
    pub(super) fn attach(self, pids: &[i32]) -> Result<Source, SessionError> {
        Ok(Source::Ptrace(Watch::attach(pids, self.options())?))
    }

    fn either(self, command: &Command) -> Result<Source, SessionError> {
        // Trying everything takes longer than many a command: what a glance leaves open, beginning tells.
        if let Err(blockers) = features::glance().usable() {
            let names: Vec<_> = blockers.iter().map(|finding| finding.name).collect();
            self.console.info(format_args!(
                "observing with ptrace: the kernel backend cannot run here, for want of {}",
                names.join(", ")
            ));
            return self.ptrace(command);
        }
        match self.kernel(command) {
            Ok(source) => {
                self.console.info("observing with the kernel backend: it works here, and does not stop the command");
                Ok(source)
            }
            // Which no backend can start.
            Err(error @ SessionError::Command(_)) => Err(error),
            // The command has not run: it was still held.
            Err(error) => {
                self.console.warn(format_args!("observing with ptrace instead: {error}"));
                if let Some(log) = error.log() {
                    self.console.debug(format_args!("what the kernel's verifier said:\n{log}"));
                }
                self.ptrace(command)
            }
        }
    }

    /// Starts a command under ptrace.
    pub(super) fn ptrace(self, command: &Command) -> Result<Source, SessionError> {
        let watch = Watch::spawn(command, self.options())?;
        self.filter(Origin::Ptrace, &*watch.filters());
        Ok(Source::Ptrace(watch))
    }

    /// Has the backend leave out what no rule could match. Where that does not work, there is more to look at.
    fn filter<F: Filters>(&self, origin: Origin, filters: &F) {
        for (_, approval) in self.capture.approvals.iter().filter(|(of, _)| *of == origin) {
            if let Err(error) = filters.set_policy(approval.event, approval.policy.clone()) {
                self.console.warn(format_args!("all {} events are looked at: {error}", approval.event));
            }
        }
    }

    fn kernel(self, command: &Command) -> Result<Source, SessionError> {
        let CaptureConfig { plan, keep, .. } = self.capture;
        let options = lapwing_kernel::Options { plan: *plan, keep: keep.clone(), arguments: ArgumentLimits::default() };
        let ready = Ready::new(command, options)?;
        for (descriptor, token) in [(ready.observations(), OBSERVATIONS), (ready.notices(), CHILD)] {
            self.poll
                .registry()
                .register(&mut SourceFd(&descriptor), token, Interest::READABLE)
                .map_err(system("wait for the command"))?;
        }
        self.filter(Origin::Kernel, &*ready.filters());
        let kernel = ready.go(self.console)?;
        // Not earlier: until now, ptrace might have had to take over.
        match kernel.give_up_rights() {
            Ok(kept) if kept.is_empty() => self.console.debug("gave up the rights to use BPF"),
            Ok(kept) => self.console.debug(format_args!(
                "kept {} of the rights to use BPF: this kernel wants that for reading counters",
                kept.join(", ")
            )),
            Err(error) => self.console.warn(format_args!("cannot give up the rights to use BPF: {error}")),
        }
        match hurry() {
            Ok(nice) => self.console.debug(format_args!("running at nice value {nice}")),
            Err(error) => self.console.debug(format_args!("running no sooner than the command: {error}")),
        }
        Ok(Source::Kernel(Box::new(kernel)))
    }

    fn options(self) -> Options {
        let wake = Arc::clone(self.waker);
        Options {
            plan: self.capture.plan,
            interest: self.capture.interest.clone(),
            on_tracer_death: self.capture.on_tracer_death,
            keep: self.capture.keep.clone(),
            arguments: ArgumentLimits::default(),
            pacing: Pacing::default(),
            // A failure would be one to write to an eventfd of our own.
            wake: Arc::new(move || drop(wake.wake())),
        }
    }
}

/// Has this thread run sooner than what it observes: nobody waits for it, so that a command of many processes would
/// leave it too little time, and it would lose what they do. Takes the right to (`CAP_SYS_NICE`). Returns the new
/// nice value.
fn hurry() -> rustix::io::Result<i32> {
    let nice = getpriority_process(None)? - SOONER;
    setpriority_process(None, nice)?;
    Ok(nice.max(-20))
}
