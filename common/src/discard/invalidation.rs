//! Which calls make discarders wrong, and which ones.
//!
//! What a rule says depends on paths; a discarder is kept by inode. So whatever gives an inode another
//! path, or a number or mount id to another inode or mount, ends what was said about it. Before the call
//! and after it: a removed inode's number can be given out again before the call's end is seen, and
//! what is concluded between the two is about the old state.

use smallvec::SmallVec;

use crate::event::{EventType, Inode};
use crate::record::Record;
use crate::syscall::{Product, Role, Slot};

// Of linux/mount.h, linux/sched.h and linux/stat.h.
const MS_MOVE: u64 = 0x2000;
const CLONE_NEWNS: u64 = 0x0002_0000;
const S_IFMT: u16 = 0o170_000;
const S_IFDIR: u16 = 0o040_000;

/// What is no longer valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// What is said about this inode, whichever mount shows it.
    Inode {
        /// Its number.
        inode: u64,
        /// The mount it was reached through.
        mount: u32,
    },
    /// What is said about the files of this mount.
    Mount(u32),
    /// What is said about files of any mount: a directory was moved, and what is mounted below it with it.
    Mounts,
    /// Everything.
    Everything,
}

type Invalidations = SmallVec<[Invalidation; 3]>;

/// Whether calls of this type have to be seen, wanted or not, while there are discarders.
#[must_use]
pub fn invalidates(event: EventType) -> bool {
    matches!(
        event,
        EventType::Unlink
            | EventType::Rmdir
            | EventType::Rename
            | EventType::Link
            | EventType::Mount
            | EventType::Umount
            | EventType::PivotRoot
            | EventType::Setns
            | EventType::Unshare
    )
}

/// What becomes invalid when a call of this type is about to be made. `replaced` is what a new name of
/// `rename` names until then.
#[must_use]
pub fn before(record: &Record, event: EventType, replaced: Option<&Inode>) -> Invalidations {
    let mut found = Invalidations::new();
    let file = inode_of(record, Slot::File);
    match event {
        EventType::Unlink => found.extend(file.map(expiry)),
        EventType::Rename => {
            // Both can be opened under their new names before the call's end is seen.
            found.extend([file, replaced].into_iter().flatten().map(expiry));
            found.extend([file, replaced].into_iter().flatten().filter_map(moved_directory));
        }
        // All that is below has other names before the call's end is seen.
        EventType::PivotRoot => found.push(Invalidation::Everything),
        EventType::Mount if moves(record) => found.push(Invalidation::Everything),
        // Likewise.
        EventType::Link if record.row.position(Role::LinkText).is_none() => found.extend(file.map(expiry)),
        _ => {}
    }
    found
}

/// What has become invalid by a call of this type that succeeded. `mounted` is what the mount point leads
/// to now.
#[must_use]
pub fn after(record: &Record, event: EventType, mounted: Option<&Inode>) -> Invalidations {
    let mut found = Invalidations::new();
    let (file, destination) = (inode_of(record, Slot::File), inode_of(record, Slot::Destination));
    match event {
        EventType::Unlink => found.extend(file.map(expiry)),
        // A removal by unlinkat invalidates the mount, as in the reference.
        EventType::Rmdir if record.row.position(Role::Flags).is_some() => {
            found.extend(file.map(|inode| Invalidation::Mount(inode.mount_id)));
            found.extend(file.map(expiry));
        }
        EventType::Rmdir => found.extend(file.map(expiry)),
        EventType::Rename => {
            // Below an overlay, the inode may be another one now.
            found.extend([file, destination].into_iter().flatten().map(expiry));
            found.extend([file, destination].into_iter().flatten().filter_map(moved_directory));
        }
        // A symbolic link gives no inode another name.
        EventType::Link if record.row.position(Role::LinkText).is_none() => found.extend(file.map(expiry)),
        // The file is the root of what was mounted: it was looked at before.
        EventType::Umount => found.extend(file.map(|inode| Invalidation::Mount(inode.mount_id))),
        EventType::Mount if moves(record) => found.push(Invalidation::Everything),
        // A mount that went away unseen may have had its id.
        EventType::Mount if makes(record) => found.extend(file.map(|inode| Invalidation::Mount(inode.mount_id))),
        EventType::Mount => found.extend(mounted.map(|inode| Invalidation::Mount(inode.mount_id))),
        EventType::PivotRoot | EventType::Setns => found.push(Invalidation::Everything),
        EventType::Unshare if flags(record) & CLONE_NEWNS != 0 => found.push(Invalidation::Everything),
        _ => {}
    }
    found
}

fn inode_of(record: &Record, slot: Slot) -> Option<&Inode> {
    record.files[slot as usize].as_ref()?.inode.as_ref()
}

fn expiry(inode: &Inode) -> Invalidation {
    Invalidation::Inode { inode: inode.number, mount: inode.mount_id }
}

/// With a directory, everything below it is moved.
fn moved_directory(inode: &Inode) -> Option<Invalidation> {
    (inode.mode & S_IFMT == S_IFDIR).then_some(Invalidation::Mounts)
}

/// Whether what was mounted somewhere, with all that is mounted below it, is somewhere else now.
fn moves(record: &Record) -> bool {
    (record.row.position(Role::Source).is_none() && !makes(record)) || flags(record) & MS_MOVE != 0
}

/// Whether the result is a new mount, which is not put anywhere.
fn makes(record: &Record) -> bool {
    record.row.product == Product::File
}

/// Whether files have other names from some time during the call on: what is said of them meanwhile may be about the
/// old ones. Removals and links are about one file each, of which nothing new is taken for a while.
#[must_use]
pub fn renames_many(record: &Record, event: EventType, replaced: Option<&Inode>) -> bool {
    before(record, event, replaced)
        .iter()
        .any(|invalid| matches!(invalid, Invalidation::Mounts | Invalidation::Everything))
}

fn flags(record: &Record) -> u64 {
    crate::decode::flags(record)
}
