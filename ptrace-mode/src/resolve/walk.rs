//! Walking a path one component at a time, as the thread itself would.
//!
//! The slow way (3 µs a component), for what the kernel cannot resolve in our place: it would take
//! `/proc/self` for Lapwing, and a link to `/` in a foreign mount namespace for Lapwing's root. Also the
//! way to say how far a path leads when it leads nowhere, and the only one before Linux 5.6.

use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::sys::stat::Mode;

use lapwing_common::event::File;

use super::filesystem::Known;
use super::lookup::{Base, CACHED};
use super::procfs::PLACE;
use super::shown::Handle;
use super::sys::{self, Link, Stat};
use super::{Last, Resolver, lexical};

/// As many links as the kernel follows (`MAXSYMLINKS`).
const MAX_LINKS: u32 = 40;

/// The inode number of the root of every procfs.
const PROC_ROOT: u64 = 1;

/// What is left of the path, and room for the next of it.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    rest: Vec<u8>,
    next: Vec<u8>,
}

/// A directory or file on the way. Shared, since an absolute link goes back to the view's root.
struct Here {
    place: Rc<OwnedFd>,
    stat: Stat,
}

/// Where a walk ended.
enum End {
    /// At the file.
    Found,
    /// At its directory, which has no such file, or none that we may look at.
    Missing,
    /// On the way to it.
    Stuck,
}

impl Resolver {
    /// What a path names, found out step by step.
    pub(super) fn walked(&mut self, base: &Base<'_>, path: &[u8], last: Last) -> File {
        let mut rest = std::mem::take(&mut self.walk.rest);
        let mut next = std::mem::take(&mut self.walk.next);
        rest.clear();
        rest.extend_from_slice(path);
        let file = match self.first(base, path) {
            Ok(mut here) => {
                let end = self.steps(base, &mut here, &mut rest, &mut next, last);
                self.ended(base, &here, end, &rest)
            }
            Err(_) => File { unresolved: true, ..File::at(path) },
        };
        self.walk = Buffers { rest, next };
        file
    }

    fn first(&mut self, base: &Base<'_>, path: &[u8]) -> Result<Here, Errno> {
        if path.starts_with(b"/") {
            return Ok(Here { place: Rc::clone(&base.view.root), stat: base.view.root_stat });
        }
        Here::of(self.proc.place(base.thread.tid, base.of)?)
    }

    /// Walks until `rest` is used up, or cannot be walked further.
    fn steps(&mut self, base: &Base<'_>, here: &mut Here, rest: &mut Vec<u8>, next: &mut Vec<u8>, last: Last) -> End {
        let mut links = 0;
        loop {
            // A slash, even a trailing one, demands a directory before it.
            let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
            if (slashes > 0 || !rest.is_empty()) && !here.stat.is(libc::S_IFDIR) {
                return End::Stuck;
            }
            rest.drain(..slashes);
            let length = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
            let (component, after) = rest.split_at(length);
            // Kept only if nothing follows; a trailing slash is something.
            let is_last = after.iter().all(|byte| *byte == b'/');
            let keep = after.is_empty() && last == Last::Keep;
            let stepped = match component {
                b"" => return End::Found,
                b"." => Ok(None),
                b".." if here.stat.same(&base.view.root_stat) => Ok(None),
                name => self.step(base, here, name, OFlag::O_NOFOLLOW),
            };
            let there = match stepped {
                Ok(Some(there)) => there,
                Ok(None) => {
                    rest.drain(..length);
                    continue;
                }
                Err(Errno::ENOENT) if is_last => return End::Missing,
                Err(Errno::EACCES | Errno::EAGAIN) if keep => return End::Missing,
                Err(_) => return End::Stuck,
            };
            if !there.stat.is(libc::S_IFLNK) || keep {
                *here = there;
                rest.drain(..length);
                continue;
            }
            links += 1;
            if links > MAX_LINKS {
                return End::Stuck;
            }
            match self.follow(base, here, &there, component, next) {
                Ok(Some(target)) => {
                    *here = target;
                    rest.drain(..length);
                }
                Ok(None) => {
                    if next.starts_with(b"/") {
                        *here = Here { place: Rc::clone(&base.view.root), stat: base.view.root_stat };
                    }
                    next.extend_from_slice(after);
                    std::mem::swap(rest, next);
                }
                Err(_) => return End::Stuck,
            }
        }
    }

    fn step(&mut self, base: &Base<'_>, here: &Here, name: &[u8], link: OFlag) -> Result<Option<Here>, Errno> {
        let there = if base.view.served && self.filesystem(base, here).is_served() {
            match self.openat2(here.place.as_fd(), name, PLACE | link, CACHED) {
                // Too old a kernel for the call or the flag: nothing is known to be cached.
                Err(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => return Err(Errno::EAGAIN),
                opened => opened?,
            }
        } else {
            openat(&here.place, self.proc.c_string(name)?, PLACE | link, Mode::empty())?
        };
        Here::of(there).map(Some)
    }

    fn filesystem(&mut self, base: &Base<'_>, here: &Here) -> Known {
        let handle = Handle::Own(here.place.as_fd());
        self.filesystems.of(&mut self.proc, base.thread.tid, base.view, &here.stat, |proc| handle.magic(proc))
    }

    /// Where a link leads: to a place, or by a text that is left in `text`.
    fn follow(
        &mut self,
        base: &Base<'_>,
        here: &Here,
        link: &Here,
        name: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<Option<Here>, Errno> {
        text.clear();
        let filesystem = self.filesystem(base, link);
        if filesystem.is_served() {
            return Err(Errno::EAGAIN);
        }
        if filesystem.is("proc") {
            if here.stat.number != PROC_ROOT {
                // Below a process all links are magic, and lead the same way for everyone.
                return self.step(base, here, name, OFlag::empty());
            }
            if name == b"self" || name == b"thread-self" {
                let numbered = if self.proc.is_numbered_alike(&here.stat) {
                    base.thread
                } else {
                    self.numbered_in(here.place.as_fd(), base.thread).ok_or(Errno::ENOENT)?
                };
                let written = if name == b"self" {
                    format!("{}", numbered.pid)
                } else {
                    format!("{}/task/{}", numbered.pid, numbered.tid)
                };
                text.extend_from_slice(written.as_bytes());
                return Ok(None);
            }
        }
        text.extend_from_slice(self.proc.own_text(link.place.as_fd())?);
        if text.is_empty() { Err(Errno::ENOENT) } else { Ok(None) }
    }

    fn ended(&mut self, base: &Base<'_>, here: &Here, end: End, rest: &[u8]) -> File {
        // What is left starts at `here`, even if a slash is the next of it.
        let slashes = rest.iter().take_while(|byte| **byte == b'/').count();
        let left = &rest[slashes..];
        let Ok(path) = self.place_path(base.view, here.place.as_fd(), &here.stat) else {
            return File { unresolved: true, ..File::at(left) };
        };
        match end {
            End::Found => {
                let inode = self.inode(base.thread.tid, base.view, &here.stat, Some(Handle::Own(here.place.as_fd())));
                File { path, inode: Some(inode), unresolved: false }
            }
            End::Missing => File::at(lexical::join(&path, rest)),
            End::Stuck => File { unresolved: true, ..File::at(lexical::join(&path, left)) },
        }
    }
}

impl Here {
    fn of(place: OwnedFd) -> Result<Self, Errno> {
        let stat = sys::stat(place.as_fd(), c"", Link::Keep)?;
        Ok(Self { place: Rc::new(place), stat })
    }
}
