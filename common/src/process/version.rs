//! Versions of processes: numbers that tell whether what there is to show of one is what it was before.

use core::sync::atomic::{AtomicU64, Ordering};

use crate::schema::State;

use super::Process;

/// The next number. None is given twice, so that an entry is never taken for another one.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Which version of an entry it is: another one after each change of what is shown.
#[derive(Debug)]
pub(super) struct Version(AtomicU64);

impl Default for Version {
    fn default() -> Self {
        Self(AtomicU64::new(NEXT.fetch_add(1, Ordering::Relaxed)))
    }
}

impl Version {
    /// Something has changed. Said afterwards: who reads between sees the new under the old number, which is over then.
    pub(super) fn renew(&self) {
        self.0.store(NEXT.fetch_add(1, Ordering::Relaxed), Ordering::Release);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

impl Process {
    /// What is shown of it and of its ancestors is the same as long as this is.
    #[must_use]
    pub fn state(&self) -> State {
        let others = self.ancestors().fold(0, |sum: u64, ancestor| sum.wrapping_add(ancestor.version.get()));
        State { own: self.version.get(), others }
    }
}
