//! The tracer's end: what it says, and what it keeps until it knows that it was heard.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use lapwing_proto::frame::Decoder;
use lapwing_proto::parts::{Envelope, Kind as Part, Parts};
use lapwing_proto::tracer::v1::{self as proto, to_agent::Message};
use prost::Message as _;
use prost::bytes::Bytes;

use super::heard::{Heard, Identity};
use super::listing::{Left, parts};
use super::losses::{Account, Kind};
use super::model::{Snapshot, introduce};
use super::queue::{NotSent, Queue};
use super::{LONGEST_OTHER, OLDEST_PROTOCOL, OUTGOING, PROTOCOL, Violation, append};
use crate::engine::EventSet;
use crate::holdings::{Held, PROCESSES};
use crate::ids::Pid;
use crate::record::Observation;
use crate::wire::{fingerprint, holdings_parts};

/// How many observations go into one batch, and how many bytes of them.
const BATCH: usize = 512;
const BATCH_BYTES: usize = 64 * 1024;
/// Parts of what processes hold that may wait to be sent before another process is looked at.
const HOLDINGS: usize = 16;
/// How often is said what was counted, if it has changed.
const REPORTING: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// There is no connection.
    Apart,
    /// Hello was said.
    Greeting,
    /// The agent takes observations; this many bytes may be under way.
    Welcome { window: usize },
    /// Goodbye was said.
    Parted,
}

/// One tracer, over all its connections.
#[derive(Debug)]
pub struct TracerEnd {
    identity: Identity,
    state: State,
    decoder: Decoder,
    out: Vec<u8>,
    /// How much of `out` has been sent.
    gone: usize,
    queue: Queue,
    snapshot: Option<(Snapshot, bool)>,
    /// What is left out, as far as it has not been told yet.
    listing: VecDeque<proto::Discarders>,
    /// What processes hold, likewise, each part after the observations up to a number.
    holdings: VecDeque<(u64, proto::Holdings)>,
    wanted: EventSet,
    counters: Vec<(String, u64)>,
    /// They have changed since they were last said.
    has_counted: bool,
    /// What was counted when it was last said: observations and losses.
    reported: (u64, u64),
    report_at: Duration,
}

impl TracerEnd {
    /// A tracer that keeps up to `limit` bytes of observations.
    #[must_use]
    pub fn new(identity: Identity, limit: usize) -> Self {
        let queue = Queue::new(identity.namespace, limit);
        Self {
            identity,
            state: State::Apart,
            decoder: Decoder::new(),
            out: Vec::new(),
            gone: 0,
            queue,
            snapshot: None,
            listing: VecDeque::new(),
            holdings: VecDeque::new(),
            wanted: EventSet::ALL,
            counters: Vec::new(),
            has_counted: false,
            reported: (0, 0),
            report_at: Duration::ZERO,
        }
    }

    /// Takes what was observed. What nobody wants and no process changes by is not even numbered.
    pub fn observe(&mut self, observation: &Observation) {
        let Some(kind) = Kind::of(observation) else { return };
        if let Kind::Event(event) = kind
            && !self.wanted.contains(event)
            && !super::model::lasts(observation)
        {
            return;
        }
        self.queue.push(observation, kind);
    }

    /// What somebody wants to hear of from now on.
    pub fn want(&mut self, events: EventSet) {
        self.wanted = events;
    }

