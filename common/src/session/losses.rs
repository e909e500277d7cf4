//! What became of a session's observations, by number.

use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use lapwing_proto::tracer::v1 as proto;

use crate::event::EventType;
use crate::record::{Observation, Sighting};

/// Where an observation was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// The tracer's queue was full.
    Queue,
    /// It was sent, had to make room before it was acknowledged, and then the agent went away.
    Unconfirmed,
    /// It was too long for a frame.
    TooLong,
}

impl Place {
    /// The name in output.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Unconfirmed => "unconfirmed",
            Self::TooLong => "too_long",
        }
    }

    fn message(self) -> proto::LossPlace {
        match self {
            Self::Queue => proto::LossPlace::Queue,
            Self::Unconfirmed => proto::LossPlace::Unconfirmed,
            Self::TooLong => proto::LossPlace::TooLong,
        }
    }
}

/// Observations that were lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// The event that they would have become, as the tracer names it; `running` for processes of its beginning, `syscalls` for sets
    /// of calls.
    pub event: String,
    /// Where; `None` for a place of a newer release.
    pub place: Option<Place>,
    /// How many.
    pub count: u64,
}

/// What became of all observations of a session. `generated` is the sum of all others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How many there were.
    pub generated: u64,
    /// How many agents have acknowledged.
    pub confirmed: u64,
    /// How many wait to be sent or acknowledged.
    pub waiting: u64,
    /// How many were lost, by type and place.
    pub losses: Vec<Loss>,
    /// The tracer's own counters.
    pub counters: Vec<(String, u64)>,
}

impl Account {
    /// How many were lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.losses.iter().fold(0, |sum, loss| sum.saturating_add(loss.count))
    }

    pub(super) fn message(&self) -> proto::Report {
        let losses = self.losses.iter().map(|loss| proto::Loss {
            event: loss.event.clone(),
            place: loss.place.map_or(proto::LossPlace::Unspecified, Place::message).into(),
            count: loss.count,
        });
        proto::Report {
            generated: self.generated,
            confirmed: self.confirmed,
            waiting: self.waiting,
            losses: losses.collect(),
            counters: self.counters.iter().cloned().collect(),
        }
    }

    pub(super) fn read(report: proto::Report) -> Self {
        let losses = report.losses.into_iter().map(|loss| Loss {
            place: match loss.place() {
                proto::LossPlace::Unspecified => None,
                proto::LossPlace::Queue => Some(Place::Queue),
                proto::LossPlace::Unconfirmed => Some(Place::Unconfirmed),
                proto::LossPlace::TooLong => Some(Place::TooLong),
            },
            event: loss.event,
            count: loss.count,
        });
        Self {
            generated: report.generated,
            confirmed: report.confirmed,
            waiting: report.waiting,
            losses: losses.collect(),
            counters: report.counters.into_iter().collect(),
        }
    }
}

/// The type of the event that an observation becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// None: it tells of a process that ran.
    Running,
    /// None: it tells which calls were made.
    Calls,
    Event(EventType),
}

impl Kind {
    /// `None` for a call that becomes no event.
    pub(super) fn of(observation: &Observation) -> Option<Self> {
        Some(Self::Event(match &observation.what {
            Sighting::Running(_) => return Some(Self::Running),
            Sighting::Calls(_) => return Some(Self::Calls),
            Sighting::Fork { .. } => EventType::Fork,
            Sighting::Exec(_) => EventType::Exec,
            Sighting::Exit { .. } => EventType::Exit,
            Sighting::Blind { .. } => EventType::Blind,
            Sighting::Call(record) => record.row.event_for(&record.args)?,
        }))
    }

    fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Calls => "syscalls",
            Self::Event(event) => event.name(),
        }
    }
}

/// Counts of losses.
#[derive(Debug, Default)]
pub(super) struct Losses {
    counts: BTreeMap<(Kind, Place), u64>,
    total: u64,
}

impl Losses {
    pub(super) fn count(&mut self, kind: Kind, place: Place) {
        *self.counts.entry((kind, place)).or_default() += 1;
        self.total += 1;
    }

    pub(super) fn total(&self) -> u64 {
        self.total
    }

    pub(super) fn list(&self) -> Vec<Loss> {
        let loss = |((kind, place), count): (&(Kind, Place), &u64)| Loss {
            event: kind.name().to_string(),
            place: Some(*place),
            count: *count,
        };
        self.counts.iter().map(loss).collect()
    }
}
