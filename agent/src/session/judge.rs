//! Who says of every event whether it is shown, where not all are: rules, and a profile.

use lapwing_common::engine::EventSet;
use lapwing_common::event::Event;
use lapwing_common::profile::{Standing, Verdict};
use lapwing_common::record::Observation;

use crate::activity::Recorder;
use crate::output::Output;
use crate::pipeline::{Consumer, Made};
use crate::policy::Live;
use crate::profile::Guard;

/// Events go through the profile and the rules; what departs and what matches goes to the output, and events with what
/// matched to the dump.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) live: Option<&'a mut Live>,
    pub(super) guard: Option<&'a mut Guard>,
    pub(super) output: &'a mut Output,
    /// The types of events that rules and profile are about.
    pub(super) types: EventSet,
    pub(super) recorder: Option<&'a mut Recorder>,
}

impl Consumer for Judge<'_> {
    fn observation(&mut self, observation: &Observation) {
        if let Some(live) = &mut self.live {
            live.observation(observation);
        }
    }

    fn calls(&mut self, made: &Made<'_>) {
        if let Some(guard) = &mut self.guard
            && let Some(event) = guard.observe_calls(made)
        {
            self.output.departed(&event, &guard.anomaly(&event));
        }
        self.recorder.calls(made);
    }

    fn event(&mut self, event: &Event) {
        if self.types.contains(event.event_type()) {
            let standing = match &mut self.guard {
                Some(guard) => guard.observe(event),
                None => Standing::default(),
            };
            if let Some(guard) = self.guard.as_deref().filter(|_| standing.verdict == Some(Verdict::Anomaly)) {
                self.output.departed(event, &guard.anomaly(event));
            }
            if let Some(live) = &mut self.live {
                live.evaluate(event, standing, self.output, self.recorder.as_deref_mut());
            }
        }
        self.recorder.event(event);
    }
}
