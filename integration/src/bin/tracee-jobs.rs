//! A parent that stops and continues children, and prints what `waitpid` and SIGCHLD tell it.
//!
//! This is what a shell's job control is made of. Under a tracer all of it goes through group-stops
//! that the tracer must neither swallow nor end.

#![allow(unsafe_code, reason = "fork, waitpid and handlers")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::collections::BTreeSet;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering::SeqCst};

static CODES: [AtomicI32; 64] = [const { AtomicI32::new(0) }; 64];
static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A C library function, whose pointers are to live values of the types it wants.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: every pointer given comes from a live reference of the type that the function wants.
        unsafe { libc::$function($($argument),*) }
    }};
}

extern "C" fn on_child(_: i32, info: *mut libc::siginfo_t, _: *mut std::ffi::c_void) {
    // SAFETY: the kernel passes a valid siginfo to a handler with SA_SIGINFO.
    let code = unsafe { (*info).si_code };
    CODES[COUNT.fetch_add(1, SeqCst) % CODES.len()].store(code, SeqCst);
}

fn main() {
    watch_children(0);
    for signal in [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU] {
        one_child(signal);
    }
    println!("SIGCHLD codes {:?}", codes());
    // Without notices of stops only the end is told.
    watch_children(libc::SA_NOCLDSTOP);
    one_child(libc::SIGSTOP);
    println!("SIGCHLD codes with SA_NOCLDSTOP {:?}", codes());
    peeking();
    stops_itself();
    killed_while_stopped();
    threads_stop_together();
}

fn watch_children(flags: i32) {
    let handler: extern "C" fn(i32, *mut libc::siginfo_t, *mut std::ffi::c_void) = on_child;
    // SAFETY: all zeros is a valid action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_RESTART | flags;
    call!(sigaction(libc::SIGCHLD, &raw const action, ptr::null_mut()));
    COUNT.store(0, SeqCst);
}

/// Which there were. Not how often: two of them may have become one signal.
fn codes() -> BTreeSet<i32> {
    CODES[..COUNT.load(SeqCst)].iter().map(|code| code.load(SeqCst)).collect()
}

/// Forks a child that runs `body` and ends.
fn child(body: impl FnOnce()) -> i32 {
    // SAFETY: there is one thread here, so that the child may do anything.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        body();
        call!(_exit(7));
    }
    pid
}

fn wait(pid: i32, flags: i32) -> String {
    let mut status = 0;
    let found = call!(waitpid(pid, &raw mut status, flags));
    let found = if found == pid {
        "the child"
    } else if found == 0 {
        "nothing"
    } else {
        "an error"
    };
    let state = if libc::WIFSTOPPED(status) {
        format!("stopped by {}", libc::WSTOPSIG(status))
    } else if libc::WIFCONTINUED(status) {
        "continued".into()
    } else if libc::WIFSIGNALED(status) {
        format!("killed by {}", libc::WTERMSIG(status))
    } else {
        format!("exited with {}", libc::WEXITSTATUS(status))
    };
    format!("{found}: {state}")
}

/// Stopped, continued and ended, each seen by the parent exactly once.
fn one_child(signal: i32) {
    let pid = child(|| {
        // A process group that is orphaned would not stop by a terminal's signals; this one is not.
        call!(setpgid(0, 0));
        loop {
            call!(pause());
        }
    });
    call!(setpgid(pid, pid));
    for round in 0..3 {
        call!(kill(pid, signal));
        println!("{signal}.{round}: {}", wait(pid, libc::WUNTRACED | libc::WCONTINUED));
        println!("{signal}.{round}: {}", wait(pid, libc::WUNTRACED | libc::WCONTINUED | libc::WNOHANG));
        call!(kill(pid, libc::SIGCONT));
        println!("{signal}.{round}: {}", wait(pid, libc::WUNTRACED | libc::WCONTINUED));
    }
    call!(kill(pid, libc::SIGTERM));
    println!("{signal}: {}", wait(pid, libc::WUNTRACED | libc::WCONTINUED));
}

