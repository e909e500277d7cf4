//! The type of the file system that an inode is on, by the name the kernel registers it under.
//!
//! `mountinfo` has that name (`ext4` and `ext3` share their magic number); what is in no mount table
//! (pipes, sockets, memfds, a mount that was lazily removed) is named after its magic number. Mount
//! ids and device numbers are both reused, hence the answers have to be forgotten when mounts change.

use std::collections::HashMap;
use std::sync::Arc;

use lapwing_common::ids::Tid;
use lapwing_common::names;
use lapwing_common::procfs::mountinfo;

use super::procfs::Proc;
use super::sys::Stat;

/// A file system type, and whether it is one of the kernel's own that is mounted nowhere.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: Option<Arc<str>>,
    pub(super) mounted: bool,
}

impl Known {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.as_deref() == Some(name)
    }

    /// Whether a process answers for it (`fuse`, `fuseblk`).
    pub(super) fn is_served(&self) -> bool {
        self.name.as_deref().is_some_and(|name| name.starts_with("fuse"))
    }
}

#[derive(Debug, Default)]
pub(super) struct Filesystems {
    known: HashMap<(u32, (u32, u32)), Known>,
    names: Vec<Arc<str>>,
}

impl Filesystems {
    /// The file system of an inode that `tid` reached. `magic` answers `statfs`, once for a mount.
    pub(super) fn of(
        &mut self,
        proc: &mut Proc,
        tid: Tid,
        stat: &Stat,
        magic: impl FnOnce(&mut Proc) -> Option<u64>,
    ) -> Known {
        let key = (stat.mount, stat.device);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let listed = proc
            .read(tid, "mountinfo")
            .ok()
            .and_then(|table| mountinfo::filesystem(table, stat.mount, stat.device))
            .map(|name| self.name(name));
        let mounted = listed.is_some();
        let name = listed.or_else(|| Some(self.name(names::filesystem_of_magic(magic(proc)?)?)));
        let known = Known { name, mounted };
        // A caller that cannot say the magic number must not decide for those that can.
        if known.name.is_some() {
            self.known.insert(key, known.clone());
        }
        known
    }

    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    fn name(&mut self, name: &str) -> Arc<str> {
        if let Some(known) = self.names.iter().find(|known| &***known == name) {
            return Arc::clone(known);
        }
        let new: Arc<str> = name.into();
        self.names.push(Arc::clone(&new));
        new
    }
}
