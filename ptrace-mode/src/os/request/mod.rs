//! The ptrace requests that the tracer makes, one function each.
//!
//! Through `libc` rather than `nix`: its resuming requests take only standard signals, and it has no
//! `PTRACE_LISTEN`. A tracee may be killed at any moment, even while stopped, so every request can
//! fail with ESRCH; [`RequestError::gone`] tells that from a mistake.

#![allow(unsafe_code, reason = "ptrace is a variadic function that writes through pointers")]

mod registers;
mod syscall_info;

use std::mem::MaybeUninit;
use std::ptr;

use libc::{c_long, c_void};
use nix::errno::Errno;
use pete::ptracer::Options;
use thiserror::Error;

use super::signal::Signal;

pub use registers::{call, set_argument, set_result, skip_syscall};
pub use syscall_info::{Op, SyscallInfo, syscall_info};

/// The C library's type for the number of a request.
#[cfg(target_env = "musl")]
type Code = libc::c_int;
/// The C library's type for the number of a request.
#[cfg(not(target_env = "musl"))]
type Code = libc::c_uint;

/// A refused request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{request} of thread {tid}: {errno}")]
pub struct RequestError {
    /// The request's name in ptrace(2).
    pub request: &'static str,
    /// The thread it was about.
    pub tid: i32,
    /// The kernel's answer.
    pub errno: Errno,
}

impl RequestError {
    /// Whether the tracee died, or was resumed by a SIGKILL, in the meantime: its end will be
    /// reported by a wait, and there is nothing else to do.
    #[must_use]
    pub fn gone(&self) -> bool {
        self.errno == Errno::ESRCH
    }
}

/// What the kernel knows about a signal on its way to a tracee.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignalInfo {
    /// The signal.
    pub signal: Signal,
    /// How it arose (`SI_USER`, `SI_TKILL`, `SI_KERNEL`, …); zero and below were sent by a process.
    pub code: i32,
    /// The sender, in the tracer's pid namespace. Only meaningful when [`SignalInfo::is_sent`].
    pub pid: i32,
    /// The sender's real user. Only meaningful when [`SignalInfo::is_sent`].
    pub uid: u32,
}

impl SignalInfo {
    /// Whether a process sent it, rather than a fault, a timer or a child's end causing it.
    #[must_use]
    pub fn is_sent(&self) -> bool {
        matches!(self.code, libc::SI_USER | libc::SI_QUEUE | libc::SI_TKILL | libc::SI_MESGQ)
    }
}

/// Makes a request. The only call of `ptrace` on our side.
///
/// # Safety
///
/// `addr` and `data` must be what this request takes: where it reads or writes memory of ours, they
/// must point to enough of it.
unsafe fn ask(
    request: Code,
    name: &'static str,
    tid: i32,
    addr: *mut c_void,
    data: *mut c_void,
) -> Result<c_long, RequestError> {
    // SAFETY: by this function's contract. Both arguments have the size of a register, as the
    // C library's `va_arg` expects.
    let result = unsafe { libc::ptrace(request, tid, addr, data) };
    if result < 0 { Err(RequestError { request: name, tid, errno: Errno::last() }) } else { Ok(result) }
}

/// A request whose two arguments are numbers or absent, so that no memory of ours is involved.
fn order(request: Code, name: &'static str, tid: i32, data: usize) -> Result<(), RequestError> {
    // SAFETY: called only with requests that take `data` by value and ignore `addr`.
    unsafe { ask(request, name, tid, ptr::null_mut(), ptr::without_provenance_mut(data)) }.map(drop)
}

/// The signal to deliver as a request's data; zero for none.
fn number(signal: Option<Signal>) -> usize {
    signal.and_then(|signal| usize::try_from(signal.0).ok()).unwrap_or(0)
}

/// Begins to trace a running thread, without stopping it.
///
/// # Errors
///
/// EPERM where the kernel forbids it: another tracer, Yama, or a container's seccomp profile.
pub fn seize(tid: i32, options: Options) -> Result<(), RequestError> {
    // The bits are a small positive mask.
    let bits = usize::try_from(options.bits()).unwrap_or(0);
    order(libc::PTRACE_SEIZE, "PTRACE_SEIZE", tid, bits)
}

/// Asks a running tracee to stop with [`Trap`](super::wait::Stop::Trap).
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn interrupt(tid: i32) -> Result<(), RequestError> {
    order(libc::PTRACE_INTERRUPT, "PTRACE_INTERRUPT", tid, 0)
}

/// Leaves a tracee in its group-stop, to be told when that ends.
///
/// # Errors
///
/// ESRCH when it is gone, EIO when it is not in group-stop any more.
pub fn listen(tid: i32) -> Result<(), RequestError> {
    order(libc::PTRACE_LISTEN, "PTRACE_LISTEN", tid, 0)
}

/// Resumes a tracee until its next event, and delivers the signal.
///
/// As with all resuming requests, a signal is only delivered after a [`Stop::Signal`]; the kernel drops
/// one given at another stop.
///
/// [`Stop::Signal`]: super::wait::Stop::Signal
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn cont(tid: i32, signal: Option<Signal>) -> Result<(), RequestError> {
    order(libc::PTRACE_CONT, "PTRACE_CONT", tid, number(signal))
}

/// Resumes a tracee until its next entry to or exit from a system call.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn syscall(tid: i32, signal: Option<Signal>) -> Result<(), RequestError> {
    order(libc::PTRACE_SYSCALL, "PTRACE_SYSCALL", tid, number(signal))
}

/// Resumes a stopped tracee and traces it no longer.
///
/// Its seccomp filter stays, and calls that the filter traces then fail with ENOSYS: detach only from
/// what has no filter of ours.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn detach(tid: i32, signal: Option<Signal>) -> Result<(), RequestError> {
    order(libc::PTRACE_DETACH, "PTRACE_DETACH", tid, number(signal))
}

/// The number that came with an event: a tid, an exit status, or the filter's data.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn event_message(tid: i32) -> Result<u64, RequestError> {
    let mut message: libc::c_ulong = 0;
    let data = (&raw mut message).cast();
    // SAFETY: the request writes one unsigned long, which `message` is.
    unsafe { ask(libc::PTRACE_GETEVENTMSG, "PTRACE_GETEVENTMSG", tid, ptr::null_mut(), data) }?;
    Ok(message)
}

/// What is known about the signal a tracee is about to receive. At other stops the kernel makes up
/// something about the stop, and [`SignalInfo::is_sent`] is false.
///
/// # Errors
///
/// ESRCH when it is gone.
pub fn siginfo(tid: i32) -> Result<SignalInfo, RequestError> {
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // SAFETY: the request writes one siginfo_t, for which `info` has room.
    unsafe { ask(libc::PTRACE_GETSIGINFO, "PTRACE_GETSIGINFO", tid, ptr::null_mut(), info.as_mut_ptr().cast()) }?;
    // SAFETY: zeroed before, so every byte is initialised, and the structure is integers throughout.
    let info = unsafe { info.assume_init() };
    Ok(SignalInfo {
        signal: Signal(info.si_signo),
        code: info.si_code,
        // SAFETY: reading integers of a union whose bytes are all initialised.
        pid: unsafe { info.si_pid() },
        // SAFETY: as above.
        uid: unsafe { info.si_uid() },
    })
}

#[cfg(test)]
mod tests;
