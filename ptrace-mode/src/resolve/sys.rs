//! The system calls of this folder that neither `std` nor `nix` offers without a heap allocation, or
//! at all: `statx`, `readlinkat` into a buffer, pidfds and raw socket names.
//!
//! `statx` goes through `syscall(2)` because musl had no wrapper for years, and falls back to `fstatat`
//! where a container's seccomp profile or an old kernel knows no `statx`; only the mount id is lost.

#![allow(unsafe_code, reason = "system calls without a safe wrapper; each is one call on memory that it is given here")]

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use nix::errno::Errno;

use lapwing_common::ids::Timestamp;

/// What an inode says, and where it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) device: (u32, u32),
    pub(super) number: u64,
    /// 0 before Linux 5.8.
    pub(super) mount: u32,
    pub(super) mode: u16,
    pub(super) links: u32,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) modified: Timestamp,
    pub(super) changed: Timestamp,
}

impl Stat {
    pub(super) fn is(&self, kind: libc::mode_t) -> bool {
        libc::mode_t::from(self.mode) & libc::S_IFMT == kind
    }

    /// Whether both are one inode, reached through one mount.
    pub(super) fn same(&self, other: &Self) -> bool {
        (self.device, self.number, self.mount) == (other.device, other.number, other.mount)
    }
}

/// Whether a last component that is a symbolic link is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Follow,
    Keep,
}

/// Takes the status of `path` below `dir`; of `dir` itself when the path is empty.
pub(super) fn stat(dir: BorrowedFd<'_>, path: &CStr, link: Link) -> Result<Stat, Errno> {
    let mut flags = libc::AT_NO_AUTOMOUNT;
    if link == Link::Keep {
        flags |= libc::AT_SYMLINK_NOFOLLOW;
    }
    if path.is_empty() {
        flags |= libc::AT_EMPTY_PATH;
    }
    match statx(dir, path, flags | libc::AT_STATX_DONT_SYNC) {
        // EPERM is what a seccomp profile older than statx answers; the kernel itself never does.
        Err(Errno::ENOSYS | Errno::EPERM) => fstatat(dir, path, flags),
        done => done,
    }
}

fn statx(dir: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat, Errno> {
    let mask = libc::STATX_BASIC_STATS | libc::STATX_MNT_ID;
    let mut buffer = MaybeUninit::<libc::statx>::uninit();
    // SAFETY: `path` ends in NUL and `buffer` is a place for the one `struct statx` that is written.
    let done =
        unsafe { libc::syscall(libc::SYS_statx, dir.as_raw_fd(), path.as_ptr(), flags, mask, buffer.as_mut_ptr()) };
    Errno::result(done)?;
    // SAFETY: the call succeeded, so the kernel has written the whole structure, padding included.
    let raw = unsafe { buffer.assume_init() };
    Ok(Stat {
        device: (raw.stx_dev_major, raw.stx_dev_minor),
        number: raw.stx_ino,
        mount: if raw.stx_mask & libc::STATX_MNT_ID == 0 { 0 } else { u32::try_from(raw.stx_mnt_id).unwrap_or(0) },
        mode: raw.stx_mode,
        links: raw.stx_nlink,
        uid: raw.stx_uid,
        gid: raw.stx_gid,
        modified: timestamp(raw.stx_mtime.tv_sec, raw.stx_mtime.tv_nsec),
        changed: timestamp(raw.stx_ctime.tv_sec, raw.stx_ctime.tv_nsec),
    })
}

fn fstatat(dir: BorrowedFd<'_>, path: &CStr, flags: i32) -> Result<Stat, Errno> {
    let mut buffer = MaybeUninit::<libc::stat>::uninit();
    // SAFETY: `path` ends in NUL and `buffer` is a place for the one `struct stat` that is written.
    let done = unsafe { libc::fstatat(dir.as_raw_fd(), path.as_ptr(), buffer.as_mut_ptr(), flags) };
    Errno::result(done)?;
    // SAFETY: the call succeeded, so all of the structure's members are initialised.
    let raw = unsafe { buffer.assume_init() };
    Ok(Stat {
        device: (libc::major(raw.st_dev), libc::minor(raw.st_dev)),
        number: raw.st_ino,
        mount: 0,
        mode: u16::try_from(raw.st_mode).unwrap_or(0),
        // Only compared with zero; its type differs between architectures.
        links: u32::try_from(raw.st_nlink).unwrap_or(u32::MAX),
        uid: raw.st_uid,
        gid: raw.st_gid,
        modified: timestamp(raw.st_mtime, u32::try_from(raw.st_mtime_nsec).unwrap_or(0)),
        changed: timestamp(raw.st_ctime, u32::try_from(raw.st_ctime_nsec).unwrap_or(0)),
    })
}

/// A time before 1970 becomes "not known": no file of a running system is that old.
fn timestamp(seconds: i64, nanoseconds: u32) -> Timestamp {
    let seconds = u64::try_from(seconds).unwrap_or(0);
    Timestamp(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds.into()))
}

