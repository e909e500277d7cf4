//! A watch: the tracer's thread seen from outside, as a [`Backend`].
//!
//! The kernel ties a tracee to the thread that seized it, so the tracer has a thread of its own.
//! Observations go through a bounded queue; when whoever drains it cannot keep up, the tracer waits,
//! and so do the tracees: nothing is lost.

use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use lapwing_common::backend::{Backend, Counters, Ending, Progress};
use lapwing_common::record::Observation;
use thiserror::Error;

use crate::filters::FilterTable;
use crate::options::{Command, Options};
use crate::os::thread;
use crate::queue::{Closing, Outbox, Queue, State};
use crate::shared::Shared;
use crate::spawn::ExecFailure;
use crate::start::{self, StartError};

/// After this long the tracer is told again to stop.
const RESEND: Duration = Duration::from_millis(20);

/// A running watch of a command or of processes that were there before.
///
/// One at a time in a process: a tracer takes the wait statuses of all children and tracees of its process.
pub struct Watch {
    queue: Arc<Queue>,
    thread: Option<JoinHandle<()>>,
    tracer: thread::Id,
    shared: Arc<Shared>,
    command: Option<i32>,
    finished: Option<Option<Ending>>,
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("command", &self.command).finish_non_exhaustive()
    }
}

/// The tracer's thread is gone without having said goodbye.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the tracer ended unexpectedly")]
pub struct TracerGone;

/// What the thread tells once it traces.
pub(crate) struct Started {
    pub(crate) command: Option<i32>,
    pub(crate) tracer: thread::Id,
}

impl Watch {
    /// Starts a command and watches it and everything that it starts.
    ///
    /// # Errors
    ///
    /// When there is no such command, or the kernel does not let Lapwing trace.
    pub fn spawn(command: &Command, options: Options) -> Result<Self, StartError> {
        let launch = start::Spawn::prepare(command, &options)?;
        Self::begin(options, move |options, outbox, shared| launch.start(options, outbox, shared))
    }

    /// Watches processes that are running, with all their threads, and everything that they start.
    ///
    /// # Errors
    ///
    /// When one of them does not exist or may not be traced; none is traced then.
    pub fn attach(pids: &[i32], options: Options) -> Result<Self, StartError> {
        let pids = pids.to_vec();
        Self::begin(options, move |options, outbox, shared| start::attach(&pids, options, outbox, shared))
    }

    fn begin(
        options: Options,
        start: impl FnOnce(Options, Outbox, Arc<Shared>) -> Result<start::Running, StartError> + Send + 'static,
    ) -> Result<Self, StartError> {
        let (tell, told) = sync_channel(1);
        let shared = Arc::new(Shared::new(&options.plan));
        let queue = Arc::new(Queue::default());
        // Whoever begins the watch drains it.
        let reader = nix::unistd::gettid().as_raw();
        let (their_shared, their_queue) = (Arc::clone(&shared), Arc::clone(&queue));
        let thread = std::thread::Builder::new()
            .name("lapwing-tracer".into())
            .spawn(move || {
                // However this thread ends, the queue says so.
                let _closing = Closing { queue: Arc::clone(&their_queue), wake: Arc::clone(&options.wake) };
                let outbox = Outbox { queue: Arc::clone(&their_queue), wake: Arc::clone(&options.wake), reader };
                let started = start(options, outbox, their_shared);
                match started {
                    Ok(mut running) => {
                        let started = Started { command: running.command, tracer: thread::Id::current() };
                        if tell.send(Ok(started)).is_ok() {
                            let ending = running.tracer.run();
                            their_queue.finish(ending);
                        }
                    }
                    // The receiver waits for exactly this message.
                    Err(error) => drop(tell.send(Err(error))),
                }
            })
            .map_err(StartError::Thread)?;
        match told.recv() {
            Ok(Ok(Started { command, tracer })) => {
                Ok(Self { queue, thread: Some(thread), tracer, shared, command, finished: None })
            }
            Ok(Err(error)) => Err(error),
            Err(_) => Err(StartError::Died),
        }
    }

    /// The pid of the command, when one was started.
    #[must_use]
    pub fn command_pid(&self) -> Option<i32> {
        self.command
    }

    /// The signal that holds the command in a group-stop at the moment.
    #[must_use]
    pub fn command_stopped(&self) -> Option<i32> {
        self.shared.command_stopped()
    }

    /// What the tracer is to leave out. Apart from the watch, so that it can be told while observations
    /// are drained, as what happened tells what is of no interest.
    #[must_use]
    pub fn filters(&self) -> Arc<FilterTable> {
        Arc::clone(&self.shared.filters)
    }

    /// Whether no further observation will come than those that wait to be drained.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.queue.is_closed()
    }

    /// How the command ended. Descendants may still be watched.
    #[must_use]
    pub fn command_ended(&self) -> Option<Ending> {
        self.shared.ended()
    }

    /// Why the command could not be executed after it had been started.
    #[must_use]
    pub fn exec_failure(&self) -> Option<ExecFailure> {
        self.shared.exec_failure()
    }

    /// The request to the kernel that failed last although the tracee lived, with its error number.
    #[must_use]
    pub fn last_refused_request(&self) -> Option<(&'static str, i32)> {
        self.shared.last_refused()
    }
}

impl Backend for Watch {
    type Error = TracerGone;

    fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, TracerGone> {
        if let Some(ending) = self.finished {
            return Ok(Progress::Finished(ending));
        }
        let (batch, state) = self.queue.take();
        batch.into_iter().for_each(each);
        match state {
            State::Open => Ok(Progress::Watching),
            State::Finished(ending) => {
                self.finished = Some(ending);
                Ok(Progress::Finished(ending))
            }
            State::Abandoned => Err(TracerGone),
        }
    }

    fn counters(&self) -> Counters {
        self.shared.counters()
    }

    fn stop(&mut self) {
        self.shared.request_stop();
        self.tracer.interrupt();
        // A command under a filter cannot be let go: it is followed, unobserved, while Lapwing lives.
        if self.command.is_none()
            && let Some(thread) = self.thread.take()
        {
            self.queue.lift_bound();
            // The signal is lost when no call is there to be interrupted just then.
            while !self.queue.wait_closed(RESEND) {
                self.tracer.interrupt();
            }
            // A panic of the thread has been reported on stderr already.
            let _ = thread.join();
        }
    }
}
