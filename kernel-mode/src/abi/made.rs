//! Which calls processes made: a map, and the record of a program that ended.

use lapwing_common::syscall::NUMBERS;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use super::{Record, layout};

/// Words of a bit for each number.
pub const MADE_WORDS: usize = 16;
const _: () = assert!(MADE_WORDS * 64 == NUMBERS as usize);

/// `struct lw_made_key`: whose calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MadeKey {
    /// The kernel's own number of the process.
    pub tgid: u32,
    /// An [`Interface`](super::Interface).
    pub interface: u32,
}

layout!(MadeKey as "lw_made_key", 8 { tgid at 0, interface at 4 });

/// `struct lw_made`: the calls of a program that runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Made {
    /// When it made its first, in nanoseconds since boot (`CLOCK_BOOTTIME`).
    pub since: u64,
    /// Its process, as numbered in Lapwing's pid namespace.
    pub pid: u32,
    /// Zero.
    pub padding: u32,
    /// A bit for each number.
    pub numbers: [u64; MADE_WORDS],
}

layout!(Made as "lw_made", 144 { since at 0, pid at 8, padding at 12, numbers at 16 });

/// `struct lw_made_record`: the calls of a program that has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct MadeRecord {
    /// Whose and when.
    pub head: Record,
    /// A bit for each number.
    pub numbers: [u64; MADE_WORDS],
}

layout!(MadeRecord as "lw_made_record", 216 { head at 0, numbers at 88 });