/// Reads a link's text into `buffer`; of `dir` itself when the path is empty.
pub(super) fn read_link<'a>(dir: BorrowedFd<'_>, path: &CStr, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    // SAFETY: `path` ends in NUL, and at most `buffer.len()` bytes are written to `buffer`.
    let length = unsafe { libc::readlinkat(dir.as_raw_fd(), path.as_ptr(), buffer.as_mut_ptr().cast(), buffer.len()) };
    let length = usize::try_from(length).map_err(|_negative| Errno::last())?;
    // The kernel cuts without saying so; a text that fills the buffer may be a cut one.
    if length < buffer.len() { Ok(&buffer[..length]) } else { Err(Errno::ENAMETOOLONG) }
}

/// A descriptor for a process, or with `PIDFD_THREAD` (Linux 6.9) for a thread.
pub(super) fn pidfd_open(pid: i32, flags: libc::c_uint) -> Result<OwnedFd, Errno> {
    // SAFETY: a call without pointers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_open, pid, flags) })
}

/// A duplicate of another process's descriptor (Linux 5.6).
pub(super) fn pidfd_getfd(pidfd: BorrowedFd<'_>, fd: i32) -> Result<OwnedFd, Errno> {
    // SAFETY: a call without pointers.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, pidfd.as_raw_fd(), fd, 0) })
}

fn owned(result: libc::c_long) -> Result<OwnedFd, Errno> {
    let fd = i32::try_from(Errno::result(result)?).map_err(|_too_large| Errno::EBADF)?;
    // SAFETY: the kernel has just made this descriptor for us, so nobody else owns it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// A socket option of level `SOL_SOCKET` that is one int.
pub(super) fn socket_option(socket: BorrowedFd<'_>, option: i32) -> Result<i32, Errno> {
    let mut value: i32 = 0;
    let mut size: libc::socklen_t = 4;
    // SAFETY: `value` is a place for the 4 bytes that `size` allows to be written.
    let done = unsafe {
        libc::getsockopt(socket.as_raw_fd(), libc::SOL_SOCKET, option, (&raw mut value).cast(), &raw mut size)
    };
    Errno::result(done).map(|_zero| value)
}

/// The address of a socket's peer, as the kernel writes it; as much of it as the buffer holds.
pub(super) fn peer_name<'a>(socket: BorrowedFd<'_>, buffer: &'a mut [u8]) -> Result<&'a [u8], Errno> {
    let mut size = libc::socklen_t::try_from(buffer.len()).unwrap_or(libc::socklen_t::MAX);
    // SAFETY: `size` says how much of `buffer` may be written, and the kernel heeds it.
    let done = unsafe { libc::getpeername(socket.as_raw_fd(), buffer.as_mut_ptr().cast(), &raw mut size) };
    Errno::result(done)?;
    let length = usize::try_from(size).unwrap_or(usize::MAX).min(buffer.len());
    Ok(&buffer[..length])
}

/// A clock's reading in nanoseconds.
pub(super) fn clock(clock: libc::clockid_t) -> u64 {
    let mut now = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: `now` is a place for the one `struct timespec` that is written.
    let done = unsafe { libc::clock_gettime(clock, now.as_mut_ptr()) };
    if done != 0 {
        return 0;
    }
    // SAFETY: it was zeroed, which is a valid value, and then written.
    let now = unsafe { now.assume_init() };
    timestamp(now.tv_sec, u32::try_from(now.tv_nsec).unwrap_or(0)).0
}

/// How many ticks of `/proc/PID/stat` a second has.
pub(super) fn ticks_per_second() -> u64 {
    // SAFETY: a call without pointers.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    // 100 on every architecture that Lapwing runs on.
    u64::try_from(ticks).ok().filter(|ticks| *ticks > 0).unwrap_or(100)
}
