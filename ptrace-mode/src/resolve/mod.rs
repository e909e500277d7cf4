//! What the kernel acts on when a stopped thread passes a path or a descriptor: the absolute path
//! with symbolic links resolved, as seen from the process's root, and what its inode says.
//!
//! Nothing is remembered of what a process opened or where it changed to: such maps go stale with
//! every descriptor that is inherited, received or closed at exec. Each answer is asked of the kernel
//! at the stop, which costs 3 to 9 µs, and the kernel resolves the path itself (`openat2`) wherever
//! that gives what the process would get. Where it would not (`/proc/self`, magic links, a root of its
//! own with links that leave it) the path is walked component by component.
//!
//! A descriptor is looked at through `/proc/TID/fd`, not duplicated with `pidfd_getfd`: that would save
//! 1.4 µs of 6, but closing the duplicate flushes files of NFS and FUSE, and may be the last close.
//!
//! Nothing here may wait for a process: the one that serves a FUSE mount can be stopped, waiting for
//! Lapwing. Where there is such a mount, only what the kernel has cached of it is used.

mod cgroup;
mod filesystem;
mod lexical;
mod lookup;
mod procfs;
mod program;
mod shown;
mod socket;
mod sys;
mod task;
mod view;
mod walk;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::os::fd::OwnedFd;

use nix::errno::Errno;
use thiserror::Error;

use lapwing_common::event::File;
use lapwing_common::ids::{Pid, Tid};
use lapwing_common::procfs::cgroup::Cgroups;
use lapwing_common::procfs::stat::Clock;

use filesystem::Filesystems;
use procfs::{Of, Proc};
use view::{Certainty, Views};

/// The thread to ask about, and its process, both as numbered for Lapwing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its process.
    pub pid: Pid,
    /// Itself.
    pub tid: Tid,
}

/// A path as it was passed to a system call.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    /// The directory that a relative path starts from; `None` or `AT_FDCWD` is the working directory.
    pub dirfd: Option<i32>,
    /// The path, without its terminating NUL.
    pub path: &'a [u8],
    /// Whether an empty path means `dirfd` itself: `AT_EMPTY_PATH`, or a null pointer where the call
    /// allows that (`utimensat`).
    pub empty_ok: bool,
}

/// What happens to a last component that is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Last {
    /// It is followed.
    Follow,
    /// It is acted upon itself (`unlink`, `rename`, `lchown`, `AT_SYMLINK_NOFOLLOW`).
    Keep,
}

/// Why nothing can be resolved at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ResolveError {
    /// A part of `/proc` that everything depends on is not accessible.
    #[error("{path}: {errno}")]
    Proc {
        /// The part.
        path: &'static str,
        /// Why.
        errno: Errno,
    },
    /// `/proc` belongs to another pid namespace than Lapwing runs in.
    #[error("/proc is that of another pid namespace")]
    ForeignProc,
}

/// Resolves what stopped threads name; owned by the tracer, with its buffers and what it remembers.
#[derive(Debug)]
pub struct Resolver {
    proc: Proc,
    views: Views,
    filesystems: Filesystems,
    cgroups: Cgroups,
    pidfds: HashMap<Pid, OwnedFd>,
    walk: walk::Buffers,
    times: Clock,
    /// Whether `openat2` works (Linux 5.6, and a seccomp profile that knows it).
    openat2: bool,
}

impl Resolver {
    /// A resolver for threads in the pid namespace of the calling process, or below it.
    ///
    /// # Errors
    ///
    /// If `/proc` is missing or not that of the caller's pid namespace.
    pub fn new() -> Result<Self, ResolveError> {
        let mut proc = Proc::new()?;
        let views = Views::new(&mut proc)?;
        Ok(Self {
            proc,
            views,
            filesystems: Filesystems::default(),
            cgroups: Cgroups::default(),
            pidfds: HashMap::new(),
            walk: walk::Buffers::default(),
            times: task::clock(),
            openat2: lookup::openat2_works(),
        })
    }

    /// Drops what is remembered about a process, and every descriptor held for it: its root's keeps a
    /// mount busy. To be called once it has exited, before its parent can learn of that.
    pub fn forget(&mut self, pid: Pid) {
        self.views.forget(pid);
        self.pidfds.remove(&pid);
    }

    /// Drops what is remembered about every process's root. To be called after `chroot`, `setns`,
    /// `unshare` and `pivot_root`, which can change the root of others too (`CLONE_FS`).
    pub fn forget_roots(&mut self) {
        self.views.forget_all();
    }

    /// Drops what is remembered about mounts: types of file systems by mount id (ids are reused), and
    /// whether FUSE is among them. To be called after `mount`, `umount2`, `move_mount` and `pivot_root`.
    pub fn forget_mounts(&mut self) {
        self.filesystems.forget();
        self.views.forget_mounts(&mut self.proc);
    }

    /// Tells that `child` was forked by `parent`, and so most likely has its root; that is verified.
    pub fn inherit(&mut self, parent: Pid, child: Pid) {
        self.views.inherit(parent, child, Certainty::Presumed);
    }

    /// Tells that `child` was forked by `parent` and has its root: no mounts of its own were asked for.
    pub fn share_root(&mut self, parent: Pid, child: Pid) {
        self.views.inherit(parent, child, Certainty::Known);
    }

    /// The file behind a descriptor.
    ///
    /// Sockets, pipes and the like have the kernel's word for a path (`socket:[1234]`), a memfd
    /// `memfd:name`. A deleted file has the path it had. A descriptor that is not open has no path.
    pub fn fd_file(&mut self, thread: Thread, fd: i32) -> File {
        self.linked(thread, Of::Fd(fd))
    }

    /// The working directory.
    pub fn cwd(&mut self, thread: Thread) -> File {
        self.linked(thread, Of::Cwd)
    }

    /// Whether a process serves one of the mounts that a thread sees (FUSE).
    pub fn may_be_served(&mut self, thread: Thread) -> bool {
        self.views.of(&mut self.proc, thread).served
    }

    /// Whether the thread's process has Lapwing's root, and so the same names for files. If it cannot be asked, it has
    /// not.
    pub fn shares_root(&mut self, thread: Thread) -> bool {
        self.views.is_own(&mut self.proc, thread)
    }

    /// Whether two threads are in one mount namespace. Of those that cannot be asked, nothing is assumed.
    pub fn shares_mounts(&mut self, one: Tid, other: Tid) -> bool {
        let Ok(namespace) = self.proc.namespace(Some(one), "mnt").map(Box::<[u8]>::from) else { return false };
        self.proc.namespace(Some(other), "mnt").is_ok_and(|found| found == &*namespace)
    }

    /// Whether `tid` is a thread of `pid`: what `PTRACE_EVENT_CLONE` leaves open.
    pub fn is_thread(&mut self, pid: Pid, tid: Tid) -> bool {
        self.proc.exists(format_args!("{pid}/task/{tid}"))
    }
}
