//! The signal mask, the ignored signals and the closed standard descriptors that Lapwing itself was
//! started with, and which its command is to be started with.
//!
//! They survive `execve`, and Lapwing changes them for itself. Worse, Rust's runtime ignores SIGPIPE
//! before `main`, by which `lapwing run -- sh -c 'yes | head'` would fail with write errors, and opens
//! `/dev/null` for closed standard descriptors. Hence they are noted before that, in a constructor of
//! the executable.
//!
//! Dispositions are read and set by raw calls: the C library refuses to touch signals 32 and 33, which
//! a caller may have ignored all the same.

#![allow(
    unsafe_code,
    reason = "raw rt_sigaction and rt_sigprocmask, fcntl and close, and a constructor in .init_array"
)]

use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::os::signal::Signal;

/// What a command inherits. In the sets of signals bit `n - 1` stands for signal `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Inherited {
    /// The blocked ones.
    pub mask: u64,
    /// The ignored ones; all others have their default action.
    pub ignored: u64,
    /// The standard descriptors that are closed: bit `n` stands for descriptor `n`.
    pub closed: u8,
}

static NOTED: AtomicBool = AtomicBool::new(false);
static MASK: AtomicU64 = AtomicU64::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);
static CLOSED: AtomicU8 = AtomicU8::new(0);

/// Runs before `main`, and so before Rust's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE: extern "C" fn() = note;

extern "C" fn note() {
    let Inherited { mask, ignored, closed } = Inherited::now();
    MASK.store(mask, Ordering::Relaxed);
    IGNORED.store(ignored, Ordering::Relaxed);
    CLOSED.store(closed, Ordering::Relaxed);
    NOTED.store(true, Ordering::Release);
}

impl Inherited {
    /// What this process was started with.
    #[must_use]
    pub fn at_start() -> Self {
        if NOTED.load(Ordering::Acquire) {
            Self {
                mask: MASK.load(Ordering::Relaxed),
                ignored: IGNORED.load(Ordering::Relaxed),
                closed: CLOSED.load(Ordering::Relaxed),
            }
        } else {
            // A linker dropped the constructor: assume that SIGPIPE is only ignored by the runtime.
            let now = Self::now();
            Self { ignored: now.ignored & !bit(libc::SIGPIPE), ..now }
        }
    }

    /// What the calling thread has now.
    #[must_use]
    pub fn now() -> Self {
        let ignored = (1..=Signal::MAX).filter(|signal| is_ignored(*signal)).map(bit).fold(0, |set, bit| set | bit);
        let closed = (0..3).filter(|fd| is_closed(*fd)).fold(0, |set, fd| set | 1 << fd);
        Self { mask: mask(), ignored, closed }
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// `struct sigaction` of the kernel, the same on our architectures.
#[repr(C)]
#[derive(Default)]
struct Action {
    handler: usize,
    flags: usize,
    restorer: usize,
    mask: u64,
}

fn is_ignored(signal: i32) -> bool {
    let mut action = Action::default();
    // SAFETY: only asks, and `action` has room for the answer, whose mask has the size that is given.
    unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, ptr::null::<Action>(), &raw mut action, size_of::<u64>()) };
    action.handler == libc::SIG_IGN
}

fn is_closed(fd: i32) -> bool {
    // SAFETY: takes no pointers, and only fails for a descriptor that is closed.
    unsafe { libc::fcntl(fd, libc::F_GETFD) == -1 }
}

/// The calling thread's mask. Raw, since the C library hides the signals it uses itself.
fn mask() -> u64 {
    change_mask(None)
}

/// Replaces the calling thread's mask. Async-signal-safe.
pub(super) fn set_mask(mask: u64) {
    change_mask(Some(mask));
}

/// Blocks all signals in the calling thread and says what was blocked before.
pub(super) fn block_all() -> u64 {
    change_mask(Some(u64::MAX))
}

fn change_mask(new: Option<u64>) -> u64 {
    let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
    let mut old = 0_u64;
    // SAFETY: the kernel's signal set is 8 bytes on our architectures; it reads one of that size unless
    // the pointer is null, and writes one.
    unsafe { libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, new, &raw mut old, size_of::<u64>()) };
    old
}

/// Gives every signal its default action or ignores it. Async-signal-safe.
pub(super) fn restore_dispositions(inherited: Inherited) {
    for signal in 1..=Signal::MAX {
        let handler = if inherited.ignored & bit(signal) == 0 { libc::SIG_DFL } else { libc::SIG_IGN };
        let action = Action { handler, ..Action::default() };
        let none = ptr::null_mut::<Action>();
        // SAFETY: `action` is a whole structure, whose mask has the size that is given. Fails for SIGKILL
        // and SIGSTOP, which cannot be set. No handler of anybody's runs any more before `execve`.
        unsafe { libc::syscall(libc::SYS_rt_sigaction, signal, &raw const action, none, size_of::<u64>()) };
    }
}

/// Closes the standard descriptors that were closed. Async-signal-safe.
pub(super) fn close_closed(inherited: Inherited) {
    for fd in 0..3 {
        if inherited.closed & 1 << fd != 0 {
            // SAFETY: takes no pointers. Nothing but `execve` and a report by a higher number follows.
            unsafe { libc::close(fd) };
        }
    }
}
