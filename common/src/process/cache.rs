//! Which processes there are, followed from fork to exit.
//!
//! The cache is a function of what it is told: it looks nothing up (a [`Resolver`](super::Resolver) does, where
//! there is one), so an event finds the same processes whoever observed it. What it was not told it says
//! (`parent_missing`, placeholders) instead of guessing. Everything in it is bounded, and what a bound takes away is counted.

mod containers;
mod departed;
mod environments;
mod reparent;
mod repeat;
mod room;
mod told;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use containers::Containers;
use departed::Departed;
use environments::Environments;
use hashbrown::HashMap;
use repeat::{foresaw, repeats};

use super::credentials::Live;
use super::lineage::Shortener;
use super::version::Version;
use super::{ArgumentLimits, BrokenLineage, Counters, Credentials, Image, Keep, Process, Source, mark};
use crate::accounts::Naming;
use crate::ids::{Pid, PidNs, ProcessKey, Timestamp};
use crate::record::{Program, Running};
use crate::schema::Short;

/// The longest lineage that may be asked for: links are released one inside the other, on the stack.
const LONGEST_LINEAGE: u16 = 1024;

/// How much the cache keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many processes; at least one.
    pub processes: usize,
    /// How many ancestors of a process are kept at least; there may be twice as many. From 1 to 1024.
    pub lineage: u16,
    /// What is kept of arguments.
    pub arguments: ArgumentLimits,
    /// The environment variables whose values are kept.
    pub keep: Keep,
}

impl Default for Limits {
    fn default() -> Self {
        Self { processes: 65_536, lineage: 128, arguments: ArgumentLimits::default(), keep: Keep::default() }
    }
}

/// The processes that are known.
#[derive(Debug)]
pub struct Cache {
    limits: Limits,
    pub(super) processes: HashMap<ProcessKey, Arc<Process>>,
    pub(super) departed: Departed,
    shortener: Shortener,
    environments: Environments,
    containers: Containers,
    pub(super) counters: Counters,
}

