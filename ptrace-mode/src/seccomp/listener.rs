//! Calls that wait for an answer instead of a stop: the listener of a filter (seccomp_unotify(2)).
//!
//! A notification is two hand-overs as a stop is, but both are synchronous (`SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP`, Linux
//! 6.6): the listener is woken where the caller runs, and the caller where the listener does, so that no idle CPU has to
//! be woken. And it is one where a call that is followed to its end stops twice.
//!
//! What it cannot do is tell a result. So it is for calls that most likely nobody wants to hear of.

#![allow(unsafe_code, reason = "ioctls that fill structures, and a filter on a thread of our own")]

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use libc::{c_ulong, seccomp_notif, seccomp_notif_resp, sock_filter};
use nix::errno::Errno;

use super::install_listening;

/// `SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP` of linux/seccomp.h.
const SYNC_WAKE_UP: c_ulong = 1;
/// `ERESTARTNOINTR` of linux/errno.h: the call is made again, whatever signals are handled before. No program ever sees
/// it, if there is something to handle: a signal or a trap of the tracer.
const ERESTARTNOINTR: i32 = 513;

/// The end of a filter that answers.
#[derive(Debug)]
pub struct Listener {
    fd: OwnedFd,
}

/// A call that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Notification {
    id: u64,
    /// The thread, as numbered for Lapwing.
    pub tid: i32,
    /// The interface (`AUDIT_ARCH_*`).
    pub audit: u32,
    /// The number.
    pub number: u64,
    /// The arguments.
    pub args: [u64; 6],
}

impl Listener {
    /// Takes over a descriptor from [`install_listening`], whichever process made it.
    ///
    /// # Errors
    ///
    /// EINVAL before Linux 6.6, which has no synchronous waking.
    pub fn new(fd: OwnedFd) -> Result<Self, Errno> {
        // SAFETY: the request takes a number by value.
        Errno::result(unsafe { libc::ioctl(fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SET_FLAGS, SYNC_WAKE_UP) })?;
        Ok(Self { fd })
    }

    /// Takes a call that waits. To be asked when the descriptor is readable, since it waits for one otherwise.
    ///
    /// # Errors
    ///
    /// ENOENT when the call has been given up meanwhile (its thread was killed, or a signal came), or nobody is left.
    pub fn receive(&self) -> Result<Notification, Errno> {
        // SAFETY: integers throughout; the kernel wants it zeroed.
        let mut call: seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the request fills one such structure.
        Errno::result(unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call) })?;
        let seccomp_notif { id, pid, data, .. } = call;
        Ok(Notification {
            id,
            tid: i32::try_from(pid).unwrap_or(0),
            audit: data.arch,
            number: u64::from(data.nr.cast_unsigned()),
            args: data.args,
        })
    }

    /// Lets the call be made.
    ///
    /// # Errors
    ///
    /// ENOENT when its thread is gone.
    pub fn pass(&self, call: &Notification) -> Result<(), Errno> {
        self.answer(call, 0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE)
    }

    /// Has the thread make the call again. Only for a thread that was interrupted (`PTRACE_INTERRUPT`): it stops before
    /// it is back in its program, and that stop is what hides the error number.
    ///
    /// # Errors
    ///
    /// ENOENT when its thread is gone.
    pub fn restart(&self, call: &Notification) -> Result<(), Errno> {
        self.answer(call, -ERESTARTNOINTR, 0)
    }

    fn answer(&self, call: &Notification, error: i32, flags: c_ulong) -> Result<(), Errno> {
        let flags = u32::try_from(flags).unwrap_or(0);
        let mut answer = seccomp_notif_resp { id: call.id, val: 0, error, flags };
        // SAFETY: the request reads one such structure.
        Errno::result(unsafe { libc::ioctl(self.fd.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw mut answer) })
            .map(drop)
    }
}

impl AsFd for Listener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Whether a filter can have a listener here, with all that is needed of it. Tried on a thread that ends with its filter.
///
/// No where a filter that Lapwing itself runs under has one, which a container's supervisor may want.
#[must_use]
pub fn listeners_work(no_new_privs: bool) -> bool {
    let trial = move || {
        // SAFETY: takes no pointers; it holds for this thread.
        if no_new_privs && unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
            return false;
        }
        let code = u16::try_from(libc::BPF_RET | libc::BPF_K).unwrap_or(0);
        let everything = [sock_filter { code, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW }];
        install_listening(&everything).is_ok_and(|fd| Listener::new(owned(fd)).is_ok())
    };
    cfg!(target_arch = "x86_64")
        && std::thread::Builder::new().spawn(trial).is_ok_and(|thread| thread.join().unwrap_or(false))
}

fn owned(fd: RawFd) -> OwnedFd {
    // SAFETY: the kernel has just made it for the caller, so that nobody else owns it.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spawn::needs_no_new_privs;

    #[test]
    fn a_trial_leaves_nothing_behind() {
        let status = || std::fs::read_to_string("/proc/thread-self/status").unwrap();
        let relevant = |status: String| -> Vec<_> {
            status
                .lines()
                .filter(|line| line.starts_with("Seccomp") || line.starts_with("NoNewPrivs"))
                .map(str::to_owned)
                .collect()
        };
        let before = relevant(status());
        let works = listeners_work(needs_no_new_privs());
        assert_eq!((listeners_work(needs_no_new_privs()), relevant(status())), (works, before));
    }
}
