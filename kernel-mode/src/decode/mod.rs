//! From records of the programs to observations.
//!
//! What a record is about stands in its parts; which call it is matters here no more than there. The
//! catalogue's rows say where each part belongs.

mod call;
mod cgroups;
mod file;
mod operation;
mod program;

use std::collections::{HashMap, HashSet};

use lapwing_common::event::{ExitCause, Origin};
use lapwing_common::ids::{Pid, PidNs, Tid};
use lapwing_common::process::{ArgumentLimits, Keep};
use lapwing_common::record::{Observation, Sighting, Task};
use lapwing_common::syscall::{CATALOGUE, CallSet, Role};
use zerocopy::FromBytes as _;

use crate::abi::{self, Interface, Kind};
use crate::clock::HostTime;
use crate::snapshot::Procfs;
use cgroups::Sets;
use file::{Found, Names};
use operation::{Pending, Submission};

/// What the reading of records found.
#[derive(Debug)]
pub(crate) enum Read {
    /// Something was seen.
    Seen(Task, Sighting),
    /// What a thread's next call names.
    Early(Task, Box<Early>),
    /// An operation of an io_uring begins.
    Submitted(Task, u64, Box<Submission>),
    /// The operation of this token ended.
    Completed(Task, u64, Sighting),
}

/// The files that a call names, as they were before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Early {
    row: u16,
    files: [Option<Found>; 2],
}

/// How much of records made no sense. Always 0 unless Lapwing or the kernel has a defect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Malformed(pub(crate) u64);

/// Decodes records, with what that needs to know about the processes they are of.
#[derive(Debug)]
pub(crate) struct Decoder {
    namespace: PidNs,
    limits: ArgumentLimits,
    keep: Keep,
    procfs: Procfs,
    time: HostTime,
    alive: HashSet<i32>,
    names: Names,
    sets: Sets,
    early: HashMap<i32, Box<Early>>,
    pending: Pending,
    /// The command before it runs its program: what its process does until then is Lapwing's doing.
    launching: Option<i32>,
    malformed: Malformed,
}

impl Decoder {
    pub(crate) fn new(namespace: PidNs, time: HostTime, limits: ArgumentLimits, keep: Keep, procfs: Procfs) -> Self {
        Self {
            namespace,
            limits,
            keep,
            procfs,
            time,
            alive: HashSet::new(),
            names: Names::default(),
            sets: Sets::default(),
            early: HashMap::new(),
            pending: Pending::default(),
            launching: None,
            malformed: Malformed::default(),
        }
    }

    /// One that has seen nothing, for records of the same watch that come in another way.
    pub(crate) fn fresh(&self) -> Self {
        let (limits, keep, procfs) = (self.limits, self.keep.clone(), self.procfs.clone());
        Self { sets: self.sets.clone(), ..Self::new(self.namespace, self.time.clone(), limits, keep, procfs) }
    }

    /// A process is watched from now on that is about to execute the command.
    pub(crate) fn launch(&mut self, pid: i32) {
        self.knows(pid);
        self.launching = Some(pid);
    }

    /// A process is watched that ran already.
    pub(crate) fn knows(&mut self, pid: i32) {
        self.alive.insert(pid);
    }

    /// Whether no process is left, as far as the records say.
    pub(crate) fn is_over(&self) -> bool {
        self.alive.is_empty()
    }

    /// Records that made no sense.
    pub(crate) fn malformed(&self) -> u64 {
        self.malformed.0
    }

    /// When a record was stamped that may be left as it is until its turn comes: nothing that it says is about what may
    /// be gone by then, and nobody asks about it before.
    pub(crate) fn may_wait(bytes: &[u8]) -> Option<u64> {
        let (head, _) = abi::Record::read_from_prefix(bytes).ok()?;
        let waits = match Kind::try_from(head.kind).ok()? {
            Kind::Early => true,
            // Whose a thread is may have to be looked up in `/proc`.
            Kind::Call => CATALOGUE.get(usize::from(head.row))?.position(Role::TargetTid).is_none(),
            _ => false,
        };
        waits.then_some(head.time)
    }

