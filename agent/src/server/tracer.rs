//! One tracer: what it says is heard a turn at a time, and what it is told waits until it listens.

use std::io::{self, Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::discard::counters;
use lapwing_common::event::Origin;
use lapwing_common::holdings::Held;
use lapwing_common::ids::{Pid, PidNs, Timestamp};
use lapwing_common::record::Cgroup;
use lapwing_common::session::{AgentEnd, Greeting, Resumable, Said, Terms, conclusion_message};
use lapwing_proto::control::v1 as control;
use lapwing_proto::tracer::v1::{Discarders, Filtering, Plan, RefusalReason};
use mio::net::UnixStream;

use super::Peer;
use super::claims::Facts;
use super::tracers::Sink;
use crate::policy::{Finder, KeptBack};

/// Observations that are taken from one tracer before another's turn.
const TURN: usize = 1000;
/// Conclusions that are told in one message: with the longest paths it is within its limit.
const CONCLUSIONS: usize = 12;
/// Parts of what a tracer leaves out that it may tell in a turn.
const MOST_PARTS: usize = 64;
/// Parts of what processes hold that are taken in a turn; the rest waits.
const MOST_HOLDINGS: usize = 16;
/// What is read at a time.
const CHUNK: usize = 64 << 10;
/// How long a tracer may owe its greeting or the rest of a message.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of observations that a tracer may have under way.
const WINDOW: u64 = 1 << 20;
/// What is said of a tracer that takes no discarders. Why, it says itself.
const REFUSES: &str = "it began without discarders, or something that it traces can change files unseen";

/// What a tracer is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asks<'a> {
    /// The agent's own pid namespace.
    pub(super) own: Option<PidNs>,
    pub(super) plan: Option<&'a Plan>,
}

#[derive(Debug)]
pub(super) struct Tracer {
    pub(super) stream: UnixStream,
    pub(super) peer: Peer,
    pub(super) end: AgentEnd,
    /// What was read and not yet understood.
    pub(super) input: Vec<u8>,
    /// There may be more to read than was.
    pub(super) is_behind: bool,
    /// Nothing more comes.
    pub(super) is_closed: bool,
    /// It does not take any more what it is told.
    pub(super) is_deaf: bool,
    /// Since when it has owed something.
    pub(super) owing: Option<Instant>,
    pub(super) since: Timestamp,
    /// Once it was welcome.
    pub(super) greeting: Option<(Box<Greeting>, Arc<Cgroup>)>,
    /// By its last account.
    pub(super) lost: u64,
    /// This agent knew its session.
    pub(super) is_known: bool,
    /// Types of events that it cannot report although they are wanted.
    pub(super) missing: Vec<String>,
    /// That has just been heard.
    pub(super) falls_short: bool,
    /// What finds discarders in its events.
    pub(super) finder: Finder,
    /// What it counts itself, by its last account.
    pub(super) counters: Vec<(String, u64)>,
    /// What it has just told of what processes hold: the request, the process, and whether that was all.
    pub(super) holdings: Vec<(u64, Pid, Held, bool)>,
    /// What it has just told of what it leaves out.
    pub(super) parts: Vec<Discarders>,
}

impl Tracer {
    /// A connection that has just been taken, and owes a greeting since `now`.
    pub(super) fn new(stream: UnixStream, peer: Peer, now: Instant, since: Timestamp) -> Self {
        Self {
            stream,
            peer,
            end: AgentEnd::new(),
            input: Vec::new(),
            is_behind: true,
            is_closed: false,
            is_deaf: false,
            owing: Some(now),
            since,
            greeting: None,
            lost: 0,
            is_known: false,
            missing: Vec::new(),
            falls_short: false,
            finder: Finder::default(),
            counters: Vec::new(),
            holdings: Vec::new(),
            parts: Vec::new(),
        }
    }

    pub(super) fn has_more(&self) -> bool {
        !self.is_closed && (self.is_behind || self.end.has_more() || !self.input.is_empty())
    }

