//! Which system calls programs make: when those that run are asked.
//!
//! The kernel keeps a set for each program, and hands it over when the program ends. A server that runs for months is
//! asked now and then, so that dumps and profiles have what it does.

use std::time::{Duration, Instant};

use super::Agent;

/// How often.
const EVERY: Duration = Duration::from_secs(60);

impl Agent {
    /// Whether the agent's own backend says which system calls programs make.
    pub(in crate::daemon) fn reads_calls(&self) -> bool {
        self.config.fixed.follows_calls() && self.capture.is_some()
    }

    /// When programs are asked next; `None` while nobody wants to know.
    pub(super) fn calls_due(&self) -> Option<Instant> {
        let is_wanted = self.recordings.count().0 > 0 || self.config.fixed.judges_calls();
        (is_wanted && self.reads_calls()).then_some(self.calls_at)
    }

    /// Asks them if it is time to.
    pub(super) fn read_calls_on_time(&mut self, now: Instant) {
        if self.calls_due().is_some_and(|due| due <= now) {
            self.calls_at = now + EVERY;
            if let Some(capture) = &mut self.capture {
                capture.read_calls();
            }
        }
    }
}
