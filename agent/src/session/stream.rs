//! Streaming to an agent, as a part of the main loop.
//!
//! The client does what it can whenever something has happened, and never waits; so neither does the tracer, whose
//! queue is always drained. What the agent asks for is done here as far as the watch can: a plan that comes before the
//! watch begins decides what is trapped, a later one what of that is still looked at.

mod holdings;
mod interest;
mod wishes;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::backend::{FilterPlan, Interest};
use lapwing_common::discard::{Filters as _, InodeKey};
use lapwing_common::record::Observation;
use lapwing_common::session::{Heard, TracerEnd, read_paths, read_plan, read_reserve};
use lapwing_proto::tracer::v1 as proto;
use lapwing_ptrace::FilterTable;
use lapwing_ptrace::client::{Client, IdentityError, Notice, identity};
use mio::{Events, Poll};

use super::signals::{Meaning, Signals};
use super::source::Source;
use super::{AGENT, SessionError, system};
use crate::config::{Start, StreamConfig};
use crate::console::Console;
use crate::holdings::Wake;
use crate::policy::Host;
use holdings::Answers;
use interest::AgentInterest;
use wishes::counted;

/// How long is waited at the end for an agent that is there to acknowledge everything, and for one that is not there
/// to come.
const FAREWELL: Duration = Duration::from_secs(5);
const ABSENT: Duration = Duration::from_secs(1);
/// How often it is looked at what has been counted.
const COUNTING: Duration = Duration::from_secs(1);

/// A stream to an agent.
#[derive(Debug)]
pub(super) struct Stream {
    client: Client,
    console: Console,
    /// What the watch was begun for; until then, what the user asked for.
    plan: FilterPlan,
    io_uring_is_settled: bool,
    /// What is told of what to leave out, once the watch has begun.
    filters: Option<Arc<FilterTable>>,
    /// What paths it is interested in.
    interest: Arc<AgentInterest>,
    /// The plan to be applied as the watch begins.
    asked: Option<proto::Plan>,
    /// What is to be left out, likewise.
    steps: Vec<proto::Step>,
    /// It was said that nobody is there.
    is_apart: bool,
    /// Where the paths lead that the agent tells; `None` before Linux 5.12.
    places: Option<Host>,
    /// Where there are discarders.
    paths: HashMap<InodeKey, Box<[u8]>>,
    /// When it is looked at next what has been counted.
    count_at: Instant,
    /// What the agent is told of what processes hold.
    answers: Answers,
}

/// How waiting for an agent ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waited {
    Answered,
    TooLong,
    /// By a signal that ends programs.
    Ended(i32),
}

impl Stream {
    pub(super) fn new(
        config: &StreamConfig,
        starts_command: bool,
        plan: FilterPlan,
        wake: Wake,
        console: Console,
    ) -> Result<Self, IdentityError> {
        let mut identity = identity(env!("CARGO_PKG_VERSION"), starts_command)?;
        identity.workload = config.workload.as_ref().map(ToString::to_string).unwrap_or_default();
        let seed = identity.session.first_chunk().map_or(1, |bytes| u64::from_le_bytes(*bytes));
        let answers = Answers::new(identity.namespace, wake);
        let client = Client::new(&config.directory, AGENT, TracerEnd::new(identity, config.queue), seed);
        let io_uring_is_settled = config.io_uring_is_settled;
        Ok(Self {
            client,
            console,
            plan,
            io_uring_is_settled,
            filters: None,
            interest: Arc::default(),
            asked: None,
            steps: Vec::new(),
            is_apart: false,
            places: Host::new(),
            paths: HashMap::new(),
            count_at: Instant::now(),
            answers,
        })
    }

    /// Waits for an agent if that is asked for. Returns the plan to begin with.
    pub(super) fn begin(
        &mut self,
        start: Start,
        poll: &mut Poll,
        signals: &mut Signals,
    ) -> Result<FilterPlan, SessionError> {
        if let Start::Sync { limit, or_fail } = start {
            match self.wait(limit, poll, signals)? {
                Waited::Answered => {}
                Waited::Ended(signal) => return Err(SessionError::Ended { signal }),
                Waited::TooLong if or_fail => {
                    return Err(SessionError::NoAgent { socket: self.client.path().to_owned(), limit });
                }
                Waited::TooLong => self.console.warn(format_args!(
                    "no agent has answered at {} for {limit:?}: beginning without",
                    self.client.path().display()
                )),
            }
        }
        if let Some(asked) = &self.asked {
            self.interest.replace(read_paths(asked));
            let (mut plan, _) = read_plan(asked, &self.plan);
            // What a later plan may want has to stop from the beginning: a filter cannot be extended.
            plan.events = plan.events.union(read_reserve(asked)).and(self.plan.events);
            if self.io_uring_is_settled {
                plan.io_uring = self.plan.io_uring;
            }
            // What that costs is for whoever starts the command to say.
            plan.syscalls |= self.plan.syscalls;
            self.plan = plan;
        }
        Ok(self.plan)
    }

