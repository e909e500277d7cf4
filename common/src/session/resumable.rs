//! Sessions whose connection was lost and may come back.

use core::num::NonZeroUsize;

use lru::LruCache;

use super::AgentEnd;

/// How far the sessions came whose connections were lost, for when they come back.
#[derive(Debug)]
pub struct Resumable {
    sessions: LruCache<[u8; 16], u64>,
}

impl Resumable {
    /// Remembers up to this many.
    #[must_use]
    pub fn new(most: NonZeroUsize) -> Self {
        Self { sessions: LruCache::new(most) }
    }

    /// A connection was lost.
    pub fn remember(&mut self, end: &AgentEnd) {
        if let Some((session, processed)) = end.progress() {
            self.sessions.put(session, processed);
        }
    }

    /// A session came back: for [`Terms::acknowledged`](super::Terms::acknowledged).
    pub fn recall(&mut self, session: &[u8; 16]) -> Option<u64> {
        self.sessions.pop(session)
    }
}
