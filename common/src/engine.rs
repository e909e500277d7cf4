//! One observation's way: decode, process cache, dispatch, and what has to happen after it.
//!
//! The order is fixed, whatever the backend. Fork and exec enter the cache before the event's process
//! is looked up. Exit and changes of credentials take effect after the event was dispatched, so that a
//! rule sees the credentials under which the call was made. Nothing that failed changes anything.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::accounts::{self, Naming};
use crate::decode;
use crate::event::{Blind, Event, EventType, Exec, Exit, Fork, Origin, Payload, Quality};
use crate::hashes;
use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use crate::process::{Cache, Credentials, Limits, Mark, Process, Reach, Resolver, Sweep};
use crate::record::{Observation, Record, Sighting, Task};
use crate::schema::Short;

/// Turns observations into events and keeps the process cache right.
#[derive(Debug)]
pub struct Engine {
    processes: Cache,
    resolver: Option<Resolver>,
    accounts: Option<Box<dyn accounts::Lookup>>,
    hashes: Option<Box<dyn hashes::Lookup>>,
    wanted: EventSet,
    seen: u64,
}

/// What has to happen once an event has been dispatched.
#[derive(Debug)]
enum After {
    Nothing,
    Remove(ProcessKey),
    Credentials(ProcessKey, Box<Credentials>),
    Comm(ProcessKey, Short),
}

/// A set of event types.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventSet(u64);

impl EventSet {
    /// Every type.
    pub const ALL: Self = Self(u64::MAX);
    /// No type.
    pub const NONE: Self = Self(0);

    /// The set with this type too.
    #[must_use]
    pub const fn with(self, event: EventType) -> Self {
        Self(self.0 | 1 << event as u8)
    }

    /// The set without this type.
    #[must_use]
    pub const fn without(self, event: EventType) -> Self {
        Self(self.0 & !(1 << event as u8))
    }

    /// The types that are in this and not in the other.
    #[must_use]
    pub const fn except(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// What is in either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the type is in it.
    #[must_use]
    pub const fn contains(self, event: EventType) -> bool {
        self.0 & (1 << event as u8) != 0
    }

    /// The types that are in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The set as a number, to be kept where a set cannot be.
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The set of a number that [`Self::bits`] gave.
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }
}

