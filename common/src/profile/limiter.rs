//! How many anomalies of a workload are told: a program that goes astray must not drown everything else.

use core::num::NonZeroUsize;
use core::time::Duration;

use lru::LruCache;

use super::Settings;
use crate::discard::Ktime;

/// Counts by key, each in windows of its own.
#[derive(Debug)]
pub struct Limiter {
    windows: LruCache<u64, Window>,
    period: Duration,
    events: u32,
    refused: u64,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    since: Ktime,
    count: u32,
}

impl Limiter {
    /// A limiter as settings want it.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let keys = NonZeroUsize::new(settings.limited_workloads).unwrap_or(NonZeroUsize::MIN);
        Self { windows: LruCache::new(keys), period: settings.repeat, events: settings.anomalies, refused: 0 }
    }

    /// Whether one more may be told of a workload. Of more workloads than are kept, the one that was asked for
    /// longest ago begins anew.
    pub fn allows(&mut self, workload: u64, now: Ktime) -> bool {
        let fresh = Window { since: now, count: 0 };
        let window = self.windows.get_or_insert_mut(workload, || fresh);
        if Duration::from_nanos(now.0.saturating_sub(window.since.0)) >= self.period {
            *window = fresh;
        }
        let allowed = window.count < self.events;
        window.count = window.count.saturating_add(1);
        self.refused += u64::from(!allowed);
        allowed
    }

    /// How many were not told.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }
}
