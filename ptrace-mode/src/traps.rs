//! From the catalogue and a filter plan to what stops a tracee.
//!
//! Only rows whose events somebody wants are trapped, and with their argument tests, so that the
//! kernel decides most calls without a stop. A few rows are trapped whatever is wanted, because
//! without them what Lapwing says about a process would become wrong: exec, changes of credentials,
//! of the command name, of root directories and mounts, and ways out of sight. They are rare. Where there
//! may be discarders, calls that make one wrong are trapped too (removals, renames, links). Where somebody wants to
//! know of all calls that are made, all are trapped, and the tracer itself goes by the tests.

use lapwing_common::backend::{FilterPlan, Interest, Tests};
use lapwing_common::discard;
use lapwing_common::engine::EventSet;
use lapwing_common::event::EventType;
use lapwing_common::syscall::{
    Arch, CATALOGUE, CLONE_NEWNS, CLONE_PARENT, CLONE_VFORK, CLONE_VM, Condition, Layout, NUMBERS, Product, Role, Slot,
    Syscall, Test, X32_BIT,
};
use smallvec::SmallVec;

use crate::seccomp::{Action, Trap};

/// `PR_SET_NAME` of linux/prctl.h.
const SETS_NAME: &[Test] = &[Test::new(0, Condition::Is(15))];
/// A child of any other `clone` is the child of who made it, and has its root: that need not be asked.
const ODD_CHILD: &[Test] = &[Test::new(0, Condition::AnyBit(CLONE_NEWNS | CLONE_PARENT))];

/// A child that shares the memory of one who goes on running: what it passes to a call is not its own.
const SHARES_MEMORY: &[Test] =
    &[Test::new(0, Condition::AnyBit(CLONE_VM)), Test::new(0, Condition::NoBit(CLONE_VFORK))];

/// What the filter has to stop for a plan, on every interface that a process can reach.
#[must_use]
pub fn traps(plan: &FilterPlan) -> Vec<Trap> {
    traps_by(plan, |_row| Action::Trace(0), &[])
}

/// Likewise for a filter with a listener: calls that filters may well drop wait for its answer instead. Which thread
/// shares its memory has to be known then, so more of `clone` stops.
#[must_use]
pub(crate) fn traps_with_listener(plan: &FilterPlan, answered: EventSet) -> Vec<Trap> {
    let action = |row: &Syscall| if is_answered(row, answered) { Action::Notify } else { Action::Trace(0) };
    traps_by(plan, action, &[SHARES_MEMORY])
}

/// A path that most programs use. Where rules are about that, they may be about any.
const USUAL: &[u8] = b"/usr/lib/libc.so.6";

/// The types of events whose calls are to wait for a listener: those of which nobody wants to hear for most paths. To be
/// reported, such a call takes longer than one that stops.
pub(crate) fn answered(plan: &FilterPlan, interest: Option<&dyn Interest>) -> EventSet {
    let Some(interest) = interest.filter(|_| !plan.syscalls) else { return EventSet::NONE };
    let is_answered = |event: &EventType| {
        plan.events.contains(*event)
            && event.is_discardable()
            && !discard::invalidates(*event)
            && !is_essential(*event)
            && interest.is_indifferent(*event, USUAL)
    };
    let answered: EventSet = EventType::ALL.into_iter().filter(is_answered).collect();
    // Where there is a listener an exec need not stop before it is made: it does so with its new program, or its error.
    if answered == EventSet::NONE { answered } else { answered.with(EventType::Exec) }
}

/// Whether calls of a row wait for the listener, where there is one for these types of events. Not calls whose flags are
/// in memory: the kernel would read them once more. Nor those of which no file is known before they are made, but for
/// programs, which are known afterwards.
pub(crate) fn is_answered(row: &Syscall, answered: EventSet) -> bool {
    row.indirection.is_none()
        && matches!(row.product, Product::Nothing | Product::File | Product::Program)
        && row.position(Role::Data(Layout::OpenHow)).is_none()
        && row.args.iter().any(|role| matches!(role, Role::Path(Slot::File, _) | Role::Fd(Slot::File)))
        && row.yields.iter().all(|candidate| answered.contains(candidate.event))
}

/// Traps by what is to be done about a row, and what more of `clone` has to stop.
pub(crate) fn traps_by(plan: &FilterPlan, action: impl Fn(&Syscall) -> Action, clones: &[&[Test]]) -> Vec<Trap> {
    if plan.syscalls {
        return every_number().collect();
    }
    let mut traps = Vec::new();
    for row in CATALOGUE {
        let Some(mut tests) = tests(row, plan) else { continue };
        if clones_by_flags(row) {
            tests.extend(clones.iter().map(|all| Tests::from_slice(all)));
        }
        for arch in Arch::NATIVE.reachable() {
            if let Some(number) = row.number(*arch) {
                traps.push(Trap {
                    arch: *arch,
                    number,
                    tests: tests.iter().map(|all| all.to_vec()).collect(),
                    action: action(row),
                });
            }
        }
    }
    traps
}

