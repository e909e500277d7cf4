//! What tracers leave out, asked of all of them at once and put together as they answer.
//!
//! Nobody is waited for long: who has not answered in time, or has gone, is named as such.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use lapwing_common::ids::PidNs;
use lapwing_common::record::Cgroup;
use lapwing_common::session::{Answer, Left};
use lapwing_proto::tracer::v1::Discarders;
use mio::Token;

use super::Asked;

/// How long tracers have for an answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// A tracer that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who {
    /// As the agent's pid namespace numbers it; 0 if that does not see it.
    pub(crate) pid: i32,
    pub(crate) namespace: PidNs,
    pub(crate) container: String,
}

impl Who {
    pub(super) fn new(pid: i32, namespace: PidNs, cgroup: &Cgroup) -> Self {
        Self { pid, namespace, container: String::from_utf8_lossy(&cgroup.container).into_owned() }
    }
}

/// What a tracer answered.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) who: Who,
    /// Why there is no answer, if there is none.
    pub(crate) left: Result<Left, &'static str>,
}

/// All that was asked and is not concluded.
#[derive(Debug, Default)]
pub(super) struct Enquiries {
    under_way: Vec<Enquiry>,
    last: u64,
}

#[derive(Debug)]
struct Enquiry {
    id: u64,
    asked: Asked,
    until: Instant,
    waiting: BTreeMap<Token, (Who, Answer)>,
    replies: Vec<Reply>,
}

impl Enquiries {
    /// The number under which the next enquiry is to be made.
    pub(super) fn next_id(&self) -> u64 {
        self.last + 1
    }

    pub(super) fn begin(&mut self, asked: Asked, waiting: BTreeMap<Token, Who>, now: Instant) {
        self.last += 1;
        let waiting = waiting.into_iter().map(|(token, who)| (token, (who, Answer::default()))).collect();
        let (id, until) = (self.last, now + PATIENCE);
        self.under_way.push(Enquiry { id, asked, until, waiting, replies: Vec::new() });
    }

    /// Takes a part of an answer. One that nobody waits for any more is passed over.
    pub(super) fn hear(&mut self, from: Token, part: Discarders) {
        let Some(enquiry) = self.under_way.iter_mut().find(|enquiry| enquiry.id == part.id) else { return };
        let Some((_, answer)) = enquiry.waiting.get_mut(&from) else { return };
        if answer.take(part)
            && let Some((who, answer)) = enquiry.waiting.remove(&from)
        {
            let left = if answer.has_surplus() { Err("told more than there can be") } else { Ok(answer.left()) };
            enquiry.replies.push(Reply { who, left });
        }
    }

    /// A tracer is gone.
    pub(super) fn part(&mut self, token: Token) {
        for enquiry in &mut self.under_way {
            if let Some((who, _)) = enquiry.waiting.remove(&token) {
                enquiry.replies.push(Reply { who, left: Err("has gone before it answered") });
            }
        }
    }

    /// When there is something to be concluded.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        self.under_way.iter().map(|enquiry| if enquiry.waiting.is_empty() { now } else { enquiry.until }).min()
    }

    /// An enquiry that all have answered, or whose time is over.
    pub(super) fn finished(&mut self, now: Instant) -> Option<(Asked, Vec<Reply>)> {
        let is_over = |enquiry: &Enquiry| enquiry.waiting.is_empty() || enquiry.until <= now;
        let place = self.under_way.iter().position(is_over)?;
        let Enquiry { asked, mut replies, waiting, .. } = self.under_way.swap_remove(place);
        replies.extend(waiting.into_values().map(|(who, _)| Reply { who, left: Err("has not answered in time") }));
        replies.sort_by_key(|reply| (reply.who.namespace, reply.who.pid));
        Some((asked, replies))
    }
}
