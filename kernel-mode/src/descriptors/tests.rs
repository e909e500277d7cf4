//! The table of a plan, by example and as a whole.

use std::fmt::Write as _;

use bitflags::Flags;
use lapwing_common::backend::{ArgumentTest, ArgumentsWanted, Values};
use lapwing_common::engine::EventSet;
use lapwing_common::syscall::{Slot, Yield};

use super::*;
use crate::abi::{Argument, Condition, DESCRIPTORS, INTERFACES};

const KERNELS: [Arch; 2] = [Arch::X86_64, Arch::Aarch64];

fn plan(events: EventSet) -> FilterPlan {
    FilterPlan { events, ..FilterPlan::default() }
}

fn only(events: &[EventType]) -> Vec<(u32, Descriptor)> {
    table_on(Arch::X86_64, &plan(events.iter().copied().collect())).unwrap()
}

fn at(table: &[(u32, Descriptor)], index: u32) -> Descriptor {
    table.iter().find(|(place, _)| *place == index).unwrap().1
}

/// The descriptor of a row on the native interface of x86-64.
fn native(events: &[EventType], name: &str) -> Descriptor {
    at(&only(events), Syscall::named(name).unwrap().numbers.x86_64.unwrap())
}

fn names(table: &[(u32, Descriptor)]) -> Vec<&'static str> {
    let mut names: Vec<_> = table.iter().map(|(_, descriptor)| CATALOGUE[usize::from(descriptor.row)].name).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What is asked of the arguments.
fn asked(tests: &[abi::Test], count: u8) -> Vec<(Condition, u8, u64)> {
    let used = &tests[..usize::from(count)];
    used.iter().map(|test| (test.condition.try_into().unwrap(), test.arg, test.value)).collect()
}

fn lower<F: Flags>(flags: F) -> String {
    flags.iter_names().map(|(name, _)| format!(" {}", name.to_lowercase())).collect()
}

fn argument(argument: &Argument) -> String {
    let role = abi::Role::try_from(argument.role).unwrap();
    if role == abi::Role::None {
        return "-".to_owned();
    }
    let mut text = format!("{role:?}").to_lowercase();
    if matches!(role, abi::Role::Path | abi::Role::Fd) {
        text.push_str(if argument.slot == 0 { "" } else { " second" });
    }
    if matches!(role, abi::Role::Text | abi::Role::Data) {
        write!(text, " {}", argument.size).unwrap();
    }
    if argument.at_flags != NO_ARGUMENT {
        write!(text, " at{}", argument.at_flags).unwrap();
    }
    text + &lower(ArgumentFlags::from_bits(argument.flags).unwrap())
}

/// All that a descriptor says, in a line.
fn said(descriptor: &Descriptor) -> String {
    let flags = CallFlags::from_bits(descriptor.flags).unwrap() - CallFlags::ENABLED;
    let mut text = format!("{}:{}", CATALOGUE[usize::from(descriptor.row)].name, lower(flags));
    let used = descriptor.args.iter().rposition(|argument| argument.role != 0).map_or(0, |last| last + 1);
    let args: Vec<_> = descriptor.args[..used].iter().map(argument).collect();
    write!(text, " ({})", args.join(", ")).unwrap();
    for (what, tests) in [
        ("if", asked(&descriptor.tests, descriptor.tests_count)),
        ("read if", asked(&descriptor.reads, descriptor.reads_count)),
    ] {
        for (condition, arg, value) in tests {
            write!(text, " {what} {arg} {condition:?} {value:#x}").unwrap();
        }
    }
    for error in descriptor.errors.iter().filter(|error| **error != 0) {
        write!(text, " error {error}").unwrap();
    }
    if flags.contains(CallFlags::INDIRECT) {
        write!(text, " from {} by {} at {}", descriptor.pointer, descriptor.selector, descriptor.redirect).unwrap();
    }
    if descriptor.words > 0 {
        write!(text, " words {}", descriptor.words).unwrap();
    }
    text
}

