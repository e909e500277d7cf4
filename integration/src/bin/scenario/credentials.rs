//! Changes of who a process is. Each is followed by a `chdir`, which shows who it then was.

use crate::Scenario;
use crate::raw::{NULL, done, fails, ok, sys};
use crate::stage::{NOBODY, act, become_nobody};

/// After which one sees the new credentials.
fn look() {
    ok(sys!(libc::SYS_chdir, c"."));
}

/// A change that root may make.
fn granted(change: impl FnOnce() -> i64) {
    act(|| {
        ok(change());
        look();
    });
}

/// A change that nobody may not make.
fn denied(change: impl FnOnce() -> i64) {
    become_nobody();
    act(|| {
        fails(change(), libc::EPERM);
        look();
    });
}

/// `struct __user_cap_header_struct` of linux/capability.h, version 3.
const HEADER: [u32; 2] = [0x2008_0522, 0];

pub(crate) const ALL: &[Scenario] = &[
    ("setuid/success", |_| granted(|| sys!(libc::SYS_setuid, NOBODY))),
    ("setuid/denied", |_| denied(|| sys!(libc::SYS_setuid, 0))),
    ("setuid/invalid", |_| act(|| fails(sys!(libc::SYS_setuid, -1), libc::EINVAL))),
    ("setreuid/success", |_| granted(|| sys!(libc::SYS_setreuid, -1, 1000))),
    ("setreuid/denied", |_| denied(|| sys!(libc::SYS_setreuid, 0, -1))),
    ("setresuid/success", |_| granted(|| sys!(libc::SYS_setresuid, 1, 2, 3))),
    ("setresuid/unchanged", |_| granted(|| sys!(libc::SYS_setresuid, -1, -1, -1))),
    ("setresuid/denied", |_| denied(|| sys!(libc::SYS_setresuid, -1, 0, -1))),
    ("setfsuid/success", |_| granted(|| sys!(libc::SYS_setfsuid, 1000))),
    // It never fails: it returns the id in force, and nothing has changed.
    ("setfsuid/denied", |_| {
        become_nobody();
        act(|| {
            assert_eq!(sys!(libc::SYS_setfsuid, 0), i64::from(NOBODY));
            look();
        });
    }),
    ("setgid/success", |_| granted(|| sys!(libc::SYS_setgid, NOBODY))),
    ("setgid/denied", |_| denied(|| sys!(libc::SYS_setgid, 0))),
    ("setregid/success", |_| granted(|| sys!(libc::SYS_setregid, 1000, -1))),
    ("setregid/denied", |_| denied(|| sys!(libc::SYS_setregid, -1, 0))),
    ("setresgid/success", |_| granted(|| sys!(libc::SYS_setresgid, 1, 2, 3))),
    ("setresgid/denied", |_| denied(|| sys!(libc::SYS_setresgid, 0, 0, 0))),
    ("setfsgid/success", |_| granted(|| sys!(libc::SYS_setfsgid, 1000))),
    ("setfsgid/denied", |_| {
        become_nobody();
        act(|| {
            assert_eq!(sys!(libc::SYS_setfsgid, 0), i64::from(NOBODY));
            look();
        });
    }),
    ("setuid/of-a-thread", |_| {
        // A thread's credentials are its own in the kernel, but a process is shown by its leader's.
        act(|| {
            let thread = std::thread::spawn(|| done(sys!(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY)));
            thread.join().expect("no panic");
            look();
        });
    }),
    ("capset/success", |_| {
        // Effective: CHOWN, DAC_OVERRIDE; permitted: SYS_ADMIN and, in the upper half, PERFMON too.
        let data: [u32; 6] = [0b11, 0b11 | 1 << 21, 0, 0, 1 << (38 - 32), 0];
        granted(|| sys!(libc::SYS_capset, &HEADER, &data));
    }),
    ("capset/denied", |_| {
        let data: [u32; 6] = [1 << 21, 1 << 21, 0, 0, 0, 0];
        denied(|| sys!(libc::SYS_capset, &HEADER, &data));
    }),
    ("capset/null", |_| act(|| fails(sys!(libc::SYS_capset, NULL, NULL), libc::EFAULT))),
];
