//! `etc/passwd` and `etc/group` below a root, read if they are others than before.
//!
//! Symbolic links are followed within the root, as its processes would. Only regular files of a bounded size are
//! opened: a pipe would wait, and a device may do something.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};

use lapwing_common::accounts::Table;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, Statx, StatxFlags};

/// The largest file that is read: some ten thousand accounts.
const LARGEST: u64 = 1 << 20;

/// What was read of a root; `None` for a file that is the same as before.
#[derive(Debug, Default)]
pub(super) struct Files {
    pub(super) users: Option<Table>,
    pub(super) groups: Option<Table>,
    pub(super) stamps: Stamps,
}

/// The state of both files; `None` for one that cannot be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    users: Option<Stamp>,
    groups: Option<Stamp>,
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    device: (u32, u32),
    inode: u64,
    size: u64,
    modified: (i64, u32),
    changed: (i64, u32),
}

/// Reads what has changed since the stamps were taken. Empty tables stand for files that cannot be read.
pub(super) fn read(root: OwnedFd, since: Stamps) -> Files {
    let (users, users_stamp) = file(&root, c"etc/passwd", since.users);
    let (groups, groups_stamp) = file(&root, c"etc/group", since.groups);
    Files {
        users: users.map(|text| Table::users(&text)),
        groups: groups.map(|text| Table::groups(&text)),
        stamps: Stamps { users: users_stamp, groups: groups_stamp },
    }
}

fn file(root: &impl AsFd, name: &std::ffi::CStr, since: Option<Stamp>) -> (Option<Vec<u8>>, Option<Stamp>) {
    let found = place(root, name);
    let stamp = found.as_ref().map(|(_, stamp)| *stamp);
    if stamp == since {
        return (None, stamp);
    }
    // It is gone, or became something that is not read.
    let Some((place, _)) = found else { return (Some(Vec::new()), None) };
    match contents(&place) {
        Some(text) => (Some(text), stamp),
        None => (Some(Vec::new()), None),
    }
}

/// The file, not yet opened for reading.
fn place(root: &impl AsFd, name: &std::ffi::CStr) -> Option<(OwnedFd, Stamp)> {
    let within = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let place = rustix::fs::openat2(root, name, OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), within).ok()?;
    let found = rustix::fs::statx(&place, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS).ok()?;
    let regular = FileType::from_raw_mode(found.stx_mode.into()) == FileType::RegularFile;
    (regular && found.stx_size <= LARGEST).then(|| (place, stamp(&found)))
}

/// Opened by its descriptor, so that it is the file that was looked at.
fn contents(place: &OwnedFd) -> Option<Vec<u8>> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", place.as_raw_fd());
    let opened = File::from(rustix::fs::open(path, flags, Mode::empty()).ok()?);
    let mut text = Vec::new();
    opened.take(LARGEST).read_to_end(&mut text).ok()?;
    Some(text)
}

fn stamp(found: &Statx) -> Stamp {
    Stamp {
        device: (found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        size: found.stx_size,
        modified: (found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        changed: (found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::Path;

    use super::*;

    fn root(path: &Path) -> OwnedFd {
        rustix::fs::open(path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).unwrap()
    }

    fn etc() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("etc")).unwrap();
        dir
    }

    #[test]
    fn a_file_is_read_when_it_is_another() {
        let dir = etc();
        fs::write(dir.path().join("etc/passwd"), "a:x:1:1::/:\n").unwrap();
        let first = read(root(dir.path()), Stamps::default());
        assert_eq!(first.users.unwrap().name(1), b"a");
        // There is no group file, and there was none: nothing to tell.
        assert!(first.groups.is_none());
        let again = read(root(dir.path()), first.stamps);
        assert!(again.users.is_none() && again.stamps == first.stamps);
        // As editors of accounts do it: a new file takes the place of the old one.
        fs::write(dir.path().join("etc/new"), "b:x:1:1::/:\n").unwrap();
        fs::rename(dir.path().join("etc/new"), dir.path().join("etc/passwd")).unwrap();
        let third = read(root(dir.path()), again.stamps);
        assert_eq!(third.users.unwrap().name(1), b"b");
        fs::remove_file(dir.path().join("etc/passwd")).unwrap();
        let fourth = read(root(dir.path()), third.stamps);
        assert!(fourth.users.unwrap().is_empty() && fourth.stamps == Stamps::default());
    }

    #[test]
    fn links_do_not_lead_out_of_the_root() {
        let dir = etc();
        fs::write(dir.path().join("inside"), "in:x:0:0::/:\n").unwrap();
        symlink("/inside", dir.path().join("etc/group")).unwrap();
        symlink("/proc/self/root/etc/passwd", dir.path().join("etc/passwd")).unwrap();
        let read = read(root(dir.path()), Stamps::default());
        assert!(read.users.is_none());
        assert_eq!(read.groups.unwrap().len(), 1);
        fs::remove_file(dir.path().join("etc/passwd")).unwrap();
        symlink("../../../../../../../../etc/passwd", dir.path().join("etc/passwd")).unwrap();
        assert!(super::read(root(dir.path()), Stamps::default()).users.is_none());
    }

    #[test]
    fn what_is_no_file_of_accounts_is_not_opened() {
        let dir = etc();
        rustix::fs::mkfifoat(rustix::fs::CWD, dir.path().join("etc/passwd"), Mode::RUSR).unwrap();
        let large = File::create(dir.path().join("etc/group")).unwrap();
        large.set_len(LARGEST + 1).unwrap();
        let read = read(root(dir.path()), Stamps::default());
        assert!(read.users.is_none() && read.groups.is_none() && read.stamps == Stamps::default());
    }
}
