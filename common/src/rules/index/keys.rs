//! What an event must have so that a condition can hold.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::rules::catalogue::Ty;
use crate::rules::program::{
    Cond, FieldRef, Num, NumberTest, Numbers, Order, Program, Quantifier, Slot, TextTest, Texts,
};
use crate::rules::text::TextSet;

/// Something that leads to a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Text(FieldRef, Box<[u8]>),
    Prefix(FieldRef, Box<[u8]>),
    Suffix(FieldRef, Box<[u8]>),
    Number(FieldRef, i64),
}

/// The shortest beginning or end that is worth looking up.
const SHORTEST: usize = 2;

impl Key {
    /// How rare the events are that have it, by guess.
    fn rarity(&self) -> usize {
        match self {
            Self::Text(_, text) if text.is_empty() => 10,
            Self::Text(..) => 1000,
            Self::Prefix(_, text) | Self::Suffix(_, text) => 10 * text.len(),
            Self::Number(_, 0) => 20,
            Self::Number(..) => 300,
        }
    }
}

/// Keys of which every event has one for which the condition holds; `None` if there are none.
/// Only fields that `may` be looked up count.
pub(super) fn keys(cond: &Cond, program: &Program, may: &dyn Fn(FieldRef) -> bool) -> Option<Vec<Key>> {
    match cond {
        Cond::Const(false) => Some(Vec::new()),
        Cond::Shared(id) => keys(program.shared.get(*id as usize)?, program, may),
        Cond::All(parts) => parts.iter().filter_map(|part| keys(part, program, may)).max_by_key(|keys| {
            (keys.iter().map(Key::rarity).min().unwrap_or(usize::MAX), core::cmp::Reverse(keys.len()))
        }),
        Cond::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(keys(part, program, may)?);
            }
            Some(all)
        }
        Cond::Text(Texts::Field(field), Quantifier::Some, TextTest::Set(set)) if may(*field) => {
            text_keys(*field, set, program)
        }
        Cond::Number(Numbers::One(Num::Field(field)), Quantifier::Some, test)
            if field.slot == Slot::Event && may(*field) =>
        {
            match test {
                NumberTest::Order(Order::Equal, Num::Const(number)) => Some(alloc::vec![Key::Number(*field, *number)]),
                NumberTest::In(numbers) => Some(numbers.iter().map(|number| Key::Number(*field, *number)).collect()),
                _ => None,
            }
        }
        _ => None,
    }
}

fn text_keys(field: FieldRef, set: &TextSet, program: &Program) -> Option<Vec<Key>> {
    let known = program.field(field);
    // Arguments would have to be joined to be looked up.
    let is_plain = field.slot == Slot::Event && known.ty == Ty::Text && !known.name.ends_with(".args");
    if !is_plain || set.fold || !set.regexps.is_empty() {
        return None;
    }
    let mut keys: Vec<_> = set.exact().map(|text| Key::Text(field, text.into())).collect();
    keys.sort_by(|one, other| match (one, other) {
        (Key::Text(_, one), Key::Text(_, other)) => one.cmp(other),
        _ => core::cmp::Ordering::Equal,
    });
    let ends = set.patterns.iter().map(|pattern| (pattern.prefix(), pattern.suffix()));
    for (prefix, suffix) in ends.chain(set.globs.iter().map(|glob| (glob.prefix(), glob.suffix()))) {
        keys.push(match (prefix.len(), suffix.len()) {
            (SHORTEST.., _) => Key::Prefix(field, prefix.into()),
            (_, SHORTEST..) => Key::Suffix(field, suffix.into()),
            _ => return None,
        });
    }
    Some(keys)
}
