//! Arguments of calls without which nobody wants to know of them.
//!
//! Where every rule about a type asks for certain flags, or for certain values of a selector (a request, a signal, a
//! family), the registers of the call tell whether the event can be of interest at all: a seccomp filter and the
//! kernel's programs decide that before anything is stopped or copied. Nothing in memory is asked, and what a call
//! passes there, or says by other means, is let through.

use smallvec::{SmallVec, smallvec};

use crate::event::EventType;
use crate::syscall::{Condition, Layout, Role, Syscall, Test, Yield};

/// Types of events have numbers below this.
const TYPES: usize = 64;
/// The most values that are told apart. The kernel's table of calls has room for as many tests.
const MOST_VALUES: usize = 6;

/// Tests that all have to hold.
pub type Tests = SmallVec<[Test; 3]>;

/// What calls have to pass so that their events are of interest, by type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArgumentsWanted([ArgumentTest; TYPES]);

/// What the arguments of a call have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArgumentTest {
    /// The flags that its event shows; `None` for any.
    pub flags: Option<FlagTest>,
    /// What the argument of this role is; `None` for anything. Never of [`Role::Flags`].
    pub value: Option<(Role, Values)>,
}

/// What the flags of an event have to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlagTest {
    /// At least one of these is set.
    pub any: u64,
    /// Or none at all.
    pub or_none: bool,
}

/// What an argument of 32 bits has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// One of the first so many.
    OneOf(u8, [u32; MOST_VALUES]),
    /// At least one of these bits is set.
    AnyBit(u32),
}

impl FlagTest {
    /// Whether flags pass.
    #[must_use]
    pub fn passes(self, flags: u64) -> bool {
        flags & self.any != 0 || (self.or_none && flags == 0)
    }

    /// Whether all that passes another one passes this.
    #[must_use]
    pub fn includes(self, other: Self) -> bool {
        other.any & !self.any == 0 && (self.or_none || !other.or_none)
    }

    /// What passes one of two.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self { any: self.any | other.any, or_none: self.or_none || other.or_none }
    }
}

impl Values {
    /// One of these; `None` if they are too many.
    #[must_use]
    pub fn one_of(values: impl IntoIterator<Item = u32>) -> Option<Self> {
        let (mut count, mut places) = (0_u8, [0; MOST_VALUES]);
        for value in values {
            *places.get_mut(usize::from(count))? = value;
            count += 1;
        }
        places[..usize::from(count)].sort_unstable();
        Some(Self::OneOf(count, places))
    }

    /// What passes one of two; `None` for anything.
    fn or(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::OneOf(..), Self::OneOf(..)) => {
                let more = other.each().iter().filter(|value| !self.each().contains(value));
                Self::one_of(self.each().iter().chain(more).copied())
            }
            (Self::AnyBit(one), Self::AnyBit(other)) => Some(Self::AnyBit(one | other)),
            _ => None,
        }
    }

    /// Whether all that passes another one passes this.
    fn includes(self, other: Self) -> bool {
        match (self, other) {
            (Self::OneOf(..), Self::OneOf(..)) => other.each().iter().all(|value| self.each().contains(value)),
            (Self::AnyBit(one), Self::AnyBit(other)) => other & !one == 0,
            _ => false,
        }
    }

    /// The values that are asked for; none of bits.
    #[must_use]
    pub fn each(&self) -> &[u32] {
        match self {
            Self::OneOf(count, values) => &values[..usize::from(*count)],
            Self::AnyBit(_) => &[],
        }
    }

    fn tests(&self, argument: u8) -> SmallVec<[Tests; 4]> {
        let one = |condition| smallvec![Test::new(argument, condition)];
        match self {
            Self::OneOf(..) => self.each().iter().map(|value| one(Condition::Is(*value))).collect(),
            Self::AnyBit(bits) => smallvec![one(Condition::AnyBit((*bits).into()))],
        }
    }
}

impl Default for ArgumentsWanted {
    fn default() -> Self {
        Self([ArgumentTest::default(); TYPES])
    }
}

impl ArgumentTest {
    /// Whether all that passes another one passes this, for sure.
    #[must_use]
    pub fn includes(&self, other: &Self) -> bool {
        let flags = self.flags.is_none_or(|this| other.flags.is_some_and(|other| this.includes(other)));
        let value = self.value.is_none_or(|(role, this)| {
            other.value.is_some_and(|(other_role, other)| role == other_role && this.includes(other))
        });
        flags && value
    }

    /// What passes one of two.
    fn or(self, other: Self) -> Self {
        let value = match (self.value, other.value) {
            (Some((role, one)), Some((same, other))) if role == same => one.or(other).map(|both| (role, both)),
            _ => None,
        };
        Self { flags: self.flags.zip(other.flags).map(|(one, other)| one.or(other)), value }
    }
}

