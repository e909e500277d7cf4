//! What can be known before there is an event.
//!
//! Constants are folded. What depends on a field that nobody feeds is neither true nor false; a rule shall
//! match only if it would whatever that field held. So such a part becomes what makes the rule not match: false,
//! or true where it is denied.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::rules::program::{Cond, Program, TextTest, Texts};

/// A condition without unknown parts, its cheap parts first.
pub(super) fn settle(cond: Cond, program: &Program) -> Cond {
    decide(cond, false, program)
}

/// `unknown` is what an unknown part counts as here.
fn decide(cond: Cond, unknown: bool, program: &Program) -> Cond {
    match cond {
        Cond::Unknown => Cond::Const(unknown),
        Cond::Not(inner) => match decide(*inner, !unknown, program) {
            Cond::Const(value) => Cond::Const(!value),
            Cond::Not(inner) => *inner,
            inner => Cond::Not(Box::new(inner)),
        },
        Cond::All(parts) => join(parts, unknown, program, true),
        Cond::Any(parts) => join(parts, unknown, program, false),
        Cond::Same(one, other) if has_unknown(&one) || has_unknown(&other) => Cond::Const(unknown),
        Cond::Same(one, other) => match (decide(*one, unknown, program), decide(*other, unknown, program)) {
            (Cond::Const(true), other) | (other, Cond::Const(true)) => other,
            (Cond::Const(false), other) | (other, Cond::Const(false)) => {
                decide(Cond::Not(Box::new(other)), unknown, program)
            }
            (one, other) => Cond::Same(Box::new(one), Box::new(other)),
        },
        Cond::Each(list, slot, inner) => match decide(*inner, unknown, program) {
            Cond::Const(false) => Cond::Const(false),
            inner => Cond::Each(list, slot, Box::new(inner)),
        },
        other => other,
    }
}

/// `neutral` is what changes nothing: true in `&&`, false in `||`.
fn join(parts: Vec<Cond>, unknown: bool, program: &Program, neutral: bool) -> Cond {
    let mut kept = Vec::with_capacity(parts.len());
    for part in parts {
        match decide(part, unknown, program) {
            Cond::Const(value) if value == neutral => {}
            Cond::Const(value) => return Cond::Const(value),
            Cond::All(inner) if neutral => kept.extend(inner),
            Cond::Any(inner) if !neutral => kept.extend(inner),
            part => kept.push(part),
        }
    }
    kept.sort_by_key(|part| cost(part, program));
    match kept.pop() {
        None => Cond::Const(neutral),
        Some(only) if kept.is_empty() => only,
        Some(last) => {
            kept.push(last);
            if neutral { Cond::All(kept) } else { Cond::Any(kept) }
        }
    }
}

fn has_unknown(cond: &Cond) -> bool {
    match cond {
        Cond::Unknown => true,
        Cond::Not(inner) | Cond::Each(_, _, inner) => has_unknown(inner),
        Cond::All(parts) | Cond::Any(parts) => parts.iter().any(has_unknown),
        Cond::Same(one, other) => has_unknown(one) || has_unknown(other),
        _ => false,
    }
}

/// Roughly how long it takes to find out, so that the cheap is asked first.
fn cost(cond: &Cond, program: &Program) -> u32 {
    match cond {
        Cond::Const(_) | Cond::Unknown => 0,
        Cond::Shared(id) => program.shared.get(*id as usize).map_or(0, |inner| cost(inner, program)),
        Cond::Flag(_) | Cond::FlagVariable(_) | Cond::Number(..) => 2,
        Cond::Ip(..) => 4,
        Cond::Text(texts, _, test) => weight(texts, program) * (1 + difficulty(test)),
        Cond::Not(inner) => cost(inner, program),
        Cond::All(parts) | Cond::Any(parts) => parts.iter().map(|part| cost(part, program)).sum(),
        Cond::Same(one, other) => cost(one, program) + cost(other, program),
        Cond::Each(_, _, inner) => 50 + 10 * cost(inner, program),
    }
}

fn weight(texts: &Texts, program: &Program) -> u32 {
    match texts {
        Texts::Field(field) if program.field(*field).ty.is_list() => 20,
        Texts::Field(field) if program.field(*field).name.ends_with(".args") => 15,
        Texts::Template(_) => 10,
        _ => 1,
    }
}

fn difficulty(test: &TextTest) -> u32 {
    match test {
        TextTest::Set(set) => {
            let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX / 64);
            3 + count(set.patterns.len()) * 2 + count(set.globs.len()) * 3 + count(set.regexps.len()) * 20
        }
        TextTest::Among(_) => 5,
        TextTest::Pattern(..) => 20,
        TextTest::Either(tests) => tests.iter().map(difficulty).sum(),
    }
}
