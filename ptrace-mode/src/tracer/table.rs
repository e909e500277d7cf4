//! The threads that are traced, by tid.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use lapwing_common::record::Record;
use lapwing_common::syscall::{Arch, CallSet};
use smallvec::SmallVec;

use super::Resume;
use crate::filters::Hold;

/// One traced thread.
#[derive(Debug)]
pub(crate) struct Tracee {
    /// Its process.
    pub(crate) pid: i32,
    /// The system call it is in, when its result is of interest.
    pub(crate) call: Option<Box<Record>>,
    /// The call is followed for the sake of discarders, and makes no observation.
    pub(crate) muted: bool,
    /// The flags of the `clone` that it is in, as far as that was looked at.
    pub(crate) clone_flags: u64,
    /// Held by every thread that has the same memory.
    pub(crate) memory: Rc<()>,
    /// What the next stop is for, if it was asked to stop.
    pub(crate) asked: Asked,
    /// It is on its way through a call whose exit is awaited, and has been answered: what it waits for now is the call.
    pub(crate) answered: bool,
    /// It has been said that the call is reported: there is no need to ask again.
    pub(crate) settled: bool,
    /// It is in a call that gives many files other names: until that is over, no discarders are taken.
    pub(crate) hold: Option<Hold>,
    /// Its next call is not interrupted on its way: the last one did not bear it.
    pub(crate) careful: bool,
}

/// Why a thread that waited for an answer was asked to stop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Asked {
    /// It was not.
    #[default]
    No,
    /// To tell the result of the call.
    ForResult,
    /// To make the call again, with a stop before and after it.
    ForEntry,
}

impl Tracee {
    pub(crate) fn new(pid: i32) -> Self {
        Self {
            pid,
            call: None,
            muted: false,
            clone_flags: 0,
            memory: Rc::default(),
            asked: Asked::No,
            answered: false,
            settled: false,
            hold: None,
            careful: false,
        }
    }

    /// A new thread or process that has the memory of this one.
    pub(crate) fn sharing(&self, pid: i32) -> Self {
        Self { memory: Rc::clone(&self.memory), ..Self::new(pid) }
    }

    /// Whether another thread could change what this one has passed to a call.
    pub(crate) fn shares_memory(&self) -> bool {
        Rc::strong_count(&self.memory) > 1
    }
}

/// All of them, and those whose first stop came before their parent's fork event.
#[derive(Debug, Default)]
pub(crate) struct Table {
    tracees: HashMap<i32, Tracee>,
    early: Vec<(i32, Resume)>,
    /// Processes that were seen to use an interface without a table.
    foreign: HashSet<i32>,
    /// The calls that processes have made since their programs began, where somebody asks for them.
    made: HashMap<i32, SmallVec<[Box<CallSet>; 1]>>,
}

impl Table {
    pub(crate) fn get(&self, tid: i32) -> Option<&Tracee> {
        self.tracees.get(&tid)
    }

    pub(crate) fn get_mut(&mut self, tid: i32) -> Option<&mut Tracee> {
        self.tracees.get_mut(&tid)
    }

    pub(crate) fn insert(&mut self, tid: i32, tracee: Tracee) {
        // A tid that is still here belongs to a thread whose end was not seen; its successor counts.
        self.tracees.insert(tid, tracee);
    }

    pub(crate) fn remove(&mut self, tid: i32) -> Option<Tracee> {
        self.early.retain(|(early, _)| *early != tid);
        self.tracees.remove(&tid)
    }

    /// Whether the thread is in a call whose exit is awaited.
    pub(crate) fn in_call(&self, tid: i32) -> bool {
        self.get(tid).is_some_and(|tracee| tracee.call.is_some())
    }

    /// Keeps in mind that an unknown thread is stopped, how it is to go on, and that it waits for its
    /// parent's fork event.
    pub(crate) fn hold(&mut self, tid: i32, then: Resume) {
        self.early.retain(|(early, _)| *early != tid);
        self.early.push((tid, then));
    }

    /// How a thread that was held goes on; it is no longer held.
    pub(crate) fn release(&mut self, tid: i32) -> Option<Resume> {
        let at = self.early.iter().position(|(early, _)| *early == tid)?;
        Some(self.early.swap_remove(at).1)
    }

    /// After an exec only the leader is left of a process, whatever thread called.
    pub(crate) fn keep_only_leader(&mut self, pid: i32) {
        self.tracees.retain(|tid, tracee| tracee.pid != pid || *tid == pid);
    }

    /// Whether this is the first call of the process by an interface without a table.
    pub(crate) fn first_foreign(&mut self, pid: i32) -> bool {
        self.foreign.insert(pid)
    }

    /// Whether the program of the process has not made this call before.
    pub(crate) fn makes_first(&mut self, pid: i32, arch: Arch, number: u32) -> bool {
        let made = self.made.entry(pid).or_default();
        match made.iter_mut().find(|calls| calls.arch() == arch) {
            Some(calls) => calls.insert(number),
            None => {
                let mut calls = CallSet::new(arch);
                let is_first = calls.insert(number);
                made.push(Box::new(calls));
                is_first
            }
        }
    }

    /// The process runs a new program, which has made no calls.
    pub(crate) fn begin_program(&mut self, pid: i32) {
        self.made.remove(&pid);
    }

    /// Forgets what was kept for a process.
    pub(crate) fn forget_process(&mut self, pid: i32) {
        self.foreign.remove(&pid);
        self.made.remove(&pid);
    }

    /// The tids of all threads.
    pub(crate) fn tids(&self) -> Vec<i32> {
        let mut tids: Vec<_> = self.tracees.keys().copied().collect();
        tids.sort_unstable();
        tids
    }
}
