//! Makes a great many short processes, one after the other: `tracee-forker COUNT`.
//!
//! Most share memory with it and exit at once, as after `vfork`; every tenth executes a program, the
//! smallest there can be. What a tracer keeps of each must go when the process goes.

#![allow(unsafe_code, reason = "clone on a small stack")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::ffi::{CString, c_char, c_void};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::{io::Write as _, ptr};

/// Every such process executes.
const EXECUTES: u32 = 10;

/// What the child needs; its memory is its parent's.
struct Plan {
    program: CString,
    argv: [*const c_char; 2],
    envp: [*const c_char; 1],
}

fn main() -> std::io::Result<()> {
    let count: u32 = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(1000);
    let path = std::env::temp_dir().join(format!("lapwing-smallest-{}", std::process::id()));
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o700).open(&path)?;
    file.write_all(&lapwing_integration::tiny::exits(42))?;
    drop(file);
    let program = CString::new(path.as_os_str().as_bytes())?;
    let plan = Plan { argv: [c"smallest".as_ptr(), ptr::null()], envp: [ptr::null()], program };
    let mut stack = vec![0_u128; 4096];
    let top = stack.as_mut_ptr_range().end.cast();
    let (mut ended, mut executed) = (0_u32, 0_u32);
    for number in 0..count {
        let executes = number % EXECUTES == 0;
        let argument = if executes { (&raw const plan).cast_mut().cast() } else { ptr::null_mut() };
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
        // SAFETY: the child runs `body` on a stack of its own while this thread sleeps; both outlive it.
        let pid = unsafe { libc::clone(body, top, flags, argument) };
        let mut status = 0;
        // SAFETY: the kernel writes one int to `status`.
        let reaped = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        ended += u32::from(pid > 0 && reaped == pid && libc::WEXITSTATUS(status) == 3);
        executed += u32::from(pid > 0 && reaped == pid && libc::WEXITSTATUS(status) == 42);
    }
    std::fs::remove_file(path)?;
    println!("{ended} ended, {executed} executed");
    Ok(())
}

extern "C" fn body(plan: *mut c_void) -> i32 {
    if plan.is_null() {
        return 3;
    }
    // SAFETY: it points to the parent's plan, which lives while the parent sleeps.
    let plan = unsafe { &*plan.cast::<Plan>() };
    // SAFETY: a C string and two arrays that end with null.
    unsafe { libc::execve(plan.program.as_ptr(), plan.argv.as_ptr(), plan.envp.as_ptr()) };
    4
}
