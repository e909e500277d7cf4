//! The tracer socket: tracers in this container or another connect, and stream what they observe.
//!
//! What is said when is `lapwing_common::session`'s; here are the socket, who may connect, patience, and what becomes
//! of a tracer's processes when it goes. A tracer is read a turn at a time, and what it sends faster stays in its
//! socket, and then with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read as _, Write as _};
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::discard::counters;
use lapwing_common::event::Origin;
use lapwing_common::ids::{Pid, PidNs, Timestamp};
use lapwing_common::record::{Cgroup, Observation};
use lapwing_common::session::{AgentEnd, Greeting, Resumable, Said, Terms, conclusion_message};
use lapwing_proto::control::v1 as control;
use lapwing_proto::tracer::v1::{Discarders, Filtering, Plan, RefusalReason};
use mio::event::Event;
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};

use super::claims::Facts;
use super::enquiries::{Enquiries, Reply, Who};
use super::tally::Tally;
use super::{Asked, Peer};
use crate::config::TracerLimits;
use crate::console::Console;
use crate::policy::Finder;

/// Connections that are taken before something else has its turn.
const ACCEPTED: usize = 32;
/// Observations that are taken from one tracer before another's turn.
const TURN: usize = 1000;
/// What is said of a tracer that takes no discarders. Why, it says itself.
const REFUSES: &str = "it began without discarders, or something that it traces can change files unseen";
/// Conclusions that are told in one message: with the longest paths it is within its limit.
const CONCLUSIONS: usize = 12;
/// Parts of what a tracer leaves out that it may tell in a turn.
const MOST_PARTS: usize = 64;
/// What is read at a time.
const CHUNK: usize = 64 << 10;
/// How long a tracer may owe its greeting or the rest of a message.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes of observations that a tracer may have under way.
const WINDOW: u64 = 1 << 20;
/// Sessions whose end is remembered, for when they come back.
const REMEMBERED: NonZeroUsize = NonZeroUsize::new(1024).unwrap();
/// When to try again to take a connection that could not be.
const AGAIN: Duration = Duration::from_millis(100);

/// What tracers yield.
pub(crate) trait Sink {
    /// Something was observed. From what nobody wants to know, `finder` may learn.
    fn observation(&mut self, observation: Observation, finder: &mut Finder);

    /// These processes ran before this agent heard of them.
    fn introduced(&mut self, namespace: PidNs, processes: &mut dyn Iterator<Item = Pid>);

    /// Nothing is known of these processes any more.
    fn forget(&mut self, namespace: PidNs, processes: &mut dyn Iterator<Item = Pid>);

    /// A tracer is welcome, and tells of its namespace from now on.
    fn enter(&mut self, greeting: &Greeting);

    /// No tracer tells of this namespace any more.
    fn leave(&mut self, namespace: PidNs);
}

/// The socket with all that are connected to it.
#[derive(Debug)]
pub(crate) struct TracerServer {
    listener: UnixListener,
    accept_at: Option<Instant>,
    tracers: BTreeMap<Token, Tracer>,
    next: usize,
    limits: TracerLimits,
    own_uid: u32,
    own_namespace: Option<PidNs>,
    resumable: Resumable,
    totals: Totals,
    refusals: Tally<RefusalReason>,
    /// What tracers are to capture; their own choice if there is none.
    plan: Option<Plan>,
    unmet: u64,
    enquiries: Enquiries,
    console: Console,
}

/// What has come from tracers that are gone.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) observations: u64,
    pub(crate) lost: u64,
    pub(crate) unintelligible: u64,
    pub(crate) container_claims: u64,
    /// Tracers that were welcome.
    pub(crate) accepted: u64,
}

/// What a tracer is asked.
#[derive(Clone, Copy, Debug)]
struct Asks<'a> {
    /// The agent's own pid namespace.
    own: Option<PidNs>,
    plan: Option<&'a Plan>,
}

