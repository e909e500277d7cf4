//! Forks and execs that nobody told of, noticed by marks.

use alloc::sync::Arc;

use super::resolve::{Place, tree};
use super::{Story, key, lineage, path};
use crate::ids::Timestamp;
use crate::process::{Mark, Process, Reach, Resolver, Scope, Source};

/// Of a process that began then, with so many programs run.
const fn mark(began: u32, programs: u16) -> Mark {
    Mark { began, programs }
}

impl Story {
    fn find_marked(&mut self, resolver: &mut Resolver, pid: i32, mark: Mark) -> Option<Arc<Process>> {
        let at = self.tick();
        resolver.find(&mut self.cache, key(pid), at, Reach::Procfs, Some(mark))
    }

    /// A fork whose observation has a mark.
    fn fork_marked(&mut self, parent: i32, child: i32, of_parent: Mark) -> Arc<Process> {
        let process = self.fork(parent, child);
        process.inherit(Some(of_parent));
        process
    }
}

/// The reference's "lost exec", but that what is not known is looked up instead of given up.
#[test]
fn a_lost_exec() {
    let (mut story, mut resolver, place) = tree();
    let forked = story.fork_marked(10, 11, mark(1, 5));
    place.shows(11, 10, "/bin/ls");
    let lost = story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap();
    assert_eq!((lost.source(), path(&lost)), (Source::Procfs, "/bin/ls"));
    assert_eq!(lineage(&lost), [(11, "/bin/root"), (10, "/bin/root")]);
    assert!(lost.is_exec() && !lost.is_exec_exec() && lost.check_lineage().is_ok() && forked.exited().is_known());
    // From then on it is known.
    assert!(Arc::ptr_eq(&lost, &story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap()));
    assert_eq!((story.cache.counters().lost_execs, story.cache.counters().from_procfs), (1, 1));
    assert_eq!(place.read(), [11]);
}

#[test]
fn a_lost_exec_of_a_process_that_is_gone() {
    let (mut story, mut resolver, place) = tree();
    story.fork_marked(10, 11, mark(1, 5)).set_comm(crate::schema::Short::new(b"named"));
    let lost = story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap();
    assert!(lost.image().file.unresolved && path(&lost).is_empty(), "the old program would be a lie");
    assert_eq!((lost.comm().as_bytes(), lost.check_lineage()), (&b"named"[..], Ok(())));
    assert_eq!((story.cache.counters().lost_execs, story.cache.counters().not_found), (1, 1));
    // It may be found after all.
    place.shows(11, 10, "/bin/ls");
    story.now += 30_000_000_000;
    let found = story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap();
    assert_eq!((path(&found), found.is_exec_exec()), ("/bin/ls", false));
    assert_eq!(lineage(&found), [(11, "/bin/root"), (10, "/bin/root")]);
    assert_eq!((story.cache.counters().lost_execs, story.cache.counters().reused_pids), (1, 0));
}

/// Procfs shows what a process runs by then. An event of it from before that does not make it the program before.
#[test]
fn a_program_that_procfs_showed_before_the_event() {
    let (mut story, mut resolver, place) = tree();
    place.shows(11, 10, "/bin/ls");
    let before = story.find_marked(&mut resolver, 11, mark(9, 5)).unwrap();
    let after = story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap();
    assert!(Arc::ptr_eq(&before, &after) && path(&after) == "/bin/ls");
    assert_eq!((story.cache.counters().lost_execs, place.read().len()), (0, 2));
    assert!(Arc::ptr_eq(&after, &story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap()));
    // The next one is another program.
    place.shows(11, 10, "/bin/cat");
    assert_eq!(path(&story.find_marked(&mut resolver, 11, mark(9, 7)).unwrap()), "/bin/cat");
    assert_eq!(story.cache.counters().lost_execs, 1);
}

