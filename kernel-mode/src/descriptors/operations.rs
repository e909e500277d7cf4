//! Operations of an io_uring: the descriptors of the calls that they stand for, with where the request has what
//! a call has as arguments.
//!
//! They are kept apart from the table of calls, since a kernel may not show them. Where it does, setting up a ring
//! blinds nobody, so `io_uring_setup` gives no event any more: what cannot be seen into does.

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard;
use lapwing_common::event::EventType;
use lapwing_common::syscall::{Arch, CATALOGUE, Meaning, OPERATIONS, Place, Syscall};

use super::{Limit, Unsupported, descriptor, filtering, place};
use crate::abi::{self, CallFlags, Descriptor, FIRST_OPERATION, Interface};

/// Whether anything is wanted that an operation can become.
pub(crate) fn needs_operations(plan: &FilterPlan) -> bool {
    let mut events = OPERATIONS.iter().filter_map(|operation| operation.row()).flat_map(|row| row.yields);
    events.any(|candidate| plan.events.contains(candidate.event))
}

/// What the table of calls is to have besides, and instead, once operations are seen.
pub(crate) fn when_seen(plan: &FilterPlan) -> Result<Vec<(u32, Descriptor)>, Unsupported> {
    when_seen_on(Arch::NATIVE, plan)
}

fn when_seen_on(kernel: Arch, plan: &FilterPlan) -> Result<Vec<(u32, Descriptor)>, Unsupported> {
    // What is discarded is asked of no operation: what it names may be another file by the time it is done.
    let wanted = FilterPlan { discarders: false, ..*plan };
    let mut table = setup(kernel, &wanted)?;
    for number in 0..abi::OPERATIONS {
        let operation = usize::try_from(number).ok().and_then(|number| OPERATIONS.get(number));
        let found = match operation.map_or(Meaning::Opaque, |operation| operation.meaning) {
            Meaning::Nothing => None,
            Meaning::Opaque => opaque(&wanted)?,
            Meaning::Call { name, places, slot } => call(name, places, slot, kernel, &wanted)?,
        };
        let ends = plan.discarders && operation.is_none_or(|operation| ends_discarders(operation.meaning));
        let found = if ends { Some(ending(found)?) } else { found };
        table.extend(found.map(|found| (FIRST_OPERATION + number, found)));
    }
    Ok(table)
}

/// Whether an operation may give a file another name, or a name another file, at a time that nobody can tell.
fn ends_discarders(meaning: Meaning) -> bool {
    match meaning {
        Meaning::Nothing => false,
        Meaning::Opaque => true,
        Meaning::Call { name, .. } => {
            let row = CATALOGUE.iter().find(|row| row.name == name);
            row.is_none_or(|row| row.yields.iter().any(|candidate| discard::invalidates(candidate.event)))
        }
    }
}

/// The same operation, which ends discarders as it is submitted; nobody hears of it if nobody wanted to.
fn ending(found: Option<Descriptor>) -> Result<Descriptor, Unsupported> {
    let (index, row) = row(filtering::UNSEEN)?;
    let index = u16::try_from(index).ok().ok_or(Unsupported { row: row.name, limit: Limit::Row })?;
    let quiet =
        || Descriptor { flags: (CallFlags::ENABLED | CallFlags::QUIET).bits(), row: index, ..Descriptor::default() };
    let mut found = found.unwrap_or_else(quiet);
    found.flags |= CallFlags::UNSEEN.bits();
    Ok(found)
}

/// `io_uring_setup` on every interface: of interest only where operations are not seen.
fn setup(kernel: Arch, plan: &FilterPlan) -> Result<Vec<(u32, Descriptor)>, Unsupported> {
    let (index, row) = row(filtering::UNSEEN)?;
    let plan = FilterPlan { events: plan.events.without(EventType::Blind), ..*plan };
    let mut table = Vec::new();
    for interface in Interface::ALL {
        let Some(arch) = interface.arch_on(kernel) else { continue };
        let Some(number) = row.number(arch) else { continue };
        table.push((place(row, *interface, number)?, descriptor(index, row, arch, &plan)?.unwrap_or_default()));
    }
    Ok(table)
}

/// Something that nobody can see into, which is said as of `io_uring_setup` elsewhere.
fn opaque(plan: &FilterPlan) -> Result<Option<Descriptor>, Unsupported> {
    let (index, row) = row(filtering::UNSEEN)?;
    let flags = (CallFlags::ENABLED | CallFlags::OPAQUE).bits();
    let index = u16::try_from(index).ok().ok_or(Unsupported { row: row.name, limit: Limit::Row })?;
    Ok(plan.events.contains(EventType::Blind).then(|| Descriptor { flags, row: index, ..Descriptor::default() }))
}

