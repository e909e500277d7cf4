//! The pid namespace that Lapwing runs in: by its numbers processes are shown, and looked up in `/proc`.
//!
//! The kernel has a number of its own for every process, that of the initial namespace. Where Lapwing runs in
//! another one, as in most containers, a program in the kernel has to translate.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use lapwing_common::ids::PidNs;

/// `PROC_PID_INIT_INO` of linux/proc_ns.h.
const INITIAL: u32 = 0xefff_fffc;

/// A pid namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PidNamespace {
    inode: u32,
}

impl PidNamespace {
    /// That of this process; `None` if `/proc` is not the one that belongs to it.
    pub(crate) fn own() -> Option<Self> {
        let own = std::process::id().to_string();
        // In the `/proc` of another namespace this process has another number, or none.
        if fs::read_link("/proc/self").ok()? != Path::new(&own) {
            return None;
        }
        let inode = fs::metadata("/proc/self/ns/pid").ok()?.ino();
        u32::try_from(inode).ok().map(|inode| Self { inode })
    }

    /// The number of its inode, which identifies it while it exists.
    pub(crate) fn inode(self) -> u32 {
        self.inode
    }

    pub(crate) fn id(self) -> PidNs {
        PidNs(self.inode.into())
    }

    /// Whether its numbers are the kernel's own.
    pub(crate) fn is_initial(self) -> bool {
        self.inode == INITIAL
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_one_is_that_of_proc() {
        let own = PidNamespace::own().unwrap();
        let link = fs::read_link("/proc/self/ns/pid").unwrap();
        assert_eq!(link.to_str().unwrap(), format!("pid:[{}]", own.inode()));
        assert_eq!(own.id(), PidNs(own.inode().into()));
    }

    #[test]
    fn the_initial_one_is_told_from_others() {
        assert!(PidNamespace { inode: 4_026_531_836 }.is_initial());
        assert!(!PidNamespace { inode: 4_026_532_200 }.is_initial());
    }
}
