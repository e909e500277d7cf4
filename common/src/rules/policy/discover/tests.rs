//! What is concluded from an event, and the promise: discarders, on or off, the same rules match.

mod machine;
mod promise;

use alloc::borrow::ToOwned as _;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::time::Duration;

use super::*;
use crate::discard::{
    self, ApproverStatistics, Approvers, Discarders, FilePolicy, Invalidation, Ktime, Listing, Moment, Place, Refusal,
    Statistics,
};
use crate::event::{Chmod, Inode, Open, Origin, Quality};
use crate::ids::{Pid, PidNs, ProcessKey, Tid};
use crate::names;
use crate::process::{Cache, Limits};
use crate::record::Record;
use crate::rules::policy::{Options, PolicySource, load};
use crate::rules::tests::random::Random;
use crate::session;
use crate::syscall::{Arch, Slot, Syscall};
use machine::{Disk, Tables};

const MOUNT: u32 = 42;
const S_IFREG: u16 = 0o100_000;
const S_IFDIR: u16 = 0o040_000;

fn rules(conditions: &[impl AsRef<str>]) -> Rules {
    let rule = |(place, condition): (usize, &str)| format!("- id: rule_{place}\n  expression: >-\n    {condition}\n");
    let text: String = conditions.iter().map(AsRef::as_ref).enumerate().map(rule).collect();
    let source = PolicySource { name: "test.policy".into(), text: format!("rules:\n{text}") };
    let loaded = load(&[source], &Options { feed: crate::rules::Feed::Everything, ..Options::default() });
    assert_eq!(loaded.rules.rules().len(), conditions.len(), "{:#?}", loaded.reports);
    loaded.rules
}

fn event(payload: impl Into<crate::event::Payload>, now: u64) -> Event {
    let key = ProcessKey { pid: Pid(9), namespace: PidNs(1) };
    Event {
        timestamp: Timestamp(now),
        origin: Origin::Kernel,
        quality: Quality::default(),
        tid: Tid(9),
        process: Cache::new(Limits::default()).placeholder(key),
        payload: payload.into(),
        syscall: None,
    }
}

fn open(file: File, flags: u64) -> Open {
    Open { file, flags, flag_names: &names::OPEN_FLAGS, mode: 0, path: None, retval: 3 }
}

const SECOND: u64 = 1_000_000_000;

/// What is discarded after a file was opened.
fn concluded(conditions: &[&str], disk: &Disk, path: &str) -> Option<String> {
    let (rules, tables) = (rules(conditions), Tables::default());
    let mut discoverer = Discoverer::default();
    let mut opened =
        |at| discoverer.consider(&rules, &event(open(disk.file(path), 0), at), &tables, &mut &*disk).unwrap();
    let first = opened(SECOND);
    assert!(first.is_none_or(|key| !key.leaf), "a file by itself is not looked at the first time");
    let key = first.or_else(|| opened(SECOND + 1))?;
    let shown = String::from_utf8(discoverer.path_of(&key).unwrap().into()).unwrap();
    Some(if key.leaf { shown } else { format!("{shown}/") })
}

fn disk(paths: &[&str]) -> Disk {
    let mut disk = Disk::default();
    for path in paths {
        for (at, _) in path.match_indices('/').filter(|(at, _)| *at > 0) {
            disk.make(&path[..at], true);
        }
        disk.make(path, false);
    }
    disk
}