#[derive(Debug)]
struct Tracer {
    stream: UnixStream,
    peer: Peer,
    end: AgentEnd,
    /// What was read and not yet understood.
    input: Vec<u8>,
    /// There may be more to read than was.
    is_behind: bool,
    /// Nothing more comes.
    is_closed: bool,
    /// It does not take any more what it is told.
    is_deaf: bool,
    /// Since when it has owed something.
    owing: Option<Instant>,
    since: Timestamp,
    /// Once it was welcome.
    greeting: Option<(Box<Greeting>, Arc<Cgroup>)>,
    /// By its last account.
    lost: u64,
    /// This agent knew its session.
    is_known: bool,
    /// Types of events that it cannot report although they are wanted.
    missing: Vec<String>,
    /// That has just been heard.
    falls_short: bool,
    /// What finds discarders in its events.
    finder: Finder,
    /// What it counts itself, by its last account.
    counters: Vec<(String, u64)>,
    /// What it has just told of what it leaves out.
    parts: Vec<Discarders>,
}

impl TracerServer {
    /// Serves at a socket; `first` and all above it up to the next server's are tokens for connections.
    pub(crate) fn new(listener: UnixListener, first: usize, limits: TracerLimits, console: Console) -> Self {
        Self {
            listener,
            accept_at: Some(Instant::now()),
            tracers: BTreeMap::new(),
            next: first,
            limits,
            own_uid: rustix::process::geteuid().as_raw(),
            own_namespace: std::fs::metadata("/proc/self/ns/pid").ok().map(|found| PidNs(found.ino())),
            resumable: Resumable::new(REMEMBERED),
            totals: Totals::default(),
            refusals: Tally::default(),
            plan: None,
            unmet: 0,
            enquiries: Enquiries::default(),
            console,
        }
    }

