//! Rules at work.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::action::{Action, Effect};
use super::limiter::Limiter;
use crate::backend::ArgumentTest;
use crate::engine::EventSet;
use crate::event::{Event, EventType};
use crate::ids::{ProcessKey, Timestamp};
use crate::rules::approve::Approval;
use crate::rules::catalogue::Field;
use crate::rules::eval::{Facts, Run, Sample, Scratch};
use crate::rules::explain::explain;
use crate::rules::overview::Overview;
use crate::rules::partial::Known;
use crate::rules::paths::WantedPaths;
use crate::rules::program::{Program, Template};
use crate::rules::set::{RuleSet, State};
use crate::rules::variables::{Declarations, Owner, Variables};

/// A rule as others see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// Its name.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What it is about.
    pub description: String,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Tags for products.
    pub product_tags: Vec<String>,
    /// The file it is from.
    pub policy: String,
    /// The file's version.
    pub policy_version: String,
    /// The type of events.
    pub event: String,
    /// Nobody is told of matches; actions are taken.
    pub silent: bool,
    /// Nanoseconds after a match in which others are not told.
    pub every: Option<u64>,
    /// Two rules of one id that differ in this ask for something else.
    pub meaning: u64,
}

/// Compiled rules of all policies.
#[derive(Debug)]
pub struct Rules {
    pub(super) rules: Vec<Rule>,
    pub(super) actions: Vec<Vec<Action>>,
    /// What tells matches of a rule apart, for `every`.
    pub(super) tokens: Vec<Option<Template>>,
    pub(super) set: RuleSet,
}

/// What rules remember: variables, and what has been told.
#[derive(Debug)]
pub struct Memory {
    state: State,
    limiter: Limiter,
    matches: Vec<u64>,
}

/// A rule that matched.
#[derive(Debug)]
pub struct Match<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Its place among [`Rules::rules`].
    pub place: usize,
    /// The fields by which it matched, with their values as people read them.
    pub fields: Vec<(String, String)>,
    /// What it asks to be done.
    pub effects: Vec<Effect>,
    /// Whether people are told.
    pub told: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            actions: Vec::new(),
            tokens: Vec::new(),
            set: RuleSet::new(Program::default(), Declarations::default(), Vec::new()),
        }
    }
}

impl Rules {
    /// The rules, in the order in which they are evaluated.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The types of events that rules are about. No other has to be captured for their sake.
    #[must_use]
    pub fn events(&self) -> EventSet {
        self.set.events()
    }

    /// What backends need to report of the types that rules are about, where less than all will do: see [`Approval`].
    #[must_use]
    pub fn approvals(&self) -> Vec<Approval> {
        self.set.approvals()
    }

    /// What calls have to pass so that rules can match their events, of the types that rules are about.
    #[must_use]
    pub fn arguments(&self) -> Vec<(EventType, ArgumentTest)> {
        self.set.arguments().collect()
    }

    /// The paths that rules ask for, of types of which all ask for some: nobody wants to hear of others.
    #[must_use]
    pub fn wanted_paths(&self) -> Vec<(EventType, WantedPaths)> {
        self.set.wanted_paths()
    }

    /// What backends may leave out for the sake of these rules, and which rules stand in the way.
    #[must_use]
    pub fn overview(&self) -> Overview {
        self.set.overview()
    }

    /// Whether a rule asks for the hashes of a program, which nobody computes unasked.
    #[must_use]
    pub fn ask_for_hashes(&self) -> bool {
        self.set.program.fields.iter().any(Field::is_of_hashes)
    }

    /// Whether no rule can match an event of this type about this path, whatever else is true of it.
    #[must_use]
    pub fn are_indifferent_to(&self, event: EventType, path: &[u8]) -> bool {
        self.set.is_of_no_interest(event, Known::Path(path))
    }

    /// Likewise about any path below this directory, however deep.
    #[must_use]
    pub fn are_indifferent_below(&self, event: EventType, directory: &[u8]) -> bool {
        self.set.is_of_no_interest(event, Known::Below(directory))
    }

    /// Whether no rule can match an event of the type by a process that runs the program of this event's process.
    #[must_use]
    pub fn are_indifferent_to_program(&self, about: EventType, event: &Event, memory: &mut Memory) -> bool {
        self.set.is_indifferent_to_program(about, event, &mut memory.state)
    }

    /// Memory for evaluating these rules. `seed` makes identifiers that rules generate differ.
    #[must_use]
    pub fn memory(&self, seed: u64) -> Memory {
        Memory {
            state: State::new(&self.set, seed),
            limiter: Limiter::default(),
            matches: alloc::vec![0; self.rules.len()],
        }
    }

