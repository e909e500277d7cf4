//! Rules that are not told where a profile says that the event is normal.

use alloc::collections::BTreeMap;
use alloc::string::String;

use super::state::State;
use super::verdict::Verdict;
use crate::event::EventType;

/// What a rule may ask for among its tags.
const ALLOW: &str = "allow_autosuppression";
const DRIFT_ONLY: &str = "workload_drift_only";

/// How the workload of an event stands when a rule matches it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Standing {
    /// What its profile says of the event; `None` without a profile.
    pub verdict: Option<Verdict>,
    /// The profile's state for the type; `None` without a profile.
    pub state: Option<State>,
    /// Whether a dump of it is being made.
    pub is_recorded: bool,
}

/// Whether a match is not told, and what its rule asks for not done. Rules allow that by the tag
/// `allow_autosuppression: "true"`; with `workload_drift_only: "true"` they are about departures from a stable profile
/// alone. Only for programs: the types that profiles learn soon and well.
#[must_use]
pub fn is_suppressed(tags: &BTreeMap<String, String>, kind: EventType, standing: Standing) -> bool {
    let says = |tag| tags.get(tag).is_some_and(|value| value == "true");
    if kind != EventType::Exec || !says(ALLOW) {
        return false;
    }
    let is_normal = matches!(standing.verdict, Some(Verdict::Known));
    let is_unsure = says(DRIFT_ONLY) && standing.state.is_some_and(|state| state != State::Stable);
    is_normal || standing.is_recorded || is_unsure
}
