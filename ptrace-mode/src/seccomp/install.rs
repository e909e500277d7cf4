//! Putting a filter on the calling thread, between `fork` and `execve`.
//!
//! A raw call, because only async-signal-safe code may run there. The filter is an observer and not a
//! sandbox, so it asks the kernel (4.17 and later, of use before 5.16) not to slow the program
//! down with the speculation barriers that a sandbox gets.

#![allow(unsafe_code, reason = "seccomp(2) has no wrapper in libc")]

use std::os::fd::RawFd;

use libc::{c_long, c_ulong, sock_filter, sock_fprog};
use nix::errno::Errno;

/// Puts the filter on the calling thread, for itself and all it will start.
///
/// # Errors
///
/// EACCES without CAP_SYS_ADMIN and without `no_new_privs`; EINVAL or ENOSYS where seccomp is not
/// available; ENOMEM when the filters of all layers together are too long.
pub fn install(program: &[sock_filter]) -> Result<(), Errno> {
    match set_filter(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, program) {
        Err(Errno::EINVAL) => set_filter(0, program),
        result => result,
    }
    .map(drop)
}

/// Likewise, and returns the descriptor of its [listener](super::Listener), which is closed on `execve`. What waits
/// for an answer can from then on be killed, but not be interrupted, once the listener has taken the call.
///
/// # Errors
///
/// As [`install`], and EBUSY where a filter that is in force has a listener: there can be one only. EINVAL before
/// Linux 5.19.
pub fn install_listening(program: &[sock_filter]) -> Result<RawFd, Errno> {
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    let fd = set_filter(flags | libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, program)?;
    RawFd::try_from(fd).map_err(|_too_large| Errno::EBADF)
}

fn set_filter(flags: c_ulong, program: &[sock_filter]) -> Result<c_long, Errno> {
    let length = u16::try_from(program.len()).map_err(|_too_long| Errno::EINVAL)?;
    let program = sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    let mode = c_ulong::from(libc::SECCOMP_SET_MODE_FILTER);
    // SAFETY: `program` points to a live slice of as many instructions as it says, which the kernel
    // copies and does not change.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, &raw const program) };
    if result >= 0 { Ok(result) } else { Err(Errno::last()) }
}
