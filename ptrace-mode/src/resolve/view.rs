//! What a process sees as its root, compared with what Lapwing sees.
//!
//! Mount ids are unique on the whole machine, so one root mount and one root inode mean that both
//! resolve paths alike. The mount namespace itself takes no part in resolving a path; it is only
//! compared where the kernel is too old (before 5.8) to give the mount id.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, openat};
use nix::sys::stat::Mode;

use super::procfs::{Of, PLACE, Proc};
use super::sys::{self, Link, Stat};
use super::{ResolveError, Thread};
use lapwing_common::ids::{Pid, Tid};
use lapwing_common::procfs::link::DELETED;

/// How a process sees the file system.
#[derive(Debug)]
pub(super) struct View {
    /// Its root directory. For a root of its own this keeps a mount busy until it is forgotten.
    pub(super) root: Rc<OwnedFd>,
    pub(super) root_stat: Stat,
    /// Whether the root is Lapwing's.
    pub(super) shared: bool,
    /// The root's path as shown to Lapwing; empty where there is nothing to remove from paths.
    pub(super) prefix: Box<[u8]>,
    /// Whether a process serves one of its mounts (FUSE). That process may be traced, and then would
    /// never answer a tracer that waits for it in a lookup.
    pub(super) served: bool,
}

/// The views of the processes that were asked about, and Lapwing's own.
#[derive(Debug)]
pub(super) struct Views {
    own: Rc<View>,
    own_namespace: Box<[u8]>,
    by_process: HashMap<Pid, Known>,
}

#[derive(Debug)]
struct Known {
    view: Rc<View>,
    certainty: Certainty,
}

/// Whether a process was asked about its root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Certainty {
    /// It was, or its parent was and it was made without mounts of its own.
    Known,
    /// The view is the parent's: `clone` can give a child mounts of its own, and a fork event does not say so.
    Presumed,
}

impl Views {
    pub(super) fn new(proc: &mut Proc) -> Result<Self, ResolveError> {
        let failed = |errno| ResolveError::Proc { path: "/", errno };
        let root = openat(AT_FDCWD, "/", PLACE, Mode::empty()).map_err(failed)?;
        let root_stat = sys::stat(root.as_fd(), c"", Link::Keep).map_err(failed)?;
        let served = is_served(proc, own_tid());
        Ok(Self {
            own: Rc::new(View { root: Rc::new(root), root_stat, shared: true, prefix: Box::default(), served }),
            own_namespace: proc.namespace(None, "mnt").unwrap_or_default().into(),
            by_process: HashMap::new(),
        })
    }

    /// How the thread's process sees the file system; as Lapwing does if it cannot be asked.
    pub(super) fn of(&mut self, proc: &mut Proc, thread: Thread) -> Rc<View> {
        let parent = match self.by_process.get(&thread.pid) {
            Some(Known { view, certainty: Certainty::Known }) => return Rc::clone(view),
            Some(Known { view, certainty: Certainty::Presumed }) => Some(view),
            None => None,
        };
        let Ok(view) = self.look(proc, thread.tid, parent) else { return Rc::clone(&self.own) };
        self.by_process.insert(thread.pid, Known { view: Rc::clone(&view), certainty: Certainty::Known });
        view
    }

    /// Whether the thread's process is known to see the file system as Lapwing does.
    pub(super) fn is_own(&mut self, proc: &mut Proc, thread: Thread) -> bool {
        self.of(proc, thread);
        let known = self.by_process.get(&thread.pid);
        known.is_some_and(|known| known.certainty == Certainty::Known && known.view.shared)
    }

    fn look(&self, proc: &mut Proc, tid: Tid, parent: Option<&Rc<View>>) -> Result<Rc<View>, Errno> {
        let root_stat = proc.stat(tid, Of::Root)?;
        if let Some(parent) = parent.filter(|parent| root_stat.mount != 0 && root_stat.same(&parent.root_stat)) {
            return Ok(Rc::clone(parent));
        }
        let shared = root_stat.same(&self.own.root_stat)
            && (root_stat.mount != 0 || *proc.namespace(Some(tid), "mnt")? == *self.own_namespace);
        if shared {
            return Ok(Rc::clone(&self.own));
        }
        let root = proc.place(tid, Of::Root)?;
        let shown = proc.own_link(root.as_fd())?;
        let shown = if root_stat.links == 0 { shown.strip_suffix(DELETED).unwrap_or(shown) } else { shown };
        let prefix = if shown == b"/" { Box::default() } else { shown.into() };
        let served = is_served(proc, tid);
        Ok(Rc::new(View { root: Rc::new(root), root_stat, shared, prefix, served }))
    }

    /// A forked child sees what its parent sees; `certainty` says how sure that is, at most as sure as the parent's.
    pub(super) fn inherit(&mut self, parent: Pid, child: Pid, certainty: Certainty) {
        if let Some(Known { view, certainty: of_parent }) = self.by_process.get(&parent) {
            let certainty = if *of_parent == Certainty::Known { certainty } else { Certainty::Presumed };
            let view = Rc::clone(view);
            self.by_process.insert(child, Known { view, certainty });
        }
    }

    pub(super) fn forget(&mut self, pid: Pid) {
        self.by_process.remove(&pid);
    }

    pub(super) fn forget_all(&mut self) {
        self.by_process.clear();
    }

    /// Looks again at what is mounted.
    pub(super) fn forget_mounts(&mut self, proc: &mut Proc) {
        self.by_process.clear();
        let View { root, root_stat, shared, prefix, .. } = &*self.own;
        let (root, prefix, served) = (Rc::clone(root), prefix.clone(), is_served(proc, own_tid()));
        self.own = Rc::new(View { root, root_stat: *root_stat, shared: *shared, prefix, served });
    }
}

pub(super) fn own_tid() -> Tid {
    Tid(nix::unistd::gettid().as_raw())
}

fn is_served(proc: &mut Proc, tid: Tid) -> bool {
    const MARK: &[u8] = b" - fuse";
    // Where the table cannot be read nothing is known of FUSE, so that caution is due.
    proc.read(tid, "mountinfo").map_or(true, |table| table.windows(MARK.len()).any(|window| window == MARK))
}

impl View {
    pub(super) fn root(&self) -> BorrowedFd<'_> {
        self.root.as_fd()
    }
}
