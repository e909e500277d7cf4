//! What tells a file from every other, and from what it was before.

use lapwing_common::event::Inode;
use rustix::fs::{Statx, StatxFlags, StatxTimestamp};

/// A file in one state, as an event tells of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Identity {
    /// 0 if the backend could not tell.
    mount: u32,
    /// `None` where the kernel and stat(2) may number inodes differently: overlayfs, some of whose inodes are made up
    /// (`xino` in Documentation/filesystems/overlayfs.rst).
    inode: Option<u64>,
    modified: u64,
    changed: u64,
}

/// How a file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    /// A process executes it. The kernel lets nobody write to it meanwhile, but somebody may have removed it, which
    /// is a change of the inode.
    Process,
    /// By its path, in the root of its process.
    Root,
    /// By its path, where its process may never have been. Its mount has to be known: inode and times can be chosen
    /// by whoever made the file system.
    PathAlone,
}

impl Identity {
    pub(super) fn of(inode: &Inode) -> Self {
        let is_overlay = inode.filesystem.as_deref() == Some("overlay");
        Self {
            mount: inode.mount_id,
            inode: (!is_overlay).then_some(inode.number),
            modified: inode.modified.0,
            changed: inode.changed.0,
        }
    }

    /// Whether this is the file.
    pub(super) fn is(&self, found: &Statx, by: By) -> bool {
        let tells_mount = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::MNT_ID);
        let mount = match self.mount {
            mount if mount != 0 && tells_mount => found.stx_mnt_id == u64::from(mount),
            _ => by != By::PathAlone,
        };
        mount
            && self.inode.is_none_or(|inode| inode == found.stx_ino)
            && self.modified == nanoseconds(found.stx_mtime)
            && (by == By::Process || self.changed == nanoseconds(found.stx_ctime))
    }
}

/// Since 1970, as events have it.
pub(super) fn nanoseconds(time: StatxTimestamp) -> u64 {
    u64::try_from(time.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec.into())
}
