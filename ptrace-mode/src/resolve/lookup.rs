//! Paths that the kernel can resolve in our place.
//!
//! Three ways, cheapest first. A single component needs no resolving: the directory's path and the
//! status of the component are all. An absolute path without symbolic links (`RESOLVE_NO_SYMLINKS`
//! says so) is known by its text, which spares asking `/proc` for it, and 3 µs. The rest is opened
//! as a place and shown by `/proc/self/fd`. Magic links are never followed this way, and a result in
//! procfs is not trusted: on the way to it `self` would have been Lapwing.
//!
//! A path is always opened from the directory itself, never from the directory's name joined to it:
//! the name may lead elsewhere by now, or be covered by a mount.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, OpenHow, ResolveFlag, openat2};

use lapwing_common::event::File;
use lapwing_common::procfs::{link, mountinfo};

use super::procfs::{Of, PLACE};
use super::shown::Handle;
use super::sys::{self, Link};
use super::view::View;
use super::{Last, Name, Resolver, Thread, lexical};

/// Fails rather than ask a file system for what is not cached (Linux 5.12; before, it always fails).
pub(super) const CACHED: ResolveFlag = ResolveFlag::from_bits_retain(libc::RESOLVE_CACHED);

/// From where a path is resolved, and within what bounds.
pub(super) struct Base<'a> {
    pub(super) thread: Thread,
    pub(super) view: &'a View,
    pub(super) of: Of,
}

impl Resolver {
    /// The file that a path names, as it is now: to be asked before the call is made.
    ///
    /// Without an inode if there is no such file: then the path is its directory's, resolved, and the
    /// last component. Marked as unresolved if the path could not be followed so far; then the rest
    /// of it is joined to what could be.
    pub fn at(&mut self, thread: Thread, name: Name<'_>, last: Last) -> File {
        let of = start(&name);
        if name.path.is_empty() {
            return self.empty(thread, &name, of);
        }
        let view = self.views.of(&mut self.proc, thread);
        let base = Base { thread, view: &view, of };
        let found = match lexical::single(name.path) {
            Some(component) if !view.served => self.beside(&base, component, last),
            _ => self.opened(&base, name.path, last),
        };
        found.unwrap_or_else(|| self.walked(&base, name.path, last))
    }

    /// Whether an absolute path leads to a file, at the price of one call; `None` where that takes a closer look
    /// (magic links, a root of its own, FUSE).
    pub fn exists(&mut self, thread: Thread, path: &[u8]) -> Option<bool> {
        let view = self.views.of(&mut self.proc, thread);
        if !view.shared || view.served || !self.openat2 {
            return None;
        }
        match self.openat2(AT_FDCWD, path, PLACE, ResolveFlag::empty()) {
            Ok(_place) => Some(true),
            Err(Errno::ENOENT) => Some(false),
            Err(_) => None,
        }
    }

    /// Whether a resolved path, or one that could be resolved up to a directory, leads through a directory that does not
    /// exist: then no call by it succeeds. `false` where that cannot be told without a closer look.
    pub fn leads_nowhere(&mut self, thread: Thread, path: &[u8]) -> bool {
        let view = self.views.of(&mut self.proc, thread);
        if view.served || !self.openat2 || !path.starts_with(b"/") {
            return false;
        }
        let (root, bounds) =
            if view.shared { (AT_FDCWD, ResolveFlag::empty()) } else { (view.root(), ResolveFlag::RESOLVE_IN_ROOT) };
        self.openat2(root, path, PLACE, bounds | ResolveFlag::RESOLVE_NO_SYMLINKS).err() == Some(Errno::ENOENT)
    }

    /// The path that a call will give to what it creates (`mkdir`, `symlink`, the new name of `link`
    /// and `rename`): the directory resolved, the last component as passed. Without an inode.
    pub fn create(&mut self, thread: Thread, name: Name<'_>) -> File {
        let of = start(&name);
        let Some((directory, component)) = lexical::split(name.path) else {
            return File { inode: None, ..self.at(thread, name, Last::Keep) };
        };
        let view = self.views.of(&mut self.proc, thread);
        let base = Base { thread, view: &view, of };
        let found = if directory.is_empty() {
            self.directory_path(&view, thread.tid, of).ok().flatten().map(|path| lexical::child(path, component))
        } else {
            self.directory(&base, directory).ok().map(|(_place, path)| lexical::child(&path, component))
        };
        match found {
            Some(path) => File::at(path),
            // Without trailing slashes, which would have a last link followed; nothing is created through one.
            None => {
                File { inode: None, ..self.walked(&base, &name.path[..directory.len() + component.len()], Last::Keep) }
            }
        }
    }

