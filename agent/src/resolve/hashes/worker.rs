//! The thread that reads files, and waiting for it.

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use lapwing_common::hashes::{Hashes, State};
use lapwing_common::ids::Pid;
use rustix::process::{getpriority_process, setpriority_process};

use super::identity::Identity;
use super::reading;
use crate::config::Algorithm;
use crate::resolve::aside::Aside;

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

/// Who reads.
#[derive(Debug)]
pub(super) struct Worker {
    algorithms: Arc<[Algorithm]>,
    aside: Aside<Job, ()>,
    /// How much has been waited in the second that began then.
    waited: (Instant, Duration),
}

impl Worker {
    pub(super) fn new(algorithms: Arc<[Algorithm]>) -> Self {
        Self { algorithms, aside: Aside::new("lapwing-hashes", QUEUE), waited: (Instant::now(), Duration::ZERO) }
    }

    /// Has a file read. `false` if there is no room for it.
    pub(super) fn ask(&mut self, job: Job) -> bool {
        let algorithms = Arc::clone(&self.algorithms);
        self.aside.ask(job, move |work, done| serve(&work, &algorithms, || done.send(()).is_ok()))
    }

    /// Waits until a file is concluded, or patience is at its end.
    pub(super) fn wait_for(&mut self, hashes: &Hashes) {
        while self.aside.next().is_some() {}
        if self.aside.hangs() || hashes.state() != State::Pending {
            return;
        }
        let began = Instant::now();
        if began.duration_since(self.waited.0) >= Duration::from_secs(1) {
            self.waited = (began, Duration::ZERO);
        }
        let until = began + PATIENCE.min(BUDGET.saturating_sub(self.waited.1));
        self.aside.wait(until, |()| hashes.state() != State::Pending);
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
