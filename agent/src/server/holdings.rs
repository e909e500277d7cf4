//! What processes hold that only their tracer can look at: asked when a dump begins, and heard part by part.
//!
//! What comes is handed on at once, so nothing is put together here. A tracer may tell only of processes that it was
//! asked about, and no more than there can be; one that says nothing for a while is not waited for.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use lapwing_common::holdings::{DESCRIPTORS, Held, MAPPINGS};
use lapwing_common::ids::{Pid, PidNs, ProcessKey};
use mio::Token;

/// How long a tracer may take for the next part.
const PATIENCE: Duration = Duration::from_secs(10);

/// What was asked of tracers and has not been told to its end.
#[derive(Debug, Default)]
pub(super) struct Requests {
    under_way: BTreeMap<u64, Request>,
    last: u64,
    heard: Vec<News>,
}

#[derive(Debug)]
struct Request {
    recording: u64,
    of: Token,
    namespace: PidNs,
    pids: BTreeSet<Pid>,
    /// Files and ports that may still come.
    room: usize,
    until: Instant,
}

/// Something that has come of a request.
#[derive(Debug)]
pub(crate) struct News {
    /// The dump for which it was asked.
    pub(crate) recording: u64,
    /// What a process holds; `None` when nothing more comes of this request.
    pub(crate) held: Option<(ProcessKey, Held)>,
}

impl Requests {
    /// The number of the next request.
    pub(super) fn next_id(&self) -> u64 {
        self.last + 1
    }

    /// A tracer was asked.
    pub(super) fn begin(&mut self, recording: u64, of: Token, namespace: PidNs, pids: &[Pid], now: Instant) {
        self.last += 1;
        let room = pids.len() * (2 * DESCRIPTORS + MAPPINGS);
        let pids = pids.iter().copied().collect();
        self.under_way.insert(self.last, Request { recording, of, namespace, pids, room, until: now + PATIENCE });
    }

    /// Takes a part of an answer. What nobody has asked for is passed over.
    pub(super) fn hear(&mut self, from: Token, id: u64, pid: Pid, held: Held, end: bool, now: Instant) {
        let Some(request) = self.under_way.get_mut(&id).filter(|request| request.of == from) else { return };
        request.until = now + PATIENCE;
        let told = held.files.len() + held.ports.len();
        let is_too_much = told > request.room;
        request.room = request.room.saturating_sub(told);
        if request.pids.contains(&pid) && !is_too_much {
            let key = ProcessKey { pid, namespace: request.namespace };
            self.heard.push(News { recording: request.recording, held: Some((key, held)) });
        }
        if end || is_too_much {
            self.conclude(id);
        }
    }

    /// A tracer is gone.
    pub(super) fn part(&mut self, token: Token) {
        self.conclude_all(|request| request.of == token);
    }

    /// When somebody is not waited for any more.
    pub(super) fn due(&self) -> Option<Instant> {
        self.under_way.values().map(|request| request.until).min()
    }

    /// What has come since it was last asked.
    pub(super) fn take(&mut self, now: Instant) -> Vec<News> {
        self.conclude_all(|request| request.until <= now);
        std::mem::take(&mut self.heard)
    }

    fn conclude_all(&mut self, which: impl Fn(&Request) -> bool) {
        let over: Vec<u64> = self.under_way.iter().filter(|(_, one)| which(one)).map(|(id, _)| *id).collect();
        over.into_iter().for_each(|id| self.conclude(id));
    }

    fn conclude(&mut self, id: u64) {
        if let Some(request) = self.under_way.remove(&id) {
            self.heard.push(News { recording: request.recording, held: None });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lapwing_common::event::File;

    const NAMESPACE: PidNs = PidNs(7);

    fn files(count: usize) -> Held {
        Held { files: vec![(File::default(), 0); count], ..Held::default() }
    }

    /// What has been heard: pids with how many files, and how many requests have ended.
    fn heard(requests: &mut Requests, now: Instant) -> (Vec<(i32, usize)>, usize) {
        let news = requests.take(now);
        assert!(news.iter().all(|news| news.recording == 3));
        let told = news.iter().filter_map(|news| news.held.as_ref());
        let told: Vec<_> = told.map(|(key, held)| (key.pid.0, held.files.len())).collect();
        let ended = news.len() - told.len();
        (told, ended)
    }

    #[test]
    fn only_the_one_who_was_asked_may_tell_of_whom_it_was_asked_about_and_so_much() {
        let now = Instant::now();
        let mut requests = Requests::default();
        let (id, token) = (requests.next_id(), Token(1));
        requests.begin(3, token, NAMESPACE, &[Pid(5), Pid(6)], now);
        requests.hear(Token(2), id, Pid(5), files(1), false, now);
        requests.hear(token, id + 1, Pid(5), files(1), true, now);
        requests.hear(token, id, Pid(9), files(1), false, now);
        requests.hear(token, id, Pid(5), files(2), false, now);
        requests.hear(token, id, Pid(5), files(3), false, now);
        assert_eq!(heard(&mut requests, now), (vec![(5, 2), (5, 3)], 0));
        requests.hear(token, id, Pid(6), files(10_000), false, now);
        assert_eq!(heard(&mut requests, now), (vec![], 1));
        requests.hear(token, id, Pid(6), files(1), true, now);
        assert_eq!(heard(&mut requests, now), (vec![], 0));
    }

    #[test]
    fn nobody_is_waited_for_who_has_gone_or_says_nothing() {
        let now = Instant::now();
        let mut requests = Requests::default();
        requests.begin(3, Token(1), NAMESPACE, &[Pid(5)], now);
        requests.begin(3, Token(2), NAMESPACE, &[Pid(6)], now);
        requests.part(Token(1));
        assert_eq!(heard(&mut requests, now), (vec![], 1));
        assert_eq!(requests.due(), Some(now + PATIENCE));
        requests.hear(Token(2), 2, Pid(6), files(1), false, now + PATIENCE / 2);
        assert_eq!(heard(&mut requests, now + PATIENCE), (vec![(6, 1)], 0));
        assert_eq!(heard(&mut requests, now + PATIENCE * 2), (vec![], 1));
        assert_eq!(requests.due(), None);
    }
}
