//! Executable memory.

use crate::event::{Mmap, Mprotect};
use crate::record::Record;
use crate::syscall::{Role, Slot};

/// Of asm-generic/mman-common.h.
const MAP_ANONYMOUS: u64 = 0x20;

pub(super) fn mmap(record: &mut Record) -> Mmap {
    let flags = record.flags();
    let file = record.files[Slot::File as usize].take().filter(|_| flags & MAP_ANONYMOUS == 0);
    Mmap {
        file,
        protection: record.uint(Role::Selector),
        flags,
        // An address differs from run to run and says nothing.
        retval: if record.succeeded() { 0 } else { record.result },
    }
}

pub(super) fn mprotect(record: &mut Record) -> Mprotect {
    Mprotect { protection: record.uint(Role::Selector), retval: record.result }
}
