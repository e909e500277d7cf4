//! Rules at work on what is being watched.

use std::fmt::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use lapwing_common::backend::{ArgumentsWanted, Interest};
use lapwing_common::discard::Mode;
use lapwing_common::discard::dump::Dump;
use lapwing_common::engine::EventSet;
use lapwing_common::event::{Event, EventType, Origin};
use lapwing_common::ids::{PidNs, ProcessKey, Timestamp};
use lapwing_common::profile::{Standing, is_suppressed};
use lapwing_common::record::{Observation, Sighting};
use lapwing_common::rules::policy::{Memory, Rules, Use};
use lapwing_common::rules::{Approval, Feed};
use lapwing_proto::control::v1 as control;

use super::discard::{Discarding, Sink};
use super::interest::PathInterest;
use super::respond::{Real, Responder};
use super::stages::{Judged, report};
use super::{Policies, PolicyError};
use crate::activity::Recorder;
use crate::config::{Choice, HashConfig};
use crate::console::Console;
use crate::output::Output;

/// Rules, what they remember, and what they ask for.
#[derive(Debug)]
pub(crate) struct Live {
    origin: Origin,
    rules: Arc<Rules>,
    /// What the backend asks before it lets calls pass.
    interest: Option<Arc<PathInterest>>,
    memory: Memory,
    responder: Responder<Real>,
    told: u64,
    suppressed: u64,
    /// Events that were evaluated.
    judged: Judged,
    /// The backend's filters, if rules have been applied to them.
    sink: Option<Sink>,
    /// What nobody need hear of is left to the backend; `None` where it reports everything.
    discarding: Option<Discarding>,
    /// Processes that have ended with the observation that is being looked at.
    ended: Option<ProcessKey>,
}

impl Live {
    pub(crate) fn new(
        origin: Origin,
        rules: Arc<Rules>,
        interest: Option<Arc<PathInterest>>,
        seed: u64,
        own_pid: i32,
        console: Console,
    ) -> Self {
        let memory = rules.memory(seed);
        let responder = Responder::new(Real, own_pid, own_namespace(), console);
        Self {
            origin,
            memory,
            rules,
            interest,
            responder,
            told: 0,
            suppressed: 0,
            judged: Judged::default(),
            sink: None,
            discarding: None,
            ended: None,
        }
    }

    /// The backend leaves out what the rules have no use for, and if it keeps discarders, what they turn out to have
    /// no use for.
    pub(crate) fn filter_by(&mut self, sink: Sink, discarders: bool) {
        if discarders {
            self.discarding = Discarding::new(sink.clone());
        }
        self.sink = Some(sink);
    }

