//! A command that is just a child of this process: reaped, and known to be stopped, by way of SIGCHLD.
//!
//! A tracer learns of its tracees' stops and ends by tracing. Here the kernel tells a parent. The signal is
//! taken from a descriptor, as all others are ([`super::signals`]), but from one of its own: under ptrace it
//! would come with every stop, and nobody needs it.

#![allow(unsafe_code, reason = "the disposition of SIGCHLD is set through nix, whose function is unsafe for handlers")]

use std::io;
use std::os::fd::{AsRawFd as _, RawFd};

use lapwing_common::backend::Ending;
use lapwing_ptrace::ExecFailure;
use lapwing_ptrace::spawn::{self, ExecOutcome};
use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use rustix::io::Errno;
use rustix::process::{Pid, WaitOptions, WaitStatus, wait, waitpid};

/// SIGCHLD, blocked and taken from a descriptor for as long as this lives.
#[derive(Debug)]
pub(super) struct Notices {
    descriptor: SignalFd,
}

impl Notices {
    /// Call it before there are other threads, which inherit the blocking, and before there is a child.
    pub(super) fn take() -> io::Result<Self> {
        let set = SigSet::from(Signal::SIGCHLD);
        // Whoever started Lapwing may have ignored it, and then children would leave no status (wait(2)).
        // SAFETY: the default action is no handler, so there is nothing that could be unsafe in one.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }?;
        set.thread_block()?;
        let descriptor = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { descriptor })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Notices say that there is something to ask for, not what: several may have been merged into one.
    fn clear(&self) {
        while matches!(self.descriptor.read_signal(), Ok(Some(_))) {}
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        // Fails for an invalid set only.
        let _ = SigSet::from(Signal::SIGCHLD).thread_unblock();
    }
}

/// The command.
#[derive(Debug)]
pub(super) struct Child {
    pid: i32,
    notices: Notices,
    outcome: ExecOutcome,
    state: State,
    failure: Option<ExecFailure>,
    /// Lapwing is the first process of its pid namespace, and so inherits its orphans.
    is_init: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Runs,
    /// By this signal.
    Stopped(i32),
    /// `None` if somebody else has taken its status.
    Ended(Option<Ending>),
}

impl Child {
    pub(super) fn new(child: spawn::Child, notices: Notices) -> Self {
        let is_init = std::process::id() == 1;
        Self { pid: child.pid, notices, outcome: child.outcome, state: State::Runs, failure: None, is_init }
    }

    pub(super) fn pid(&self) -> i32 {
        self.pid
    }

    /// Finds out what has become of it. To be called when the descriptor of the notices is readable.
    pub(super) fn look(&mut self) {
        self.notices.clear();
        let options = WaitOptions::NOHANG | WaitOptions::UNTRACED | WaitOptions::CONTINUED;
        loop {
            let found = if self.is_init { wait(options) } else { waitpid(Pid::from_raw(self.pid), options) };
            match found {
                Ok(Some((pid, status))) if pid.as_raw_pid() == self.pid => self.note(status),
                // An orphan, which has been reaped by that.
                Ok(Some(_)) | Err(Errno::INTR) => {}
                Ok(None) => return,
                Err(_) => {
                    if !self.is_over() {
                        self.state = State::Ended(None);
                    }
                    return;
                }
            }
            if self.is_over() && !self.is_init {
                return;
            }
        }
    }

    fn note(&mut self, status: WaitStatus) {
        let ending = status.exit_status().map(Ending::Exited).or(status.terminating_signal().map(Ending::Signaled));
        self.state = match (ending, status.stopping_signal()) {
            (Some(_), _) => State::Ended(ending),
            (None, Some(signal)) => State::Stopped(signal),
            (None, None) => State::Runs,
        };
        if self.is_over() {
            self.failure = self.outcome.failure();
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Ended(_))
    }

    pub(super) fn ending(&self) -> Option<Ending> {
        if let State::Ended(ending) = self.state { ending } else { None }
    }

    /// The signal that has stopped it.
    pub(super) fn stopped(&self) -> Option<i32> {
        if let State::Stopped(signal) = self.state { Some(signal) } else { None }
    }

    /// Why the command was not executed.
    pub(super) fn exec_failure(&self) -> Option<ExecFailure> {
        self.failure
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use lapwing_ptrace::Command;
    use lapwing_ptrace::spawn::Launch;
    use mio::unix::SourceFd;
    use mio::{Events, Interest, Poll, Token};

    use super::*;

    /// Starts a shell's script and follows it: after each notice that changed something, `each` is asked.
    ///
    /// In a thread of its own, whose children and mask are nobody else's.
    fn follow(script: &'static str, mut each: impl FnMut(&Child) + Send + 'static) -> Child {
        std::thread::spawn(move || {
            let notices = Notices::take().unwrap();
            let mut poll = Poll::new().unwrap();
            poll.registry().register(&mut SourceFd(&notices.descriptor()), Token(0), Interest::READABLE).unwrap();
            let command = Command { program: "sh".into(), arguments: vec!["-c".into(), script.into()] };
            let mut child = Child::new(Launch::of(&command).unwrap().hold().unwrap().release().unwrap(), notices);
            let mut events = Events::with_capacity(1);
            while !child.is_over() {
                // Notices go to any thread that has not blocked them, of which the test runner has some.
                poll.poll(&mut events, Some(Duration::from_millis(5))).unwrap();
                let before = child.state;
                child.look();
                if child.state != before {
                    each(&child);
                }
            }
            child
        })
        .join()
        .unwrap()
    }

    #[test]
    fn its_end_is_known_by_status_or_signal() {
        assert_eq!(follow("exit 7", |_| {}).ending(), Some(Ending::Exited(7)));
        assert_eq!(follow("kill -TERM $$", |_| {}).ending(), Some(Ending::Signaled(libc::SIGTERM)));
        // nix and the standard library have no name for it.
        assert_eq!(follow("kill -40 $$", |_| {}).ending(), Some(Ending::Signaled(40)));
        assert_eq!(follow("exit 127", |_| {}).exec_failure(), None);
    }

    #[test]
    fn its_stops_are_known_and_their_ends() {
        let child = follow("kill -STOP $$; exit 3", |child| {
            if let Some(signal) = child.stopped() {
                assert_eq!((signal, child.ending()), (libc::SIGSTOP, None));
                super::super::signals::send(child.pid(), libc::SIGCONT).unwrap();
            }
        });
        assert_eq!((child.ending(), child.stopped()), (Some(Ending::Exited(3)), None));
    }

    #[test]
    fn a_status_that_somebody_else_took_is_not_waited_for() {
        let child = follow("exit 0", |_| {});
        let mut again = Child { state: State::Runs, ..child };
        again.look();
        assert!(again.is_over() && again.ending().is_none());
    }
}
