//! The signal mask and the ignored signals that Lapwing itself was started with, and which its command
//! is to be started with.
//!
//! They survive `execve`, and Lapwing changes them for itself. Worse, Rust's runtime ignores SIGPIPE
//! before `main`, by which `lapwing run -- sh -c 'yes | head'` would fail with write errors. Hence
//! they are noted before that, in a constructor of the executable.

#![allow(unsafe_code, reason = "sigaction, a raw rt_sigprocmask, and a constructor in .init_array")]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::os::signal::Signal;

/// What a command inherits about signals. Bit `n - 1` stands for signal `n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Inherited {
    /// The blocked ones.
    pub mask: u64,
    /// The ignored ones; all others have their default action.
    pub ignored: u64,
}

static NOTED: AtomicBool = AtomicBool::new(false);
static MASK: AtomicU64 = AtomicU64::new(0);
static IGNORED: AtomicU64 = AtomicU64::new(0);

/// Runs before `main`, and so before Rust's runtime.
#[used]
#[unsafe(link_section = ".init_array")]
static NOTE: extern "C" fn() = note;

extern "C" fn note() {
    let Inherited { mask, ignored } = Inherited::now();
    MASK.store(mask, Ordering::Relaxed);
    IGNORED.store(ignored, Ordering::Relaxed);
    NOTED.store(true, Ordering::Release);
}

impl Inherited {
    /// What this process was started with.
    #[must_use]
    pub fn at_start() -> Self {
        if NOTED.load(Ordering::Acquire) {
            Self { mask: MASK.load(Ordering::Relaxed), ignored: IGNORED.load(Ordering::Relaxed) }
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
        Self { mask: mask(), ignored }
    }
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

fn is_ignored(signal: i32) -> bool {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: only asks, and `action` has room for the answer. Fails for the signals that the C library
    // keeps for itself, which leaves zeros: the default action.
    unsafe { libc::sigaction(signal, ptr::null(), action.as_mut_ptr()) };
    // SAFETY: zeroed before, for which all its fields have a meaning.
    unsafe { action.assume_init() }.sa_sigaction == libc::SIG_IGN
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
    // SAFETY: all zeros is a valid action without flags and with an empty mask.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    for signal in 1..=Signal::MAX {
        action.sa_sigaction = if inherited.ignored & bit(signal) == 0 { libc::SIG_DFL } else { libc::SIG_IGN };
        // SAFETY: `action` is a whole structure. Fails for SIGKILL, SIGSTOP and the C library's own
        // signals, which cannot or need not be set: handlers end with `execve`.
        unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) };
    }
}
