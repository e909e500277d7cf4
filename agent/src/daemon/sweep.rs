//! The search for processes whose exit was lost: every two minutes, and at once when records of processes were lost.

use std::time::{Duration, Instant};

use lapwing_common::process::Sweep;

use super::Agent;

/// Between two rounds.
const EVERY: Duration = Duration::from_secs(120);
/// Between two looks at what was lost. Whatever was in a ring at one of them has been read by the next.
const LOOK: Duration = Duration::from_secs(2);
/// As many processes are looked at in one go, which takes some milliseconds.
const AT_ONCE: usize = 256;
/// Then there is time for events.
const PAUSE: Duration = Duration::from_millis(20);

/// When to go on, and with what.
#[derive(Debug)]
pub(super) struct Search {
    sweep: Sweep,
    /// When the last round began.
    began: Instant,
    /// Records of processes that were lost until then.
    lost: u64,
    /// Rounds that are due at once: a process is removed in the second that it is missing in.
    due: u8,
    pub(super) at: Instant,
}

impl Search {
    pub(super) fn new(now: Instant) -> Self {
        Self { sweep: Sweep::default(), began: now, lost: 0, due: 0, at: now + LOOK }
    }
}

impl Agent {
    /// Goes on with the search.
    pub(super) fn search(&mut self, now: Instant) {
        let (Some(search), Some(capture)) = (&mut self.search, &self.capture) else { return };
        if search.at > now {
            return;
        }
        let Some(presence) = capture.presence() else {
            self.search = None;
            return;
        };
        search.at = now + PAUSE;
        if capture.interval() == Some(Duration::ZERO) {
            // Something waits to be read that may be an exit.
            return;
        }
        if search.sweep.is_over() {
            let lost = capture.lost_processes();
            if lost > search.lost {
                (search.lost, search.due) = (lost, 2);
            }
            if search.due == 0 && now < search.began + EVERY {
                search.at = now + LOOK;
                return;
            }
            (search.due, search.began) = (search.due.saturating_sub(1), now);
            search.sweep.begin(self.pipeline.processes(), presence.namespace());
        }
        self.pipeline.sweep(&mut search.sweep, AT_ONCE, |key, mark| presence.runs(key, mark));
        if search.sweep.is_over() {
            search.at = now + LOOK;
        }
    }
}
