//! A watch: the tracer's thread seen from outside, as a [`Backend`].
//!
//! The kernel ties a tracee to the thread that seized it, so the tracer has a thread of its own.
//! Observations travel in batches over a bounded channel; when whoever drains it cannot keep up, the
//! tracer waits, and so do the tracees: nothing is lost.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use lapwing_common::backend::{Backend, Counters, Ending, Progress};
use lapwing_common::record::Observation;
use thiserror::Error;

use crate::options::{Command, Options};
use crate::os::thread;
use crate::shared::Shared;
use crate::spawn::ExecFailure;
use crate::start::{self, StartError};

/// Observations in a batch before it is handed over even if stops keep coming.
const BATCH: usize = 256;
/// Batches under way.
const QUEUE: usize = 64;

/// A running watch of a command or of processes that were there before.
pub struct Watch {
    messages: Receiver<Message>,
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

pub(crate) enum Message {
    Started(Result<Started, StartError>),
    Batch(Vec<Observation>),
    Finished(Option<Ending>),
}

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
        let (sender, messages) = sync_channel(QUEUE);
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("lapwing-tracer".into())
            .spawn(move || {
                let outbox = Outbox { batch: Vec::with_capacity(BATCH), sender: sender.clone(), wake: Arc::clone(&options.wake) };
                let wake = Arc::clone(&options.wake);
                match start(options, outbox, theirs) {
                    Ok(mut running) => {
                        let started = Started { command: running.command, tracer: thread::Id::current() };
                        if sender.send(Message::Started(Ok(started))).is_ok() {
                            let ending = running.tracer.run();
                            // The receiver may be gone; then nobody wants to know.
                            let _ = sender.send(Message::Finished(ending));
                            wake();
                        }
                    }
                    Err(error) => {
                        let _ = sender.send(Message::Started(Err(error)));
                    }
                }
            })
            .map_err(StartError::Thread)?;
        match messages.recv() {
            Ok(Message::Started(Ok(Started { command, tracer }))) => {
                Ok(Self { messages, thread: Some(thread), tracer, shared, command, finished: None })
            }
            Ok(Message::Started(Err(error))) => Err(error),
            _ => Err(StartError::Died),
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

    /// Waits for observations at most this long, and hands them over as [`Backend::drain`] does.
    ///
    /// # Errors
    ///
    /// When the tracer is gone.
    pub fn drain_within(&mut self, limit: Duration, each: &mut dyn FnMut(Observation)) -> Result<Progress, TracerGone> {
        if self.finished.is_none() {
            match self.messages.recv_timeout(limit) {
                Ok(message) => self.take(message, each),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(TracerGone),
            }
        }
        self.drain(each)
    }

    fn take(&mut self, message: Message, each: &mut dyn FnMut(Observation)) {
        match message {
            Message::Batch(batch) => batch.into_iter().for_each(each),
            Message::Finished(ending) => self.finished = Some(ending),
            Message::Started(_) => {}
        }
    }
}

impl Backend for Watch {
    type Error = TracerGone;

    fn drain(&mut self, each: &mut dyn FnMut(Observation)) -> Result<Progress, TracerGone> {
        // As many as the queue holds: whoever drains has other things to attend to.
        for _ in 0..QUEUE {
            if let Some(ending) = self.finished {
                return Ok(Progress::Finished(ending));
            }
            match self.messages.try_recv() {
                Ok(message) => self.take(message, each),
                Err(TryRecvError::Empty) => return Ok(Progress::Watching),
                Err(TryRecvError::Disconnected) => return Err(TracerGone),
            }
        }
        Ok(Progress::Watching)
    }

    fn counters(&self) -> Counters {
        self.shared.counters()
    }

    fn stop(&mut self) {
        self.shared.request_stop();
        self.tracer.interrupt();
        while self.finished.is_none() && self.command.is_none() {
            match self.messages.recv() {
                Ok(message) => self.take(message, &mut |_| {}),
                Err(_) => break,
            }
        }
        if self.finished.is_some()
            && let Some(thread) = self.thread.take()
        {
            // A panic of the thread has been reported on stderr already.
            let _ = thread.join();
        }
    }
}

/// Where the tracer puts its observations.
pub(crate) struct Outbox {
    batch: Vec<Observation>,
    sender: SyncSender<Message>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outbox").field("waiting", &self.batch.len()).finish_non_exhaustive()
    }
}

impl Outbox {
    pub(crate) fn push(&mut self, observation: Observation) {
        self.batch.push(observation);
        if self.batch.len() >= BATCH {
            self.flush();
        }
    }

    /// Whether something has not been handed over yet.
    pub(crate) fn waiting(&self) -> bool {
        !self.batch.is_empty()
    }

    pub(crate) fn flush(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        let batch = std::mem::replace(&mut self.batch, Vec::with_capacity(BATCH));
        // Without a receiver the tracees still have to be kept going.
        if self.sender.send(Message::Batch(batch)).is_ok() {
            (self.wake)();
        }
    }
}