impl Cache {
    /// A cache that knows nothing yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let keep = limits.lineage.clamp(1, LONGEST_LINEAGE);
        Self {
            limits,
            processes: HashMap::new(),
            departed: Departed::new(),
            shortener: Shortener::new(keep.into()),
            environments: Environments::default(),
            containers: Containers::new(),
            counters: Counters::default(),
        }
    }

    /// How much it keeps.
    #[must_use]
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What it did so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// A process made another, which runs the same program until it runs one of its own.
    pub fn fork(&mut self, parent: ProcessKey, child: ProcessKey, at: Timestamp) -> Arc<Process> {
        let found = self.find(parent);
        self.fork_below(found, parent, child, at, None)
    }

    /// As [`Self::fork`], where the parent was looked up already.
    #[inline]
    pub(crate) fn fork_below(
        &mut self,
        found: Option<Arc<Process>>,
        parent: ProcessKey,
        child: ProcessKey,
        at: Timestamp,
        naming: Option<Naming>,
    ) -> Arc<Process> {
        self.counters.forks += 1;
        self.displace(child, at);
        let mut process =
            Process { ppid: parent.pid, forked: at, naming: naming.unwrap_or_default(), ..blank(child, Source::Event) };
        match found.filter(|_| parent != child) {
            Some(parent) => {
                process.image = Arc::clone(&parent.image);
                process.cgroup = parent.cgroup.clone();
                process.container_since = parent.container_since.clone();
                process.tty = parent.tty;
                process.credentials = Live::new(&parent.credentials());
                process.executed = AtomicU64::new(parent.executed().0);
                process.set_comm(parent.comm());
                process.link(self.above(parent));
            }
            None => process.parent_missing = child.pid.0 != 1,
        }
        self.insert(process)
    }

    /// A process runs a new program. Starting the one that runs already makes no new entry: else a
    /// program that executes itself in a loop would push its own origin out of its lineage.
    ///
    /// The parent that comes with the program is the kernel's word: if it is another than before, and
    /// known, it is the parent from now on.
    pub fn exec(&mut self, key: ProcessKey, program: Program, at: Timestamp) -> Arc<Process> {
        self.exec_told_by(Source::Event, key, program, at)
    }

    /// As [`Self::exec`], by whoever was asked.
    pub(super) fn exec_told_by(
        &mut self,
        source: Source,
        key: ProcessKey,
        program: Program,
        at: Timestamp,
    ) -> Arc<Process> {
        let ppid = program.ppid;
        let previous = self.find(key).map(|previous| self.follow(previous, ppid));
        let mut process = self.with_program(key, source, program);
        if let Some(previous) = previous.as_ref().filter(|previous| repeats(previous, &process)) {
            self.counters.repeated_execs += 1;
            previous.executed.store(at.0, Relaxed);
            previous.set_comm(process.comm());
            return Arc::clone(previous);
        }
        self.counters.execs += 1;
        process.is_exec = true;
        process.executed = AtomicU64::new(at.0);
        match previous {
            Some(previous) => {
                previous.exited.store(at.0, Relaxed);
                process.ppid = previous.ppid;
                process.forked = previous.forked;
                process.cgroup = process.cgroup.or_else(|| previous.cgroup.clone());
                process.share_image_of(&previous);
                if foresaw(&previous, &process) {
                    process.parent_missing = previous.parent_missing;
                    process.link(previous.ancestor.clone());
                } else {
                    process.is_exec_exec = previous.is_exec;
                    process.link(self.above(previous));
                }
            }
            None => self.link_to_parent(&mut process, ppid),
        }
        self.insert(process)
    }

    /// A process ran already when observation began. Parents are to be told of before their children.
    ///
    /// An entry that is there stays, unless the process is one that started after everything known of
    /// the entry: events are more exact than a snapshot, and pids come back. A process that runs what
    /// its parent runs counts as forked; any other counts as having run its program from its start,
    /// since nothing tells when it did.
    pub fn running(&mut self, key: ProcessKey, running: Running) -> Arc<Process> {
        self.told(key, running, Source::Snapshot)
    }

    /// A process ended. Its entry stays until it is removed, for the event that tells of it.
    pub fn exit(&mut self, key: ProcessKey, at: Timestamp) -> Option<Arc<Process>> {
        let process = self.find(key)?;
        self.counters.exits += 1;
        process.exited.store(at.0, Relaxed);
        Some(process)
    }

    /// Drops the entry of a process that ended; its descendants keep it as their ancestor.
    pub fn remove(&mut self, key: ProcessKey) -> Option<Arc<Process>> {
        let process = self.processes.remove(&key)?;
        if process.exited().is_known() {
            self.departed.add(Arc::clone(&process));
        }
        Some(process)
    }

    /// The process, if it is known.
    #[must_use]
    pub fn get(&self, key: ProcessKey) -> Option<&Arc<Process>> {
        self.processes.get(&key)
    }

    /// The process that a call acts on: one that has just ended may have been killed by it.
    #[must_use]
    pub fn target(&self, key: ProcessKey) -> Option<&Arc<Process>> {
        self.get(key).or_else(|| self.departed.last(key))
    }

    /// The process that an event names. One that is not known gets an entry of its own, so that
    /// everything that follows about it is about the same process.
    pub fn resolve(&mut self, key: ProcessKey) -> Arc<Process> {
        if let Some(process) = self.find(key) {
            return process;
        }
        self.placeholder(key)
    }

    /// An entry for a process that is not known.
    pub(crate) fn placeholder(&mut self, key: ProcessKey) -> Arc<Process> {
        self.counters.placeholders += 1;
        self.insert(Process { parent_missing: key.pid.0 != 1, ..blank(key, Source::Placeholder) })
    }

    /// Changes the credentials of a process, for everyone who holds it. Earlier programs of the process
    /// and other processes keep theirs.
    pub fn set_credentials(&self, key: ProcessKey, credentials: &Credentials) {
        if let Some(process) = self.processes.get(&key) {
            process.set_credentials(credentials);
        }
    }

    /// Changes the command name of a process, for everyone who holds it.
    pub fn set_comm(&self, key: ProcessKey, comm: Short) {
        if let Some(process) = self.processes.get(&key) {
            process.set_comm(comm);
        }
    }

    /// Drops the processes of a pid namespace that is gone, and tells how many there were.
    pub fn forget_namespace(&mut self, namespace: PidNs) -> usize {
        let before = self.processes.len();
        self.processes.retain(|key, _| key.namespace != namespace);
        let forgotten = before - self.processes.len();
        self.counters.forgotten += forgotten as u64;
        forgotten
    }

    /// Drops a process whose end nobody will tell of.
    pub fn forget(&mut self, key: ProcessKey) {
        self.counters.forgotten += u64::from(self.processes.remove(&key).is_some());
    }

    /// As [`Process::check_lineage`], counting what it finds.
    ///
    /// # Errors
    ///
    /// The first fault on the way up.
    pub fn check_lineage(&mut self, process: &Process) -> Result<(), BrokenLineage> {
        let checked = process.check_lineage();
        match checked {
            Ok(()) => {}
            Err(BrokenLineage::MissingParent) => self.counters.missing_parents += 1,
            Err(BrokenLineage::WrongParent) => self.counters.wrong_parents += 1,
            Err(BrokenLineage::Incomplete) => self.counters.incomplete_lineages += 1,
        }
        checked
    }

    /// How many processes are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.processes.len()
    }

    /// Whether none is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.processes.is_empty()
    }

    /// The processes, ordered by what they are known by.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Process>> {
        let mut processes: Vec<_> = self.processes.values().collect();
        processes.sort_unstable_by_key(|process| process.key);
        processes.into_iter()
    }

    /// The processes, in no order.
    pub(super) fn unordered(&self) -> impl ExactSizeIterator<Item = &Arc<Process>> {
        self.processes.values()
    }

    /// The process, if there is an entry of it.
    #[inline]
    pub(crate) fn find(&mut self, key: ProcessKey) -> Option<Arc<Process>> {
        let found = self.processes.get(&key).cloned();
        match found {
            Some(_) => self.counters.hits += 1,
            None => self.counters.misses += 1,
        }
        found
    }

    /// Ends the process that has a new one's pid.
    pub(super) fn displace(&mut self, key: ProcessKey, at: Timestamp) {
        let Some(old) = self.processes.remove(&key) else { return };
        if !old.exited().is_known() {
            old.exited.store(at.0, Relaxed);
        }
        // A placeholder stood for the very process that is now told of.
        if old.source != Source::Placeholder {
            self.counters.reused_pids += 1;
        }
    }

    /// `nearest` as the ancestor of a new entry: with fewer ancestors if it has too many.
    fn above(&mut self, nearest: Arc<Process>) -> Option<Arc<Process>> {
        if !self.shortener.is_due(&nearest) {
            return Some(nearest);
        }
        self.counters.shortened_lineages += 1;
        self.shortener.shorten(&nearest, |original, copy| {
            // What follows is about the copy, and the original can go.
            if let Some(entry) = self.processes.get_mut(&original.key).filter(|entry| Arc::ptr_eq(entry, original)) {
                *entry = Arc::clone(copy);
            }
        })
    }

    fn with_program(&mut self, key: ProcessKey, source: Source, program: Program) -> Process {
        let Program {
            file,
            interpreter,
            arguments,
            environment,
            comm,
            tty,
            credentials,
            cgroup,
            ppid: _,
            naming,
            hashing,
        } = program;
        self.counters.arguments_truncated += u64::from(arguments.truncated);
        self.counters.environments_truncated += u64::from(environment.truncated);
        let environment = self.environments.share(environment);
        let process = Process {
            image: Arc::new(Image { file, interpreter, arguments, environment, hashing }),
            cgroup,
            tty,
            credentials: Live::new(&credentials),
            naming,
            ..blank(key, source)
        };
        process.set_comm(comm);
        process
    }

    fn insert(&mut self, mut process: Process) -> Arc<Process> {
        process.lineage = process.judge();
        if process.container_since.is_none() {
            process.container_since = self.containers.since(&process);
        }
        let process = Arc::new(process);
        if self.processes.len() >= self.limits.processes.max(1) && !self.processes.contains_key(&process.key) {
            self.make_room();
        }
        self.processes.insert(process.key, Arc::clone(&process));
        process
    }
}

impl Process {
    /// Holds the image of `other` instead of its own if they are the same, and tells whether.
    fn share_image_of(&mut self, other: &Self) -> bool {
        let same = self.image == other.image;
        if same {
            self.image = Arc::clone(&other.image);
        }
        same
    }
}

/// An entry of which only the key is known.
fn blank(key: ProcessKey, source: Source) -> Process {
    Process {
        key,
        ppid: Pid(0),
        source,
        image: Arc::default(),
        cgroup: None,
        container_since: None,
        tty: Short::default(),
        credentials: Live::default(),
        naming: Naming::default(),
        comm: Default::default(),
        forked: Timestamp(0),
        executed: AtomicU64::new(0),
        exited: AtomicU64::new(0),
        is_exec: false,
        is_exec_exec: false,
        parent_missing: false,
        ancestor: None,
        depth: 0,
        lineage: Ok(()),
        mark: mark::Cell::default(),
        asked: AtomicBool::new(false),
        version: Version::default(),
    }
}