    /// Takes notice of a record in the order of its ring, and says when it was stamped. What the record
    /// says is left for [`Self::read`], in the order of all rings.
    pub(crate) fn read(&mut self, bytes: &[u8]) -> Option<(u64, Read)> {
        let read = self.parse(bytes);
        if read.is_none() {
            self.malformed.0 += 1;
        }
        read
    }

    fn parse(&mut self, bytes: &[u8]) -> Option<(u64, Read)> {
        let (head, _) = abi::Record::read_from_prefix(bytes).ok()?;
        let bytes = bytes.get(..usize::try_from(head.size).ok()?)?;
        let task = Task {
            pid: Pid(head.pid.cast_signed()),
            tid: Tid(head.tid.cast_signed()),
            namespace: self.namespace,
            mark: head.mark(),
        };
        let read = match Kind::try_from(head.kind).ok()? {
            Kind::Fork => {
                let child = i32::try_from(head.result).ok()?;
                self.alive.insert(child);
                Read::Seen(task, Sighting::Fork { child: Pid(child) })
            }
            Kind::Exit => {
                self.alive.remove(&task.pid.0);
                Read::Seen(task, exit(head.result))
            }
            Kind::Enter => {
                self.alive.insert(task.pid.0);
                Read::Seen(task, Sighting::Running(Box::new(self.enter(task, &head, bytes)?)))
            }
            Kind::Exec => Read::Seen(task, self.exec(task, head.omitted != 0, bytes)?),
            Kind::Early => Read::Early(task, Box::new(self.early(&head, bytes)?)),
            Kind::Call => Read::Seen(task, self.call(&head, bytes)?),
            Kind::Uring => {
                let token = operation::part(bytes)?.token;
                Read::Submitted(task, token, Box::new(self.submission(&head, bytes)?))
            }
            Kind::Made => {
                let (made, _) = abi::MadeRecord::read_from_prefix(bytes).ok()?;
                self.made(task.pid, head.interface, made.numbers)?
            }
            Kind::UringEnd => {
                let token = operation::part(bytes)?.token;
                Read::Completed(task, token, self.call(&head, bytes)?)
            }
        };
        Some((head.time, read))
    }

    /// Which calls a process has made.
    pub(crate) fn made(&self, pid: Pid, interface: u8, numbers: [u64; abi::MADE_WORDS]) -> Option<Read> {
        let arch = Interface::try_from(interface).ok()?.arch()?;
        let task = Task { pid, tid: Tid(pid.0), namespace: self.namespace, mark: None };
        Some(Read::Seen(task, Sighting::Calls(Box::new(CallSet::from_words(arch, numbers)))))
    }

    /// What was read becomes an observation, in the order in which things happened.
    pub(crate) fn observe(&mut self, time: u64, read: Read) -> Option<Observation> {
        let (task, mut what) = match read {
            Read::Early(task, early) => {
                self.early.insert(task.tid.0, early);
                return None;
            }
            Read::Seen(task, what) => (task, what),
            Read::Submitted(task, token, submission) => (task, self.submitted(token, *submission)?),
            Read::Completed(task, token, what) => (task, self.completed(token, what)?),
        };
        match &mut what {
            Sighting::Call(record) | Sighting::Exec(record) => {
                if !self.early.is_empty()
                    && let Some(early) = self.early.remove(&task.tid.0)
                {
                    self.complete(record, *early);
                }
            }
            Sighting::Exit { .. } => {
                self.early.remove(&task.pid.0);
            }
            _ => {}
        }
        if self.launching == Some(task.pid.0) {
            match &what {
                Sighting::Exec(record) if record.succeeded() => self.launching = None,
                Sighting::Exec(_) | Sighting::Exit { .. } => {}
                _ => return None,
            }
        }
        let timestamp = self.time.at(time);
        Some(Observation { timestamp, origin: Origin::Kernel, task, what })
    }
}

/// How a process ended, out of its status as wait(2) gives it.
fn exit(status: i64) -> Sighting {
    let [low, high, ..] = status.to_le_bytes();
    match low & 0x7f {
        0 => Sighting::Exit { cause: ExitCause::Exited, code: high.into() },
        signal if low & 0x80 != 0 => Sighting::Exit { cause: ExitCause::CoreDumped, code: signal.into() },
        signal => Sighting::Exit { cause: ExitCause::Signaled, code: signal.into() },
    }
}
