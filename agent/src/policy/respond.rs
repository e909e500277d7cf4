//! What rules ask to be done: signals, messages and hashes.
//!
//! A rule that is wrong must not take the machine down: the first process and Lapwing itself are never signalled, and
//! a container is only one that has a name.

use lapwing_common::event::Event;
use lapwing_common::hashes::State;
use lapwing_common::ids::{PidNs, ProcessKey};
use lapwing_common::rules::policy::{Effect, Kill, LogLevel, Target};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::config::HashConfig;
use crate::console::Console;
use crate::resolve::hashes::HostHashes;

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
    hashes: HostHashes,
}

/// Fields that a match gets by an action, with their values.
pub(super) type Added = Vec<(String, String)>;

impl<S: Sender> Responder<S> {
    /// `namespace` is the pid namespace that Lapwing is in.
    pub(super) fn new(sender: S, own_pid: i32, namespace: PidNs, console: Console) -> Self {
        Self { sender, own_pid, namespace, console, hashes: HostHashes::new(&HashConfig::default()) }
    }

    /// Hashes files as it is configured.
    pub(super) fn hashing(self, config: &HashConfig) -> Self {
        Self { hashes: HostHashes::new(config), ..self }
    }

    /// Does one thing. What it refuses or cannot do, it says. Returns what there is to add to the match.
    #[must_use]
    pub(super) fn respond(&mut self, rule: &str, event: &Event, effect: &Effect) -> Added {
        match effect {
            Effect::Kill(kill) => self.kill(rule, event.process.key(), *kill),
            Effect::Log { level: LogLevel::Error | LogLevel::Warn, message } => {
                self.console.warn(format_args!("{rule}: {message}"));
            }
            Effect::Log { level: LogLevel::Info, message } => self.console.info(format_args!("{rule}: {message}")),
            Effect::Log { level: LogLevel::Debug, message } => self.console.debug(format_args!("{rule}: {message}")),
            Effect::Hash { field, max_file_size } => return self.hash(event, field, *max_file_size),
        }
        Added::new()
    }

    fn hash(&mut self, event: &Event, field: &str, max_file_size: u64) -> Added {
        let largest = (max_file_size > 0).then_some(max_file_size);
        let hashed =
            event.file(field).map(|file| self.hashes.hash(event.process.key(), file, largest, event.timestamp));
        let state = hashed.as_ref().map_or(State::NotFound, |hashes| hashes.state());
        let mut added = vec![(format!("{field}.hash_state"), state.name().to_owned())];
        if let Some(hashes) = hashed.filter(|hashes| !hashes.texts().is_empty()) {
            let texts: Vec<_> = hashes.texts().iter().map(|text| String::from_utf8_lossy(text)).collect();
            added.push((format!("{field}.hashes"), texts.join(" ")));
        }
        added
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
    use lapwing_common::event::Chdir;

    use super::*;
    use crate::cli::LogLevel as Level;
    use crate::output::sample;

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

    #[test]
    fn a_match_says_why_its_file_has_no_hash() {
        let event = sample::event(Chdir { file: sample::file("/nowhere"), path: None, retval: 0 });
        let mut sent = Sent::default();
        let mut responder = Responder::new(&mut sent, 77, PidNs(4), Console::new(Level::Off));
        let mut asked =
            |field: &str| responder.respond("rule", &event, &Effect::Hash { field: field.into(), max_file_size: 0 });
        let not_found = |name: &str| (format!("{name}.hash_state"), "not_found".to_owned());
        // One whose inode is not known, and one that the event does not have.
        assert_eq!(asked("chdir.file"), [not_found("chdir.file")]);
        assert_eq!(asked("open.file"), [not_found("open.file")]);
    }
}
