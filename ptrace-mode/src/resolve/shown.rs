//! From the text of a magic link to the path as the process itself would see it.
//!
//! How the kernel words it, and what the suffix ` (deleted)` proves, is said in
//! [`lapwing_common::procfs::link`].

use std::os::fd::{AsFd, BorrowedFd};

use lapwing_common::accounts::Naming;
use lapwing_common::event::{Attachment, File, Inode};
use lapwing_common::ids::Tid;
use lapwing_common::procfs::link::{self, DELETED};
use nix::errno::Errno;
use nix::sys::statfs::fstatfs;

use super::procfs::{Of, PATH_MAX, Proc};
use super::sys::{self, Link, Stat};
use super::view::View;
use super::{Resolver, Thread};

/// How to reach an inode once more, for what its status does not say.
#[derive(Clone, Copy, Debug)]
pub(super) enum Handle<'a> {
    Own(BorrowedFd<'a>),
    Of(Tid, Of),
}

impl Handle<'_> {
    /// The magic number of its file system.
    pub(super) fn magic(self, proc: &mut Proc) -> Option<u64> {
        let found = match self {
            Self::Own(fd) => fstatfs(fd),
            Self::Of(tid, of) => proc.place(tid, of).and_then(|place| fstatfs(place.as_fd())),
        };
        // A magic number is 32 bits, in a word that glibc takes for signed and musl for unsigned.
        let magic = u64::from_ne_bytes(found.ok()?.filesystem_type().0.to_ne_bytes());
        Some(magic & u64::from(u32::MAX))
    }
}

impl Resolver {
    /// The inode part of a file, and whether it is on a file system that is mounted somewhere.
    fn looked(&mut self, tid: Tid, view: &View, stat: &Stat, handle: Option<Handle<'_>>) -> (Inode, bool) {
        let known = self.filesystems.of(&mut self.proc, tid, view, stat, |proc| handle?.magic(proc));
        let inode = Inode {
            number: stat.number,
            mount_id: stat.mount,
            attachment: known.attachment,
            mode: stat.mode,
            uid: stat.uid,
            gid: stat.gid,
            modified: stat.modified,
            changed: stat.changed,
            filesystem: known.name.clone(),
            naming: Naming::default(),
        };
        (inode, known.mounted)
    }

    /// The inode part of a file.
    pub(super) fn inode(&mut self, tid: Tid, view: &View, stat: &Stat, handle: Option<Handle<'_>>) -> Inode {
        self.looked(tid, view, stat, handle).0
    }

    /// What a magic link of a thread leads to.
    pub(super) fn linked(&mut self, thread: Thread, of: Of) -> File {
        let view = self.views.of(&mut self.proc, thread);
        let Ok(stat) = self.proc.stat(thread.tid, of) else {
            return File { unresolved: true, ..File::default() };
        };
        // Before the link, whose text is in a buffer that this may need.
        let (mut inode, mounted) = self.looked(thread.tid, &view, &stat, Some(Handle::Of(thread.tid, of)));
        match self.proc.link(thread.tid, of) {
            Ok(text) => {
                let path = shown(text, &view, &stat, !mounted);
                // What has no name there is on a mount of the kernel's own.
                if inode.attachment == Attachment::Detached && !path.starts_with(b"/") {
                    inode.attachment = Attachment::Elsewhere;
                }
                File { path, inode: Some(inode), unresolved: false }
            }
            Err(_) => File { path: Box::default(), inode: Some(inode), unresolved: true },
        }
    }

    /// The path of a place that we hold, with its inode's status.
    pub(super) fn place_path(&mut self, view: &View, place: BorrowedFd<'_>, stat: &Stat) -> Result<Box<[u8]>, Errno> {
        Ok(shown(self.proc.own_link(place)?, view, stat, false))
    }

    /// The path of a directory of a thread, at the price of one call; `None` when it takes more than
    /// that to be sure (it was removed) or when it is no directory.
    pub(super) fn directory_path(&mut self, view: &View, tid: Tid, of: Of) -> Result<Option<&[u8]>, Errno> {
        let text = self.proc.link(tid, of)?;
        let plain = text.starts_with(b"/") && !text.ends_with(DELETED);
        Ok(plain.then(|| link::below(&view.prefix, text)))
    }
}

/// `text` as the process sees it. `internal`: it is on a file system of the kernel's own.
fn shown(text: &[u8], view: &View, stat: &Stat, internal: bool) -> Box<[u8]> {
    let path = match text.strip_suffix(DELETED) {
        Some(path) if stat.links == 0 || view.served || !is_named(text, view, stat) => path,
        _ => text,
    };
    match link::memfd(path) {
        Some(memfd) if internal => memfd.into(),
        _ => link::below(&view.prefix, path).into(),
    }
}

/// Whether a file really is called `text`, as shown to Lapwing.
fn is_named(text: &[u8], view: &View, stat: &Stat) -> bool {
    let below = link::below(&view.prefix, text);
    let mut path = [0; PATH_MAX];
    // Without the leading slash, to start from the root that is given.
    let Some(place) = path.get_mut(..below.len().saturating_sub(1)) else { return false };
    place.copy_from_slice(&below[1..]);
    let Ok(path) = std::ffi::CStr::from_bytes_until_nul(&path) else { return false };
    sys::stat(view.root(), path, Link::Keep).is_ok_and(|found| found.same(stat))
}