    /// Evaluates the rules, takes what actions are theirs to take, and calls back with each match in order.
    ///
    /// Without a match nothing is allocated.
    pub fn evaluate(&self, event: &Event, memory: &mut Memory, found: &mut dyn FnMut(Match<'_>)) {
        self.evaluate_some(event, memory, &|_| true, found);
    }

    /// The same with rules of these places only; the others are as if they were not there.
    pub fn evaluate_some(
        &self,
        event: &Event,
        memory: &mut Memory,
        takes_part: &dyn Fn(usize) -> bool,
        found: &mut dyn FnMut(Match<'_>),
    ) {
        let Memory { state, limiter, matches } = memory;
        self.set.matches(event, state, &mut |place, variables, scratch| {
            if takes_part(place) {
                matches[place] += 1;
                found(self.conclude(place, event, limiter, variables, scratch));
            }
        });
    }

    /// Memory that goes on where another set of rules ends: what variables of the same name, type and scope hold, and
    /// what rules of the same id have told of. Counts begin anew.
    #[must_use]
    pub fn succeed(&self, seed: u64, before: &Rules, memory: Memory) -> Memory {
        let place = |old: usize| {
            let id = &before.rules.get(old)?.id;
            self.rules.iter().position(|rule| rule.id == *id)
        };
        let mut next = self.memory(seed);
        next.limiter = memory.limiter.moved(place);
        let Memory { state: State { variables, .. }, .. } = memory;
        next.state.variables = variables.moved(|id| self.set.declarations.same(before.set.declarations.get(id)?));
        next
    }

    /// The same for values that stand for an event of a type.
    pub fn evaluate_sample(&self, event: &str, sample: &Sample, memory: &mut Memory, found: &mut dyn FnMut(Match<'_>)) {
        let Memory { state, limiter, matches } = memory;
        self.set.matches_facts(event, sample, state, &mut |place, variables, scratch| {
            matches[place] += 1;
            found(self.conclude(place, sample, limiter, variables, scratch));
        });
    }

    fn conclude(
        &self,
        place: usize,
        facts: &dyn Facts,
        limiter: &mut Limiter,
        variables: &mut Variables,
        scratch: &mut Scratch,
    ) -> Match<'_> {
        let rule = &self.rules[place];
        let effects =
            self.actions[place].iter().filter_map(|action| action.take(&self.set, facts, variables, scratch)).collect();
        let mut run = Run::new(&self.set.program, &self.set.declarations, variables, facts, scratch);
        let fields = explain(&mut run, &self.set.entries[place].condition);
        let allowed = rule.every.is_none_or(|every| {
            let mut token = Vec::new();
            if let Some(template) = &self.tokens[place] {
                run.write(template, &mut token);
            }
            limiter.allows(place, every, &token, facts.now())
        });
        Match { rule, place, fields, effects, told: allowed && !rule.silent }
    }
}

impl Memory {
    /// Forgets what rules remember of a process that has ended.
    pub fn release(&mut self, process: ProcessKey) {
        self.state.variables.release(&Owner::Process(process));
    }

    /// Forgets what has been unset by time. To be called now and then.
    pub fn purge(&mut self, now: Timestamp) {
        self.state.variables.purge(now);
    }

    /// How often each rule matched, in the order of [`Rules::rules`].
    #[must_use]
    pub fn matches(&self) -> &[u64] {
        &self.matches
    }

    /// Matches that `every` kept from being told.
    #[must_use]
    pub fn suppressed(&self) -> u64 {
        self.limiter.suppressed()
    }

    /// Processes, containers and control groups whose variables gave way to those of others.
    #[must_use]
    pub fn evicted(&self) -> u64 {
        self.state.variables.evicted
    }

    /// Sets a variable by its name, to try a rule. Returns whether there is such a variable, of that type.
    pub fn set_variable(
        &mut self,
        rules: &Rules,
        name: &str,
        value: crate::rules::SampleValue,
        sample: &Sample,
    ) -> bool {
        let Some(crate::rules::variables::VariableName::Declared(id)) = rules.set.declarations.find(name) else {
            return false;
        };
        let Some(declaration) = rules.set.declarations.get(id) else { return false };
        let Some((data, ty)) = super::build::data_of(value) else { return false };
        if ty != declaration.ty {
            return false;
        }
        let owner = Facts::owner(sample, declaration.scope);
        self.state.variables.write(&rules.set.declarations, id, owner, data, false, sample.timestamp);
        true
    }
}