/// The reference's table of examples, and what differs here for being sure.
#[test]
fn the_widest_directory_of_no_interest_is_discarded() {
    for (conditions, path, expected) in [
        (&[r#"open.file.path =~ "/var/log/*""#][..], "/var/lib/datadog/x.sock", Some("/var/lib/")),
        (&[r#"open.file.path =~ "/var/log/*""#], "/var/log/a/b/c", Some("/var/log/a/")),
        (&[r#"open.file.path =~ "/var/log/*""#], "/usr/a/b/c", Some("/usr/")),
        (&[r#"open.file.path =~ "/var/log/*""#], "/usr/a/b/c/d", Some("/usr/a/")),
        (&[r#"open.file.path =~ "/var/log/*""#], "/x", Some("/x")),
        (&[r#"open.file.path == "/etc/conf.d/httpd.conf""#], "/etc/conf.d/nginx.conf", Some("/etc/conf.d/nginx.conf")),
        (&[r#"open.file.path == "/etc/conf.d/abc""#], "/etc/nginx/nginx.conf", Some("/etc/nginx/")),
        (&[r#"open.file.path =~ "/etc/conf.d/*""#], "/etc/sys.d/nginx.conf", Some("/etc/sys.d/")),
        (&[r#"open.file.path =~ "/a/**" && process.uid == 0"#], "/b/c", Some("/b/")),
        (&[r#"open.file.path not in [~"/proc/**", "/x"]"#], "/proc/1/stat", Some("/proc/")),
        // A name may be anywhere.
        (&[r#"open.file.name == "passwd""#], "/usr/lib/x", Some("/usr/lib/x")),
        (&[r#"open.file.path == "/a" || open.file.name == "x""#], "/usr/lib/x", None),
        (&[r#"open.file.path == "/a""#, r#"open.file.name =~ "*.so""#], "/usr/lib/x.so", None),
        (&[r#"open.file.extension == ".so""#], "/usr/x.so", None),
        (&[r#"open.file.extension == ".so""#], "/usr/x.rs", Some("/usr/x.rs")),
        // What is not about the path may be anything.
        (&["open.flags & O_CREAT > 0"], "/usr/x", None),
        (&[r#"open.file.path != "/etc/x""#], "/usr/x", None),
        (&[r#"!(open.file.path == "/etc/x") && open.flags == 9"#], "/etc/x", Some("/etc/x")),
        (&[r#"unlink.file.path == "/usr/x""#], "/usr/x", None),
    ] {
        let found = concluded(conditions, &disk(&[path]), path);
        assert_eq!(found.as_deref(), expected, "{conditions:?} {path}");
    }
}

/// Events under way when a directory was discarded are no reason to discard the files that they are about.
#[test]
fn what_is_below_a_discarded_directory_is_not_discarded_by_itself() {
    let disk = disk(&["/a/b/x", "/a/b/y"]);
    let (rules, tables) = (rules(&[r#"open.file.path == "/never""#]), Tables::default());
    let mut discoverer = Discoverer::default();
    let mut opened =
        |path, at| discoverer.consider(&rules, &event(open(disk.file(path), 0), at), &tables, &mut &disk).unwrap();
    assert!(opened("/a/b/x", SECOND).is_some_and(|key| !key.leaf));
    for at in 1..4 {
        assert_eq!(opened("/a/b/y", SECOND + at), None);
    }
    // Should they still come, something has ended the discarder.
    assert!(opened("/a/b/y", 4 * SECOND).is_some_and(|key| !key.leaf));
}

#[test]
fn what_is_not_certain_to_be_one_file_is_not_discarded() {
    let conditions = &[r#"open.file.name == "passwd""#];
    let mut disk = disk(&["/a/x", "/a/y"]);
    assert!(concluded(conditions, &disk, "/a/x").is_some());
    let inode = disk.names["/a/x"];
    disk.names.insert("/a/link".into(), inode);
    assert_eq!(concluded(conditions, &disk, "/a/x"), None, "two names");
    let (rules, tables) = (rules(conditions), Tables::default());
    let consider = |file: File| {
        let (mut discoverer, event) = (Discoverer::default(), event(open(file, 0), SECOND));
        (0..2).find_map(|_| discoverer.consider(&rules, &event, &tables, &mut &disk).unwrap())
    };
    let file = disk.file("/a/y");
    let on = |filesystem: &str| {
        let inode = Inode { filesystem: Some(filesystem.into()), ..file.inode.clone().unwrap() };
        File { inode: Some(inode), ..file.clone() }
    };
    for filesystem in ["btrfs", "nfs4", "fuse", "proc", ""] {
        assert_eq!(consider(on(filesystem)), None, "{filesystem}");
    }
    assert_eq!(consider(File { unresolved: true, ..file.clone() }), None);
    let another = Inode { number: 99, ..file.inode.clone().unwrap() };
    assert_eq!(consider(File { inode: Some(another), ..file.clone() }), None, "it is another one by now");
    assert!(consider(file.clone()).is_some());
}

#[test]
fn what_changes_while_it_is_looked_at_is_not_discarded() {
    struct Meanwhile<'a>(&'a Disk, &'a Tables);

    impl Places for Meanwhile<'_> {
        fn look(&mut self, path: &[u8]) -> Option<Place> {
            let mut disk = self.0;
            let found = disk.look(path);
            self.1.discarders.borrow_mut().expire(77, MOUNT, self.1.now());
            found
        }
    }
    let (disk, tables) = (disk(&["/a/x"]), Tables::default());
    let rules = rules(&[r#"open.file.path == "/b""#]);
    let opened = event(open(disk.file("/a/x"), 0), SECOND);
    let found = Discoverer::default().consider(&rules, &opened, &tables, &mut Meanwhile(&disk, &tables));
    assert_eq!(found, Ok(None));
}

#[test]
fn a_path_is_not_looked_at_twice_within_a_while_and_not_all_at_once() {
    let paths: Vec<_> = (0..3000).map(|number| format!("/d{number}/x")).collect();
    let names: Vec<_> = paths.iter().map(|path| &**path).collect();
    let mut disk = Disk::default();
    for (number, path) in (2..).step_by(2).zip(&names) {
        disk.names.insert(path[..path.len() - 2].into(), number);
        disk.directories.push(number);
        disk.names.insert((*path).into(), number + 1);
    }
    struct Quick<'a>(&'a Disk);
    impl Places for Quick<'_> {
        fn look(&mut self, path: &[u8]) -> Option<Place> {
            let inode = *self.0.names.get(core::str::from_utf8(path).unwrap())?;
            Some(Place { inode, mount: MOUNT, links: 1, is_directory: inode % 2 == 0, is_mount_root: false })
        }
    }
    let (rules, tables) = (rules(&[r#"open.file.path == "/never""#]), Tables::default());
    let mut discoverer = Discoverer::default();
    let mut considered = |path: &str, at: u64| {
        let inode =
            Inode { number: disk.names[path], mount_id: MOUNT, filesystem: Some("xfs".into()), ..Inode::default() };
        let file = File { inode: Some(inode), ..File::at(path.as_bytes()) };
        discoverer.consider(&rules, &event(open(file, 0), at), &tables, &mut Quick(&disk)).unwrap().is_some()
    };
    assert!(considered(names[0], SECOND));
    assert!(!considered(names[0], SECOND + 1));
    assert!(considered(names[0], 4 * SECOND));
    let at_once = names.iter().filter(|path| considered(path, 100 * SECOND)).count();
    assert_eq!(at_once, 512);
    let later = names[1000..].iter().filter(|path| considered(path, 102 * SECOND)).count();
    assert_eq!(later, 100);
}
