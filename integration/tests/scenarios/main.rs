//! Every scenario of the program `scenario`, and the events that it has to give: all of them, exactly.
//!
//! The expectations are written down in the modules, in the language of `lapwing_integration::expect`.
//! Whichever backend observes, they are the same; the few that are not name the backend.

mod attributes;
mod blind;
mod credentials;
mod foreign;
mod kernel;
mod linking;
mod memory;
mod mounts;
mod namespaces;
mod odd;
mod opening;
mod paths;
mod process;
mod programs;
mod signals;
mod sockets;
mod unix;
mod uring;

use std::collections::BTreeSet;

use lapwing_common::event::EventType;
use lapwing_common::syscall::{Arch, CATALOGUE};
use lapwing_integration::harness::Backend;
use lapwing_integration::need::Need;
use lapwing_integration::{expect, scenario};

/// The program that plays them.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_scenario");

/// What is written down about one scenario.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    call: &'static str,
    variant: &'static str,
    /// The backend that it is about; none if it is about each.
    only: &'static [&'static str],
    needs: &'static [Need],
    options: &'static [&'static str],
    expected: &'static str,
}

impl Case {
    /// The scenario's name. Variants have hyphens, which an identifier cannot have.
    fn scenario(&self) -> String {
        format!("{}/{}", self.call, self.variant.replace('_', "-"))
    }

    fn is_about(&self, backend: Backend) -> bool {
        self.only.is_empty() || self.only.contains(&backend.name())
    }
}

/// Checks the case of that variant under a backend, if that works here.
fn check(cases: &[Case], variant: &str, backend: Backend) {
    let case = cases.iter().find(|case| case.variant == variant && case.is_about(backend)).expect("a case");
    if backend.is_available() {
        let Case { needs, options, expected, .. } = *case;
        scenario::check(PROGRAM, backend, scenario::Case { scenario: &case.scenario(), needs, options, expected });
    }
}

/// Cases by call and variant: `call { variant @ptrace [Need] ("--option"): "events"; }`. Each is a test under
/// each backend, `call::ptrace::variant` and `call::kernel::variant`, unless one is named.
#[macro_export]
macro_rules! cases {
    (@test Ptrace $variant:ident kernel) => {};
    (@test Kernel $variant:ident ptrace) => {};
    (@test $backend:ident $variant:ident $($only:ident)?) => {
        #[test]
        fn $variant() {
            let backend = lapwing_integration::harness::Backend::$backend;
            $crate::check(super::CASES, stringify!($variant), backend);
        }
    };
    ($($call:ident {
        $($variant:ident $(@$only:ident)? $([$($need:ident),*])? $(($($option:literal),*))? : $expected:literal;)*
    })*) => {
        pub(super) const CASES: &[&[$crate::Case]] = &[$($call::CASES),*];

        $(mod $call {
            pub(super) const CASES: &[$crate::Case] = &[$($crate::Case {
                call: stringify!($call),
                variant: stringify!($variant),
                only: &[$(stringify!($only))?],
                needs: &[$($(lapwing_integration::need::Need::$need),*)?],
                options: &[$($($option),*)?],
                expected: $expected,
            }),*];

            mod ptrace {
                $($crate::cases!(@test Ptrace $variant $($only)?);)*
            }

            mod kernel {
                $($crate::cases!(@test Kernel $variant $($only)?);)*
            }
        })*
    };
}

fn cases() -> impl Iterator<Item = &'static Case> {
    let families = [
        attributes::CASES,
        blind::CASES,
        credentials::CASES,
        foreign::CASES,
        kernel::CASES,
        linking::CASES,
        memory::CASES,
        mounts::CASES,
        namespaces::CASES,
        odd::CASES,
        opening::CASES,
        process::CASES,
        programs::CASES,
        signals::CASES,
        sockets::CASES,
        unix::CASES,
        uring::CASES,
    ];
    families.into_iter().flatten().copied().flatten()
}

#[test]
fn every_scenario_has_a_case_and_the_other_way_round() {
    let mut all = BTreeSet::new();
    for backend in [Backend::Ptrace, Backend::Kernel] {
        let own = cases().filter(|case| case.is_about(backend));
        let written: Vec<_> = own.map(Case::scenario).chain(paths::scenarios()).collect();
        let unique: BTreeSet<_> = written.iter().cloned().collect();
        assert_eq!(unique.len(), written.len(), "written down twice for {}", backend.name());
        all.extend(unique);
    }
    let known = scenario::names(PROGRAM);
    assert_eq!(known.difference(&all).collect::<Vec<_>>(), Vec::<&String>::new(), "without a case");
    assert_eq!(all.difference(&known).collect::<Vec<_>>(), Vec::<&String>::new(), "without a scenario");
}

#[test]
fn every_call_of_the_catalogue_is_made() {
    let names = scenario::names(PROGRAM);
    let made: BTreeSet<_> = names.iter().filter_map(|name| name.split_once('/')).map(|(call, _)| call).collect();
    // The calls that 32-bit x86 shares with x86-64 are decoded by the same rows: a sample of them will do.
    let rows = CATALOGUE.iter().filter(|row| row.number(Arch::X86_64).is_some());
    let missing: Vec<_> = rows.map(|row| row.name).filter(|name| !made.contains(name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
    // A few of ARM's own rows have no number here at all.
    let i386 = CATALOGUE.iter().filter(|row| row.number(Arch::X86_64).is_none() && row.number(Arch::I386).is_some());
    let missing: Vec<_> = i386.map(|row| row.name).filter(|name| !made.contains(&*format!("i386_{name}"))).collect();
    assert_eq!(missing, Vec::<&str>::new());
}

#[test]
fn every_type_of_event_is_expected() {
    let expected: BTreeSet<_> = cases()
        .flat_map(|case| expect::parse(case.expected))
        .map(|event| event.event)
        .chain(paths::types().map(str::to_owned))
        .collect();
    // What a profile concludes from all calls is no call's event; `tests/activity` has it.
    let of_calls = EventType::ALL.iter().filter(|event| **event != EventType::Syscalls);
    let missing: Vec<_> = of_calls.map(|event| event.name()).filter(|name| !expected.contains(*name)).collect();
    assert_eq!(missing, Vec::<&str>::new());
}
