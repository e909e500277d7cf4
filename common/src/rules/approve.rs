//! What a backend need not report, since no rule could match it.
//!
//! A rule about files mostly asks for one of some names, or for flags, whatever else it asks. Where every rule of a
//! type does, events without any of those names and flags are not reported ([`Mode::Deny`]); one rule that asks for
//! neither, and all of the type are ([`Mode::Accept`]). Of a pattern that leaves the last component open, another
//! component will do, wherever in a path it stands: the longest, which is likely to be the rarest.
//!
//! The reference finds approvers by trying values on each rule. Here they follow from what the rule says, as keys of
//! the index do, so that there is no value that was not tried.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::program::{Cond, FieldRef, Num, NumberTest, Numbers, Order, Program, Quantifier, Slot, TextTest, Texts};
use super::set::RuleSet;
use super::syntax::Arithmetic;
use crate::backend::FlagTest;
use crate::discard::{Approver, FilePolicy, MOST_BASENAMES, Mode};
use crate::event::EventType;

/// What a backend is told about a type of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approval {
    /// The type.
    pub event: EventType,
    /// Mode and approvers.
    pub policy: FilePolicy,
    /// What the approvers follow from, as rules say it.
    pub sought: Vec<Sought>,
    /// The rules, by their place, that ask for nothing that could approve.
    pub open: Vec<usize>,
}

/// What a rule asks a field to be, so that a backend can tell what is of no interest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sought {
    /// The field (`open.file.path`).
    pub field: String,
    /// The value.
    pub value: SoughtValue,
}

/// The value of [`Sought`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SoughtValue {
    /// This text. What is no UTF-8 is shown as U+FFFD.
    Text(String),
    /// A path that this glob matches.
    Glob(String),
    /// This number.
    Number(u64),
    /// One of these flags.
    Flags(u64),
}

impl SoughtValue {
    /// The name of its kind in the reference's reports.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) | Self::Number(_) => "scalar",
            Self::Glob(_) => "glob",
            Self::Flags(_) => "bitmask",
        }
    }
}

/// An approver, and what it follows from.
#[derive(Clone, Debug)]
struct Need {
    approver: Approver,
    sought: Sought,
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
        // What types together may have, first come, first served.
        let mut room = MOST_BASENAMES;
        EventType::ALL
            .into_iter()
            .filter(|event| has_names(*event) && !self.rules_of(*event).is_empty())
            .map(|event| {
                let approval = self.approval(event, room);
                room -= approval.policy.approvers.len();
                approval
            })
            .collect()
    }

    /// The approval of a type, with no more than so many approvers.
    fn approval(&self, event: EventType, room: usize) -> Approval {
        let mut found: Vec<Need> = Vec::new();
        let mut open = Vec::new();
        for place in self.rules_of(event) {
            let place = *place as usize;
            let condition = &self.entries[place].condition;
            match needs(condition, event, &self.program, By::Anything) {
                Some(needs) => found.extend(needs),
                None => open.push(place),
            }
        }
        let (mut approvers, mut sought): (Vec<_>, Vec<_>) =
            found.into_iter().map(|need| (need.approver, need.sought)).unzip();
        sought.sort_unstable();
        sought.dedup();
        approvers.sort_unstable();
        approvers.dedup();
        let mode = if open.is_empty() && approvers.len() <= room { Mode::Deny } else { Mode::Accept };
        if mode == Mode::Accept {
            approvers.clear();
            sought.clear();
        }
        Approval { event, policy: FilePolicy { mode, approvers }, sought, open }
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
    let mut tests = conditions.map(|cond| needs(cond, event, program, By::Flags).map(|needs| test_of(&needs)));
    tests.try_fold(FlagTest::default(), |all, test| Some(all.or(test?)))
}

fn test_of(needs: &[Need]) -> FlagTest {
    let one = |need: &Need| match &need.approver {
        Approver::Flags(bits) => FlagTest { any: *bits, or_none: *bits == 0 },
        Approver::Basename(_) | Approver::Component(_) => FlagTest::default(),
    };
    needs.iter().map(one).fold(FlagTest::default(), FlagTest::or)
}

/// Approvers of which every event has one for which the condition holds; `None` if it asks for none.
fn needs(cond: &Cond, event: EventType, program: &Program, by: By) -> Option<Vec<Need>> {
    match cond {
        Cond::Const(false) => Some(Vec::new()),
        Cond::Shared(id) => needs(program.shared.get(*id as usize)?, event, program, by),
        Cond::All(parts) => {
            // The fewer, the rarer; a name is rarer than a component, and that than a flag.
            let rank = |found: &Vec<Need>| {
                let count = |which: fn(&Approver) -> bool| found.iter().filter(|one| which(&one.approver)).count();
                let flags = count(|one| matches!(one, Approver::Flags(_)));
                (flags, count(|one| matches!(one, Approver::Component(_))), found.len())
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
                    flags(num, None, event, program)
                }
                _ => None,
            }
        }
        Cond::Number(Numbers::One(num), Quantifier::Some, NumberTest::Order(order, Num::Const(value))) => {
            match (order, *value) {
                (Order::Greater, 0..) | (Order::GreaterEqual, 1..) => flags(num, None, event, program),
                // Bits beyond the mask are never there: then it never holds, and approving more does no harm.
                (Order::Equal, 1..) => flags(num, Some(*value), event, program),
                _ => None,
            }
        }
        Cond::Text(Texts::Field(field), Quantifier::Some, TextTest::Set(set)) if by == By::Anything => {
            let is_path = names_of(*field, event, program)?;
            if set.fold || !set.regexps.is_empty() || !set.patterns.is_empty() {
                return None;
            }
            let mut found = Vec::new();
            let is_name = |name: &&[u8]| (1..=255).contains(&name.len()) && !name.contains(&b'/');
            let shown = |text: &[u8]| String::from_utf8_lossy(text).into_owned();
            let need = |approver, value| {
                let sought = Sought { field: program.field(*field).name.to_string(), value };
                Need { approver, sought }
            };
            for text in set.exact() {
                let name = if is_path { basename(text) } else { Some(text) };
                let approver = Approver::Basename(name.filter(is_name)?.into());
                found.push(need(approver, SoughtValue::Text(shown(text))));
            }
            for glob in &set.globs {
                let approver = match glob.basename().filter(is_name) {
                    Some(name) => Approver::Basename(name.into()),
                    None => Approver::Component(glob.component().filter(is_name)?.into()),
                };
                found.push(need(approver, SoughtValue::Glob(shown(&glob.source()))));
            }
            Some(found)
        }
        _ => None,
    }
}

/// The bits of the event's flags that a number is made of, as an approver; or only these of them.
fn flags(num: &Num, only: Option<i64>, event: EventType, program: &Program) -> Option<Vec<Need>> {
    let Num::Both(Arithmetic::And, one, other) = num else { return None };
    let (field, mask) = match (&**one, &**other) {
        (Num::Field(field), Num::Const(mask)) | (Num::Const(mask), Num::Field(field)) => (*field, *mask),
        _ => return None,
    };
    let name = &*program.field(field).name;
    let is_flags = field.slot == Slot::Event && event.has_flags() && name.strip_suffix(".flags") == Some(event.name());
    let bits = only.unwrap_or(mask).cast_unsigned();
    let sought = Sought { field: name.into(), value: SoughtValue::Flags(bits) };
    (is_flags && mask > 0).then(|| alloc::vec![Need { approver: Approver::Flags(bits), sought }])
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
