//! What is concluded from an event, and the promise: discarders, on or off, the same rules match.

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

/// A backend of which only the tables are there.
#[derive(Default)]
struct Tables {
    discarders: RefCell<Discarders>,
    approvers: RefCell<Approvers>,
    now: core::cell::Cell<u64>,
}

impl Tables {
    fn now(&self) -> Ktime {
        Ktime(self.now.get())
    }
}

impl Filters for Tables {
    type Error = Refusal;

    fn push(&self, key: InodeKey, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.discarders.borrow_mut().push(key, event, timeout, self.now())
    }

    fn moment(&self) -> Result<Moment, Refusal> {
        Ok(self.discarders.borrow().moment())
    }

    fn push_since(&self, moment: Moment, key: InodeKey, event: EventType) -> Result<Pushed, Refusal> {
        self.discarders.borrow_mut().push_since(moment, key, event, self.now())
    }

    fn push_pid(&self, pid: Pid, event: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.discarders.borrow_mut().push_pid(pid, event, timeout, self.now())
    }

    fn expire(&self, inode: u64, mount: u32) -> Result<(), Refusal> {
        self.discarders.borrow_mut().expire(inode, mount, self.now());
        Ok(())
    }

    fn flush(&self) -> Result<(), Refusal> {
        self.discarders.borrow_mut().flush();
        Ok(())
    }

    fn list(&self) -> Result<Listing, Refusal> {
        Ok(self.discarders.borrow().list())
    }

    fn set_policy(&self, event: EventType, policy: FilePolicy) -> Result<(), Refusal> {
        self.approvers.borrow_mut().set(event, &policy)
    }

    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, Refusal> {
        Ok(self.approvers.borrow().list())
    }

    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        let (mut discarders, mut approvers) = (self.discarders.borrow_mut(), self.approvers.borrow_mut());
        Ok((discarders.statistics().sum(), approvers.statistics().sum()))
    }

    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        let (mut discarders, mut approvers) = (self.discarders.borrow_mut(), self.approvers.borrow_mut());
        Ok((discarders.statistics().take(), approvers.statistics().take()))
    }
}

/// A file system of one mount: inodes by path. Numbers are given out again, the lowest first.
#[derive(Clone, Default)]
struct Disk {
    names: BTreeMap<String, u64>,
    directories: Vec<u64>,
}

impl Disk {
    fn links(&self, inode: u64) -> usize {
        self.names.values().filter(|one| **one == inode).count()
    }

    fn is_directory(&self, path: &str) -> bool {
        path.is_empty() || self.names.get(path).is_some_and(|inode| self.directories.contains(inode))
    }

    fn is_free(&self, path: &str) -> bool {
        let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
        self.is_directory(parent) && !self.names.contains_key(path)
    }

    fn make(&mut self, path: &str, directory: bool) -> bool {
        let free = self.is_free(path);
        if free {
            let number = (2..).find(|number| self.links(*number) == 0).unwrap_or(0);
            self.directories.retain(|one| *one != number);
            if directory {
                self.directories.push(number);
            }
            self.names.insert(path.to_owned(), number);
        }
        free
    }

    fn below(&self, path: &str) -> Vec<String> {
        let start = format!("{path}/");
        self.names.keys().filter(|name| name.starts_with(&start)).cloned().collect()
    }

    fn rename(&mut self, from: &str, to: &str) {
        for old in self.below(from).into_iter().chain([from.to_owned()]) {
            let inode = self.names.remove(&old).unwrap();
            self.names.insert(format!("{to}{}", &old[from.len()..]), inode);
        }
    }

    fn inode(&self, path: &str) -> Option<Inode> {
        let number = *self.names.get(path)?;
        let mode = if self.directories.contains(&number) { S_IFDIR } else { S_IFREG };
        Some(Inode { number, mount_id: MOUNT, mode, filesystem: Some("ext4".into()), ..Inode::default() })
    }

    fn file(&self, path: &str) -> File {
        File { inode: self.inode(path), ..File::at(path.as_bytes()) }
    }
}

