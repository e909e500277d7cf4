//! The instruction-set interfaces a Linux process may enter the kernel through.
//!
//! A 64-bit kernel serves several at once: an x86-64 process may use the i386 numbers (`int 0x80`)
//! or the x32 ones (bit 30 set) at any time. Treating only the native one would be a blind spot.

/// A system call interface: a number table and a way to lay out structures in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Arch {
    /// 64-bit x86.
    X86_64,
    /// 64-bit registers with 32-bit pointers; numbers carry [`X32_BIT`].
    X32,
    /// 32-bit x86, also reached by `int 0x80` from 64-bit code.
    I386,
    /// 64-bit ARM.
    Aarch64,
    /// 32-bit ARM (EABI).
    Arm,
}

/// Set in the number of an x32 system call (`__X32_SYSCALL_BIT` of `asm/unistd.h`).
pub const X32_BIT: u32 = 0x4000_0000;

/// `AUDIT_ARCH_X86_64` of `linux/audit.h`; x32 shares it.
pub const AUDIT_X86_64: u32 = 0xc000_003e;
/// `AUDIT_ARCH_I386`.
pub const AUDIT_I386: u32 = 0x4000_0003;
/// `AUDIT_ARCH_AARCH64`.
pub const AUDIT_AARCH64: u32 = 0xc000_00b7;
/// `AUDIT_ARCH_ARM`.
pub const AUDIT_ARM: u32 = 0x4000_0028;

impl Arch {
    /// Every interface, native ones first.
    pub const ALL: [Self; 5] = [Self::X86_64, Self::Aarch64, Self::I386, Self::X32, Self::Arm];

    /// The interface this build of Lapwing itself uses.
    #[cfg(target_arch = "x86_64")]
    pub const NATIVE: Self = Self::X86_64;
    /// The interface this build of Lapwing itself uses.
    #[cfg(target_arch = "aarch64")]
    pub const NATIVE: Self = Self::Aarch64;

    /// The interface that an audit architecture and a raw number mean, as seccomp and
    /// `PTRACE_GET_SYSCALL_INFO` report them. `None` for one Lapwing has no table for.
    #[must_use]
    pub fn from_audit(audit: u32, number: u32) -> Option<Self> {
        match audit {
            AUDIT_X86_64 if number & X32_BIT != 0 => Some(Self::X32),
            AUDIT_X86_64 => Some(Self::X86_64),
            AUDIT_I386 => Some(Self::I386),
            AUDIT_AARCH64 => Some(Self::Aarch64),
            AUDIT_ARM => Some(Self::Arm),
            _ => None,
        }
    }

    /// The `AUDIT_ARCH_*` value that seccomp shows for this interface.
    #[must_use]
    pub fn audit(self) -> u32 {
        match self {
            Self::X86_64 | Self::X32 => AUDIT_X86_64,
            Self::I386 => AUDIT_I386,
            Self::Aarch64 => AUDIT_AARCH64,
            Self::Arm => AUDIT_ARM,
        }
    }

    /// The interfaces a process on this interface's kernel can reach.
    #[must_use]
    pub fn reachable(self) -> &'static [Self] {
        match self {
            Self::X86_64 | Self::X32 | Self::I386 => &[Self::X86_64, Self::X32, Self::I386],
            Self::Aarch64 | Self::Arm => &[Self::Aarch64, Self::Arm],
        }
    }

    /// Bytes in a pointer and a `size_t`, and in a program's own `long`.
    #[must_use]
    pub const fn pointer_size(self) -> usize {
        match self {
            Self::X86_64 | Self::Aarch64 => 8,
            Self::X32 | Self::I386 | Self::Arm => 4,
        }
    }

    /// Bytes in a `long` of the structures that calls take: `__kernel_long_t` of asm/posix_types.h. x32 shares the
    /// native calls (`common` in arch/x86/entry/syscalls/syscall_64.tbl), and so has theirs.
    #[must_use]
    pub const fn long_size(self) -> usize {
        match self {
            Self::X86_64 | Self::X32 | Self::Aarch64 => 8,
            Self::I386 | Self::Arm => 4,
        }
    }

    /// The name people use for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::X32 => "x32",
            Self::I386 => "i386",
            Self::Aarch64 => "aarch64",
            Self::Arm => "arm",
        }
    }
}
