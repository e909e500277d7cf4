//! How often a rule's matches are told.
//!
//! The limiter stands where matches are told, not where rules are evaluated: actions are taken for every match.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use hashbrown::HashMap;
use lru::LruCache;

use crate::ids::Timestamp;

/// The most tokens of one rule; the one that was not seen for longest gives way.
const MOST_TOKENS: usize = 500;

/// Which matches have been told when.
#[derive(Debug, Default)]
pub struct Limiter {
    rules: HashMap<usize, LruCache<Box<[u8]>, Timestamp>>,
    suppressed: u64,
}

impl Limiter {
    /// Whether a match may be told: none was within `every` nanoseconds before, with the same token.
    pub(super) fn allows(&mut self, rule: usize, every: u64, token: &[u8], now: Timestamp) -> bool {
        let most = NonZeroUsize::new(MOST_TOKENS).unwrap_or(NonZeroUsize::MIN);
        let tokens = self.rules.entry(rule).or_insert_with(|| LruCache::new(most));
        if let Some(last) = tokens.get(token)
            && now.0.saturating_sub(last.0) < every
        {
            self.suppressed += 1;
            return false;
        }
        tokens.put(Vec::from(token).into(), now);
        true
    }

    /// The same for rules that have other places now; `None` for those that are gone.
    pub(super) fn moved(self, place: impl Fn(usize) -> Option<usize>) -> Self {
        let rules = self.rules.into_iter().filter_map(|(old, tokens)| Some((place(old)?, tokens))).collect();
        Self { rules, suppressed: 0 }
    }

    /// Matches that were not told.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.suppressed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_token_has_its_own_window() {
        let mut limiter = Limiter::default();
        let mut count = |hits: u64, every: u64| {
            let mut told = 0;
            for hit in 0..hits {
                for token in [b"a", b"b", b"c"] {
                    told +=
                        usize::from(limiter.allows(hit.try_into().unwrap_or(0) / 1000, every, token, Timestamp(hit)));
                }
            }
            told
        };
        assert_eq!(count(5, 1_000), 3);
        assert_eq!(limiter.suppressed(), 12);
        let mut limiter = Limiter::default();
        assert!((0..5).all(|hit| limiter.allows(0, 1, b"", Timestamp(hit))));
    }
}
