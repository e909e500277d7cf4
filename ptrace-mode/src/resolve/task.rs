//! What `/proc` says about a thread itself: whose it is, who it acts as, since when it runs.
//!
//! Numbers are those that Lapwing sees: `/proc` translates users into the reader's user namespace and
//! pids into that of the procfs mount.

use smallvec::SmallVec;

use lapwing_common::ids::{Pid, Tid, Timestamp};
use lapwing_common::process::Credentials;
use lapwing_common::schema::Short;

use std::os::fd::BorrowedFd;

use super::{Resolver, Thread, sys, tty};

/// Ids of one task, from the outermost pid namespace to its own.
type Levels = SmallVec<[i32; 4]>;

/// What `/proc/TID/status` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The command name.
    pub name: Short,
    /// The process.
    pub tgid: Pid,
    /// Its parent; 0 if that is outside of Lapwing's pid namespace.
    pub ppid: Pid,
    /// Real, effective, saved and file access user.
    pub uids: [u32; 4],
    /// Real, effective, saved and file access group.
    pub gids: [u32; 4],
    /// Permitted capabilities.
    pub cap_permitted: u64,
    /// Effective capabilities.
    pub cap_effective: u64,
    /// The process's id in each pid namespace that it is in, Lapwing's first.
    pub tgids: Levels,
    /// The thread's id in each pid namespace that it is in, Lapwing's first.
    pub tids: Levels,
}

/// What `/proc/TID/stat` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// The command name.
    pub name: Short,
    /// The parent.
    pub ppid: Pid,
    /// Name of the controlling terminal (`pts0`), empty without one.
    pub tty: Short,
    /// When it was created.
    pub started: Timestamp,
}

/// A login user that was never set.
const UNSET: u32 = u32::MAX;

/// What a time since boot is on the wall clock.
///
/// Taken once, so that a process's start does not move when the wall clock is corrected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    boot: u64,
    tick: u64,
}

impl Clock {
    pub(super) fn new() -> Self {
        let boot = sys::clock(libc::CLOCK_REALTIME).saturating_sub(sys::clock(libc::CLOCK_BOOTTIME));
        Self { boot, tick: 1_000_000_000 / sys::ticks_per_second() }
    }

    fn at(self, ticks: u64) -> Timestamp {
        Timestamp(self.boot.saturating_add(ticks.saturating_mul(self.tick)))
    }
}

impl Resolver {
    /// Identity and credentials of a thread; `None` if it is gone.
    pub fn status(&mut self, tid: Tid) -> Option<Status> {
        self.proc.read(tid, "status").ok().map(parse_status)
    }

    /// Parent, terminal and start of a thread; `None` if it is gone.
    pub fn stat(&mut self, tid: Tid) -> Option<Stat> {
        let clock = self.times;
        parse_stat(self.proc.read(tid, "stat").ok()?, clock)
    }

    /// The user that logged in; `u32::MAX` if never set, or the kernel does not keep it.
    pub fn login_uid(&mut self, tid: Tid) -> u32 {
        self.proc.read(tid, "loginuid").ok().and_then(number).unwrap_or(UNSET)
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
        let text = self.proc.read(thread.tid, format_args!("fdinfo/{fd}")).ok()?;
        let pid = lines(text).find(|(key, _)| *key == b"Pid").and_then(|(_, value)| number(value))?;
        (pid > 0).then_some(Pid(pid))
    }

    /// A thread as numbered in a procfs that may belong to a pid namespace below Lapwing's.
    ///
    /// A procfs does not say whose it is. So each number the thread goes by is looked up there; it is
    /// the right one if the task so found goes by that number and all the further ones.
    pub(super) fn numbered_in(&mut self, procfs: BorrowedFd<'_>, thread: Thread) -> Option<Thread> {
        let known = self.status(thread.tid)?;
        (0..known.tids.len()).find_map(|level| {
            let (pid, tid) = (*known.tgids.get(level)?, known.tids[level]);
            let found = self.proc.read_below(procfs, format_args!("{pid}/task/{tid}/status")).ok().map(parse_status)?;
            let same = found.tids[..] == known.tids[level..] && found.tgids[..] == known.tgids[level..];
            same.then_some(Thread { pid: Pid(pid), tid: Tid(tid) })
        })
    }
}

impl Status {
    /// As credentials, with the login user that `/proc/TID/loginuid` says.
    #[must_use]
    pub fn credentials(&self, auid: u32) -> Credentials {
        let ([uid, euid, _, fsuid], [gid, egid, _, fsgid]) = (self.uids, self.gids);
        Credentials {
            uid,
            euid,
            fsuid,
            gid,
            egid,
            fsgid,
            auid,
            cap_effective: self.cap_effective,
            cap_permitted: self.cap_permitted,
        }
    }
}

/// `key: value` lines, white space around the value removed.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    text.split(|byte| *byte == b'\n').filter_map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        Some((&line[..colon], line[colon + 1..].trim_ascii()))
    })
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text.trim_ascii()).ok()?.parse().ok()
}

fn numbers<T: std::str::FromStr>(text: &[u8]) -> impl Iterator<Item = T> {
    text.split(u8::is_ascii_whitespace).filter_map(number)
}

