//! A profile that a command is held against while it runs.

use std::fmt::Write as _;
use std::io;
use std::path::Path;
use std::time::Duration;

use lapwing_common::activity::Options;
use lapwing_common::discard::Ktime;
use lapwing_common::event::{Event, EventType};
use lapwing_common::profile::{CallsVerdict, Limiter, Occasion, Profile, Settings, Standing, Tally, Verdict};

use crate::activity::{self, ActivityError};
use crate::output::{Anomaly, novelty};
use crate::pipeline::Made;

/// What all anomalies of a command are counted under.
const COMMAND: u64 = 0;

/// Judges events by a profile that is complete.
#[derive(Debug)]
pub(crate) struct Guard {
    profile: Profile,
    limiter: Limiter,
    told: u64,
}

impl Guard {
    /// Reads the profile. Any dump will do; but if system calls are to be judged, one that has them all.
    pub(crate) fn load(path: &Path, judges_calls: bool) -> Result<Self, ActivityError> {
        let document = activity::read(path).map_err(|error| match error {
            ActivityError::Read { error, path } if error.kind() == io::ErrorKind::NotFound => {
                ActivityError::NoProfile(path)
            }
            error => error,
        })?;
        // Whoever names a profile says that it is complete: nothing is learned, and no version of it forgotten.
        let mut settings =
            Settings { workload_warmup: Duration::ZERO, max_image_tags: usize::MAX, ..Settings::default() };
        let message = document.to_profile();
        if judges_calls {
            if !super::knows_all_calls(&message) {
                return Err(ActivityError::CallsOfEvents(path.into()));
            }
            settings.types = settings.types.with(EventType::Syscalls);
        }
        let limiter = Limiter::new(&settings);
        let mut profile = Profile::from_message(message, settings, Options::default(), Ktime(0));
        profile.settle(Ktime(0));
        Ok(Self { profile, limiter, told: 0 })
    }

    /// What the profile says of an event. An anomaly beyond the limit counts as repeated.
    pub(crate) fn observe(&mut self, event: &Event) -> Standing {
        // Only differences matter here, and the events' own times are at hand.
        let now = Ktime(event.timestamp.0);
        let mut verdict = self.profile.observe(event, &Occasion { tag: "", started: Ktime(0), now });
        if verdict == Verdict::Anomaly {
            if self.limiter.allows(COMMAND, now) {
                self.told += 1;
            } else {
                verdict = Verdict::Repeated;
            }
        }
        Standing { verdict: Some(verdict), state: Some(self.profile.state(event.event_type())), is_recorded: false }
    }

    /// What the profile says of system calls: those that depart, if that is to be told.
    pub(crate) fn observe_calls(&mut self, made: &Made<'_>) -> Option<Event> {
        let now = Ktime(made.at.0);
        let occasion = Occasion { tag: "", started: Ktime(0), now };
        let CallsVerdict { verdict, departed } =
            self.profile.observe_calls(made.process, made.calls, made.at, &occasion);
        let is_told = verdict == Verdict::Anomaly && self.limiter.allows(COMMAND, now);
        self.told += u64::from(is_told);
        is_told.then(|| super::calls_event(made, &departed))
    }

    /// An event as a departure.
    pub(crate) fn anomaly<'a>(&'a self, event: &'a Event) -> Anomaly<'a> {
        Anomaly {
            profile: self.profile.selector(),
            what: novelty(&event.payload),
            lineage: self.profile.lineage(event),
        }
    }

    /// How many departures there were, for the end.
    pub(crate) fn summary(&self) -> String {
        let Tally { known, repeated, of_unknown_programs, unplaced, .. } = self.profile.tally();
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "profile    {} anomalies, {known} events as expected", self.told);
        for (count, what) in [
            (repeated, "anomalies told less than a minute before"),
            (self.limiter.refused(), "anomalies not told, since there were too many"),
            (of_unknown_programs, "events of programs that are anomalies themselves"),
            (unplaced, "events not judged: what led to them was not observed"),
        ] {
            if count > 0 {
                let _ = writeln!(text, "{count:>9}  {what}");
            }
        }
        text
    }
}
