//! The agent's rules: reading them beside the loop, putting them to work in it, and what backends capture for them.
//!
//! What changes is changed in an order under which no event is missed that the old and the new rules are about: what
//! was observed so far is judged by the old rules; then the backend captures for the new ones; then these are put to
//! work, and tracers told.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use lapwing_common::backend::{ArgumentsWanted, FilterPlan};
use lapwing_common::discard::{FilePolicy, Mode};
use lapwing_common::engine::EventSet;
use lapwing_common::event::{Event, EventType, Origin};
use lapwing_common::ids::Timestamp;
use lapwing_common::profile::Standing;
use lapwing_common::record::Observation;
use lapwing_common::rules::WantedPaths;
use lapwing_common::rules::policy::Rule;
use lapwing_common::session::{add_paths, add_policies, plan_message};
use lapwing_proto::control::v1::{Fault, Reloaded, response};
use lapwing_proto::tracer::v1 as tracer;
use mio::Waker;

use super::Agent;
use super::profiles::{Told, departure};
use super::recordings::Recordings;
use crate::activity::Recorder;
use crate::config::AgentConfig;
use crate::pipeline::{Consumer, Made};
use crate::policy::{Edition, Finder, PolicyError, Replay, Rulebook};
use crate::resolve::hashes::HostHashes;
use crate::server::Asked;

/// How often variables are looked at that have been unset by time.
const PURGING: Duration = Duration::from_secs(300);

/// What is captured, and of some types how much.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Demand {
    pub(super) events: EventSet,
    pub(super) policies: Vec<(EventType, FilePolicy)>,
    /// Which system calls programs make.
    pub(super) syscalls: bool,
    /// Files that turn out to be of no use for rules may be discarded.
    pub(super) discarders: bool,
    /// The types for which that is so: whatever else is captured is captured whole.
    pub(super) discardable: EventSet,
    /// What calls have to pass to be of interest.
    pub(super) arguments: ArgumentsWanted,
    /// The paths of which alone types are of interest. For tracers, who have no rules.
    pub(super) paths: Vec<(EventType, WantedPaths)>,
}

impl Demand {
    /// What the configuration and the rules ask of a backend.
    pub(super) fn of(config: &AgentConfig, rules: &Rulebook, origin: Origin, is_recording: bool) -> Self {
        let named = config.variable.types;
        // Profiles and dumps have to know of some, whoever else wants them. Tracers are not asked for sets of calls.
        let syscalls = config.fixed.follows_calls() && origin == Origin::Kernel;
        let profiled = if config.fixed.profiles.is_some() || is_recording { Recorder::EVENTS } else { EventSet::NONE };
        if !rules.is_open() {
            // Rules that could not be read may come.
            let discarders = config.fixed.filters && config.variable.policies.is_some();
            let events = named.unwrap_or(EventSet::ALL).union(profiled);
            return Self { events, syscalls, discarders, ..Self::default() };
        }
        let named = named.unwrap_or(EventSet::NONE).union(profiled);
        let events = rules.events(origin).union(named);
        if !config.fixed.filters {
            return Self { events, syscalls, ..Self::default() };
        }
        let mut policies = rules.policies(origin);
        policies.retain(|(event, _)| !named.contains(*event));
        // Whoever wants them wants them all.
        let whole = EventType::ALL.into_iter().filter(|event| event.is_filtered() && named.contains(*event));
        let no_filter = FilePolicy { mode: Mode::NoFilter, ..FilePolicy::default() };
        policies.extend(whole.map(|event| (event, no_filter.clone())));
        Self {
            events,
            policies,
            syscalls,
            discarders: rules.may_discard(origin),
            discardable: rules.events(origin).except(named),
            arguments: rules.arguments(origin, named),
            paths: if origin == Origin::Ptrace { rules.wanted_paths(origin, named) } else { Vec::new() },
        }
    }

    pub(super) fn plan(&self) -> FilterPlan {
        let Self { events, syscalls, discarders, arguments, .. } = *self;
        FilterPlan { events, syscalls, discarders, arguments, ..FilterPlan::default() }
    }

    /// What tracers are told.
    fn message(&self, reserve: EventSet, revision: u64) -> tracer::Plan {
        let mut message = plan_message(&self.plan(), revision);
        // That is left to the tracer.
        message.io_uring = tracer::IoUring::Unspecified.into();
        let kept = EventType::ALL.into_iter().filter(|event| reserve.contains(*event));
        message.reserve = kept.map(|event| event.name().to_owned()).collect();
        add_policies(&mut message, &self.policies);
        add_paths(&mut message, self.paths.clone());
        message
    }
}

/// Events go through profiles and rules, what came of it to those who follow, and all with the rules that matched to
/// dumps.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    pub(super) rules: &'a mut Rulebook,
    pub(super) told: Told<'a>,
    pub(super) recordings: &'a mut Recordings,
    /// What finds discarders for the tracer whose events these are.
    pub(super) finder: Option<&'a mut Finder>,
}

