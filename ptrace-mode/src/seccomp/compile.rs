//! From traps to a filter: one dispatch on the architecture, then a balanced search for the number,
//! then the tests of arguments.
//!
//! Numbers are handled as intervals with a target each; a lone trapped number is an interval of one.
//! x86-64 and x32 are one architecture to seccomp and differ by a bit in the number, so they share a
//! search in which x32 is merely farther up. The root of the search is reached after two comparisons
//! on the native architecture, which is tested first.

use lapwing_common::syscall::{Arch, Condition, Test, X32_BIT};
use libc::sock_filter;
use std::collections::{BTreeMap, BTreeSet};
use thiserror::Error;

use super::assembler::{Assembler, Comparison, Label};
use super::{Action, Trap};

#[cfg(target_endian = "big")]
compile_error!("the filter loads the halves of arguments in little-endian order");

/// `BPF_MAXINSNS` of `linux/bpf_common.h`.
const LONGEST: usize = 4096;

/// Offsets into `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// What no call has: a tracer puts it in place of a number to skip the call, and after a skip at
/// a syscall-entry-stop the filter is asked about it.
const SKIPPED: u32 = u32::MAX;

/// Why traps make no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CompileError {
    /// The kernel would refuse a program this long.
    #[error("the filter has {instructions} instructions, more than the {LONGEST} a kernel takes")]
    TooLong {
        /// Its length.
        instructions: usize,
    },
    /// A test of an argument that no system call has.
    #[error("a trap of {} call {number} tests argument {argument}", arch.name())]
    NoSuchArgument {
        /// The trap's interface.
        arch: Arch,
        /// The trap's number.
        number: u32,
        /// The argument's index.
        argument: u8,
    },
    /// A number that cannot occur on the trap's interface: an x32 number without its bit, or
    /// another's with it, or the number that stands for no call.
    #[error("{number:#x} is no number of a {} call", arch.name())]
    NoSuchNumber {
        /// The trap's interface.
        arch: Arch,
        /// The trap's number.
        number: u32,
    },
    /// A trap for an interface that was not to be compiled for.
    #[error("a trap is for {}, which the filter treats as foreign", arch.name())]
    ForeignTrap {
        /// The trap's interface.
        arch: Arch,
    },
}

/// Compiles a filter for calls by `arches`, the most frequent first. Calls by other interfaces get
/// the answer `foreign`.
///
/// Several traps of one call are tried in their order, and the first whose tests hold answers.
///
/// # Errors
///
/// See [`CompileError`].
pub fn compile(traps: &[Trap], arches: &[Arch], foreign: Action) -> Result<Vec<sock_filter>, CompileError> {
    traps.iter().try_for_each(|trap| check(trap, arches))?;
    let mut assembler = Assembler::default();
    let allow = assembler.answer(libc::SECCOMP_RET_ALLOW);
    let foreign = assembler.answer(foreign.answer());

    let mut seen = BTreeSet::new();
    let audits: Vec<u32> = arches.iter().map(|arch| arch.audit()).filter(|audit| seen.insert(*audit)).collect();
    let mut entry = foreign;
    // The last is written first, so that the first is tested first.
    for audit in audits.into_iter().rev() {
        let targets = compile_traps(&mut assembler, traps, audit, allow);
        let mut intervals = backgrounds(audit, arches, allow, foreign);
        targets.into_iter().for_each(|(number, target)| intervals.set(number, target));
        intervals.set(SKIPPED, allow);
        let search = compile_search(&mut assembler, &intervals.merged());
        let section = assembler.load(NUMBER, search);
        entry = assembler.branch(Comparison::Equal, audit, section, entry);
    }
    let entry = assembler.load(ARCHITECTURE, entry);
    let program = assembler.finish(entry);
    if program.len() > LONGEST {
        return Err(CompileError::TooLong { instructions: program.len() });
    }
    Ok(program)
}

impl Action {
    /// The filter's return value.
    pub(super) fn answer(self) -> u32 {
        match self {
            Self::Trace(data) => libc::SECCOMP_RET_TRACE | u32::from(data),
            Self::Notify => libc::SECCOMP_RET_USER_NOTIF,
            Self::Errno(errno) => libc::SECCOMP_RET_ERRNO | u32::from(errno),
        }
    }
}

fn check(trap: &Trap, arches: &[Arch]) -> Result<(), CompileError> {
    let (arch, number) = (trap.arch, trap.number);
    if !arches.contains(&arch) {
        return Err(CompileError::ForeignTrap { arch });
    }
    if number == SKIPPED || Arch::from_audit(arch.audit(), number) != Some(arch) {
        return Err(CompileError::NoSuchNumber { arch, number });
    }
    match trap.tests.iter().flatten().find(|test| test.arg > 5) {
        Some(test) => Err(CompileError::NoSuchArgument { arch, number, argument: test.arg }),
        None => Ok(()),
    }
}