/// What the kernel keeps is known of processes that are gone, too. It lacks arguments.
#[test]
fn a_lost_exec_that_the_kernel_kept() {
    let (kernel, procfs) = (Place::default(), Place::default());
    let mut story = Story::new();
    let mut resolver = Resolver::new(Scope::Host).with_kernel(kernel.clone()).with_procfs(procfs.clone());
    story.fork_marked(1, 10, mark(1, 5));
    story.fork_marked(1, 11, mark(1, 5));
    kernel.shows(10, 1, "/bin/ls");
    kernel.shows(11, 1, "/bin/ls");
    procfs.shows_with_arguments(11, 1, "/bin/ls", &["ls", "-l"]);
    let gone = story.find_marked(&mut resolver, 10, mark(9, 6)).unwrap();
    assert_eq!((gone.source(), path(&gone)), (Source::Kernel, "/bin/ls"));
    assert!(gone.image().arguments.first().is_empty());
    let alive = story.find_marked(&mut resolver, 11, mark(9, 6)).unwrap();
    assert_eq!((alive.source(), alive.image().arguments.first()), (Source::Kernel, &b"ls"[..]));
    let counters = story.cache.counters();
    assert_eq!((counters.lost_execs, counters.from_kernel, counters.from_procfs), (2, 2, 0));
}

/// An exec that is told of, while the one before it was not: the step between is kept apart.
#[test]
fn an_exec_after_a_lost_one() {
    let (mut story, mut resolver, place) = tree();
    story.fork_marked(10, 11, mark(1, 5));
    place.shows(11, 10, "/bin/later");
    let at = story.tick();
    resolver.before_exec(&mut story.cache, key(11), mark(9, 7), at);
    let process = story.exec(11, "/bin/now");
    process.runs(Some(mark(9, 7)));
    assert_eq!(lineage(&process), [(11, ""), (11, "/bin/root"), (10, "/bin/root")]);
    assert!(process.is_exec_exec() && process.check_lineage().is_ok());
    assert_eq!((place.read(), story.cache.counters().lost_execs), ([].into(), 1));
    // Where none was lost, nothing is between.
    let at = story.tick();
    resolver.before_exec(&mut story.cache, key(11), mark(9, 8), at);
    assert_eq!(story.exec(11, "/bin/next").ancestor().map(|above| path(above)), Some("/bin/now"));
    assert_eq!(story.cache.counters().lost_execs, 1);
}

/// Exit and fork were lost, and the number is another process's.
#[test]
fn a_number_that_came_back_unnoticed() {
    let (mut story, mut resolver, place) = tree();
    let old = story.fork_marked(10, 11, mark(1, 5));
    let child = story.fork(11, 12);
    assert!(Arc::ptr_eq(&old, &story.find_marked(&mut resolver, 11, mark(9, 5)).unwrap()));
    place.shows(11, 10, "/bin/other");
    let new = story.find_marked(&mut resolver, 11, mark(20, 6)).unwrap();
    assert_eq!((path(&new), lineage(&new)), ("/bin/other", [(10, "/bin/root")].into()));
    assert!(old.exited().is_known() && child.parent().is_some_and(|parent| core::ptr::eq(parent, &*old)));
    assert_eq!((story.cache.counters().reused_pids, story.cache.counters().lost_execs), (1, 0));
    // One that nobody knows gets an entry of its own, not the old one's.
    let nobody = story.find_marked(&mut resolver, 11, mark(40, 6));
    assert!(nobody.is_none_or(|process| path(&process) != "/bin/other"));
}

#[test]
fn what_comes_late_changes_nothing() {
    let (mut story, mut resolver, _) = tree();
    story.fork_marked(10, 11, mark(1, 5));
    let process = story.exec(11, "/bin/ls");
    process.runs(Some(mark(9, 6)));
    for late in [mark(9, 5), mark(8, 6), mark(0, 6)] {
        assert!(Arc::ptr_eq(&process, &story.find_marked(&mut resolver, 11, late).unwrap()), "{late:?}");
    }
    assert_eq!((story.cache.counters().lost_execs, story.cache.counters().reused_pids), (0, 0));
}

/// A process that ends may have run a program that nobody told of. `/proc` is not asked.
#[test]
fn a_lost_exec_that_only_the_exit_shows() {
    let kernel = Place::default();
    let mut story = Story::new();
    let mut resolver = Resolver::new(Scope::Host).with_kernel(kernel.clone()).with_procfs(Place::default());
    story.fork_marked(1, 10, mark(1, 5));
    kernel.shows(10, 1, "/bin/ls");
    let at = Timestamp(story.now + 1);
    let process = resolver.find(&mut story.cache, key(10), at, Reach::Kernel, Some(mark(9, 6))).unwrap();
    assert_eq!(path(&process), "/bin/ls");
}
