//! Which rules can match an event at all.
//!
//! Most rules ask, whatever else, for one of some texts or numbers: a path, a name, a port. For each type of event
//! those are gathered by field, so that a value is looked up once for all rules, and only the rules it
//! leads to are evaluated. Where many rules ask for texts that begin alike, or with a star, texts are gone through once for
//! pieces of all of them (`choice`, `pieces`). What a rule asks first is found in its condition (`keys`); a rule that asks for nothing
//! that can be looked up is always evaluated.

mod choice;
mod keys;
mod pieces;
mod trie;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::eval::{Run, integer};
use super::program::{Cond, FieldRef, Program, Texts};
use choice::Choice;
use keys::Key;
use pieces::Pieces;
use trie::{Extent, Trie};

/// Rules of one type of event, by what they ask for.
#[derive(Debug)]
pub(crate) struct Index {
    texts: Vec<Row>,
    numbers: Vec<(FieldRef, ByNumber)>,
    /// Rules that nothing leads to: one bit each.
    always: Box<[u64]>,
}

/// What rules ask of one field.
#[derive(Debug)]
struct Row {
    field: FieldRef,
    texts: Texts,
    forwards: Option<Trie>,
    backwards: Option<Trie>,
    pieces: Option<Pieces>,
    /// What `pieces` will be made of.
    gathered: HashMap<Box<[u8]>, Vec<u32>>,
}

type ByNumber = HashMap<i64, Box<[u32]>>;

/// A set of rules: one bit each.
pub(crate) type Marks = Vec<u64>;

fn mark(marks: &mut [u64], rule: u32) {
    marks[rule as usize / 64] |= 1 << (rule % 64);
}

impl Row {
    fn new(field: FieldRef) -> Self {
        let (texts, gathered) = (Texts::Field(field), HashMap::new());
        Self { field, texts, forwards: None, backwards: None, pieces: None, gathered }
    }

    fn forwards(&mut self) -> &mut Trie {
        self.forwards.get_or_insert_with(Trie::forwards)
    }

    fn backwards(&mut self) -> &mut Trie {
        self.backwards.get_or_insert_with(Trie::backwards)
    }

    /// Makes an automaton of the pieces. If that cannot be, their rules are always evaluated.
    fn gather(&mut self, always: &mut [u64]) {
        if self.gathered.is_empty() {
            return;
        }
        let gathered = core::mem::take(&mut self.gathered);
        let rules: Vec<u32> = gathered.values().flatten().copied().collect();
        self.pieces = Pieces::new(gathered);
        if self.pieces.is_none() {
            rules.into_iter().for_each(|rule| mark(always, rule));
        }
    }

    /// Marks the rules that a text leads to.
    fn look_up(&self, text: &[u8], marks: &mut [u64]) {
        let mut all = |rules: &[u32]| rules.iter().for_each(|rule| mark(marks, *rule));
        for trie in self.forwards.iter().chain(&self.backwards) {
            trie.walk(text, &mut all);
        }
        if let Some(pieces) = &self.pieces {
            pieces.find(text, &mut all);
        }
    }
}

impl Index {
    /// An index of conditions, which are known by their place.
    pub(crate) fn new<'a>(conditions: impl ExactSizeIterator<Item = &'a Cond>, program: &Program) -> Self {
        Self::of(conditions, program, &|_| true)
    }

    /// An index that goes by some fields only.
    pub(crate) fn of<'a>(
        conditions: impl ExactSizeIterator<Item = &'a Cond>,
        program: &Program,
        may: &dyn Fn(FieldRef) -> bool,
    ) -> Self {
        let mut always = vec![0; conditions.len().div_ceil(64)];
        let mut found: Vec<(u32, Vec<Key>)> = Vec::new();
        for (rule, condition) in (0..).zip(conditions) {
            match keys::keys(condition, program, may) {
                Some(keys) => found.push((rule, keys)),
                None => mark(&mut always, rule),
            }
        }
        let choice = Choice::new(found.iter().flat_map(|(rule, keys)| keys.iter().map(|key| (*rule, key))));
        let mut texts: Vec<Row> = Vec::new();
        let mut numbers: Vec<(FieldRef, HashMap<i64, Vec<u32>>)> = Vec::new();
        for (rule, keys) in found {
            if keys.iter().any(|key| matches!(key, Key::Piece(field, _) if !choice.goes_through(*field))) {
                mark(&mut always, rule);
                continue;
            }
            for key in keys {
                if let Key::Number(field, number) = key {
                    let table = entry(&mut numbers, field, |(known, _)| *known, || (field, HashMap::new()));
                    table.1.entry(number).or_default().push(rule);
                    continue;
                }
                let by_piece = choice.goes_by_piece(&key);
                match key {
                    Key::Number(..) => {}
                    Key::Prefix(field, _, piece) | Key::Suffix(field, _, piece) | Key::Piece(field, piece)
                        if by_piece =>
                    {
                        let rules = row(&mut texts, field).gathered.entry(piece).or_default();
                        if rules.last() != Some(&rule) {
                            rules.push(rule);
                        }
                    }
                    Key::Text(field, text) => row(&mut texts, field).forwards().insert(&text, Extent::Whole, rule),
                    Key::Prefix(field, text, _) => row(&mut texts, field).forwards().insert(&text, Extent::Part, rule),
                    Key::Suffix(field, text, _) => row(&mut texts, field).backwards().insert(&text, Extent::Part, rule),
                    Key::Piece(..) => mark(&mut always, rule),
                }
            }
        }
        let numbers = numbers
            .into_iter()
            .map(|(field, table)| (field, table.into_iter().map(|(number, rules)| (number, rules.into())).collect()))
            .collect();
        for row in &mut texts {
            row.gather(&mut always);
        }
        Self { texts, numbers, always: always.into() }
    }

    /// Marks the rules that may match.
    pub(crate) fn candidates(&self, run: &mut Run<'_, '_>, marks: &mut Marks) {
        marks.clear();
        marks.extend_from_slice(&self.always);
        for row in &self.texts {
            run.any_text(&row.texts, &mut |_, text| {
                row.look_up(text, marks);
                false
            });
        }
        for (field, table) in &self.numbers {
            if let Some(rules) = table.get(&integer(&run.read(*field))) {
                rules.iter().for_each(|rule| mark(marks, *rule));
            }
        }
    }
}

impl Index {
    /// Marks the rules that may match where an index goes by fields of which these texts are known.
    pub(crate) fn candidates_by<'a>(&self, text: impl Fn(FieldRef) -> Option<&'a [u8]>, marks: &mut Marks) {
        marks.clear();
        marks.extend_from_slice(&self.always);
        for row in &self.texts {
            row.look_up(text(row.field).unwrap_or_default(), marks);
        }
    }
}

fn row(rows: &mut Vec<Row>, field: FieldRef) -> &mut Row {
    entry(rows, field, |row| row.field, || Row::new(field))
}

fn entry<T>(table: &mut Vec<T>, field: FieldRef, field_of: impl Fn(&T) -> FieldRef, new: impl FnOnce() -> T) -> &mut T {
    let index = table.iter().position(|row| field_of(row) == field).unwrap_or_else(|| {
        table.push(new());
        table.len() - 1
    });
    &mut table[index]
}
