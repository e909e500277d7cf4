//! Reading the rings, and putting what they hold into the order in which it happened.
//!
//! Each ring is in order by itself, more or less: a record is stamped before its place is reserved. Across
//! rings nothing is. So records are sorted by their stamps, and the youngest are held back until nothing
//! older can come any more: a program stamps, and has handed over microseconds later.
//!
//! A ring is not emptied in one go. A workload that fills it as fast as it is read would keep the reader at it
//! forever, and what was read would pile up.

use std::os::fd::{AsRawFd, RawFd};
use std::time::Duration;

use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Token};

use crate::bpf::Ring;

/// Longer than any program runs between the stamp and the hand-over, in nanoseconds.
const SLACK: u64 = 2_000_000;

/// Bytes of a ring that are read at once, and one more record.
const BATCH: usize = 1 << 20;

/// All rings, as one source.
#[derive(Debug)]
pub(crate) struct Rings {
    rings: Vec<Ring>,
    poll: Poll,
    events: Events,
}

impl Rings {
    /// # Errors
    ///
    /// When the kernel gives out no descriptor to wait with.
    pub(crate) fn new(rings: Vec<Ring>) -> std::io::Result<Self> {
        let poll = Poll::new()?;
        for (index, ring) in rings.iter().enumerate() {
            poll.registry().register(&mut SourceFd(&ring.descriptor()), Token(index), Interest::READABLE)?;
        }
        Ok(Self { rings, poll, events: Events::with_capacity(16) })
    }

    /// Hands over what is in the rings, one ring after the other, or a part of it. `each` says when a record was
    /// stamped.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(&[u8]) -> Option<u64>) -> Drained {
        // Takes notice of the wake-ups, so that the descriptor is not readable any more. There is nothing to
        // do about an error, and the rings are looked at anyway.
        let _ = self.poll.poll(&mut self.events, Some(Duration::ZERO));
        let mut drained = Drained { left: None };
        for ring in &mut self.rings {
            let (mut bytes, mut last) = (0, 0);
            let emptied = ring.drain(|record| {
                bytes += record.len();
                last = each(record).unwrap_or(last);
                bytes < BATCH
            });
            if !emptied {
                drained.left = Some(drained.left.map_or(last, |left| left.min(last)));
            }
        }
        drained
    }
}

/// What became of a draining.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drained {
    /// If something was left in a ring: nothing in there is older than this, apart from [`SLACK`].
    pub(crate) left: Option<u64>,
}

impl AsRawFd for Rings {
    fn as_raw_fd(&self) -> RawFd {
        self.poll.as_raw_fd()
    }
}

/// Restores the order of stamped things.
#[derive(Debug)]
pub(crate) struct Order<T> {
    held: Vec<(u64, T)>,
    /// The stamp of what was handed over last.
    passed: u64,
    /// Things that came after younger ones had been handed over.
    late: u64,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { held: Vec::new(), passed: 0, late: 0 }
    }
}

impl<T> Order<T> {
    pub(crate) fn push(&mut self, time: u64, thing: T) {
        self.late += u64::from(time < self.passed);
        self.held.push((time, thing));
    }

    /// Hands over what is old enough, given the time at which reading began: oldest first, and of the same
    /// age as they came.
    pub(crate) fn release(&mut self, read_at: u64, each: impl FnMut(u64, T)) {
        self.up_to(read_at.saturating_sub(SLACK), each);
    }

    /// Hands over everything: nothing can come any more.
    pub(crate) fn release_all(&mut self, each: impl FnMut(u64, T)) {
        self.up_to(u64::MAX, each);
    }

    /// How many came too late to be put where they belong.
    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    fn up_to(&mut self, limit: u64, mut each: impl FnMut(u64, T)) {
        self.held.sort_by_key(|(time, _)| *time);
        let ready = self.held.partition_point(|(time, _)| *time <= limit);
        for (time, thing) in self.held.drain(..ready) {
            self.passed = self.passed.max(time);
            each(time, thing);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn released(order: &mut Order<char>, read_at: u64) -> String {
        let mut seen = String::new();
        order.release(read_at, |_, thing| seen.push(thing));
        seen
    }

    #[test]
    fn sorted_with_the_youngest_held_back() {
        let mut order = Order::default();
        for (time, thing) in [(3, 'c'), (1, 'a'), (SLACK + 9, 'z'), (2, 'b')] {
            order.push(time, thing);
        }
        assert_eq!(released(&mut order, SLACK + 5), "abc");
        order.push(7, 'd');
        assert_eq!(released(&mut order, 2 * SLACK + 9), "dz");
        assert!(order.held.is_empty());
        assert_eq!(order.late(), 0);
    }

    #[test]
    fn of_the_same_age_as_they_came() {
        let mut order = Order::default();
        for thing in "fork".chars() {
            order.push(5, thing);
        }
        let mut seen = String::new();
        order.release_all(|_, thing| seen.push(thing));
        assert_eq!(seen, "fork");
    }

    #[test]
    fn what_comes_too_late_is_counted_and_not_lost() {
        let mut order = Order::default();
        order.push(10, 'b');
        assert_eq!(released(&mut order, SLACK + 10), "b");
        order.push(9, 'a');
        assert_eq!(order.late(), 1);
        assert_eq!(released(&mut order, SLACK + 10), "a");
    }
}