/// `waitid` with `WNOWAIT` leaves the stop to be waited for again.
fn peeking() {
    let pid = child(|| {
        loop {
            call!(pause());
        }
    });
    call!(kill(pid, libc::SIGSTOP));
    for flags in [libc::WNOWAIT, 0] {
        // SAFETY: all zeros is a valid siginfo.
        let mut info: libc::siginfo_t = unsafe { MaybeUninit::zeroed().assume_init() };
        let id = libc::id_t::try_from(pid).unwrap_or(0);
        let result = call!(waitid(libc::P_PID, id, &raw mut info, libc::WSTOPPED | libc::WEXITED | flags));
        // SAFETY: waitid filled in a child's status.
        let status = unsafe { info.si_status() };
        println!("waitid {result}: code {} status {status}", info.si_code);
    }
    call!(kill(pid, libc::SIGKILL));
    println!("{}", wait(pid, 0));
}

/// A child that stops itself, and that finds itself where it was when it goes on.
fn stops_itself() {
    let (reader, writer) = std::io::pipe().expect("pipe");
    let pid = child(|| {
        for step in [b"1", b"2", b"3"] {
            call!(write(writer.as_raw_fd(), step.as_ptr().cast(), 1));
            call!(raise(libc::SIGSTOP));
        }
    });
    drop(writer);
    for _ in 0..3 {
        let mut byte = 0_u8;
        println!("{}", wait(pid, libc::WUNTRACED));
        let read = call!(read(reader.as_raw_fd(), (&raw mut byte).cast(), 1));
        println!("read {read}: {}", char::from(byte));
        call!(kill(pid, libc::SIGCONT));
    }
    println!("{}", wait(pid, 0));
}

/// SIGKILL ends what is stopped; any other signal waits for SIGCONT.
fn killed_while_stopped() {
    let pid = child(|| {
        loop {
            call!(pause());
        }
    });
    call!(kill(pid, libc::SIGSTOP));
    println!("{}", wait(pid, libc::WUNTRACED));
    call!(kill(pid, libc::SIGTERM));
    println!("after SIGTERM {}", wait(pid, libc::WUNTRACED | libc::WNOHANG));
    call!(kill(pid, libc::SIGCONT));
    println!("after SIGCONT {}", wait(pid, 0));

    let pid = child(|| {
        loop {
            call!(pause());
        }
    });
    call!(kill(pid, libc::SIGSTOP));
    println!("{}", wait(pid, libc::WUNTRACED));
    call!(kill(pid, libc::SIGKILL));
    println!("after SIGKILL {}", wait(pid, 0));
}

/// A stop is for the whole process, so while it lasts no thread writes.
fn threads_stop_together() {
    let (reader, writer) = std::io::pipe().expect("pipe");
    let pid = child(|| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let file = writer.as_raw_fd();
                std::thread::spawn(move || while call!(write(file, b"x".as_ptr().cast(), 1)) == 1 {})
            })
            .collect();
        for thread in threads {
            let _ = thread.join();
        }
    });
    drop(writer);
    let mut buffer = vec![0_u8; 1 << 20];
    let file = reader.as_raw_fd();
    for _ in 0..5 {
        // It writes: the pipe fills while nobody reads.
        call!(read(file, buffer.as_mut_ptr().cast(), 1000));
        call!(kill(pid, libc::SIGSTOP));
        let stopped = wait(pid, libc::WUNTRACED);
        let mut waiting = [0_i32; 2];
        call!(ioctl(file, libc::FIONREAD, &raw mut waiting[0]));
        call!(usleep(20_000));
        call!(ioctl(file, libc::FIONREAD, &raw mut waiting[1]));
        println!("{stopped}, quiet while stopped: {}", waiting[0] == waiting[1]);
        if waiting[0] > 0 {
            call!(read(file, buffer.as_mut_ptr().cast(), buffer.len()));
        }
        call!(kill(pid, libc::SIGCONT));
        // And goes on.
        let read = call!(read(file, buffer.as_mut_ptr().cast(), 1));
        println!("goes on: {read}");
    }
    call!(kill(pid, libc::SIGKILL));
    println!("{}", wait(pid, 0));
}
