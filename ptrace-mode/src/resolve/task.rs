//! What `/proc` says about a thread itself: whose it is, who it acts as, since when it runs.

use std::os::fd::BorrowedFd;

use lapwing_common::ids::{Pid, Tid, Timestamp};
use lapwing_common::process::Credentials;
use lapwing_common::procfs::fdinfo;
use lapwing_common::procfs::stat::{Clock, Stat};
use lapwing_common::procfs::status::{self, NO_LOGIN, Status};

use super::{Resolver, Thread, sys};

/// This machine's clock as of now.
pub(super) fn clock() -> Clock {
    let boot = sys::clock(libc::CLOCK_REALTIME).saturating_sub(sys::clock(libc::CLOCK_BOOTTIME));
    Clock::new(Timestamp(boot), sys::ticks_per_second())
}

impl Resolver {
    /// Identity and credentials of a thread; `None` if it is gone.
    pub fn status(&mut self, tid: Tid) -> Option<Status> {
        self.proc.read_record(tid, "status").ok().map(Status::parse)
    }

    /// Parent, terminal and start of a thread; `None` if it is gone.
    pub fn stat(&mut self, tid: Tid) -> Option<Stat> {
        let clock = self.times;
        Stat::parse(self.proc.read_record(tid, "stat").ok()?, clock)
    }

    /// The user that logged in; `u32::MAX` if never set, or the kernel does not keep it.
    pub fn login_uid(&mut self, tid: Tid) -> u32 {
        self.proc.read_record(tid, "loginuid").ok().and_then(status::login_uid).unwrap_or(NO_LOGIN)
    }

    /// Whom a thread acts as; `None` if it is gone.
    pub fn credentials(&mut self, tid: Tid) -> Option<Credentials> {
        let status = self.status(tid)?;
        Some(status.credentials(self.login_uid(tid)))
    }

    /// The process of a thread; `None` if it is gone.
    pub fn tgid_of(&mut self, tid: Tid) -> Option<Pid> {
        self.status(tid).map(|status| status.tgid)
    }

    /// The process that a pidfd of a thread stands for; `None` if it is no pidfd, or that process has
    /// ended or is not in Lapwing's pid namespace.
    pub fn pidfd_target(&mut self, thread: Thread, fd: i32) -> Option<Pid> {
        fdinfo::pidfd(self.proc.read(thread.tid, format_args!("fdinfo/{fd}")).ok()?)
    }

    /// A thread as numbered in a procfs that may belong to a pid namespace below Lapwing's.
    ///
    /// A procfs does not say whose it is. So each number the thread goes by is looked up there; it is
    /// the right one if the task so found goes by that number and all the further ones.
    pub(super) fn numbered_in(&mut self, procfs: BorrowedFd<'_>, thread: Thread) -> Option<Thread> {
        let known = self.status(thread.tid)?;
        (0..known.tids.len()).find_map(|level| {
            let (pid, tid) = (*known.tgids.get(level)?, known.tids[level]);
            let found =
                self.proc.read_below(procfs, format_args!("{pid}/task/{tid}/status")).ok().map(Status::parse)?;
            let same = found.tids[..] == known.tids[level..] && found.tgids[..] == known.tgids[level..];
            same.then_some(Thread { pid: Pid(pid), tid: Tid(tid) })
        })
    }
}