impl Places for &Disk {
    fn look(&mut self, path: &[u8]) -> Option<Place> {
        let path = core::str::from_utf8(path).unwrap();
        let inode = *self.names.get(path)?;
        let is_directory = self.is_directory(path);
        let links = self.links(inode).try_into().unwrap();
        Some(Place { inode, mount: MOUNT, links, is_directory, is_mount_root: false })
    }
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

const NAMES: [&str; 5] = ["a", "b", "passwd", "x.so", "c"];

fn path(random: &mut Random) -> String {
    (0..=random.below(4)).map(|_| format!("/{}", random.pick(&NAMES))).collect()
}

fn condition(random: &mut Random, event: &str, depth: usize) -> String {
    let some = |random: &mut Random| match random.below(5) {
        0 => format!("~\"{}/*\"", path(random)),
        1 => format!("~\"{}/**\"", path(random)),
        2 => format!("~\"/**/{}\"", random.pick(&NAMES)),
        3 => format!("~\"/*{}\"", path(random)),
        _ => format!("\"{}\"", path(random)),
    };
    match random.below(if depth == 0 { 7 } else { 10 }) {
        0..4 => {
            let members: Vec<_> = (0..=random.below(3)).map(|_| some(random)).collect();
            format!("{event}.file.path {} [{}]", random.pick(&["in", "in", "in", "not in"]), members.join(", "))
        }
        4 => format!("{event}.file.name == \"{}\"", random.pick(&NAMES)),
        5 => format!("{event}.file.name =~ \"*{}\"", random.pick(&[".so", "s*", "a"])),
        6 => format!("{event}.retval {} 1", random.pick(&["==", "!=", "<"])),
        7 => format!("!({})", condition(random, event, depth - 1)),
        choice => {
            let parts: Vec<_> = (0..2).map(|_| format!("({})", condition(random, event, depth - 1))).collect();
            parts.join(if choice == 8 { " || " } else { " && " })
        }
    }
}

/// A machine on which files are made, named and used at random.
struct Machine {
    disk: Disk,
    tables: Tables,
    random: Random,
}

impl Machine {
    fn any_path(&mut self) -> String {
        let at = self.random.below(self.disk.names.len().max(1));
        self.disk.names.keys().nth(at).cloned().unwrap_or_else(|| path(&mut self.random))
    }

    fn invalidate(&self, what: impl IntoIterator<Item = Invalidation>) {
        let mut discarders = self.tables.discarders.borrow_mut();
        for invalid in what {
            match invalid {
                Invalidation::Inode { inode, mount } => discarders.expire(inode, mount, self.tables.now()),
                Invalidation::Mount(mount) => discarders.bump_mount(mount),
                Invalidation::Mounts => discarders.bump_mounts(),
                Invalidation::Everything => discarders.flush(),
            }
        }
    }

    /// One call that gives a file another name or takes one away, as a backend follows it.
    fn change(&mut self) {
        let (from, to) = (self.any_path(), path(&mut self.random));
        let directory = self.disk.is_directory(&from);
        let exists = self.disk.names.contains_key(&from);
        let into_itself = to.starts_with(&format!("{from}/"));
        let replaced = self.disk.names.contains_key(&to) && !directory && !self.disk.is_directory(&to) && to != from;
        let (name, possible) = match self.random.below(6) {
            0 => ("unlink", exists && !directory),
            1 => ("rmdir", directory && self.disk.below(&from).is_empty()),
            2 => ("link", exists && !directory && self.disk.is_free(&to)),
            3 => ("rename", exists && !into_itself && (self.disk.is_free(&to) || replaced)),
            choice => {
                self.disk.make(&to, choice == 4);
                return;
            }
        };
        let row = Syscall::named(name).unwrap();
        let mut record = Record::new(row, Arch::X86_64, [0; 6]);
        record.set_file(Slot::File, self.disk.file(&from));
        record.set_file(Slot::Destination, self.disk.file(&to));
        let kind = row.event_for(&record.args).unwrap();
        self.invalidate(discard::before(&record, kind, self.disk.inode(&to).as_ref()));
        if !possible {
            return;
        }
        match name {
            "link" => {
                let inode = self.disk.names[&from];
                self.disk.names.insert(to.clone(), inode);
            }
            "rename" => self.disk.rename(&from, &to),
            _ => {
                self.disk.names.remove(&from);
            }
        }
        record.set_file(Slot::Destination, self.disk.file(&to));
        self.invalidate(discard::after(&record, kind, None));
    }

