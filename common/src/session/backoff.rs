//! How long to wait before the next attempt to connect.

use core::time::Duration;

/// The first wait, doubled after each failure.
const FIRST: Duration = Duration::from_millis(50);
/// The longest wait, which is where one begins after a refusal that only a person can do something about.
const LONGEST: Duration = Duration::from_secs(10);

/// Waits that double up to a maximum. Each is shortened by up to half, at random: many tracers that lost one agent
/// do not all come back at the same moment.
#[derive(Clone, Debug)]
pub struct Backoff {
    next: Duration,
    seed: u64,
}

impl Backoff {
    /// The seed is what differs between tracers.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { next: FIRST, seed: seed | 1 }
    }

    /// An attempt failed: how long to wait before the next.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        // xorshift64: it only has to differ.
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        let half = wait / 2;
        half + half * u32::from(self.seed.to_le_bytes()[0]) / 255
    }

    /// An attempt succeeded.
    pub fn reset(&mut self) {
        self.next = FIRST;
    }

    /// Nothing will be different soon.
    pub fn be_patient(&mut self) {
        self.next = LONGEST;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_a_maximum_and_differ() {
        let mut backoff = Backoff::new(7);
        let mut longest = FIRST;
        for _ in 0..20 {
            let wait = backoff.wait();
            assert!(wait <= longest && wait >= longest / 2, "{wait:?} of {longest:?}");
            longest = (longest * 2).min(LONGEST);
        }
        backoff.reset();
        assert!(backoff.wait() <= FIRST);
        backoff.be_patient();
        assert!(backoff.wait() >= LONGEST / 2);
        let waits = |seed| Backoff::new(seed).wait();
        assert!((1..20).any(|seed| waits(seed * 12345) != waits(99)));
    }
}
