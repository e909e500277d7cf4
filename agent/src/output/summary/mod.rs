//! What happened, in a screenful: for people, at the end.

mod render;
mod tally;
mod tree;

use std::time::Duration;

use lapwing_common::backend::Counters;
use lapwing_common::event::{Event, EventType, Payload};
use lapwing_common::process;
use lapwing_common::record::Observation;

use super::facts;
use tally::Tally;
use tree::Tree;

/// Counts of everything that a summary shows.
#[derive(Debug)]
pub(crate) struct Summary {
    types: [TypeCount; TYPES],
    tree: Tree,
    programs: Tally,
    files: Tally,
    addresses: Tally,
    denied: Tally,
    /// Reused for keys.
    key: Vec<u8>,
}

/// Room for every discriminant of [`EventType`].
const TYPES: usize = 64;

#[derive(Clone, Copy, Debug, Default)]
struct TypeCount {
    all: u64,
    failed: u64,
}

/// What is only known at the end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) wall: Duration,
    pub(crate) backend: Counters,
    pub(crate) cache: process::Counters,
    pub(crate) lost_lines: u64,
}

impl Summary {
    pub(crate) fn new() -> Self {
        Self {
            types: [TypeCount::default(); TYPES],
            tree: Tree::default(),
            programs: Tally::new(),
            files: Tally::new(),
            addresses: Tally::new(),
            denied: Tally::new(),
            key: Vec::new(),
        }
    }

    pub(crate) fn observation(&mut self, observation: &Observation) {
        self.tree.observe(observation);
    }

    pub(crate) fn event(&mut self, event: &Event) {
        let payload = &event.payload;
        if let Some(count) = self.types.get_mut(event.event_type() as usize) {
            count.all += 1;
            count.failed += u64::from(facts::retval(payload).is_some_and(|retval| retval < 0));
        }
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

impl Ended {
    /// What was lost, by place: a number and what it counts. Empty when nothing was.
    pub(crate) fn losses(&self) -> Vec<(u64, String)> {
        let backend = self.backend.iter().filter_map(|(name, count)| {
            let what = match *name {
                "unreadable" => "reads of a process's memory that failed".to_owned(),
                "foreign_calls" => "system calls through an interface that Lapwing has no table for".to_owned(),
                "untraceable" => "running descendants that Lapwing may not trace".to_owned(),
                "refused_requests" => "tracing requests that the kernel refused".to_owned(),
                "internal_errors" => "defects of Lapwing; what came after was not observed".to_owned(),
                name => name.strip_prefix("lost_")?.replace('_', " "),
            };
            Some((*count, what))
        });
        let mut losses: Vec<_> = backend.collect();
        let cache = &self.cache;
        let broken = cache.missing_parents + cache.wrong_parents + cache.incomplete_lineages;
        losses.extend(
            [
                (cache.evicted, "processes forgotten for want of room"),
                (cache.not_found, "processes of which nothing but the number is known"),
                (cache.limited, "lookups in /proc put off, since there were too many"),
                (cache.outlived, "processes that had ended before they were looked up, their numbers used again"),
                (cache.path_errors, "processes whose program was looked up and not found"),
                (cache.too_deep, "lookups of ancestors given up, since there were too many"),
                (broken, "events of processes whose ancestors are not all known"),
            ]
            .map(|(count, what)| (count, what.to_owned())),
        );
        losses.push((self.lost_lines, "events that could not be written".to_owned()));
        losses.retain(|(count, _)| *count > 0);
        losses
    }

    /// What was found out about processes that events alone did not tell. Empty where they told everything.
    fn findings(&self) -> Vec<(u64, &'static str)> {
        let cache = &self.cache;
        let mut findings = vec![
            (cache.late, "events that came after the end of their process"),
            (cache.from_kernel, "processes found in what the kernel keeps of them"),
            (cache.from_procfs, "processes found in /proc"),
            (cache.reparented, "processes adopted by another one, or given back to their parent"),
            (cache.reparents_failed, "processes adopted by one that is not observed"),
        ];
        findings.retain(|(count, _)| *count > 0);
        findings
    }
}

#[cfg(test)]
mod tests;