/// A trap for every number that there is: whichever call is made, it is seen once.
fn every_number() -> impl Iterator<Item = Trap> {
    let traps = |arch: Arch| {
        let bit = if arch == Arch::X32 { X32_BIT } else { 0 };
        (0..NUMBERS).map(move |number| Trap { arch, number: number | bit, tests: Vec::new(), action: Action::Trace(0) })
    };
    Arch::NATIVE.reachable().iter().copied().flat_map(traps)
}

/// Whether a call has to be looked at, for the sake of more than that it was made. The filter says so, unless it stops
/// every call.
pub(crate) fn is_wanted(row: &Syscall, plan: &FilterPlan, args: &[u64; 6]) -> bool {
    row.indirection.is_some()
        || tests(row, plan).is_some_and(|any| any.iter().any(|all| all.iter().all(|test| test.holds(args))))
}

/// The alternatives under which a row stops; `None` when it never does.
fn tests(row: &Syscall, plan: &FilterPlan) -> Option<SmallVec<[Tests; 4]>> {
    let essential = matches!(row.product, Product::Program | Product::Credentials);
    let mut alternatives: SmallVec<[Tests; 4]> = SmallVec::new();
    for candidate in row.yields {
        let upkeep = plan.discarders && discard::invalidates(candidate.event);
        if essential || upkeep || is_essential(candidate.event) {
            alternatives.push(candidate.when.into());
        } else if plan.events.contains(candidate.event) {
            alternatives.extend(plan.arguments.alternatives(row, candidate));
            // Names are followed, whatever options rules ask for.
            if candidate.event == EventType::Prctl && plan.arguments.of(candidate.event).value.is_some() {
                alternatives.push(SETS_NAME.into());
            }
        } else if candidate.event == EventType::Prctl {
            alternatives.push(SETS_NAME.into());
        }
    }
    if clones_by_flags(row) {
        alternatives.push(ODD_CHILD.into());
    }
    (!alternatives.is_empty()).then_some(alternatives)
}

/// Whether it is `clone`, whose flags a filter can test. Those of `clone3` are in memory.
pub(crate) fn clones_by_flags(row: &Syscall) -> bool {
    row.yields.iter().any(|candidate| candidate.event == EventType::Blind) && row.args.first() == Some(&Role::Flags)
}

/// What changes how a process's paths are to be read, and what would hide something.
pub(crate) fn is_essential(event: EventType) -> bool {
    matches!(
        event,
        EventType::Blind
            | EventType::Chroot
            | EventType::Setns
            | EventType::Unshare
            | EventType::PivotRoot
            | EventType::Mount
            | EventType::Umount
    )
}

/// Rows by interface and number, for the stop path.
#[derive(Debug)]
pub(crate) struct Rows {
    by_arch: Vec<(Arch, Vec<Option<&'static Syscall>>)>,
}

impl Default for Rows {
    fn default() -> Self {
        let by_arch = Arch::NATIVE.reachable().iter().map(|arch| (*arch, table(*arch))).collect();
        Self { by_arch }
    }
}

fn table(arch: Arch) -> Vec<Option<&'static Syscall>> {
    let mut table = Vec::new();
    for row in CATALOGUE {
        let Some(index) = row.number(arch).and_then(|number| usize::try_from(number & !X32_BIT).ok()) else { continue };
        if table.len() <= index {
            table.resize(index + 1, None);
        }
        table[index] = Some(row);
    }
    table
}

impl Rows {
    /// The row of a call; `None` when the catalogue has none.
    #[must_use]
    pub(crate) fn get(&self, arch: Arch, number: u32) -> Option<&'static Syscall> {
        let (_, table) = self.by_arch.iter().find(|(candidate, _)| *candidate == arch)?;
        table.get(usize::try_from(number & !X32_BIT).ok()?).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use lapwing_common::backend::{ArgumentTest, ArgumentsWanted, FlagTest, Values};
    use lapwing_common::event::File;
    use lapwing_common::ids::Timestamp;

    use super::*;

