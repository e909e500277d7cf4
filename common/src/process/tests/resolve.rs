//! Processes that no event told of, looked up.

use alloc::sync::Arc;
use alloc::vec::Vec;
use std::collections::HashMap;
use std::sync::Mutex;

use super::{Story, key, lineage, path, running};
use crate::ids::{Pid, ProcessKey, Timestamp};
use crate::process::{ArgumentLimits, Arguments, BrokenLineage, Lookup, Mark, Process, Reach, Resolver, Scope, Source};
use crate::record::Running;

/// What a place tells, and what it was asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct Place(Arc<Mutex<Contents>>);

#[derive(Debug, Default)]
struct Contents {
    processes: HashMap<ProcessKey, Running>,
    read: Vec<i32>,
}

impl Lookup for Place {
    fn process(&mut self, key: ProcessKey, _mark: Option<Mark>) -> Option<Running> {
        let mut contents = self.0.lock().unwrap();
        contents.read.push(key.pid.0);
        contents.processes.get(&key).cloned()
    }

    fn parent(&mut self, key: ProcessKey) -> Option<Pid> {
        self.0.lock().unwrap().processes.get(&key).map(|running| running.ppid)
    }
}

impl Place {
    pub(super) fn shows(&self, pid: i32, ppid: i32, path: &str) {
        self.0.lock().unwrap().processes.insert(key(pid), running(ppid, 1, path));
    }

    pub(super) fn shows_with_arguments(&self, pid: i32, ppid: i32, path: &str, arguments: &[&str]) {
        let mut running = running(ppid, 1, path);
        let arguments = arguments.iter().map(|argument| argument.as_bytes());
        running.program.arguments = Arguments::capture(arguments, false, &ArgumentLimits::default());
        self.0.lock().unwrap().processes.insert(key(pid), running);
    }

    pub(super) fn forgets(&self, pid: i32) {
        self.0.lock().unwrap().processes.remove(&key(pid));
    }

    /// Who was read since the last time.
    pub(super) fn read(&self) -> Vec<i32> {
        core::mem::take(&mut self.0.lock().unwrap().read)
    }
}

impl Story {
    pub(super) fn find(&mut self, resolver: &mut Resolver, pid: i32) -> Option<Arc<Process>> {
        let at = self.tick();
        resolver.find(&mut self.cache, key(pid), at, Reach::Procfs, None)
    }
}

/// Process 10 is the root of a tree that is observed; `/proc` shows the place.
pub(super) fn tree() -> (Story, Resolver, Place) {
    let place = Place::default();
    let mut story = Story { cache: super::Cache::new(super::Limits::default()), now: 100 };
    story.cache.running(key(10), running(5, 1, "/bin/root"));
    place.shows(1, 0, "/sbin/init");
    place.shows(5, 1, "/bin/outside");
    place.shows(10, 5, "/bin/root");
    (story, Resolver::new(Scope::Tree(key(10))).with_procfs(place.clone()), place)
}

#[test]
fn the_cache_comes_first_then_the_kernel_then_procfs() {
    let (kernel, procfs) = (Place::default(), Place::default());
    let mut story = Story::new();
    let mut resolver = Resolver::new(Scope::Host).with_kernel(kernel.clone()).with_procfs(procfs.clone());
    story.fork(1, 10);
    kernel.shows(11, 10, "/bin/kernel");
    for pid in [10, 11, 12] {
        procfs.shows(pid, 1, "/bin/procfs");
    }
    assert_eq!(story.find(&mut resolver, 10).unwrap().source(), Source::Event);
    assert_eq!((kernel.read(), procfs.read()), (Vec::new(), Vec::new()));
    let found = story.find(&mut resolver, 11).unwrap();
    // Procfs is asked for arguments, which the kernel does not keep, and believed if it shows the same program.
    assert_eq!((found.source(), path(&found), procfs.read()), (Source::Kernel, "/bin/kernel", [11].into()));
    let found = story.find(&mut resolver, 12).unwrap();
    assert_eq!((found.source(), path(&found), kernel.read()), (Source::Procfs, "/bin/procfs", [11].into()));
    assert!(story.find(&mut resolver, 13).is_none());
    // The next time, all are in the cache.
    assert!(Arc::ptr_eq(&found, &story.find(&mut resolver, 12).unwrap()));
    let counters = story.cache.counters();
    assert_eq!((counters.from_kernel, counters.from_procfs, counters.not_found), (1, 1, 1));
    assert_eq!((counters.hits, counters.misses, counters.snapshot), (3, 3, 1));
}

