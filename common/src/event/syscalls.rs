//! Lapwing's own remark that a program made system calls which its workload's profile does not know.

use alloc::boxed::Box;

use crate::schema::{Kind, Record, Value, field};

/// `syscalls`: no backend captures it; it follows from the sets of calls that programs make, where a profile judges those.
#[derive(Clone, Debug)]
pub struct Syscalls {
    /// Names of the calls, or their numbers where they have none.
    pub names: Box<[Box<[u8]>]>,
}

impl Record for Syscalls {
    const MEMBERS: &'static [crate::schema::Member<Self>] =
        &[field("names", Kind::Strings, "Names of the system calls", |event| Value::Strings(&event.names))];
}
