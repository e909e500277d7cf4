//! The network namespaces that observed processes are in, each held open.
//!
//! To hold a namespace keeps it alive after its last process, with its devices: so one whose processes are gone gets
//! lonely, and is let go of when its time is over and no device tells that it is in use without any. A container
//! runtime removes its devices, and then the namespace goes; one that a router serves stays known for a while longer.

pub(crate) mod links;
#[cfg(test)]
mod tests;

use std::io;
use std::num::NonZeroUsize;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;
use std::{fmt, fs};

use lapwing_common::event::Event;
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::netns::{Device, Namespace};
use lapwing_common::record::{Observation, Sighting};
use lru::LruCache;

use super::numbering;
use crate::pipeline::Consumer;

/// How long a namespace without processes is kept, and how often it is looked at.
const LONELY: u64 = 30_000_000_000;
/// How long one is kept that has no processes, though its devices tell of use.
const LONGEST: u64 = 600_000_000_000;

/// Where namespaces of processes can be looked at.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// The number of the namespace that a process is in; `None` if it is gone, or may not be looked at.
    fn of(&self, pid: Pid) -> Option<u32>;
    /// It, held open, with its number.
    fn open(&self, pid: Pid) -> io::Result<(OwnedFd, u32)>;
    /// The devices of namespaces.
    fn devices(&self, handles: &[Arc<OwnedFd>]) -> Vec<io::Result<Vec<Device>>>;
}

/// This host's `/proc`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Proc;

impl Source for Proc {
    fn of(&self, pid: Pid) -> Option<u32> {
        let found = fs::metadata(format!("/proc/{pid}/ns/net")).ok()?;
        u32::try_from(found.ino()).ok()
    }

    fn open(&self, pid: Pid) -> io::Result<(OwnedFd, u32)> {
        let opened = fs::File::open(format!("/proc/{pid}/ns/net"))?;
        let number = u32::try_from(opened.metadata()?.ino()).map_err(io::Error::other)?;
        Ok((opened.into(), number))
    }

    fn devices(&self, handles: &[Arc<OwnedFd>]) -> Vec<io::Result<Vec<Device>>> {
        links::devices(handles)
    }
}

/// The namespaces that are known.
#[derive(Debug)]
pub(crate) struct Namespaces {
    source: Arc<dyn Source>,
    /// That in which `/proc` numbers processes.
    numbering: PidNs,
    held: LruCache<u32, Held>,
    looked_at: Timestamp,
}

#[derive(Debug)]
struct Held {
    handle: Arc<OwnedFd>,
    /// Those who were seen in it first and last.
    witnesses: [Pid; 2],
    opened_by: Pid,
    lonely: Option<Lonely>,
}

#[derive(Clone, Copy, Debug)]
struct Lonely {
    since: Timestamp,
    until: Timestamp,
}

/// What is to be found out about namespaces whose time is over: not by the main loop.
#[derive(Debug)]
pub(crate) struct Search {
    source: Arc<dyn Source>,
    lonely: Vec<(u32, Arc<OwnedFd>)>,
    pids: Vec<Pid>,
}

/// What was found out of each.
pub(crate) type Found = Vec<(u32, Life)>;

/// Why a namespace is kept, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// This process is in it.
    Process(Pid),
    /// A device tells that it is in use.
    Device,
    /// There is nothing in it.
    Nothing,
}

impl Namespaces {
    /// As many namespaces are held; past that the one goes in which nothing was executed for longest.
    pub(crate) const MOST: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not zero");

    /// Those of the processes of this `/proc`; `None` if it does not belong to this process's pid namespace.
    pub(crate) fn new() -> Option<Self> {
        numbering().map(|numbering| Self::with(Arc::new(Proc), numbering))
    }

    fn with(source: Arc<dyn Source>, numbering: PidNs) -> Self {
        Self { source, numbering, held: LruCache::new(Self::MOST), looked_at: Timestamp(0) }
    }

    /// A process was seen that may be in a namespace that is not known: it runs already, executes something, or
    /// changes its namespace.
    pub(crate) fn note(&mut self, process: ProcessKey) {
        let pid = process.pid;
        let Some(number) = self.source.of(pid).filter(|_| process.namespace == self.numbering) else { return };
        if let Some(held) = self.held.get_mut(&number) {
            held.witnesses[1] = pid;
            held.lonely = None;
            return;
        }
        // It may have gone elsewhere meanwhile, or away.
        let Ok((handle, number)) = self.source.open(pid) else { return };
        let held = Held { handle: Arc::new(handle), witnesses: [pid; 2], opened_by: pid, lonely: None };
        self.held.put(number, held);
    }

    /// How many are held.
    pub(crate) fn len(&self) -> usize {
        self.held.len()
    }

    /// How many have no process that is known to be in them.
    #[cfg(test)]
    pub(crate) fn lonely(&self) -> usize {
        self.held.iter().filter(|(_, held)| held.lonely.is_some()).count()
    }

