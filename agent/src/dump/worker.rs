//! The thread that writes dumps.
//!
//! It is started with the first dump, and ends with the [`Dumper`]: what was asked for until then is still written.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::thread::{self, JoinHandle};

use super::{DumpDir, DumpError};

/// As many dumps may wait: each holds on to what it is to show.
const QUEUE: usize = 8;

/// What a dump has become: whose it was, and the files.
pub(crate) struct Done<T> {
    pub(crate) of: T,
    pub(crate) files: Result<Vec<PathBuf>, DumpError>,
}

type Work = Box<dyn FnOnce(&DumpDir) -> Result<Vec<PathBuf>, DumpError> + Send>;

struct Job<T> {
    of: T,
    dir: PathBuf,
    work: Work,
}

/// Has dumps written to one directory. `T` says for whom.
pub(crate) struct Dumper<T> {
    dir: PathBuf,
    wake: Arc<dyn Fn() + Send + Sync>,
    running: Option<Running<T>>,
}

struct Running<T> {
    jobs: SyncSender<Job<T>>,
    done: Receiver<Done<T>>,
    thread: JoinHandle<()>,
}

impl<T> fmt::Debug for Dumper<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dumper").field("dir", &self.dir).finish_non_exhaustive()
    }
}

impl<T: Send + 'static> Dumper<T> {
    /// One that writes to `dir`, which is opened anew for each dump. `wake` is called when one is done.
    pub(crate) fn new(dir: PathBuf, wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self { dir, wake, running: None }
    }

    /// Writes to this directory from now on.
    pub(crate) fn set_directory(&mut self, dir: PathBuf) {
        self.dir = dir;
    }

    /// Has something written. What comes of it is said by [`Self::next`].
    ///
    /// # Errors
    ///
    /// When too many dumps are waiting, or there is no thread; with whom it was for.
    pub(crate) fn write(
        &mut self,
        of: T,
        work: impl FnOnce(&DumpDir) -> Result<Vec<PathBuf>, DumpError> + Send + 'static,
    ) -> Result<(), (T, DumpError)> {
        let running = match self.running.take() {
            Some(running) => self.running.insert(running),
            None => match start(Arc::clone(&self.wake)) {
                Some(running) => self.running.insert(running),
                None => return Err((of, DumpError::Gone)),
            },
        };
        running.jobs.try_send(Job { of, dir: self.dir.clone(), work: Box::new(work) }).map_err(|error| match error {
            TrySendError::Full(job) => (job.of, DumpError::Busy),
            TrySendError::Disconnected(job) => (job.of, DumpError::Gone),
        })
    }

    /// A dump that is done.
    pub(crate) fn next(&mut self) -> Option<Done<T>> {
        self.running.as_ref()?.done.try_recv().ok()
    }

    /// Waits until all that was asked for has been written, and says what came of it.
    pub(crate) fn finish(&mut self) -> Vec<Done<T>> {
        let Some(Running { jobs, done, thread }) = self.running.take() else { return Vec::new() };
        drop(jobs);
        let rest = done.iter().collect();
        // A panic has been reported on stderr; what it was for gets no answer but the end of the connection.
        let _ = thread.join();
        rest
    }
}

fn start<T: Send + 'static>(wake: Arc<dyn Fn() + Send + Sync>) -> Option<Running<T>> {
    let (jobs, work) = sync_channel::<Job<T>>(QUEUE);
    let (done_sender, done) = channel();
    let serve = move || serve(&work, &done_sender, &*wake);
    let thread = thread::Builder::new().name("lapwing-dumps".into()).spawn(serve).ok()?;
    Some(Running { jobs, done, thread })
}

fn serve<T>(work: &Receiver<Job<T>>, done: &Sender<Done<T>>, wake: &dyn Fn()) {
    // The main loop may have given itself precedence, which a new thread inherits; a dump is in no hurry.
    let _ = rustix::process::setpriority_process(None, 10);
    while let Ok(Job { of, dir, work }) = work.recv() {
        let files = DumpDir::open(&dir).and_then(|dir| work(&dir));
        if done.send(Done { of, files }).is_err() {
            return;
        }
        wake();
    }
}
