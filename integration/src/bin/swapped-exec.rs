//! `swapped-exec DIR TIMES`: executes `DIR/a` or `DIR/b`, each time without saying which.
//!
//! While one thread is in `execve`, another one keeps changing the path that was passed, so that what a
//! tracer reads there need not be what the kernel read. The programs print who they are.

#![expect(unsafe_code, reason = "fork, and execve with a path that changes meanwhile")]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

fn main() {
    let mut arguments = std::env::args_os().skip(1);
    let mut path = arguments.next().map(OsString::into_vec).expect("DIR");
    let times: u32 = arguments.next().and_then(|text| text.to_str()?.parse().ok()).expect("TIMES");
    path.extend(b"/a\0");
    for _ in 0..times {
        // SAFETY: there is one thread, so the child may do anything.
        match unsafe { libc::fork() } {
            0 => execute(path),
            child => {
                let ended = nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(child), None);
                assert!(matches!(ended, Ok(nix::sys::wait::WaitStatus::Exited(_, 0))), "{ended:?}");
            }
        }
    }
}

fn execute(path: Vec<u8>) -> ! {
    let path: &'static [AtomicU8] = path.into_iter().map(AtomicU8::new).collect::<Vec<_>>().leak();
    let letter = &path[path.len() - 2];
    std::thread::spawn(|| {
        loop {
            letter.store(b'b', Relaxed);
            letter.store(b'a', Relaxed);
        }
    });
    // SAFETY: the path always ends with a NUL; the kernel takes null for an empty list of arguments.
    unsafe { libc::execve(path.as_ptr().cast(), std::ptr::null(), std::ptr::null()) };
    std::process::exit(1)
}