    /// The tracer's own counters, for the next report.
    pub fn count(&mut self, counters: impl IntoIterator<Item = (&'static str, u64)>) {
        let counters: Vec<_> = counters.into_iter().map(|(name, count)| (name.into(), count)).collect();
        self.has_counted |= counters != self.counters;
        self.counters = counters;
    }

    /// There is a connection: says Hello.
    pub fn connected(&mut self) {
        self.disconnected();
        self.state = State::Greeting;
        let hello = proto::Hello {
            protocol: PROTOCOL,
            oldest_protocol: OLDEST_PROTOCOL,
            release: self.identity.release.clone(),
            pid_namespace: self.identity.namespace.0,
            container: Some(proto::Container {
                cgroup: self.identity.container.path.to_vec(),
                id: self.identity.container.container.to_vec(),
            }),
            mode: if self.identity.starts_command { proto::Mode::Command } else { proto::Mode::Attached }.into(),
            session: self.identity.session.to_vec(),
            catalogue: fingerprint(),
            acknowledged: self.queue.acknowledged(),
            pid: self.identity.pid.0,
            workload: self.identity.workload.clone(),
        };
        self.say(Message::Hello(hello));
    }

    /// There is none any more. What was sent and not acknowledged will be sent again.
    pub fn disconnected(&mut self) {
        self.state = State::Apart;
        self.decoder = Decoder::new();
        self.out.clear();
        self.gone = 0;
        self.snapshot = None;
        self.listing.clear();
        self.holdings.clear();
    }

    /// Takes what the agent sent.
    ///
    /// # Errors
    ///
    /// When it is not what an agent says. The connection is of no use any more.
    pub fn receive(&mut self, mut input: &[u8]) -> Result<Vec<Heard>, Violation> {
        let mut heard = Vec::new();
        while let Some(envelope) = self.decoder.next::<Envelope>(&mut input)? {
            let Some(part) = envelope.message else { continue };
            heard.extend(self.hear(&part)?);
        }
        Ok(heard)
    }

    fn hear(&mut self, part: &Part) -> Result<Option<Heard>, Violation> {
        let greeted = matches!(self.state, State::Welcome { .. } | State::Parted);
        match part {
            Part::First(bytes) if self.state == State::Greeting => self.welcome(read(bytes)?).map(Some),
            Part::First(_) => Err(Violation::OutOfTurn("a second Welcome")),
            Part::Second(bytes) => {
                let refusal: proto::Refusal = read(bytes)?;
                self.state = State::Parted;
                Ok(Some(Heard::Refused { reason: refusal.reason(), text: refusal.text }))
            }
            _ if !greeted => Err(Violation::OutOfTurn("something before Welcome")),
            Part::Third(bytes) => {
                let ack: proto::Ack = read(bytes)?;
                self.queue.acknowledge(ack.acknowledged)?;
                Ok(None)
            }
            Part::Fourth(bytes) => Ok(Some(Heard::Plan(read(bytes)?))),
            Part::Fifth(bytes) => Ok(Some(Heard::Filtering(read(bytes)?))),
            Part::Sixth(bytes) => {
                let proto::DiscardersRequest { id } = read(bytes)?;
                Ok(Some(Heard::DiscardersWanted { id }))
            }
            Part::Seventh(bytes) => {
                let proto::HoldingsRequest { id, pids } = read(bytes)?;
                let pids = pids.into_iter().take(PROCESSES).map(Pid).collect();
                Ok(Some(Heard::HoldingsWanted { id, pids }))
            }
            Part::Eighth(_) => Ok(None),
        }
    }

    fn welcome(&mut self, welcome: proto::Welcome) -> Result<Heard, Violation> {
        if !(OLDEST_PROTOCOL..=PROTOCOL).contains(&welcome.protocol) {
            return Err(Violation::Version { oldest: welcome.protocol, newest: welcome.protocol });
        }
        let resumed = welcome.acknowledged != 0;
        let known = welcome.acknowledged.max(self.queue.acknowledged());
        self.queue.resume(known)?;
        // Half of what is kept, so that what is under way does not leave what waits without room.
        let window = usize::try_from(welcome.window).unwrap_or(usize::MAX).min(self.queue.limit() / 2);
        self.state = State::Welcome { window };
        Ok(Heard::Welcome { plan: welcome.plan, resumed })
    }

    /// Answers what is left out. An answer that has not been told to its end by then is given up for this one.
    pub fn list(&mut self, id: u64, left: &Left) {
        if matches!(self.state, State::Welcome { .. }) {
            self.listing = parts(id, left);
        }
    }

    /// Tells what a process holds. It is sent after all that was observed so far, so that an agent knows which program
    /// that is.
    pub fn tell_held(&mut self, id: u64, pid: Pid, held: &Held) {
        if matches!(self.state, State::Welcome { .. }) {
            let after = self.queue.generated();
            self.holdings.extend(holdings_parts(id, pid, held).into_iter().map(|part| (after, part)));
        }
    }

    /// Tells that all has been told of what processes hold.
    pub fn told_held(&mut self, id: u64) {
        if matches!(self.state, State::Welcome { .. }) {
            let end = proto::Holdings { id, end: true, ..proto::Holdings::default() };
            self.holdings.push_back((self.queue.generated(), end));
        }
    }

    /// Whether there is room for what another process holds. What there is none for is read later.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.holdings.len() < HOLDINGS
    }

    /// Says what became of a plan.
    pub fn applied(&mut self, revision: u64, missing: Vec<String>) {
        if matches!(self.state, State::Welcome { .. }) {
            self.say(Message::Applied(proto::Applied { revision, missing }));
        }
    }

