//! How far a version is learned, for one type of event.

use core::time::Duration;

use lapwing_proto::dumps::EventProfileState;

use super::Settings;
use crate::discard::Ktime;

/// What is done with an event. The numbers are those of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum State {
    /// Too much is new for too long: events of the type are not judged.
    Unstable = 2,
    /// What is not in the profile is an anomaly.
    Stable = 3,
    /// What is not in the profile is learned.
    AutoLearning = 4,
    /// The tree takes nothing more. What is not in it puts stability off.
    AtMaxSize = 1,
    /// The workload has just started: what it does is learned, whatever has been learned before.
    WorkloadWarmup = 5,
}

impl State {
    /// A word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Unstable => "unstable",
            Self::Stable => "stable",
            Self::AutoLearning => "auto_learning",
            Self::AtMaxSize => "at_max_size",
            Self::WorkloadWarmup => "workload_warmup",
        }
    }

    pub(super) fn to_message(self) -> EventProfileState {
        match self {
            Self::Unstable => EventProfileState::UnstableProfile,
            Self::Stable => EventProfileState::StableProfile,
            Self::AutoLearning => EventProfileState::AutoLearning,
            Self::AtMaxSize => EventProfileState::ProfileAtMaxSize,
            Self::WorkloadWarmup => EventProfileState::WorkloadWarmup,
        }
    }
}

/// What of a state lasts from event to event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stability {
    /// It is learned.
    #[default]
    Learning,
    /// It has been learned.
    Stable,
    /// It will not be.
    Unstable,
}

impl Stability {
    pub(super) fn from_number(number: i32) -> Self {
        match EventProfileState::try_from(number) {
            Ok(EventProfileState::StableProfile) => Self::Stable,
            Ok(EventProfileState::UnstableProfile) => Self::Unstable,
            _ => Self::Learning,
        }
    }
}

impl From<Stability> for State {
    fn from(stability: Stability) -> Self {
        match stability {
            Stability::Learning => Self::AutoLearning,
            Stability::Stable => Self::Stable,
            Stability::Unstable => Self::Unstable,
        }
    }
}

/// What an event is met with.
#[derive(Clone, Copy, Debug)]
pub struct Situation {
    /// How far the type is learned in the event's version.
    pub stability: Stability,
    /// When something of the type was new for the version, or when the version was first seen.
    pub last_new: Ktime,
    /// When the workload was started.
    pub started: Ktime,
    /// When learning began: with the profile, when it was loaded, or with the version if that came later. (Datadog's
    /// agent goes by the profile alone; a version that is deployed an hour after it would be unstable at once.)
    pub began: Ktime,
    /// Bytes that its tree takes.
    pub size: usize,
    /// When the event happened.
    pub now: Ktime,
}

impl Situation {
    /// The state in which the event finds the profile: the first that applies.
    #[must_use]
    pub fn state(&self, settings: &Settings) -> State {
        let since = |then: Ktime| Duration::from_nanos(self.now.0.saturating_sub(then.0));
        match self.stability {
            Stability::Unstable => State::Unstable,
            _ if since(self.started) < settings.workload_warmup => State::WorkloadWarmup,
            Stability::Stable => State::Stable,
            Stability::Learning if since(self.last_new) >= settings.minimum_stable => State::Stable,
            Stability::Learning if since(self.began) >= settings.unstable_time => State::Unstable,
            Stability::Learning if self.size >= settings.unstable_size => State::AtMaxSize,
            Stability::Learning => State::AutoLearning,
        }
    }
}