    fn wait(&mut self, limit: Duration, poll: &mut Poll, signals: &mut Signals) -> Result<Waited, SessionError> {
        let until = Instant::now() + limit;
        let mut events = Events::with_capacity(4);
        loop {
            self.go_on(poll);
            if self.client.is_welcome() {
                return Ok(Waited::Answered);
            }
            while let Some(received) = signals.next() {
                if received.meaning() == Meaning::End {
                    return Ok(Waited::Ended(received.signal));
                }
            }
            let now = Instant::now();
            if until <= now {
                return Ok(Waited::TooLong);
            }
            let due = self.client.due().map_or(until, |due| due.min(until));
            match poll.poll(&mut events, Some(due.saturating_duration_since(now))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(system("wait for an agent")(error));
                }
                _ => {}
            }
        }
    }

    /// What the backend may ask before it lets calls pass.
    pub(super) fn interest(&self) -> Arc<dyn Interest> {
        Arc::<AgentInterest>::clone(&self.interest)
    }

    /// The watch has begun.
    pub(super) fn begun(&mut self, source: &Source) {
        self.filters = source.filters();
        if let Some(plan) = self.asked.take() {
            self.apply(&plan);
        }
        let steps = std::mem::take(&mut self.steps);
        self.leave_out(steps);
    }

    pub(super) fn observe(&mut self, observation: &Observation) {
        self.client.observe(observation);
    }

    /// When there is something to do without anything happening.
    pub(super) fn due(&self) -> Option<Instant> {
        // What is left out wakes nobody.
        let counts = self.client.is_welcome() && self.filters.as_ref().is_some_and(|filters| filters.any());
        self.client.due().into_iter().chain(counts.then_some(self.count_at)).min()
    }

    /// Has the agent told what has been counted, now and then.
    pub(super) fn count(&mut self, source: &Source) {
        let now = Instant::now();
        if let Some(filters) = self.filters.as_ref().filter(|_| self.count_at <= now) {
            self.count_at = now + COUNTING;
            self.client.count(source.counters().into_iter().chain(counted(filters)).collect());
        }
    }

    /// Does what can be done.
    pub(super) fn go_on(&mut self, poll: &Poll) {
        loop {
            let notices = self.client.go_on(poll.registry());
            let is_quiet = notices.is_empty();
            notices.into_iter().for_each(|notice| self.note(notice));
            if !self.answers.go_on(&mut self.client) && is_quiet {
                return;
            }
        }
    }

    fn note(&mut self, notice: Notice) {
        match notice {
            Notice::Apart(parting) if self.is_apart => self.console.debug(format_args!("{parting}")),
            Notice::Apart(parting) => {
                self.is_apart = true;
                self.console.info(format_args!("{parting}; trying again, and keeping what is observed meanwhile"));
            }
            Notice::Heard(Heard::Refused { reason, text }) => {
                self.is_apart = true;
                let name = reason.as_str_name().trim_start_matches("REFUSAL_REASON_").to_ascii_lowercase();
                self.console.warn(format_args!("the agent refuses this tracer ({name}): {}", printable(&text)));
            }
            Notice::Heard(Heard::Welcome { plan, resumed }) => {
                self.is_apart = false;
                let same = if resumed { ", the one that was there before" } else { "" };
                self.console.info(format_args!("streaming to the agent at {}{same}", self.client.path().display()));
                // It may be another agent, with other rules: what the last one said does not hold any more.
                self.steps.clear();
                self.paths.clear();
                self.answers.forget();
                if let Some(filters) = &self.filters
                    && let Err(error) = filters.flush()
                {
                    self.console.debug(format_args!("what was left out stays so: {error}"));
                }
                match plan {
                    Some(plan) => self.plan_asked(plan),
                    None => self.unplan(),
                }
            }
            Notice::Heard(Heard::Plan(plan)) => self.plan_asked(plan),
            Notice::Heard(Heard::Filtering(filtering)) => match self.filters {
                Some(_) => self.leave_out(filtering.steps),
                None => self.steps.extend(filtering.steps),
            },
            Notice::Heard(Heard::HoldingsWanted { id, pids }) => self.answers.asked(id, pids),
            Notice::Heard(Heard::DiscardersWanted { id }) => {
                let left = self.left();
                self.client.list(id, &left);
            }
        }
    }

    /// Tells the agent all that it has not heard yet, for a while, and says Goodbye.
    pub(super) fn part(&mut self, source: &Source, poll: &mut Poll, signals: &mut Signals) {
        let filters = self.filters.as_deref().map(counted).unwrap_or_default();
        self.client.count(source.counters().into_iter().chain(filters).collect());
        // That was the last time.
        self.count_at = Instant::now() + FAREWELL + ABSENT;
        let begun = Instant::now();
        self.until(poll, signals, |client| {
            let patience = if client.is_welcome() { FAREWELL } else { ABSENT };
            (!client.is_settled()).then_some(begun + patience)
        });
        self.client.say_goodbye();
        let last = Instant::now() + ABSENT;
        self.until(poll, signals, |client| (!client.has_said_all()).then_some(last));
        self.client.close();
        let account = self.client.account();
        self.console.debug(format_args!(
            "observations: {} made, {} acknowledged, {} lost, {} not sent",
            account.generated,
            account.confirmed,
            account.lost(),
            account.waiting
        ));
        if account.lost() + account.waiting > 0 {
            self.console.warn(format_args!(
                "lost: of {} observations {} were given up for want of room, and {} have not reached an agent",
                account.generated,
                account.lost(),
                account.waiting
            ));
        }
    }

    /// Goes on as long as there is a reason to wait until then.
    fn until(&mut self, poll: &mut Poll, signals: &mut Signals, reason: impl Fn(&Client) -> Option<Instant>) {
        let mut events = Events::with_capacity(4);
        loop {
            self.go_on(poll);
            let now = Instant::now();
            let Some(limit) = reason(&self.client).filter(|limit| *limit > now) else { return };
            let due = self.client.due().map_or(limit, |due| due.min(limit));
            // An error is one of a poll that worked all the time; then nothing more is said.
            match poll.poll(&mut events, Some(due.saturating_duration_since(now))) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return,
                _ => {}
            }
            while let Some(received) = signals.next() {
                if received.meaning() == Meaning::End {
                    return;
                }
            }
        }
    }
}

/// What a peer sent, fit for a terminal.
fn printable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}