fn four(text: &[u8]) -> [u32; 4] {
    let mut ids = [0; 4];
    ids.iter_mut().zip(numbers(text)).for_each(|(id, found)| *id = found);
    ids
}

fn capabilities(text: &[u8]) -> u64 {
    std::str::from_utf8(text).ok().and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or(0)
}

fn parse_status(text: &[u8]) -> Status {
    let mut status = Status::default();
    for (key, value) in lines(text) {
        match key {
            // Not trimmed: a name may begin or end with a space. The kernel puts one tab before it.
            b"Name" => status.name = name(first_line(text).strip_prefix(b"Name:\t").unwrap_or(value)),
            b"Tgid" => status.tgid = Pid(number(value).unwrap_or(0)),
            b"PPid" => status.ppid = Pid(number(value).unwrap_or(0)),
            b"Uid" => status.uids = four(value),
            b"Gid" => status.gids = four(value),
            b"NStgid" => status.tgids = numbers(value).collect(),
            b"NSpid" => status.tids = numbers(value).collect(),
            b"CapPrm" => status.cap_permitted = capabilities(value),
            b"CapEff" => {
                status.cap_effective = capabilities(value);
                break;
            }
            _ => {}
        }
    }
    status
}

fn first_line(text: &[u8]) -> &[u8] {
    text.split(|byte| *byte == b'\n').next().unwrap_or_default()
}

/// A command name, in which the kernel writes newline and backslash as `\n` and `\\`.
fn name(escaped: &[u8]) -> Short {
    let mut plain: SmallVec<[u8; 16]> = SmallVec::new();
    let mut bytes = escaped.iter().copied();
    while let Some(byte) = bytes.next() {
        plain.push(match (byte, byte == b'\\') {
            (_, true) => match bytes.next() {
                Some(b'n') => b'\n',
                Some(other) => other,
                None => b'\\',
            },
            (byte, false) => byte,
        });
    }
    Short::new(&plain)
}

/// `TID (name) state ppid pgrp session tty_nr …`, where the name may hold anything, brackets and lines
/// too; unlike that of `status` it is not escaped (seen on Linux 6.18).
fn parse_stat(text: &[u8], clock: Clock) -> Option<Stat> {
    let open = text.iter().position(|byte| *byte == b'(')?;
    let close = text.iter().rposition(|byte| *byte == b')')?;
    // Counted from the state, the third field of proc_pid_stat(5).
    let mut fields = text.get(close + 1..)?.trim_ascii().split(|byte| *byte == b' ');
    let ppid = number(fields.nth(1)?)?;
    let tty: i32 = number(fields.nth(2)?)?;
    let started = number(fields.nth(14)?)?;
    Some(Stat {
        name: Short::new(text.get(open + 1..close)?),
        ppid: Pid(ppid),
        tty: tty::name(tty.cast_unsigned()),
        started: clock.at(started),
    })
}

#[cfg(test)]
mod tests {
    use super::{Clock, Pid, Timestamp, name, parse_stat, parse_status};

    #[test]
    fn status_of_a_nested_thread() {
        let status = parse_status(
            b"Name:\t b: x\\\\\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t77\nNgid:\t0\nPid:\t78\nPPid:\t1\n\
              Uid:\t1\t2\t3\t4\nGid:\t5\t6\t7\t8\nNStgid:\t77\t5\nNSpid:\t78\t6\n\
              CapInh:\t0000000000000000\nCapPrm:\t000001ffffffffff\nCapEff:\t0000000000000400\n",
        );
        assert_eq!(status.name.as_bytes(), b" b: x\\");
        assert_eq!((status.tgid, status.ppid), (Pid(77), Pid(1)));
        assert_eq!((&status.tgids[..], &status.tids[..]), (&[77, 5][..], &[78, 6][..]));
        let credentials = status.credentials(1000);
        assert_eq!((credentials.uid, credentials.euid, credentials.fsuid), (1, 2, 4));
        assert_eq!((credentials.gid, credentials.egid, credentials.fsgid), (5, 6, 8));
        assert_eq!((credentials.auid, credentials.cap_effective), (1000, 0x400));
        assert_eq!(credentials.cap_permitted, 0x1ff_ffff_ffff);
    }

    #[test]
    fn stat_with_brackets_in_the_name() {
        let clock = Clock { boot: 1_000, tick: 10 };
        let text = b"9 (a) R\\n (b)) S 4 9 9 34817 9 4194560 1 2 3 4 5 6 7 8 20 0 1 0 321 1000 2\n";
        let stat = parse_stat(text, clock).unwrap();
        assert_eq!(stat.name.as_bytes(), b"a) R\\n (b)");
        assert_eq!((stat.ppid, stat.tty.as_bytes()), (Pid(4), &b"pts1"[..]));
        assert_eq!(stat.started, Timestamp(1_000 + 3_210));
        assert_eq!(parse_stat(b"", clock), None);
        assert_eq!(parse_stat(b"9 (a) S 4", clock), None);
    }

    #[test]
    fn names_are_unescaped() {
        assert_eq!(name(b"a\\nb\\\\c").as_bytes(), b"a\nb\\c");
        assert_eq!(name(b"\\").as_bytes(), b"\\");
    }
}