    /// Ends the session: nothing is sent after this. Only for a connection with a Welcome.
    pub fn part(&mut self) {
        if matches!(self.state, State::Welcome { .. }) {
            let report = self.account().message();
            self.say(Message::Goodbye(proto::Goodbye { report: Some(report) }));
            self.state = State::Parted;
        }
    }

    /// What is to be sent now. The time is any that only goes on.
    pub fn outgoing(&mut self, now: Duration) -> &[u8] {
        if self.gone == self.out.len() {
            self.out.clear();
            self.gone = 0;
        }
        if let State::Welcome { window } = self.state {
            self.report(now);
            while self.out.len() - self.gone < OUTGOING && self.go_on(window) {}
        }
        &self.out[self.gone..]
    }

    /// This much of it was sent.
    pub fn sent(&mut self, bytes: usize) {
        self.gone = self.out.len().min(self.gone + bytes);
    }

    /// When [`Self::outgoing`] will have something without anything else happening.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        let changed = self.has_counted || self.reported != (self.queue.generated(), self.queue.losses().total());
        (changed && matches!(self.state, State::Welcome { .. })).then_some(self.report_at)
    }

    /// Appends a part of the snapshot, or a batch; false if nothing is to be said.
    fn go_on(&mut self, window: usize) -> bool {
        if self.queue.is_stale() && self.snapshot.is_none() {
            self.snapshot = self.queue.take_snapshot().map(|processes| (processes, true));
        }
        if let Some((processes, begin)) = &mut self.snapshot {
            let mut observations: Vec<Bytes> = Vec::new();
            let mut bytes = 0;
            while bytes < BATCH_BYTES
                && let Some(process) = processes.pop_front()
            {
                let process = introduce(&process);
                bytes += process.len();
                observations.push(process);
            }
            let end = processes.is_empty();
            let part = Parts { first: u64::from(core::mem::take(begin)), observations, end };
            self.say_parts(&part, Part::Second);
            if end {
                self.snapshot = None;
            }
            return true;
        }
        if let Some(part) = self.listing.pop_front() {
            self.say(Message::Discarders(part));
            return true;
        }
        if let Some((after, _)) = self.holdings.front()
            && self.queue.next_number().is_none_or(|next| next > *after)
            && let Some((_, part)) = self.holdings.pop_front()
        {
            self.say(Message::Holdings(part));
            return true;
        }
        if self.queue.sent_bytes() > 0 && self.queue.sent_bytes() >= window {
            return false;
        }
        let Some((first, observations)) = self.queue.take_batch(BATCH_BYTES, BATCH) else { return false };
        self.say_parts(&Parts { first, observations, end: false }, Part::Third);
        true
    }

    fn report(&mut self, now: Duration) {
        if self.due().is_some_and(|at| at <= now) {
            let account = self.account();
            self.has_counted = false;
            self.reported = (account.generated, self.queue.losses().total());
            self.report_at = now + REPORTING;
            self.say(Message::Report(account.message()));
        }
    }

    fn say(&mut self, message: Message) {
        append(&mut self.out, &proto::ToAgent { message: Some(message) });
    }

    fn say_parts(&mut self, parts: &Parts, kind: fn(Vec<u8>) -> Part) {
        append(&mut self.out, &Envelope { message: Some(kind(parts.encode_to_vec())) });
    }

    /// What became of all observations.
    #[must_use]
    pub fn account(&self) -> Account {
        Account {
            generated: self.queue.generated(),
            confirmed: self.queue.confirmed(),
            waiting: self.queue.waiting(),
            losses: self.queue.losses().list(),
            counters: self.counters.clone(),
        }
    }

    /// Whether an agent takes observations.
    #[must_use]
    pub fn is_welcome(&self) -> bool {
        matches!(self.state, State::Welcome { .. })
    }

    /// Whether an agent has acknowledged all that was not lost.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.queue.waiting() == 0 && self.snapshot.is_none() && self.gone == self.out.len()
    }

    /// Whether all that was said has been sent.
    #[must_use]
    pub fn has_said_all(&self) -> bool {
        self.gone == self.out.len()
    }

    /// Bytes of observations that are kept.
    #[cfg(test)]
    pub(super) fn kept_bytes(&self) -> usize {
        self.queue.bytes()
    }
}

impl From<NotSent> for Violation {
    fn from(NotSent: NotSent) -> Self {
        Self::Field("the acknowledgement of something that was not sent")
    }
}

fn read<M: prost::Message + Default>(bytes: &[u8]) -> Result<M, Violation> {
    if bytes.len() > LONGEST_OTHER {
        return Err(Violation::TooLong(bytes.len()));
    }
    M::decode(bytes).map_err(Violation::NoMessage)
}
