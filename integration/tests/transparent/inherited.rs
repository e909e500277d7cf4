//! What a program gets from whoever starts it, it gets from Lapwing's caller.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use lapwing_integration::harness::Backend;
use lapwing_integration::need::installed;
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(
    everything,
    environment,
    signal_mask_and_ignored_signals,
    limits,
    umask_niceness_and_affinity,
    descriptors,
    closed_standard_descriptors,
    working_directory,
    session_and_group,
    parents_and_arguments,
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_tracee-inherited");

/// The pending, blocked, ignored and caught signals. Not `SigQ`: it counts what waits for all processes of the
/// user, those of other tests too (proc_pid_status(5)).
const SIGNAL_SETS: &str = "^Sig[^Q]";

/// `change` is run in the child, before it executes the program or Lapwing.
fn before_exec(command: &mut Command, change: impl Fn() -> i32 + Send + Sync + 'static) {
    let change = move || if change() < 0 { Err(io::Error::last_os_error()) } else { Ok(()) };
    // SAFETY: every change that is made here is a plain system call on values of its own.
    unsafe { command.pre_exec(change) };
}

fn inherits(backend: Backend, change: impl Fn(&mut Command) + 'static) -> String {
    let did = Both::tracee(PROGRAM, &["an argument", "", "with\nnewline", "\u{fc}"]).prepare(change).agree(backend);
    assert_eq!((did.status, did.stderr.as_str()), (0, ""), "{did:?}");
    did.stdout
}

fn everything(backend: Backend) {
    let told = inherits(backend, |_| {});
    assert!(told.contains("NoNewPrivs:\t0") || !nix::unistd::geteuid().is_root(), "{told}");
}

fn environment(backend: Backend) {
    let told = inherits(backend, |command| {
        command
            .env_clear()
            .env("A", "1")
            .env("EMPTY", "")
            .env("=odd", "x")
            .env("PATH", "/bin:/usr/bin")
            .env("LD_BIND_NOW", "1");
    });
    assert!(told.contains("environment EMPTY=\n") && told.contains("LD_BIND_NOW=1"), "{told}");
    inherits(backend, |command| {
        command.env_clear();
    });
}

/// Blocked and ignored signals survive an exec. Lapwing needs some for itself, and Rust ignores one.
fn signal_mask_and_ignored_signals(backend: Backend) {
    for signals in [[libc::SIGPIPE, libc::SIGCHLD, libc::SIGHUP, 40], [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1, 64]]
    {
        let set = move |command: &mut Command| {
            before_exec(command, move || {
                // SAFETY: the set is initialised by sigemptyset before it is used.
                unsafe {
                    let mut set = std::mem::zeroed();
                    libc::sigemptyset(&raw mut set);
                    for signal in signals {
                        libc::signal(signal, libc::SIG_IGN);
                        libc::sigaddset(&raw mut set, signal);
                    }
                    libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut())
                }
            });
        };
        inherits(backend, set);
        // A program that does not change them before it can tell, as Rust's do.
        let told = Both::new(&["grep", SIGNAL_SETS, "/proc/self/status"]).prepare(set).agree(backend);
        assert!(told.stdout.contains("SigIgn"), "{told:?}");
    }
    // None at all.
    Both::new(&["grep", SIGNAL_SETS, "/proc/self/status"]).agree(backend);
}

fn limits(backend: Backend) {
    let told = inherits(backend, |command| {
        before_exec(command, || {
            let set = |resource, soft, hard| {
                let limit = libc::rlimit { rlim_cur: soft, rlim_max: hard };
                // SAFETY: reads one structure.
                unsafe { libc::setrlimit(resource, &raw const limit) }
            };
            // Small ones that Lapwing itself has to live with as well.
            set(libc::RLIMIT_NOFILE, 200, 300)
                + set(libc::RLIMIT_CORE, 0, 0)
                + set(libc::RLIMIT_STACK, 1 << 20, 1 << 23)
        });
    });
    assert!(told.contains("Max open files            200                  300"), "{told}");
}

