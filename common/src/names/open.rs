//! Flags of `open(2)`, from `asm-generic/fcntl.h`.
//!
//! Both ARMs give four of them other bits (`arch/arm` and `arch/arm64`, `uapi/asm/fcntl.h`). The bits are the
//! same ones permuted, so reading a record with the wrong table yields plausible nonsense, not unknown bits.

use super::{bits, field};
use crate::schema::{Flag, FlagSet};
use crate::syscall::Arch;

const ACCESS: u64 = 0o3;

/// Flags of `open(2)` on x86, and of every architecture that keeps to `asm-generic/fcntl.h`.
pub static OPEN_FLAGS: FlagSet =
    FlagSet { name: "open flags", flags: &flags(0o200_000, 0o400_000, 0o40_000, 0o100_000), zero: "" };

/// Flags of `open(2)` on 32-bit and 64-bit ARM.
pub static OPEN_FLAGS_ARM: FlagSet =
    FlagSet { name: "open flags (ARM)", flags: &flags(0o40_000, 0o100_000, 0o200_000, 0o400_000), zero: "" };

/// The flags of `open(2)` as a program of this architecture passes them.
#[must_use]
pub fn open_flags(arch: Arch) -> &'static FlagSet {
    match arch {
        Arch::X86_64 | Arch::X32 | Arch::I386 => &OPEN_FLAGS,
        Arch::Aarch64 | Arch::Arm => &OPEN_FLAGS_ARM,
    }
}

/// The table around the four that architectures place differently.
const fn flags(directory: u64, nofollow: u64, direct: u64, largefile: u64) -> [Flag; 25] {
    [
        field(ACCESS, 0o0, "O_RDONLY"),
        field(ACCESS, 0o1, "O_WRONLY"),
        field(ACCESS, 0o2, "O_RDWR"),
        // Not only the mask: Linux opens with 3 for ioctl alone (man 2 open, "File access mode").
        field(ACCESS, 0o3, "O_ACCMODE"),
        bits(0o100, "O_CREAT"),
        bits(0o200, "O_EXCL"),
        bits(0o400, "O_NOCTTY"),
        bits(0o1_000, "O_TRUNC"),
        bits(0o2_000, "O_APPEND"),
        bits(0o4_000, "O_NONBLOCK"),
        bits(0o4_010_000, "O_SYNC"),
        bits(0o10_000, "O_DSYNC"),
        bits(0o20_000, "O_ASYNC"),
        bits(direct, "O_DIRECT"),
        bits(largefile, "O_LARGEFILE"),
        bits(0o20_000_000 | directory, "O_TMPFILE"),
        bits(directory, "O_DIRECTORY"),
        bits(nofollow, "O_NOFOLLOW"),
        bits(0o1_000_000, "O_NOATIME"),
        bits(0o2_000_000, "O_CLOEXEC"),
        bits(0o10_000_000, "O_PATH"),
        // Aliases.
        bits(0o4_000, "O_NDELAY"),
        bits(0o4_010_000, "O_FSYNC"),
        bits(0o4_010_000, "O_RSYNC"),
        bits(0o20_000, "FASYNC"),
    ]
}
