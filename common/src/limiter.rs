//! How often something may happen, where too often does harm.
//!
//! The generic cell rate algorithm: a bucket of tokens that needs one number, the time at which it would be full
//! again, instead of a count that has to be refilled. Times are the events' own, so that a limiter decides the same
//! however late it is asked.

/// How far a time lies behind the last one at least, in nanoseconds, for the clock to have been set back: events come
/// a little out of order from several processors.
const SET_BACK: u64 = 1_000_000_000;

/// A bucket of tokens that fills at a steady rate.
#[derive(Clone, Debug)]
pub struct TokenBucket {
    /// Nanoseconds in which one token comes.
    interval: u64,
    /// Nanoseconds that all tokens but one take to come.
    slack: u64,
    /// When the bucket is full again.
    full_at: u64,
}

impl TokenBucket {
    /// A full bucket that holds `burst` tokens, and gets `per_second` of them; at least one of each.
    #[must_use]
    pub fn new(per_second: u32, burst: u32) -> Self {
        let interval = 1_000_000_000 / u64::from(per_second.max(1));
        Self { interval, slack: interval * u64::from(burst.max(1) - 1), full_at: 0 }
    }

    /// Takes a token at a time in nanoseconds; `false` if there is none. After the clock was set back by more than a
    /// second the bucket is as empty as it can be, and fills from then on.
    pub fn take(&mut self, now: u64) -> bool {
        if self.full_at.saturating_sub(now) > self.slack + self.interval + SET_BACK {
            self.full_at = now + self.slack + self.interval;
        }
        let full_at = self.full_at.max(now);
        let has_one = full_at - now <= self.slack;
        if has_one {
            self.full_at = full_at + self.interval;
        }
        has_one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn taken(bucket: &mut TokenBucket, times: impl IntoIterator<Item = u64>) -> usize {
        times.into_iter().filter(|time| bucket.take(*time)).count()
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut bucket = TokenBucket::new(10, 40);
        assert_eq!(taken(&mut bucket, [7 * SECOND; 100]), 40);
        assert_eq!(taken(&mut bucket, [7 * SECOND + SECOND / 10; 5]), 1);
        assert_eq!(taken(&mut bucket, (0..1000).map(|step| 8 * SECOND + step * SECOND / 1000)), 9 + 9);
    }

    #[test]
    fn a_pause_fills_no_more_than_the_bucket() {
        let mut bucket = TokenBucket::new(1, 3);
        assert_eq!(taken(&mut bucket, [SECOND; 9]), 3);
        assert_eq!(taken(&mut bucket, [1000 * SECOND; 9]), 3);
    }

    #[test]
    fn times_out_of_order_give_nothing() {
        let mut bucket = TokenBucket::new(1, 1);
        assert_eq!(taken(&mut bucket, [9 * SECOND, 9 * SECOND - 1, 8 * SECOND, 9 * SECOND + 1, 10 * SECOND]), 2);
    }

    #[test]
    fn a_clock_that_was_set_back_by_hours_does_not_close_the_bucket_for_hours() {
        let mut bucket = TokenBucket::new(1, 2);
        assert_eq!(taken(&mut bucket, [9000 * SECOND; 3]), 2);
        assert_eq!(taken(&mut bucket, [SECOND; 3]), 0, "setting the clock back gives no tokens");
        assert_eq!(taken(&mut bucket, (1..=10).map(|second| second * SECOND)), 9);
    }
}
