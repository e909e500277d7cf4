//! Asking `/proc` about a thread, with one buffer for names and one for answers.
//!
//! A call into `/proc/TID` costs 2 to 3 µs, most of it in finding the thread and checking the right
//! to look, so callers count these calls. `/proc` itself and `/proc/self/fd` are held open: that saves
//! half a microsecond a call, and keeps both in view whatever is later mounted over them.

use std::ffi::CStr;
use std::fmt;
use std::io::Write as _;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use nix::unistd::read;

use super::sys::{self, Link, Stat};
use crate::resolve::ResolveError;
use lapwing_common::ids::Tid;

/// `PATH_MAX`: the kernel prints no longer path, and takes none.
pub(super) const PATH_MAX: usize = 4096;

/// A descriptor of its own that only stands for a place.
pub(super) const PLACE: OFlag = OFlag::O_PATH.union(OFlag::O_CLOEXEC);

/// Something of a thread that `/proc` shows as a magic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Of {
    Root,
    Cwd,
    Exe,
    Fd(i32),
}

impl fmt::Display for Of {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Cwd => f.write_str("cwd"),
            Self::Exe => f.write_str("exe"),
            Self::Fd(fd) => write!(f, "fd/{fd}"),
        }
    }
}

#[derive(Debug)]
pub(super) struct Proc {
    dir: OwnedFd,
    /// A procfs is of one pid namespace, so this device is of Lapwing's.
    device: (u32, u32),
    own: OwnedFd,
    name: Vec<u8>,
    text: Box<[u8]>,
    page: Vec<u8>,
}

