//! Rules that are evaluated together.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::Subject;
use super::compile::Compiled;
use super::eval::{Facts, Run, Scratch};
use super::index::{Index, Marks};
use super::partial;
use super::program::{Cond, Program};
use super::variables::{Declarations, Variables};
use crate::engine::EventSet;
use crate::event::{Event, EventType, Exec, File, Payload};

/// A rule without what becomes of its matches.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) condition: Cond,
    pub(crate) subject: Subject,
    /// Numbers of the fields that it names.
    pub(crate) fields: Box<[u32]>,
    /// It asks for the result of an exec, so that it is about programs that did not start too.
    pub(crate) refused_too: bool,
}

/// Compiled rules, by what they are about.
#[derive(Debug)]
pub(crate) struct RuleSet {
    pub(crate) program: Program,
    pub(crate) declarations: Declarations,
    pub(crate) entries: Vec<Entry>,
    tables: Vec<Table>,
    /// Places in `tables` by name of the type.
    by_name: BTreeMap<Box<str>, usize>,
    /// The same by its number, for types that are observed.
    by_event: Vec<Option<usize>>,
}

/// The rules of one type of event.
#[derive(Debug)]
struct Table {
    /// Places in `entries`.
    rules: Vec<u32>,
    index: Index,
    /// The same by what is known of an event's file from its path.
    by_path: Index,
}

/// What evaluation keeps from event to event.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) scratch: Scratch,
    marks: Marks,
    pub(crate) variables: Variables,
}

impl State {
    pub(crate) fn new(rules: &RuleSet, seed: u64) -> Self {
        let marks = Vec::with_capacity(rules.entries.len().div_ceil(64));
        Self { scratch: Scratch::new(&rules.program, seed), marks, variables: Variables::default() }
    }
}

impl RuleSet {
    pub(crate) fn new(program: Program, declarations: Declarations, compiled: Vec<Compiled>) -> Self {
        let entries: Vec<_> = compiled
            .into_iter()
            .map(|rule| Entry {
                refused_too: rule.fields.iter().any(|id| *program.fields[*id as usize].name == *"exec.retval"),
                condition: rule.condition,
                subject: rule.subject,
                fields: rule.fields.into(),
            })
            .collect();
        let mut grouped: BTreeMap<Box<str>, Vec<u32>> = BTreeMap::new();
        for (place, entry) in (0..).zip(&entries) {
            grouped.entry(entry.subject.name().into()).or_default().push(place);
        }
        let by_name: BTreeMap<_, _> = grouped.keys().cloned().zip(0..).collect();
        let tables = grouped
            .into_values()
            .map(|rules| {
                let conditions = rules.iter().map(|place| &entries[*place as usize].condition);
                let index = Index::new(conditions, &program);
                let conditions = rules.iter().map(|place| &entries[*place as usize].condition);
                let subject = rules.first().map_or("", |place| entries[*place as usize].subject.name());
                let by_path =
                    Index::of(conditions, &program, &|field| partial::part(&program, subject, field).is_some());
                Table { rules, index, by_path }
            })
            .collect();
        let mut by_event = alloc::vec![None; EventType::ALL.iter().map(|event| *event as usize).max().unwrap_or(0) + 1];
        for event in EventType::ALL {
            by_event[event as usize] = by_name.get(event.name()).copied();
        }
        Self { program, declarations, entries, tables, by_name, by_event }
    }

    /// The types of events that a rule is about.
    pub(crate) fn events(&self) -> EventSet {
        EventType::ALL.into_iter().filter(|event| self.by_event[*event as usize].is_some()).collect()
    }

    /// The rules about a type of event, by their place.
    pub(crate) fn rules_of(&self, event: EventType) -> &[u32] {
        self.table(event).map_or(&[], |table| &table.rules)
    }

    /// Calls back with the rules about a type of event that may match one whose file has this path, until one says so.
    pub(crate) fn any_by_path(&self, event: EventType, file: &File, mut matches: impl FnMut(&Entry) -> bool) -> bool {
        let Some(table) = self.table(event) else { return false };
        let mut marks = Marks::new();
        let text = |field| partial::part(&self.program, event.name(), field).map(|part| part.of(file));
        table.by_path.candidates_by(text, &mut marks);
        let slots = marks.iter().enumerate().flat_map(|(word, bits)| {
            let bits = *bits;
            (0..64).filter(move |bit| bits & 1 << bit != 0).map(move |bit| word * 64 + bit)
        });
        slots.into_iter().any(|slot| matches(&self.entries[table.rules[slot] as usize]))
    }

    fn table(&self, event: EventType) -> Option<&Table> {
        self.tables.get((*self.by_event.get(event as usize)?)?)
    }

    /// Calls back with each rule that matches an event, in order. What it does to variables is seen by the rules
    /// that come after.
    pub(crate) fn matches(
        &self,
        event: &Event,
        state: &mut State,
        matched: &mut dyn FnMut(usize, &mut Variables, &mut Scratch),
    ) {
        let Some(table) = self.table(event.event_type()) else { return };
        let refused = matches!(&event.payload, Payload::Exec(Exec { refused: Some(_), .. }));
        self.evaluate(table, event, refused, state, matched);
    }

    /// The same for what stands for an event of a type.
    pub(crate) fn matches_facts(
        &self,
        subject: &str,
        facts: &dyn Facts,
        state: &mut State,
        matched: &mut dyn FnMut(usize, &mut Variables, &mut Scratch),
    ) {
        if let Some(table) = self.by_name.get(subject).and_then(|place| self.tables.get(*place)) {
            self.evaluate(table, facts, false, state, matched);
        }
    }

    fn evaluate(
        &self,
        table: &Table,
        facts: &dyn Facts,
        refused: bool,
        state: &mut State,
        matched: &mut dyn FnMut(usize, &mut Variables, &mut Scratch),
    ) {
        let State { scratch, marks, variables } = state;
        scratch.next_event();
        let mut run = Run::new(&self.program, &self.declarations, variables, facts, scratch);
        table.index.candidates(&mut run, marks);
        for (word, bits) in marks.iter().enumerate() {
            let mut bits = *bits;
            while bits != 0 {
                let slot = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let place = table.rules[slot] as usize;
                let entry = &self.entries[place];
                if refused && !entry.refused_too {
                    continue;
                }
                let mut run = Run::new(&self.program, &self.declarations, variables, facts, scratch);
                if run.holds(&entry.condition) {
                    matched(place, variables, scratch);
                }
            }
        }
    }
}
