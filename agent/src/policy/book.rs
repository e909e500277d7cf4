//! The agent's rules at work: one set for each backend, what they remember, how often they are told of, and the change
//! from one edition to the next.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use lapwing_common::backend::ArgumentsWanted;
use lapwing_common::discard::{FilePolicy, Mode};
use lapwing_common::engine::EventSet;
use lapwing_common::event::{Event, EventType, Origin};
use lapwing_common::ids::{ProcessKey, Timestamp};
use lapwing_common::profile::{Standing, is_suppressed};
use lapwing_common::record::{Observation, Sighting};
use lapwing_common::rules::WantedPaths;
use lapwing_common::rules::policy::{Match, Memory, Rule, Rules, Verdicts};
use lapwing_proto::control::v1 as control;

use super::discard::{Discarding, Finder, Sink};
use super::edition::{Edition, SELF_TEST};
use super::live::own_namespace;
use super::respond::{Real, Responder};
use super::stages::{Judged, report};
use crate::config::{HashConfig, Rate};
use crate::console::Console;
use lapwing_common::limiter::TokenBucket;

/// All rules of the agent, of which there may be none.
#[derive(Debug)]
pub(crate) struct Rulebook {
    chapters: Vec<Chapter>,
    rate: Option<Rate>,
    responder: Responder<Real>,
    /// What was counted under earlier editions, by id.
    past: BTreeMap<String, Count>,
    edition: Option<Facts>,
    loads: u64,
    /// Matches that were not told since a profile knows the event, or a dump is being made of the workload.
    suppressed: u64,
    /// Which rules a replay is for.
    replayed: Replay,
    /// Of the agent's own backend.
    discarding: Option<Discarding>,
    /// What rules say of directories that tracers see.
    verdicts: Verdicts,
}

/// What is to be said of the edition at work.
#[derive(Debug)]
struct Facts {
    path: PathBuf,
    since: Timestamp,
    written: Vec<control::RuleStatus>,
    problems: Vec<control::Problem>,
}

/// The rules for one backend.
#[derive(Debug)]
struct Chapter {
    origin: Origin,
    rules: Rules,
    memory: Memory,
    gates: Vec<Gate>,
    /// Whether the edition before had no such rule.
    is_fresh: Vec<bool>,
    /// The process that has ended with the observation that is being looked at.
    ended: Option<ProcessKey>,
    /// The types that nobody but rules wants, so that they may be discarded.
    discardable: EventSet,
    /// Events that were evaluated.
    judged: Judged,
}

/// What becomes of a rule's matches.
#[derive(Debug)]
struct Gate {
    bucket: Option<TokenBucket>,
    told: u64,
    limited: u64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    matches: u64,
    told: u64,
    limited: u64,
}

/// Which rules processes are replayed for that run already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    /// Those that the last edition brought.
    Fresh,
    /// All, since the processes are new.
    All,
}

/// A match that is told of.
#[derive(Debug)]
pub(crate) struct Told<'a> {
    pub(crate) matched: &'a Match<'a>,
    /// The rule is Lapwing's own, for who asks for it by name.
    pub(crate) is_hidden: bool,
}

impl Rulebook {
    /// A book without rules.
    pub(crate) fn new(rate: Option<Rate>, hash: &HashConfig, console: Console) -> Self {
        let own_pid = i32::try_from(std::process::id()).unwrap_or(0);
        Self {
            chapters: Vec::new(),
            rate,
            responder: Responder::new(Real, own_pid, own_namespace(), console).hashing(hash),
            past: BTreeMap::new(),
            edition: None,
            loads: 0,
            suppressed: 0,
            replayed: Replay::Fresh,
            discarding: None,
            verdicts: Verdicts::default(),
        }
    }

    /// The agent's own backend leaves out what rules turn out to have no use for.
    pub(crate) fn discard_by(&mut self, sink: Sink) {
        self.discarding = Discarding::new(sink);
    }

    /// Says which types of events nobody but the rules wants.
    pub(crate) fn set_discardable(&mut self, origin: Origin, events: EventSet) {
        if let Some(chapter) = self.chapters.iter_mut().find(|chapter| chapter.origin == origin) {
            chapter.discardable = events;
        }
    }

