//! Signals as plain numbers with names.
//!
//! `nix::Signal` is an enum of the 31 standard signals, so a real-time signal cannot be held, nor
//! passed on to the tracee it was meant for. A tracer that loses a signal breaks the program it
//! watches; hence a number that is always representable.

use std::fmt;

/// A signal number, normally 1 to 64; any other value is kept as it came.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(pub i32);

/// The first real-time signal that programs may use. The kernel starts at 32, but glibc keeps two
/// for itself, and `kill -l` and people count from 34.
const RT_FIRST: i32 = 34;
const RT_LAST: i32 = 64;

/// Names of the numbers 1 to 31, which x86 and ARM share.
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

impl Signal {
    /// The largest number the kernel knows.
    pub const MAX: i32 = RT_LAST;
    /// `SIGTRAP`, which most ptrace stops are dressed as.
    pub const TRAP: Self = Self(libc::SIGTRAP);
    /// `SIGSTOP`.
    pub const STOP: Self = Self(libc::SIGSTOP);
    /// `SIGKILL`.
    pub const KILL: Self = Self(libc::SIGKILL);

    /// The number.
    #[must_use]
    pub fn number(self) -> i32 {
        self.0
    }

    /// Whether its default action stops the process: the signals that begin a group-stop.
    #[must_use]
    pub fn is_stop(self) -> bool {
        matches!(self.0, libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU)
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = usize::try_from(self.0).ok().and_then(|number| NAMES.get(number.wrapping_sub(1)));
        match (name, self.0) {
            (Some(name), _) => f.write_str(name),
            (None, RT_FIRST) => f.write_str("SIGRTMIN"),
            (None, RT_LAST) => f.write_str("SIGRTMAX"),
            (None, number @ RT_FIRST..RT_LAST) => write!(f, "SIGRTMIN+{}", number - RT_FIRST),
            (None, number) => write!(f, "SIG{number}"),
        }
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signal({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::Signal;

    #[test]
    fn names_follow_kill_l() {
        for (number, name) in [
            (libc::SIGHUP, "SIGHUP"),
            (libc::SIGINT, "SIGINT"),
            (libc::SIGSTKFLT, "SIGSTKFLT"),
            (libc::SIGSYS, "SIGSYS"),
            (32, "SIG32"),
            (34, "SIGRTMIN"),
            (37, "SIGRTMIN+3"),
            (64, "SIGRTMAX"),
            (0, "SIG0"),
            (-1, "SIG-1"),
            (65, "SIG65"),
        ] {
            assert_eq!(Signal(number).to_string(), name);
        }
    }

    #[test]
    fn four_signals_stop() {
        let stopping: Vec<i32> = (1..=Signal::MAX).filter(|number| Signal(*number).is_stop()).collect();
        assert_eq!(stopping, [libc::SIGSTOP, libc::SIGTSTP, libc::SIGTTIN, libc::SIGTTOU]);
    }
}
