//! The file that a process runs: where `/proc/PID/exe` leads, and what the inode there says. Likewise of other files
//! that a process has.
//!
//! Path and inode are asked of one descriptor, so that they belong together even if the process execs
//! meanwhile. Nothing here may wait for the server of a FUSE mount: the status is what the kernel has
//! cached, and so is the only path that is looked up.

use std::collections::HashMap;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::sync::Arc;

use lapwing_common::accounts::Naming;
use lapwing_common::event::{Attachment, File, Inode};
use lapwing_common::ids::Timestamp;
use lapwing_common::names::filesystem_of_magic;
use lapwing_common::procfs::link::{self, DELETED};
use lapwing_common::procfs::mountinfo;
use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags, Statx, StatxFlags, StatxTimestamp};
use rustix::io::Errno;

use super::{Process, nanoseconds};

/// The file systems of the mounts that were met, by mount id and device.
#[derive(Debug, Default)]
pub(super) struct Filesystems {
    known: HashMap<(u32, (u32, u32)), Known>,
}

/// A file system's type, and whether the mount is in the process's table. One that is not belongs to the
/// kernel itself (a memfd's), to another mount namespace, or was detached.
#[derive(Clone, Debug)]
struct Known {
    name: Option<Arc<str>>,
    mounted: bool,
}

impl Filesystems {
    /// The file to which a link in the process's directory leads: `exe` to its executable. `unresolved` if it leads
    /// nowhere, as `exe` of a process that runs none.
    pub(super) fn file(&mut self, process: &Process, link: &str) -> File {
        let Ok(exe) = process.place(link) else { return File { unresolved: true, ..File::default() } };
        // Another user's FUSE mount (an AppImage, say) refuses even root its status, but not its path.
        let status = status(exe.as_fd()).ok();
        let known = status.as_ref().map(|status| self.of(process, exe.as_fd(), status));
        let path = rustix::fs::readlink(format!("/proc/self/fd/{}", exe.as_raw_fd()), Vec::new());
        let internal = known.as_ref().is_some_and(|known| !known.mounted);
        let path = path.ok().map(|text| shown(text.as_bytes(), process, status.as_ref(), internal));
        let inode = status.as_ref().map(|status| inode(status, known.and_then(|known| known.name)));
        File { unresolved: path.is_none(), path: path.unwrap_or_default(), inode }
    }

    fn of(&mut self, process: &Process, file: BorrowedFd<'_>, status: &Statx) -> Known {
        let key = (mount(status), device(status));
        if let Some(known) = self.known.get(&key) {
            return known.clone();
        }
        let table = process.read("mountinfo").unwrap_or_default();
        let listed = mountinfo::filesystem(&table, key.0, key.1);
        let known = Known {
            name: listed.or_else(|| filesystem_of_magic(magic(file)?)).map(Arc::from),
            mounted: listed.is_some(),
        };
        self.known.insert(key, known.clone());
        known
    }
}

/// The path as the process sees it. `internal`: the mount is in no table.
fn shown(text: &[u8], process: &Process, status: Option<&Statx>, internal: bool) -> Box<[u8]> {
    let root = rustix::fs::readlinkat(&process.dir, "root", Vec::new()).unwrap_or_default();
    let prefix = if root.as_bytes() == b"/" { &[] } else { root.as_bytes() };
    let removed = |status: &Statx| status.stx_nlink == 0 || !is_named(link::below(prefix, text), process, status);
    let path = match text.strip_suffix(DELETED) {
        Some(path) if status.is_none_or(removed) => path,
        _ => text,
    };
    match link::memfd(path) {
        Some(memfd) if internal => memfd.into(),
        _ => link::below(prefix, path).into(),
    }
}

/// Whether `path`, seen from the process's root, really names the file with this status.
///
/// A running program's name is in the kernel's cache for as long as it has that name, so nothing else is
/// asked (`RESOLVE_CACHED`, Linux 5.12; before that the answer is no).
fn is_named(path: &[u8], process: &Process, of: &Statx) -> bool {
    let bounds = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS | ResolveFlags::CACHED;
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let Ok(root) = process.place("root") else { return false };
    let found = rustix::fs::openat2(root, path, flags, Mode::empty(), bounds).and_then(|place| status(place.as_fd()));
    let key = |status: &Statx| (device(status), status.stx_ino, mount(status));
    found.is_ok_and(|found| key(&found) == key(of))
}

fn status(file: BorrowedFd<'_>) -> Result<Statx, Errno> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::NO_AUTOMOUNT | AtFlags::STATX_DONT_SYNC;
    rustix::fs::statx(file, c"", flags, StatxFlags::BASIC_STATS | StatxFlags::MNT_ID)
}

fn inode(status: &Statx, filesystem: Option<Arc<str>>) -> Inode {
    Inode {
        number: status.stx_ino,
        mount_id: mount(status),
        attachment: Attachment::Visible,
        mode: status.stx_mode,
        uid: status.stx_uid,
        gid: status.stx_gid,
        modified: timestamp(&status.stx_mtime),
        changed: timestamp(&status.stx_ctime),
        filesystem,
        naming: Naming::default(),
    }
}

fn timestamp(time: &StatxTimestamp) -> Timestamp {
    Timestamp(nanoseconds(time.tv_sec, time.tv_nsec))
}

/// 0 before Linux 5.8.
fn mount(status: &Statx) -> u32 {
    if status.stx_mask & StatxFlags::MNT_ID.bits() == 0 { 0 } else { u32::try_from(status.stx_mnt_id).unwrap_or(0) }
}

fn device(status: &Statx) -> (u32, u32) {
    (status.stx_dev_major, status.stx_dev_minor)
}

/// The magic number of a file's file system: 32 bits, in a word that is signed here.
fn magic(file: BorrowedFd<'_>) -> Option<u64> {
    let word = rustix::fs::fstatfs(file).ok()?.f_type;
    Some(word.cast_unsigned() & u64::from(u32::MAX))
}