    /// What has become of the backend's events, by what it counted.
    pub(crate) fn stages(&self, counters: &[(&'static str, u64)]) -> control::Filters {
        let report = report(self.origin, self.sink.as_ref(), &self.judged, counters);
        let refused = self.discarding.as_ref().and_then(Discarding::refused).unwrap_or_default().to_owned();
        control::Filters { refused, ..report }
    }

    /// The backend's discarders now, if it keeps some.
    pub(crate) fn discarders(&self, date: Timestamp) -> Option<Result<Dump, String>> {
        self.discarding.as_ref().map(|discarding| discarding.dump(date))
    }

    /// Hashes files as it is configured.
    pub(crate) fn hashing(self, config: &HashConfig) -> Self {
        Self { responder: self.responder.hashing(config), ..self }
    }

    /// Evaluates the rules on an event, writes down what matched, and notes it for the dump. Of what its workload's
    /// profile says that it is normal, rules that allow that are not told.
    pub(crate) fn evaluate(
        &mut self,
        event: &Event,
        standing: Standing,
        output: &mut Output,
        mut recorder: Option<&mut Recorder>,
    ) {
        let Self { rules, memory, responder, told, suppressed, judged, discarding, .. } = self;
        let mut indifferent = true;
        rules.evaluate(event, memory, &mut |mut matched| {
            indifferent = false;
            if let Some(recorder) = &mut recorder {
                recorder.matched(matched.rule);
            }
            if is_suppressed(&matched.rule.tags, event.event_type(), standing) {
                *suppressed += 1;
                return;
            }
            for effect in &matched.effects {
                matched.fields.extend(responder.respond(&matched.rule.id, event, effect));
            }
            if matched.told {
                *told += 1;
                output.matched(event, &matched);
            }
        });
        judged.count(event.event_type(), !indifferent);
        if indifferent && let Some(discarding) = discarding {
            discarding.consider(rules, event);
            discarding.consider_program(rules, memory, event);
        }
    }

    /// Whether a rule asks for the hashes of a program.
    pub(crate) fn asks_for_hashes(&self) -> bool {
        self.rules.ask_for_hashes()
    }

    /// Lets go of what is remembered of processes that have ended. Comes before the events of the observation.
    pub(crate) fn observation(&mut self, observation: &Observation) {
        if let (Some(interest), Some(discarding)) = (&self.interest, &mut self.discarding) {
            for passed in interest.take() {
                let used = Use { event: passed.event, file: &passed.file, at: passed.at };
                discarding.consider_use(&self.rules, used);
            }
        }
        // Of the process that ended before this: its own last event has been evaluated by now.
        if let Some(process) = self.ended.take() {
            self.memory.release(process);
        }
        if matches!(observation.what, Sighting::Exit { .. }) {
            let task = observation.task;
            self.ended = Some(ProcessKey { pid: task.pid, namespace: task.namespace });
        }
    }

    /// How often rules matched, for the end: most often first.
    pub(crate) fn summary(&self) -> String {
        let mut counted: Vec<_> = self.rules.rules().iter().zip(self.memory.matches()).collect();
        counted.retain(|(_, count)| **count > 0);
        counted.sort_by_key(|(rule, count)| (std::cmp::Reverse(**count), rule.id.clone()));
        let all: u64 = counted.iter().map(|(_, count)| **count).sum();
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "rules      {all} matches of {} rules, {} told", self.rules.rules().len(), self.told);
        for (rule, count) in counted.iter().take(10) {
            let _ = writeln!(text, "{count:>9}  {}", rule.id);
        }
        if self.suppressed > 0 {
            let _ = writeln!(text, "{:>9}  matches not told, since the profile knows the event", self.suppressed);
        }
        if self.memory.evicted() > 0 {
            let _ = writeln!(text, "lost       variables of {} processes or containers", self.memory.evicted());
        }
        text
    }
}

/// The pid namespace that Lapwing is in; none that exists if that cannot be found out.
pub(super) fn own_namespace() -> PidNs {
    PidNs(std::fs::metadata("/proc/self/ns/pid").map_or(0, |namespace| namespace.ino()))
}

/// Whether discarders may save something: whether a type of which a file can be discarded is reported whole.
pub(crate) fn may_discard(approvals: &[(Origin, Approval)]) -> bool {
    approvals.iter().any(|(_, one)| one.event.is_discardable() && one.policy.mode == Mode::Accept)
}

/// Rules for each backend that may come to feed them.
#[derive(Debug)]
pub(crate) struct Candidates {
    loaded: Vec<Candidate>,
}

/// Rules for one backend.
#[derive(Debug)]
struct Candidate {
    origin: Origin,
    rules: Arc<Rules>,
    /// What is wrong with them.
    problems: String,
    interest: Option<Arc<PathInterest>>,
}

impl Candidates {
    /// Reads and compiles policies for the backends that a choice leaves open.
    pub(crate) fn load(path: &Path, choice: Choice) -> Result<Self, PolicyError> {
        let policies = Policies::read(path)?;
        let origins: &[Origin] = match choice {
            Choice::Kernel => &[Origin::Kernel],
            Choice::Ptrace { .. } => &[Origin::Ptrace],
            Choice::Auto => &[Origin::Kernel, Origin::Ptrace],
        };
        let load = |origin: &Origin| {
            let loaded = policies.load(Feed::Backend(*origin), None);
            let problems = policies.render(&loaded);
            Candidate { origin: *origin, rules: Arc::new(loaded.rules), problems, interest: None }
        };
        let loaded: Vec<_> = origins.iter().map(load).collect();
        if loaded.iter().all(|loaded| loaded.rules.rules().is_empty()) {
            return Err(PolicyError::NoRules(path.to_owned()));
        }
        Ok(Self { loaded })
    }

    /// What the ptrace backend may ask before it lets calls pass, if it may come to watch.
    pub(crate) fn interest(&mut self) -> Option<Arc<dyn Interest>> {
        let candidate = self.loaded.iter_mut().find(|candidate| candidate.origin == Origin::Ptrace)?;
        let interest = Arc::new(PathInterest::new(Arc::clone(&candidate.rules)));
        candidate.interest = Some(Arc::clone(&interest));
        Some(interest)
    }

    /// The types of events that any of the rules is about.
    pub(crate) fn events(&self) -> EventSet {
        let wanted = |event: &EventType| self.loaded.iter().any(|one| one.rules.events().contains(*event));
        EventType::ALL.into_iter().filter(wanted).collect()
    }

    /// What of some types has to be reported, by backend.
    pub(crate) fn approvals(&self) -> Vec<(Origin, Approval)> {
        let of = |candidate: &Candidate| {
            let origin = candidate.origin;
            candidate.rules.approvals().into_iter().map(move |approval| (origin, approval))
        };
        self.loaded.iter().flat_map(of).collect()
    }

    /// What calls have to pass so that any of the rules can match.
    pub(crate) fn arguments(&self) -> ArgumentsWanted {
        ArgumentsWanted::by(self.loaded.iter().flat_map(|loaded| loaded.rules.arguments()))
    }

    /// The rules for the backend that it came to be. What is wrong with them is said.
    pub(crate) fn choose(mut self, origin: Origin, seed: u64, own_pid: i32, console: Console) -> Live {
        let place = self.loaded.iter().position(|candidate| candidate.origin == origin).unwrap_or(0);
        let Candidate { origin, rules, problems, interest } = self.loaded.swap_remove(place);
        // They are needed until Lapwing ends, and then the kernel frees them faster than piece by piece (a millisecond
        // for 300 rules).
        std::mem::forget(Arc::clone(&rules));
        if !problems.is_empty() {
            console.warn(format_args!("some rules are not what they seem:\n{problems}"));
        }
        Live::new(origin, rules, interest, seed, own_pid, console)
    }
}
