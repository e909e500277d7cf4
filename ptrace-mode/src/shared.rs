//! What the tracer's thread and the rest of Lapwing share: counters, filters, and a request to stop.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use lapwing_common::backend::{Counters, Ending, FilterPlan};

use crate::filters::FilterTable;
use crate::spawn::ExecFailure;

/// Shared by the tracer's thread and the owner of the watch.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    /// What is not to be reported.
    pub(crate) filters: Arc<FilterTable>,
    /// Stops handled.
    pub(crate) stops: AtomicU64,
    /// Calls that waited for an answer instead of stopping.
    pub(crate) answered: AtomicU64,
    /// Of these, those that stopped all the same.
    pub(crate) asked: AtomicU64,
    /// Time between reaping stops and resuming.
    pub(crate) nanoseconds: AtomicU64,
    /// Reads that failed for another reason than a bad pointer.
    pub(crate) unreadable: AtomicU64,
    /// Calls by an interface without a table.
    pub(crate) foreign_calls: AtomicU64,
    /// Descendants of an attached process that may not be traced.
    pub(crate) untraceable: AtomicU64,
    /// Panics while handling a stop. After the first, the tracees go on unobserved.
    pub(crate) internal_errors: AtomicU64,
    /// Requests that failed although the tracee lived.
    refused_requests: AtomicU64,
    last_refused: Mutex<Option<(&'static str, i32)>>,
    stop: AtomicBool,
    command_stopped: AtomicI32,
    ended: Mutex<Option<Ending>>,
    exec_failure: Mutex<Option<ExecFailure>>,
}

impl Shared {
    pub(crate) fn new(plan: &FilterPlan) -> Self {
        Self { filters: Arc::new(FilterTable::new(plan)), ..Self::default() }
    }

    pub(crate) fn count_error(&self, request: &'static str, errno: i32) {
        self.refused_requests.fetch_add(1, Relaxed);
        if let Ok(mut last) = self.last_refused.lock() {
            *last = Some((request, errno));
        }
    }

    /// The request that failed last, with its error number.
    pub(crate) fn last_refused(&self) -> Option<(&'static str, i32)> {
        self.last_refused.lock().ok().and_then(|last| *last)
    }

    pub(crate) fn request_stop(&self) {
        self.stop.store(true, Relaxed);
    }

    pub(crate) fn stop_requested(&self) -> bool {
        self.stop.load(Relaxed)
    }

    /// Notes the signal that holds the command in a group-stop; 0 when it runs.
    pub(crate) fn set_command_stopped(&self, signal: i32) {
        self.command_stopped.store(signal, Relaxed);
    }

    pub(crate) fn command_stopped(&self) -> Option<i32> {
        Some(self.command_stopped.load(Relaxed)).filter(|signal| *signal != 0)
    }

    pub(crate) fn set_exec_failure(&self, failure: Option<ExecFailure>) {
        if let Ok(mut slot) = self.exec_failure.lock() {
            *slot = failure;
        }
    }

    /// Why the command could not be executed after all.
    pub(crate) fn exec_failure(&self) -> Option<ExecFailure> {
        self.exec_failure.lock().ok().and_then(|failure| *failure)
    }

    pub(crate) fn set_ended(&self, ending: Ending) {
        if let Ok(mut ended) = self.ended.lock() {
            *ended = Some(ending);
        }
    }

    /// How the command ended, once it has, although others may still be watched.
    pub(crate) fn ended(&self) -> Option<Ending> {
        self.ended.lock().ok().and_then(|ended| *ended)
    }

    pub(crate) fn counters(&self) -> Counters {
        [
            ("stops", &self.stops),
            ("answered", &self.answered),
            ("asked", &self.asked),
            ("nanoseconds", &self.nanoseconds),
            ("unreadable", &self.unreadable),
            ("foreign_calls", &self.foreign_calls),
            ("untraceable", &self.untraceable),
            ("refused_requests", &self.refused_requests),
            ("internal_errors", &self.internal_errors),
        ]
        .map(|(name, counter)| (name, counter.load(Relaxed)))
        .to_vec()
    }
}
