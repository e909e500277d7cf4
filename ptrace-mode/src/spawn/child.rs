//! What the child does between `fork` and `execve`.
//!
//! Lapwing has threads, so only async-signal-safe calls are made here: no allocation, no lock, no
//! panic. Whatever needs memory was prepared by the parent.

#![allow(unsafe_code, reason = "raw system calls are all there is after a fork")]

use std::ffi::{CStr, c_char};
use std::fmt;

use libc::sock_filter;
use nix::errno::Errno;

use super::{ExecFailure, Inherited, handover, inherited};
use crate::seccomp;

/// The byte by which the parent says: you are observed, go on.
pub(super) const GO: u8 = 1;
/// Length of a report: the step and the error number.
pub(super) const REPORT: usize = 8;
/// What runs a file the kernel cannot, as in `execvp`.
pub(super) const SHELL: &CStr = c"/bin/sh";

/// What a child was doing when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Setting `no_new_privs`.
    NoNewPrivs,
    /// Installing the seccomp filter.
    Filter,
    /// Executing the command.
    Exec,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoNewPrivs => "prctl(PR_SET_NO_NEW_PRIVS)",
            Self::Filter => "installing the seccomp filter",
            Self::Exec => "execve",
        })
    }
}

/// All that the child needs, in memory that the parent made.
pub(super) struct Plan<'a> {
    pub(super) program: &'a CStr,
    /// These three end with a null pointer.
    pub(super) argv: &'a [*const c_char],
    pub(super) script: &'a [*const c_char],
    pub(super) envp: &'a [*const c_char],
    pub(super) filter: Option<&'a [sock_filter]>,
    pub(super) no_new_privs: bool,
    pub(super) inherited: Inherited,
    pub(super) gate: i32,
    pub(super) opener: i32,
    pub(super) reporter: i32,
    /// Where to send the listener of the filter, if it is to have one.
    pub(super) sender: Option<i32>,
}

/// The child's whole life up to the command.
pub(super) fn run(plan: &Plan<'_>) -> ! {
    await_observer(plan);
    let (step, errno) = match become_command(plan) {
        (step, 0) => (step, libc::EINVAL),
        failure => failure,
    };
    let message = encode(step, errno);
    // SAFETY: `message` has as many bytes as are written. If the parent is gone, nobody needs them.
    unsafe { libc::write(plan.reporter, message.as_ptr().cast(), message.len()) };
    exit(exit_code(Errno::from_raw(errno)))
}

/// Waits until the parent is ready to observe this process, or is gone.
fn await_observer(plan: &Plan<'_>) {
    // SAFETY: a plain close of our copy of the parent's end: with it open, the parent's death would not
    // be seen.
    unsafe { libc::close(plan.opener) };
    let mut byte = 0_u8;
    // All signals are blocked, so that this is not interrupted.
    // SAFETY: one byte is read into `byte`.
    let read = unsafe { libc::read(plan.gate, (&raw mut byte).cast(), 1) };
    if read != 1 || byte != GO {
        exit(127);
    }
}

/// Returns only with what failed.
fn become_command(plan: &Plan<'_>) -> (Step, i32) {
    inherited::restore_dispositions(plan.inherited);
    // SAFETY: takes no pointers.
    if plan.no_new_privs && unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return (Step::NoNewPrivs, Errno::last_raw());
    }
    if let Some(filter) = plan.filter
        && let Err(errno) = install(filter, plan.sender)
    {
        return (Step::Filter, errno as i32);
    }
    inherited::close_closed(plan.inherited);
    inherited::set_mask(plan.inherited.mask);
    // SAFETY: a C string, and arrays that end with null, whose strings outlive this call.
    unsafe { libc::execve(plan.program.as_ptr(), plan.argv.as_ptr(), plan.envp.as_ptr()) };
    let errno = Errno::last_raw();
    if errno != libc::ENOEXEC {
        return (Step::Exec, errno);
    }
    // SAFETY: as above.
    unsafe { libc::execve(SHELL.as_ptr(), plan.script.as_ptr(), plan.envp.as_ptr()) };
    (Step::Exec, Errno::last_raw())
}

fn install(filter: &[sock_filter], sender: Option<i32>) -> Result<(), Errno> {
    match sender {
        None => seccomp::install(filter),
        // Nothing is left here: the descriptor is closed once it is sent.
        Some(sender) => seccomp::install_listening(filter).and_then(|listener| handover::send(sender, listener)),
    }
}

fn exit(code: i32) -> ! {
    // SAFETY: ends the process without running anything of the parent's.
    unsafe { libc::_exit(code) }
}

/// What a shell would exit with.
pub(super) fn exit_code(errno: Errno) -> i32 {
    if matches!(errno, Errno::ENOENT | Errno::ENOTDIR) { 127 } else { 126 }
}

fn encode(step: Step, errno: i32) -> [u8; REPORT] {
    let step = match step {
        Step::NoNewPrivs => 1,
        Step::Filter => 2,
        Step::Exec => 3,
    };
    let [a, b, c, d] = errno.to_ne_bytes();
    [step, 0, 0, 0, a, b, c, d]
}

/// A report as the parent reads it.
pub(super) fn decode([step, _, _, _, a, b, c, d]: [u8; REPORT]) -> ExecFailure {
    let step = match step {
        1 => Step::NoNewPrivs,
        2 => Step::Filter,
        _ => Step::Exec,
    };
    ExecFailure { step, errno: Errno::from_raw(i32::from_ne_bytes([a, b, c, d])) }
}
