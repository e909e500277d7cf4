//! Makes a known number of calls as fast as it can: `tracee-flood THREADS CALLS PROCESSES FILE`.
//!
//! At a line of input, each thread opens FILE so many times; then so many processes are made, one after the other,
//! which execute nothing and end. It says `done`. At the next line, or the end of input, it takes a name, so that
//! it can be told whether events come again.

#![allow(unsafe_code, reason = "raw calls: a library would make others beside them")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "what it says is waited for")]

use std::ffi::{CStr, CString, OsString};
use std::io::{self, BufRead as _};
use std::os::unix::ffi::OsStringExt as _;

use lapwing_integration::marker;

fn main() -> io::Result<()> {
    let [threads, calls, processes, file]: [OsString; 4] =
        std::env::args_os().skip(1).collect::<Vec<_>>().try_into().unwrap_or_else(|_| usage());
    let number = |word: OsString| word.to_str().and_then(|word| word.parse::<usize>().ok()).unwrap_or_else(|| usage());
    let (threads, calls, processes) = (number(threads), number(calls), number(processes));
    let file = CString::new(file.into_vec())?;
    let mut orders = io::stdin().lock();
    orders.read_line(&mut String::new())?;
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..calls).for_each(|_| open(&file)));
        }
    });
    (0..processes).for_each(|_| fork());
    println!("done");
    orders.read_line(&mut String::new())?;
    let name = CString::new(marker::END)?;
    // SAFETY: takes a C string, and keeps no pointer to it.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
    Ok(())
}

fn open(file: &CStr) {
    // SAFETY: a C string; the descriptor is nobody else's.
    let closed = unsafe { libc::close(libc::open(file.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC)) };
    assert!(closed == 0, "{file:?} cannot be opened");
}

fn fork() {
    // SAFETY: no other thread is left, and the child only ends.
    match unsafe { libc::fork() } {
        // SAFETY: ends the child without running anything of the parent's.
        0 => unsafe { libc::_exit(0) },
        // SAFETY: the status is not asked for.
        child => assert!(child > 0 && unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) } == child),
    }
}

fn usage() -> ! {
    eprintln!("usage: tracee-flood THREADS CALLS PROCESSES FILE");
    std::process::exit(2)
}
