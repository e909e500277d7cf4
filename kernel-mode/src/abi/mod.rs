//! Mirrors of `bpf/include/abi`: what the BPF programs and this side agree on.
//!
//! The header is the source of truth; a test compares every constant and every member with it. All of
//! this is plain data. Numbers that come from the kernel stay numbers in the structures, and methods
//! turn them into the enums here, so that one we do not know is an error and nothing worse. Bytes of a
//! ring are read with zerocopy's checked reads (`Record::read_from_prefix`), never by casting pointers.

mod codes;
mod descriptor;
mod filter;
mod flags;
mod made;
mod numbers;
mod parts;
mod record;

pub use codes::{
    Answer, Cell, Condition, Counter, Hierarchy, Interface, Kind, NumberSetOf, Order, PartKind, Role, ScopeKind,
    UnknownValue,
};
pub use descriptor::{Argument, Descriptor, NO_ARGUMENT, Test};
pub use filter::{Basename, Component, Discarder, FilterCounts, InodeKey, Policy};
pub use flags::{ArgumentFlags, CallFlags, FileFlags, OperationFlags, PartFlags};
pub use made::{MADE_WORDS, Made, MadeKey, MadeRecord};
pub use numbers::NumberSet;
pub use parts::{Malformed, Parts};
pub use record::{Credentials, FileHead, Numbers, Operation, Part, Program, Record, Socket};

/// Descriptors of one interface: numbers below this can have one.
pub const NUMBERS: u32 = 1024;
/// Interfaces that have descriptors, as [`Interface`] numbers them.
pub const INTERFACES: u32 = 3;
/// Descriptors behind those of the interfaces, for calls whose arguments lie in memory.
pub const REDIRECTS: u32 = 32;
/// Operations of an io_uring that have descriptors, by number. The last stands for all others.
pub const OPERATIONS: u32 = 64;
/// The descriptor of the first operation.
pub const FIRST_OPERATION: u32 = INTERFACES * NUMBERS + REDIRECTS;
/// Descriptors in all.
pub const DESCRIPTORS: u32 = FIRST_OPERATION + OPERATIONS;
/// Sets of numbers, which [`NumberSetOf`] names.
pub const SETS: u32 = 2;
/// Bytes of a set of numbers.
pub const SET_BYTES: usize = 128;
/// Tests of a descriptor, of which one must hold.
pub const TESTS: usize = 6;
/// Error numbers of a descriptor.
pub const ERRORS: usize = 4;
/// Counters, which [`Counter`] names.
pub const COUNTERS: u32 = 12;
/// Processes of which it is known at a time which calls they made.
pub const MADE_PROCESSES: u32 = 16384;
/// Ring buffers for calls, at most.
pub const RINGS: usize = 8;
/// Types of events that have discarders or approvers are numbered below this.
pub const FILTERED: usize = 16;
/// Cells, which [`Cell`] names.
pub const CELLS: u32 = 7;
/// Bytes of a basename with at least one NUL.
pub const BASENAME: usize = 256;
/// Bytes of the beginning of a component, with NUL.
pub const COMPONENT: usize = 32;
/// The type has basenames.
pub const NAMED_LAST: u8 = 0x01;
/// The type has components.
pub const NAMED_ANY: u8 = 0x02;
/// The slot of the way from the root of a file system to what the mount that the call is about shows of it.
pub const SLOT_ROOT: u8 = 2;
/// Words of marks of basenames.
pub const NAME_MARKS: usize = 16;
/// Words of marks of components.
pub const COMPONENT_MARKS: usize = 4;
/// Units of [`Record::began`]: 2 to this power, in nanoseconds.
pub const BEGAN_SHIFT: u32 = 20;
/// Of as many processes something is kept whose record did not fit into the ring.
pub const MISSED: u32 = 4096;
/// The most that is kept of a process whose record did not fit into the ring.
pub const MISSED_BYTES: usize = 1024;
/// Programs that put records together, each with scratch memory of its own on every CPU: `USERS` of
/// `bpf/lib/maps.h`.
pub const SCRATCH_USERS: u32 = 7;
/// As many of them put any together where the scope is a tree.
pub const SCRATCH_USERS_OF_A_TREE: u32 = 6;
/// And if operations of io_urings are not seen.
pub const SCRATCH_USERS_WITHOUT_URING: u32 = 4;

/// Asserts where the members of a mirror are, and notes it down for the test against the header.
macro_rules! layout {
    ($type:ident as $name:literal, $size:literal { $($member:ident at $offset:literal),* $(,)? }) => {
        const _: () = assert!(size_of::<$type>() == $size);
        $(const _: () = assert!(core::mem::offset_of!($type, $member) == $offset);)*

        #[cfg(test)]
        impl $type {
            pub(super) const LAYOUT: super::Layout =
                super::Layout { name: $name, size: $size, members: &[$((stringify!($member), $offset)),*] };
        }
    };
}
use layout;

/// A structure of the header as its mirror lays it out: members with their offsets.
#[cfg(test)]
struct Layout {
    name: &'static str,
    size: usize,
    members: &'static [(&'static str, usize)],
}

#[cfg(test)]
mod tests;
