//! Arguments that every rule about a type asks for, so that registers tell which calls can be of interest.
//!
//! As for approvers, they follow from what the rules say: a rule that asks for one of some requests asks for that
//! whatever else it asks.

use alloc::collections::BTreeSet;

use super::approve::flag_test;
use super::program::{Cond, FieldRef, Num, NumberTest, Numbers, Order, Program, Slot};
use super::set::RuleSet;
use super::syntax::Arithmetic;
use crate::backend::{ArgumentTest, Values};
use crate::event::EventType;
use crate::syscall::Role;

/// Fields whose value is an argument's low 32 bits as the call has it, as the decoder has them. Not
/// `socket.type`, which is a part of its argument, nor addresses, which lie in memory.
const FIELDS: &[(EventType, &str, Role)] = &[
    (EventType::Ptrace, "ptrace.request", Role::Selector),
    (EventType::Signal, "signal.type", Role::Selector),
    (EventType::Prctl, "prctl.option", Role::Selector),
    (EventType::Setrlimit, "setrlimit.resource", Role::Selector),
    (EventType::Bpf, "bpf.cmd", Role::Selector),
    (EventType::Socket, "socket.domain", Role::Selector),
    (EventType::Socket, "socket.protocol", Role::Protocol),
    (EventType::Setsockopt, "setsockopt.optname", Role::SubSelector),
    (EventType::Setsockopt, "setsockopt.level", Role::Selector),
    (EventType::Mmap, "mmap.protection", Role::Selector),
    (EventType::Mprotect, "mprotect.req_protection", Role::Selector),
];

/// The field that shows the argument of a role.
pub(super) fn field_of(event: EventType, role: Role) -> Option<&'static str> {
    FIELDS.iter().find(|(of, _, one)| (*of, *one) == (event, role)).map(|(_, name, _)| *name)
}

impl RuleSet {
    /// What calls have to pass so that rules can match their events.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (EventType, ArgumentTest)> {
        let about = EventType::ALL.into_iter().filter(|event| !self.rules_of(*event).is_empty());
        about.map(|event| {
            let flags = event.has_flags().then(|| flag_test(self.conditions(event), event, &self.program)).flatten();
            let fields = FIELDS.iter().filter(|(of, ..)| *of == event);
            let mut found = fields.filter_map(|(_, name, role)| Some((*role, self.values(event, name)?)));
            (event, ArgumentTest { flags, value: found.next() })
        })
    }

    fn conditions(&self, event: EventType) -> impl Iterator<Item = &Cond> {
        self.rules_of(event).iter().map(|place| &self.entries[*place as usize].condition)
    }

    /// What every rule about a type asks of a field.
    fn values(&self, event: EventType, name: &str) -> Option<Values> {
        let asked = Asked { program: &self.program, name };
        let mut values = Some(BTreeSet::new());
        let mut bits = Some(0);
        for condition in self.conditions(event) {
            values = values.zip(asked.values(condition)).map(|(one, other)| &one | &other);
            bits = bits.zip(asked.bits(condition)).map(|(one, other)| one | other);
        }
        values.and_then(Values::one_of).or(bits.map(Values::AnyBit))
    }
}

/// A number that rules ask for.
struct Asked<'a> {
    program: &'a Program,
    name: &'a str,
}

impl Asked<'_> {
    /// Values of which it has one in every event for which the condition holds; `None` if it may have any.
    fn values(&self, cond: &Cond) -> Option<BTreeSet<u32>> {
        match cond {
            Cond::Const(false) => Some(BTreeSet::new()),
            Cond::Shared(id) => self.values(self.program.shared.get(*id as usize)?),
            Cond::All(parts) => parts.iter().filter_map(|part| self.values(part)).min_by_key(BTreeSet::len),
            Cond::Any(parts) => parts.iter().try_fold(BTreeSet::new(), |all, part| Some(&all | &self.values(part)?)),
            Cond::Number(Numbers::One(Num::Field(field)), _, test) if self.is_it(*field) => match test {
                NumberTest::Order(Order::Equal, Num::Const(value)) => Some(word(*value).into_iter().collect()),
                NumberTest::In(values) => Some(values.iter().filter_map(|value| word(*value)).collect()),
                _ => None,
            },
            _ => None,
        }
    }

    /// Bits of which one is set in every event for which the condition holds.
    fn bits(&self, cond: &Cond) -> Option<u32> {
        match cond {
            Cond::Const(false) => Some(0),
            Cond::Shared(id) => self.bits(self.program.shared.get(*id as usize)?),
            Cond::All(parts) => parts.iter().filter_map(|part| self.bits(part)).min_by_key(|bits| bits.count_ones()),
            Cond::Any(parts) => parts.iter().try_fold(0, |all, part| Some(all | self.bits(part)?)),
            Cond::Not(inner) => match &**inner {
                Cond::Shared(id) => self.unless_zero(self.program.shared.get(*id as usize)?),
                inner => self.unless_zero(inner),
            },
            Cond::Number(Numbers::One(num), _, NumberTest::Order(order, Num::Const(value))) => match (order, *value) {
                (Order::Greater, 0..) | (Order::GreaterEqual, 1..) => self.mask(num),
                // One of the bits of the mask that are in the value, each of which has to be set.
                (Order::Equal, 1..) => self.mask(num).map(|mask| u32::try_from(*value).map_or(0, |value| mask & value)),
                _ => None,
            },
            _ => None,
        }
    }

    /// `field & mask != 0`.
    fn unless_zero(&self, equal: &Cond) -> Option<u32> {
        match equal {
            Cond::Number(Numbers::One(num), _, NumberTest::Order(Order::Equal, Num::Const(0))) => self.mask(num),
            _ => None,
        }
    }

    fn mask(&self, num: &Num) -> Option<u32> {
        let Num::Both(Arithmetic::And, one, other) = num else { return None };
        let (field, mask) = match (&**one, &**other) {
            (Num::Field(field), Num::Const(mask)) | (Num::Const(mask), Num::Field(field)) => (*field, *mask),
            _ => return None,
        };
        u32::try_from(mask).ok().filter(|mask| self.is_it(field) && *mask > 0)
    }

    fn is_it(&self, field: FieldRef) -> bool {
        field.slot == Slot::Event && *self.program.field(field).name == *self.name
    }
}

/// An `int` or `unsigned int` as a register has it; `None` if it can have no such value.
fn word(value: i64) -> Option<u32> {
    u32::try_from(value).or_else(|_| i32::try_from(value).map(i32::cast_unsigned)).ok()
}
