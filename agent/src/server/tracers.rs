//! The tracer socket: tracers in this container or another connect, and stream what they observe.
//!
//! What is said when is `lapwing_common::session`'s; here are the socket, who may connect, patience, and what becomes
//! of a tracer's processes when it goes. A tracer is read a turn at a time, and what it sends faster stays in its
//! socket, and then with itself.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::num::NonZeroUsize;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, Instant};

use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::record::Observation;
use lapwing_common::session::{Greeting, Resumable};
use lapwing_proto::control::v1 as control;
use lapwing_proto::tracer::v1::{Plan, RefusalReason};
use mio::event::Event;
use mio::net::UnixListener;
use mio::{Interest, Registry, Token};

use super::enquiries::{Enquiries, Reply, Who};
use super::holdings::{News, Requests};
use super::tally::Tally;
use super::tracer::{Asks, PATIENCE, Tracer};
use super::{Asked, Peer};
use crate::config::TracerLimits;
use crate::console::Console;
use crate::policy::Finder;

/// Connections that are taken before something else has its turn.
const ACCEPTED: usize = 32;
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
    holdings: Requests,
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
            holdings: Requests::default(),
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

    /// Asks tracers what these of their processes hold, for a dump. How many were asked; each answer ends with
    /// [`News`] that says so.
    pub(crate) fn ask_what_is_held(&mut self, recording: u64, processes: &[ProcessKey], now: Instant) -> usize {
        let mut asked = 0;
        for (token, tracer) in &mut self.tracers {
            let Some((greeting, _)) = &tracer.greeting else { continue };
            let namespace = greeting.namespace;
            let is_its = |key: &&ProcessKey| key.namespace == namespace && tracer.end.tells_of(key.pid);
            let pids: Vec<Pid> = processes.iter().filter(is_its).map(|key| key.pid).collect();
            if !pids.is_empty() && tracer.end.ask_what_is_held(self.holdings.next_id(), &pids) {
                self.holdings.begin(recording, *token, namespace, &pids, now);
                tracer.flush();
                asked += 1;
            }
        }
        asked
    }

    /// What has come of that.
    pub(crate) fn held(&mut self, now: Instant) -> Vec<News> {
        self.holdings.take(now)
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
        patience.chain(self.accept_at).chain(self.enquiries.due(now)).chain(self.holdings.due()).min()
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
            for (id, pid, held, end) in std::mem::take(&mut tracer.holdings) {
                self.holdings.hear(*token, id, pid, held, end, now.0);
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
                self.holdings.part(token);
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
                    let mut tracer = Tracer::new(stream, peer, now, since);
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
        self.tracers.values().filter_map(Tracer::status)
    }

    /// What each of them has left out, by its last report.
    pub(crate) fn filters(&self) -> impl Iterator<Item = control::Filters> {
        self.tracers.values().filter_map(Tracer::filters)
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
