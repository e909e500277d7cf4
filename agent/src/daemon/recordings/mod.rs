//! Activity dumps of workloads that run: begun and ended by clients, ended by time, cut by size.
//!
//! The loop only puts events into trees. A tree that is complete moves to the worker, which encodes and writes it while
//! another takes what follows, so that no event waits for a file.

mod requests;
mod running;
mod writing;

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::activity::{Dropped, Options, Scope};
use lapwing_common::event::{Event, EventType};
use lapwing_common::ids::Timestamp;
use lapwing_proto::control::v1::ActivityDump;
use lru::LruCache;

use crate::activity::{Encoding, Recorder, Workload};
use crate::config::DumpLimits;
use crate::dump::Dumper;
use crate::pipeline::{Consumer, Made};
use crate::server::Asked;
use lapwing_common::limiter::TokenBucket;
use lapwing_common::rules::policy::Rule;

pub(super) use writing::Totals;
use writing::Written;

/// Workloads of which is remembered how many dumps were begun.
const WORKLOADS: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// Dumps that may wait to be written: each holds on to its tree.
const WRITING: usize = 4;
/// What the kernel is given to hand over the calls of programs that run: two turns of its rings.
pub(super) const GRACE: Duration = Duration::from_millis(60);

/// All dumps that are being made.
pub(super) struct Recordings {
    live: Vec<Recording>,
    begun: LruCache<String, u32>,
    limits: DumpLimits,
    dumper: Dumper<Written>,
    wake: Arc<dyn Fn() + Send + Sync>,
    /// How many of those are being written.
    writing: usize,
    /// Files of parts, by dump.
    files: BTreeMap<u64, Vec<PathBuf>>,
    last: u64,
    totals: Totals,
}

impl fmt::Debug for Recordings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recordings").field("live", &self.live).finish_non_exhaustive()
    }
}

/// A dump that is being made.
#[derive(Debug)]
struct Recording {
    number: u64,
    recorder: Recorder,
    /// Of what, in words: `container ID`, `cgroup PATH`, `process PID`.
    of: String,
    workload: Workload,
    options: Options,
    encodings: Vec<Encoding>,
    began: Timestamp,
    ends: (Instant, Timestamp),
    bucket: TokenBucket,
    limited: u64,
    parts: u32,
    /// When it is written, and who waits for that.
    ending: Option<(Instant, Option<Asked>)>,
    /// What the workload holds already, while that is being read.
    running: Option<running::Running>,
}

impl Recordings {
    /// None so far. `wake` is called when one has been written.
    pub(super) fn new(limits: DumpLimits, dir: PathBuf, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            live: Vec::new(),
            begun: LruCache::new(WORKLOADS),
            limits,
            dumper: Dumper::new(dir, Arc::clone(&wake)),
            wake,
            writing: 0,
            files: BTreeMap::new(),
            last: 0,
            totals: Totals::default(),
        }
    }

    /// What has the loop look at workers.
    pub(super) fn wake(&self) -> Arc<dyn Fn() + Send + Sync> {
        Arc::clone(&self.wake)
    }

    /// What holds for dumps that begin from now on, and where all are written.
    pub(super) fn set_limits(&mut self, limits: DumpLimits, dir: PathBuf) {
        self.limits = limits;
        self.dumper.set_directory(dir);
    }

    /// Notes a rule that the next event has matched. Whether a dump is being made of its workload.
    pub(super) fn matched(&mut self, event: &Event, rule: &Rule) -> bool {
        let mut is_recorded = false;
        for recording in self.live.iter_mut().filter(|recording| recording.options.scope.contains(&event.process)) {
            recording.recorder.matched(rule);
            is_recorded = true;
        }
        is_recorded
    }

    /// When one is to be ended or written.
    pub(super) fn due(&self) -> Option<Instant> {
        let due = |recording: &Recording| recording.ending.map_or(recording.ends.0, |(at, _)| recording.due(at));
        // While nothing can be handed to the worker, its answer is waited for.
        if self.writing >= WRITING { None } else { self.live.iter().map(due).min() }
    }

    /// How many there are, and may be.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.live.len(), self.limits.concurrent)
    }

    pub(super) fn totals(&self) -> Totals {
        let live = self.live.iter().map(|recording| recording.limited).sum::<u64>();
        let full = self.live.iter().map(|recording| recording.recorder.full()).sum::<u64>();
        Totals { limited: self.totals.limited + live, full: self.totals.full + full, ..self.totals }
    }
}

impl Recording {
    /// Takes part in an event. Whether it had no room.
    fn take(&mut self, event: &Event) -> bool {
        // Lineage is always followed: without it nothing else has a place.
        let counts = !matches!(event.event_type(), EventType::Exec | EventType::Exit | EventType::Fork);
        if counts && self.options.scope.contains(&event.process) && !self.bucket.take(event.timestamp.0) {
            self.limited += 1;
            self.recorder.unmatch();
            return false;
        }
        self.recorder.insert(event) == Err(Dropped::Full)
    }

    fn message(&self) -> ActivityDump {
        let counts = self.recorder.counts();
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        ActivityDump {
            name: self.recorder.name().to_owned(),
            of: self.of.clone(),
            workload: self.workload.to_string(),
            began: self.began.0,
            ends: self.ends.1.0,
            size: size(self.recorder.size()),
            limit: size(self.options.limit),
            programs: size(counts.processes),
            files: size(counts.files),
            sockets: size(counts.sockets),
            syscalls: size(counts.syscalls),
            parts: self.parts,
            limited: self.limited,
            full: self.recorder.full(),
            formats: self.encodings.iter().map(|encoding| encoding.format.name().to_owned()).collect(),
        }
    }

    fn scope(&self) -> &Scope {
        &self.options.scope
    }
}

impl Consumer for Recordings {
    fn calls(&mut self, made: &Made<'_>) {
        self.live.iter_mut().for_each(|recording| recording.recorder.calls(made));
    }

    fn event(&mut self, event: &Event) {
        for at in 0..self.live.len() {
            if self.live[at].take(event) && self.cut(at) {
                // What had no room begins the next part.
                let _ = self.live[at].recorder.insert(event);
            }
        }
    }
}