impl Consumer for Judge<'_> {
    fn observation(&mut self, observation: &Observation) {
        self.rules.note(observation);
    }

    fn replayed(&mut self, event: &Event) {
        let Self { rules, told, .. } = self;
        rules.judge_again(event, &mut |matched| told.streams.matched(event, matched));
        told.streams.end_of_event();
    }

    fn calls(&mut self, made: &Made<'_>) {
        self.told.calls(made);
        self.recordings.calls(made);
    }

    fn event(&mut self, event: &Event) {
        let Self { rules, told: Told { guards, streams }, recordings, finder } = self;
        let (standing, departed) = guards.as_mut().map(|guards| guards.judge(event)).unwrap_or_default();
        let mut note = |rule: &Rule| Standing { is_recorded: recordings.matched(event, rule), ..standing };
        rules.judge(event, finder.as_deref_mut(), &mut note, &mut |matched| streams.matched(event, matched));
        match departed {
            Some(profile) => streams.tell(event, Some(&departure(profile, event))),
            None => streams.tell(event, None),
        }
        recordings.event(event);
    }
}

/// What comes of reading.
type Read = Result<Edition, PolicyError>;

/// Who waits for rules to be read, and what came of the last reading.
#[derive(Debug)]
pub(super) struct Reading {
    is_under_way: bool,
    /// Somebody has asked after the reading began, so that it may have missed what they want read.
    is_due_again: bool,
    waiting: Vec<Waiting>,
    late: Vec<Waiting>,
    done: (Sender<Read>, Receiver<Read>),
    waker: Arc<Waker>,
    /// Why the rules could not be read.
    pub(super) error: String,
    revision: u64,
    /// Programs are hashed, which some rule has asked for once, or the configuration.
    hashes: bool,
    /// Dumps are being made.
    is_recording: bool,
    purge_at: Instant,
}

#[derive(Debug)]
struct Waiting {
    /// `None` is the service manager.
    asked: Option<Asked>,
    deferred: Vec<String>,
}

impl Reading {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            is_under_way: false,
            is_due_again: false,
            waiting: Vec::new(),
            late: Vec::new(),
            done: channel(),
            waker,
            error: String::new(),
            revision: 0,
            hashes: false,
            is_recording: false,
            purge_at: Instant::now() + PURGING,
        }
    }

    fn begin(&mut self, path: PathBuf, origins: Vec<Origin>) {
        let (done, waker) = (self.done.0.clone(), Arc::clone(&self.waker));
        let read = move || {
            // Nobody listens any more when the agent ends.
            if done.send(Edition::load(&path, &origins)).is_ok() {
                drop(waker.wake());
            }
        };
        self.is_under_way = true;
        if let Err(error) = thread::Builder::new().name("lapwing-rules".into()).spawn(read) {
            drop(self.done.0.send(Err(PolicyError::Thread(error))));
            drop(self.waker.wake());
        }
    }
}

impl Agent {
    /// The backends for which rules are compiled. What observes is known after `setup`.
    fn origins(&self) -> Vec<Origin> {
        let own = self.capture.as_ref().is_some_and(|capture| capture.name == "kernel");
        [own.then_some(Origin::Kernel), Some(Origin::Ptrace)].into_iter().flatten().collect()
    }

    pub(super) fn demand(&self, origin: Origin) -> Demand {
        Demand::of(&self.config, &self.rules, origin, self.recordings.count().0 > 0)
    }

    /// Reads the rules to begin with. What is wrong with some is said. Without any the agent begins nevertheless, and
    /// everything is captured: what tracers stop for now cannot be extended when there are rules.
    pub(super) fn first_rules(&mut self, observes: bool) {
        let Some(path) = &self.config.variable.policies else { return };
        let origins: &[Origin] = if observes { &[Origin::Kernel, Origin::Ptrace] } else { &[Origin::Ptrace] };
        match Edition::load(path, origins) {
            Ok(edition) => {
                self.complain_of(&edition);
                self.rules.replace(Some(edition), Timestamp::now());
            }
            Err(error) => {
                self.console.warn(format_args!("beginning without rules: {error}"));
                self.reading.error = error.to_string();
            }
        }
    }

    fn complain_of(&self, edition: &Edition) {
        if !edition.rendered.is_empty() {
            self.console.warn(format_args!("some rules are not what they seem:\n{}", edition.rendered));
        }
    }

    /// Has the rules read, and whoever asked answered when they work.
    pub(super) fn read_rules(&mut self, asked: Option<Asked>, deferred: Vec<String>) {
        let waiting = Waiting { asked, deferred };
        let Some(path) = self.config.variable.policies.clone() else {
            if self.rules.is_open() {
                self.adopt(None);
            }
            self.reading.error.clear();
            return self.tell(waiting, None);
        };
        if self.reading.is_under_way {
            self.reading.is_due_again = true;
            self.reading.late.push(waiting);
        } else {
            self.reading.waiting.push(waiting);
            let origins = self.origins();
            self.reading.begin(path, origins);
        }
    }