#[test]
fn a_lost_fork() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 10, "/bin/ls");
    let lost = story.find(&mut resolver, 11).unwrap();
    assert_eq!((lost.source(), lost.ppid()), (Source::Procfs, Pid(10)));
    assert_eq!((lineage(&lost), lost.check_lineage()), ([(10, "/bin/root")].into(), Ok(())));
    assert!(story.known(11));
}

#[test]
fn a_lost_fork_of_a_process_that_is_gone() {
    let (mut story, mut resolver, _) = tree();
    assert!(story.find(&mut resolver, 11).is_none());
    let placeholder = story.cache.placeholder(key(11));
    assert_eq!(placeholder.check_lineage(), Err(BrokenLineage::MissingParent));
    assert!(Arc::ptr_eq(&placeholder, &story.find(&mut resolver, 11).unwrap()));
}

#[test]
fn a_placeholder_is_looked_up_again_when_it_may_be() {
    let (mut story, mut resolver, place) = tree();
    assert!(story.find(&mut resolver, 11).is_none());
    let placeholder = story.cache.placeholder(key(11));
    let child = story.fork(11, 12);
    place.shows(11, 10, "/bin/ls");
    // It was asked for a moment ago.
    assert!(Arc::ptr_eq(&placeholder, &story.find(&mut resolver, 11).unwrap()));
    story.now += 30_000_000_000;
    let found = story.find(&mut resolver, 11).unwrap();
    assert_eq!((found.source(), path(&found), found.check_lineage()), (Source::Procfs, "/bin/ls", Ok(())));
    assert_eq!(story.cache.counters().reused_pids, 0);
    // Those below it get the better entry when they do something.
    assert_eq!(child.check_lineage(), Err(BrokenLineage::MissingParent));
    let child = story.find(&mut resolver, 12).unwrap();
    assert_eq!((child.check_lineage(), child.parent().map(path)), (Ok(()), Some("/bin/ls")));
}

#[test]
fn ancestors_that_are_not_known_either_come_first() {
    let (mut story, mut resolver, place) = tree();
    for pid in [11, 12, 13] {
        place.shows(pid, pid - 1, "/bin/sh");
    }
    let lost = story.find(&mut resolver, 13).unwrap();
    assert_eq!(lineage(&lost), [(12, "/bin/sh"), (11, "/bin/sh"), (10, "/bin/root")]);
    assert!(!lost.is_exec() && lost.ancestors().nth(1).unwrap().is_exec(), "the same program is a fork's");
    assert_eq!((story.cache.counters().from_procfs, story.cache.len()), (3, 4));
}

#[test]
fn nobody_outside_of_the_tree_is_read() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 5, "/bin/adopted");
    let adopted = story.find(&mut resolver, 11).unwrap();
    assert_eq!((adopted.ppid(), adopted.check_lineage()), (Pid(5), Err(BrokenLineage::MissingParent)));
    assert_eq!((place.read(), story.cache.len()), ([11].into(), 2));
}

#[test]
fn the_root_of_a_tree_is_the_end_of_lineage_even_if_it_was_forgotten() {
    let (mut story, mut resolver, place) = tree();
    story.cache.remove(key(10));
    place.shows(11, 10, "/bin/sh");
    let lost = story.find(&mut resolver, 11).unwrap();
    assert_eq!((lineage(&lost), lost.check_lineage()), ([(10, "/bin/root")].into(), Ok(())));
    story.cache.remove(key(10));
    story.now += 30_000_000_000;
    assert_eq!(story.find(&mut resolver, 10).unwrap().check_lineage(), Ok(()));
}

