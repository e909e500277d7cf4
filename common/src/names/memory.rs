//! Protection and mapping of memory, from `asm-generic/mman-common.h`, `asm-generic/mman.h` and
//! `linux/mman.h`; memory files from `linux/memfd.h`.
//!
//! x86 and AArch64 each add bits of their own. None of them means anything else on the other, so one table
//! serves both.

use super::{bits, field};
use crate::schema::FlagSet;

/// Protection of memory: mmap(2), mprotect(2), pkey_mprotect(2).
pub static PROTECTION: FlagSet = FlagSet {
    name: "protection",
    flags: &[
        bits(0x1, "PROT_READ"),
        bits(0x2, "PROT_WRITE"),
        bits(0x4, "PROT_EXEC"),
        bits(0x8, "PROT_SEM"),
        // AArch64 only (its asm/mman.h).
        bits(0x10, "PROT_BTI"),
        bits(0x20, "PROT_MTE"),
        bits(0x100_0000, "PROT_GROWSDOWN"),
        bits(0x200_0000, "PROT_GROWSUP"),
    ],
    zero: "PROT_NONE",
};

const TYPE: u64 = 0xf;
const HUGE: u64 = 0x3f << 26;

/// Flags of mmap(2).
pub static MMAP_FLAGS: FlagSet = FlagSet {
    name: "mmap flags",
    flags: &[
        field(TYPE, 0x1, "MAP_SHARED"),
        field(TYPE, 0x2, "MAP_PRIVATE"),
        field(TYPE, 0x3, "MAP_SHARED_VALIDATE"),
        field(TYPE, 0x8, "MAP_DROPPABLE"),
        bits(0x10, "MAP_FIXED"),
        bits(0x20, "MAP_ANONYMOUS"),
        // x86 only (its asm/mman.h), the second since Linux 6.6.
        bits(0x40, "MAP_32BIT"),
        bits(0x80, "MAP_ABOVE4G"),
        bits(0x100, "MAP_GROWSDOWN"),
        bits(0x800, "MAP_DENYWRITE"),
        bits(0x1000, "MAP_EXECUTABLE"),
        bits(0x2000, "MAP_LOCKED"),
        bits(0x4000, "MAP_NORESERVE"),
        bits(0x8000, "MAP_POPULATE"),
        bits(0x1_0000, "MAP_NONBLOCK"),
        bits(0x2_0000, "MAP_STACK"),
        bits(0x4_0000, "MAP_HUGETLB"),
        bits(0x8_0000, "MAP_SYNC"),
        bits(0x10_0000, "MAP_FIXED_NOREPLACE"),
        // The size of huge pages as a power of two.
        field(HUGE, 14 << 26, "MAP_HUGE_16KB"),
        field(HUGE, 16 << 26, "MAP_HUGE_64KB"),
        field(HUGE, 19 << 26, "MAP_HUGE_512KB"),
        field(HUGE, 20 << 26, "MAP_HUGE_1MB"),
        field(HUGE, 21 << 26, "MAP_HUGE_2MB"),
        field(HUGE, 23 << 26, "MAP_HUGE_8MB"),
        field(HUGE, 24 << 26, "MAP_HUGE_16MB"),
        field(HUGE, 25 << 26, "MAP_HUGE_32MB"),
        field(HUGE, 28 << 26, "MAP_HUGE_256MB"),
        field(HUGE, 29 << 26, "MAP_HUGE_512MB"),
        field(HUGE, 30 << 26, "MAP_HUGE_1GB"),
        field(HUGE, 31 << 26, "MAP_HUGE_2GB"),
        field(HUGE, 34 << 26, "MAP_HUGE_16GB"),
        // Shares its bit with the sizes, none of which is that bit alone.
        field(HUGE, 1 << 26, "MAP_UNINITIALIZED"),
        // Alias.
        bits(0x20, "MAP_ANON"),
    ],
    zero: "",
};

/// Flags of memfd_create(2). `MFD_NOEXEC_SEAL` and `MFD_EXEC` exist since Linux 6.3.
pub static MEMFD_FLAGS: FlagSet = FlagSet {
    name: "memfd flags",
    flags: &[
        bits(0x1, "MFD_CLOEXEC"),
        bits(0x2, "MFD_ALLOW_SEALING"),
        bits(0x4, "MFD_HUGETLB"),
        bits(0x8, "MFD_NOEXEC_SEAL"),
        bits(0x10, "MFD_EXEC"),
        field(HUGE, 16 << 26, "MFD_HUGE_64KB"),
        field(HUGE, 19 << 26, "MFD_HUGE_512KB"),
        field(HUGE, 20 << 26, "MFD_HUGE_1MB"),
        field(HUGE, 21 << 26, "MFD_HUGE_2MB"),
        field(HUGE, 23 << 26, "MFD_HUGE_8MB"),
        field(HUGE, 24 << 26, "MFD_HUGE_16MB"),
        field(HUGE, 25 << 26, "MFD_HUGE_32MB"),
        field(HUGE, 28 << 26, "MFD_HUGE_256MB"),
        field(HUGE, 29 << 26, "MFD_HUGE_512MB"),
        field(HUGE, 30 << 26, "MFD_HUGE_1GB"),
        field(HUGE, 31 << 26, "MFD_HUGE_2GB"),
        field(HUGE, 34 << 26, "MFD_HUGE_16GB"),
    ],
    zero: "",
};
