//! Processes that no record told of, looked up in `/proc` when one acts.

use std::fs;

use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::process::{ArgumentLimits, Keep, Lookup};
use lapwing_common::procfs::stat::Stat;
use lapwing_common::record::Running;

use super::{Snapshots, parents_first};
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
    /// All of these processes that are still there, parents before their children. Who began after `began` is left
    /// out: records tell of those.
    pub(crate) fn all(&self, pids: impl IntoIterator<Item = i32>, began: Timestamp) -> Vec<(Pid, Running)> {
        let mut snapshots = Snapshots::new(self.time.starts());
        let mut read = |pid| Some((Pid(pid), snapshots.running(pid, &self.limits, &self.keep)?));
        let found = pids.into_iter().filter_map(&mut read).filter(|(_, running)| running.started <= began);
        parents_first(found.collect())
    }
}

impl Lookup for Procfs {
    fn process(&mut self, key: ProcessKey) -> Option<Running> {
        // A round of its own: mounts may have changed since the last.
        let mut snapshots = Snapshots::new(self.time.starts());
        (key.namespace == self.namespace).then(|| snapshots.running(key.pid.0, &self.limits, &self.keep))?
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
        let running = procfs.process(own).unwrap();
        let parent = Pid(i32::try_from(std::os::unix::process::parent_id()).unwrap());
        assert_eq!((running.ppid, procfs.parent(own)), (parent, Some(parent)));
        let path = std::env::current_exe().unwrap();
        assert_eq!(&*running.program.file.path, path.as_os_str().as_encoded_bytes());
        // The same number means another process elsewhere.
        let elsewhere = key(std::process::id(), 2);
        assert!(procfs.process(elsewhere).is_none() && procfs.parent(elsewhere).is_none());
    }

    #[test]
    fn a_process_that_is_gone() {
        let mut procfs = Procfs::new(HostTime::now(), PidNs(1), ArgumentLimits::default(), Keep::default());
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let gone = key(child.id(), 1);
        child.wait().unwrap();
        assert!(procfs.process(gone).is_none() && procfs.parent(gone).is_none());
    }
}