    /// Looks at a file again, by its resolved path: after the call that created or changed it.
    pub fn refresh(&mut self, thread: Thread, file: &mut File) {
        let Some(path) = file.path.strip_prefix(b"/").filter(|_| !file.unresolved) else { return };
        let view = self.views.of(&mut self.proc, thread);
        if view.served {
            let name = Name { dirfd: None, path: &file.path, empty_ok: false };
            file.inode = self.at(thread, name, Last::Keep).inode;
            return;
        }
        let stat = self.proc.c_string(path).and_then(|path| sys::stat(view.root(), path, Link::Keep));
        file.inode = stat.ok().map(|stat| self.inode(thread.tid, &view, &stat, None));
    }

    /// Number and mount of what a resolved path names now. `None` if that cannot be told without asking a
    /// process (FUSE).
    pub fn identity(&mut self, thread: Thread, path: &[u8]) -> Option<(u64, u32)> {
        let path = path.strip_prefix(b"/")?;
        let view = self.views.of(&mut self.proc, thread);
        if view.served {
            return None;
        }
        let stat = sys::stat(view.root(), self.proc.c_string(path).ok()?, Link::Keep).ok()?;
        Some((stat.number, stat.mount))
    }

    /// What the mount at a resolved path shows of its file system, as a path there: to be asked after a mount. `None`
    /// if that cannot be told without asking a process (FUSE).
    pub fn mount_root(&mut self, thread: Thread, path: &[u8]) -> Option<Box<[u8]>> {
        let (_inode, mount) = self.identity(thread, path)?;
        let table = self.proc.read(thread.tid, "mountinfo").ok()?;
        Some(mountinfo::mount(table, mount)?.root)
    }

    /// What a clone of a file's mount shows of the file system.
    pub fn clone_root(&mut self, thread: Thread, file: &File) -> Option<Box<[u8]>> {
        let mount = file.inode.as_ref()?.mount_id;
        let table = self.proc.read(thread.tid, "mountinfo").ok()?;
        mountinfo::mount(table, mount)?.shows(&file.path)
    }

    fn empty(&mut self, thread: Thread, name: &Name<'_>, of: Of) -> File {
        let file = self.linked(thread, of);
        // ENOENT: there is nothing that the call could act on.
        if name.empty_ok { file } else { File { inode: None, unresolved: true, ..file } }
    }

    /// A file in the directory it starts from.
    fn beside(&mut self, base: &Base<'_>, component: &[u8], last: Last) -> Option<File> {
        let tid = base.thread.tid;
        let stat = self.proc.stat_below(tid, base.of, component);
        let path = match &stat {
            Ok(stat) if last == Last::Follow && stat.is(libc::S_IFLNK) => return self.opened(base, component, last),
            Err(Errno::ENOENT) | Ok(_) => self.directory_path(base.view, tid, base.of).ok().flatten(),
            Err(_) => None,
        };
        let path = lexical::child(path?, component).into();
        let inode = stat.ok().map(|stat| self.inode(tid, base.view, &stat, None));
        Some(File { path, inode, unresolved: false })
    }

    /// A file somewhere below the start, or below the root.
    fn opened(&mut self, base: &Base<'_>, path: &[u8], last: Last) -> Option<File> {
        let flags = if last == Last::Keep { PLACE | OFlag::O_NOFOLLOW } else { PLACE };
        match self.open(base, path, flags) {
            Ok(Opened::Plain(place)) => {
                let stat = sys::stat(place.as_fd(), c"", Link::Keep).ok()?;
                let inode = self.inode(base.thread.tid, base.view, &stat, Some(Handle::Own(place.as_fd())));
                Some(File { path: lexical::join(b"", path).into(), inode: Some(inode), unresolved: false })
            }
            Ok(Opened::Somewhere(place)) => self.settled(base, place.as_fd()),
            Err(Errno::ENOENT) => self.absent(base, path, last),
            Err(_) => None,
        }
    }

