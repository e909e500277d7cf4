//! What filters and discarders have to know of a call.

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard;
use lapwing_common::event::EventType;
use lapwing_common::syscall::{Last, Layout, Product, Role, Slot, Syscall};

use super::test;
use crate::abi::{self, CallFlags, NO_ARGUMENT};

// Of linux/mount.h and linux/sched.h.
const MS_MOVE: u32 = 0x2000;
const CLONE_NEWNS: u32 = 0x0002_0000;

/// Sets up something that changes files without system calls.
const UNSEEN: &str = "io_uring_setup";

/// The members of a descriptor that are about filters.
pub(super) struct Filtered {
    pub(super) flags: CallFlags,
    pub(super) r#type: u8,
    pub(super) first_type: u8,
    pub(super) first_when: abi::Test,
    pub(super) flags_arg: u8,
    pub(super) implied_flags: u32,
    pub(super) upheaval: u32,
}

/// Whether a call has to be looked at for the sake of discarders.
pub(super) fn is_upkeep(row: &Syscall, event: EventType, plan: &FilterPlan) -> bool {
    plan.discarders && (discard::invalidates(event) || row.name == UNSEEN)
}

/// These members for a row.
pub(super) fn of(row: &Syscall, plan: &FilterPlan) -> Filtered {
    // Rows of more alternatives than two are about sockets, which no filter is about.
    let (first, rest) = match row.yields {
        [first, rest] => (Some(first), Some(rest)),
        [only] => (None, Some(only)),
        _ => (None, None),
    };
    let number = |event: EventType| {
        let matters = event.is_filtered() || discard::invalidates(event);
        if matters { event as u8 } else { 0 }
    };
    let quiet = |event: EventType| is_upkeep(row, event, plan) && !plan.events.contains(event);
    let mut flags = CallFlags::empty();
    flags.set(CallFlags::QUIET, rest.is_some_and(|rest| quiet(rest.event)));
    flags.set(CallFlags::FIRST_QUIET, first.is_some_and(|first| quiet(first.event)));
    flags.set(CallFlags::CREATES, row.args.contains(&Role::Path(Slot::File, Last::Create)));
    let upheaval = upheaval(row);
    flags.set(CallFlags::UPHEAVAL, plan.discarders && upheaval.is_some());
    flags.set(CallFlags::UNSEEN, plan.discarders && row.name == UNSEEN);
    debug_assert!(row.product == Product::Nothing || !flags.contains(CallFlags::QUIET));
    let flags_at = row.position(Role::Flags).or_else(|| row.position(Role::Data(Layout::OpenHow)));
    Filtered {
        flags,
        r#type: rest.map_or(0, |rest| number(rest.event)),
        first_type: first.map_or(0, |first| number(first.event)),
        first_when: first.and_then(|first| first.when.first()).map(test).unwrap_or_default(),
        flags_arg: flags_at.and_then(|index| u8::try_from(index).ok()).unwrap_or(NO_ARGUMENT),
        implied_flags: u32::try_from(row.implied_flags).unwrap_or(u32::MAX),
        upheaval: upheaval.unwrap_or(0),
    }
}

/// Whether success ends all discarders; of calls with flags, which of these must be set.
fn upheaval(row: &Syscall) -> Option<u32> {
    match row.yields {
        [only] => match only.event {
            EventType::PivotRoot | EventType::Setns => Some(0),
            EventType::Unshare => Some(CLONE_NEWNS),
            // What was mounted somewhere, with all that is mounted below it, is somewhere else then.
            EventType::Mount if row.position(Role::Source).is_none() => Some(0),
            EventType::Mount => Some(MS_MOVE),
            _ => None,
        },
        _ => None,
    }
}
