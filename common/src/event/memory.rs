//! Events about executable memory.

use super::File;
use crate::names;
use crate::schema::group;
use crate::schema::{Embedded, Kind, Member, Record, Value, worded};

/// `mmap` with `PROT_EXEC`.
#[derive(Clone, Debug)]
pub struct Mmap {
    /// The file that is mapped; `None` for anonymous memory.
    pub file: Option<File>,
    /// `PROT_*` bits.
    pub protection: u64,
    /// `MAP_*` flags.
    pub flags: u64,
    /// Nothing but the success: an address says little and differs from run to run.
    pub retval: i64,
}

impl Record for Mmap {
    const MEMBERS: &'static [Member<Self>] = &[
        group!("file", [Member::Inline(&Embedded { get: |mmap: &Mmap| mmap.file.as_ref() })]),
        worded("protection", "protection_str", Kind::Flags(&names::PROTECTION), "Protection asked for", |mmap| {
            Value::Flags(mmap.protection, &names::PROTECTION)
        }),
        worded("flags", "flags_str", Kind::Flags(&names::MMAP_FLAGS), "Flags of mmap", |mmap| {
            Value::Flags(mmap.flags, &names::MMAP_FLAGS)
        }),
        retval!(),
    ];
}

/// `mprotect`, `pkey_mprotect` with `PROT_EXEC`.
#[derive(Clone, Debug)]
pub struct Mprotect {
    /// `PROT_*` bits asked for.
    pub protection: u64,
    /// The result.
    pub retval: i64,
}

impl Record for Mprotect {
    const MEMBERS: &'static [Member<Self>] = &[
        worded(
            "req_protection",
            "req_protection_str",
            Kind::Flags(&names::PROTECTION),
            "Protection asked for",
            |event| Value::Flags(event.protection, &names::PROTECTION),
        ),
        retval!(),
    ];
}