fn call(
    name: &'static str,
    places: &[Place],
    slot: Place,
    kernel: Arch,
    plan: &FilterPlan,
) -> Result<Option<Descriptor>, Unsupported> {
    let (index, row) = row(name)?;
    // Whichever interface the process has, a submission has one layout.
    let Some(mut found) = descriptor(index, row, kernel, plan)? else { return Ok(None) };
    for (argument, place) in found.args.iter_mut().zip(places) {
        argument.place = *place as u8;
    }
    found.result_slot = slot as u8;
    Ok(Some(found))
}

fn row(name: &'static str) -> Result<(usize, &'static Syscall), Unsupported> {
    let found = CATALOGUE.iter().enumerate().find(|(_, row)| row.name == name);
    found.ok_or(Unsupported { row: name, limit: Limit::Row })
}

#[cfg(test)]
mod tests {
    use lapwing_common::engine::EventSet;

    use super::*;

    fn table(plan: &FilterPlan) -> Vec<(u32, Descriptor)> {
        when_seen_on(Arch::X86_64, plan).unwrap()
    }

    fn at(table: &[(u32, Descriptor)], index: u32) -> Option<Descriptor> {
        table.iter().find(|(place, _)| *place == index).map(|(_, found)| *found)
    }

    const SETUP: u32 = 425;
    // Of linux/io_uring.h.
    const OPENAT: u32 = 18;
    const READ: u32 = 22;
    const CONNECT: u32 = 16;
    const URING_CMD: u32 = 46;
    const RENAMEAT: u32 = 35;
    const UNLINKAT: u32 = 36;
    const LINKAT: u32 = 39;

    #[test]
    fn an_operation_is_the_call_that_it_stands_for() {
        let table = table(&FilterPlan::default());
        let openat = at(&table, FIRST_OPERATION + OPENAT).unwrap();
        assert_eq!(CATALOGUE[usize::from(openat.row)].name, "openat");
        let places = openat.args.map(|argument| argument.place);
        assert_eq!(places, [2, 3, 4, 5, 0, 0]);
        assert_eq!(openat.result_slot, Place::OpenSlot as u8);
        assert_eq!(at(&table, FIRST_OPERATION + READ), None);
    }

    #[test]
    fn a_ring_blinds_nobody_but_its_commands_do() {
        let plan = FilterPlan::default();
        let opaque = (CallFlags::ENABLED | CallFlags::OPAQUE).bits();
        assert_eq!(at(&table(&plan), SETUP), Some(Descriptor::default()));
        for number in [URING_CMD, abi::OPERATIONS - 1] {
            assert_eq!(at(&table(&plan), FIRST_OPERATION + number).unwrap().flags, opaque);
        }
    }

    #[test]
    fn what_renames_or_cannot_be_seen_into_ends_discarders_and_a_ring_does_not() {
        let events = EventSet::NONE.with(EventType::Open).with(EventType::Rename);
        let with_discarders = table(&FilterPlan { discarders: true, events, ..FilterPlan::default() });
        assert_eq!(at(&with_discarders, SETUP), Some(Descriptor::default()));
        let flags =
            |number| CallFlags::from_bits(at(&with_discarders, FIRST_OPERATION + number).unwrap().flags).unwrap();
        assert!(
            flags(RENAMEAT).contains(CallFlags::ENABLED | CallFlags::UNSEEN)
                && !flags(RENAMEAT).contains(CallFlags::QUIET)
        );
        for number in [UNLINKAT, LINKAT, URING_CMD, abi::OPERATIONS - 1] {
            assert!(flags(number).contains(CallFlags::ENABLED | CallFlags::UNSEEN | CallFlags::QUIET), "{number}");
        }
        assert!(!flags(OPENAT).contains(CallFlags::UNSEEN));
        assert_eq!(at(&with_discarders, FIRST_OPERATION + READ), None);
    }

    #[test]
    fn only_what_is_wanted() {
        let only = |event| FilterPlan { events: EventSet::NONE.with(event), ..FilterPlan::default() };
        assert!(needs_operations(&only(EventType::Connect)) && !needs_operations(&only(EventType::Prctl)));
        let table = table(&only(EventType::Connect));
        assert!(at(&table, FIRST_OPERATION + CONNECT).is_some());
        assert_eq!(table.iter().filter(|(place, _)| *place >= FIRST_OPERATION).count(), 1);
    }
}
