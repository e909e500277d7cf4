//! Job control: Lapwing stops when its command does, and wakes it when it is woken.
//!
//! A shell waits for Lapwing, not for the command. Were only the command stopped by Ctrl-Z, the shell would
//! not notice, and the terminal would hang. Were Lapwing stopped at once, its command could not stop at all: a
//! tracee needs its tracer for that. So Lapwing notes that a stop is wanted, waits until the command has
//! stopped, and only then stops itself. It never stops unasked: others that it traces may be those that are to
//! wake the command.

use std::time::{Duration, Instant};

/// How long a command is waited for that has been told to stop. One that stops later is found when it next
/// does something.
const STOPPING: Duration = Duration::from_secs(1);
/// How often it is looked at meanwhile.
const LOOK: Duration = Duration::from_millis(5);
/// What a command has to go on by itself, woken with Lapwing as part of its process group.
const WAKING: Duration = Duration::from_millis(20);

/// What a terminal's job control has asked for.
#[derive(Debug, Default)]
pub(super) struct Jobs {
    /// Since when Lapwing shall stop with its command.
    stop_wanted: Option<Instant>,
    /// When to see whether the command goes on.
    look_after: Option<Instant>,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Nothing,
    /// Stop this process.
    Stop,
    /// Wake the command.
    Wake,
}

impl Jobs {
    /// A signal asked for a stop.
    pub(super) fn stop(&mut self, now: Instant) {
        self.stop_wanted = Some(now);
    }

    /// Lapwing was told to go on.
    pub(super) fn go_on(&mut self, now: Instant) {
        self.stop_wanted = None;
        self.look_after = Some(now + WAKING);
    }

    /// What is to be done, given whether the command is stopped.
    pub(super) fn step(&mut self, now: Instant, command_stopped: bool) -> Step {
        if command_stopped && self.stop_wanted.take().is_some() {
            return Step::Stop;
        }
        if self.look_after.take_if(|at| *at <= now).is_some() && command_stopped {
            return Step::Wake;
        }
        Step::Nothing
    }

    /// When to ask again.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let look = self.stop_wanted.filter(|since| now < *since + STOPPING).map(|_| now + LOOK);
        [look, self.look_after].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lapwing_stops_after_its_command_and_only_when_asked() {
        let now = Instant::now();
        let mut jobs = Jobs::default();
        assert_eq!(jobs.step(now, true), Step::Nothing, "somebody else stopped the command, for a purpose of theirs");
        assert_eq!(jobs.due(now), None);
        jobs.stop(now);
        assert_eq!(jobs.step(now, false), Step::Nothing);
        assert_eq!(jobs.due(now), Some(now + LOOK));
        assert_eq!(jobs.due(now + STOPPING), None);
        assert_eq!(jobs.step(now, true), Step::Stop);
        assert_eq!(jobs.step(now, true), Step::Nothing, "once");
    }

    #[test]
    fn a_command_that_was_not_woken_with_lapwing_is_woken_by_it() {
        let now = Instant::now();
        let mut jobs = Jobs::default();
        jobs.go_on(now);
        assert_eq!(jobs.due(now), Some(now + WAKING));
        assert_eq!(jobs.step(now, true), Step::Nothing, "it may be on its way");
        assert_eq!(jobs.step(now + WAKING, true), Step::Wake);
        jobs.go_on(now);
        assert_eq!(jobs.step(now + WAKING, false), Step::Nothing);
        assert_eq!(jobs.due(now + WAKING), None);
    }
}
