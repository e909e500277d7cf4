//! How many events there were, by type.

use lapwing_common::event::{Event, EventType};

use super::Consumer;
use crate::output::retval;

/// Room for every discriminant of [`EventType`].
const TYPES: usize = 64;

/// Events by type.
#[derive(Debug)]
pub(crate) struct Counts {
    types: [TypeCount; TYPES],
}

/// Events of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct TypeCount {
    /// All of them.
    pub(crate) all: u64,
    /// Of calls that failed.
    pub(crate) failed: u64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { types: [TypeCount::default(); TYPES] }
    }
}

impl Counts {
    /// The types of which there were events, with their counts, in the order of the types.
    pub(crate) fn each(&self) -> impl Iterator<Item = (EventType, TypeCount)> {
        let count_of = |event: EventType| self.types.get(event as usize).copied().unwrap_or_default();
        EventType::ALL.into_iter().map(move |event| (event, count_of(event))).filter(|(_, count)| count.all > 0)
    }

    /// All events.
    pub(crate) fn total(&self) -> u64 {
        self.types.iter().map(|count| count.all).sum()
    }
}

impl Consumer for Counts {
    fn event(&mut self, event: &Event) {
        if let Some(count) = self.types.get_mut(event.event_type() as usize) {
            count.all += 1;
            count.failed += u64::from(retval(&event.payload).is_some_and(|retval| retval < 0));
        }
    }
}