/// Where each number of an architecture with a trap leads.
fn compile_traps(assembler: &mut Assembler, traps: &[Trap], audit: u32, allow: Label) -> BTreeMap<u32, Label> {
    let mut targets = BTreeMap::new();
    for trap in traps.iter().rev().filter(|trap| trap.arch.audit() == audit) {
        let otherwise = targets.get(&trap.number).copied().unwrap_or(allow);
        let answer = assembler.answer(trap.action.answer());
        targets.insert(trap.number, compile_tests(assembler, &trap.tests, answer, otherwise));
    }
    targets
}

/// `holds` when one of the alternatives does, else `fails`.
fn compile_tests(assembler: &mut Assembler, alternatives: &[Vec<Test>], holds: Label, fails: Label) -> Label {
    if alternatives.is_empty() {
        return holds;
    }
    alternatives.iter().rev().fold(fails, |next, tests| {
        tests.iter().rev().fold(holds, |then, test| compile_test(assembler, test, then, next))
    })
}

fn compile_test(assembler: &mut Assembler, test: &Test, yes: Label, no: Label) -> Label {
    let low = ARGUMENTS + 8 * u32::from(test.arg);
    let high = low + 4;
    match test.condition {
        Condition::AnyBit(mask) => any_bit(assembler, (low, high), mask, yes, no),
        Condition::NoBit(mask) => any_bit(assembler, (low, high), mask, no, yes),
        Condition::Is(value) => compare(assembler, low, Comparison::Equal, value, yes, no),
        Condition::IsNot(value) => compare(assembler, low, Comparison::Equal, value, no, yes),
        Condition::Present => {
            let upper = compare(assembler, high, Comparison::Equal, 0, no, yes);
            compare(assembler, low, Comparison::Equal, 0, upper, yes)
        }
    }
}

fn any_bit(assembler: &mut Assembler, (low, high): (u32, u32), mask: u64, yes: Label, no: Label) -> Label {
    let [b0, b1, b2, b3, b4, b5, b6, b7] = mask.to_le_bytes();
    let (lower, upper) = (u32::from_le_bytes([b0, b1, b2, b3]), u32::from_le_bytes([b4, b5, b6, b7]));
    let mut next = no;
    for (offset, mask) in [(high, upper), (low, lower)] {
        if mask != 0 {
            next = compare(assembler, offset, Comparison::AnyBit, mask, yes, next);
        }
    }
    next
}

/// Loads a word and compares it.
fn compare(assembler: &mut Assembler, offset: u32, comparison: Comparison, with: u32, yes: Label, no: Label) -> Label {
    if yes == no {
        return yes;
    }
    let branch = assembler.branch(comparison, with, yes, no);
    assembler.load(offset, branch)
}

/// All 32-bit numbers, by where they lead: each entry up to the next.
struct Intervals(BTreeMap<u32, Label>);

/// Where numbers without a trap lead.
fn backgrounds(audit: u32, arches: &[Arch], allow: Label, foreign: Label) -> Intervals {
    // Only one bit tells interfaces of one architecture apart, in all four quarters of the range.
    let quarters = (0..4).map(|quarter| quarter * X32_BIT).map(|first| {
        let listed = Arch::from_audit(audit, first).is_some_and(|arch| arches.contains(&arch));
        (first, if listed { allow } else { foreign })
    });
    Intervals(quarters.collect())
}

impl Intervals {
    /// Sets one number apart.
    fn set(&mut self, number: u32, target: Label) {
        let around = self.0.range(..=number).next_back().map(|(_, target)| *target);
        if let (Some(after), Some(around)) = (number.checked_add(1), around) {
            self.0.entry(after).or_insert(around);
        }
        self.0.insert(number, target);
    }

    /// Without borders between neighbours that lead to the same place.
    fn merged(&self) -> Vec<(u32, Label)> {
        let mut merged: Vec<(u32, Label)> = self.0.iter().map(|(first, target)| (*first, *target)).collect();
        merged.dedup_by_key(|(_, target)| *target);
        merged
    }
}

/// A balanced search for the interval a number is in.
fn compile_search(assembler: &mut Assembler, intervals: &[(u32, Label)]) -> Label {
    match intervals {
        [] => assembler.answer(libc::SECCOMP_RET_ALLOW),
        [(_, target)] => *target,
        _ => {
            let (below, above) = intervals.split_at(intervals.len() / 2);
            let first_above = above.first().map_or(0, |(first, _)| *first);
            let lower = compile_search(assembler, below);
            let upper = compile_search(assembler, above);
            assembler.branch(Comparison::AtLeast, first_above, upper, lower)
        }
    }
}
