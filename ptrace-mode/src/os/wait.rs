//! Waiting for tracees, and what their wait status means under `PTRACE_SEIZE`.
//!
//! Not `nix::wait`: it answers EINVAL for a stop by a real-time signal *after* the kernel has handed
//! the status out, so that tracee would stay stopped for good. Not one wait per tracee either (as
//! pete does): `waitpid(-1)` costs the same for one tracee as for a thousand.

#![allow(unsafe_code, reason = "waitpid is called through libc, see above")]

use nix::errno::Errno;
use thiserror::Error;

use super::signal::Signal;

/// What happened to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It ended by `exit`, with this code (0 to 255).
    Exited(i32),
    /// It was ended by a signal.
    Killed {
        /// The signal.
        signal: Signal,
        /// Whether a core was dumped.
        core_dumped: bool,
    },
    /// It stopped, and stays so until a ptrace request resumes it.
    Stopped(Stop),
    /// A group-stop of an untraced child ended; not asked for, and never needs an answer.
    Continued,
}

/// Why a tracee stopped; the names are those of ptrace(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At the entry to or the exit from a system call, after `PTRACE_SYSCALL`.
    SyscallTrap,
    /// At a system call that the seccomp filter traces.
    Seccomp,
    /// In `fork`; the event message is the new tid, as for the next two.
    Fork,
    /// In `vfork`.
    Vfork,
    /// In `clone`, for a thread or a process.
    Clone,
    /// In `execve`, at the new program's start; the event message is the tid before it.
    Exec,
    /// The child of a `vfork` has let its parent go.
    VforkDone,
    /// About to exit; the event message is the wait status.
    Exit,
    /// In group-stop: answer with `listen`, so that the stop holds as it would untraced.
    Group(Signal),
    /// A new tracee's first stop, an answer to `interrupt`, or the end of a group-stop. Also an event
    /// this build does not know, which like these needs no more than being resumed.
    Trap,
    /// About to receive a signal: answer by resuming with it.
    Signal(Signal),
}

/// Whether to sleep until something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitMode {
    /// Sleep.
    Block,
    /// Return at once.
    Poll,
}

/// Why there is no status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum WaitError {
    /// A signal of Lapwing's own came in; its handler has run. Look at what it left and wait again.
    #[error("waiting for tracees was interrupted by a signal")]
    Interrupted,
    /// No tracee and no child is left.
    #[error("there are no tracees to wait for")]
    NoTracees,
    /// The kernel refused, which is not expected.
    #[error("waitpid: {0}")]
    Failed(Errno),
}

/// `PTRACE_EVENT_STOP` of `linux/ptrace.h`; `libc` lacks it for Linux proper.
const EVENT_STOP: i32 = 128;
/// What `PTRACE_O_TRACESYSGOOD` sets in the signal of a syscall-stop.
const SYSGOOD: i32 = 0x80;

/// The next status of any tracee or child of this process; `None` in [`WaitMode::Poll`] when there
/// is none.
///
/// Children that other threads of Lapwing start are included: as the first process of a container
/// Lapwing has to reap orphans. So nothing else in the process may wait for a child of its own
/// while the tracer runs.
///
/// # Errors
///
/// See [`WaitError`]; the first two are part of normal life.
pub fn wait(mode: WaitMode) -> Result<Option<(i32, Status)>, WaitError> {
    wait_for(-1, mode)
}

/// As [`wait`], but for one thread only.
pub(crate) fn wait_for(tid: i32, mode: WaitMode) -> Result<Option<(i32, Status)>, WaitError> {
    let flags = match mode {
        WaitMode::Block => libc::__WALL,
        WaitMode::Poll => libc::__WALL | libc::WNOHANG,
    };
    let mut raw = 0;
    // SAFETY: `raw` is a valid place for one int, which is all that waitpid writes.
    match unsafe { libc::waitpid(tid, &raw mut raw, flags) } {
        0 => Ok(None),
        found if found > 0 => Ok(Some((found, Status::decode(raw)))),
        _ => Err(match Errno::last() {
            Errno::EINTR => WaitError::Interrupted,
            Errno::ECHILD => WaitError::NoTracees,
            errno => WaitError::Failed(errno),
        }),
    }
}

