//! A thread that does one thing after another for the loop, such as reading files that make the reader wait; and waiting
//! for it, but not for long.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::Instant;

/// The thread, which is started when there is something for it to do.
#[derive(Debug)]
pub(super) struct Aside<Job, Answer> {
    name: &'static str,
    queue: usize,
    running: Option<(SyncSender<Job>, Receiver<Answer>)>,
    /// Jobs that have not been answered.
    open: usize,
    /// When an answer did not come in time: none is waited for until all have come.
    hangs: bool,
}

impl<Job: Send + 'static, Answer: Send + 'static> Aside<Job, Answer> {
    /// A thread of this name, for which as many jobs may wait.
    pub(super) fn new(name: &'static str, queue: usize) -> Self {
        Self { name, queue, running: None, open: 0, hangs: false }
    }

    /// Has something done, by the thread that serves. `false` if there is no room for it, or no thread.
    pub(super) fn ask(&mut self, job: Job, serve: impl FnOnce(Receiver<Job>, Sender<Answer>) + Send + 'static) -> bool {
        if self.running.is_none() {
            let (jobs, work) = sync_channel(self.queue);
            let (done, answers) = channel();
            // Without a thread nothing is known of what it would have read, which is no reason to end.
            let started = thread::Builder::new().name(self.name.into()).spawn(move || serve(work, done));
            self.running = started.ok().map(|_| (jobs, answers));
        }
        let is_taken = self.running.as_ref().is_some_and(|(jobs, _)| jobs.try_send(job).is_ok());
        self.open += usize::from(is_taken);
        is_taken
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

    /// Whether an answer is late.
    pub(super) fn hangs(&self) -> bool {
        self.hangs
    }

    /// Waits for answers until one is enough, all have come, or patience is at its end.
    pub(super) fn wait(&mut self, until: Instant, mut is_enough: impl FnMut(Answer) -> bool) {
        let Some((_, answers)) = &self.running else { return };
        while !self.hangs && self.open > 0 {
            match answers.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(answer) => {
                    self.open -= 1;
                    if is_enough(answer) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.hangs = true,
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn one_that_does_not_answer_is_waited_for_once() {
        let mut aside: Aside<u32, u32> = Aside::new("test", 2);
        let (go, gate) = channel();
        let serve = move |work: Receiver<u32>, done: Sender<u32>| {
            while let Ok(job) = work.recv() {
                if gate.recv().is_err() || done.send(job + 1).is_err() {
                    return;
                }
            }
        };
        assert!(aside.ask(1, serve));
        aside.wait(Instant::now(), |_| panic!("there is no answer"));
        assert!(aside.hangs());
        assert!(aside.ask(2, |_, _| panic!("it runs already")));
        // With all the time in the world, none is waited for.
        aside.wait(Instant::now() + PATIENCE, |_| panic!("there is no answer"));
        assert!(go.send(()).is_ok() && go.send(()).is_ok());
        let mut answers = Vec::new();
        while answers.len() < 2 {
            answers.extend(aside.next());
            thread::yield_now();
        }
        assert_eq!((answers, aside.hangs()), (vec![2, 3], false));
        assert!(aside.ask(3, |_, _| panic!("it runs already")) && go.send(()).is_ok());
        let mut found = None;
        aside.wait(Instant::now() + PATIENCE, |answer| {
            found = Some(answer);
            true
        });
        assert_eq!(found, Some(4));
    }
}