    /// Hears a turn's worth.
    pub(super) fn listen(
        &mut self,
        asks: Asks<'_>,
        resumable: &mut Resumable,
        now: Instant,
        sink: &mut dyn Sink,
    ) -> Result<(), (RefusalReason, String)> {
        let mut left = TURN;
        while left > 0 && self.holdings.len() < MOST_HOLDINGS && self.has_more() && !self.end.is_over() {
            if self.input.is_empty() && !self.end.has_more() {
                self.read();
            }
            let mut input = self.input.as_slice();
            let mut has_said = false;
            while left > 0 && self.holdings.len() < MOST_HOLDINGS {
                let said = self.end.receive(&mut input).map_err(|error| (error.reason(), error.to_string()))?;
                let Some(said) = said else { break };
                (left, has_said) = (left - 1, true);
                match said {
                    Said::Hello(greeting) => {
                        let facts = Facts::of(self.peer, Path::new("/proc"));
                        let cgroup = facts.check(&greeting, asks.own)?;
                        let acknowledged = resumable.recall(&greeting.session);
                        self.is_known = acknowledged.is_some();
                        self.end.welcome(Terms {
                            acknowledged,
                            window: WINDOW,
                            plan: asks.plan.cloned(),
                            container: Some(Arc::clone(&cgroup)),
                            release: env!("CARGO_PKG_VERSION").to_owned(),
                        });
                        sink.enter(&greeting);
                        self.greeting = Some((greeting, cgroup));
                    }
                    Said::Observation(observation) => sink.observation(observation, &mut self.finder),
                    Said::SnapshotBegins { void } => {
                        if let Some((greeting, _)) = &self.greeting {
                            sink.forget(greeting.namespace, &mut void.into_iter());
                        }
                    }
                    Said::Report(account) | Said::Goodbye(account) => {
                        self.lost = account.lost();
                        self.counters = account.counters;
                    }
                    // A tracer that tells more than it is asked for is cut, before that takes room.
                    Said::Discarders(_) if self.parts.len() >= MOST_PARTS => {
                        return Err((RefusalReason::Protocol, "too many parts of what is left out".to_owned()));
                    }
                    Said::Discarders(part) => self.parts.push(*part),
                    Said::Held { id, pid, held, end } => self.holdings.push((id, pid, held, end)),
                    Said::SnapshotEnds => {
                        // A later snapshot is of processes that were heard of, too.
                        if let Some((greeting, _)) = &self.greeting
                            && !std::mem::replace(&mut self.is_known, true)
                        {
                            sink.introduced(greeting.namespace, &mut self.end.processes());
                        }
                    }
                    Said::Applied { missing, .. } => {
                        self.falls_short = !missing.is_empty() && missing != self.missing;
                        self.missing = missing;
                    }
                }
            }
            let used = self.input.len() - input.len();
            self.input.drain(..used);
            self.owing = match self.owing.filter(|_| !has_said) {
                _ if !self.end.is_owed() => None,
                since => Some(since.unwrap_or(now)),
            };
        }
        match self.owing {
            Some(since) if now.saturating_duration_since(since) >= PATIENCE => {
                Err((RefusalReason::Slow, format!("said nothing complete for {} s", PATIENCE.as_secs())))
            }
            _ => Ok(()),
        }
    }

    /// Tells what was concluded from its events. If it is too slow to hear that, it reports more, and that is concluded
    /// again.
    pub(super) fn tell_conclusions(&mut self) {
        for found in self.finder.take().chunks(CONCLUSIONS) {
            self.end.filter(Filtering { steps: found.iter().map(conclusion_message).collect() });
        }
    }

    /// What `status` says of it, once it is welcome.
    pub(super) fn status(&self) -> Option<control::Tracer> {
        let (greeting, cgroup) = self.greeting.as_ref()?;
        Some(control::Tracer {
            pid: self.peer.pid,
            uid: self.peer.uid,
            pid_namespace: greeting.namespace.0,
            container: String::from_utf8_lossy(&cgroup.container).into_owned(),
            release: greeting.release.clone(),
            since: self.since.0,
            observations: self.end.observations(),
            lost: self.lost,
            missing: self.missing.clone(),
        })
    }

    /// What it has left out, by its last report.
    pub(super) fn filters(&self) -> Option<control::Filters> {
        let (greeting, _) = self.greeting.as_ref()?;
        let of = |name: &str| {
            let counter = self.counters.iter().find(|(known, _)| known == name);
            counter.map_or(0, |(_, count)| *count)
        };
        let of_type = |name, event| of(&counters::of_type(name, event));
        let stages = self.finder.judged().stages(|event| {
            let kept_back = KeptBack {
                rejected: of_type(counters::REJECTED, event),
                approved: of_type(counters::APPROVED, event),
                discarded: of_type(counters::DISCARDED, event),
                ..KeptBack::default()
            };
            (None, kept_back)
        });
        let answered = Some(of("answered")).filter(|count| *count > 0);
        Some(control::Filters {
            backend: Origin::Ptrace.name().to_owned(),
            pid: self.peer.pid,
            pid_namespace: greeting.namespace.0,
            rejected: of(counters::REJECTED),
            approved: of(counters::APPROVED),
            discarded: of(counters::DISCARDED),
            discarders: of(counters::DISCARDERS),
            evaluated: stages.iter().map(|one| one.evaluated).sum(),
            stopped: answered.map(|_| of("asked")),
            answered,
            stages,
            refused: if of(counters::REFUSES) == 0 { String::new() } else { REFUSES.to_owned() },
        })
    }

    fn read(&mut self) {
        self.input.resize(CHUNK, 0);
        match self.stream.read(&mut self.input) {
            Ok(0) => {
                self.is_closed = true;
                self.input.clear();
            }
            Ok(count) => self.input.truncate(count),
            Err(error) => {
                self.input.clear();
                match error.kind() {
                    io::ErrorKind::WouldBlock => self.is_behind = false,
                    io::ErrorKind::Interrupted => {}
                    _ => self.is_closed = true,
                }
            }
        }
    }

    pub(super) fn flush(&mut self) {
        while !self.is_deaf {
            let outgoing = self.end.outgoing();
            if outgoing.is_empty() {
                return;
            }
            match self.stream.write(outgoing) {
                Ok(count) => self.end.sent(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It may have said something before it went.
                Err(_) => self.is_deaf = true,
            }
        }
    }
}
