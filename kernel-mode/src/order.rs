//! Putting what the rings hold into the order in which it happened.
//!
//! Each ring is in order by itself, more or less: a record is stamped before its place is reserved. Across
//! rings nothing is. So records are sorted by their stamps, and the youngest are held back until nothing
//! older can come any more: a program stamps, and has handed over microseconds later.
//!
//! Most records wait as they came, one behind the other in one buffer. Decoded in advance, each would be a handful of
//! small allocations, and the thousand of them that a busy workload leaves in 20 ms fill the processor's caches before
//! the first is looked at.

use std::ops::Range;

/// Longer than any program runs between the stamp and the hand-over, in nanoseconds.
pub(crate) const SLACK: u64 = 2_000_000;

/// Restores the order of stamped things, and of stamped bytes.
#[derive(Debug)]
pub(crate) struct Order<T> {
    held: Vec<(u64, Kept<T>)>,
    /// What was kept as bytes.
    bytes: Vec<u8>,
    /// The stamp of what was handed over last.
    passed: u64,
    /// Things that came after younger ones had been handed over.
    late: u64,
}

#[derive(Debug)]
enum Kept<T> {
    /// Apart, so that what is sorted is small.
    Thing(Box<T>),
    /// A part of the bytes.
    Bytes(Range<usize>),
}

/// What is handed over.
#[derive(Debug)]
pub(crate) enum Held<'a, T> {
    Thing(T),
    Bytes(&'a [u8]),
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { held: Vec::new(), bytes: Vec::new(), passed: 0, late: 0 }
    }
}

impl<T> Order<T> {
    pub(crate) fn push(&mut self, time: u64, thing: T) {
        self.keep(time, Kept::Thing(Box::new(thing)));
    }

    /// Keeps a copy.
    pub(crate) fn push_bytes(&mut self, time: u64, bytes: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.keep(time, Kept::Bytes(start..self.bytes.len()));
    }

    fn keep(&mut self, time: u64, kept: Kept<T>) {
        self.late += u64::from(time < self.passed);
        self.held.push((time, kept));
    }

    /// Hands over what is old enough, given the time at which reading began: oldest first, and of the same
    /// age as they came.
    pub(crate) fn release(&mut self, read_at: u64, each: impl FnMut(u64, Held<'_, T>)) {
        self.up_to(read_at.saturating_sub(SLACK), each);
    }

    /// Hands over everything: nothing can come any more.
    pub(crate) fn release_all(&mut self, each: impl FnMut(u64, Held<'_, T>)) {
        self.up_to(u64::MAX, each);
    }

    /// How many came too late to be put where they belong.
    pub(crate) fn late(&self) -> u64 {
        self.late
    }

    fn up_to(&mut self, limit: u64, mut each: impl FnMut(u64, Held<'_, T>)) {
        self.held.sort_by_key(|(time, _)| *time);
        let ready = self.held.partition_point(|(time, _)| *time <= limit);
        for (time, kept) in self.held.drain(..ready) {
            self.passed = self.passed.max(time);
            match kept {
                Kept::Thing(thing) => each(time, Held::Thing(*thing)),
                Kept::Bytes(range) => each(time, Held::Bytes(&self.bytes[range])),
            }
        }
        self.close_up();
    }

    /// Moves the bytes that are left to the front. They are few: what is younger than [`SLACK`].
    fn close_up(&mut self) {
        let mut ranges: Vec<&mut Range<usize>> = Vec::new();
        for (_, kept) in &mut self.held {
            if let Kept::Bytes(range) = kept {
                ranges.push(range);
            }
        }
        // By where they are, so that nothing is written over that is still to be moved.
        ranges.sort_by_key(|range| range.start);
        let mut end = 0;
        for range in ranges {
            let length = range.len();
            self.bytes.copy_within(range.clone(), end);
            *range = end..end + length;
            end += length;
        }
        self.bytes.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(held: Held<'_, char>) -> String {
        match held {
            Held::Thing(thing) => thing.to_string(),
            Held::Bytes(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    fn released(order: &mut Order<char>, read_at: u64) -> String {
        let mut seen = String::new();
        order.release(read_at, |_, held| seen += &text(held));
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
        order.release_all(|_, held| seen += &text(held));
        assert_eq!(seen, "fork");
    }

    #[test]
    fn bytes_that_are_held_back_stay_what_they_are() {
        let mut order = Order::default();
        for (time, bytes) in [(SLACK + 40, "fourth "), (1, "first "), (SLACK + 30, "third "), (2, "second ")] {
            order.push_bytes(time, bytes.as_bytes());
        }
        order.push(SLACK + 35, '-');
        assert_eq!(released(&mut order, SLACK + 5), "first second ");
        assert_eq!(order.bytes.len(), "third fourth ".len());
        order.push_bytes(SLACK + 50, b"fifth");
        assert_eq!(released(&mut order, 2 * SLACK + 45), "third -fourth ");
        assert_eq!(released(&mut order, 2 * SLACK + 50), "fifth");
        assert!(order.held.is_empty() && order.bytes.is_empty());
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
