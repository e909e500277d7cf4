//! Reading of files that may make the reader wait, by a thread of its own.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use super::files::{self, Files, Stamps};

/// How long an answer is waited for: as long as a disk may take.
const PATIENCE: Duration = Duration::from_millis(100);
/// As many questions may wait. Another is not asked: what is known stays known.
const QUEUE: usize = 64;

/// Which root is to be read.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) number: u64,
    pub(super) root: OwnedFd,
    pub(super) stamps: Stamps,
}

/// A root, and what was read of it.
pub(super) type Answer = (u64, Files);

/// The thread, which is started when there is something for it to do.
#[derive(Debug)]
pub(super) struct Worker {
    running: Option<(SyncSender<Job>, Receiver<Answer>)>,
    /// Questions that have not been answered.
    open: usize,
    /// When an answer did not come in time: none is waited for until all have come.
    hangs: bool,
}

impl Worker {
    pub(super) fn new() -> Self {
        Self { running: None, open: 0, hangs: false }
    }

    /// Asks for a root's files. The answer comes by [`Self::next`], if it comes.
    pub(super) fn ask(&mut self, job: Job) {
        if self.running.is_none() {
            let (jobs, work) = sync_channel(QUEUE);
            let (done, answers) = channel();
            // Without a thread there are no names of other roots, which is no reason to end.
            let started = thread::Builder::new().name("lapwing-names".into()).spawn(move || serve(&work, &done));
            self.running = started.ok().map(|_| (jobs, answers));
        }
        if let Some((jobs, _)) = &self.running
            && jobs.try_send(job).is_ok()
        {
            self.open += 1;
        }
    }

    /// Asks, and waits for the answer for a while. Returns what has been answered.
    pub(super) fn ask_and_wait(&mut self, job: Job) -> Vec<Answer> {
        let number = job.number;
        self.ask(job);
        let mut answers = Vec::new();
        let until = Instant::now() + PATIENCE;
        while !self.hangs && self.open > 0 && !answers.iter().any(|(answered, _)| *answered == number) {
            let Some((_, receiver)) = &self.running else { break };
            match receiver.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(answer) => {
                    self.open -= 1;
                    answers.push(answer);
                }
                Err(RecvTimeoutError::Timeout) => self.hangs = true,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        answers
    }

    /// An answer that has come meanwhile.
    pub(super) fn next(&mut self) -> Option<Answer> {
        if self.open == 0 {
            return None;
        }
        let answer = self.running.as_ref()?.1.try_recv().ok()?;
        self.open -= 1;
        self.hangs &= self.open > 0;
        Some(answer)
    }
}

fn serve(work: &Receiver<Job>, done: &Sender<Answer>) {
    while let Ok(Job { number, root, stamps }) = work.recv() {
        if done.send((number, files::read(root, stamps))).is_err() {
            return;
        }
    }
}
