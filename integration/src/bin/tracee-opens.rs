//! Opens files while it is interrupted in every way: by handlers without SA_RESTART, by stops, by being killed; from
//! threads; and FIFOs, whose opening waits.
//!
//! Its working directory and the one above are used, since whoever watches may be told of one and not of the other.

#![allow(unsafe_code, reason = "timers, handlers and processes as the kernel has them")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]
#![allow(clippy::unwrap_used, reason = "a failure of the fixture is the test's")]

use std::ffi::CString;
use std::fs;
use std::io::{self, Write as _};
use std::mem::MaybeUninit;
use std::ptr;
use std::thread;
use std::time::Duration;

/// What is opened again and again; the last two are not there and not to be had.
const PATHS: [&str; 6] = ["file", "../file", "/etc/passwd", "/dev/null", "../nothing", "file/below"];

/// A C library function without pointers to what is not alive.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: every pointer given comes from a live value of the type that the function wants.
        unsafe { libc::$function($($argument),*) }
    }};
}

fn main() {
    for path in ["file", "../file"] {
        fs::write(path, "").unwrap();
    }
    handle(libc::SIGALRM, 0);
    every(200);
    println!("under a timer: {} wrong", wrong(2000));
    every(0);
    println!("in threads: {} wrong", in_threads());
    println!("stopped: {}", child(|| i32::from(wrong(1000) > 0), stop_and_continue));
    println!("killed: {}", child(|| i32::from(wrong(u32::MAX) > 0), kill_soon));
    for fifo in ["fifo", "../fifo"] {
        let _ = fs::remove_file(fifo);
        let path = CString::new(fifo).unwrap();
        assert_eq!(call!(mkfifo(path.as_ptr(), 0o600)), 0);
        for (name, restart) in [("restarting", libc::SA_RESTART), ("interrupting", 0)] {
            handle(libc::SIGUSR1, restart);
            println!("{fifo}, {name}: {}", waits(&path, restart != 0));
        }
        fs::remove_file(fifo).unwrap();
    }
}

extern "C" fn nothing(_: i32) {}

fn handle(signal: i32, flags: i32) {
    let handler: extern "C" fn(i32) = nothing;
    // SAFETY: all zeros is a valid action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = flags;
    call!(sigaction(signal, &raw const action, ptr::null_mut()));
}

/// SIGALRM every so many microseconds; not at all for zero.
fn every(micros: libc::suseconds_t) {
    let time = libc::timeval { tv_sec: 0, tv_usec: micros };
    let timer = libc::itimerval { it_interval: time, it_value: time };
    call!(setitimer(libc::ITIMER_REAL, &raw const timer, ptr::null_mut()));
}

/// Opens so many times, and counts what should not have come of it.
fn wrong(times: u32) -> u32 {
    let paths: Vec<_> = PATHS.iter().map(|path| CString::new(*path).unwrap()).collect();
    let mut wrong = 0;
    for time in 0..times {
        let index = time as usize % paths.len();
        let fd = call!(open(paths[index].as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC));
        let errno = if fd < 0 { io::Error::last_os_error().raw_os_error().unwrap_or(0) } else { call!(close(fd)) };
        let expected = [0, 0, 0, 0, libc::ENOENT, libc::ENOTDIR][index];
        wrong += u32::from(errno != expected);
    }
    wrong
}

fn in_threads() -> u32 {
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(|| wrong(300))).collect();
    threads.into_iter().map(|thread| thread.join().unwrap()).sum()
}

/// How a child ends that does something while something is done to it.
fn child(does: impl FnOnce() -> i32, done: impl FnOnce(libc::pid_t)) -> String {
    let pid = call!(fork());
    if pid == 0 {
        let code = does();
        call!(_exit(code));
    }
    done(pid);
    let mut status = 0;
    while call!(waitpid(pid, &raw mut status, 0)) < 0 {}
    if libc::WIFSIGNALED(status) {
        format!("signal {}", libc::WTERMSIG(status))
    } else {
        format!("exit {}", libc::WEXITSTATUS(status))
    }
}

fn stop_and_continue(pid: libc::pid_t) {
    for _ in 0..20 {
        call!(kill(pid, libc::SIGSTOP));
        thread::sleep(Duration::from_millis(1));
        call!(kill(pid, libc::SIGCONT));
        thread::sleep(Duration::from_millis(1));
    }
}

fn kill_soon(pid: libc::pid_t) {
    thread::sleep(Duration::from_millis(20));
    call!(kill(pid, libc::SIGKILL));
}

/// Opens a FIFO that nobody has open, while signals come. If that lets it wait, somebody opens the other end in the end.
fn waits(path: &CString, goes_on: bool) -> String {
    let parent = call!(getpid());
    let helper = call!(fork());
    if helper == 0 {
        let mut sent = 0;
        // The other end is opened once enough signals have come; until then they come for good.
        while !goes_on || sent < 10 {
            thread::sleep(Duration::from_millis(10));
            if call!(kill(parent, libc::SIGUSR1)) != 0 {
                break;
            }
            sent += 1;
        }
        call!(open(path.as_ptr(), libc::O_WRONLY));
        call!(_exit(0));
    }
    let fd = call!(open(path.as_ptr(), libc::O_RDONLY));
    let error = io::Error::last_os_error();
    call!(kill(helper, libc::SIGKILL));
    while call!(waitpid(helper, ptr::null_mut(), 0)) < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
    let _ = io::stdout().flush();
    if fd < 0 {
        return format!("error {}", error.raw_os_error().unwrap_or(0));
    }
    call!(close(fd));
    "opened".into()
}