impl Status {
    /// Whether the thread is no more, and has been reaped.
    #[must_use]
    pub fn ended(&self) -> bool {
        matches!(self, Self::Exited(_) | Self::Killed { .. })
    }

    /// The meaning of a raw status as `waitpid` stores it.
    #[must_use]
    pub fn decode(raw: i32) -> Self {
        if libc::WIFEXITED(raw) {
            Self::Exited(libc::WEXITSTATUS(raw))
        } else if libc::WIFCONTINUED(raw) {
            Self::Continued
        } else if libc::WIFSTOPPED(raw) {
            // ptrace events add a byte above the stop signal, so WSTOPSIG is not enough.
            Self::Stopped(Stop::decode(raw >> 8))
        } else {
            Self::Killed { signal: Signal(libc::WTERMSIG(raw)), core_dumped: libc::WCOREDUMP(raw) }
        }
    }
}

impl Stop {
    /// `stop` is the status without its lowest byte: the signal, and above it the ptrace event.
    fn decode(stop: i32) -> Self {
        const SYSCALL: i32 = libc::SIGTRAP | SYSGOOD;
        let signal = stop & 0xff;
        match ((stop >> 8) & 0xff, signal) {
            (0, SYSCALL) => Self::SyscallTrap,
            (0, signal) => Self::Signal(Signal(signal)),
            (libc::PTRACE_EVENT_FORK, _) => Self::Fork,
            (libc::PTRACE_EVENT_VFORK, _) => Self::Vfork,
            (libc::PTRACE_EVENT_CLONE, _) => Self::Clone,
            (libc::PTRACE_EVENT_EXEC, _) => Self::Exec,
            (libc::PTRACE_EVENT_VFORK_DONE, _) => Self::VforkDone,
            (libc::PTRACE_EVENT_EXIT, _) => Self::Exit,
            (libc::PTRACE_EVENT_SECCOMP, _) => Self::Seccomp,
            (EVENT_STOP, signal) if Signal(signal).is_stop() => Self::Group(Signal(signal)),
            _ => Self::Trap,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Signal, Status, Stop};

    fn stopped(event: i32, signal: i32) -> Status {
        Status::decode(event << 16 | signal << 8 | 0x7f)
    }

    #[test]
    fn ends() {
        assert_eq!(Status::decode(0), Status::Exited(0));
        assert_eq!(Status::decode(0xff00), Status::Exited(255));
        assert_eq!(Status::decode(9), Status::Killed { signal: Signal(9), core_dumped: false });
        assert_eq!(Status::decode(0x80 | 11), Status::Killed { signal: Signal(11), core_dumped: true });
        assert_eq!(Status::decode(64), Status::Killed { signal: Signal(64), core_dumped: false });
        assert_eq!(Status::decode(0xffff), Status::Continued);
    }

    #[test]
    fn events() {
        for (event, stop) in [
            (1, Stop::Fork),
            (2, Stop::Vfork),
            (3, Stop::Clone),
            (4, Stop::Exec),
            (5, Stop::VforkDone),
            (6, Stop::Exit),
            (7, Stop::Seccomp),
            (128, Stop::Trap),
            (99, Stop::Trap),
        ] {
            assert_eq!(stopped(event, libc::SIGTRAP), Status::Stopped(stop), "event {event}");
        }
    }

    #[test]
    fn group_stops_keep_their_signal() {
        for signal in [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
            assert_eq!(stopped(128, signal), Status::Stopped(Stop::Group(Signal(signal))));
        }
    }

    #[test]
    fn signals_and_syscalls() {
        assert_eq!(stopped(0, libc::SIGTRAP | 0x80), Status::Stopped(Stop::SyscallTrap));
        for signal in [libc::SIGTRAP, libc::SIGSTOP, libc::SIGTERM, 32, 34, 64] {
            assert_eq!(stopped(0, signal), Status::Stopped(Stop::Signal(Signal(signal))), "signal {signal}");
        }
    }
}
