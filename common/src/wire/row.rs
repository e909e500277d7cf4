//! Rows of the catalogue on the wire: an interface and the number of the call there.
//!
//! Numbers are the kernel's, so that releases with different catalogues understand each other in all that both have.

use super::proto::Interface;
use crate::syscall::{Arch, CATALOGUE, Syscall};

pub(super) fn interface(arch: Arch) -> Interface {
    match arch {
        Arch::X86_64 => Interface::Amd64,
        Arch::X32 => Interface::X32,
        Arch::I386 => Interface::I386,
        Arch::Aarch64 => Interface::Arm64,
        Arch::Arm => Interface::Arm,
    }
}

pub(super) fn arch(interface: Interface) -> Option<Arch> {
    match interface {
        Interface::Unspecified => None,
        Interface::Amd64 => Some(Arch::X86_64),
        Interface::X32 => Some(Arch::X32),
        Interface::I386 => Some(Arch::I386),
        Interface::Arm64 => Some(Arch::Aarch64),
        Interface::Arm => Some(Arch::Arm),
    }
}

/// The number of a row, with the interface that has it: the one of the call if it can be. What was called by way of
/// another call (`socketcall`) may have no number of its own there.
pub(super) fn number(row: &Syscall, arch: Arch) -> Option<(Arch, u32)> {
    core::iter::once(arch).chain(Arch::ALL).find_map(|arch| row.number(arch).map(|number| (arch, number)))
}

/// A fingerprint of the catalogue (FNV-1a over names, numbers and counts of arguments): equal where two releases
/// know the same calls.
#[must_use]
pub fn fingerprint() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut take = |bytes: &[u8]| {
        for byte in bytes {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for row in CATALOGUE {
        take(row.name.as_bytes());
        for arch in Arch::ALL {
            take(&row.number(arch).unwrap_or(u32::MAX).to_le_bytes());
        }
        take(&[u8::try_from(row.args.len()).unwrap_or(u8::MAX)]);
    }
    hash
}