impl Proc {
    pub(super) fn new() -> Result<Self, ResolveError> {
        let place = |path: &'static str| {
            openat(AT_FDCWD, path, PLACE, Mode::empty()).map_err(|errno| ResolveError::Proc { path, errno })
        };
        let dir = place("/proc")?;
        let stat = sys::stat(dir.as_fd(), c"", Link::Keep);
        let mut new = Self {
            device: stat.map_err(|errno| ResolveError::Proc { path: "/proc", errno })?.device,
            dir,
            own: place("/proc/self/fd")?,
            name: Vec::with_capacity(PATH_MAX + 64),
            text: vec![0; PATH_MAX + 1].into_boxed_slice(),
            page: vec![0; 8192],
        };
        // A /proc of another pid namespace would answer about other processes.
        let own = std::process::id();
        match new.text_of(format_args!("self")) {
            Ok(text) if text == own.to_string().as_bytes() => Ok(new),
            Ok(_) => Err(ResolveError::ForeignProc),
            Err(errno) => Err(ResolveError::Proc { path: "/proc/self", errno }),
        }
    }

    /// Whether threads go by the same numbers in the procfs with this status.
    pub(super) fn is_numbered_alike(&self, procfs: &Stat) -> bool {
        procfs.device == self.device
    }

    /// A path for the kernel, in the name buffer.
    fn c_path(name: &mut Vec<u8>) -> Result<&CStr, Errno> {
        name.push(0);
        CStr::from_bytes_with_nul(name).map_err(|_nul_inside| Errno::EINVAL)
    }

    fn format<'a>(name: &'a mut Vec<u8>, what: fmt::Arguments<'_>) -> Result<&'a CStr, Errno> {
        name.clear();
        // Writing to a vector cannot fail.
        let _infallible = name.write_fmt(what);
        Self::c_path(name)
    }

    fn text_of(&mut self, what: fmt::Arguments<'_>) -> Result<&[u8], Errno> {
        let path = Self::format(&mut self.name, what)?;
        sys::read_link(self.dir.as_fd(), path, &mut self.text)
    }

    /// Where a magic link of a thread leads, as the kernel words it for this process.
    pub(super) fn link(&mut self, tid: Tid, of: Of) -> Result<&[u8], Errno> {
        self.text_of(format_args!("{tid}/{of}"))
    }

    /// The text of a namespace link (`mnt:[4026531841]`).
    pub(super) fn namespace(&mut self, tid: Option<Tid>, kind: &str) -> Result<&[u8], Errno> {
        match tid {
            Some(tid) => self.text_of(format_args!("{tid}/ns/{kind}")),
            None => self.text_of(format_args!("self/ns/{kind}")),
        }
    }

    /// The status of what a magic link leads to.
    pub(super) fn stat(&mut self, tid: Tid, of: Of) -> Result<Stat, Errno> {
        let path = Self::format(&mut self.name, format_args!("{tid}/{of}"))?;
        sys::stat(self.dir.as_fd(), path, Link::Follow)
    }

    /// The status of `below`, last link not followed, from what a magic link leads to.
    pub(super) fn stat_below(&mut self, tid: Tid, of: Of, below: &[u8]) -> Result<Stat, Errno> {
        self.name.clear();
        let _infallible = write!(self.name, "{tid}/{of}/");
        self.name.extend_from_slice(below);
        let path = Self::c_path(&mut self.name)?;
        sys::stat(self.dir.as_fd(), path, Link::Keep)
    }

    /// Opens what a magic link leads to.
    pub(super) fn place(&mut self, tid: Tid, of: Of) -> Result<OwnedFd, Errno> {
        let path = Self::format(&mut self.name, format_args!("{tid}/{of}"))?;
        openat(&self.dir, path, PLACE, Mode::empty())
    }

    /// Whether a file of `/proc` exists.
    pub(super) fn exists(&mut self, what: fmt::Arguments<'_>) -> bool {
        Self::format(&mut self.name, what).and_then(|path| sys::stat(self.dir.as_fd(), path, Link::Keep)).is_ok()
    }

    /// The path of a descriptor of ours.
    pub(super) fn own_link(&mut self, fd: BorrowedFd<'_>) -> Result<&[u8], Errno> {
        let path = Self::format(&mut self.name, format_args!("{}", fd.as_raw_fd()))?;
        sys::read_link(self.own.as_fd(), path, &mut self.text)
    }

    /// The text of a symbolic link that is open as a place.
    pub(super) fn own_text(&mut self, link: BorrowedFd<'_>) -> Result<&[u8], Errno> {
        sys::read_link(link, c"", &mut self.text)
    }

    /// A file of a thread, whole.
    pub(super) fn read(&mut self, tid: Tid, file: impl fmt::Display) -> Result<&[u8], Errno> {
        let path = Self::format(&mut self.name, format_args!("{tid}/{file}"))?;
        let file = openat(&self.dir, path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        Self::read_all(&file, &mut self.page)
    }

    /// A file of a thread that the kernel writes in one piece (`single_open`: `stat`, `status`, `cgroup` and the
    /// like): a read that leaves room was all of it, so that a second one can be spared.
    pub(super) fn read_record(&mut self, tid: Tid, name: &str) -> Result<&[u8], Errno> {
        let path = Self::format(&mut self.name, format_args!("{tid}/{name}"))?;
        let file = openat(&self.dir, path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        match read(&file, &mut self.page) {
            Ok(got) if got < self.page.len() => Ok(&self.page[..got]),
            // Longer than the buffer, or interrupted: from the start.
            Ok(_) | Err(Errno::EINTR) => self.read(tid, name),
            Err(errno) => Err(errno),
        }
    }

    /// A file below a directory, whole.
    pub(super) fn read_below(&mut self, dir: BorrowedFd<'_>, path: fmt::Arguments<'_>) -> Result<&[u8], Errno> {
        let path = Self::format(&mut self.name, path)?;
        let file = openat(dir, path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty())?;
        Self::read_all(&file, &mut self.page)
    }

    fn read_all<'a>(file: &OwnedFd, page: &'a mut Vec<u8>) -> Result<&'a [u8], Errno> {
        let mut filled = 0;
        loop {
            let got = match read(file, &mut page[filled..]) {
                Err(Errno::EINTR) => continue,
                got => got?,
            };
            filled += got;
            // A short read is not the end: a seq_file hands out a page at a time.
            if got == 0 {
                return Ok(&page[..filled]);
            }
            if page.len() - filled < PATH_MAX {
                page.resize(page.len() * 2, 0);
            }
        }
    }

    /// A spare name buffer for callers whose own paths need a terminating NUL.
    pub(super) fn c_string<'a>(&'a mut self, path: &[u8]) -> Result<&'a CStr, Errno> {
        if path.len() >= PATH_MAX {
            return Err(Errno::ENAMETOOLONG);
        }
        self.name.clear();
        self.name.extend_from_slice(path);
        Self::c_path(&mut self.name)
    }
}
