//! The queue between the tracer and whoever makes events of its observations.
//!
//! A wake-up costs more than an observation, so only the first of an empty queue wakes the reader, who
//! is expected to give others a moment to gather. A full queue makes the tracer wait.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lapwing_common::backend::Ending;
use lapwing_common::record::Observation;

/// Observations that may wait: some hundred bytes each, a few thousand for an exec.
const CAPACITY: usize = 4096;

/// Whether more will come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum State {
    /// It may.
    #[default]
    Open,
    /// All tracees have ended, and this is how the command did.
    Finished(Option<Ending>),
    /// The tracer ended without a word.
    Abandoned,
}

/// Observations under way, in order.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    room: Condvar,
    closed: Condvar,
}

#[derive(Debug, Default)]
struct Inner {
    waiting: Vec<Observation>,
    state: State,
    /// The reader waits for the writer to end, so the writer must not wait for the reader.
    unbounded: bool,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        // Nothing that runs under the lock can leave it half done.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has gathered, and whether more will come.
    pub(crate) fn take(&self) -> (Vec<Observation>, State) {
        let mut inner = self.lock();
        let empty = Vec::with_capacity(inner.waiting.len().min(CAPACITY));
        let taken = std::mem::replace(&mut inner.waiting, empty);
        let state = inner.state;
        drop(inner);
        self.room.notify_one();
        (taken, state)
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().state != State::Open
    }

    pub(crate) fn finish(&self, ending: Option<Ending>) {
        self.lock().state = State::Finished(ending);
    }

    /// Lets the writer go on without a reader. What it still writes can be taken afterwards.
    pub(crate) fn lift_bound(&self) {
        self.lock().unbounded = true;
        self.room.notify_one();
    }

    /// Waits for the writer to end, at most this long; whether it has.
    pub(crate) fn wait_closed(&self, limit: Duration) -> bool {
        let waited = self.closed.wait_timeout_while(self.lock(), limit, |inner| inner.state == State::Open);
        let (inner, _) = waited.unwrap_or_else(PoisonError::into_inner);
        inner.state != State::Open
    }
}

/// Where the tracer puts its observations.
pub(crate) struct Outbox {
    pub(crate) queue: Arc<Queue>,
    pub(crate) wake: Arc<dyn Fn() + Send + Sync>,
    /// The thread that reads the queue.
    pub(crate) reader: i32,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").finish_non_exhaustive()
    }
}

impl Outbox {
    /// Wakes the reader for something else than an observation.
    pub(crate) fn nudge(&self) {
        (self.wake)();
    }

    pub(crate) fn push(&mut self, observation: Observation) {
        let mut inner = self.queue.lock();
        while inner.waiting.len() >= CAPACITY && !inner.unbounded {
            inner = self.queue.room.wait(inner).unwrap_or_else(PoisonError::into_inner);
        }
        let first = inner.waiting.is_empty();
        inner.waiting.push(observation);
        drop(inner);
        if first {
            (self.wake)();
        }
    }
}

/// Marks the queue as abandoned if its writer goes away before it has finished.
pub(crate) struct Closing {
    pub(crate) queue: Arc<Queue>,
    pub(crate) wake: Arc<dyn Fn() + Send + Sync>,
}

impl Drop for Closing {
    fn drop(&mut self) {
        let mut inner = self.queue.lock();
        if inner.state == State::Open {
            inner.state = State::Abandoned;
        }
        drop(inner);
        self.queue.closed.notify_all();
        (self.wake)();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use lapwing_common::event::Origin;
    use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
    use lapwing_common::record::{Sighting, Task};

    use super::*;

    fn observation(number: u64) -> Observation {
        Observation {
            timestamp: Timestamp(number),
            origin: Origin::Ptrace,
            task: Task { pid: Pid(1), tid: Tid(1), namespace: PidNs(1), mark: None },
            what: Sighting::Fork { child: Pid(2) },
        }
    }

    #[test]
    fn only_the_first_observation_wakes_and_a_full_queue_waits_for_room() {
        let wakes = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&wakes);
        let queue = Arc::new(Queue::default());
        let wake: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            counted.fetch_add(1, Relaxed);
        });
        let mut outbox = Outbox { queue: Arc::clone(&queue), wake: Arc::clone(&wake), reader: 0 };
        let total = CAPACITY as u64 * 3;
        let closing = Closing { queue: Arc::clone(&queue), wake };
        let writer = std::thread::spawn(move || {
            (0..total).for_each(|number| outbox.push(observation(number)));
            drop(closing);
        });
        let mut next = 0;
        let mut takes = 0;
        loop {
            let (batch, state) = queue.take();
            takes += 1;
            assert!(batch.len() <= CAPACITY);
            for observation in batch {
                assert_eq!(observation.timestamp.0, next);
                next += 1;
            }
            if state != State::Open && next == total {
                assert_eq!(state, State::Abandoned);
                break;
            }
            std::thread::yield_now();
        }
        writer.join().unwrap();
        assert!(wakes.load(Relaxed) <= takes + 2);
    }
}
