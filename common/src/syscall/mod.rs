//! The syscall catalogue: the one place that knows system calls.
//!
//! Each row says under which number a call goes on each interface, which events it may become and
//! under which argument values, what its arguments mean and which results are reported. The
//! seccomp filter of the ptrace backend, the descriptor map of the kernel backend, the decoder and
//! the event reference are all derived from these rows, so adding a system call is adding a row.
//! [`OPERATIONS`] says which calls an io_uring makes by other means.

mod arch;
mod catalogue;
mod indirect;
pub mod names;
mod role;
mod set;
mod test;
mod uring;

pub use arch::{AUDIT_AARCH64, AUDIT_ARM, AUDIT_I386, AUDIT_X86_64, Arch, X32_BIT};
pub use catalogue::CATALOGUE;
pub use indirect::{Indirection, Redirect};
pub use role::{BPF_ATTR_CAPTURE, Last, Layout, Role, Slot};
pub use set::{CallSet, NUMBERS};
pub use test::{Condition, Test};
pub use uring::{Meaning, OPERATIONS, Operation, Place};

use crate::event::EventType;

/// The numbers of one system call; `None` where an interface does not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    /// On x86-64, and on x32 (with [`X32_BIT`]) unless `x32` differs.
    pub x86_64: Option<u32>,
    /// On x32 where it differs from x86-64 (512 and up), without [`X32_BIT`].
    pub x32: Option<u32>,
    /// On 32-bit x86.
    pub i386: Option<u32>,
    /// On 64-bit ARM.
    pub aarch64: Option<u32>,
    /// On 32-bit ARM (EABI).
    pub arm: Option<u32>,
}

/// One event that a system call may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Yield {
    /// The type of the event.
    pub event: EventType,
    /// The argument tests that must all hold for this type.
    pub when: &'static [Test],
}

/// What a successful call leaves behind that the event shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// Nothing beyond the result.
    Nothing,
    /// The result is a descriptor of the file in [`Slot::File`].
    File,
    /// The result is a connected socket.
    Socket,
    /// The calling thread's credentials may have changed.
    Credentials,
    /// The calling thread runs a new program.
    Program,
}

/// A row of the catalogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// The kernel's name of the call.
    pub name: &'static str,
    /// Its numbers.
    pub numbers: Numbers,
    /// The events it may become; the first whose tests hold is taken.
    pub yields: &'static [Yield],
    /// The meaning of its arguments, in order.
    pub args: &'static [Role],
    /// What success leaves behind.
    pub product: Product,
    /// Error numbers that are reported besides `EACCES` and `EPERM`, which always are.
    pub reported_errors: &'static [i32],
    /// Flags that the call implies and that its event shows (`creat` opens with `O_CREAT`).
    pub implied_flags: u64,
    /// Strings and structures of the call are there to be read only if these tests hold: `prctl`
    /// takes a pointer for some options and a number for others.
    pub read_when: &'static [Test],
    /// On 32-bit interfaces this call's user and group ids are 16 bits wide.
    pub narrow_ids: bool,
    /// The arguments are a pointer to the real ones.
    pub indirection: Option<Indirection>,
}

/// `EPERM` of `asm-generic/errno-base.h`, equal on all of our interfaces, as are the others here.
pub const EPERM: i32 = 1;
/// `EACCES`.
pub const EACCES: i32 = 13;

/// `CLONE_UNTRACED` of linux/sched.h: whoever traces the parent shall not trace the child.
pub const CLONE_UNTRACED: u64 = 0x0080_0000;
/// `CLONE_VM` of linux/sched.h: the child shares the memory.
pub const CLONE_VM: u64 = 0x100;
/// `CLONE_VFORK` of linux/sched.h: the caller waits until the child has a program of its own or ends.
pub const CLONE_VFORK: u64 = 0x4000;
/// `CLONE_NEWNS` of linux/sched.h: the child gets mounts of its own.
pub const CLONE_NEWNS: u64 = 0x0002_0000;
/// `CLONE_PARENT` of linux/sched.h: the child gets the parent of its maker.
pub const CLONE_PARENT: u64 = 0x0000_8000;

impl Syscall {
    /// The number on an interface, as the kernel reports it (x32 with its bit).
    #[must_use]
    pub fn number(&self, arch: Arch) -> Option<u32> {
        let numbers = &self.numbers;
        match arch {
            Arch::X86_64 => numbers.x86_64,
            Arch::X32 => numbers.x32.or(numbers.x86_64).map(|number| number | X32_BIT),
            Arch::I386 => numbers.i386,
            Arch::Aarch64 => numbers.aarch64,
            Arch::Arm => numbers.arm,
        }
    }

    /// The row for a number on an interface.
    #[must_use]
    pub fn lookup(arch: Arch, number: u32) -> Option<&'static Self> {
        // A linear walk: backends look rows up once and keep them in a table of their own.
        CATALOGUE.iter().find(|row| row.number(arch) == Some(number))
    }

    /// The row of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        CATALOGUE.iter().find(|row| row.name == name)
    }

    /// The type of the event that these arguments would become.
    #[must_use]
    pub fn event_for(&self, args: &[u64; 6]) -> Option<EventType> {
        self.yields
            .iter()
            .find(|candidate| candidate.when.iter().all(|test| test.holds(args)))
            .map(|candidate| candidate.event)
    }

    /// Whether strings and structures may be read through these arguments.
    #[must_use]
    pub fn reads(&self, args: &[u64; 6]) -> bool {
        self.read_when.iter().all(|test| test.holds(args))
    }

    /// Whether a result (negative error number or value) is reported at all.
    #[must_use]
    pub fn reports(&self, result: i64) -> bool {
        if !(-4095..0).contains(&result) {
            return true;
        }
        let errno = i32::try_from(-result).unwrap_or(0);
        errno == EPERM || errno == EACCES || self.reported_errors.contains(&errno)
    }

    /// The position of the first argument with this role.
    #[must_use]
    pub fn position(&self, role: Role) -> Option<usize> {
        self.args.iter().position(|candidate| *candidate == role)
    }

    /// Bits of the argument's user or group ids on an interface.
    #[must_use]
    pub fn id_bits(&self, arch: Arch) -> u32 {
        if self.narrow_ids && matches!(arch, Arch::I386 | Arch::Arm) { 16 } else { 32 }
    }
}

#[cfg(test)]
mod tests;
