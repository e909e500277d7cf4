//! Signals that Lapwing receives, taken in order from a descriptor.
//!
//! A signalfd instead of handlers: it tells who sent a signal, queues real-time signals with the rest, and its
//! signals are blocked. The latter matters for a process that shares a terminal with its command: a *handled*
//! SIGTTOU makes writing to the terminal from the background fail over and over, a blocked one lets it through
//! (termios(3), TOSTOP). The command is not touched by the blocking: it is started with the mask and the
//! dispositions that Lapwing itself was started with.

#![allow(
    unsafe_code,
    reason = "kill and sigdelset are called through libc: nix's and rustix's types cannot hold a real-time signal"
)]

use std::io;
use std::os::fd::{AsRawFd as _, RawFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

/// What is left alone: faults and SIGABRT, which mean Lapwing itself; SIGCHLD, which is for who waits for a child;
/// SIGPIPE, which Rust ignores; SIGPROF, a profiler's. SIGXFSZ is taken, so that a limit on file sizes is just an error.
const LEFT: [Signal; 12] = [
    Signal::SIGKILL,
    Signal::SIGSTOP,
    Signal::SIGILL,
    Signal::SIGTRAP,
    Signal::SIGABRT,
    Signal::SIGBUS,
    Signal::SIGFPE,
    Signal::SIGSEGV,
    Signal::SIGSYS,
    Signal::SIGCHLD,
    Signal::SIGPIPE,
    Signal::SIGPROF,
];

/// What ends a program.
const ENDING: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// A signal that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Received {
    /// Its number.
    pub(super) signal: i32,
    /// The process that sent it; `None` if the kernel did, as for a key on the terminal: then every process of
    /// the foreground group got it.
    pub(super) sender: Option<i32>,
}

/// What Lapwing does about a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// To end: SIGHUP, SIGINT, SIGQUIT, SIGTERM.
    End,
    /// To stop: SIGTSTP, SIGTTIN, SIGTTOU.
    Stop,
    /// To go on after a stop: SIGCONT.
    Continue,
    /// Nothing: SIGXFSZ, SIGXCPU. They are about Lapwing's own limits, and the write that failed says so too.
    Nothing,
    /// Something to the command only.
    Other,
}

impl Received {
    pub(super) fn meaning(self) -> Meaning {
        match self.signal {
            libc::SIGHUP | libc::SIGINT | libc::SIGQUIT | libc::SIGTERM => Meaning::End,
            libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => Meaning::Stop,
            libc::SIGCONT => Meaning::Continue,
            libc::SIGXFSZ | libc::SIGXCPU => Meaning::Nothing,
            _ => Meaning::Other,
        }
    }
}

/// The signals of this process, from now on.
#[derive(Debug)]
pub(super) struct Signals {
    descriptor: SignalFd,
}

impl Signals {
    /// Blocks the signals in this thread. Call it before there are other threads, which inherit that.
    pub(super) fn take() -> io::Result<Self> {
        let set = taken();
        set.thread_block()?;
        let descriptor = SignalFd::with_flags(&set, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        Ok(Self { descriptor })
    }

    /// The next one that came in.
    pub(super) fn next(&mut self) -> Option<Received> {
        let info = self.descriptor.read_signal().ok()??;
        let sender = i32::try_from(info.ssi_pid).unwrap_or(0);
        Some(Received {
            signal: i32::try_from(info.ssi_signo).unwrap_or(0),
            // Positive codes are the kernel's (sigaction(2)).
            sender: (info.ssi_code <= 0).then_some(sender),
        })
    }

    pub(super) fn descriptor(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Lets signals end Lapwing again, for when there is no command any more that they could be meant for.
    pub(super) fn release(mut self) {
        while self.next().is_some() {}
        // Fails for an invalid set only.
        let _ = ENDING.into_iter().collect::<SigSet>().thread_unblock();
    }
}

/// The signals that are taken over: all but [`LEFT`] and the one that the tracer interrupts its thread by.
fn taken() -> SigSet {
    let mut set = SigSet::all();
    LEFT.into_iter().for_each(|signal| set.remove(signal));
    let mut raw = *set.as_ref();
    // SAFETY: `raw` is a valid set, and an invalid signal would be answered with an error.
    unsafe { libc::sigdelset(&raw mut raw, libc::SIGRTMAX() - 1) };
    // SAFETY: made from a set of nix's own by the C library; nix itself asks for no more than that.
    unsafe { SigSet::from_sigset_t_unchecked(raw) }
}

/// Sends a signal to a process.
pub(super) fn send(pid: i32, signal: i32) -> Result<(), Errno> {
    // SAFETY: takes no pointers, and says by an error what it does not accept.
    Errno::result(unsafe { libc::kill(pid, signal) }).map(drop)
}

/// Whether this process traces that one, which then is one of those that are watched.
pub(super) fn is_tracee(pid: i32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).map(str::trim);
    // A thread, which is one of ours if it is listed here. No thread has number 0, which stands for no tracer.
    tracer.is_some_and(|tracer| Path::new("/proc/self/task").join(tracer).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_mean_what_shells_take_them_for() {
        let meaning = |signal| Received { signal, sender: None }.meaning();
        for signal in ENDING {
            assert_eq!(meaning(signal as i32), Meaning::End);
        }
        assert_eq!(meaning(libc::SIGTTOU), Meaning::Stop);
        assert_eq!(meaning(libc::SIGCONT), Meaning::Continue);
        assert_eq!(meaning(libc::SIGUSR1), Meaning::Other);
        assert_eq!(meaning(40), Meaning::Other);
    }

    #[test]
    fn who_sent_a_signal_is_known_for_real_time_signals_too() {
        // In a thread of its own: the mask is the thread's, and so is the target.
        std::thread::spawn(|| {
            let mut signals = Signals::take().unwrap();
            for signal in [libc::SIGUSR1, 40, 64] {
                // SAFETY: takes no pointers; the signal is blocked in the thread that it is sent to.
                unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), libc::gettid(), signal) };
                let own = i32::try_from(std::process::id()).ok();
                assert_eq!(signals.next(), Some(Received { signal, sender: own }));
            }
            assert_eq!(signals.next(), None);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_process_that_nobody_traces_is_no_tracee() {
        assert!(!is_tracee(i32::try_from(std::process::id()).unwrap()));
        assert!(!is_tracee(-1));
    }
}
