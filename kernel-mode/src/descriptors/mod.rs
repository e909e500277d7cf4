//! From the catalogue and a filter plan to the syscall table, which is all that the programs know of
//! system calls.
//!
//! A call has a descriptor only if somebody wants what it becomes, or if what Lapwing says about a
//! process would be wrong without it: exec, changes of credentials and of the command name. Unlike
//! the ptrace backend, this one needs no sight of mounts and root directories for that, since the
//! programs follow paths in the kernel's own data. A call that hides something from ptrace only is
//! left alone likewise. If there may be discarders, calls that make one wrong are looked at, wanted or not.
//!
//! Operations of an io_uring have descriptors behind those of the calls that they stand for.

mod arguments;
mod filtering;
mod operations;
mod redirects;
mod replacing;

pub(crate) use operations::{needs_operations, when_seen};
pub(crate) use replacing::{steps, whole};

use lapwing_common::backend::{FilterPlan, Tests};
use lapwing_common::event::EventType;
use lapwing_common::syscall::{Arch, CATALOGUE, Condition, Product, Role, Slot, Syscall, Test, X32_BIT, Yield};

use crate::abi::{
    self, ArgumentFlags, CallFlags, Descriptor, ERRORS, Interface, NO_ARGUMENT, NUMBERS, REDIRECTS, TESTS,
};

/// Calls whose only event says that ptrace lost sight of a child.
const HIDES_FROM_PTRACE: [&str; 2] = ["clone", "clone3"];

/// `PR_SET_NAME` of linux/prctl.h.
const SETS_NAME: &[Test] = &[Test::new(0, Condition::Is(15))];

/// A row of the catalogue that has no place in a descriptor, so that the format has to grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{row}` does not fit into a descriptor: {limit}")]
pub struct Unsupported {
    /// The row's name.
    pub row: &'static str,
    /// What it exceeds.
    pub limit: Limit,
}

/// What a row may exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Limit {
    /// Too many arguments.
    #[error("more than 6 arguments")]
    Arguments,
    /// An argument of too many bytes.
    #[error("an argument of more than 65,535 bytes")]
    Size,
    /// Too many alternatives.
    #[error("more than {TESTS} tests")]
    Tests,
    /// An alternative of several tests.
    #[error("an event that needs two tests to hold at once")]
    Conjunction,
    /// Too many tests of what may be read.
    #[error("more than 2 tests of whether it reads")]
    Reads,
    /// Too many error numbers, or an impossible one.
    #[error("more than {ERRORS} error numbers, or one that is no 16-bit number")]
    Errors,
    /// A number for which there is no place.
    #[error("a number that is not below {NUMBERS}")]
    Number,
    /// An index in the catalogue for which there is no place.
    #[error("a row behind the first 65,536")]
    Row,
    /// An indirect call whose target cannot be named, or has too many arguments.
    #[error("an indirect call beyond {REDIRECTS} targets of at most 6 arguments")]
    Redirect,
}

/// Every descriptor that a plan needs, with its index, in the order of indexes. The others are zero.
///
/// # Errors
///
/// When a row of the catalogue has no place in a descriptor; a test sees to it that all have.
pub fn table(plan: &FilterPlan) -> Result<Vec<(u32, Descriptor)>, Unsupported> {
    table_on(Arch::NATIVE, plan)
}

/// Whether a table has calls that must be looked at before they are made.
#[must_use]
pub fn needs_early(table: &[(u32, Descriptor)]) -> bool {
    table.iter().any(|(_, descriptor)| is_early(descriptor))
}

/// Whether a call must be looked at before it is made.
pub(crate) fn is_early(descriptor: &Descriptor) -> bool {
    descriptor.flags & CallFlags::EARLY.bits() != 0
}

/// The table for a kernel of this architecture.
fn table_on(kernel: Arch, plan: &FilterPlan) -> Result<Vec<(u32, Descriptor)>, Unsupported> {
    let mut table = Vec::new();
    for (index, row) in CATALOGUE.iter().enumerate() {
        for interface in Interface::ALL {
            let Some(arch) = interface.arch_on(kernel) else { continue };
            let Some(number) = row.number(arch) else { continue };
            let Some(descriptor) = descriptor(index, row, arch, plan)? else { continue };
            table.push((place(row, *interface, number)?, descriptor));
            if let Some(indirection) = row.indirection {
                table.extend(redirects::targets(indirection, arch, plan)?);
            }
        }
    }
    table.sort_unstable_by_key(|(place, _)| *place);
    Ok(table)
}

fn place(row: &Syscall, interface: Interface, number: u32) -> Result<u32, Unsupported> {
    let number = number & !X32_BIT;
    if number >= NUMBERS {
        return Err(Unsupported { row: row.name, limit: Limit::Number });
    }
    Ok(u32::from(u8::from(interface)) * NUMBERS + number)
}