#[test]
fn on_a_host_lineage_ends_with_the_first_process() {
    let place = Place::default();
    let mut story = Story { cache: super::Cache::new(super::Limits::default()), now: 100 };
    let mut resolver = Resolver::new(Scope::Host).with_procfs(place.clone());
    place.shows(1, 0, "/sbin/init");
    place.shows(5, 1, "/bin/login");
    place.shows(2, 0, "");
    let login = story.find(&mut resolver, 5).unwrap();
    assert_eq!((lineage(&login), login.check_lineage()), ([(1, "/sbin/init")].into(), Ok(())));
    let kernel_thread = story.find(&mut resolver, 2).unwrap();
    assert_eq!(kernel_thread.check_lineage(), Err(BrokenLineage::Incomplete));
}

#[test]
fn sixteen_ancestors_are_enough() {
    let place = Place::default();
    let mut story = Story::new();
    let mut resolver = Resolver::new(Scope::Host).with_procfs(place.clone());
    for pid in 2..100 {
        place.shows(pid, pid - 1, "/bin/sh");
    }
    let deep = story.find(&mut resolver, 50).unwrap();
    assert_eq!((deep.ancestors().count(), deep.check_lineage()), (15, Err(BrokenLineage::MissingParent)));
    assert_eq!((story.cache.counters().too_deep, story.cache.counters().from_procfs), (1, 16));
    let lost = story.find(&mut resolver, 16).unwrap();
    assert_eq!((lost.ancestors().count(), lost.check_lineage()), (15, Ok(())));
}

#[test]
fn a_flood_of_unknown_processes_is_not_looked_up() {
    let (mut story, mut resolver, place) = tree();
    for pid in 1000..2000 {
        place.shows(pid, 10, "/bin/sh");
        if story.find(&mut resolver, pid).is_none() {
            story.cache.placeholder(key(pid));
        }
    }
    assert_eq!(place.read().len(), 64);
    let counters = story.cache.counters();
    assert_eq!((counters.from_procfs, counters.limited, counters.not_found), (64, 936, 936));
    // Later there is time for them.
    story.now += 1_000_000_000;
    assert_eq!(story.find(&mut resolver, 1999).unwrap().source(), Source::Procfs);
}

#[test]
fn processes_that_are_gone_do_not_use_up_the_lookups_of_others() {
    let (mut story, mut resolver, place) = tree();
    for pid in 1000..2000 {
        assert!(story.find(&mut resolver, pid).is_none());
    }
    place.shows(11, 10, "/bin/sh");
    assert_eq!(story.find(&mut resolver, 11).unwrap().source(), Source::Procfs);
    assert_eq!((story.cache.counters().limited, story.cache.counters().not_found), (0, 1000));
    // Nor does being refused give any back.
    for pid in 2000..3000 {
        place.shows(pid, 10, "/bin/sh");
        story.find(&mut resolver, pid);
    }
    assert_eq!((story.cache.counters().limited, story.cache.counters().from_procfs), (937, 64));
}

#[test]
fn a_number_that_is_used_again_tells_nothing() {
    let (mut story, mut resolver, place) = tree();
    place.0.lock().unwrap().processes.insert(key(11), running(10, 50_000_000, "/bin/another"));
    assert!(story.find(&mut resolver, 11).is_none());
    assert_eq!(story.cache.counters().outlived, 1);
    assert!(!story.known(11));
}

#[test]
fn a_program_without_a_path_is_entered_and_counted() {
    let (mut story, mut resolver, place) = tree();
    let mut husk = running(10, 1, "");
    husk.program.file.unresolved = true;
    place.0.lock().unwrap().processes.insert(key(11), husk);
    let husk = story.find(&mut resolver, 11).unwrap();
    assert_eq!((husk.check_lineage(), husk.is_exec()), (Ok(()), false));
    assert_eq!(story.cache.counters().path_errors, 1);
}

