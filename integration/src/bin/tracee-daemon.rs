//! Becomes a daemon as the textbooks say, and does its work after its parent has ended.
//!
//! `tracee-daemon FILE` writes FILE only then: whoever takes the command's end for the end of
//! everything misses it, or worse, ends it.

#![allow(unsafe_code, reason = "fork and setsid")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::fd::AsRawFd as _;

/// A C library function without pointers.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: takes no pointers, and there is one thread here, so that a forked child may do anything.
        unsafe { libc::$function($($argument),*) }
    }};
}

fn main() -> std::io::Result<()> {
    let file = std::env::args_os().nth(1).unwrap_or_default();
    let (mut alive, held_by_parent) = std::io::pipe()?;
    println!("starting");
    if call!(fork()) > 0 {
        // The writing end stays open until this process is gone.
        std::mem::forget(held_by_parent);
        std::process::exit(5);
    }
    drop(held_by_parent);
    call!(setsid());
    if call!(fork()) > 0 {
        std::process::exit(0);
    }
    let null = OpenOptions::new().read(true).write(true).open("/dev/null")?;
    for standard in 0..3 {
        call!(dup2(null.as_raw_fd(), standard));
    }
    alive.read_to_end(&mut Vec::new())?;
    let mut out = OpenOptions::new().create_new(true).append(true).open(&file)?;
    writeln!(out, "no leader {}", call!(getsid(0)) != call!(getpid()))?;
    // Long enough for a tracer that does not wait to be gone.
    std::thread::sleep(std::time::Duration::from_millis(500));
    let child = std::process::Command::new("/bin/echo").arg("a child of the daemon").output()?;
    out.write_all(&child.stdout)?;
    writeln!(out, "end")
}
