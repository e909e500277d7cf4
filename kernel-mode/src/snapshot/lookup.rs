//! Processes that no record told of, looked up in `/proc` when one acts.

use std::fs;

use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::process::{ArgumentLimits, Keep, Lookup, Mark};
use lapwing_common::procfs::stat::{Clock, Stat};
use lapwing_common::record::Running;
use nix::errno::Errno;
use nix::sys::signal::kill;

use super::{Snapshots, parents_first};
use crate::abi::BEGAN_SHIFT;
use crate::clock::HostTime;

/// `/proc` as a place to look processes up.
#[derive(Clone, Debug)]
pub(crate) struct Procfs {
    time: HostTime,
    /// That in which this `/proc` numbers processes.
    namespace: PidNs,
    limits: ArgumentLimits,
    keep: Keep,
}

impl Procfs {
    /// A place whose `time` is that of the whole watch.
    pub(crate) fn new(time: HostTime, namespace: PidNs, limits: ArgumentLimits, keep: Keep) -> Self {
        Self { time, namespace, limits, keep }
    }
}

impl Procfs {
    pub(crate) fn presence(&self) -> Presence {
        Presence { time: self.time.clone(), namespace: self.namespace }
    }

    /// All of these processes that are still there, parents before their children. Who began after `began` is left
    /// out: records tell of those.
    pub(crate) fn all(&self, pids: impl IntoIterator<Item = i32>, began: Timestamp) -> Vec<(Pid, Running)> {
        let mut snapshots = Snapshots::new(self.time.starts());
        let mut read = |pid| Some((Pid(pid), snapshots.running(pid, &self.limits, &self.keep)?));
        let found = pids.into_iter().filter_map(&mut read).filter(|(_, running)| running.started <= began);
        parents_first(found.collect())
    }
}

/// Whether processes are still there, of those that were observed.
#[derive(Clone, Debug)]
pub struct Presence {
    time: HostTime,
    namespace: PidNs,
}

impl Presence {
    /// The namespace whose processes it knows.
    #[must_use]
    pub fn namespace(&self) -> PidNs {
        self.namespace
    }

    /// Whether a process runs, or has ended and was not waited for: the one with this mark, if there is one. Where that
    /// is not certain, it runs.
    #[must_use]
    pub fn runs(&self, key: ProcessKey, mark: Option<Mark>) -> bool {
        if key.namespace != self.namespace || key.pid.0 <= 0 {
            return true;
        }
        // Unlike /proc, which may hide others' processes, this says that there is none only if so.
        if kill(nix::unistd::Pid::from_raw(key.pid.0), None) == Err(Errno::ESRCH) {
            return false;
        }
        let Some(began) = mark.map(|mark| mark.began).filter(|began| *began != 0) else { return true };
        let clock = self.time.starts();
        let stat = fs::read(format!("/proc/{}/stat", key.pid)).ok().and_then(|text| Stat::parse(&text, clock));
        stat.is_none_or(|stat| began_then(stat.started, clock, began))
    }
}

/// Whether a process that started at this time, which `/proc` tells by ticks, is one that began then.
fn began_then(started: Timestamp, clock: Clock, began: u32) -> bool {
    let told = u32::try_from((started.0.saturating_sub(clock.at(0).0) >> BEGAN_SHIFT) & u64::from(u32::MAX));
    let tick = u32::try_from((clock.at(1).0 - clock.at(0).0) >> BEGAN_SHIFT);
    told.ok().zip(tick.ok()).is_some_and(|(told, tick)| began.wrapping_sub(told) <= tick + 1)
}

impl Lookup for Procfs {
    fn process(&mut self, key: ProcessKey, mark: Option<Mark>) -> Option<Running> {
        // A round of its own: mounts may have changed since the last.
        let clock = self.time.starts();
        let mut snapshots = Snapshots::new(clock);
        let running = (key.namespace == self.namespace)
            .then(|| snapshots.running(key.pid.0, &self.limits, &self.keep))
            .flatten()?;
        let is_same = mark.is_none_or(|mark| mark.began == 0 || began_then(running.started, clock, mark.began));
        is_same.then_some(running)
    }

    fn parent(&mut self, key: ProcessKey) -> Option<Pid> {
        let text = fs::read(format!("/proc/{}/stat", key.pid)).ok().filter(|_| key.namespace == self.namespace)?;
        Stat::parse(&text, self.time.starts()).map(|stat| stat.ppid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pid: u32, namespace: u64) -> ProcessKey {
        ProcessKey { pid: Pid(i32::try_from(pid).unwrap()), namespace: PidNs(namespace) }
    }

    #[test]
    fn a_process_and_its_parent() {
        let mut procfs = Procfs::new(HostTime::now(), PidNs(1), ArgumentLimits::default(), Keep::default());
        let own = key(std::process::id(), 1);
        let running = procfs.process(own, None).unwrap();
        let parent = Pid(i32::try_from(std::os::unix::process::parent_id()).unwrap());
        assert_eq!((running.ppid, procfs.parent(own)), (parent, Some(parent)));
        let path = std::env::current_exe().unwrap();
        assert_eq!(&*running.program.file.path, path.as_os_str().as_encoded_bytes());
        // The same number means another process elsewhere.
        let elsewhere = key(std::process::id(), 2);
        assert!(procfs.process(elsewhere, None).is_none() && procfs.parent(elsewhere).is_none());
    }

    #[test]
    fn a_mark_tells_processes_of_one_number_apart() {
        let mut procfs = Procfs::new(HostTime::now(), PidNs(1), ArgumentLimits::default(), Keep::default());
        let own = key(std::process::id(), 1);
        let began = (procfs.process(own, None).unwrap().started.0 - procfs.time.starts().at(0).0) >> BEGAN_SHIFT;
        let presence = procfs.presence();
        let mut found = |units: i64| {
            let began = u32::try_from(i64::try_from(began).unwrap() + units).unwrap();
            let mark = Some(Mark { began, programs: 0 });
            assert_eq!(presence.runs(own, mark), procfs.process(own, mark).is_some());
            procfs.process(own, mark).is_some()
        };
        // `/proc` tells when to 10 ms, and that is less than 10 units.
        assert!(found(0) && found(9));
        assert!(!found(-20) && !found(20));
    }

    #[test]
    fn a_process_that_is_gone() {
        let mut procfs = Procfs::new(HostTime::now(), PidNs(1), ArgumentLimits::default(), Keep::default());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = key(child.id(), 1);
        let presence = procfs.presence();
        assert!(presence.runs(gone, None), "it has not been waited for");
        child.wait().unwrap();
        assert!(!presence.runs(gone, None));
        // Nothing is known of other namespaces.
        assert!(presence.runs(ProcessKey { namespace: PidNs(2), ..gone }, None));
        assert!(procfs.process(gone, None).is_none() && procfs.parent(gone).is_none());
    }
}