    /// Puts rules to work that have been read.
    pub(super) fn on_rules(&mut self) {
        while let Ok(read) = self.reading.done.1.try_recv() {
            self.reading.is_under_way = false;
            let error = match read {
                Ok(edition) => {
                    self.complain_of(&edition);
                    self.adopt(Some(edition));
                    None
                }
                Err(error) => Some(error.to_string()),
            };
            if let Some(error) = &error {
                self.console.warn(format_args!("the rules stay as they were: {error}"));
            }
            self.reading.error = error.clone().unwrap_or_default();
            for waiting in std::mem::take(&mut self.reading.waiting) {
                self.tell(waiting, error.as_deref());
            }
            if std::mem::take(&mut self.reading.is_due_again)
                && let Some(path) = self.config.variable.policies.clone()
            {
                self.reading.waiting = std::mem::take(&mut self.reading.late);
                let origins = self.origins();
                self.reading.begin(path, origins);
            }
        }
    }

    fn tell(&mut self, waiting: Waiting, error: Option<&str>) {
        let Some(asked) = waiting.asked else { return self.manager.ready("the configuration was read again") };
        let Some(control) = &mut self.control else { return };
        match error {
            None => {
                let rules = self.rules.report(None, "");
                let reloaded = Reloaded { deferred: waiting.deferred, rules };
                control.answer(asked, response::What::Reloaded(reloaded));
            }
            Some(error) => control.fail(asked, Fault::Failed, format!("the rules stay as they were: {error}")),
        }
    }

    fn adopt(&mut self, edition: Option<Edition>) {
        // By the old rules.
        self.drain(Instant::now());
        self.rules.replace(edition, Timestamp::now());
        // Whatever is concluded from now on follows from the new rules.
        if let Err(error) = self.rules.flush_discarders() {
            self.console.warn(format_args!("what the old rules did not want may not be captured: {error}"));
        }
        if let Some(tracers) = &mut self.tracers {
            tracers.flush_discarders();
        }
        self.capture_what_is_wanted();
        self.show_processes(Replay::Fresh);
    }

    /// Captures what dumps are about as long as there are any.
    pub(super) fn follow_recordings(&mut self) {
        let is_recording = self.recordings.count().0 > 0;
        if std::mem::replace(&mut self.reading.is_recording, is_recording) != is_recording {
            self.capture_what_is_wanted();
        }
    }

    /// Brings backends and engine in line with what is wanted.
    pub(super) fn capture_what_is_wanted(&mut self) {
        let demand = self.demand(Origin::Kernel);
        let traced = self.demand(Origin::Ptrace);
        if let Some(capture) = &mut self.capture
            && let Err(error) = capture.adapt(&demand)
        {
            self.console.warn(format_args!("not everything that is wanted is captured: {error}"));
        }
        let asks = self.config.fixed.hash.programs || self.rules.asks_for_hashes();
        if asks && !std::mem::replace(&mut self.reading.hashes, true) {
            self.pipeline.hash_with(HostHashes::new(&self.config.fixed.hash));
        }
        self.pipeline.want(demand.events.union(traced.events));
        self.reading.revision += 1;
        let plan = traced.message(self.config.variable.tracers.reserve, self.reading.revision);
        // Whoever has no wishes gets everything, as without a plan.
        let is_plain = traced == Demand { events: EventSet::ALL, ..Demand::default() };
        self.rules.set_discardable(Origin::Kernel, demand.discardable);
        self.rules.set_discardable(Origin::Ptrace, traced.discardable);
        if let Some(tracers) = &mut self.tracers {
            tracers.set_plan(plan, is_plain);
        }
    }

    /// Tries rules on the processes that the agent's own backend observes already.
    pub(super) fn show_processes(&mut self, which: Replay) {
        if !self.rules.is_open() {
            return;
        }
        let own = self.tracers.as_ref().and_then(|tracers| tracers.own_namespace());
        let observes = self.capture.as_ref().is_some_and(|capture| capture.descriptor().is_some());
        let traced = self.tracers.as_ref().map(|tracers| tracers.namespaces()).unwrap_or_default();
        self.rules.replay(which);
        let told = Told { guards: self.guards.as_mut(), streams: &mut self.streams };
        let mut judge = Judge { rules: &mut self.rules, told, recordings: &mut self.recordings, finder: None };
        let origin = |process: lapwing_common::ids::ProcessKey| match process.namespace {
            namespace if observes && own == Some(namespace) => Some(Origin::Kernel),
            namespace => traced.contains(&namespace).then_some(Origin::Ptrace),
        };
        self.pipeline.replay(origin, &mut judge);
    }

    pub(super) fn purge_at(&self) -> Option<Instant> {
        self.rules.is_open().then_some(self.reading.purge_at)
    }

    pub(super) fn purge_variables(&mut self, now: Instant) {
        if self.purge_at().is_some_and(|at| at <= now) {
            self.reading.purge_at = now + PURGING;
            self.rules.purge(Timestamp::now());
        }
    }
}
