//! The processes as they were before the oldest observation that is kept: what a snapshot is made of.

use alloc::boxed::Box;
use alloc::collections::{BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::bytes::Bytes;

use crate::accounts::Naming;
use crate::engine::{Engine, EventSet};
use crate::event::Origin;
use crate::hashes::OfProgram;
use crate::ids::{Pid, PidNs, ProcessKey, Tid};
use crate::process::{Environment, Limits, Process};
use crate::record::{Observation, Program, Running, Sighting, Task};
use crate::wire::{Reader, encode};

/// Processes, followed from one observation to the next.
#[derive(Debug)]
pub(super) struct Model {
    engine: Engine,
    reader: Reader,
}

/// The processes of one moment, parents before their children.
pub(super) type Snapshot = VecDeque<Arc<Process>>;

impl Model {
    pub(super) fn new(namespace: PidNs) -> Self {
        Self { engine: Engine::new(Limits::default(), EventSet::NONE), reader: Reader::new(namespace, None) }
    }

    /// Moves on by an observation, as it was encoded.
    pub(super) fn apply(&mut self, encoded: &[u8]) {
        // What was encoded here can be read here: a test goes through all there is.
        if let Ok(observation) = self.reader.read(encoded) {
            self.engine.observe(observation, |_| {});
        }
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        let mut placed = BTreeSet::new();
        let mut ordered = VecDeque::new();
        for process in self.engine.processes().iter() {
            let mut chain = Vec::new();
            let mut at = Some(process);
            while let Some(process) = at.filter(|process| placed.insert(process.key())) {
                chain.push(Arc::clone(process));
                at = self.engine.processes().get(ProcessKey { pid: process.ppid(), ..process.key() });
            }
            ordered.extend(chain.into_iter().rev());
        }
        ordered
    }
}

/// The message that tells of a process.
pub(super) fn introduce(process: &Process) -> Bytes {
    let image = process.image();
    let key = process.key();
    let program = Program {
        file: image.file.clone(),
        interpreter: image.interpreter.clone(),
        arguments: image.arguments.clone(),
        environment: Environment::clone(&image.environment),
        comm: process.comm(),
        tty: process.tty(),
        credentials: process.credentials(),
        cgroup: process.cgroup().cloned().map(Arc::new),
        ppid: process.ppid(),
        // The agent has its own.
        naming: Naming::default(),
        hashing: OfProgram::default(),
    };
    let running = Running { ppid: process.ppid(), started: process.forked(), program };
    Bytes::from(encode(&Observation {
        timestamp: process.forked(),
        origin: Origin::Ptrace,
        task: Task { pid: key.pid, tid: Tid(key.pid.0), namespace: key.namespace, mark: None },
        what: Sighting::Running(Box::new(running)),
    }))
}

/// Whether the process cache changes by an observation. What does not is the first to be given up.
pub(super) fn lasts(observation: &Observation) -> bool {
    /// `PR_SET_NAME` of linux/prctl.h.
    const SETS_NAME: u64 = 15;
    match &observation.what {
        Sighting::Running(_) | Sighting::Fork { .. } | Sighting::Exit { .. } => true,
        Sighting::Exec(record) => record.succeeded(),
        Sighting::Call(record) => {
            record.credentials.is_some() || (record.row.name == "prctl" && record.args[0] == SETS_NAME)
        }
        Sighting::Calls(_) | Sighting::Blind { .. } => false,
    }
}

/// The process that an observation makes or ends.
pub(super) fn changes(observation: &Observation) -> (Option<Pid>, Option<Pid>) {
    match observation.what {
        Sighting::Fork { child } => (Some(child), None),
        Sighting::Exit { .. } => (None, Some(observation.task.pid)),
        _ => (Some(observation.task.pid), None),
    }
}
