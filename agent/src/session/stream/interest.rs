//! Under which paths the agent's rules are interested in events, asked by the tracer's thread before it lets a call pass.

use std::sync::{PoisonError, RwLock};

use lapwing_common::backend::Interest;
use lapwing_common::event::{EventType, File};
use lapwing_common::ids::Timestamp;
use lapwing_common::rules::PathInterests;

/// What the last plan said. Without one, everything is of interest.
#[derive(Debug, Default)]
pub(super) struct AgentInterest(RwLock<PathInterests>);

impl AgentInterest {
    pub(super) fn replace(&self, interests: PathInterests) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = interests;
    }
}

impl Interest for AgentInterest {
    fn is_indifferent(&self, event: EventType, path: &[u8]) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).are_indifferent_to(event, path)
    }

    /// Nothing: what discarders could say of the file, its path has said already.
    fn passed(&self, _event: EventType, _file: &File, _at: Timestamp) {}
}