#[test]
fn every_row_of_the_catalogue_fits() {
    for kernel in KERNELS {
        let table = table_on(kernel, &plan(EventSet::ALL)).unwrap();
        assert!(table.is_sorted_by(|(before, _), (after, _)| before < after), "a place is taken twice");
        assert!(table.iter().all(|(place, _)| *place < DESCRIPTORS));
        let redirected = table.iter().filter(|(place, _)| *place >= INTERFACES * NUMBERS).count();
        assert_eq!(redirected, if kernel == Arch::X86_64 { 7 } else { 0 });
        for row in CATALOGUE {
            for arch in kernel.reachable() {
                assert_eq!(arguments::of(row, *arch, true).err(), None, "{}", row.name);
            }
            let wanted = !HIDES_FROM_PTRACE.contains(&row.name);
            let reachable = kernel.reachable().iter().any(|arch| row.number(*arch).is_some());
            assert_eq!(names(&table).contains(&row.name), wanted && reachable, "{}", row.name);
        }
    }
}

/// Places with the same descriptor stand together.
#[test]
fn the_whole_table_of_x86_64() {
    let mut lines: Vec<(u16, String, String)> = Vec::new();
    for (place, descriptor) in table_on(Arch::X86_64, &plan(EventSet::ALL)).unwrap() {
        let text = said(&descriptor);
        match lines.iter_mut().find(|(_, _, known)| *known == text) {
            Some((_, places, _)) => write!(places, " {place}").unwrap(),
            None => lines.push((descriptor.row, place.to_string(), text)),
        }
    }
    lines.sort();
    let lines: Vec<_> = lines.into_iter().map(|(_, places, text)| format!("{places} {text}")).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_empty_plan_keeps_processes_right_and_nothing_else() {
    let table = only(&[]);
    let others: Vec<_> = names(&table)
        .into_iter()
        .filter(|name| !name.starts_with("set") && !["execve", "execveat", "capset", "prctl"].contains(name))
        .collect();
    assert_eq!(others, [""; 0]);
    for (_, descriptor) in &table {
        let row = &CATALOGUE[usize::from(descriptor.row)];
        assert!(matches!(row.product, Product::Program | Product::Credentials) || row.name == "prctl", "{}", row.name);
    }
    for present in ["execve", "execveat", "setuid", "setfsgid32", "capset", "prctl"] {
        assert!(names(&table).contains(&present), "{present}");
    }
    assert!(!needs_early(&table));
}

#[test]
fn openat() {
    let openat = native(&[EventType::Open], "openat");
    assert_eq!(CallFlags::from_bits(openat.flags), Some(CallFlags::ENABLED | CallFlags::MAKES_FILE));
    assert_eq!(CATALOGUE[usize::from(openat.row)].name, "openat");
    assert_eq!(openat.args[0].role, u8::from(abi::Role::None));
    let path = Argument {
        role: abi::Role::Path.into(),
        slot: 0,
        flags: (ArgumentFlags::DIRFD | ArgumentFlags::NULL_OK).bits(),
        at_flags: NO_ARGUMENT,
        size: 4095,
        ..Argument::default()
    };
    assert_eq!(openat.args[1], path);
    assert_eq!((openat.tests_count, openat.reads_count, openat.errors), (0, 0, [0; 4]));
}

#[test]
fn only_the_old_name_of_renameat2_is_looked_at_before() {
    let table = only(&[EventType::Rename]);
    assert!(needs_early(&table));
    let renameat2 = native(&[EventType::Rename], "renameat2");
    assert_eq!(
        said(&renameat2),
        "renameat2: early (-, path dirfd nofollow early null_ok, -, path second dirfd create null_ok)"
    );
}

#[test]
fn socketcall_leads_to_what_is_wanted() {
    let table = only(&[EventType::Bind]);
    let socketcall = at(&table, NUMBERS + 102);
    assert_eq!((socketcall.selector, socketcall.pointer, socketcall.redirect), (0, 1, 3072));
    assert_eq!(asked(&socketcall.tests, socketcall.tests_count), [(Condition::Is, 0, 2)]);
    let bind = at(&table, 3072 + 2);
    assert_eq!(Descriptor { words: 0, ..bind }, at(&table, NUMBERS + 361));
    assert_eq!(bind.words, 3);
    assert_eq!(said(&bind), "bind: (socket, data 128 length) error 98 error 14 words 3");
    assert_eq!(table.iter().filter(|(place, _)| *place >= 3072).count(), 1);
}

#[test]
fn accept_by_socketcall_has_no_number_of_its_own_on_i386() {
    let accept = at(&only(&[EventType::Accept]), 3072 + 5);
    assert_eq!(said(&accept), "accept: makes_socket (socket) error 103 words 3");
}

#[test]
fn mmap_is_of_interest_where_memory_becomes_executable() {
    let table = only(&[EventType::Mmap]);
    let executable = [(Condition::AnyBit, 2, 4)];
    let (mmap, mmap2) = (at(&table, 9), at(&table, NUMBERS + 192));
    assert_eq!(asked(&mmap.tests, mmap.tests_count), executable);
    assert_eq!(asked(&mmap2.tests, mmap2.tests_count), executable);
    // The old one's protection is in memory: its own descriptor lets all through, its target does not.
    let old = at(&table, NUMBERS + 90);
    assert_eq!((old.tests_count, old.selector, old.pointer, old.redirect), (0, 0xff, 0, 3103));
    assert_eq!(at(&table, 3103), Descriptor { words: 6, ..mmap2 });
}

#[test]
fn a_name_is_all_that_is_wanted_of_an_unwanted_prctl() {
    let unwanted = native(&[], "prctl");
    assert_eq!(asked(&unwanted.tests, unwanted.tests_count), [(Condition::Is, 0, 15)]);
    let wanted = native(&[EventType::Prctl], "prctl");
    assert_eq!(asked(&wanted.tests, wanted.tests_count), [(Condition::IsNot, 0, 0x5356_4d41)]);
    for prctl in [unwanted, wanted] {
        assert_eq!(asked(&prctl.reads, prctl.reads_count), [(Condition::Is, 0, 15)]);
    }
}

#[test]
fn unlinkat_asks_for_the_kind_of_file_that_is_wanted() {
    for (event, condition) in [(EventType::Rmdir, Condition::AnyBit), (EventType::Unlink, Condition::NoBit)] {
        let unlinkat = native(&[event], "unlinkat");
        assert_eq!(asked(&unlinkat.tests, unlinkat.tests_count), [(condition, 2, 0x200)]);
    }
    let both = native(&[EventType::Rmdir, EventType::Unlink], "unlinkat");
    assert_eq!(both.tests_count, 2);
}

/// Rows under a plan that wants types whose calls have one of these values in an argument.
fn with_values(asked: &[(EventType, Role, &[u32])]) -> Vec<(u32, Descriptor)> {
    let arguments = ArgumentsWanted::by(asked.iter().map(|(event, role, values)| {
        let value = Values::one_of(values.iter().copied()).map(|values| (*role, values));
        (*event, ArgumentTest { value, flags: None })
    }));
    let events = asked.iter().map(|(event, ..)| *event).collect();
    table_on(Arch::X86_64, &FilterPlan { events, arguments, ..FilterPlan::default() }).unwrap()
}

#[test]
fn values_that_rules_ask_for_are_tests() {
    let table = with_values(&[
        (EventType::Ptrace, Role::Selector, &[16, 0x4206]),
        (EventType::Prctl, Role::Selector, &[4]),
        (EventType::Socket, Role::Selector, &[17]),
        (EventType::Setsockopt, Role::SubSelector, &[]),
    ]);
    let of = |name: &str| {
        let found = at(&table, Syscall::named(name).unwrap().numbers.x86_64.unwrap());
        asked(&found.tests, found.tests_count)
    };
    assert_eq!(of("ptrace"), [(Condition::Is, 0, 16), (Condition::Is, 0, 0x4206)]);
    // The command name is followed, whoever asks for it.
    assert_eq!(of("prctl"), [(Condition::Is, 0, 4), (Condition::Is, 0, 15)]);
    assert_eq!(of("socket"), [(Condition::Is, 0, 17)]);
    assert!(!names(&table).contains(&"setsockopt"));
    // By socketcall, the first argument in the register says which call it is.
    let socketcall = at(&table, NUMBERS + 102);
    assert_eq!(asked(&socketcall.tests, socketcall.tests_count), [(Condition::Is, 0, 1), (Condition::Is, 0, 14)]);
    let socket = at(&table, 3072 + 1);
    assert_eq!(asked(&socket.tests, socket.tests_count), [(Condition::Is, 0, 17)]);
}

#[test]
fn what_a_descriptor_has_no_room_for_is_let_through() {
    let table = with_values(&[(EventType::Ptrace, Role::Selector, &[1, 2, 3, 4, 5, 6])]);
    assert_eq!(at(&table, 101).tests_count, 0);
    let writable = ArgumentTest { value: Some((Role::Selector, Values::AnyBit(2))), flags: None };
    let plan = FilterPlan {
        events: EventSet::NONE.with(EventType::Mprotect),
        arguments: ArgumentsWanted::by([(EventType::Mprotect, writable)]),
        ..FilterPlan::default()
    };
    // Two bits that both have to be set are not to be told there.
    let mprotect = at(&table_on(Arch::X86_64, &plan).unwrap(), 10);
    assert_eq!(asked(&mprotect.tests, mprotect.tests_count), [(Condition::AnyBit, 2, 4)]);
}

#[test]
fn structures_are_as_large_as_on_their_interface() {
    let table = only(&[EventType::Setrlimit, EventType::Setsockopt]);
    assert_eq!(at(&table, 160).args[1].size, 16);
    assert_eq!(at(&table, NUMBERS + 75).args[1].size, 8);
    assert_eq!(at(&table, 54).args[3].size, 16);
    assert_eq!(at(&table, 2 * NUMBERS + 541).args[3].size, 8);
}

#[test]
fn rows_that_do_not_fit_are_refused() {
    const TEST: Test = Test::new(0, lapwing_common::syscall::Condition::Present);
    const BOTH: &[Yield] = &[Yield { event: EventType::Open, when: &[TEST, TEST] }];
    const SEVEN: &[Yield] = &[Yield { event: EventType::Open, when: &[TEST] }; 7];
    let row = *Syscall::named("openat").unwrap();
    for (row, limit) in [
        (Syscall { args: &[Role::Fd(Slot::File); 7], ..row }, Limit::Arguments),
        (Syscall { yields: SEVEN, ..row }, Limit::Tests),
        (Syscall { yields: BOTH, ..row }, Limit::Conjunction),
        (Syscall { read_when: &[TEST; 3], ..row }, Limit::Reads),
        (Syscall { reported_errors: &[2; 5], ..row }, Limit::Errors),
        (Syscall { reported_errors: &[-2], ..row }, Limit::Errors),
        (Syscall { reported_errors: &[0], ..row }, Limit::Errors),
    ] {
        let found = descriptor(0, &row, Arch::X86_64, &plan(EventSet::ALL));
        assert_eq!(found, Err(Unsupported { row: "openat", limit }));
    }
    assert_eq!(place(&row, Interface::X32, X32_BIT | 1023), Ok(3071));
    assert_eq!(place(&row, Interface::Native, 1024), Err(Unsupported { row: "openat", limit: Limit::Number }));
}
