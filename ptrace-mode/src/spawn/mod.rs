//! Starting a command that is to be observed from its first call on: fork, wait, `execve`.
//!
//! Not `std::process::Command`: its hooks run before `execve` but cannot wait for the observer in
//! between without blocking the spawning thread, and that thread is the tracer. So the child waits on
//! a pipe ([`Held`]) until whoever observes is ready. For the tracer ([`Launch::start`]) it is seized
//! meanwhile, and takes the filter afterwards: `PTRACE_SEIZE` rather than `PTRACE_TRACEME`, because only
//! seized tracees have well-defined group-stops. An observer that does not trace does what it has to
//! between [`Launch::hold`] and [`Held::release`].

#![allow(unsafe_code, reason = "fork")]

mod child;
mod command;
mod handover;
mod held;
mod inherited;
mod resolve;

use std::ffi::{CStr, CString, c_char};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr;

use caps::{CapSet, Capability};
use libc::sock_filter;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::pipe2;
use pete::ptracer::Options;
use thiserror::Error;

use crate::os::request::{self, RequestError};

pub use child::Step;
pub use command::CommandError;
pub use handover::{Arrival, Handover};
pub use held::Held;
pub use inherited::Inherited;
pub use resolve::{ResolveError, resolve_command};

/// A command to start.
#[derive(Clone, Debug)]
pub struct Launch {
    /// The file to execute, as [`resolve_command`] finds it. One without a `#!` line that is not a
    /// binary either is given to `/bin/sh`, as `execvp` does.
    pub program: CString,
    /// Its arguments, the zeroth included.
    pub argv: Vec<CString>,
    /// Its environment, as `NAME=value`.
    pub envp: Vec<CString>,
    /// The seccomp filter to put on it, for when it is traced.
    pub filter: Option<Vec<sock_filter>>,
    /// Whether the filter has a listener, which the child hands over.
    pub listening: bool,
    /// Whether to set `no_new_privs` first, see [`needs_no_new_privs`].
    pub no_new_privs: bool,
    /// The signal mask and dispositions it begins with.
    pub inherited: Inherited,
    /// What to trace, when it is traced.
    pub options: Options,
}

/// A started command. It runs; its `execve` is still to come.
#[derive(Debug)]
pub struct Child {
    /// Its pid, in the pid namespace of this process.
    pub pid: i32,
    /// Tells after the child's end whether and why there was no `execve`.
    pub outcome: ExecOutcome,
    /// Where the listener of its filter arrives, if it has one.
    pub handover: Option<Handover>,
}

/// The end of a pipe by which the child tells why it could not become the command.
#[derive(Debug)]
pub struct ExecOutcome {
    pipe: File,
}

/// Why a child could not become the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{step}: {errno}")]
pub struct ExecFailure {
    /// What failed.
    pub step: Step,
    /// The kernel's answer.
    pub errno: Errno,
}

impl ExecFailure {
    /// What a shell would exit with: 127 when there is no such command, else 126.
    #[must_use]
    pub fn exit_code(&self) -> i32 {
        child::exit_code(self.errno)
    }
}

/// Why there is no child.
#[derive(Debug, Error)]
pub enum SpawnError {
    /// A pipe could not be made or used.
    #[error("a pipe to the child: {0}")]
    Pipe(io::Error),
    /// There can be no further process.
    #[error("fork: {0}")]
    Fork(Errno),
    /// Tracing is forbidden: Lapwing's children are traced already (a debugger, another Lapwing), Yama's
    /// `ptrace_scope` is 3, or a container's seccomp profile has no ptrace.
    #[error("the kernel forbids tracing the command: {errno}")]
    PtraceForbidden {
        /// The kernel's answer.
        errno: Errno,
    },
}