    fn trapped(events: EventSet) -> Vec<&'static str> {
        let plan = FilterPlan { events, ..FilterPlan::default() };
        let rows = Rows::default();
        let mut names: Vec<_> = traps(&plan)
            .iter()
            .filter(|trap| trap.arch == Arch::NATIVE)
            .filter_map(|trap| rows.get(trap.arch, trap.number).map(|row| row.name))
            .collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn a_plan_for_all_calls_stops_each_and_looks_closer_at_what_is_wanted_only() {
        let plan =
            FilterPlan { events: EventSet::NONE.with(EventType::Mkdir), syscalls: true, ..FilterPlan::default() };
        let traps = traps(&plan);
        for arch in Arch::NATIVE.reachable() {
            assert_eq!(traps.iter().filter(|trap| trap.arch == *arch && trap.tests.is_empty()).count(), 1024);
        }
        let length = crate::seccomp::compile(&traps, Arch::NATIVE.reachable(), crate::seccomp::FOREIGN).unwrap().len();
        assert!(length < 64, "{length}");
        let wanted = |name, args| is_wanted(Syscall::named(name).unwrap(), &plan, &args);
        assert!(wanted("mkdirat", [0; 6]) && wanted("execve", [0; 6]) && !wanted("openat", [0; 6]));
        assert!(wanted("prctl", [15, 0, 0, 0, 0, 0]) && !wanted("prctl", [1, 0, 0, 0, 0, 0]));
    }

    #[test]
    fn a_plan_for_exec_does_not_stop_files_or_sockets() {
        let names = trapped(EventSet::NONE.with(EventType::Exec));
        assert!(names.contains(&"execve") && names.contains(&"execveat"));
        for absent in ["openat", "open", "connect", "mmap", "unlink", "kill"] {
            assert!(!names.contains(&absent), "{absent}");
        }
    }

    #[test]
    fn what_keeps_processes_right_is_always_trapped() {
        let names = trapped(EventSet::NONE);
        for present in
            ["execve", "setuid", "setresgid", "capset", "prctl", "chroot", "setns", "io_uring_setup", "clone3"]
        {
            assert!(names.contains(&present), "{present}");
        }
    }

    #[test]
    fn what_makes_discarders_wrong_is_trapped_where_there_may_be_some() {
        let trapped = |discarders| {
            let plan = FilterPlan { events: EventSet::NONE, discarders, ..FilterPlan::default() };
            traps(&plan)
        };
        let rows = Rows::default();
        let names = |traps: Vec<Trap>| -> Vec<_> {
            traps.iter().filter_map(|trap| rows.get(trap.arch, trap.number).map(|row| row.name)).collect()
        };
        let (with, without) = (names(trapped(true)), names(trapped(false)));
        for name in ["unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2", "link", "linkat"] {
            assert!(with.contains(&name) && !without.contains(&name), "{name}");
        }
        assert!(with.contains(&"umount2") && with.contains(&"mount"));
        assert!(!with.contains(&"openat"));
    }

    #[test]
    fn a_name_is_all_that_an_unwanted_prctl_stops_for() {
        let plan = FilterPlan { events: EventSet::NONE, ..FilterPlan::default() };
        let number = Syscall::named("prctl").unwrap().number(Arch::NATIVE).unwrap();
        let trap = traps(&plan).into_iter().find(|trap| trap.arch == Arch::NATIVE && trap.number == number).unwrap();
        assert_eq!(trap.tests, [SETS_NAME]);
    }

    #[test]
    fn openings_without_the_flags_that_are_wanted_do_not_stop() {
        // O_WRONLY or O_CREAT; or no flag at all.
        let writes = FlagTest { any: 0o101, or_none: false };
        let reads = FlagTest { any: 0, or_none: true };
        let plan = |wanted| FilterPlan {
            events: EventSet::NONE.with(EventType::Open).with(EventType::Chmod),
            arguments: ArgumentsWanted::by([(EventType::Open, ArgumentTest { flags: Some(wanted), value: None })]),
            ..FilterPlan::default()
        };
        let stops =
            |plan: &FilterPlan, name: &str, args: [u64; 6]| is_wanted(Syscall::named(name).unwrap(), plan, &args);
        let (writes, reads) = (plan(writes), plan(reads));
        for (name, args, by_writes, by_reads) in [
            ("openat", [0, 0, 0, 0, 0, 0], false, true),
            ("openat", [0, 0, 0o2_000_000, 0, 0, 0], false, false),
            ("openat", [0, 0, 0o100, 0, 0, 0], true, false),
            ("open", [0, 1, 0, 0, 0, 0], true, false),
            ("creat", [0; 6], true, false),
            // The flags are in memory.
            ("openat2", [0; 6], true, true),
            ("chmod", [0; 6], true, true),
        ] {
            assert_eq!(
                (stops(&writes, name, args), stops(&reads, name, args)),
                (by_writes, by_reads),
                "{name} {args:?}"
            );
        }
        // The filter says the same.
        let number = Syscall::named("openat").unwrap().number(Arch::NATIVE).unwrap();
        let trap = traps(&writes).into_iter().find(|one| one.arch == Arch::NATIVE && one.number == number).unwrap();
        assert_eq!(trap.tests, [vec![Test::new(2, Condition::AnyBit(0o101))]]);
    }

