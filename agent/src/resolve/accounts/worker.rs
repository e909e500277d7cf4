//! Reading of files that may make the reader wait, by a thread of its own.

use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::files::{self, Files, Stamps};
use crate::resolve::aside::Aside;

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

/// Who reads.
#[derive(Debug)]
pub(super) struct Worker(Aside<Job, Answer>);

impl Worker {
    pub(super) fn new() -> Self {
        Self(Aside::new("lapwing-names", QUEUE))
    }

    /// Asks for a root's files. The answer comes by [`Self::next`], if it comes.
    pub(super) fn ask(&mut self, job: Job) {
        self.0.ask(job, serve);
    }

    /// Asks, and waits for the answer for a while. Returns what has been answered.
    pub(super) fn ask_and_wait(&mut self, job: Job) -> Vec<Answer> {
        let number = job.number;
        self.ask(job);
        let mut answers = Vec::new();
        self.0.wait(Instant::now() + PATIENCE, |answer| {
            let is_it = answer.0 == number;
            answers.push(answer);
            is_it
        });
        answers
    }

    /// An answer that has come meanwhile.
    pub(super) fn next(&mut self) -> Option<Answer> {
        self.0.next()
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the thread owns both ends")]
fn serve(work: Receiver<Job>, done: Sender<Answer>) {
    while let Ok(Job { number, root, stamps }) = work.recv() {
        if done.send((number, files::read(root, stamps))).is_err() {
            return;
        }
    }
}
