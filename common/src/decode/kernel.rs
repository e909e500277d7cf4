//! Kernel modules and BPF.

use alloc::boxed::Box;

use super::{bytes_of, u32_at};
use crate::event::{Bpf, File, LoadModule, UnloadModule};
use crate::record::Record;
use crate::schema::Short;
use crate::syscall::{Role, Slot};

// Of `enum bpf_cmd` in linux/bpf.h.
const BPF_MAP_CREATE: i64 = 0;
const BPF_PROG_LOAD: i64 = 5;

pub(super) fn load_module(record: &mut Record) -> LoadModule {
    let file = record.row.position(Role::Image).is_none().then(|| record.take_file(Slot::File));
    LoadModule {
        name: file.as_ref().map(module_name).unwrap_or_default(),
        file,
        parameters: record.take_name(),
        retval: record.result,
    }
}

/// The name by which the kernel knows a module file: up to `.ko`, `-` for `_`.
fn module_name(file: &File) -> Box<[u8]> {
    let name = file.name();
    let end = name.windows(3).position(|window| window == b".ko").unwrap_or(name.len());
    name[..end].iter().map(|byte| if *byte == b'-' { b'_' } else { *byte }).collect()
}

pub(super) fn unload_module(record: &mut Record) -> UnloadModule {
    UnloadModule { name: bytes_of(record.take_name()), retval: record.result }
}

pub(super) fn bpf(record: &mut Record) -> Bpf {
    let command = record.int(Role::Selector);
    let attr = record.structure().unwrap_or(&[]);
    let name = |offset: usize| Short::new(attr.get(offset..offset + 16).unwrap_or(&[]));
    let word = |offset: usize| u32_at(attr, offset).map(i64::from);
    Bpf {
        command,
        // Offsets of `union bpf_attr`: map_type 0, map_name 28.
        map: word(0).filter(|_| command == BPF_MAP_CREATE).map(|kind| (kind, name(28))),
        // prog_type 0, prog_name 48, expected_attach_type 68.
        program: word(0).filter(|_| command == BPF_PROG_LOAD).map(|kind| (kind, word(68).unwrap_or(0), name(48))),
        retval: record.result,
    }
}