impl ArgumentsWanted {
    /// What calls need for an event of a type.
    #[must_use]
    pub fn of(&self, event: EventType) -> ArgumentTest {
        self.0.get(event as usize).copied().unwrap_or_default()
    }

    /// What several sets of rules together leave of each type: no more than each of them asks for.
    #[must_use]
    pub fn by(asked: impl IntoIterator<Item = (EventType, ArgumentTest)>) -> Self {
        let mut all = [None; TYPES];
        for (event, test) in asked {
            let Some(slot) = all.get_mut(event as usize) else { continue };
            *slot = Some(slot.map_or(test, |before: ArgumentTest| before.or(test)));
        }
        Self(all.map(Option::unwrap_or_default))
    }

    /// The tests under which a call is of interest as one of the events that it may become: all of one of them have
    /// to hold.
    #[must_use]
    pub fn alternatives(&self, row: &Syscall, candidate: &Yield) -> SmallVec<[Tests; 4]> {
        let ArgumentTest { flags, value } = self.of(candidate.event);
        // Of a call whose arguments lie in memory, the registers say something else.
        if row.indirection.is_some() || (flags.is_none() && value.is_none()) {
            return smallvec![candidate.when.into()];
        }
        let anything = || smallvec![Tests::new()];
        let by_flags = flags.map_or_else(anything, |wanted| flag_tests(row, wanted));
        let index = |role| row.position(role).and_then(|index| u8::try_from(index).ok());
        let by_value = value.and_then(|(role, values)| Some(values.tests(index(role)?))).unwrap_or_else(anything);
        let mut all = SmallVec::new();
        for flags in &by_flags {
            for value in &by_value {
                all.extend(simplified(flags.iter().chain(value).chain(candidate.when)));
            }
        }
        all
    }
}

/// The tests of which one has to hold so that the event of a call has flags that are wanted; none where it never has.
fn flag_tests(row: &Syscall, wanted: FlagTest) -> SmallVec<[Tests; 4]> {
    // As the event will show them (`decode::flags`): 32 bits of an argument, and what the call implies.
    let implied = row.implied_flags;
    if row.position(Role::Data(Layout::OpenHow)).is_some() || implied & wanted.any != 0 {
        return smallvec![Tests::new()];
    }
    let Some(index) = row.position(Role::Flags) else {
        return if wanted.passes(implied) { smallvec![Tests::new()] } else { smallvec![] };
    };
    let Ok(argument) = u8::try_from(index) else { return smallvec![Tests::new()] };
    let any = wanted.any & 0xffff_ffff;
    let some = (any != 0).then(|| smallvec![Test::new(argument, Condition::AnyBit(any))]);
    let none = (wanted.or_none && implied == 0).then(|| smallvec![Test::new(argument, Condition::Is(0))]);
    some.into_iter().chain(none).collect()
}

/// Without the tests that another one decides; `None` if they never hold together.
fn simplified<'a>(tests: impl Iterator<Item = &'a Test> + Clone) -> Option<Tests> {
    let mut kept = Tests::new();
    for test in tests.clone() {
        let decided = tests.clone().filter(|other| *other != test && other.arg == test.arg);
        let mut answers = decided.filter_map(|other| match other.condition {
            Condition::Is(value) => decides(value, test.condition),
            _ => None,
        });
        match answers.next() {
            Some(false) => return None,
            Some(true) => {}
            None if kept.contains(test) => {}
            None => kept.push(*test),
        }
    }
    Some(kept)
}

