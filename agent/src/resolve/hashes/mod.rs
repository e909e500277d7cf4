//! Hashes of files, mostly of those that processes execute.
//!
//! A file is read once, by a worker, and remembered by what tells it from every other: its mount, inode, and the times
//! of its last changes. An event of a file that has not been read waits for that, but never long: a quarter of all
//! time at most, so that nobody holds up what is observed by running large programs. What is not done by then is
//! `pending`, and shows with later events.

mod identity;
mod reading;
#[cfg(test)]
mod tests;
mod worker;

use std::num::NonZeroUsize;
use std::sync::Arc;

use lapwing_common::event::File;
use lapwing_common::hashes::{Hashes, Hashing, Lookup, State};
use lapwing_common::ids::{PidNs, ProcessKey, Timestamp};
use lru::LruCache;

use super::numbering;
use crate::config::HashConfig;
use identity::Identity;
use lapwing_common::limiter::TokenBucket;
use worker::{Job, Worker};

/// As many files are remembered.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(4096).unwrap();
/// A file that has changed so lately may change again without showing it: kernels stamp with the clock of the timer's
/// last tick, which is 10 ms old at most. What is read of it is not remembered.
const FRESH: u64 = 100_000_000;

/// Hashes files of this host.
#[derive(Debug)]
pub(crate) struct HostHashes {
    largest: u64,
    /// That in which this host's `/proc` numbers processes; `None` if that cannot be told.
    namespace: Option<PidNs>,
    known: LruCache<(Identity, u64), Arc<Hashes>>,
    bucket: TokenBucket,
    worker: Worker,
}

impl HostHashes {
    pub(crate) fn new(config: &HashConfig) -> Self {
        Self {
            largest: config.largest,
            namespace: numbering(),
            known: LruCache::new(REMEMBERED),
            bucket: TokenBucket::new(config.rate, config.rate),
            worker: Worker::new(config.algorithms.clone()),
        }
    }

    /// Hashes any file that a process was seen to use, if it has no more than `largest` bytes; `None` for the usual
    /// bound. Waits for a moment.
    pub(crate) fn hash(
        &mut self,
        process: ProcessKey,
        file: &File,
        largest: Option<u64>,
        at: Timestamp,
    ) -> Arc<Hashes> {
        let largest = largest.unwrap_or(self.largest);
        let hashes = match self.known(file, largest) {
            Some(known) => known,
            None if !self.bucket.take(at.0) => Arc::new(Hashes::none(State::RateLimited)),
            None => self.read(process, file, largest, at),
        };
        self.worker.wait_for(&hashes);
        hashes
    }

    fn known(&mut self, file: &File, largest: u64) -> Option<Arc<Hashes>> {
        let known = self.known.get(&(Identity::of(file.inode.as_ref()?), largest))?;
        matches!(known.state(), State::Pending | State::Done | State::TooBig).then(|| Arc::clone(known))
    }

    /// Has the file read.
    fn read(&mut self, process: ProcessKey, file: &File, largest: u64, at: Timestamp) -> Arc<Hashes> {
        let Some(inode) = &file.inode else { return Arc::new(Hashes::none(State::NotFound)) };
        let identity = Identity::of(inode);
        let hashes = Arc::new(Hashes::default());
        let job = Job {
            hashes: Arc::clone(&hashes),
            pid: (self.namespace == Some(process.namespace)).then_some(process.pid),
            path: file.path.clone(),
            identity,
            largest,
        };
        if !self.worker.ask(job) {
            return Arc::new(Hashes::none(State::RateLimited));
        }
        if at.0.saturating_sub(inode.changed.0) >= FRESH {
            self.known.put((identity, largest), Arc::clone(&hashes));
        }
        hashes
    }
}

impl Lookup for HostHashes {
    fn started(&mut self, process: ProcessKey, file: &File, at: Timestamp) -> Hashing {
        Hashing::by(self.hash(process, file, None, at))
    }

    fn running(&mut self, process: ProcessKey, file: &File) -> Hashing {
        // All at once, when observation begins: the worker's queue is the limit.
        let known = self.known(file, self.largest);
        Hashing::by(known.unwrap_or_else(|| self.read(process, file, self.largest, Timestamp::now())))
    }
}