/// The descriptor of a row; `None` when nobody needs the call.
fn descriptor(index: usize, row: &Syscall, arch: Arch, plan: &FilterPlan) -> Result<Option<Descriptor>, Unsupported> {
    let unsupported = |limit| Unsupported { row: row.name, limit };
    let Some(alternatives) = alternatives(row, plan) else { return Ok(None) };
    let args = arguments::of(row, arch, plan.discarders).map_err(unsupported)?;
    let (tests_count, tests) = tests(&alternatives).map_err(unsupported)?;
    let (reads_count, reads) = filled(row.read_when.iter().map(test)).ok_or(unsupported(Limit::Reads))?;
    let (_, errors) = errors(row.reported_errors).ok_or(unsupported(Limit::Errors))?;
    let mut flags = CallFlags::ENABLED | consequences(row);
    flags.set(CallFlags::EARLY, args.iter().any(|arg| arg.flags & ArgumentFlags::EARLY.bits() != 0));
    let filtered = filtering::of(row, plan);
    flags |= filtered.flags;
    let mut descriptor = Descriptor {
        flags: flags.bits(),
        row: u16::try_from(index).ok().ok_or(unsupported(Limit::Row))?,
        selector: NO_ARGUMENT,
        pointer: NO_ARGUMENT,
        tests_count,
        reads_count,
        errors,
        args,
        tests,
        reads,
        r#type: filtered.r#type,
        first_type: filtered.first_type,
        first_when: filtered.first_when,
        flags_arg: filtered.flags_arg,
        implied_flags: filtered.implied_flags,
        upheaval: filtered.upheaval,
        ..Descriptor::default()
    };
    if let Some(indirection) = row.indirection {
        redirects::point(indirection, &mut descriptor);
    }
    Ok(Some(descriptor))
}

/// The tests of which one must hold for a row to be of interest; `None` when it never is.
fn alternatives(row: &Syscall, plan: &FilterPlan) -> Option<Vec<Tests>> {
    if HIDES_FROM_PTRACE.contains(&row.name) {
        return None;
    }
    let essential = matches!(row.product, Product::Program | Product::Credentials);
    let mut alternatives: Vec<Tests> = Vec::new();
    for candidate in row.yields {
        if essential || filtering::is_upkeep(row, candidate.event, plan) {
            alternatives.push(candidate.when.into());
        } else if plan.events.contains(candidate.event) {
            alternatives.extend(wanted(row, candidate, plan));
        } else if candidate.event == EventType::Prctl {
            alternatives.push(SETS_NAME.into());
        }
    }
    (!alternatives.is_empty()).then_some(alternatives)
}

/// The tests under which somebody wants to hear of a call as of one event: what rules ask of arguments, as far as a
/// descriptor has room for it.
fn wanted(row: &Syscall, candidate: &Yield, plan: &FilterPlan) -> Vec<Tests> {
    let mut wanted = plan.arguments.alternatives(row, candidate).into_vec();
    if candidate.event == EventType::Prctl && plan.arguments.of(candidate.event).value.is_some() {
        wanted.push(SETS_NAME.into());
    }
    // Rows of several events have as many tests besides.
    let fits = wanted.len() + row.yields.len() <= TESTS && wanted.iter().all(|tests| tests.len() <= 1);
    if fits { wanted } else { vec![candidate.when.into()] }
}

/// An alternative without a test is always met, and the others then do not matter.
fn tests(alternatives: &[Tests]) -> Result<(u8, [abi::Test; TESTS]), Limit> {
    if alternatives.iter().any(|alternative| alternative.len() > 1) {
        return Err(Limit::Conjunction);
    }
    if alternatives.iter().any(|alternative| alternative.is_empty()) {
        return Ok(Default::default());
    }
    filled(alternatives.iter().flatten().map(test)).ok_or(Limit::Tests)
}

fn test(test: &Test) -> abi::Test {
    let (condition, value) = match test.condition {
        Condition::AnyBit(mask) => (abi::Condition::AnyBit, mask),
        Condition::NoBit(mask) => (abi::Condition::NoBit, mask),
        Condition::Is(value) => (abi::Condition::Is, value.into()),
        Condition::IsNot(value) => (abi::Condition::IsNot, value.into()),
        Condition::Present => (abi::Condition::Present, 0),
    };
    abi::Test { condition: condition.into(), arg: test.arg, value, ..abi::Test::default() }
}

/// 0 would end the list.
fn errors(reported: &[i32]) -> Option<(u8, [u16; ERRORS])> {
    let errors: Option<Vec<u16>> =
        reported.iter().map(|error| u16::try_from(*error).ok().filter(|error| *error != 0)).collect();
    filled(errors?.into_iter())
}

/// An array with these items in front, and how many they are; `None` when there are more than it holds.
fn filled<T: Copy + Default, const N: usize>(items: impl Iterator<Item = T>) -> Option<(u8, [T; N])> {
    let (mut count, mut array) = (0, [T::default(); N]);
    for item in items {
        *array.get_mut(usize::from(count))? = item;
        count += 1;
    }
    Some((count, array))
}

/// What success leaves behind.
fn consequences(row: &Syscall) -> CallFlags {
    let mut flags = match row.product {
        // A file that an argument names already takes the place of one that the result would name.
        Product::File if row.position(Role::Fd(Slot::File)).is_none() => CallFlags::MAKES_FILE,
        Product::Credentials => CallFlags::CREDENTIALS,
        Product::Program => CallFlags::PROGRAM,
        Product::Nothing | Product::File | Product::Socket => CallFlags::empty(),
    };
    let mounts = row.yields.iter().any(|candidate| candidate.event == EventType::Mount);
    flags.set(CallFlags::MAKES_MOUNT, mounts && flags.contains(CallFlags::MAKES_FILE));
    // A socket that was just made has no other end.
    flags.set(CallFlags::MAKES_SOCKET, row.position(Role::SockAddrOut).is_some());
    let changes_directory = row.yields.iter().any(|candidate| candidate.event == EventType::Chdir);
    // A descriptor says which file it is by itself.
    flags.set(CallFlags::NEW_CWD, changes_directory && row.position(Role::Fd(Slot::File)).is_none());
    flags.set(CallFlags::INDIRECT, row.indirection.is_some());
    flags
}

#[cfg(test)]
mod tests;