impl FromIterator<EventType> for EventSet {
    fn from_iter<I: IntoIterator<Item = EventType>>(events: I) -> Self {
        events.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Engine {
    /// An engine that dispatches events of these types.
    #[must_use]
    pub fn new(limits: Limits, wanted: EventSet) -> Self {
        Self { processes: Cache::new(limits), resolver: None, accounts: None, hashes: None, wanted, seen: 0 }
    }

    /// Looks processes up from now on that are not known, for a backend that may lose sight of some.
    pub fn resolve_with(&mut self, resolver: Resolver) {
        self.resolver = Some(resolver);
    }

    /// Names users and groups from now on.
    pub fn name_with(&mut self, accounts: impl accounts::Lookup + 'static) {
        self.accounts = Some(Box::new(accounts));
    }

    /// Hashes the programs that processes run from now on.
    pub fn hash_with(&mut self, hashes: impl hashes::Lookup + 'static) {
        self.hashes = Some(Box::new(hashes));
    }

    /// The process cache.
    #[must_use]
    pub fn processes(&self) -> &Cache {
        &self.processes
    }

    /// Dispatches events of these types from now on.
    pub fn want(&mut self, wanted: EventSet) {
        self.wanted = wanted;
    }

    /// Hands to `each` every process that runs a program, as if it began to now: an `exec` marked as a snapshot. Those
    /// that were started first come first. `origin` says who observes the processes of a namespace, `None` that they
    /// are to be left out.
    pub fn replay(&self, now: Timestamp, origin: impl Fn(ProcessKey) -> Option<Origin>, mut each: impl FnMut(&Event)) {
        let runs = |process: &&Arc<Process>| !process.exited().is_known() && !process.image().file.path.is_empty();
        let mut processes: Vec<_> = self.processes.iter().filter(runs).collect();
        processes.sort_by_key(|process| process.executed());
        for process in processes {
            let Some(origin) = origin(process.key()) else { continue };
            let exec = Exec { process: Arc::clone(process), refused: None, path: None, retval: 0 };
            each(&Event {
                timestamp: now,
                origin,
                quality: Quality::SNAPSHOT,
                tid: Tid(process.key().pid.0),
                process: Arc::clone(process),
                syscall: None,
                payload: exec.into(),
            });
        }
    }

    /// Forgets a process whose end nobody will tell of.
    pub fn forget(&mut self, key: ProcessKey) {
        self.processes.forget(key);
    }

    /// Goes on with a round through processes, in search of those whose exit nobody told of.
    pub fn sweep(&mut self, sweep: &mut Sweep, most: usize, runs: impl FnMut(ProcessKey, Option<Mark>) -> bool) {
        sweep.go_on(&mut self.processes, most, runs);
    }

    /// Forgets the processes of a pid namespace of which nobody will tell any more.
    pub fn forget_namespace(&mut self, namespace: PidNs) {
        self.processes.forget_namespace(namespace);
    }

    /// Observations so far.
    #[must_use]
    pub fn seen(&self) -> u64 {
        self.seen
    }

    /// Takes one observation, which must come in the order in which things happened, and hands the
    /// event that it makes, if it is wanted, to `dispatch`.
    pub fn observe(&mut self, observation: Observation, dispatch: impl FnOnce(&Event)) {
        self.seen += 1;
        let Observation { timestamp, origin, task, what } = observation;
        let key = key_of(task, task.pid);
        let mut quality = Quality::default();
        let mut after = After::Nothing;
        let mut reach = Reach::Procfs;
        let mut actor = None;
        let syscall = match &what {
            Sighting::Call(record) | Sighting::Exec(record) => Some(record.row),
            _ => None,
        };
        let payload: Payload = match what {
            Sighting::Running(mut running) => {
                running.program.name_by(self.naming_of(key, timestamp));
                if let Some(hashes) = self.hashes.as_deref_mut() {
                    running.program.hash_by(|file| hashes.running(key, file));
                }
                self.processes.running(key, *running).learn(task.mark);
                return;
            }
            Sighting::Fork { child } => {
                let parent = self.find(key, timestamp, Reach::Procfs, task.mark);
                let naming = parent.as_ref().map(|parent| self.current(parent.naming(), timestamp));
                let child = self.processes.fork_below(parent, key, key_of(task, child), timestamp, naming);
                child.inherit(task.mark);
                Fork { child }.into()
            }
            Sighting::Exit { cause, code } => {
                reach = Reach::Kernel;
                if task.mark.is_some() {
                    actor = self.find(key, timestamp, reach, task.mark);
                }
                self.processes.exit(key, timestamp);
                after = After::Remove(key);
                Exit { cause, code }.into()
            }
            Sighting::Exec(mut record) => {
                quality = decode::quality(&record);
                self.exec(key, task.mark, &mut record, timestamp).into()
            }
            Sighting::Call(mut record) => {
                let Some(event) = record.row.event_for(&record.args) else { return };
                quality = decode::quality(&record);
                let mut naming = Naming::default();
                if self.accounts.is_some() && self.wanted.contains(event) {
                    let process = self.find_or_stand_in(key, timestamp, reach, task.mark);
                    naming = self.current(process.naming(), timestamp);
                    record.files.iter_mut().flatten().for_each(|file| file.name_by(&naming));
                    actor = Some(process);
                }
                let mut payload = decode::decode(&mut record, event, task, &self.processes);
                payload.name_by(naming);
                after = consequence(&payload, &record, task, key);
                payload
            }
            // Not one thing that happened, but many: see Self::actor.
            Sighting::Calls(_) => return,
            Sighting::Blind { cause, refused } => Blind { cause, refused, retval: 0 }.into(),
        };
        let wanted = self.wanted.contains(payload.event_type());
        if wanted || matches!(after, After::Credentials(..) | After::Comm(..)) {
            let process = actor.unwrap_or_else(|| self.find_or_stand_in(key, timestamp, reach, task.mark));
            if wanted {
                quality.set(Quality::BROKEN_LINEAGE, self.processes.check_lineage(&process).is_err());
                dispatch(&Event { timestamp, origin, quality, tid: task.tid, process, syscall, payload });
            }
        }
        match after {
            After::Nothing => {}
            After::Remove(key) => {
                self.processes.remove(key);
            }
            After::Credentials(key, credentials) => self.processes.set_credentials(key, &credentials),
            After::Comm(key, comm) => self.processes.set_comm(key, comm),
        }
    }

    /// The process that an observation is about, if it is known or can be found. For [`Sighting::Calls`], which makes no
    /// event.
    pub fn actor(&mut self, task: Task, at: Timestamp) -> Option<Arc<Process>> {
        self.find(key_of(task, task.pid), at, Reach::Procfs, task.mark)
    }

    /// The process, if it is known or can be found.
    fn find(&mut self, key: ProcessKey, at: Timestamp, reach: Reach, mark: Option<Mark>) -> Option<Arc<Process>> {
        match &mut self.resolver {
            Some(resolver) => resolver.find(&mut self.processes, key, at, reach, mark),
            None => self.processes.find(key),
        }
    }

    /// The process, or an entry in its place: what is learned of one that was not known has to be kept somewhere.
    fn find_or_stand_in(&mut self, key: ProcessKey, at: Timestamp, reach: Reach, mark: Option<Mark>) -> Arc<Process> {
        self.find(key, at, reach, mark).unwrap_or_else(|| self.processes.placeholder(key))
    }

    /// By which a process has its names that has just been told of, or has a new program. One that is gone
    /// already has those that it had, or its parent.
    fn naming_of(&mut self, key: ProcessKey, at: Timestamp) -> Naming {
        let Some(accounts) = self.accounts.as_deref_mut() else { return Naming::default() };
        match accounts.of(key, at) {
            Some(found) => Naming::by(found),
            None => self.processes.get(key).cloned().map(|known| self.current(known.naming(), at)).unwrap_or_default(),
        }
    }

    /// What has become of the accounts.
    fn current(&mut self, naming: &Naming, at: Timestamp) -> Naming {
        match (&mut self.accounts, naming.accounts()) {
            (Some(lookup), Some(known)) => Naming::by(lookup.current(known, at)),
            _ => naming.clone(),
        }
    }

    fn exec(&mut self, key: ProcessKey, mark: Option<Mark>, record: &mut Record, at: Timestamp) -> Exec {
        let path = record.texts.pop().map(|(_, text)| text);
        match record.program.take() {
            Some(mut program) if record.succeeded() => {
                program.name_by(self.naming_of(key, at));
                if let Some(hashes) = self.hashes.as_deref_mut() {
                    program.hash_by(|file| hashes.started(key, file, at));
                }
                if let Some(resolver) = &mut self.resolver {
                    if let Some(mark) = mark {
                        resolver.before_exec(&mut self.processes, key, mark, at);
                    }
                    resolver.find_parent(&mut self.processes, key, program.ppid, at);
                }
                let process = self.processes.exec(key, *program, at);
                process.runs(mark);
                Exec { process, refused: None, path, retval: 0 }
            }
            _ => {
                let process = self.find_or_stand_in(key, at, Reach::Procfs, mark);
                let mut refused = record.files[0].take().unwrap_or_default();
                refused.name_by(&self.current(process.naming(), at));
                Exec { process, refused: Some(refused), path, retval: record.result }
            }
        }
    }
}

fn key_of(task: Task, pid: Pid) -> ProcessKey {
    ProcessKey { pid, namespace: task.namespace }
}

/// Only the first thread's credentials and name are the process's.
fn consequence(payload: &Payload, record: &Record, task: Task, key: ProcessKey) -> After {
    if !record.succeeded() || !task.is_leader() {
        return After::Nothing;
    }
    match payload {
        Payload::Prctl(prctl) => prctl.new_name.map_or(After::Nothing, |comm| After::Comm(key, comm)),
        _ => record.credentials.map_or(After::Nothing, |now| After::Credentials(key, Box::new(now))),
    }
}

#[cfg(test)]
mod tests;
