//! Signals sent. The targets are children that wait, or the sender itself.

use crate::Scenario;
use crate::raw::{self, NULL, done, fails, ok, sys, wait};
use crate::stage::{act, become_nobody};

/// Sends to a child that dies of it.
fn deadly(send: impl FnOnce(i32) -> i64) {
    let child = raw::idle();
    act(|| {
        ok(send(child));
        wait(child)
    });
}

/// Sends to a child of another user.
fn denied(send: impl FnOnce(i32) -> i64) {
    let child = raw::idle();
    become_nobody();
    act(|| fails(send(child), libc::EPERM));
}

fn pidfd(pid: i32) -> i32 {
    raw::fd(sys!(libc::SYS_pidfd_open, pid, 0))
}

/// `siginfo_t` with a code below zero, as sigqueue(3) makes it.
fn queued(signal: i32) -> [i32; 32] {
    let mut info = [0; 32];
    info[0] = signal;
    info[2] = libc::SI_QUEUE;
    info
}

pub(crate) const ALL: &[Scenario] = &[
    ("kill/success", |_| deadly(|child| sys!(libc::SYS_kill, child, libc::SIGKILL))),
    ("kill/denied", |_| denied(|child| sys!(libc::SYS_kill, child, libc::SIGTERM))),
    ("kill/probe", |_| act(|| ok(sys!(libc::SYS_kill, sys!(libc::SYS_getpid), 0)))),
    ("kill/absent", |_| act(|| fails(sys!(libc::SYS_kill, 0x3fff_ffff, 0), libc::ESRCH))),
    ("kill/group", |_| {
        let child = raw::idle();
        ok(sys!(libc::SYS_setpgid, child, child));
        act(|| {
            ok(sys!(libc::SYS_kill, -child, libc::SIGKILL));
            wait(child)
        });
    }),
    ("kill/own-group", |_| {
        ok(sys!(libc::SYS_setpgid, 0, 0));
        act(|| ok(sys!(libc::SYS_kill, 0, 0)));
    }),
    ("tkill/success", |_| act(|| ok(sys!(libc::SYS_tkill, sys!(libc::SYS_gettid), 0)))),
    ("tkill/thread", |_| {
        // Sent to a thread, shown with its process.
        act(|| std::thread::spawn(|| done(sys!(libc::SYS_tkill, sys!(libc::SYS_gettid), 0))).join().expect("no panic"));
    }),
    ("tkill/denied", |_| denied(|child| sys!(libc::SYS_tkill, child, libc::SIGTERM))),
    ("tgkill/success", |_| deadly(|child| sys!(libc::SYS_tgkill, child, child, libc::SIGABRT))),
    ("tgkill/denied", |_| denied(|child| sys!(libc::SYS_tgkill, child, child, libc::SIGTERM))),
    ("rt_sigqueueinfo/success", |_| {
        deadly(|child| sys!(libc::SYS_rt_sigqueueinfo, child, libc::SIGUSR1, &queued(libc::SIGUSR1)));
    }),
    ("rt_sigqueueinfo/denied", |_| {
        denied(|child| sys!(libc::SYS_rt_sigqueueinfo, child, libc::SIGUSR1, &queued(libc::SIGUSR1)));
    }),
    ("rt_tgsigqueueinfo/success", |_| {
        deadly(|child| sys!(libc::SYS_rt_tgsigqueueinfo, child, child, 34, &queued(34)));
    }),
    ("rt_tgsigqueueinfo/denied", |_| {
        denied(|child| sys!(libc::SYS_rt_tgsigqueueinfo, child, child, 34, &queued(34)));
    }),
    ("pidfd_send_signal/success", |_| {
        deadly(|child| sys!(libc::SYS_pidfd_send_signal, pidfd(child), libc::SIGKILL, NULL, 0));
    }),
    ("pidfd_send_signal/denied", |_| {
        denied(|child| sys!(libc::SYS_pidfd_send_signal, pidfd(child), libc::SIGTERM, NULL, 0));
    }),
];
