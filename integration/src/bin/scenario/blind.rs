//! Ways out of sight.

use crate::Scenario;
use crate::raw::{NULL, exit, fails, ok, sys, wait};
use crate::stage::act;

/// `struct io_uring_params` of linux/io_uring.h.
fn setup() -> i64 {
    let mut params = [0_u32; 30];
    sys!(libc::SYS_io_uring_setup, 2, params.as_mut_ptr())
}

const UNTRACED: i32 = 0x0080_0000;

/// A child that acts, and whose acts have to be seen.
fn hidden(make: impl FnOnce() -> i64) {
    act(|| {
        let child = make();
        if child == 0 {
            ok(sys!(libc::SYS_chdir, c"/"));
            exit(4);
        }
        wait(i32::try_from(ok(child)).unwrap_or(0))
    });
}

pub(crate) const ALL: &[Scenario] = &[
    ("io_uring_setup/allowed", |_| act(|| ok(setup()))),
    ("io_uring_setup/refused", |_| act(|| fails(setup(), libc::EPERM))),
    ("io_uring_setup/invalid", |_| act(|| fails(sys!(libc::SYS_io_uring_setup, 2, NULL), libc::EFAULT))),
    ("clone/untraced", |_| hidden(|| sys!(libc::SYS_clone, UNTRACED | libc::SIGCHLD, NULL, NULL, NULL, NULL))),
    ("clone3/untraced", |_| {
        let args = [i64::from(UNTRACED), 0, 0, 0, i64::from(libc::SIGCHLD), 0, 0, 0];
        hidden(|| sys!(libc::SYS_clone3, &args, size_of_val(&args)));
    }),
];