/// Whether a condition holds for every argument whose low 32 bits are this; `None` if the others matter.
fn decides(value: u32, condition: Condition) -> Option<bool> {
    match condition {
        Condition::Is(other) => Some(value == other),
        Condition::IsNot(other) => Some(value != other),
        Condition::AnyBit(mask) if u32::try_from(mask).is_ok() => Some(u64::from(value) & mask != 0),
        Condition::NoBit(mask) if u32::try_from(mask).is_ok() => Some(u64::from(value) & mask == 0),
        Condition::AnyBit(_) | Condition::NoBit(_) | Condition::Present => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of(role: Role, values: &[u32]) -> ArgumentTest {
        ArgumentTest { value: Values::one_of(values.iter().copied()).map(|values| (role, values)), flags: None }
    }

    fn alternatives(call: &str, event: EventType, test: ArgumentTest) -> SmallVec<[Tests; 4]> {
        let row = Syscall::named(call).unwrap();
        let candidate = row.yields.iter().find(|candidate| candidate.event == event).unwrap();
        ArgumentsWanted::by([(event, test)]).alternatives(row, candidate)
    }

    fn is(argument: u8, value: u32) -> Tests {
        smallvec![Test::new(argument, Condition::Is(value))]
    }

    #[test]
    fn only_types_of_which_all_ask_for_flags_can_be_told_by_them() {
        let of = |asked: &[Option<FlagTest>]| {
            let tests = asked.iter().map(|flags| (EventType::Open, ArgumentTest { flags: *flags, value: None }));
            ArgumentsWanted::by(tests).of(EventType::Open).flags
        };
        let test = |any, or_none| Some(FlagTest { any, or_none });
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[test(0x41, false)]), test(0x41, false));
        assert_eq!(of(&[test(0x41, false), test(2, true)]), test(0x43, true));
        assert_eq!(of(&[test(0x41, false), None]), None);
        assert_eq!(of(&[None, test(0x41, false)]), None);
        assert!(FlagTest { any: 2, or_none: true }.passes(0) && !FlagTest { any: 2, or_none: true }.passes(1));
    }

    #[test]
    fn values_of_one_argument_add_up_and_those_of_two_do_not() {
        let both = |one, other| ArgumentsWanted::by([(EventType::Ptrace, one), (EventType::Ptrace, other)]);
        let selected = |values: &[u32]| one_of(Role::Selector, values);
        assert_eq!(both(selected(&[16, 4]), selected(&[4, 5])).of(EventType::Ptrace), selected(&[4, 5, 16]));
        assert_eq!(both(selected(&[1]), one_of(Role::SubSelector, &[1])).of(EventType::Ptrace).value, None);
        assert_eq!(both(selected(&[1]), ArgumentTest::default()).of(EventType::Ptrace).value, None);
        assert_eq!(both(selected(&[1, 2, 3, 4]), selected(&[5, 6, 7])).of(EventType::Ptrace).value, None);
    }

    #[test]
    fn a_plan_includes_what_passes_less() {
        let anything = ArgumentTest::default();
        let flags = |any, or_none| ArgumentTest { flags: Some(FlagTest { any, or_none }), value: None };
        let bits = |bits| ArgumentTest { value: Some((Role::Selector, Values::AnyBit(bits))), flags: None };
        let selected = |values: &[u32]| one_of(Role::Selector, values);
        for (more, less) in [
            (anything, flags(1, false)),
            (anything, selected(&[1])),
            (flags(3, true), flags(2, false)),
            (selected(&[1, 2]), selected(&[2])),
            (bits(6), bits(2)),
        ] {
            assert!(more.includes(&less) && more.includes(&more) && !less.includes(&more), "{more:?} {less:?}");
        }
        for (one, other) in [
            (flags(3, false), flags(2, true)),
            (selected(&[1]), one_of(Role::SubSelector, &[1])),
            (selected(&[1]), bits(1)),
            (selected(&[1]), flags(1, true)),
        ] {
            assert!(!one.includes(&other) && !other.includes(&one), "{one:?} {other:?}");
        }
    }

    #[test]
    fn each_value_is_a_test_of_its_own() {
        let ptrace = alternatives("ptrace", EventType::Ptrace, one_of(Role::Selector, &[16, 0x4206]));
        assert_eq!(&*ptrace, [is(0, 16), is(0, 0x4206)]);
        let signal = alternatives("tgkill", EventType::Signal, one_of(Role::Selector, &[9]));
        assert_eq!(&*signal, [is(2, 9)]);
        let never = alternatives("ptrace", EventType::Ptrace, one_of(Role::Selector, &[]));
        assert!(never.is_empty());
    }

    #[test]
    fn what_a_value_decides_is_not_asked_again() {
        const PR_SET_VMA: u32 = 0x5356_4d41;
        let prctl = alternatives("prctl", EventType::Prctl, one_of(Role::Selector, &[15, PR_SET_VMA]));
        assert_eq!(&*prctl, [is(0, 15)]);
        let bits = ArgumentTest { value: Some((Role::Selector, Values::AnyBit(2))), flags: None };
        let mprotect = alternatives("mprotect", EventType::Mprotect, bits);
        let (write, exec) = (Test::new(2, Condition::AnyBit(2)), Test::new(2, Condition::AnyBit(4)));
        assert_eq!(&*mprotect, [Tests::from_slice(&[write, exec])]);
        let bits = ArgumentTest { value: Some((Role::Selector, Values::AnyBit(4))), flags: None };
        assert_eq!(&*alternatives("mprotect", EventType::Mprotect, bits), [Tests::from_slice(&[exec])]);
    }

    #[test]
    fn arguments_in_memory_are_anything() {
        let socket = one_of(Role::Selector, &[17]);
        assert_eq!(&*alternatives("socket", EventType::Socket, socket), [is(0, 17)]);
        // The first argument says which call it is.
        assert_eq!(&*alternatives("socketcall", EventType::Socket, socket), [is(0, 1)]);
        let writes = ArgumentTest { flags: Some(FlagTest { any: 3, or_none: false }), value: None };
        assert_eq!(&*alternatives("openat2", EventType::Open, writes), [Tests::new()]);
        assert_eq!(&*alternatives("creat", EventType::Open, writes), [Tests::new()]);
    }
}