    /// A file that does not exist, in a directory that may.
    fn absent(&mut self, base: &Base<'_>, path: &[u8], last: Last) -> Option<File> {
        let (directory, component) = lexical::split(path)?;
        if directory.is_empty() {
            return None;
        }
        let (place, directory) = self.directory(base, directory).ok()?;
        if last == Last::Follow {
            if base.view.served {
                return None;
            }
            // A link that leads to nothing: what it leads to is what does not exist.
            let name = self.proc.c_string(component).ok()?;
            if sys::stat(place.as_fd(), name, Link::Keep) != Err(Errno::ENOENT) {
                return None;
            }
        }
        Some(File::at(lexical::child(&directory, component)))
    }

    /// A directory, and its path.
    fn directory(&mut self, base: &Base<'_>, path: &[u8]) -> Result<(OwnedFd, Box<[u8]>), Errno> {
        match self.open(base, path, PLACE | OFlag::O_DIRECTORY)? {
            Opened::Plain(place) => Ok((place, lexical::join(b"", path).into())),
            Opened::Somewhere(place) => {
                let file = self.settled(base, place.as_fd()).ok_or(Errno::ELOOP)?;
                Ok((place, file.path))
            }
        }
    }

    fn open(&mut self, base: &Base<'_>, path: &[u8], flags: OFlag) -> Result<Opened, Errno> {
        if !self.openat2 {
            return Err(Errno::ENOSYS);
        }
        let cached = if base.view.served { CACHED } else { ResolveFlag::empty() };
        if !path.starts_with(b"/") {
            let start = self.proc.place(base.thread.tid, base.of)?;
            if base.view.shared {
                return self.openat2(start.as_fd(), path, flags, cached).map(Opened::Somewhere);
            }
            // Bounded by the start, and walked if it leaves that: the kernel does not know of the root
            // at which `..` has to stop. From outside, the path could pass the root without leaving.
            if !link::is_below(&base.view.prefix, self.proc.own_link(start.as_fd())?) {
                return Err(Errno::EXDEV);
            }
            let bounds = ResolveFlag::RESOLVE_BENEATH | cached;
            return self.openat2(start.as_fd(), path, flags, bounds).map(Opened::Somewhere);
        }
        let (root, bounds) = if base.view.shared {
            (AT_FDCWD, cached)
        } else {
            (base.view.root(), ResolveFlag::RESOLVE_IN_ROOT | cached)
        };
        match self.openat2(root, path, flags, bounds | ResolveFlag::RESOLVE_NO_SYMLINKS) {
            Ok(place) => Ok(Opened::Plain(place)),
            Err(Errno::ELOOP) => self.openat2(root, path, flags, bounds).map(Opened::Somewhere),
            Err(errno) => Err(errno),
        }
    }

    pub(super) fn openat2(
        &mut self,
        dir: BorrowedFd<'_>,
        path: &[u8],
        flags: OFlag,
        bounds: ResolveFlag,
    ) -> Result<OwnedFd, Errno> {
        let how = OpenHow::new().flags(flags).resolve(bounds | ResolveFlag::RESOLVE_NO_MAGICLINKS);
        openat2(dir, self.proc.c_string(path)?, how)
    }

    /// What was opened by following links, unless that went through procfs.
    fn settled(&mut self, base: &Base<'_>, place: BorrowedFd<'_>) -> Option<File> {
        let stat = sys::stat(place, c"", Link::Keep).ok()?;
        let inode = self.inode(base.thread.tid, base.view, &stat, Some(Handle::Own(place)));
        if inode.filesystem.as_deref() == Some("proc") {
            return None;
        }
        let path = self.place_path(base.view, place, &stat).ok()?;
        Some(File { path, inode: Some(inode), unresolved: false })
    }
}

/// Whether `openat2` works here: the kernel may be too old, or a seccomp profile too strict.
pub(super) fn openat2_works() -> bool {
    openat2(AT_FDCWD, c"/", OpenHow::new().flags(PLACE).resolve(ResolveFlag::RESOLVE_NO_MAGICLINKS)).is_ok()
}

/// A place, and what is known of its path.
enum Opened {
    /// The text that was passed, tidied: no symbolic link was on the way.
    Plain(OwnedFd),
    /// To be asked.
    Somewhere(OwnedFd),
}

fn start(name: &Name<'_>) -> Of {
    match name.dirfd {
        None | Some(libc::AT_FDCWD) => Of::Cwd,
        Some(fd) => Of::Fd(fd),
    }
}
