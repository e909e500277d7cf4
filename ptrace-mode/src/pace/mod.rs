//! Waiting for the next stop, as cheaply for the tracees as can be.
//!
//! A stop is two hand-overs, tracee to tracer and back, and what they cost depends on where both run.
//! When the other CPU is idle, the kernel puts the resumed thread there, and waking an idle CPU is by
//! far the dearest part (33 to 40 µs a stop, of which 3 are work). A tracer that follows the tracee to
//! its CPU under `SCHED_IDLE` is resumed and resumes in place (7 µs). That pays while one thread stops
//! again and again. It does not while several run at once, nor while others want the CPU, since then a
//! `SCHED_IDLE` tracer would wait for them; so what the tracees do is looked at every few stops.

mod follower;
mod sources;

use std::time::{Duration, Instant};

use crate::options::Pacing;
use crate::os::wait::{Status, Stop, WaitError, WaitMode, wait};
use crate::seccomp::Listener;

use follower::Follower;
pub(crate) use sources::{Happening, Sources};

/// Stops after which the way of waiting is thought over.
const WINDOW: u32 = 16;
/// Stops of a window that must come from the same thread as the one before for it to be followed.
const STEADY: u32 = 13;

#[derive(Debug)]
pub(crate) struct Pace {
    pacing: Pacing,
    /// Where a filter has a listener.
    sources: Option<Sources>,
    follower: Option<Follower>,
    stops: u32,
    repeats: u32,
    births: u32,
    /// Calls that were answered since the last stop.
    calls: u32,
    last: i32,
}

/// Where the tracer runs, and how eagerly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Where the kernel puts it, like any thread.
    Anywhere,
    /// Where the kernel puts it, but whatever else wants to run goes first.
    Yielding,
    /// On the tracee's CPU, and the tracee goes first.
    WithTracee,
}

impl Pace {
    /// `reader` is the thread that makes events of the observations.
    pub(crate) fn new(pacing: Pacing, reader: i32) -> Self {
        let follower = matches!(pacing, Pacing::Adaptive | Pacing::Follow).then(|| Follower::new(reader)).flatten();
        Self { pacing, sources: None, follower, stops: 0, repeats: 0, births: 0, calls: 0, last: 0 }
    }

    /// Waits for the listener of a filter too.
    pub(crate) fn listen(&mut self, sources: Sources) {
        self.sources = Some(sources);
    }

    /// Who answers calls that wait.
    pub(crate) fn listener(&self) -> Option<&Listener> {
        self.sources.as_ref()?.listener()
    }

    /// What happens next.
    pub(crate) fn next(&mut self) -> Result<Happening, WaitError> {
        let found = self.wait()?;
        match found {
            Happening::Status(tid, status) => self.note((tid, status)),
            Happening::Call(_) => self.note_call(),
        }
        Ok(found)
    }

    fn wait(&mut self) -> Result<Happening, WaitError> {
        if let Pacing::Spin(micros) = self.pacing {
            let limit = Duration::from_micros(micros.into());
            let begun = Instant::now();
            while begun.elapsed() < limit {
                if let Some(found) = self.look(WaitMode::Poll)? {
                    return Ok(found);
                }
                std::hint::spin_loop();
            }
        }
        loop {
            if let Some(found) = self.look(WaitMode::Block)? {
                return Ok(found);
            }
        }
    }

    fn look(&mut self, mode: WaitMode) -> Result<Option<Happening>, WaitError> {
        match &mut self.sources {
            Some(sources) => sources.next(mode),
            None => Ok(wait(mode)?.map(|(tid, status)| Happening::Status(tid, status))),
        }
    }

    /// Where calls are answered one after the other, the kernel itself sees to it that nobody has to be woken elsewhere.
    fn note_call(&mut self) {
        self.calls += 1;
        if self.calls == WINDOW
            && let Some(follower) = &mut self.follower
        {
            follower.go_anywhere();
        }
    }

    fn note(&mut self, (tid, status): (i32, Status)) {
        self.calls = 0;
        let Some(follower) = &mut self.follower else { return };
        follower.check();
        self.stops += 1;
        self.repeats += u32::from(tid == self.last);
        self.births += u32::from(matches!(status, Status::Stopped(Stop::Fork | Stop::Vfork | Stop::Clone)));
        self.last = tid;
        if self.stops >= WINDOW {
            let place = if self.pacing == Pacing::Follow || (self.repeats >= STEADY && self.births == 0) {
                Place::WithTracee
            } else if self.births > 0 {
                Place::Yielding
            } else {
                Place::Anywhere
            };
            follower.decide(tid, place);
            (self.stops, self.repeats, self.births) = (0, 0, 0);
        }
    }
}