impl Launch {
    /// Makes the process, which then waits, untraced, until it is released.
    ///
    /// # Errors
    ///
    /// [`SpawnError::Pipe`] and [`SpawnError::Fork`].
    pub fn hold(&self) -> Result<Held, SpawnError> {
        let (gate, opener) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| SpawnError::Pipe(errno.into()))?;
        let (report, reporter) = pipe2(OFlag::O_CLOEXEC).map_err(|errno| SpawnError::Pipe(errno.into()))?;
        // Lapwing polls this end. The flag belongs to the open file, so only to this end.
        fcntl(&report, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).map_err(|errno| SpawnError::Pipe(errno.into()))?;
        let (handover, sender) = if self.listening { handover::pair().map(Some)? } else { None }.unzip();
        let pid = self.fork(&gate, &opener, &reporter, sender.as_ref())?;
        Ok(Held::new(pid, opener.into(), report.into(), handover))
    }

    /// Starts the command, traced by the calling thread, which alone may then make ptrace requests.
    ///
    /// `seized` is run with the pid once the child is traced, while it still waits: for what has to be
    /// in place before its first own system call. Without a filter, that is an interrupt followed by
    /// a `syscall` request.
    ///
    /// Returns while the child is still on its way to `execve`, which may stop by its filter; so run the
    /// tracer's loop next.
    ///
    /// # Errors
    ///
    /// See [`SpawnError`]; no child is left behind.
    pub fn start(&self, seized: impl FnOnce(i32) -> Result<(), RequestError>) -> Result<Child, SpawnError> {
        let held = self.hold()?;
        request::seize(held.pid(), self.options)
            .and_then(|()| seized(held.pid()))
            .map_err(|refused| SpawnError::PtraceForbidden { errno: refused.errno })?;
        held.release()
    }

    fn fork(
        &self,
        gate: &OwnedFd,
        opener: &OwnedFd,
        reporter: &OwnedFd,
        sender: Option<&OwnedFd>,
    ) -> Result<i32, SpawnError> {
        // All memory the child needs is made here: after a fork in a threaded process, another thread may
        // have held the allocator's lock for ever.
        let argv = pointers(self.argv.iter().map(CString::as_c_str));
        let envp = pointers(self.envp.iter().map(CString::as_c_str));
        let arguments = self.argv.iter().skip(1).map(CString::as_c_str);
        let script = pointers([child::SHELL, &self.program].into_iter().chain(arguments));
        let plan = child::Plan {
            program: &self.program,
            argv: &argv,
            script: &script,
            envp: &envp,
            filter: self.filter.as_deref(),
            no_new_privs: self.no_new_privs,
            inherited: self.inherited,
            gate: gate.as_raw_fd(),
            opener: opener.as_raw_fd(),
            reporter: reporter.as_raw_fd(),
            sender: sender.map(AsRawFd::as_raw_fd),
        };
        // A signal between fork and the reset of dispositions would run Lapwing's handler in the child.
        let mask = inherited::block_all();
        // SAFETY: the child runs `child::run` only, which is async-signal-safe and does not return.
        let result = unsafe { libc::fork() };
        if result == 0 {
            child::run(&plan);
        }
        let errno = Errno::last();
        inherited::set_mask(mask);
        if result < 0 { Err(SpawnError::Fork(errno)) } else { Ok(result) }
    }
}

impl ExecOutcome {
    /// Why the child gave up, if it has said so by now; it then exits with [`ExecFailure::exit_code`].
    ///
    /// Does not block. `None` after the child's end means that the command was executed, or that the
    /// child was killed before that.
    pub fn failure(&mut self) -> Option<ExecFailure> {
        let mut message = [0; child::REPORT];
        match self.pipe.read(&mut message) {
            Ok(child::REPORT) => Some(child::decode(message)),
            // The end of the pipe or nothing in it yet.
            _ => None,
        }
    }
}

/// Whether a filter may only be installed with `no_new_privs` set, by which set-user-id programs lose
/// their effect: without CAP_SYS_ADMIN in the calling thread's user namespace.
#[must_use]
pub fn needs_no_new_privs() -> bool {
    !caps::has_cap(None, CapSet::Effective, Capability::CAP_SYS_ADMIN).unwrap_or(false)
}

/// The array of pointers that `execve` takes, for as long as the strings live.
fn pointers<'a>(strings: impl IntoIterator<Item = &'a CStr>) -> Vec<*const c_char> {
    strings.into_iter().map(CStr::as_ptr).chain([ptr::null()]).collect()
}

#[cfg(test)]
mod tests;
