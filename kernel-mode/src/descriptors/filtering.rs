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
pub(super) const UNSEEN: &str = "io_uring_setup";

/// Whether success means that files may be changed unseen.
pub(super) fn ends_discarders(row: &Syscall) -> bool {
    row.name == UNSEEN
}

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
    plan.discarders && (discard::invalidates(event) || ends_discarders(row))
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
    flags.set(CallFlags::UNSEEN, plan.discarders && ends_discarders(row));
    debug_assert!(matches!(row.product, Product::Nothing | Product::File) || !flags.contains(CallFlags::QUIET));
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
            EventType::Mount if row.product == Product::File => None,
            EventType::Mount if row.position(Role::Source).is_none() => Some(0),
            EventType::Mount => Some(MS_MOVE),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lapwing_common::engine::EventSet;
    use lapwing_common::syscall::CATALOGUE;

    use super::*;

    fn named(name: &str, plan: &FilterPlan) -> Filtered {
        of(CATALOGUE.iter().find(|row| row.name == name).unwrap(), plan)
    }

    const CONSEQUENCES: CallFlags =
        CallFlags::QUIET.union(CallFlags::FIRST_QUIET).union(CallFlags::UPHEAVAL).union(CallFlags::UNSEEN);

    #[test]
    fn types_and_flags() {
        let plan = FilterPlan::default();
        let said = |name| {
            let found = named(name, &plan);
            (found.r#type, found.first_type, found.flags_arg, found.implied_flags)
        };
        let open = EventType::Open as u8;
        assert_eq!(said("open"), (open, 0, 1, 0));
        assert_eq!(said("openat2"), (open, 0, 2, 0));
        assert_eq!(said("creat"), (open, 0, NO_ARGUMENT, 0o1101));
        assert_eq!(said("unlinkat"), (EventType::Rmdir as u8, EventType::Unlink as u8, 2, 0));
        assert_eq!(named("unlinkat", &plan).first_when.value, 0x200);
        assert_eq!(said("umount2").0, EventType::Umount as u8);
        for other in ["kill", "socketcall", "execve"] {
            assert_eq!(said(other).0, 0, "{other}");
        }
    }

    #[test]
    fn without_discarders_nothing_is_looked_at_for_their_sake() {
        let plan = FilterPlan { events: EventSet::NONE, ..FilterPlan::default() };
        for row in CATALOGUE {
            assert!(!of(row, &plan).flags.intersects(CONSEQUENCES), "{}", row.name);
        }
    }

    #[test]
    fn what_nobody_wants_is_quiet() {
        let events = EventSet::NONE.with(EventType::Unlink);
        let plan = FilterPlan { events, discarders: true, ..FilterPlan::default() };
        let said = |name| named(name, &plan).flags & CONSEQUENCES;
        assert_eq!(said("unlink"), CallFlags::empty());
        assert_eq!(said("unlinkat"), CallFlags::QUIET, "with AT_REMOVEDIR");
        assert_eq!(said("rename"), CallFlags::QUIET);
        assert_eq!(said("setns"), CallFlags::QUIET | CallFlags::UPHEAVAL);
        assert_eq!(said("io_uring_setup"), CallFlags::QUIET | CallFlags::UNSEEN);
        assert_eq!(named("chroot", &plan).flags & CONSEQUENCES, CallFlags::empty());
        assert_eq!(said("chmod"), CallFlags::empty());
        assert_eq!((named("mount", &plan).upheaval, named("move_mount", &plan).upheaval), (MS_MOVE, 0));
        assert_eq!(named("unshare", &plan).upheaval, CLONE_NEWNS);
        assert_eq!(said("open_tree"), CallFlags::QUIET, "a new mount, which is not put anywhere");
    }
}
