//! The BPF programs that a process holds, and whether they are still in the kernel.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::{FromRawFd as _, OwnedFd};

/// The numbers of the programs that a process has descriptors of.
pub(crate) fn held_by(pid: u32) -> BTreeSet<u32> {
    let files = fs::read_dir(format!("/proc/{pid}/fdinfo")).into_iter().flatten().flatten();
    let facts = files.filter_map(|file| fs::read_to_string(file.path()).ok());
    facts.filter_map(|text| text.lines().find_map(|line| line.strip_prefix("prog_id:")?.trim().parse().ok())).collect()
}

/// Whether a program is in the kernel, loaded or attached.
pub(crate) fn exists(program: u32) -> bool {
    /// The members of `union bpf_attr` for `BPF_PROG_GET_FD_BY_ID` (linux/bpf.h).
    #[repr(C)]
    struct ById {
        program: u32,
        next: u32,
        flags: u32,
    }
    const BPF_PROG_GET_FD_BY_ID: i32 = 13;
    let by_id = ById { program, next: 0, flags: 0 };
    // SAFETY: the kernel reads a structure of this size.
    let found = unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_GET_FD_BY_ID, &raw const by_id, size_of::<ById>()) };
    match i32::try_from(found) {
        Ok(descriptor @ 0..) => {
            // SAFETY: it has just been made, and nobody else has it.
            drop(unsafe { OwnedFd::from_raw_fd(descriptor) });
            true
        }
        _ => {
            let error = nix::errno::Errno::last();
            assert_eq!(error, nix::errno::Errno::ENOENT, "cannot tell whether program {program} exists");
            false
        }
    }
}