    /// Whether a backend would keep an event back.
    fn discards(&self, kind: EventType, path: &str) -> bool {
        let mut discarders = self.tables.discarders.borrow_mut();
        let mut matches = |path: &str, leaf: bool| {
            let inode = self.disk.names.get(path).copied().unwrap_or(0);
            discarders.matches(InodeKey { inode, mount: MOUNT, leaf }, kind, self.tables.now())
        };
        let above = parents(path.as_bytes());
        matches(path, true) || above.into_iter().any(|one| matches(core::str::from_utf8(one).unwrap(), false))
    }
}

/// Whoever looks at events does so late, and files have been renamed, linked, removed and made anew by then.
#[test]
fn nothing_that_a_rule_matches_is_discarded() {
    hold::<Discoverer>();
}

/// The same from afar: what is concluded is told, arrives later still, and is done by whoever knows nothing of rules.
/// Now and then the rules are others, and all is taken back; what was concluded from the last ones is then not told.
#[test]
fn nothing_that_a_rule_matches_is_discarded_from_afar() {
    hold::<Afar>();
}

/// Who finds discarders.
trait Finds: Default {
    /// Learns from an event, and returns how many discarders were added.
    fn learn(&mut self, rules: &Rules, event: &Event, machine: &mut Machine) -> usize;

    /// The rules are others.
    fn forget(&mut self);
}

impl Finds for Discoverer {
    fn learn(&mut self, rules: &Rules, event: &Event, machine: &mut Machine) -> usize {
        let found = self.consider(rules, event, &machine.tables, &mut &machine.disk).unwrap();
        usize::from(found.is_some())
    }

    fn forget(&mut self) {
        Self::forget(self);
    }
}

struct Afar {
    pace: Pace,
    verdicts: Verdicts,
    told: VecDeque<lapwing_proto::tracer::v1::Step>,
}

impl Default for Afar {
    fn default() -> Self {
        Self { pace: Pace::remembering(64), verdicts: Verdicts::default(), told: VecDeque::new() }
    }
}

impl Finds for Afar {
    fn learn(&mut self, rules: &Rules, event: &Event, machine: &mut Machine) -> usize {
        let concluded = self.pace.conclude(rules, &mut self.verdicts, event);
        self.told.extend(concluded.iter().map(session::conclusion_message));
        let mut added = 0;
        while self.told.len() > machine.random.below(10) {
            let Some(step) = self.told.pop_front() else { break };
            let done = session::apply(step, &machine.tables, &mut &machine.disk).unwrap();
            added += usize::from(matches!(done, session::Step::Discarded(..)));
        }
        added
    }

    fn forget(&mut self) {
        self.pace.forget();
        self.verdicts = Verdicts::default();
        self.told.clear();
    }
}

fn hold<F: Finds>() {
    let (mut discarded, mut matched, mut pushed) = (0, 0, 0);
    let rounds = std::env::var("LAPWING_ROUNDS").map_or(600, |rounds| rounds.parse().unwrap());
    for seed in 1..=rounds {
        let mut random = Random(seed * 0x9e37_79b9);
        let name = random.pick(&["open", "chmod"]);
        let conditions: Vec<_> = (0..=random.below(3)).map(|_| condition(&mut random, name, 1)).collect();
        let mut sets = [rules(&conditions), rules(&[condition(&mut random, name, 1)])];
        let mut memory = sets[0].memory(1);
        let mut machine = Machine { disk: Disk::default(), tables: Tables::default(), random };
        let (mut finder, mut late) = (F::default(), VecDeque::new());
        for step in 0..400 {
            let now = SECOND + step * 10_000_000 * (1 + seed % 20);
            machine.tables.now.set(now);
            if machine.random.below(4) == 0 {
                machine.change();
                continue;
            }
            if machine.random.below(100) == 0 {
                // Events that were on their way stay so, and are looked at with the new rules.
                sets.swap(0, 1);
                memory = sets[0].memory(1);
                finder.forget();
                machine.tables.flush().unwrap();
            }
            let rules = &sets[0];
            let path = machine.any_path();
            if !machine.disk.names.contains_key(&path) {
                continue;
            }
            let (file, retval) = (machine.disk.file(&path), i64::try_from(machine.random.below(3)).unwrap());
            let happened = match name {
                "open" => event(Open { retval, ..open(file, 0) }, now),
                _ => event(Chmod { file, mode: 0, path: None, retval }, now),
            };
            let mut matches = 0;
            rules.evaluate(&happened, &mut memory, &mut |_| matches += 1);
            matched += matches;
            if machine.discards(happened.event_type(), &path) {
                discarded += 1;
                assert_eq!(matches, 0, "seed {seed}, step {step}: {path} {conditions:#?}");
            } else if matches == 0 {
                late.push_back(happened);
            }
            while late.len() > machine.random.below(30) {
                let Some(event) = late.pop_front() else { break };
                pushed += finder.learn(rules, &event, &mut machine);
            }
        }
    }
    // Otherwise this would prove nothing.
    assert!(discarded > 500 && matched > 5000 && pushed > 150, "{discarded} {matched} {pushed}");
}