#[test]
fn a_process_that_ends_is_not_looked_up_in_procfs() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 10, "/bin/ls");
    let at = story.tick();
    assert!(resolver.find(&mut story.cache, key(11), at, Reach::Kernel, None).is_none());
    assert!(place.read().is_empty());
}

#[test]
fn exec_flags_of_processes_that_were_looked_up() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 10, "/bin/root");
    place.shows(12, 11, "/bin/sh");
    let fork = story.find(&mut resolver, 11).unwrap();
    let exec = story.find(&mut resolver, 12).unwrap();
    assert!(!fork.is_exec() && exec.is_exec() && !exec.is_exec_exec());
    assert!(story.exec(12, "/bin/ls").is_exec_exec());
    assert!(!story.exec(11, "/bin/ls").is_exec_exec());
}

/// What procfs shows may be what an event that still waits is about to tell.
#[test]
fn an_exec_that_procfs_foresaw_is_one() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 10, "/bin/ls");
    story.find(&mut resolver, 11).unwrap();
    let at = story.tick();
    let mut told = super::program("/bin/ls");
    told.environment.truncated = true;
    let event = story.cache.exec(key(11), told, at);
    assert!(event.is_exec() && !event.is_exec_exec());
    assert_eq!((event.source(), event.executed(), lineage(&event)), (Source::Event, at, [(10, "/bin/root")].into()));
}

/// The event's own program counts, whatever procfs says by then.
#[test]
fn procfs_with_another_program() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 10, "/bin/later");
    let at = story.tick();
    let told = crate::record::Program { ppid: Pid(10), ..super::program("/bin/now") };
    resolver.find_parent(&mut story.cache, key(11), Pid(10), at);
    let process = story.cache.exec(key(11), told, at);
    assert_eq!((path(&process), process.check_lineage(), place.read()), ("/bin/now", Ok(()), Vec::new()));
}

#[test]
fn an_event_that_comes_late_finds_the_process_that_has_ended() {
    let (mut story, mut resolver, place) = tree();
    story.fork(10, 11);
    let (early, ended) = (story.now, story.exit(11).unwrap());
    place.shows(11, 10, "/bin/another");
    let mut at = |time| resolver.find(&mut story.cache, key(11), Timestamp(time), Reach::Procfs, None).unwrap();
    assert!(Arc::ptr_eq(&at(early), &ended));
    // A later one is of another process.
    assert_eq!(path(&at(early + 2)), "/bin/another");
    assert_eq!(story.cache.counters().late, 1);
}

#[test]
fn an_event_that_comes_late_is_not_of_the_process_that_has_the_number_now() {
    let (mut story, mut resolver, _) = tree();
    story.fork(10, 11);
    let early = story.now;
    let ended = story.exit(11).unwrap();
    let now = story.fork(10, 11);
    let mut at = |time| resolver.find(&mut story.cache, key(11), Timestamp(time), Reach::Procfs, None).unwrap();
    assert!(Arc::ptr_eq(&at(early), &ended));
    assert!(Arc::ptr_eq(&at(early + 2), &now));
}

#[test]
fn those_who_ended_are_forgotten_by_number_and_by_time() {
    let (mut story, mut resolver, _) = tree();
    let end = |story: &mut Story, pid| {
        story.fork(10, pid);
        story.exit(pid).unwrap();
        Timestamp(story.now)
    };
    let times: Vec<_> = (1000..1257).map(|pid| end(&mut story, pid)).collect();
    let find = |story: &mut Story, resolver: &mut Resolver, pid, at| {
        resolver.find(&mut story.cache, key(pid), at, Reach::Kernel, None).is_some()
    };
    assert!(!find(&mut story, &mut resolver, 1000, times[0]) && find(&mut story, &mut resolver, 1001, times[1]));
    story.now += 60_000_000_001;
    end(&mut story, 2000);
    assert!(!find(&mut story, &mut resolver, 1256, times[256]));
}
