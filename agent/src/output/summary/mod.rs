//! What happened, in a screenful: for people, at the end.

mod render;
mod tally;
mod tree;

use std::borrow::Cow;
use std::time::Duration;

use lapwing_common::backend::Counters;
use lapwing_common::event::{Event, EventType, Payload};
use lapwing_common::process;
use lapwing_common::record::Observation;
use lapwing_proto::control::v1::Filters;

use super::facts;
use crate::output::stages;
use crate::pipeline::{self, Consumer, Counts};
use tally::Tally;
use tree::Tree;

/// Counts of everything that a summary shows.
#[derive(Debug)]
pub(crate) struct Summary {
    types: Counts,
    tree: Tree,
    programs: Tally,
    files: Tally,
    addresses: Tally,
    denied: Tally,
    /// Reused for keys.
    key: Vec<u8>,
}

/// What is only known at the end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) wall: Duration,
    pub(crate) backend: Counters,
    pub(crate) cache: process::Counters,
    pub(crate) lost_lines: u64,
    /// What became of events on their way to rules, if there are any.
    pub(crate) stages: Option<Filters>,
}

impl Summary {
    pub(crate) fn new() -> Self {
        Self {
            types: Counts::default(),
            tree: Tree::default(),
            programs: Tally::new(),
            files: Tally::new(),
            addresses: Tally::new(),
            denied: Tally::new(),
            key: Vec::new(),
        }
    }

    fn deny(&mut self, payload: &Payload, kind: EventType) {
        self.key.clear();
        self.key.extend_from_slice(kind.name().as_bytes());
        self.key.push(b' ');
        if let Some(file) = facts::file(payload) {
            self.key.extend_from_slice(&file.path);
        } else if let Some(address) = facts::address(payload) {
            match &*address.path {
                [] => facts::write_address(&mut self.key, address),
                path => self.key.extend_from_slice(path),
            }
        }
        self.denied.count(&self.key);
    }
}

impl Consumer for Summary {
    fn observation(&mut self, observation: &Observation) {
        self.tree.observe(observation);
    }

    fn event(&mut self, event: &Event) {
        let payload = &event.payload;
        self.types.event(event);
        let program = &event.process.image().file.path;
        if program.is_empty() {
            self.programs.count(event.process.comm().as_bytes());
        } else {
            self.programs.count(program);
        }
        // Programs that were started are listed as such, not as files.
        let file = facts::file(payload).filter(|_| !matches!(payload, Payload::Exec(_)));
        if let Some(file) = file {
            self.files.count(&file.path);
        }
        if let Some(address) = facts::address(payload) {
            self.key.clear();
            facts::write_address(&mut self.key, address);
            self.addresses.count(&self.key);
        }
        if facts::is_denied(payload) {
            self.deny(payload, event.event_type());
        }
    }
}

impl Ended {
    /// What was lost, by place: a number and what it counts. Empty when nothing was.
    pub(crate) fn losses(&self) -> Vec<(u64, Cow<'static, str>)> {
        let lines = (self.lost_lines, "events that could not be written".into());
        pipeline::of_backend(&self.backend)
            .chain(pipeline::of_cache(&self.cache))
            .map(|loss| (loss.count, loss.what))
            .chain([lines])
            .filter(|(count, _)| *count > 0)
            .collect()
    }

    /// What `compare` shows of it, as a JSON object.
    pub(crate) fn counters(&self) -> String {
        let stops = self.backend.iter().find(|(name, _)| *name == "stops").map(|(_, count)| *count);
        let lost: u64 = self.losses().iter().map(|(count, _)| count).sum();
        let filters = self.stages.as_ref().map(stages::to_json);
        format!("{}\n", serde_json::json!({"stops": stops, "lost": lost, "filters": filters}))
    }

    /// What may not be as it seems. Empty where all is certain.
    fn doubts(&self) -> Vec<(u64, &'static str)> {
        let of = |wanted| self.backend.iter().find(|(name, _)| *name == wanted).map_or(0, |(_, count)| *count);
        let mut doubts = vec![
            (of("late"), "events that came too late to be put in order"),
            (of("unfollowed_paths"), "paths that were not followed to their end"),
        ];
        doubts.retain(|(count, _)| *count > 0);
        doubts
    }

    /// What was found out about processes that events alone did not tell. Empty where they told everything.
    fn findings(&self) -> Vec<(u64, &'static str)> {
        let cache = &self.cache;
        let mut findings = vec![
            (cache.late, "events that came after the end of their process"),
            (cache.from_kernel, "processes found in what the kernel keeps of them"),
            (cache.from_procfs, "processes found in /proc"),
            (cache.lost_execs, "programs that no exec told of"),
            (cache.reparented, "processes adopted by another one, or given back to their parent"),
            (cache.reparents_failed, "processes adopted by one that is not observed"),
        ];
        findings.retain(|(count, _)| *count > 0);
        findings
    }
}

#[cfg(test)]
mod tests;
