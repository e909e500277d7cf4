//! Prints everything that a program inherits through `execve`, or is told by it.
//!
//! With `fds` only the open descriptors, so that a test can vary them.

#![allow(unsafe_code, reason = "asks the kernel by calls that std does not have")]
#![allow(clippy::print_stdout, reason = "what it prints is compared")]

use std::fs;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt as _;

/// A C library function, whose pointers are to live values of the types it wants.
macro_rules! call {
    ($function:ident($($argument:expr),* $(,)?)) => {{
        // SAFETY: every pointer given comes from a live reference of the type that the function wants.
        unsafe { libc::$function($($argument),*) }
    }};
}

/// Lines of `/proc/self/status` that are inherited.
const STATUS: &[&str] = &[
    "Umask",
    "Uid",
    "Gid",
    "Groups",
    "SigQ",
    "SigPnd",
    "ShdPnd",
    "SigBlk",
    "SigIgn",
    "SigCgt",
    "CapInh",
    "CapPrm",
    "CapEff",
    "CapBnd",
    "CapAmb",
    "NoNewPrivs",
    "Cpus_allowed",
    "Mems_allowed",
    "Threads",
    "Speculation_Store_Bypass",
    "THP_enabled",
];

fn main() {
    descriptors();
    if std::env::args().nth(1).as_deref() == Some("fds") {
        return;
    }
    for argument in std::env::args_os() {
        println!("argument {}", argument.as_bytes().escape_ascii());
    }
    for (name, value) in std::env::vars_os() {
        println!("environment {}={}", name.as_bytes().escape_ascii(), value.as_bytes().escape_ascii());
    }
    println!("environ {}", fs::read("/proc/self/environ").unwrap_or_default().escape_ascii());
    println!("cmdline {}", fs::read("/proc/self/cmdline").unwrap_or_default().escape_ascii());
    println!("directory {:?}", std::env::current_dir().ok());
    println!("root {:?}", fs::read_link("/proc/self/root").ok());
    println!("exe {:?}", fs::read_link("/proc/self/exe").ok());
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    for line in status.lines() {
        let key = line.split(':').next().unwrap_or_default();
        // The second part of SigQ is the limit; the first counts what others of the user have pending.
        if STATUS.contains(&key) && key != "SigQ" {
            println!("{line}");
        }
    }
    for file in
        ["limits", "oom_score_adj", "coredump_filter", "loginuid", "sessionid", "comm", "timerslack_ns", "attr/current"]
    {
        println!("{file}: {}", fs::read_to_string(format!("/proc/self/{file}")).unwrap_or_default().trim_end());
    }
    println!("personality {:x}", call!(personality(0xffff_ffff)));
    println!("nice {}", call!(getpriority(libc::PRIO_PROCESS, 0)));
    println!("scheduler {}", call!(sched_getscheduler(0)));
    for (name, option) in [
        ("dumpable", libc::PR_GET_DUMPABLE),
        ("keepcaps", libc::PR_GET_KEEPCAPS),
        ("securebits", libc::PR_GET_SECUREBITS),
        ("timing", libc::PR_GET_TIMING),
    ] {
        println!("{name} {}", call!(prctl(option, 0, 0, 0, 0)));
    }
    let (mut death, mut reaper) = (0_i32, 0_i32);
    call!(prctl(libc::PR_GET_PDEATHSIG, &raw mut death));
    call!(prctl(libc::PR_GET_CHILD_SUBREAPER, &raw mut reaper));
    println!("death signal {death}, subreaper {reaper}");
    // SAFETY: getauxval only looks.
    println!("secure {}", unsafe { libc::getauxval(libc::AT_SECURE) });
    let (own, parent) = (call!(getpid()), call!(getppid()));
    println!("a session of its own {}, a group of its own {}", call!(getsid(0)) == own, call!(getpgrp()) == own);
    println!("same session as its parent {}", call!(getsid(0)) == call!(getsid(parent)));
    println!("same group as its parent {}", call!(getpgrp()) == call!(getpgid(parent)));
    println!("terminal {}", fs::metadata("/dev/tty").is_ok() && fs::File::open("/dev/tty").is_ok());
    println!("children {:?}", fs::read_to_string("/proc/thread-self/children").ok());
    // Whoever started this may have had timers.
    // SAFETY: all zeros is a valid value.
    let mut timer: libc::itimerval = unsafe { MaybeUninit::zeroed().assume_init() };
    call!(getitimer(libc::ITIMER_REAL, &raw mut timer));
    println!("timer {}", timer.it_value.tv_sec != 0);
}

/// Every descriptor with its flags, asked one by one so that nothing is opened for it.
fn descriptors() {
    for fd in 0..1024 {
        let flags = call!(fcntl(fd, libc::F_GETFD));
        if flags < 0 {
            continue;
        }
        let kind = fs::read_link(format!("/proc/self/fd/{fd}")).unwrap_or_default();
        let kind = kind.to_string_lossy();
        // The number of a pipe or socket differs from run to run.
        let kind = kind.split(":[").next().unwrap_or_default().to_owned();
        println!("descriptor {fd}: {kind} flags {flags} status {:o}", call!(fcntl(fd, libc::F_GETFL)));
    }
}
