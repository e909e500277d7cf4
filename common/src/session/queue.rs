//! Observations between the tracer and an acknowledgement, bounded by bytes.
//!
//! When there is no room, what goes first is what changes no process and has not been sent, the oldest before the
//! others. Then what was sent and not acknowledged, which an agent may still acknowledge; and last what tells of
//! processes. Whatever leaves, and would have changed a process, changes it in the model.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use prost::bytes::Bytes;

use super::losses::{Kind, Losses, Place};
use super::model::{Model, Snapshot, lasts};
use crate::ids::PidNs;
use crate::record::Observation;
use crate::wire::{LONGEST, encode};

/// What an observation costs beside its bytes.
const OVERHEAD: usize = size_of::<Entry>();

#[derive(Debug)]
struct Entry {
    number: u64,
    kind: Kind,
    lasting: bool,
    bytes: Bytes,
}

impl Entry {
    fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }
}

/// What is left of an observation that was sent and had to make room.
#[derive(Debug)]
struct Gone {
    number: u64,
    kind: Kind,
    /// It is still under way.
    cost: usize,
}

#[derive(Debug)]
pub(super) struct Queue {
    /// What was sent and is not acknowledged.
    sent: VecDeque<Entry>,
    /// What was sent, is not acknowledged, and is not there any more. Older than all in `sent`.
    unconfirmed: VecDeque<Gone>,
    /// What is to be sent and changes processes.
    lasting: VecDeque<Entry>,
    /// What is to be sent and does not.
    others: VecDeque<Entry>,
    model: Model,
    /// The model is ahead of what the agent knows.
    stale: bool,
    sent_bytes: usize,
    bytes: usize,
    limit: usize,
    generated: u64,
    confirmed: u64,
    /// The highest number that was acknowledged.
    acknowledged: u64,
    /// The highest number that was sent.
    highest_sent: u64,
    losses: Losses,
}

/// A number was acknowledged that had not been sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotSent;

impl Queue {
    pub(super) fn new(namespace: PidNs, limit: usize) -> Self {
        Self {
            sent: VecDeque::new(),
            unconfirmed: VecDeque::new(),
            lasting: VecDeque::new(),
            others: VecDeque::new(),
            model: Model::new(namespace),
            stale: true,
            sent_bytes: 0,
            bytes: 0,
            limit,
            generated: 0,
            confirmed: 0,
            acknowledged: 0,
            highest_sent: 0,
            losses: Losses::default(),
        }
    }

    pub(super) fn push(&mut self, observation: &Observation, kind: Kind) {
        self.generated += 1;
        let bytes = Bytes::from(encode(observation));
        if bytes.len() > LONGEST {
            self.losses.count(kind, Place::TooLong);
            return;
        }
        let entry = Entry { number: self.generated, kind, lasting: lasts(observation), bytes };
        self.bytes += entry.cost();
        if entry.lasting {
            self.lasting.push_back(entry)
        } else {
            self.others.push_back(entry)
        }
        while self.bytes > self.limit && self.make_room() {}
    }

    /// Gives one observation up; false if there is none.
    fn make_room(&mut self) -> bool {
        if let Some(entry) = self.others.pop_front() {
            self.bytes -= entry.cost();
            self.losses.count(entry.kind, Place::Queue);
        } else if let Some(entry) = self.sent.pop_front() {
            self.forget(&entry);
            self.unconfirmed.push_back(Gone { number: entry.number, kind: entry.kind, cost: entry.cost() });
        } else if let Some(entry) = self.lasting.pop_front() {
            self.bytes -= entry.cost();
            self.losses.count(entry.kind, Place::Queue);
            self.model.apply(&entry.bytes);
            self.stale = true;
        } else {
            return false;
        }
        true
    }

    fn forget(&mut self, entry: &Entry) {
        self.bytes -= entry.cost();
        if entry.lasting {
            self.model.apply(&entry.bytes);
        }
    }

    /// Everything up to a number has been processed.
    pub(super) fn acknowledge(&mut self, number: u64) -> Result<(), NotSent> {
        if number > self.highest_sent {
            return Err(NotSent);
        }
        self.acknowledged = self.acknowledged.max(number);
        while let Some(gone) = self.unconfirmed.pop_front_if(|gone| gone.number <= number) {
            self.sent_bytes -= gone.cost;
            self.confirmed += 1;
        }
        while let Some(entry) = self.sent.pop_front_if(|entry| entry.number <= number) {
            self.forget(&entry);
            self.sent_bytes -= entry.cost();
            self.confirmed += 1;
        }
        Ok(())
    }

    /// An agent, new or again, has processed everything up to a number and nothing beyond.
    pub(super) fn resume(&mut self, number: u64) -> Result<(), NotSent> {
        self.acknowledge(number)?;
        for gone in self.unconfirmed.drain(..) {
            self.losses.count(gone.kind, Place::Unconfirmed);
        }
        while let Some(entry) = self.sent.pop_back() {
            if entry.lasting { self.lasting.push_front(entry) } else { self.others.push_front(entry) }
        }
        self.sent_bytes = 0;
        self.stale = true;
        Ok(())
    }

    /// The processes as they are before the next batch, if the agent does not know them like this.
    pub(super) fn take_snapshot(&mut self) -> Option<Snapshot> {
        if !core::mem::take(&mut self.stale) {
            return None;
        }
        debug_assert!(self.sent.is_empty(), "what was sent is older than what was given up");
        Some(self.model.snapshot())
    }

    pub(super) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Observations with numbers in a row: the first's number, and the observations, which count as sent.
    pub(super) fn take_batch(&mut self, bytes: usize, count: usize) -> Option<(u64, Vec<Bytes>)> {
        let first = self.next_number()?;
        let mut batch = Vec::new();
        let mut room = bytes;
        while batch.len() < count && self.next_number() == Some(self.expected(first, batch.len())) {
            let from_lasting = self.lasting.front().map(|entry| entry.number) == self.next_number();
            let queue = if from_lasting { &mut self.lasting } else { &mut self.others };
            let fits = |entry: &mut Entry| batch.is_empty() || entry.bytes.len() <= room;
            let Some(entry) = queue.pop_front_if(fits) else { break };
            room = room.saturating_sub(entry.bytes.len());
            batch.push(entry.bytes.clone());
            self.highest_sent = self.highest_sent.max(entry.number);
            self.sent_bytes += entry.cost();
            self.sent.push_back(entry);
        }
        Some((first, batch))
    }

    fn expected(&self, first: u64, taken: usize) -> u64 {
        first.saturating_add(u64::try_from(taken).unwrap_or(u64::MAX))
    }

    /// The number of the first that is to be sent.
    pub(super) fn next_number(&self) -> Option<u64> {
        let numbers = [self.lasting.front(), self.others.front()];
        numbers.into_iter().flatten().map(|entry| entry.number).min()
    }

    /// Bytes that were sent and are not acknowledged.
    pub(super) fn sent_bytes(&self) -> usize {
        self.sent_bytes
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    pub(super) fn generated(&self) -> u64 {
        self.generated
    }

    pub(super) fn confirmed(&self) -> u64 {
        self.confirmed
    }

    pub(super) fn losses(&self) -> &Losses {
        &self.losses
    }

    pub(super) fn waiting(&self) -> u64 {
        let waiting = self.lasting.len() + self.others.len() + self.sent.len() + self.unconfirmed.len();
        u64::try_from(waiting).unwrap_or(u64::MAX)
    }

    /// Bytes that are kept.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}
