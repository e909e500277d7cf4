//! The catalogue against another project's tables, and its own rules.

use core::str::FromStr as _;

use super::{Arch, CATALOGUE, Condition, Role, Syscall, Test};

/// The kernel's name on an interface, where our row's name differs to tell two layouts apart.
fn kernel_name(row: &Syscall) -> &'static str {
    if row.name == "mmap_old" { "mmap" } else { row.name }
}

fn foreign_number(arch: Arch, name: &str) -> Option<u32> {
    let number = match arch {
        Arch::X86_64 | Arch::X32 => syscalls::x86_64::Sysno::from_str(name).map(|number| number as u32),
        Arch::I386 => syscalls::x86::Sysno::from_str(name).map(|number| number as u32),
        Arch::Aarch64 => syscalls::aarch64::Sysno::from_str(name).map(|number| number as u32),
        Arch::Arm => syscalls::arm::Sysno::from_str(name).map(|number| number as u32),
    };
    number.ok()
}

#[test]
fn numbers_agree_with_another_projects_tables() {
    for row in CATALOGUE {
        for arch in [Arch::X86_64, Arch::I386, Arch::Aarch64, Arch::Arm] {
            let theirs = match (row.name, arch) {
                // One i386 number, two of our rows: `mmap` there takes a pointer to its arguments.
                ("mmap", Arch::I386) => None,
                ("mmap_old", other) if other != Arch::I386 => None,
                // Their AArch64 table has the numbers that only 32-bit kernels of the generic table use.
                ("utimensat_time64", Arch::Aarch64) => None,
                _ => foreign_number(arch, kernel_name(row)),
            };
            assert_eq!(row.number(arch), theirs, "{} on {}", row.name, arch.name());
        }
    }
}

#[test]
fn no_number_is_claimed_twice() {
    for arch in Arch::ALL {
        let mut seen = std::collections::BTreeMap::new();
        for row in CATALOGUE {
            if let Some(number) = row.number(arch) {
                let before = seen.insert(number, row.name);
                assert_eq!(before, None, "{} and {} on {}", row.name, before.unwrap_or(""), arch.name());
            }
        }
    }
}

#[test]
fn x32_numbers_carry_their_bit_and_the_changed_ones_are_from_512_on() {
    let execve = Syscall::named("execve").unwrap();
    assert_eq!(execve.number(Arch::X32), Some(0x4000_0000 | 520));
    let openat = Syscall::named("openat").unwrap();
    assert_eq!(openat.number(Arch::X32), Some(0x4000_0000 | 257));
    for row in CATALOGUE {
        if let Some(own) = row.numbers.x32 {
            assert!((512..548).contains(&own), "{}", row.name);
        }
    }
}

#[test]
fn rows_are_consistent() {
    for row in CATALOGUE {
        assert!(row.args.len() <= 6, "{}", row.name);
        assert!(!row.yields.is_empty(), "{}", row.name);
        for candidate in row.yields {
            for test in candidate.when {
                assert!(usize::from(test.arg) < row.args.len(), "{} tests an argument it does not name", row.name);
            }
        }
        for (index, role) in row.args.iter().enumerate() {
            if *role == Role::DirFd {
                let next = row.args[index + 1..].iter().find(|role| matches!(role, Role::Path(..)));
                assert!(next.is_some(), "{}: a directory without a path", row.name);
            }
        }
    }
}

#[test]
fn unlinkat_is_two_events() {
    let unlinkat = Syscall::named("unlinkat").unwrap();
    assert_eq!(unlinkat.event_for(&[0, 0, 0, 0, 0, 0]), Some(crate::event::EventType::Unlink));
    assert_eq!(unlinkat.event_for(&[0, 0, 0x200, 0, 0, 0]), Some(crate::event::EventType::Rmdir));
}

#[test]
fn only_executable_memory_is_an_event() {
    let mmap = Syscall::named("mmap").unwrap();
    assert_eq!(mmap.event_for(&[0, 4096, 0x1, 0, 0, 0]), None);
    assert_eq!(mmap.event_for(&[0, 4096, 0x5, 0, 0, 0]), Some(crate::event::EventType::Mmap));
}

#[test]
fn results_that_are_reported() {
    let open = Syscall::named("openat").unwrap();
    assert!(open.reports(3) && open.reports(0) && open.reports(-13) && open.reports(-1));
    assert!(!open.reports(-2));
    let connect = Syscall::named("connect").unwrap();
    assert!(connect.reports(-111) && connect.reports(-115) && !connect.reports(-2));
    // A large address is no error number.
    assert!(Syscall::named("mmap").unwrap().reports(-8192));
}

#[test]
fn conditions() {
    let holds = |condition, value| Test::new(1, condition).holds(&[0, value, 0, 0, 0, 0]);
    assert!(holds(Condition::AnyBit(6), 2) && !holds(Condition::AnyBit(6), 1));
    assert!(holds(Condition::NoBit(6), 1) && !holds(Condition::NoBit(6), 4));
    assert!(holds(Condition::Is(7), 0xffff_ffff_0000_0007));
    assert!(!holds(Condition::IsNot(7), 7));
    assert!(holds(Condition::Present, 1 << 40) && !holds(Condition::Present, 0));
}

#[test]
fn every_event_type_of_a_call_has_a_row() {
    use crate::event::EventType;
    for event in EventType::ALL {
        let by_call = !matches!(event, EventType::Fork | EventType::Exit | EventType::Syscalls);
        let has_row = CATALOGUE.iter().any(|row| row.yields.iter().any(|candidate| candidate.event == event));
        assert_eq!(by_call, has_row, "{event}");
    }
}
