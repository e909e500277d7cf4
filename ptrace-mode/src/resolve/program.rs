//! The program that a process runs: the kernel's own links, not the string that exec was passed.

use lapwing_common::event::{File, Inode};

use super::procfs::Of;
use super::{Last, Name, Resolver, Thread};

impl Resolver {
    /// The executable: for a script, what runs it.
    pub fn executable(&mut self, thread: Thread) -> File {
        self.linked(thread, Of::Exe)
    }

    /// The script that `executable` was started to run, if it was; `None` if it is the program itself.
    ///
    /// To be asked at the exec stop. `execfn` is the path that the kernel ran (`AT_EXECFN`), already
    /// copied into the new program, so that no other thread can have changed it.
    pub fn script(&mut self, thread: Thread, execfn: &[u8], executable: &File) -> Option<File> {
        if execfn.is_empty() || *execfn == *executable.path {
            return None;
        }
        let named = self.at(thread, Name { dirfd: None, path: execfn, empty_ok: false }, Last::Follow);
        let is_executable = match (&named.inode, &executable.inode) {
            (Some(named), Some(executable)) => same(named, executable),
            // Removed since. A descriptor that exec has closed cannot have been a script's: the
            // interpreter would not find it, and the kernel refuses that (ENOENT).
            _ => named.path == executable.path || execfn.starts_with(b"/dev/fd/"),
        };
        (!is_executable).then_some(named)
    }
}

/// Whether both are one file. Mount ids tell devices apart; the times do where they are missing.
fn same(one: &Inode, other: &Inode) -> bool {
    let key = |inode: &Inode| (inode.number, inode.mount_id, inode.changed);
    key(one) == key(other)
}
