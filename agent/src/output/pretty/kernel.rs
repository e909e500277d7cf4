//! Sentences about memory, the kernel, and what Lapwing cannot see.

use lapwing_common::event::{Blind, BlindCause, Bpf, LoadModule, Mmap, Mprotect};
use lapwing_common::names;

use super::line::Line;

pub(super) fn mmap(line: &mut Line<'_>, event: &Mmap) {
    match &event.file {
        Some(file) => line.file(file, None),
        None => line.note("anonymous"),
    }
    line.flags(event.protection, &names::PROTECTION);
    line.flags(event.flags, &names::MMAP_FLAGS);
}

pub(super) fn mprotect(line: &mut Line<'_>, event: &Mprotect) {
    line.flags(event.protection, &names::PROTECTION);
}

pub(super) fn load_module(line: &mut Line<'_>, event: &LoadModule) {
    match &event.file {
        Some(file) => line.file(file, None),
        None => line.note("from memory"),
    }
    if let Some(parameters) = event.parameters.as_ref().filter(|parameters| !parameters.bytes.is_empty()) {
        line.quoted(&parameters.bytes);
    }
}

pub(super) fn bpf(line: &mut Line<'_>, event: &Bpf) {
    line.symbol(event.command, &names::BPF_COMMANDS);
    if let Some((kind, name)) = event.map {
        line.symbol(kind, &names::BPF_MAP_TYPES);
        line.escaped(name.as_bytes());
    }
    if let Some((kind, _, name)) = event.program {
        line.symbol(kind, &names::BPF_PROGRAM_TYPES);
        line.escaped(name.as_bytes());
    }
    line.descriptor(event.retval);
}

pub(super) fn blind(line: &mut Line<'_>, event: &Blind) {
    let what = match event.cause {
        BlindCause::IoUring => "io_uring, whose operations are no system calls",
        BlindCause::CloneUntraced => "a child made with CLONE_UNTRACED",
        BlindCause::ForeignAbi => "a call through an interface without a table",
    };
    line.alarm(what);
    line.note(if event.refused { "refused" } else { "may go unseen from here on" });
}