    /// Looks at the namespaces if it is time to. Where one's time is over, the search says what has to be found out:
    /// it is to be run elsewhere, and what it finds is for [`Self::conclude`]. `processes` are those that are known.
    pub(crate) fn look(&mut self, now: Timestamp, processes: impl FnOnce() -> Vec<ProcessKey>) -> Option<Search> {
        if now.0.abs_diff(self.looked_at.0) < LONELY {
            return None;
        }
        self.looked_at = now;
        let source = &self.source;
        for (number, held) in &mut self.held {
            let lives = held.witnesses.iter().any(|pid| source.of(*pid) == Some(*number));
            held.lonely = match held.lonely {
                _ if lives => None,
                None => Some(Lonely { since: now, until: Timestamp(now.0.saturating_add(LONELY)) }),
                lonely => lonely,
            };
        }
        let over = |held: &Held| held.lonely.is_some_and(|lonely| lonely.until <= now);
        let lonely: Vec<_> = self
            .held
            .iter()
            .filter(|(_, held)| over(held))
            .map(|(number, held)| (*number, Arc::clone(&held.handle)))
            .collect();
        (!lonely.is_empty()).then(|| {
            let pids = processes().into_iter().filter(|key| key.namespace == self.numbering).map(|key| key.pid);
            Search { source: Arc::clone(&self.source), lonely, pids: pids.collect() }
        })
    }

    /// Lets go of what has nothing in it, and of what had no process for too long.
    pub(crate) fn conclude(&mut self, now: Timestamp, found: Found) {
        for (number, life) in found {
            // It may have been seen again meanwhile.
            let Some(held) = self.held.peek_mut(&number).filter(|held| held.lonely.is_some()) else { continue };
            match (life, &mut held.lonely) {
                (Life::Process(pid), lonely) => {
                    held.witnesses = [pid; 2];
                    *lonely = None;
                }
                (Life::Device, Some(lonely)) if now.0.saturating_sub(lonely.since.0) < LONGEST => {
                    lonely.until = Timestamp(now.0.saturating_add(LONELY));
                }
                _ => drop(self.held.pop(&number)),
            }
        }
    }

    /// What is known now, for a dump: cheap, without devices.
    pub(crate) fn copy(&self) -> Snapshot {
        let mut entries: Vec<_> = self
            .held
            .iter()
            .map(|(number, held)| {
                let namespace = Namespace {
                    id: *number,
                    handle: held.handle.as_raw_fd(),
                    path: format!("/proc/{}/ns/net", held.opened_by),
                    lonely_until: held.lonely.map(|lonely| lonely.until),
                    devices: None,
                };
                (namespace, Arc::clone(&held.handle))
            })
            .collect();
        entries.sort_unstable_by_key(|(namespace, _)| namespace.id);
        Snapshot { source: Arc::clone(&self.source), entries }
    }
}

impl Consumer for Namespaces {
    fn observation(&mut self, observation: &Observation) {
        let may_be_elsewhere = match &observation.what {
            Sighting::Running(_) => true,
            Sighting::Exec(record) => record.succeeded(),
            Sighting::Call(record) => matches!(record.row.name, "setns" | "unshare") && record.succeeded(),
            Sighting::Fork { .. } | Sighting::Exit { .. } | Sighting::Calls(_) | Sighting::Blind { .. } => false,
        };
        if may_be_elsewhere {
            self.note(ProcessKey { pid: observation.task.pid, namespace: observation.task.namespace });
        }
    }

    fn event(&mut self, _: &Event) {}
}

impl Search {
    /// Finds out.
    pub(crate) fn run(self) -> Found {
        let mut found: Found = self.lonely.iter().map(|(number, _)| (*number, Life::Nothing)).collect();
        for pid in self.pids {
            let Some(number) = self.source.of(pid) else { continue };
            if let Some((_, life)) = found.iter_mut().find(|(wanted, life)| *wanted == number && *life == Life::Nothing)
            {
                *life = Life::Process(pid);
            }
        }
        let handles: Vec<_> = self.lonely.into_iter().map(|(_, handle)| handle).collect();
        for ((_, life), devices) in found.iter_mut().zip(self.source.devices(&handles)) {
            let in_use = devices.is_ok_and(|devices| devices.iter().any(Device::tells_of_use));
            if *life == Life::Nothing && in_use {
                *life = Life::Device;
            }
        }
        found
    }
}

/// The namespaces at one moment, held open until it is dropped.
#[derive(Debug)]
pub(crate) struct Snapshot {
    source: Arc<dyn Source>,
    entries: Vec<(Namespace, Arc<OwnedFd>)>,
}

impl Snapshot {
    /// The namespaces without their devices.
    pub(crate) fn namespaces(self) -> Vec<Namespace> {
        self.entries.into_iter().map(|(namespace, _)| namespace).collect()
    }

    /// The namespaces with their devices, where they can be listed. Takes a while.
    pub(crate) fn with_devices(self) -> Vec<Namespace> {
        let (mut namespaces, handles): (Vec<_>, Vec<_>) = self.entries.into_iter().unzip();
        for (namespace, devices) in namespaces.iter_mut().zip(self.source.devices(&handles)) {
            namespace.devices = devices.ok();
        }
        namespaces
    }
}
