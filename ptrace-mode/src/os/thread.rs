//! Waking a thread that sleeps in `waitpid`.
//!
//! The kernel interrupts the call for a signal whose handler was installed without `SA_RESTART`. The
//! signal is a real-time one, which nothing else in Lapwing uses, and it goes to the one thread.

#![allow(unsafe_code, reason = "installing a signal handler and signalling a thread")]

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::Once;

/// A thread of this process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Id(i32);

impl Id {
    /// The calling thread, which from now on can be interrupted.
    pub(crate) fn current() -> Self {
        install_handler();
        unblock();
        // SAFETY: takes no arguments.
        Self(unsafe { libc::gettid() })
    }

    /// Makes the thread's blocking call return with EINTR. Nothing happens if it has ended.
    pub(crate) fn interrupt(self) {
        // SAFETY: takes no pointers; the kernel checks that the thread is one of ours.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), self.0, wake_signal()) };
    }
}

fn wake_signal() -> i32 {
    libc::SIGRTMAX() - 1
}

/// The mask was inherited from a thread that may have blocked everything.
fn unblock() {
    // SAFETY: the set is initialised by sigemptyset before it is used; the pointers are valid.
    unsafe {
        let mut set: libc::sigset_t = MaybeUninit::zeroed().assume_init();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, wake_signal());
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const set, ptr::null_mut());
    }
}

extern "C" fn nothing(_signal: i32) {}

fn install_handler() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: an all-zero sigaction is valid: no flags (so no SA_RESTART), an empty mask.
        let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
        action.sa_sigaction = nothing as *const () as usize;
        // SAFETY: the handler does nothing, so it may interrupt anything; the pointers are valid.
        unsafe { libc::sigaction(wake_signal(), &raw const action, ptr::null_mut()) };
    });
}
