//! Making and ending processes, and what they do to themselves.

use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

use crate::Scenario;
use crate::raw::{self, NULL, done, exit, fails, ok, sys, wait};
use crate::stage::{act, become_nobody};

/// Makes a child by a call that returns in it too.
fn child(make: impl FnOnce() -> i64, status: i32) {
    act(|| {
        let pid = make();
        if pid == 0 {
            exit(status);
        }
        wait(i32::try_from(ok(pid)).unwrap_or(0));
    });
}

/// A child that ends itself by a signal.
fn killed(signal: i32) {
    act(|| {
        wait(raw::fork(|| {
            // What a Rust program does about SIGSEGV and the like is of no interest.
            ok(sys!(libc::SYS_rt_sigaction, signal, &[0_usize; 4], NULL, 8));
            ok(sys!(libc::SYS_kill, sys!(libc::SYS_getpid), signal));
            0
        }))
    });
}

fn clone3(flags: i32) -> i64 {
    clone3_with(flags, libc::SIGCHLD)
}

fn clone3_with(flags: i32, signal: i32) -> i64 {
    // struct clone_args of linux/sched.h: flags, three pointers, exit_signal, …
    let args = [i64::from(flags), 0, 0, 0, i64::from(signal), 0, 0, 0];
    sys!(libc::SYS_clone3, &args, size_of_val(&args))
}

/// A child makes another child of ours, which ends first.
fn sibling(make: fn() -> i64) {
    act(|| {
        let mut ends = [0_i32; 2];
        ok(sys!(libc::SYS_pipe2, &raw mut ends, 0));
        let maker = raw::fork(|| {
            if ok(make()) == 0 {
                exit(4);
            }
            let mut byte = 0_u8;
            ok(sys!(libc::SYS_read, ends[0], &raw mut byte, 1));
            3
        });
        wait(-1);
        ok(sys!(libc::SYS_write, ends[1], &[0_u8; 1], 1));
        wait(maker);
    });
}

/// RLIMIT_NOFILE to these.
fn rlimit(soft: u64, hard: u64) -> [u64; 2] {
    [soft, hard]
}

fn ask_to_be_traced(check: fn(i64)) {
    act(|| {
        wait(raw::fork(|| {
            check(sys!(libc::SYS_ptrace, libc::PTRACE_TRACEME, 0, 0, 0));
            0
        }))
    });
}

fn attach(check: fn(i64)) {
    let child = raw::idle();
    act(|| check(sys!(libc::SYS_ptrace, libc::PTRACE_ATTACH, child, 0, 0)));
    ok(sys!(libc::SYS_kill, child, libc::SIGKILL));
}

