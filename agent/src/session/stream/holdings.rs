//! What the agent asks about processes that it cannot look at itself: what they hold as a dump of them begins.

use std::collections::VecDeque;

use lapwing_common::ids::{Pid, PidNs, ProcessKey};
use lapwing_ptrace::client::Client;

use crate::holdings::{Read, Reading, Wake};

/// Requests that may wait while one is answered: an agent makes few dumps at a time.
const WAITING: usize = 64;

/// Requests, one after the other.
pub(super) struct Answers {
    own: PidNs,
    wake: Wake,
    waiting: VecDeque<(u64, Vec<Pid>)>,
    reading: Option<(u64, Reading)>,
}

impl std::fmt::Debug for Answers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answers").field("waiting", &self.waiting).finish_non_exhaustive()
    }
}

impl Answers {
    /// None so far, for a tracer that numbers processes in `own`. `wake` has the loop call [`Self::go_on`].
    pub(super) fn new(own: PidNs, wake: Wake) -> Self {
        Self { own, wake, waiting: VecDeque::new(), reading: None }
    }

    /// Takes a request. One too many is not answered.
    pub(super) fn asked(&mut self, id: u64, pids: Vec<Pid>) {
        if self.waiting.len() < WAITING {
            self.waiting.push_back((id, pids));
        }
    }

    /// The agent is another, and has not asked anything.
    pub(super) fn forget(&mut self) {
        self.waiting.clear();
        self.reading = None;
    }

    /// Tells what has been read, as far as there is room. Whether there was anything to tell.
    pub(super) fn go_on(&mut self, client: &mut Client) -> bool {
        let mut has_told = false;
        while client.has_room() {
            let Some((id, reading)) = &self.reading else {
                let Some((id, pids)) = self.waiting.pop_front() else { break };
                let keys = pids.into_iter().map(|pid| ProcessKey { pid, namespace: self.own }).collect();
                match Reading::begin(keys, Some(self.own), self.wake.clone()) {
                    Some(reading) => self.reading = Some((id, reading)),
                    None => client.told_held(id),
                }
                continue;
            };
            match reading.next() {
                Read::Of(_, None) => {}
                Read::Of(key, Some(held)) => client.tell_held(*id, key.pid, &held),
                Read::NotYet => break,
                Read::All => {
                    client.told_held(*id);
                    self.reading = None;
                }
            }
            has_told = true;
        }
        has_told
    }
}
