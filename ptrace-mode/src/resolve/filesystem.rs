//! The type of the file system that an inode is on, by the name the kernel registers it under, and where the mount is
//! through which it was reached.
//!
//! `mountinfo` has that name (`ext4` and `ext3` share their magic number); what is in no mount table
//! (pipes, sockets, memfds, a mount that was lazily removed) is named after its magic number. Mount
//! ids and device numbers are both reused, hence the answers have to be forgotten when mounts change.

use std::collections::HashMap;
use std::sync::Arc;

use lapwing_common::event::Attachment;
use lapwing_common::ids::Tid;
use lapwing_common::names;
use lapwing_common::procfs::mountinfo;

use super::procfs::Proc;
use super::sys::Stat;
use super::view::{View, own_tid};

/// A file system type, whether it is listed among the process's mounts, and where its mount is otherwise.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) name: Option<Arc<str>>,
    pub(super) mounted: bool,
    pub(super) attachment: Attachment,
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
    /// By mount and device, and by the mount of the root of who asked: other namespaces have other mounts.
    known: HashMap<(u32, (u32, u32), u32), Known>,
    names: Vec<Arc<str>>,
}

impl Filesystems {
    /// The file system of an inode that `tid` reached. `magic` answers `statfs`, once for a mount.
    pub(super) fn of(
        &mut self,
        proc: &mut Proc,
        tid: Tid,
        view: &View,
        stat: &Stat,
        magic: impl FnOnce(&mut Proc) -> Option<u64>,
    ) -> Known {
        let key = (stat.mount, stat.device, view.root_stat.mount);
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let listed = proc
            .read(tid, "mountinfo")
            .ok()
            .and_then(|table| mountinfo::filesystem(table, stat.mount, stat.device))
            .map(|name| self.name(name));
        let mounted = listed.is_some();
        let attachment = if mounted { Attachment::Visible } else { attachment(proc, tid, view, stat.mount) };
        let name = listed.or_else(|| Some(self.name(names::filesystem_of_magic(magic(proc)?)?)));
        let known = Known { name, mounted, attachment };
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

/// Where a mount is that is not in the process's table. That table ends at the process's root, so Lapwing's own is asked
/// too; below a `chroot`, where not even the root's mount is listed, what is not known is no statement.
fn attachment(proc: &mut Proc, tid: Tid, view: &View, mount: u32) -> Attachment {
    let root = view.root_stat.mount;
    if mount == 0 || mount == root {
        return Attachment::Visible;
    }
    let lists = |proc: &mut Proc, tid, mount| {
        proc.read(tid, "mountinfo").is_ok_and(|table| mountinfo::mount(table, mount).is_some())
    };
    if lists(proc, own_tid(), mount) {
        let own = proc.namespace(None, "mnt").map(Box::<[u8]>::from);
        let same = own.is_ok_and(|own| proc.namespace(Some(tid), "mnt").is_ok_and(|of| *of == *own));
        return if same { Attachment::Visible } else { Attachment::Elsewhere };
    }
    if lists(proc, tid, root) { Attachment::Detached } else { Attachment::Visible }
}
