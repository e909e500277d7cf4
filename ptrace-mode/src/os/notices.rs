//! Being told of wait statuses by a descriptor, for a tracer that waits for more than them.
//!
//! The kernel sends SIGCHLD to the tracer's process with every status. It is taken from a signalfd, which works only if
//! no thread of this process would take it first: so it has to be blocked in all of them, which is looked at rather than
//! hoped for. Threads that are made later inherit it.

#![allow(unsafe_code, reason = "the disposition of SIGCHLD is set through nix, whose function is unsafe for handlers")]

use std::os::fd::{AsFd, BorrowedFd};

use nix::sys::signal::{SigHandler, SigSet, Signal, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// A descriptor that is readable when there may be wait statuses.
#[derive(Debug)]
pub(crate) struct Notices {
    descriptor: SignalFd,
}

impl Notices {
    /// Blocks SIGCHLD in the calling thread. `None` if another thread of this process could take it away.
    pub(crate) fn take() -> Option<Self> {
        let set = SigSet::from(Signal::SIGCHLD);
        // Ignored, as it may have been inherited, it would not even be sent.
        // SAFETY: no handler is installed.
        unsafe { signal(Signal::SIGCHLD, SigHandler::SigDfl) }.ok()?;
        set.thread_block().ok()?;
        if !is_blocked_everywhere() {
            let _ = set.thread_unblock();
            return None;
        }
        let descriptor = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC).ok()?;
        Some(Self { descriptor })
    }

    /// Takes what has come. To be called before the statuses are asked for.
    pub(crate) fn clear(&self) {
        // Several that come together are one; an error is that there is none.
        let _ = self.descriptor.read_signal();
    }
}

impl AsFd for Notices {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Whether every thread of this process blocks SIGCHLD: `SigBlk` of `/proc/PID/task/TID/status` (proc(5)).
fn is_blocked_everywhere() -> bool {
    let Ok(mut threads) = std::fs::read_dir("/proc/self/task") else { return false };
    threads.all(|thread| {
        let status = thread.and_then(|thread| std::fs::read_to_string(thread.path().join("status")));
        let mask = status.ok().as_deref().and_then(|status| {
            let line = status.lines().find_map(|line| line.strip_prefix("SigBlk:"))?;
            u64::from_str_radix(line.trim(), 16).ok()
        });
        mask.is_some_and(|mask| mask & 1 << (libc::SIGCHLD - 1) != 0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_would_take_the_signal_is_noticed() {
        // The test runner's own thread blocks nothing.
        assert!(Notices::take().is_none() && !is_blocked_everywhere());
        assert!(!SigSet::thread_get_mask().unwrap().contains(Signal::SIGCHLD));
    }
}
