//! Roots of processes that are said to have them.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use rustix::fs::{Mode, OFlags};

use super::*;

/// Processes 1, 2, … each have the directory of their number as their root; process 1 is the asker.
#[derive(Debug)]
struct Fake {
    dir: tempfile::TempDir,
}

impl Fake {
    fn new(roots: i32) -> Self {
        let fake = Self { dir: tempfile::tempdir().unwrap() };
        for pid in 1..=roots {
            fs::create_dir_all(fake.path(Pid(pid)).join("etc")).unwrap();
            fake.write(pid, &format!("user{pid}:x:1000:1000::/:\n"));
        }
        fake
    }

    fn path(&self, pid: Pid) -> PathBuf {
        self.dir.path().join(pid.to_string())
    }

    fn write(&self, pid: i32, users: &str) {
        let etc = self.path(Pid(pid)).join("etc");
        fs::write(etc.join("new"), users).unwrap();
        fs::rename(etc.join("new"), etc.join("passwd")).unwrap();
    }
}

impl Roots for Fake {
    fn own(&self) -> Option<RootId> {
        self.of(Pid(1))
    }

    fn of(&self, pid: Pid) -> Option<RootId> {
        let inode = u64::try_from(pid.0).ok().filter(|_| self.path(pid).exists())?;
        Some(RootId { device: (0, 1), inode, mount: 1 })
    }

    fn open_own(&self) -> io::Result<OwnedFd> {
        self.open(Pid(1))
    }

    fn open(&self, pid: Pid) -> io::Result<OwnedFd> {
        Ok(rustix::fs::open(self.path(pid), OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?)
    }

    fn id_maps(&self, pid: Pid) -> (IdMap, IdMap) {
        let map = if pid.0 == 3 { IdMap::parse(b"1000 5000 1\n") } else { IdMap::default() };
        (map.clone(), map)
    }
}

const NAMESPACE: PidNs = PidNs(9);
const SECOND: u64 = 1_000_000_000;

fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid: Pid(pid), namespace: NAMESPACE }
}

fn name(accounts: &Accounts, uid: u32) -> &str {
    std::str::from_utf8(accounts.user(uid)).unwrap()
}

#[test]
fn each_root_has_its_own_names() {
    let mut accounts = HostAccounts::with(Fake::new(3), NAMESPACE);
    let at = Timestamp(SECOND);
    for (pid, uid, expected) in [(1, 1000, "user1"), (2, 1000, "user2"), (3, 5000, "user3"), (3, 1000, "")] {
        assert_eq!(name(&accounts.of(key(pid), at).unwrap(), uid), expected, "{pid}");
    }
    // Found once, shared by all.
    assert!(Arc::ptr_eq(&accounts.of(key(2), at).unwrap(), &accounts.of(key(2), at).unwrap()));
    assert!(accounts.of(key(4), at).is_none());
    let elsewhere = ProcessKey { namespace: PidNs(1), ..key(1) };
    assert!(accounts.of(elsewhere, at).is_none());
}

#[test]
fn a_command_that_has_ended_had_the_own_root() {
    let mut accounts = HostAccounts::with(Fake::new(2), NAMESPACE).starting(Some(7));
    let at = Timestamp(SECOND);
    assert_eq!(name(&accounts.of(key(7), at).unwrap(), 1000), "user1");
    assert!(accounts.of(key(8), at).is_none());
    // While it can be looked at, that counts.
    let mut accounts = HostAccounts::with(Fake::new(2), NAMESPACE).starting(Some(2));
    assert_eq!(name(&accounts.of(key(2), at).unwrap(), 1000), "user2");
}

#[test]
fn a_change_is_seen_after_a_second() {
    let mut accounts = HostAccounts::with(Fake::new(2), NAMESPACE);
    let start = Timestamp(SECOND);
    for pid in [1, 2] {
        let first = accounts.of(key(pid), start).unwrap();
        accounts.roots.write(pid, "other:x:1000:1000::/:\n");
        let soon = accounts.current(&first, Timestamp(start.0 + SECOND / 2));
        assert!(Arc::ptr_eq(&first, &soon), "{pid}");
        // That of another root comes from the worker, and is there a moment later.
        let mut now = first;
        for _ in 0..1000 {
            now = accounts.current(&now, Timestamp(start.0 + SECOND));
            if name(&now, 1000) == "other" {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(name(&now, 1000), "other", "{pid}");
    }
}

#[test]
fn roots_are_bounded_and_so_is_meeting_them() {
    let roots = i32::try_from(MOST_ROOTS).unwrap() + 10;
    let mut accounts = HostAccounts::with(Fake::new(roots), NAMESPACE);
    let mut met = 0;
    for pid in 1..=roots {
        met += u32::from(accounts.of(key(pid), Timestamp(SECOND)).is_some());
    }
    assert_eq!(met, NEW_A_SECOND);
    for pid in 1..=roots {
        let at = Timestamp(2 * SECOND + u64::try_from(pid).unwrap() * SECOND);
        assert!(accounts.of(key(pid), at).is_some(), "{pid}");
    }
    assert_eq!((accounts.known.len(), accounts.numbers.len()), (MOST_ROOTS, MOST_ROOTS));
}

#[test]
fn this_process_has_the_names_of_its_host() {
    let mut accounts = HostAccounts::new().unwrap();
    let own = ProcessKey { pid: Pid(i32::try_from(std::process::id()).unwrap()), namespace: accounts.namespace };
    let found = accounts.of(own, Timestamp(SECOND)).unwrap();
    assert_eq!((found.user(0), found.group(0)), (&b"root"[..], &b"root"[..]));
}