    /// Has the poll announce connections by this token.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        registry.register(&mut self.listener, token, Interest::READABLE)
    }

    /// Goes by these limits from now on. Tracers that are there stay.
    pub(crate) fn set_limits(&mut self, limits: TracerLimits) {
        self.limits = limits;
    }

    /// Has tracers capture this from now on. `is_plain` says that it is everything, which tracers do that have never
    /// been told otherwise.
    pub(crate) fn set_plan(&mut self, plan: Plan, is_plain: bool) {
        let (of_before, next) = (self.plan.take(), (!is_plain).then(|| plan.clone()));
        let is_same = |before: &Plan| *before == Plan { revision: before.revision, ..plan.clone() };
        if of_before.as_ref().is_some_and(is_same) || (of_before.is_none() && is_plain) {
            self.plan = of_before;
            return;
        }
        for tracer in self.tracers.values_mut() {
            tracer.end.plan(plan.clone());
            tracer.flush();
        }
        self.plan = next;
    }

    /// The rules are others: tracers take back what they discard, and nothing is concluded from what was seen before.
    pub(crate) fn flush_discarders(&mut self) {
        for tracer in self.tracers.values_mut() {
            tracer.finder.forget();
            tracer.end.flush_discarders();
            tracer.flush();
        }
    }

    /// Asks all tracers what they leave out; see [`Self::answered`].
    pub(crate) fn enquire(&mut self, asked: Asked, now: Instant) {
        let welcome = self.tracers.iter_mut().filter_map(|(token, tracer)| {
            let (greeting, cgroup) = tracer.greeting.as_ref()?;
            Some((*token, Who::new(tracer.peer.pid, greeting.namespace, cgroup), tracer))
        });
        let id = self.enquiries.next_id();
        let mut waiting = BTreeMap::new();
        for (token, who, tracer) in welcome {
            tracer.end.ask_for_discarders(id);
            tracer.flush();
            waiting.insert(token, who);
        }
        self.enquiries.begin(asked, waiting, now);
    }

    /// An enquiry that is over: whose it was, and what came of it.
    pub(crate) fn answered(&mut self, now: Instant) -> Option<(Asked, Vec<Reply>)> {
        self.enquiries.finished(now)
    }

    /// The poll announced connections.
    pub(crate) fn on_listener(&mut self, now: Instant) {
        self.accept_at = Some(now);
    }

    /// The poll announced something of a connection; `false` if it is none of a tracer's.
    pub(crate) fn on_tracer(&mut self, event: &Event) -> bool {
        let Some(tracer) = self.tracers.get_mut(&event.token()) else { return false };
        tracer.is_behind |= event.is_readable() || event.is_read_closed() || event.is_error();
        if event.is_writable() {
            tracer.flush();
        }
        true
    }

    /// When there is something to do although the poll announces nothing.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        if self.tracers.values().any(Tracer::has_more) {
            return Some(now);
        }
        let patience = self.tracers.values().filter_map(|tracer| tracer.owing).map(|since| since + PATIENCE);
        patience.chain(self.accept_at).chain(self.enquiries.due(now)).min()
    }

    /// Takes connections, and of each tracer what it has to say.
    pub(crate) fn turn(&mut self, registry: &Registry, now: (Instant, Timestamp), sink: &mut dyn Sink) {
        if self.accept_at.is_some_and(|at| at <= now.0) {
            self.accept(registry, now);
        }
        let mut gone = Vec::new();
        for (token, tracer) in &mut self.tracers {
            let asks = Asks { own: self.own_namespace, plan: self.plan.as_ref() };
            let said = tracer.listen(asks, &mut self.resumable, now.0, sink);
            tracer.tell_conclusions();
            for part in std::mem::take(&mut tracer.parts) {
                self.enquiries.hear(*token, part);
            }
            if std::mem::take(&mut tracer.falls_short) {
                self.unmet += 1;
                self.console.warn(format_args!(
                    "tracer {} in pid namespace {} cannot report {}: what its command stops for was settled when that began",
                    tracer.peer.pid,
                    tracer.greeting.as_ref().map_or(0, |(greeting, _)| greeting.namespace.0),
                    tracer.missing.join(", ")
                ));
            }
            if let Err((reason, text)) = said {
                tracer.end.refuse(reason, &text);
                self.refusals.count(reason);
            }
            tracer.flush();
            if tracer.is_closed || tracer.end.is_over() {
                gone.push(*token);
            }
        }
        for token in gone {
            if let Some(tracer) = self.tracers.remove(&token) {
                self.enquiries.part(token);
                self.part_with(&tracer, sink);
            }
        }
    }

    fn part_with(&mut self, tracer: &Tracer, sink: &mut dyn Sink) {
        self.resumable.remember(&tracer.end);
        if let Some((greeting, _)) = &tracer.greeting {
            sink.forget(greeting.namespace, &mut tracer.end.processes());
            let left = self.tracers.values().filter_map(|tracer| tracer.greeting.as_ref());
            if !left.into_iter().any(|(other, _)| other.namespace == greeting.namespace) {
                sink.leave(greeting.namespace);
            }
            self.totals.accepted += 1;
        }
        self.totals.observations += tracer.end.observations();
        self.totals.lost += tracer.lost;
        self.totals.unintelligible += tracer.end.unintelligible();
        self.totals.container_claims += tracer.end.container_claims();
    }

    fn accept(&mut self, registry: &Registry, (now, since): (Instant, Timestamp)) {
        self.accept_at = Some(now);
        for _ in 0..ACCEPTED {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let Ok(peer) = Peer::of(&stream) else { continue };
                    let mut tracer = Tracer {
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
                        parts: Vec::new(),
                    };
                    if let Err((reason, text)) = self.admit(peer) {
                        tracer.end.refuse(reason, &text);
                        tracer.flush();
                        self.refusals.count(reason);
                        continue;
                    }
                    let token = Token(self.next);
                    let interest = Interest::READABLE | Interest::WRITABLE;
                    if registry.register(&mut tracer.stream, token, interest).is_ok() {
                        self.next += 1;
                        self.tracers.insert(token, tracer);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.accept_at = None;
                    return;
                }
                // For want of descriptors or memory, which may come again.
                Err(_) => {
                    self.accept_at = Some(now + AGAIN);
                    return;
                }
            }
        }
    }

    fn admit(&self, peer: Peer) -> Result<(), (RefusalReason, String)> {
        if !peer.may_control(self.own_uid) && !self.limits.users.include(peer.uid) {
            let text =
                format!("user {} may not connect: `tracers.uids` in the agent's configuration says who", peer.uid);
            return Err((RefusalReason::User, text));
        }
        if self.tracers.len() >= self.limits.tracers {
            let text = format!("this agent has {} tracers, and takes no more", self.tracers.len());
            return Err((RefusalReason::Busy, text));
        }
        Ok(())
    }

    /// Tells everybody that the agent ends.
    pub(crate) fn end(&mut self) {
        for tracer in self.tracers.values_mut() {
            // What was processed is acknowledged first, so that another agent need not hear it again.
            tracer.flush();
            tracer.end.refuse(RefusalReason::Ending, "the agent ends");
            tracer.flush();
        }
        self.tracers.clear();
    }

    /// Those that are connected and welcome.
    pub(crate) fn each(&self) -> impl Iterator<Item = control::Tracer> {
        self.tracers.values().filter_map(|tracer| {
            let (greeting, cgroup) = tracer.greeting.as_ref()?;
            Some(control::Tracer {
                pid: tracer.peer.pid,
                uid: tracer.peer.uid,
                pid_namespace: greeting.namespace.0,
                container: String::from_utf8_lossy(&cgroup.container).into_owned(),
                release: greeting.release.clone(),
                since: tracer.since.0,
                observations: tracer.end.observations(),
                lost: tracer.lost,
                missing: tracer.missing.clone(),
            })
        })
    }

    /// What each of them has left out, by its last report.
    pub(crate) fn filters(&self) -> impl Iterator<Item = control::Filters> {
        self.tracers.values().filter_map(|tracer| {
            let (greeting, _) = tracer.greeting.as_ref()?;
            let of = |name: &str| {
                let counter = tracer.counters.iter().find(|(known, _)| known == name);
                counter.map_or(0, |(_, count)| *count)
            };
            Some(control::Filters {
                backend: Origin::Ptrace.name().to_owned(),
                pid: tracer.peer.pid,
                pid_namespace: greeting.namespace.0,
                rejected: of(counters::REJECTED),
                approved: of(counters::APPROVED),
                discarded: of(counters::DISCARDED),
                discarders: of(counters::DISCARDERS),
                evaluated: tracer.finder.evaluated(),
                refused: if of(counters::REFUSES) == 0 { String::new() } else { REFUSES.to_owned() },
            })
        })
    }

    /// What has come from all tracers, gone or not.
    pub(crate) fn totals(&self) -> Totals {
        self.tracers.values().fold(self.totals, |sum, tracer| Totals {
            observations: sum.observations + tracer.end.observations(),
            lost: sum.lost + tracer.lost,
            unintelligible: sum.unintelligible + tracer.end.unintelligible(),
            container_claims: sum.container_claims + tracer.end.container_claims(),
            accepted: sum.accepted + u64::from(tracer.greeting.is_some()),
        })
    }

    /// Plans that tracers could not carry out to the full.
    pub(crate) fn unmet(&self) -> u64 {
        self.unmet
    }

    /// The pid namespaces of tracers.
    pub(crate) fn namespaces(&self) -> BTreeSet<PidNs> {
        self.tracers.values().filter_map(|tracer| Some(tracer.greeting.as_ref()?.0.namespace)).collect()
    }

    /// The agent's own pid namespace.
    pub(crate) fn own_namespace(&self) -> Option<PidNs> {
        self.own_namespace
    }

    pub(crate) fn refusals(&self) -> &Tally<RefusalReason> {
        &self.refusals
    }
}

impl Tracer {
    fn has_more(&self) -> bool {
        !self.is_closed && (self.is_behind || self.end.has_more() || !self.input.is_empty())
    }

    /// Hears a turn's worth.
    fn listen(
        &mut self,
        asks: Asks<'_>,
        resumable: &mut Resumable,
        now: Instant,
        sink: &mut dyn Sink,
    ) -> Result<(), (RefusalReason, String)> {
        let mut left = TURN;
        while left > 0 && self.has_more() && !self.end.is_over() {
            if self.input.is_empty() && !self.end.has_more() {
                self.read();
            }
            let mut input = self.input.as_slice();
            let mut has_said = false;
            while left > 0 {
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
    fn tell_conclusions(&mut self) {
        for found in self.finder.take().chunks(CONCLUSIONS) {
            self.end.filter(Filtering { steps: found.iter().map(conclusion_message).collect() });
        }
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

    fn flush(&mut self) {
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
