//! The thread that reads files, and waiting for it.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use lapwing_common::hashes::{Hashes, State};
use lapwing_common::ids::Pid;
use rustix::process::{getpriority_process, setpriority_process};

use super::identity::Identity;
use super::reading;
use crate::config::Algorithm;

/// How long one file is waited for.
const PATIENCE: Duration = Duration::from_millis(100);
/// How long files are waited for in any second, all together.
const BUDGET: Duration = Duration::from_millis(250);
/// As many files may wait to be read: all different programs that run on a busy host when an agent starts.
const QUEUE: usize = 1024;
/// By how much the thread gives way to what is observed.
const NICER: i32 = 5;

/// A file to be read.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) hashes: Arc<Hashes>,
    /// A process of this `/proc` that uses it.
    pub(super) pid: Option<Pid>,
    /// As seen from the process's root.
    pub(super) path: Box<[u8]>,
    pub(super) identity: Identity,
    /// The most bytes that it may have.
    pub(super) largest: u64,
}

/// The thread, which is started when there is something for it to do.
#[derive(Debug)]
pub(super) struct Worker {
    algorithms: Arc<[Algorithm]>,
    running: Option<(SyncSender<Job>, Receiver<()>)>,
    /// Files that were asked for and not concluded.
    open: usize,
    /// When a file did not come in time: none is waited for until all have come.
    hangs: bool,
    /// How much has been waited in the second that began then.
    waited: (Instant, Duration),
}

impl Worker {
    pub(super) fn new(algorithms: Arc<[Algorithm]>) -> Self {
        Self { algorithms, running: None, open: 0, hangs: false, waited: (Instant::now(), Duration::ZERO) }
    }

    /// Has a file read. `false` if there is no room for it.
    pub(super) fn ask(&mut self, job: Job) -> bool {
        if self.running.is_none() {
            let (jobs, work) = sync_channel(QUEUE);
            let (done, concluded) = channel();
            let algorithms = Arc::clone(&self.algorithms);
            let serve = move || serve(&work, &algorithms, || done.send(()).is_ok());
            // Without a thread there are no hashes, which is no reason to end.
            let started = thread::Builder::new().name("lapwing-hashes".into()).spawn(serve);
            self.running = started.ok().map(|_| (jobs, concluded));
        }
        let is_taken = self.running.as_ref().is_some_and(|(jobs, _)| jobs.try_send(job).is_ok());
        self.open += usize::from(is_taken);
        is_taken
    }

    /// Waits until a file is concluded, or patience is at its end.
    pub(super) fn wait_for(&mut self, hashes: &Hashes) {
        let Some((_, concluded)) = &self.running else { return };
        while self.open > 0 && concluded.try_recv().is_ok() {
            self.open -= 1;
        }
        self.hangs &= self.open > 0;
        if self.hangs || hashes.state() != State::Pending {
            return;
        }
        let began = Instant::now();
        if began.duration_since(self.waited.0) >= Duration::from_secs(1) {
            self.waited = (began, Duration::ZERO);
        }
        let until = began + PATIENCE.min(BUDGET.saturating_sub(self.waited.1));
        while hashes.state() == State::Pending {
            match concluded.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(()) => self.open = self.open.saturating_sub(1),
                Err(RecvTimeoutError::Timeout) => {
                    self.hangs = true;
                    break;
                }
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.waited.1 += began.elapsed();
    }
}

fn serve(work: &Receiver<Job>, algorithms: &[Algorithm], concluded: impl Fn() -> bool) {
    // Where that is refused, it runs as soon as others.
    let _ = getpriority_process(None).and_then(|nice| setpriority_process(None, nice.max(0) + NICER));
    let mut buffer = Vec::new();
    while let Ok(job) = work.recv() {
        job.hashes.conclude(reading::hash(&job, algorithms, &mut buffer));
        if !concluded() {
            return;
        }
    }
}