    /// Takes back what was concluded from other rules.
    ///
    /// # Errors
    ///
    /// When the backend cannot be told, with its reason.
    pub(crate) fn flush_discarders(&mut self) -> Result<(), String> {
        self.verdicts = Verdicts::default();
        self.discarding.as_mut().map_or(Ok(()), Discarding::flush)
    }

    /// What the agent's own backend is told to leave out.
    pub(crate) fn discarding(&self) -> Option<&Discarding> {
        self.discarding.as_ref()
    }

    /// What has become of the events of the agent's own backend, by what it counted.
    pub(crate) fn stages(&self, sink: &Sink, counters: &[(&'static str, u64)]) -> control::Filters {
        let judged = self.chapter(Origin::Kernel).map(|chapter| chapter.judged.clone()).unwrap_or_default();
        let refused = self.discarding.as_ref().and_then(Discarding::refused).unwrap_or_default().to_owned();
        control::Filters { refused, ..report(Origin::Kernel, Some(sink), &judged, counters) }
    }

    /// Whether discarders may save something: whether a type of which a file can be discarded is reported whole.
    pub(crate) fn may_discard(&self, origin: Origin) -> bool {
        let approvals = self.chapter(origin).map(|chapter| chapter.rules.approvals()).unwrap_or_default();
        approvals.iter().any(|one| one.event.is_discardable() && one.policy.mode == Mode::Accept)
    }

    /// Lets matches be told of this often from now on.
    pub(crate) fn set_rate(&mut self, rate: Option<Rate>) {
        if self.rate != rate {
            self.rate = rate;
            for chapter in &mut self.chapters {
                chapter.gates.iter_mut().zip(chapter.rules.rules()).for_each(|(gate, rule)| {
                    gate.bucket = bucket(rate, rule.every);
                });
            }
        }
    }

    /// Puts other rules to work, or none. What variables hold and what was counted stays.
    pub(crate) fn replace(&mut self, edition: Option<Edition>, now: Timestamp) {
        let mut before = std::mem::take(&mut self.chapters);
        before.iter().for_each(|chapter| chapter.count_into(&mut self.past));
        self.edition = edition.as_ref().map(|edition| Facts {
            path: edition.path.clone(),
            since: now,
            written: edition.written(),
            problems: edition.problems(),
        });
        self.loads += u64::from(edition.is_some());
        for (origin, loaded) in edition.into_iter().flat_map(|edition| edition.sets) {
            let place = before.iter().position(|chapter| chapter.origin == origin);
            let old = place.map(|place| before.swap_remove(place));
            self.chapters.push(Chapter::new(origin, loaded.rules, old, self.rate, now.0));
        }
    }

    /// Whether there are rules.
    pub(crate) fn is_open(&self) -> bool {
        self.edition.is_some()
    }

    /// The types of events that rules ask of a backend.
    pub(crate) fn events(&self, origin: Origin) -> EventSet {
        self.chapter(origin).map_or(EventSet::NONE, |chapter| chapter.rules.events())
    }

    /// Whether a rule asks for the hashes of a program.
    pub(crate) fn asks_for_hashes(&self) -> bool {
        self.chapters.iter().any(|chapter| chapter.rules.ask_for_hashes())
    }

    /// Of which of their events it is enough to report some.
    pub(crate) fn policies(&self, origin: Origin) -> Vec<(EventType, FilePolicy)> {
        let approvals = self.chapter(origin).map(|chapter| chapter.rules.approvals()).unwrap_or_default();
        let some = |policy: &FilePolicy| policy.mode != Mode::Accept;
        approvals.into_iter().map(|one| (one.event, one.policy)).filter(|(_, policy)| some(policy)).collect()
    }

    /// What calls have to pass so that rules about their events can match, but for those of some types.
    pub(crate) fn arguments(&self, origin: Origin, but: EventSet) -> ArgumentsWanted {
        let asked = self.chapter(origin).map(|chapter| chapter.rules.arguments()).unwrap_or_default();
        ArgumentsWanted::by(asked.into_iter().filter(|(event, _)| !but.contains(*event)))
    }

    /// The paths that rules ask for, of types of which all ask for some, and which nobody but the rules wants.
    pub(crate) fn wanted_paths(&self, origin: Origin, but: EventSet) -> Vec<(EventType, WantedPaths)> {
        let asked = self.chapter(origin).map(|chapter| chapter.rules.wanted_paths()).unwrap_or_default();
        asked.into_iter().filter(|(event, _)| !but.contains(*event)).collect()
    }

    fn chapter(&self, origin: Origin) -> Option<&Chapter> {
        self.chapters.iter().find(|chapter| chapter.origin == origin)
    }

    /// Takes part in an observation before it becomes an event.
    pub(crate) fn note(&mut self, observation: &Observation) {
        for chapter in &mut self.chapters {
            // Of the process that ended before this: its own last event has been evaluated by now.
            if let Some(process) = chapter.ended.take() {
                chapter.memory.release(process);
            }
            if chapter.origin == observation.origin && matches!(observation.what, Sighting::Exit { .. }) {
                let task = observation.task;
                chapter.ended = Some(ProcessKey { pid: task.pid, namespace: task.namespace });
            }
        }
    }

    /// Tries the rules on an event: takes their actions, counts, and calls back with what is to be told. `note` hears of
    /// each rule that matches, and says how the event's workload stands. What none matches may lead to discarders: of
    /// the agent's own backend, or of the tracer whose finder is given.
    pub(crate) fn judge(
        &mut self,
        event: &Event,
        mut finder: Option<&mut Finder>,
        note: &mut dyn FnMut(&Rule) -> Standing,
        tell: &mut dyn FnMut(&Told<'_>),
    ) {
        let is_indifferent = self.evaluate(event, None, note, tell);
        finder.iter_mut().for_each(|finder| finder.count(event.event_type(), is_indifferent == Some(false)));
        if is_indifferent != Some(true) {
            return;
        }
        let Self { chapters, discarding, verdicts, .. } = self;
        let Some(chapter) = chapters.iter_mut().find(|chapter| chapter.origin == event.origin) else { return };
        if !chapter.discardable.contains(event.event_type()) {
            return;
        }
        match (event.origin, discarding, finder) {
            (Origin::Kernel, Some(discarding), _) => {
                discarding.consider(&chapter.rules, event);
                discarding.consider_program(&chapter.rules, &mut chapter.memory, event);
            }
            (Origin::Ptrace, _, Some(finder)) => finder.consider(&chapter.rules, verdicts, event),
            _ => {}
        }
    }

    /// Says which rules [`Self::judge_again`] is about.
    pub(crate) fn replay(&mut self, which: Replay) {
        self.replayed = which;
    }

    /// The same with an event that shows a process as it runs already.
    pub(crate) fn judge_again(&mut self, event: &Event, tell: &mut dyn FnMut(&Told<'_>)) {
        self.evaluate(event, Some(self.replayed), &mut |_| Standing::default(), tell);
    }

    /// Returns whether none matched; nothing if there are no rules.
    fn evaluate(
        &mut self,
        event: &Event,
        replay: Option<Replay>,
        note: &mut dyn FnMut(&Rule) -> Standing,
        tell: &mut dyn FnMut(&Told<'_>),
    ) -> Option<bool> {
        let Self { chapters, responder, suppressed, .. } = self;
        let chapter = chapters.iter_mut().find(|chapter| chapter.origin == event.origin)?;
        let mut is_indifferent = true;
        let Chapter { rules, memory, gates, is_fresh, judged, .. } = chapter;
        let takes_part = |place: usize| replay != Some(Replay::Fresh) || is_fresh[place];
        rules.evaluate_some(event, memory, &takes_part, &mut |mut matched| {
            is_indifferent = false;
            let standing = note(matched.rule);
            if is_suppressed(&matched.rule.tags, event.event_type(), standing) {
                *suppressed += 1;
                return;
            }
            for effect in &matched.effects {
                matched.fields.extend(responder.respond(&matched.rule.id, event, effect));
            }
            let Some(gate) = gates.get_mut(matched.place) else { return };
            if matched.rule.silent {
                return;
            }
            if matched.told && gate.bucket.as_mut().is_none_or(|bucket| bucket.take(event.timestamp.0)) {
                gate.told += 1;
                tell(&Told { is_hidden: matched.rule.policy == SELF_TEST, matched: &matched });
            } else {
                gate.limited += 1;
            }
        });
        if replay.is_none() {
            judged.count(event.event_type(), !is_indifferent);
        }
        Some(is_indifferent)
    }

    /// Forgets what variables held for so long.
    pub(crate) fn purge(&mut self, now: Timestamp) {
        self.chapters.iter_mut().for_each(|chapter| chapter.memory.purge(now));
    }

    /// Owners of variables that gave way to others.
    pub(crate) fn evicted(&self) -> u64 {
        self.chapters.iter().map(|chapter| chapter.memory.evicted()).sum()
    }

    /// Matches that were not told, those of rules that are gone included.
    pub(crate) fn limited(&self) -> u64 {
        let now = self.chapters.iter().flat_map(|chapter| &chapter.gates).map(|gate| gate.limited);
        now.sum::<u64>() + self.past.values().map(|count| count.limited).sum::<u64>()
    }

    /// What backends may leave out for the sake of the rules.
    pub(crate) fn filters(&self) -> control::FilterReport {
        let each = self.chapters.iter().map(|chapter| control::BackendFilters {
            backend: chapter.origin.name().to_owned(),
            report: serde_json::Value::Object(super::filters::report(&chapter.rules)).to_string(),
        });
        control::FilterReport { backends: each.collect() }
    }

    /// Matches that were not told because what they are about is normal.
    pub(crate) fn suppressed(&self) -> u64 {
        self.suppressed
    }

    /// What there is to say about the rules, which may be that they could not be read from this path; nothing without
    /// any.
    pub(crate) fn report(&self, path: Option<&Path>, error: &str) -> Option<control::Rules> {
        let Some(facts) = self.edition.as_ref() else {
            let path = path?.to_string_lossy().into_owned();
            return Some(control::Rules { path, error: error.to_owned(), ..control::Rules::default() });
        };
        let mut counts = self.past.clone();
        self.chapters.iter().for_each(|chapter| chapter.count_into(&mut counts));
        let mut working: Vec<control::RuleCount> = Vec::new();
        let all = self.chapters.iter().flat_map(|chapter| chapter.rules.rules());
        for rule in all.filter(|rule| rule.policy != SELF_TEST) {
            if working.iter().any(|known| known.id == rule.id) {
                continue;
            }
            let Count { matches, told, limited } = counts.get(&rule.id).copied().unwrap_or_default();
            let (id, policy, r#type) = (rule.id.clone(), rule.policy.clone(), rule.event.clone());
            working.push(control::RuleCount { id, policy, r#type, matches, told, limited });
        }
        let first = self.chapters.first().map(|chapter| self.policies(chapter.origin)).unwrap_or_default();
        Some(control::Rules {
            path: facts.path.to_string_lossy().into_owned(),
            since: facts.since.0,
            loads: self.loads,
            error: error.to_owned(),
            written: facts.written.clone(),
            problems: facts.problems.clone(),
            working,
            approved: first.into_iter().map(|(event, _)| event.name().to_owned()).collect(),
        })
    }
}

impl Chapter {
    fn new(origin: Origin, rules: Rules, old: Option<Self>, rate: Option<Rate>, seed: u64) -> Self {
        let known: BTreeMap<_, _> =
            old.iter().flat_map(|old| old.rules.rules()).map(|rule| (rule.id.clone(), rule.meaning)).collect();
        let is_fresh = rules.rules().iter().map(|rule| known.get(&rule.id) != Some(&rule.meaning)).collect();
        let gate = |every| Gate { bucket: bucket(rate, every), told: 0, limited: 0 };
        let gates = rules.rules().iter().map(|rule| gate(rule.every)).collect();
        let (memory, ended, judged) = match old {
            Some(old) => (rules.succeed(seed, &old.rules, old.memory), old.ended, old.judged),
            None => (rules.memory(seed), None, Judged::default()),
        };
        Self { origin, rules, memory, gates, is_fresh, ended, discardable: EventSet::NONE, judged }
    }

    fn count_into(&self, counts: &mut BTreeMap<String, Count>) {
        for ((rule, gate), matches) in self.rules.rules().iter().zip(&self.gates).zip(self.memory.matches()) {
            let count = counts.entry(rule.id.clone()).or_default();
            count.matches += matches;
            count.told += gate.told;
            count.limited += gate.limited;
        }
    }
}

/// A rule that says how often it is told of is not held back besides.
fn bucket(rate: Option<Rate>, every: Option<u64>) -> Option<TokenBucket> {
    rate.filter(|_| every.is_none()).map(|rate| TokenBucket::new(rate.per_second, rate.burst))
}
