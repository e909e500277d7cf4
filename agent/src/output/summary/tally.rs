//! Counting without end in bounded memory.
//!
//! The first so many distinct keys are counted each; what comes later is counted together as others, and said
//! to be. A sketch that replaces rare keys by new ones would find late favourites, but show counts that are
//! wrong; a summary should not.

use std::collections::HashMap;

/// Distinct keys.
const KEYS: usize = 10_000;
/// Bytes of all keys together.
const BYTES: usize = 2 * 1024 * 1024;

/// How often each key came.
#[derive(Debug)]
pub(super) struct Tally {
    counts: HashMap<Box<[u8]>, u64>,
    room: usize,
    others: u64,
}

impl Tally {
    pub(super) fn new() -> Self {
        Self { counts: HashMap::new(), room: BYTES, others: 0 }
    }

    pub(super) fn count(&mut self, key: &[u8]) {
        if let Some(count) = self.counts.get_mut(key) {
            *count += 1;
        } else if self.counts.len() < KEYS && key.len() <= self.room {
            self.room -= key.len();
            self.counts.insert(key.into(), 1);
        } else {
            self.others += 1;
        }
    }

    /// The most frequent keys, and how often all the rest came.
    pub(super) fn top(&self, limit: usize) -> (Vec<(&[u8], u64)>, u64) {
        let mut all: Vec<(&[u8], u64)> = self.counts.iter().map(|(key, count)| (&**key, *count)).collect();
        all.sort_unstable_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(b.0)));
        let rest = all.iter().skip(limit).map(|(_, count)| count).sum::<u64>();
        all.truncate(limit);
        (all, self.others + rest)
    }

    pub(super) fn total(&self) -> u64 {
        self.others + self.counts.values().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_come_first_and_ties_by_name() {
        let mut tally = Tally::new();
        for key in ["b", "c", "a", "c", "d"] {
            tally.count(key.as_bytes());
        }
        assert_eq!(tally.top(3), (vec![(b"c".as_slice(), 2), (b"a", 1), (b"b", 1)], 1));
        assert_eq!(tally.total(), 5);
    }

    #[test]
    fn memory_is_bounded_in_keys() {
        let mut tally = Tally::new();
        for number in 0..KEYS + 500 {
            tally.count(number.to_string().as_bytes());
        }
        tally.count(b"7");
        assert_eq!(tally.counts.len(), KEYS);
        assert_eq!(tally.others, 500);
        assert_eq!(tally.top(1), (vec![(b"7".as_slice(), 2)], u64::try_from(KEYS).unwrap() - 1 + 500));
        assert_eq!(tally.total(), u64::try_from(KEYS).unwrap() + 501);
    }

    #[test]
    fn memory_is_bounded_in_bytes() {
        let mut tally = Tally::new();
        for number in 0..KEYS {
            tally.count(format!("{number:04096}").as_bytes());
        }
        assert!(tally.counts.len() * 4096 <= BYTES);
        assert_eq!(tally.total(), u64::try_from(KEYS).unwrap());
    }
}