fn umask_niceness_and_affinity(backend: Backend) {
    let told = inherits(backend, |command| {
        before_exec(command, || {
            // SAFETY: the first two take no pointers, the last reads one set.
            unsafe {
                libc::umask(0o137);
                libc::setpriority(libc::PRIO_PROCESS, 0, 7);
                let mut cpus: libc::cpu_set_t = std::mem::zeroed();
                libc::CPU_SET(0, &mut cpus);
                libc::sched_setaffinity(0, size_of_val(&cpus), &raw const cpus)
            }
        });
    });
    assert!(told.contains("nice 7") && told.contains("Umask:\t0137") && told.contains("Cpus_allowed:\t1\n"), "{told}");
}

/// No descriptor of Lapwing's appears in the command, and none of the caller's is missing.
fn descriptors(backend: Backend) {
    Both::tracee(PROGRAM, &["fds"]).agree(backend);
    let more = Both::tracee(PROGRAM, &["fds"])
        .prepare(|command| {
            let file = File::open("/etc/passwd").unwrap();
            let fd = file.as_raw_fd();
            before_exec(command, move || {
                let _kept = &file;
                // SAFETY: take no pointers. The copies lack the close-on-exec flag.
                unsafe { libc::dup2(fd, 7).min(libc::dup2(fd, 100)).min(libc::dup2(fd, 101)) }
            });
        })
        .agree(backend);
    for fd in [7, 100, 101] {
        assert!(more.stdout.contains(&format!("descriptor {fd}: /etc/passwd flags 0")), "{more:?}");
    }
}

/// What a caller has closed stays closed: a program may take the number for its own. Shown by a program
/// without Rust's runtime, which opens `/dev/null` in their place.
fn closed_standard_descriptors(backend: Backend) {
    for closed in [&[0][..], &[0, 2], &[2], &[]] {
        let did = Both::new(&["stat", "-c", "%N", "/proc/self/fd/0", "/proc/self/fd/2"])
            .prepare(move |command| {
                before_exec(command, move || {
                    // SAFETY: takes no pointers.
                    closed.iter().map(|fd| unsafe { libc::close(*fd) }).sum()
                });
            })
            .scrub(|text| text.chars().filter(|letter| !letter.is_ascii_digit()).collect())
            .agree(backend);
        assert_eq!(did.stdout.lines().count(), 2 - closed.len(), "without {closed:?}: {did:?}");
    }
}

fn working_directory(backend: Backend) {
    let nested = |directory: &Path| std::fs::create_dir_all(directory.join("a/b")).unwrap();
    Both::script("cd a/b && exec \"$0\"").files(nested).agree(backend);
    Both::new(&["bash", "-c", "cd a/b; \"$0\"; rmdir ../b; pwd; \"$0\"; ls", PROGRAM]).files(nested).agree(backend);
}

fn session_and_group(backend: Backend) {
    if installed(&["setsid"]) {
        Both::new(&["setsid", "-w", PROGRAM]).agree(backend);
    }
    let told = Both::tracee(PROGRAM, &[])
        .prepare(|command| {
            // SAFETY: takes no pointers.
            before_exec(command, || unsafe { libc::setsid() });
        })
        // The leader is Lapwing here, and the command is its child.
        .scrub(|text| {
            text.lines().filter(|line| !line.contains("of its own") && !line.contains("as its parent")).collect()
        })
        .agree(backend);
    assert!(told.stdout.contains("terminal false"), "{told:?}");
}

fn parents_and_arguments(backend: Backend) {
    for argv0 in ["", "-login", "another name"] {
        let name = CString::new(argv0).unwrap().into_string().unwrap();
        Both::new(&["bash", "-c", "exec -a \"$1\" \"$0\" x", PROGRAM, &name]).agree(backend);
    }
}
