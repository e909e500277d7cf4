//! Putting a filter on the calling thread, between `fork` and `execve`.
//!
//! A raw call, because only async-signal-safe code may run there. The filter is an observer and not a
//! sandbox, so it asks the kernel (4.17 and later, of use before 5.16) not to slow the program
//! down with the speculation barriers that a sandbox gets.

#![allow(unsafe_code, reason = "seccomp(2) has no wrapper in libc")]

use libc::{c_ulong, sock_filter, sock_fprog};
use nix::errno::Errno;

/// Puts the filter on the calling thread, for itself and all it will start.
///
/// # Errors
///
/// EACCES without CAP_SYS_ADMIN and without `no_new_privs`; EINVAL or ENOSYS where seccomp is not
/// available; ENOMEM when the filters of all layers together are too long.
pub fn install(program: &[sock_filter]) -> Result<(), Errno> {
    let length = u16::try_from(program.len()).map_err(|_too_long| Errno::EINVAL)?;
    let program = sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    match set_filter(libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW, &program) {
        Err(Errno::EINVAL) => set_filter(0, &program),
        result => result,
    }
}

fn set_filter(flags: c_ulong, program: &sock_fprog) -> Result<(), Errno> {
    let mode = c_ulong::from(libc::SECCOMP_SET_MODE_FILTER);
    // SAFETY: `program` points to a live slice of as many instructions as it says, which the kernel
    // copies and does not change.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, mode, flags, std::ptr::from_ref(program)) };
    if result == 0 { Ok(()) } else { Err(Errno::last()) }
}
