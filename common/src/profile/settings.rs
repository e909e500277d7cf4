//! How a profile is learned, and when learning ends.

use core::time::Duration;

use super::JUDGED;
use crate::activity::{Options, Syscalls};
use crate::engine::EventSet;
use crate::event::EventType;

/// Times and limits of profiles. The defaults are those of Datadog's agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The types of events that may be anomalies; of [`JUDGED`]. By default without system calls.
    pub types: EventSet,
    /// Versions of a workload that are told apart.
    pub max_image_tags: usize,
    /// What a workload does so soon after it started is learned, even where a profile is stable.
    pub workload_warmup: Duration,
    /// A type is stable when nothing new has come for so long.
    pub minimum_stable: Duration,
    /// A type that is not stable so long after learning began never will be.
    pub unstable_time: Duration,
    /// Bytes that the tree may take.
    pub unstable_size: usize,
    /// The same departure is told once in this time.
    pub repeat: Duration,
    /// Workloads whose anomalies are limited each for itself.
    pub limited_workloads: usize,
    /// Anomalies of a workload that are told within [`Self::repeat`].
    pub anomalies: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            types: JUDGED.into_iter().filter(|kind| *kind != EventType::Syscalls).collect(),
            max_image_tags: 20,
            workload_warmup: Duration::from_secs(180),
            minimum_stable: Duration::from_secs(900),
            unstable_time: Duration::from_secs(3600),
            unstable_size: 5_000_000,
            repeat: Duration::from_secs(60),
            limited_workloads: 1000,
            anomalies: 300,
        }
    }
}

impl Settings {
    /// What the tree of a profile is of.
    pub(super) fn tree(&self, tree: Options) -> Options {
        let syscalls = if self.types.contains(EventType::Syscalls) { Syscalls::All } else { tree.syscalls };
        Options { limit: self.unstable_size, syscalls, ..tree }
    }
}
