//! Which rules can match an event at all.
//!
//! Most rules ask, whatever else, for one of some texts or numbers: a path, a name, a port. For each type of event
//! those are gathered by field, so that a value is looked up once for all rules, and only the rules it
//! leads to are evaluated. What a rule asks first is found in its condition (`keys`); a rule that asks for nothing
//! that can be looked up is always evaluated.

mod keys;
mod trie;

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use hashbrown::HashMap;

use super::eval::{Run, integer};
use super::program::{Cond, FieldRef, Program, Texts};
use keys::Key;
use trie::Trie;

/// Rules of one type of event, by what they ask for.
#[derive(Debug)]
pub(crate) struct Index {
    texts: Vec<(Texts, Option<Trie>, Option<Trie>)>,
    numbers: Vec<(FieldRef, ByNumber)>,
    /// Rules that nothing leads to: one bit each.
    always: Box<[u64]>,
}

type ByNumber = HashMap<i64, Box<[u32]>>;

/// A set of rules: one bit each.
pub(crate) type Marks = Vec<u64>;

fn mark(marks: &mut [u64], rule: u32) {
    marks[rule as usize / 64] |= 1 << (rule % 64);
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
        let mut texts: Vec<(FieldRef, Option<Trie>, Option<Trie>)> = Vec::new();
        let mut numbers: Vec<(FieldRef, HashMap<i64, Vec<u32>>)> = Vec::new();
        for (rule, condition) in (0..).zip(conditions) {
            let Some(keys) = keys::keys(condition, program, may) else {
                mark(&mut always, rule);
                continue;
            };
            for key in keys {
                match key {
                    Key::Number(field, number) => {
                        let table = entry(&mut numbers, field, |(known, _)| *known, || (field, HashMap::new()));
                        table.1.entry(number).or_default().push(rule);
                    }
                    Key::Text(field, text) => {
                        let row = entry(&mut texts, field, |(known, ..)| *known, || (field, None, None));
                        row.1.get_or_insert_with(Trie::forwards).insert(&text, trie::Extent::Whole, rule);
                    }
                    Key::Prefix(field, text) => {
                        let row = entry(&mut texts, field, |(known, ..)| *known, || (field, None, None));
                        row.1.get_or_insert_with(Trie::forwards).insert(&text, trie::Extent::Part, rule);
                    }
                    Key::Suffix(field, text) => {
                        let row = entry(&mut texts, field, |(known, ..)| *known, || (field, None, None));
                        row.2.get_or_insert_with(Trie::backwards).insert(&text, trie::Extent::Part, rule);
                    }
                }
            }
        }
        let numbers = numbers
            .into_iter()
            .map(|(field, table)| (field, table.into_iter().map(|(number, rules)| (number, rules.into())).collect()))
            .collect();
        let texts = texts.into_iter().map(|(field, one, other)| (Texts::Field(field), one, other)).collect();
        Self { texts, numbers, always: always.into() }
    }

    /// Marks the rules that may match.
    pub(crate) fn candidates(&self, run: &mut Run<'_, '_>, marks: &mut Marks) {
        marks.clear();
        marks.extend_from_slice(&self.always);
        for (texts, forwards, backwards) in &self.texts {
            run.any_text(texts, &mut |_, text| {
                for trie in forwards.iter().chain(backwards) {
                    trie.walk(text, &mut |rules| rules.iter().for_each(|rule| mark(marks, *rule)));
                }
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
        for (texts, forwards, backwards) in &self.texts {
            let known = if let Texts::Field(field) = texts { text(*field) } else { None };
            for trie in forwards.iter().chain(backwards) {
                trie.walk(known.unwrap_or_default(), &mut |rules| rules.iter().for_each(|rule| mark(marks, *rule)));
            }
        }
    }
}

fn entry<T>(table: &mut Vec<T>, field: FieldRef, field_of: impl Fn(&T) -> FieldRef, new: impl FnOnce() -> T) -> &mut T {
    let index = table.iter().position(|row| field_of(row) == field).unwrap_or_else(|| {
        table.push(new());
        table.len() - 1
    });
    &mut table[index]
}
