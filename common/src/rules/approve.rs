//! What a backend need not report, since no rule could match it.
//!
//! A rule about files mostly asks for one of some names, or for flags, whatever else it asks. Where every rule of a
//! type does, events without any of those names and flags are not reported ([`Mode::Deny`]); one rule that asks for
//! neither, and all of the type are ([`Mode::Accept`]).
//!
//! The reference finds approvers by trying values on each rule. Here they follow from what the rule says, as keys of
//! the index do, so that there is no value that was not tried.

use alloc::boxed::Box;
use alloc::vec::Vec;

use super::program::{Cond, FieldRef, Num, NumberTest, Numbers, Order, Program, Quantifier, Slot, TextTest, Texts};
use super::set::RuleSet;
use super::syntax::Arithmetic;
use crate::backend::FlagTest;
use crate::discard::{Approver, FilePolicy, MOST_BASENAMES, Mode};
use crate::event::EventType;

/// Most basenames of one type, so that all types together stay below what backends take.
const MOST: usize = MOST_BASENAMES / 16;

/// What a backend is told about a type of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The type.
    pub event: EventType,
    /// Mode and approvers.
    pub policy: FilePolicy,
    /// The rules, by their place, that ask for nothing that could approve.
    pub open: Vec<usize>,
}

/// Types of which every event that has a name shows it, so that a name can approve.
fn has_names(event: EventType) -> bool {
    use EventType::{Chdir, Chmod, Chown, Link, Mkdir, Open, Removexattr, Rename, Rmdir, Setxattr, Unlink, Utimes};
    matches!(
        event,
        Open | Mkdir | Link | Rename | Unlink | Rmdir | Chmod | Chown | Utimes | Setxattr | Removexattr | Chdir
    )
}

impl RuleSet {
    /// What backends need to report of the types that rules are about.
    pub(crate) fn approvals(&self) -> Vec<Approval> {
        EventType::ALL
            .into_iter()
            .filter(|event| has_names(*event) && !self.rules_of(*event).is_empty())
            .map(|event| self.approval(event))
            .collect()
    }

    fn approval(&self, event: EventType) -> Approval {
        let mut approvers = Vec::new();
        let mut open = Vec::new();
        for place in self.rules_of(event) {
            let place = *place as usize;
            let condition = &self.entries[place].condition;
            match needs(condition, event, &self.program, By::Anything) {
                Some(found) => approvers.extend(found),
                None => open.push(place),
            }
        }
        approvers.sort_unstable();
        approvers.dedup();
        let mode = if open.is_empty() && approvers.len() <= MOST { Mode::Deny } else { Mode::Accept };
        if mode == Mode::Accept {
            approvers.clear();
        }
        Approval { event, policy: FilePolicy { mode, approvers }, open }
    }
}

/// Which approvers are looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Anything,
    /// What a system call filter can tell.
    Flags,
}

/// Flags that every one of some conditions asks for, whatever names it asks for too; `None` if one asks for none.
pub(super) fn flag_test<'a>(
    conditions: impl Iterator<Item = &'a Cond>,
    event: EventType,
    program: &Program,
) -> Option<FlagTest> {
    let mut tests = conditions.map(|cond| needs(cond, event, program, By::Flags).map(|found| test_of(&found)));
    tests.try_fold(FlagTest::default(), |all, test| Some(all.or(test?)))
}

fn test_of(approvers: &[Approver]) -> FlagTest {
    let one = |approver: &Approver| match approver {
        Approver::Flags(bits) => FlagTest { any: *bits, or_none: *bits == 0 },
        Approver::Basename(_) => FlagTest::default(),
    };
    approvers.iter().map(one).fold(FlagTest::default(), FlagTest::or)
}

/// Approvers of which every event has one for which the condition holds; `None` if it asks for none.
fn needs(cond: &Cond, event: EventType, program: &Program, by: By) -> Option<Vec<Approver>> {
    match cond {
        Cond::Const(false) => Some(Vec::new()),
        Cond::Shared(id) => needs(program.shared.get(*id as usize)?, event, program, by),
        Cond::All(parts) => {
            // The fewer, the rarer; and a name is rarer than a flag.
            let rank = |found: &Vec<Approver>| {
                (found.iter().filter(|one| matches!(one, Approver::Flags(_))).count(), found.len())
            };
            parts.iter().filter_map(|part| needs(part, event, program, by)).min_by_key(rank)
        }
        Cond::Any(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.extend(needs(part, event, program, by)?);
            }
            Some(all)
        }
        Cond::Not(inner) => {
            // `flags & mask != 0`.
            let inner = match &**inner {
                Cond::Shared(id) => program.shared.get(*id as usize)?,
                inner => inner,
            };
            match inner {
                Cond::Number(Numbers::One(num), Quantifier::Some, NumberTest::Order(Order::Equal, Num::Const(0))) => {
                    flags(num, event, program)
                }
                _ => None,
            }
        }
        Cond::Number(Numbers::One(num), Quantifier::Some, NumberTest::Order(order, Num::Const(value))) => {
            match (order, *value) {
                (Order::Greater, 0..) | (Order::GreaterEqual, 1..) => flags(num, event, program),
                (Order::Equal, 1..) => {
                    flags(num, event, program)?;
                    // Bits beyond the mask are never there: then it never holds, and approving more does no harm.
                    Some(alloc::vec![Approver::Flags(value.cast_unsigned())])
                }
                _ => None,
            }
        }
        Cond::Text(Texts::Field(field), Quantifier::Some, TextTest::Set(set)) if by == By::Anything => {
            let is_path = names_of(*field, event, program)?;
            if set.fold || !set.regexps.is_empty() || !set.patterns.is_empty() {
                return None;
            }
            let mut found = Vec::new();
            let literal = set.exact().map(|text| if is_path { basename(text) } else { Some(text) });
            for name in literal.chain(set.globs.iter().map(|glob| glob.basename())) {
                let name = name.filter(|name| (1..=255).contains(&name.len()) && !name.contains(&b'/'))?;
                found.push(Approver::Basename(Box::from(name)));
            }
            Some(found)
        }
        _ => None,
    }
}

/// The bits of the event's flags that a number is made of, as an approver.
fn flags(num: &Num, event: EventType, program: &Program) -> Option<Vec<Approver>> {
    let Num::Both(Arithmetic::And, one, other) = num else { return None };
    let (field, mask) = match (&**one, &**other) {
        (Num::Field(field), Num::Const(mask)) | (Num::Const(mask), Num::Field(field)) => (*field, *mask),
        _ => return None,
    };
    let name = &*program.field(field).name;
    let is_flags = field.slot == Slot::Event && event.has_flags() && name.strip_suffix(".flags") == Some(event.name());
    (is_flags && mask > 0).then(|| alloc::vec![Approver::Flags(mask.cast_unsigned())])
}

/// Whether a field is a name of the event's file (false) or its path (true); `None` if it is neither.
fn names_of(field: FieldRef, event: EventType, program: &Program) -> Option<bool> {
    let rest = program.field(field).name.strip_prefix(event.name())?.strip_prefix(".file.")?;
    let rest = match event {
        EventType::Rename | EventType::Link => rest.strip_prefix("destination.").unwrap_or(rest),
        _ => rest,
    };
    match rest {
        "path" => Some(true),
        "name" => Some(false),
        _ => None,
    }
}

/// The last component of a path; `None` where there is none.
fn basename(path: &[u8]) -> Option<&[u8]> {
    path.rsplit(|byte| *byte == b'/').next().filter(|name| !name.is_empty())
}
