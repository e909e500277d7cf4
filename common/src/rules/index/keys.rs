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
    /// What a text begins with, and a piece that stands somewhere in it.
    Prefix(FieldRef, Box<[u8]>, Box<[u8]>),
    /// What a text ends with, and such a piece.
    Suffix(FieldRef, Box<[u8]>, Box<[u8]>),
    /// What stands somewhere in a text.
    Piece(FieldRef, Box<[u8]>),
    Number(FieldRef, i64),
}

/// The shortest beginning or end that is worth looking up.
const SHORTEST: usize = 2;
/// The shortest piece of which the same is true.
pub(super) const SHORTEST_PIECE: usize = 3;

impl Key {
    /// How rare the events are that have it, by guess.
    fn rarity(&self) -> usize {
        match self {
            Self::Text(_, text) if text.is_empty() => 10,
            Self::Text(..) => 1000,
            Self::Prefix(_, text, piece) | Self::Suffix(_, text, piece) => 10 * text.len().max(piece.len()),
            // All of the text has to be gone through.
            Self::Piece(_, text) => 9 * text.len(),
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
    let is_plain = field.slot == Slot::Event && known.ty == Ty::Text;
    if !is_plain || set.fold || !set.regexps.is_empty() {
        return None;
    }
    // Arguments have to be joined to be looked up, so they are gone through once.
    let is_joined = known.name.ends_with(".args");
    let mut keys: Vec<_> = set
        .exact()
        .map(|text| if is_joined { Key::Piece(field, text.into()) } else { Key::Text(field, text.into()) })
        .collect();
    keys.sort_by(|one, other| match (one, other) {
        (Key::Text(_, one) | Key::Piece(_, one), Key::Text(_, other) | Key::Piece(_, other)) => one.cmp(other),
        _ => core::cmp::Ordering::Equal,
    });
    let ends = set.patterns.iter().map(|pattern| (pattern.prefix(), pattern.suffix(), pattern.piece()));
    for (prefix, suffix, piece) in ends.chain(set.globs.iter().map(|glob| (glob.prefix(), glob.suffix(), glob.piece())))
    {
        keys.push(match (prefix.len(), suffix.len()) {
            _ if is_joined => Key::Piece(field, piece.into()),
            (SHORTEST.., _) => Key::Prefix(field, prefix.into(), piece.into()),
            (_, SHORTEST..) => Key::Suffix(field, suffix.into(), piece.into()),
            _ => Key::Piece(field, piece.into()),
        });
    }
    let is_short = |key: &Key| matches!(key, Key::Piece(_, text) if text.len() < SHORTEST_PIECE);
    (!keys.iter().any(is_short)).then_some(keys)
}
