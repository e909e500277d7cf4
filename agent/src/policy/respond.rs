//! What rules ask to be done: signals and messages.
//!
//! A rule that is wrong must not take the machine down: the first process and Lapwing itself are never signalled, and
//! a container is only one that has a name.

use lapwing_common::event::Event;
use lapwing_common::ids::{PidNs, ProcessKey};
use lapwing_common::rules::policy::{Effect, Kill, LogLevel, Target};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::console::Console;

/// Sends signals.
pub(super) trait Sender {
    /// Sends a signal to a process.
    fn send(&mut self, pid: i32, signal: i32) -> Result<(), Errno>;
}

/// Sends them by the kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Real;

impl Sender for Real {
    fn send(&mut self, pid: i32, signal: i32) -> Result<(), Errno> {
        kill(Pid::from_raw(pid), Signal::try_from(signal)?)
    }
}

/// Does what rules ask for.
#[derive(Debug)]
pub(super) struct Responder<S> {
    sender: S,
    own_pid: i32,
    namespace: PidNs,
    console: Console,
}

impl<S: Sender> Responder<S> {
    /// `namespace` is the pid namespace that Lapwing is in.
    pub(super) fn new(sender: S, own_pid: i32, namespace: PidNs, console: Console) -> Self {
        Self { sender, own_pid, namespace, console }
    }

    /// Does one thing. What it refuses or cannot do, it says.
    pub(super) fn respond(&mut self, rule: &str, event: &Event, effect: &Effect) {
        match effect {
            Effect::Kill(kill) => self.kill(rule, event.process.key(), *kill),
            Effect::Log { level: LogLevel::Error | LogLevel::Warn, message } => {
                self.console.warn(format_args!("{rule}: {message}"));
            }
            Effect::Log { level: LogLevel::Info, message } => self.console.info(format_args!("{rule}: {message}")),
            Effect::Log { level: LogLevel::Debug, message } => self.console.debug(format_args!("{rule}: {message}")),
            Effect::Hash { field, .. } => {
                self.console.debug(format_args!("{rule}: {field} is not hashed: this is not in this release"));
            }
        }
    }

    fn kill(&mut self, rule: &str, process: ProcessKey, Kill { signal, target }: Kill) {
        let pid = process.pid.0;
        if target != Target::Process {
            let what = "containers and control groups are not signalled in this release, only the process is";
            self.console.warn(format_args!("{rule}: {what}"));
        }
        // Another namespace's number is another process here.
        if pid <= 1 || pid == self.own_pid || process.namespace != self.namespace {
            self.console.warn(format_args!("{rule}: process {pid} is not sent signal {signal}: rules never do that"));
            return;
        }
        match self.sender.send(pid, signal) {
            Ok(()) => self.console.info(format_args!("{rule}: sent signal {signal} to process {pid}")),
            // It has ended by itself.
            Err(Errno::ESRCH) => {}
            Err(errno) => self.console.warn(format_args!("{rule}: cannot send signal {signal} to {pid}: {errno}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::LogLevel as Level;

    #[derive(Default)]
    struct Sent(Vec<(i32, i32)>);

    impl Sender for &mut Sent {
        fn send(&mut self, pid: i32, signal: i32) -> Result<(), Errno> {
            self.0.push((pid, signal));
            Ok(())
        }
    }

    #[test]
    fn neither_the_first_process_nor_lapwing_is_signalled() {
        let mut sent = Sent::default();
        let mut responder = Responder::new(&mut sent, 77, PidNs(4), Console::new(Level::Off));
        let key = |pid, namespace| ProcessKey { pid: lapwing_common::ids::Pid(pid), namespace: PidNs(namespace) };
        for process in [key(0, 4), key(1, 4), key(-5, 4), key(77, 4), key(78, 4), key(79, 5)] {
            responder.kill("rule", process, Kill { signal: 9, target: Target::Process });
        }
        assert_eq!(sent.0, [(78, 9)]);
    }
}