pub(crate) const ALL: &[Scenario] = &[
    ("fork/success", |_| child(|| sys!(libc::SYS_fork), 0)),
    ("fork/nested", |_| {
        act(|| {
            wait(raw::fork(|| {
                wait(raw::fork(|| 4));
                3
            }))
        });
    }),
    ("vfork/success", |_| child(|| raw::vfork_and_exit(5), 5)),
    ("clone/success", |_| child(|| sys!(libc::SYS_clone, libc::SIGCHLD, NULL, NULL, NULL, NULL), 1)),
    // Without a signal at its end, for which the kernel reports another event.
    ("clone/no-signal", |_| child(|| sys!(libc::SYS_clone, 0, NULL, NULL, NULL, NULL), 2)),
    ("clone/sibling", |_| {
        sibling(|| sys!(libc::SYS_clone, libc::CLONE_PARENT | libc::SIGCHLD, NULL, NULL, NULL, NULL));
    }),
    ("clone/thread", |_| act(|| std::thread::spawn(|| 7).join().expect("no panic"))),
    ("clone3/success", |_| child(|| clone3(0), 6)),
    // The signal at its end is that of its maker, and must not be given.
    ("clone3/sibling", |_| sibling(|| clone3_with(libc::CLONE_PARENT, 0))),
    ("exit/code", |_| child(|| sys!(libc::SYS_fork), 255)),
    ("exit/signal", |_| killed(libc::SIGTERM)),
    ("exit/real-time-signal", |_| killed(40)),
    ("exit/core", |_| {
        let limit = rlimit(1 << 20, 1 << 20);
        ok(sys!(libc::SYS_setrlimit, libc::RLIMIT_CORE, &limit));
        killed(libc::SIGQUIT);
    }),
    ("exit/by-a-thread", |_| {
        act(|| {
            wait(raw::fork(|| {
                let _ = std::thread::spawn(|| exit(9)).join();
                0
            }))
        });
    }),
    ("exit/leader-first", |_| {
        // The process ends with its last thread; the status is that of the group.
        act(|| {
            wait(raw::fork(|| {
                // The kernel clears this word when the leader ends.
                static ALIVE: AtomicU32 = AtomicU32::new(1);
                sys!(libc::SYS_set_tid_address, ALIVE.as_ptr());
                std::thread::spawn(|| {
                    while ALIVE.load(SeqCst) != 0 {
                        std::thread::yield_now();
                    }
                    exit(8)
                });
                sys!(libc::SYS_exit, 1);
                0
            }))
        });
    }),
    ("setrlimit/success", |_| {
        let limit = rlimit(100, 200);
        act(|| ok(sys!(libc::SYS_setrlimit, libc::RLIMIT_NOFILE, &limit)));
    }),
    ("setrlimit/denied", |_| {
        ok(sys!(libc::SYS_setrlimit, libc::RLIMIT_NOFILE, &rlimit(100, 100)));
        become_nobody();
        act(|| fails(sys!(libc::SYS_setrlimit, libc::RLIMIT_NOFILE, &rlimit(100, 200)), libc::EPERM));
    }),
    ("prlimit64/success", |_| {
        let limit = rlimit(7, u64::MAX);
        act(|| ok(sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_CPU, &limit, NULL)));
    }),
    ("prlimit64/query", |_| {
        let mut limit = rlimit(0, 0);
        act(|| ok(sys!(libc::SYS_prlimit64, 0, libc::RLIMIT_CPU, NULL, limit.as_mut_ptr())));
    }),
    ("prlimit64/other", |_| {
        act(|| {
            let child = raw::idle();
            ok(sys!(libc::SYS_prlimit64, child, libc::RLIMIT_NOFILE, &rlimit(50, 60), NULL));
            ok(sys!(libc::SYS_kill, child, libc::SIGKILL));
            wait(child)
        });
    }),
    ("prlimit64/denied", |_| {
        let child = raw::idle();
        become_nobody();
        act(|| fails(sys!(libc::SYS_prlimit64, child, libc::RLIMIT_NOFILE, &rlimit(50, 60), NULL), libc::EPERM));
    }),
    ("prctl/name", |_| act(|| ok(sys!(libc::SYS_prctl, libc::PR_SET_NAME, c"sixteen letters!")))),
    ("prctl/comm-after", |_| {
        act(|| {
            ok(sys!(libc::SYS_prctl, libc::PR_SET_NAME, c"renamed"));
            ok(sys!(libc::SYS_chdir, c"."))
        });
    }),
    ("prctl/name-of-a-thread", |_| {
        act(|| {
            let thread = std::thread::spawn(|| done(sys!(libc::SYS_prctl, libc::PR_SET_NAME, c"thread")));
            thread.join().expect("no panic");
            ok(sys!(libc::SYS_chdir, c"."))
        });
    }),
    ("prctl/option", |_| act(|| ok(sys!(libc::SYS_prctl, libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)))),
    // Without privileges a tracer may not read the memory of such a process, so what follows stays unread.
    ("prctl/undumpable", |_| {
        act(|| {
            ok(sys!(libc::SYS_prctl, libc::PR_SET_DUMPABLE, 0, 0, 0, 0));
            ok(sys!(libc::SYS_chdir, c"/"))
        });
    }),
    // glibc names its mappings; that is left out.
    ("prctl/vma", |_| act(|| sys!(libc::SYS_prctl, 0x5356_4d41, 0, NULL, 0, NULL))),
    ("prctl/denied", |_| {
        become_nobody();
        act(|| fails(sys!(libc::SYS_prctl, libc::PR_CAPBSET_DROP, 1, 0, 0, 0), libc::EPERM));
    }),
    // Under ptrace already: the call is refused, clearly.
    ("ptrace/traceme", |_| ask_to_be_traced(|answer| fails(answer, libc::EPERM))),
    ("ptrace/traceme-untraced", |_| ask_to_be_traced(|answer| _ = ok(answer))),
    ("ptrace/attach", |_| attach(|answer| fails(answer, libc::EPERM))),
    ("ptrace/attach-untraced", |_| attach(|answer| _ = ok(answer))),
    ("fchdir/success", |stage| {
        stage.dir("sub");
        let sub = stage.open("sub", libc::O_DIRECTORY);
        act(|| ok(sys!(libc::SYS_fchdir, sub)));
    }),
    ("fchdir/denied", |stage| {
        stage.dir("sub");
        stage.mode("sub", 0o700);
        let sub = stage.open("sub", libc::O_DIRECTORY);
        become_nobody();
        act(|| fails(sys!(libc::SYS_fchdir, sub), libc::EACCES));
    }),
    ("chdir/absent", |_| act(|| fails(sys!(libc::SYS_chdir, c"absent"), libc::ENOENT))),
    ("chdir/then-relative", |stage| {
        stage.dir("sub");
        stage.file("sub/file");
        act(|| {
            ok(sys!(libc::SYS_chdir, c"sub"));
            ok(sys!(libc::SYS_open, c"file", libc::O_RDONLY));
            ok(sys!(libc::SYS_open, c"../sub/./file", libc::O_RDONLY))
        });
    }),
    ("chdir/shared", |stage| {
        // A child with CLONE_FS moves its parent.
        stage.dir("sub");
        stage.file("sub/file");
        act(|| {
            let child = sys!(libc::SYS_clone, libc::SIGCHLD | libc::CLONE_FS, NULL, NULL, NULL, NULL);
            if child == 0 {
                ok(sys!(libc::SYS_chdir, c"sub"));
                exit(0);
            }
            wait(i32::try_from(ok(child)).unwrap_or(0));
            ok(sys!(libc::SYS_open, c"file", libc::O_RDONLY))
        });
    }),
];
