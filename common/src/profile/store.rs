//! Profiles of many workloads: those that run, and the last few of those that do not.

use core::num::NonZeroUsize;

use hashbrown::HashMap;
use lru::LruCache;

use super::{Profile, Selector};

/// Profiles whose workload has ended are kept, so many of them.
const CACHED: usize = 10;
/// Profiles of running workloads.
const MOST: usize = 400;

/// Profiles by their selectors.
#[derive(Debug)]
pub struct Profiles {
    running: HashMap<Selector, Running>,
    ended: LruCache<Selector, Profile>,
    most: usize,
    refused: u64,
    evicted: u64,
}

#[derive(Debug)]
struct Running {
    profile: Profile,
    instances: usize,
}

/// What became of a workload that started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    /// Its profile was there.
    Known,
    /// Its profile was made, or loaded.
    New,
    /// There are too many profiles: it has none.
    Refused,
}

impl Default for Profiles {
    fn default() -> Self {
        Self::new(CACHED, MOST)
    }
}

impl Profiles {
    /// `cached` profiles of workloads that have ended are kept, at least one, and `most` of those that run.
    #[must_use]
    pub fn new(cached: usize, most: usize) -> Self {
        let cached = NonZeroUsize::new(cached).unwrap_or(NonZeroUsize::MIN);
        Self { running: HashMap::new(), ended: LruCache::new(cached), most, refused: 0, evicted: 0 }
    }

    /// A workload has started. `load` is asked if its profile is not known.
    pub fn start(&mut self, selector: &Selector, load: impl FnOnce() -> Profile) -> Added {
        if let Some(running) = self.running.get_mut(selector) {
            running.instances += 1;
            return Added::Known;
        }
        if self.running.len() >= self.most {
            self.refused += 1;
            return Added::Refused;
        }
        let known = self.ended.pop(selector);
        let added = if known.is_some() { Added::Known } else { Added::New };
        let profile = known.unwrap_or_else(load);
        self.running.insert(selector.clone(), Running { profile, instances: 1 });
        added
    }

    /// A workload has ended. With the last of its kind its profile is handed out, to be saved.
    pub fn end(&mut self, selector: &Selector) -> Option<&Profile> {
        let running = self.running.get_mut(selector)?;
        running.instances -= 1;
        if running.instances > 0 {
            return None;
        }
        let Running { profile, .. } = self.running.remove(selector)?;
        self.evicted += u64::from(self.ended.push(selector.clone(), profile).is_some());
        self.ended.peek(selector)
    }

    /// The profile of a running workload.
    pub fn get_mut(&mut self, selector: &Selector) -> Option<&mut Profile> {
        self.running.get_mut(selector).map(|running| &mut running.profile)
    }

    /// Puts a profile in the place of the one that is known, because its file was replaced. Tells whether there was
    /// one.
    pub fn replace(&mut self, selector: &Selector, profile: Profile) -> bool {
        match self.running.get_mut(selector) {
            Some(running) => {
                running.profile = profile;
                true
            }
            None => self.ended.pop(selector).is_some(),
        }
    }

    /// Forgets the profile of a workload that has ended.
    pub fn forget_ended(&mut self, selector: &Selector) {
        self.ended.pop(selector);
    }

    /// Profiles of running workloads with how many of each there are, in no order.
    pub fn running(&self) -> impl Iterator<Item = (&Profile, usize)> {
        self.running.values().map(|running| (&running.profile, running.instances))
    }

    /// Profiles of workloads that have ended, latest first.
    pub fn cached(&self) -> impl Iterator<Item = &Profile> {
        self.ended.iter().map(|(_, profile)| profile)
    }

    /// Workloads that got no profile because there were too many.
    #[must_use]
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// Profiles of ended workloads that were forgotten for others.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.evicted
    }
}
