//! Names of the numbers the kernel's interface is made of: flags, options, commands, errors.
//!
//! One file a concept, the values written out. They do not come from the `libc` crate, because it has those
//! of the architecture the agent is built for, while a record may come from a 32-bit process or from
//! another machine. Where architectures differ, a function picks the table by [`Arch`](crate::syscall::Arch).
//!
//! Order matters twice. In a [`FlagSet`](crate::schema::FlagSet) the first entry to apply takes its bits, so
//! combinations come before their parts. In both kinds of table an alias comes after the name it repeats:
//! output shows the first name, while rules may use either.

use crate::schema::Flag;

mod bpf;
mod capability;
mod clone;
mod errno;
mod exit;
mod filesystem;
mod memory;
mod mode;
mod module;
mod mount;
mod open;
mod path;
mod prctl;
mod ptrace;
mod rlimit;
mod signal;
mod socket;
mod sockopt;
mod splice;
#[cfg(test)]
mod tests;

pub use bpf::{BPF_ATTACH_TYPES, BPF_COMMANDS, BPF_MAP_TYPES, BPF_PROGRAM_TYPES};
pub use capability::CAPABILITIES;
pub use clone::CLONE_FLAGS;
pub use errno::ERRNOS;
pub use exit::EXIT_CAUSES;
pub use filesystem::filesystem_of_magic;
pub use memory::{MEMFD_FLAGS, MMAP_FLAGS, PROTECTION};
pub use mode::{FILE_MODE, MODE};
pub use module::MODULE_FLAGS;
pub use mount::{MOUNT_FLAGS, UMOUNT_FLAGS};
pub use open::{OPEN_FLAGS, OPEN_FLAGS_ARM, open_flags};
pub use path::{RENAME_FLAGS, UNLINK_FLAGS};
pub use prctl::PRCTL_OPTIONS;
pub use ptrace::{PTRACE_REQUESTS, PTRACE_REQUESTS_AARCH64, PTRACE_REQUESTS_ARM, ptrace_requests};
pub use rlimit::RLIMITS;
pub use signal::SIGNALS;
pub use socket::{L4_PROTOCOLS, SOCKET_FAMILIES, SOCKET_FLAGS, SOCKET_TYPES};
pub use sockopt::{SOCKET_OPTIONS, SOCKOPT_LEVELS};
pub use splice::SPLICE_FLAGS;

/// A name that applies when all of its bits are set.
const fn bits(value: u64, name: &'static str) -> Flag {
    Flag { mask: value, value, name }
}

/// A name for one value of the number that `mask` cuts out.
const fn field(mask: u64, value: u64, name: &'static str) -> Flag {
    Flag { mask, value, name }
}