    #[test]
    fn requests_that_no_rule_asks_for_do_not_stop() {
        let asked = |values: &[u32]| ArgumentTest {
            value: Values::one_of(values.iter().copied()).map(|values| (Role::Selector, values)),
            flags: None,
        };
        let plan = FilterPlan {
            events: [EventType::Ptrace, EventType::Prctl, EventType::Socket].into_iter().collect(),
            arguments: ArgumentsWanted::by([
                (EventType::Ptrace, asked(&[16])),
                (EventType::Prctl, asked(&[4])),
                (EventType::Socket, asked(&[17])),
            ]),
            ..FilterPlan::default()
        };
        let stops = |name, first| is_wanted(Syscall::named(name).unwrap(), &plan, &[first, 0, 0, 0, 0, 0]);
        assert!(stops("ptrace", 16) && !stops("ptrace", 0));
        assert!(stops("socket", 17) && stops("socket", 17 | 1 << 32) && !stops("socket", 2));
        // The command name is followed, whoever asks for it.
        assert!(stops("prctl", 4) && stops("prctl", 15) && !stops("prctl", 1));
        assert!(traps(&plan).iter().filter(|trap| trap.arch == Arch::NATIVE).all(|trap| {
            let names = Rows::default().get(trap.arch, trap.number).map(|row| row.name);
            names != Some("ptrace") || trap.tests == [vec![Test::new(0, Condition::Is(16))]]
        }));
    }

    /// Rules about paths below one directory, and of `chmod` about any.
    #[derive(Debug)]
    struct Below;

    impl Interest for Below {
        fn is_indifferent(&self, event: EventType, path: &[u8]) -> bool {
            event != EventType::Chmod && !path.starts_with(b"/srv/")
        }

        fn passed(&self, _event: EventType, _file: &File, _at: Timestamp) {}
    }

    #[test]
    fn calls_wait_for_an_answer_where_most_are_of_no_interest_and_nothing_depends_on_them() {
        let wanted = [EventType::Open, EventType::Chmod, EventType::Mkdir, EventType::Unlink];
        let events = wanted.into_iter().fold(EventSet::NONE, EventSet::with);
        let plan = FilterPlan { events, discarders: true, ..FilterPlan::default() };
        let answered = answered(&plan, Some(&Below));
        let expected = [EventType::Open, EventType::Mkdir, EventType::Exec];
        assert_eq!(answered, expected.into_iter().collect());
        let every = FilterPlan { syscalls: true, ..plan };
        assert_eq!([super::answered(&plan, None), super::answered(&every, Some(&Below))], [EventSet::NONE; 2]);
        let traps = traps_with_listener(&plan, answered);
        let action = |name: &str| {
            let number = Syscall::named(name).unwrap().number(Arch::NATIVE).unwrap();
            traps.iter().find(|one| one.arch == Arch::NATIVE && one.number == number).unwrap().action
        };
        for (name, expected) in [
            ("openat", Action::Notify),
            ("ftruncate", Action::Notify),
            ("mkdirat", Action::Notify),
            ("execve", Action::Notify),
            // Its flags are in memory; its file is not named; rules are about any; it ends discarders.
            ("openat2", Action::Trace(0)),
            ("memfd_create", Action::Trace(0)),
            ("fchmodat", Action::Trace(0)),
            ("unlinkat", Action::Trace(0)),
        ] {
            assert_eq!(action(name), expected, "{name}");
        }
        // Who shares memory is seen, but not whoever waits for the one that does.
        let number = Syscall::named("clone").unwrap().number(Arch::NATIVE).unwrap();
        let clone = traps.iter().find(|one| one.arch == Arch::NATIVE && one.number == number).unwrap();
        let stops = |flags| clone.tests.iter().any(|all| all.iter().all(|test| test.holds(&[flags, 0, 0, 0, 0, 0])));
        assert!(stops(CLONE_VM) && !stops(CLONE_VM | CLONE_VFORK) && !stops(17));
    }

    #[test]
    fn every_interface_has_its_rows() {
        let rows = Rows::default();
        for arch in Arch::NATIVE.reachable() {
            for row in CATALOGUE {
                if let Some(number) = row.number(*arch) {
                    assert_eq!(rows.get(*arch, number).map(|found| found.name), Some(row.name));
                }
            }
        }
    }
}
