//! Requests of ptrace(2), from `linux/ptrace.h`, and from `asm/ptrace-abi.h` or `asm/ptrace.h` of each
//! architecture.
//!
//! Requests from 12 to 34 depend on the architecture: 12 to 15 get and set registers on x86 and 32-bit ARM
//! and do not exist on AArch64, 33 runs to the next branch on x86 and reads memory tags on AArch64. Hence a
//! table each; the requests they share are written once.

use crate::schema::Symbols;
use crate::syscall::Arch;

/// The requests common to all architectures, and then those given.
macro_rules! requests {
    ($name:literal, $(($value:literal, $request:literal)),* $(,)?) => {
        Symbols {
            name: $name,
            names: &[
                (0, "PTRACE_TRACEME"),
                (1, "PTRACE_PEEKTEXT"),
                (2, "PTRACE_PEEKDATA"),
                (3, "PTRACE_PEEKUSR"),
                (4, "PTRACE_POKETEXT"),
                (5, "PTRACE_POKEDATA"),
                (6, "PTRACE_POKEUSR"),
                (7, "PTRACE_CONT"),
                (8, "PTRACE_KILL"),
                (9, "PTRACE_SINGLESTEP"),
                (16, "PTRACE_ATTACH"),
                (17, "PTRACE_DETACH"),
                (24, "PTRACE_SYSCALL"),
                (0x4200, "PTRACE_SETOPTIONS"),
                (0x4201, "PTRACE_GETEVENTMSG"),
                (0x4202, "PTRACE_GETSIGINFO"),
                (0x4203, "PTRACE_SETSIGINFO"),
                (0x4204, "PTRACE_GETREGSET"),
                (0x4205, "PTRACE_SETREGSET"),
                (0x4206, "PTRACE_SEIZE"),
                (0x4207, "PTRACE_INTERRUPT"),
                (0x4208, "PTRACE_LISTEN"),
                (0x4209, "PTRACE_PEEKSIGINFO"),
                (0x420a, "PTRACE_GETSIGMASK"),
                (0x420b, "PTRACE_SETSIGMASK"),
                (0x420c, "PTRACE_SECCOMP_GET_FILTER"),
                (0x420d, "PTRACE_SECCOMP_GET_METADATA"),
                (0x420e, "PTRACE_GET_SYSCALL_INFO"),
                (0x420f, "PTRACE_GET_RSEQ_CONFIGURATION"),
                (0x4210, "PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG"),
                (0x4211, "PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG"),
                (0x4212, "PTRACE_SET_SYSCALL_INFO"),
                $(($value, $request)),*
            ],
        }
    };
}

/// Requests of ptrace(2) on x86, 64 and 32 bits.
pub static PTRACE_REQUESTS: Symbols = requests!(
    "ptrace requests",
    (12, "PTRACE_GETREGS"),
    (13, "PTRACE_SETREGS"),
    (14, "PTRACE_GETFPREGS"),
    (15, "PTRACE_SETFPREGS"),
    (18, "PTRACE_GETFPXREGS"),
    (19, "PTRACE_SETFPXREGS"),
    (21, "PTRACE_OLDSETOPTIONS"),
    (25, "PTRACE_GET_THREAD_AREA"),
    (26, "PTRACE_SET_THREAD_AREA"),
    (30, "PTRACE_ARCH_PRCTL"),
    (31, "PTRACE_SYSEMU"),
    (32, "PTRACE_SYSEMU_SINGLESTEP"),
    (33, "PTRACE_SINGLEBLOCK"),
);

/// Requests of ptrace(2) on 64-bit ARM.
pub static PTRACE_REQUESTS_AARCH64: Symbols = requests!(
    "ptrace requests (AArch64)",
    (31, "PTRACE_SYSEMU"),
    (32, "PTRACE_SYSEMU_SINGLESTEP"),
    (33, "PTRACE_PEEKMTETAGS"),
    (34, "PTRACE_POKEMTETAGS"),
);

/// Requests of ptrace(2) on 32-bit ARM.
pub static PTRACE_REQUESTS_ARM: Symbols = requests!(
    "ptrace requests (ARM)",
    (12, "PTRACE_GETREGS"),
    (13, "PTRACE_SETREGS"),
    (14, "PTRACE_GETFPREGS"),
    (15, "PTRACE_SETFPREGS"),
    (18, "PTRACE_GETWMMXREGS"),
    (19, "PTRACE_SETWMMXREGS"),
    (21, "PTRACE_OLDSETOPTIONS"),
    (22, "PTRACE_GET_THREAD_AREA"),
    (23, "PTRACE_SET_SYSCALL"),
    (25, "PTRACE_GETCRUNCHREGS"),
    (26, "PTRACE_SETCRUNCHREGS"),
    (27, "PTRACE_GETVFPREGS"),
    (28, "PTRACE_SETVFPREGS"),
    (29, "PTRACE_GETHBPREGS"),
    (30, "PTRACE_SETHBPREGS"),
    (31, "PTRACE_GETFDPIC"),
);

/// The requests of ptrace(2) as a program of this architecture passes them.
#[must_use]
pub fn ptrace_requests(arch: Arch) -> &'static Symbols {
    match arch {
        Arch::X86_64 | Arch::X32 | Arch::I386 => &PTRACE_REQUESTS,
        Arch::Aarch64 => &PTRACE_REQUESTS_AARCH64,
        Arch::Arm => &PTRACE_REQUESTS_ARM,
    }
}
