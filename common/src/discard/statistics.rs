//! What was added, discarded, approved and rejected, by type.
//!
//! Two buffers, of which one is counted in. Reading takes the other one and swaps them, so that a
//! backend whose counters are written by others (the kernel, on every CPU) never has to read and clear
//! what is being written. Counts therefore appear one reading late; the sum of both is never late.

use crate::event::EventType;

/// Two sets of counters, one in use.
#[derive(Clone, Debug, Default)]
pub struct Buffers<T> {
    buffers: [T; 2],
    front: usize,
}

/// Counters that can be added up.
pub trait Merge {
    /// Adds what another one counted.
    fn merge(&mut self, other: &Self);
}

impl<T: Default + Clone + Merge> Buffers<T> {
    /// The one to count in.
    pub fn counting(&mut self) -> &mut T {
        &mut self.buffers[self.front]
    }

    /// What was counted between the last two readings. From now on the other buffer is counted in.
    pub fn take(&mut self) -> T {
        let back = 1 - self.front;
        let taken = core::mem::take(&mut self.buffers[back]);
        self.front = back;
        taken
    }

    /// What no reading has taken yet.
    #[must_use]
    pub fn sum(&self) -> T {
        let [mut sum, other] = self.buffers.clone();
        sum.merge(&other);
        sum
    }
}

/// Discarders of one type of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Discarders that were added.
    pub added: u64,
    /// Events that were discarded.
    pub discarded: u64,
}

/// Discarders of all types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// By number of the type; 0 counts discarders of processes, whatever the type.
    cells: [Counts; EventType::FILTERED],
}

impl Statistics {
    /// The counts of inodes discarded for a type; nothing for a type that has no discarders.
    #[must_use]
    pub fn of(&self, event: EventType) -> Counts {
        self.cells.get(event as usize).copied().unwrap_or_default()
    }

    /// The counts of discarded processes.
    #[must_use]
    pub fn of_pids(&self) -> Counts {
        self.cells[0]
    }

    /// Counts as a backend in the kernel keeps them, by number of the type.
    #[must_use]
    pub fn from_cells(cells: [Counts; EventType::FILTERED]) -> Self {
        Self { cells }
    }

    pub(super) fn add(&mut self, event: EventType) {
        if let Some(counts) = self.cells.get_mut(event as usize) {
            counts.added += 1;
        }
    }

    pub(super) fn discard(&mut self, event: EventType) {
        if let Some(counts) = self.cells.get_mut(event as usize) {
            counts.discarded += 1;
        }
    }

    pub(super) fn add_pid(&mut self) {
        self.cells[0].added += 1;
    }

    /// By the process: counted for that, and for the type as what a file discards is.
    pub(super) fn discard_pid(&mut self, event: EventType) {
        self.cells[0].discarded += 1;
        self.discard(event);
    }
}

impl Merge for Statistics {
    fn merge(&mut self, other: &Self) {
        for (sum, more) in self.cells.iter_mut().zip(&other.cells) {
            sum.added += more.added;
            sum.discarded += more.discarded;
        }
    }
}

/// Approvers of one type of event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ApproverCounts {
    /// Events that a basename approved.
    pub by_basename: u64,
    /// Events that flags approved.
    pub by_flags: u64,
    /// Events that nothing approved.
    pub rejected: u64,
}

/// Approvers of all types.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ApproverStatistics {
    cells: [ApproverCounts; EventType::FILTERED],
}

impl ApproverStatistics {
    /// The counts of a type; nothing for a type that has no approvers.
    #[must_use]
    pub fn of(&self, event: EventType) -> ApproverCounts {
        self.cells.get(event as usize).copied().unwrap_or_default()
    }

    /// Counts as a backend in the kernel keeps them, by number of the type.
    #[must_use]
    pub fn from_cells(cells: [ApproverCounts; EventType::FILTERED]) -> Self {
        Self { cells }
    }

    pub(super) fn count(&mut self, event: EventType) -> Option<&mut ApproverCounts> {
        self.cells.get_mut(event as usize)
    }
}

impl Merge for ApproverStatistics {
    fn merge(&mut self, other: &Self) {
        for (sum, more) in self.cells.iter_mut().zip(&other.cells) {
            sum.by_basename += more.by_basename;
            sum.by_flags += more.by_flags;
            sum.rejected += more.rejected;
        }
    }
}
