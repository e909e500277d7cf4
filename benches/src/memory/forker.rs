//! What `memory` watches: processes that come and go, one after the other, as fast as that goes.
//!
//! Most share memory with their parent and exit at once, as after `vfork`; every tenth executes `/bin/true`, so
//! that there are programs, arguments and files to forget too. The count goes to standard output now and then.

#![allow(unsafe_code, reason = "clone on a small stack: std and nix have nothing between fork and posix_spawn")]

use std::ffi::{c_char, c_void};
use std::io::{self, Write as _};
use std::ptr;

use anyhow::{Context as _, ensure};

/// Every such process executes a program.
const EXECUTES: u32 = 10;
/// After so many the count is told.
const TELLS: u32 = 1000;
/// Of a child that does not execute.
const STATUS: i32 = 3;

/// Makes this many processes.
pub(crate) fn make_processes(count: u32) -> anyhow::Result<()> {
    let mut stack = vec![0_u128; 4096];
    let top: *mut c_void = stack.as_mut_ptr_range().end.cast();
    let mut out = io::stdout().lock();
    for number in 1..=count {
        let executes = number % EXECUTES == 0;
        let (body, expected): (extern "C" fn(*mut c_void) -> i32, i32) =
            if executes { (execute, 0) } else { (end, STATUS) };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the child runs `body` on a stack of its own, which outlives it, while this thread sleeps.
        let pid = unsafe { libc::clone(body, top, flags, ptr::null_mut()) };
        ensure!(pid > 0, "cannot make process {number}: {}", io::Error::last_os_error());
        let mut status = 0;
        // SAFETY: the kernel writes one int to `status`.
        let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        ensure!(reaped == pid && status == expected << 8, "process {number} ended with wait status {status:#x}");
        if number % TELLS == 0 || number == count {
            writeln!(out, "{number}").and_then(|()| out.flush()).context("cannot tell the count")?;
        }
    }
    Ok(())
}

extern "C" fn end(_: *mut c_void) -> i32 {
    STATUS
}

extern "C" fn execute(_: *mut c_void) -> i32 {
    let argv: [*const c_char; 2] = [c"true".as_ptr(), ptr::null()];
    let envp: [*const c_char; 1] = [ptr::null()];
    // SAFETY: a C string and two arrays that end with null; all live until the call is made.
    unsafe { libc::execve(c"/bin/true".as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    4
}

#[cfg(test)]
mod tests {
    #[test]
    fn processes_end_as_expected() {
        super::make_processes(21).unwrap();
    }
}
