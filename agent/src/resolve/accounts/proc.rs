//! Which root a process has, by `/proc/PID/root`.

use std::io;
use std::os::fd::OwnedFd;
use std::{fmt, fs};

use lapwing_common::ids::Pid;
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags};

use super::IdMap;

/// What tells one root from another: device, inode and mount of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RootId {
    pub(super) device: (u32, u32),
    pub(super) inode: u64,
    pub(super) mount: u64,
}

/// Where roots can be looked at.
pub(crate) trait Roots: fmt::Debug + Send {
    /// That of this process.
    fn own(&self) -> Option<RootId>;
    /// That of a process; `None` if it is gone, or may not be looked at.
    fn of(&self, pid: Pid) -> Option<RootId>;
    /// This process's, opened.
    fn open_own(&self) -> io::Result<OwnedFd>;
    /// A process's, opened: as a place, so that nothing there is asked.
    fn open(&self, pid: Pid) -> io::Result<OwnedFd>;
    /// From the numbers of this process's user namespace to those of another process's.
    fn id_maps(&self, pid: Pid) -> (IdMap, IdMap);
}

/// This host's `/proc`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proc;

/// `STATX_MNT_ID_UNIQUE`, since Linux 6.8: never given to another mount. Older kernels ignore the bit.
const MNT_ID_UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);

fn id(path: &str) -> Option<RootId> {
    // Not synced: a file system that a process serves would ask that process.
    let flags = AtFlags::STATX_DONT_SYNC | AtFlags::NO_AUTOMOUNT;
    let found = rustix::fs::statx(CWD, path, flags, StatxFlags::INO | StatxFlags::MNT_ID | MNT_ID_UNIQUE).ok()?;
    let device = (found.stx_dev_major, found.stx_dev_minor);
    Some(RootId { device, inode: found.stx_ino, mount: found.stx_mnt_id })
}

impl Roots for Proc {
    fn own(&self) -> Option<RootId> {
        id("/proc/self/root")
    }

    fn of(&self, pid: Pid) -> Option<RootId> {
        id(&format!("/proc/{pid}/root"))
    }

    fn open_own(&self) -> io::Result<OwnedFd> {
        open("/")
    }

    fn open(&self, pid: Pid) -> io::Result<OwnedFd> {
        open(&format!("/proc/{pid}/root"))
    }

    fn id_maps(&self, pid: Pid) -> (IdMap, IdMap) {
        // Where there are no user namespaces, everybody has the same numbers.
        let map =
            |name| fs::read(format!("/proc/{pid}/{name}")).map_or_else(|_| IdMap::default(), |map| IdMap::parse(&map));
        (map("uid_map"), map("gid_map"))
    }
}

fn open(path: &str) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}
