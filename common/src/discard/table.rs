//! The discarders themselves, with all that makes them invalid.
//!
//! Nothing is searched for when a mount or everything is invalidated: a revision is raised, and an
//! entry with another one does not count. Time is passed in, as the kernel's monotonic clock shows it.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::num::NonZeroUsize;
use core::time::Duration;

use lru::LruCache;

use super::statistics::{Buffers, Statistics};
use super::{Ktime, Listing, MOST_INODES, MOST_PIDS, MOUNT_REVISIONS, Moment, Params, Pushed, Refusal};
use crate::event::{EventType, Inode};
use crate::ids::Pid;

/// What is discarded: a file, or what lies below a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct InodeKey {
    /// Its number.
    pub inode: u64,
    /// The mount through which it is reached.
    pub mount: u32,
    /// The file itself; otherwise what is up to three levels below it, on the same mount.
    pub leaf: bool,
}

impl InodeKey {
    /// The file itself.
    #[must_use]
    pub fn leaf(inode: &Inode) -> Self {
        Self { inode: inode.number, mount: inode.mount_id, leaf: true }
    }

    /// What lies below the directory.
    #[must_use]
    pub fn parent(inode: &Inode) -> Self {
        Self { leaf: false, ..Self::leaf(inode) }
    }
}

/// What is said about an inode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InodeDiscarder {
    /// For which types, and until when.
    pub params: Params,
    /// The revision of its mount, and of inodes of its number, for which this holds.
    pub mount_revision: u32,
}

/// All discarders of one backend.
#[derive(Debug)]
pub struct Discarders {
    inodes: LruCache<InodeKey, InodeDiscarder>,
    pids: LruCache<Pid, Params>,
    revision: u32,
    mounts: Vec<u32>,
    /// How often a directory was moved: part of the revision of every mount.
    moves: u32,
    /// How often an inode of such a number was said to have changed, through whichever mount: another one may show it, too.
    /// Slots as in `mounts`.
    renewed: Vec<u32>,
    /// How often something about files was invalidated.
    changes: u64,
    /// Whether a mount may have parents that are discarded: slots as in `mounts`. Never wrongly false.
    parents: Box<[bool]>,
    statistics: Buffers<Statistics>,
}

impl Default for Discarders {
    fn default() -> Self {
        let bound = |most| NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        let slots = MOUNT_REVISIONS as usize;
        Self {
            inodes: LruCache::new(bound(MOST_INODES)),
            pids: LruCache::new(bound(MOST_PIDS)),
            revision: 0,
            mounts: vec![0; slots],
            moves: 0,
            renewed: vec![0; slots],
            changes: 0,
            parents: vec![false; slots].into(),
            statistics: Buffers::default(),
        }
    }
}

impl Discarders {
    /// Adds a discarder of a file, or of what lies below a directory; for ever without a timeout.
    ///
    /// # Errors
    ///
    /// When the type cannot be discarded, or there is no such inode or mount.
    pub fn push(
        &mut self,
        key: InodeKey,
        event: EventType,
        timeout: Option<Duration>,
        now: Ktime,
    ) -> Result<Pushed, Refusal> {
        if !event.is_discardable() {
            return Err(Refusal::NotDiscardable(event));
        }
        if key.inode == 0 || key.mount == 0 {
            return Err(Refusal::NoIdentity);
        }
        let (revision, mount_revision) = (self.revision, self.mount_revision(key.inode, key.mount));
        let found = self.inodes.get_or_insert_mut(key, || InodeDiscarder {
            params: Params { revision, ..Params::default() },
            mount_revision,
        });
        match found.params.hindrance(revision, now) {
            Some(Pushed::Outdated) => {
                self.expire(key.inode, key.mount, now);
                return Ok(Pushed::Outdated);
            }
            Some(other) => return Ok(other),
            None => {}
        }
        if found.params.is_retained || found.mount_revision != mount_revision {
            *found = InodeDiscarder { params: Params { revision, ..Params::default() }, mount_revision };
        }
        found.params.add(event, timeout, now);
        self.parents[slot(key.mount)] |= !key.leaf;
        self.statistics.counting().add(event);
        Ok(Pushed::Added)
    }

    /// What has not become invalid yet, to be asked for before a file is looked at.
    #[must_use]
    pub fn moment(&self) -> Moment {
        Moment(self.changes)
    }

    /// Adds a discarder unless something has become invalid since a moment.
    ///
    /// # Errors
    ///
    /// As for [`Self::push`].
    pub fn push_since(
        &mut self,
        moment: Moment,
        key: InodeKey,
        event: EventType,
        now: Ktime,
    ) -> Result<Pushed, Refusal> {
        if moment == self.moment() { self.push(key, event, None, now) } else { Ok(Pushed::Overtaken) }
    }

    fn mount_revision(&self, inode: u64, mount: u32) -> u32 {
        self.mounts[slot(mount)].wrapping_add(self.moves).wrapping_add(self.renewed[inode_slot(inode)])
    }

    /// Adds a discarder of a process; for ever without a timeout.
    ///
    /// # Errors
    ///
    /// When the type cannot be discarded, or there can be no such process.
    pub fn push_pid(
        &mut self,
        pid: Pid,
        event: EventType,
        timeout: Option<Duration>,
        now: Ktime,
    ) -> Result<Pushed, Refusal> {
        if !event.is_filtered() {
            return Err(Refusal::NotDiscardable(event));
        }
        if pid.0 <= 0 {
            return Err(Refusal::NoProcess(pid));
        }
        let revision = self.revision;
        let found = self.pids.get_or_insert_mut(pid, || Params { revision, ..Params::default() });
        match found.hindrance(revision, now) {
            Some(Pushed::Outdated) => {
                found.retain(now);
                return Ok(Pushed::Outdated);
            }
            Some(other) => return Ok(other),
            None => {}
        }
        if found.is_retained {
            *found = Params { revision, ..Params::default() };
        }
        found.add(event, timeout, now);
        self.statistics.counting().add_pid();
        Ok(Pushed::Added)
    }

    /// Whether an event about this file, or below this directory, is discarded; counts it if so.
    pub fn discards(&mut self, key: InodeKey, event: EventType, now: Ktime) -> bool {
        let discards = self.matches(key, event, now);
        if discards {
            self.count_discarded(event);
        }
        discards
    }

    /// Counts an event that is discarded.
    pub fn count_discarded(&mut self, event: EventType) {
        self.statistics.counting().discard(event);
    }

    /// Whether there is a valid discarder of this file, or of what is below this directory. Not counted.
    pub fn matches(&mut self, key: InodeKey, event: EventType, now: Ktime) -> bool {
        let Some(found) = self.inodes.get(&key) else { return false };
        if found.params.is_retained {
            if !found.params.in_retention(now) {
                self.inodes.pop(&key);
            }
            return false;
        }
        let covers = found.params.covers(event, self.revision, now);
        let revision = found.mount_revision;
        covers && revision == self.mount_revision(key.inode, key.mount)
    }

    /// Whether an event of this process is discarded; counts it if so.
    pub fn discards_pid(&mut self, pid: Pid, event: EventType, now: Ktime) -> bool {
        let Some(found) = self.pids.get(&pid) else { return false };
        if found.is_retained {
            if !found.in_retention(now) {
                self.pids.pop(&pid);
            }
            return false;
        }
        let discards = found.covers(event, self.revision, now);
        if discards {
            self.statistics.counting().discard_pid(event);
        }
        discards
    }

    /// Whether it is worth the effort to identify the directories above a file of this mount.
    #[must_use]
    pub fn has_parents(&self, mount: u32) -> bool {
        self.parents[slot(mount)]
    }

    /// Whether there is anything that could discard an event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.inodes.is_empty() && self.pids.is_empty()
    }

    /// Drops what is said about an inode, as a file and as a directory, and takes nothing new about it
    /// for [`RETENTION`](super::RETENTION): whether there was anything or not, since somebody may be about to push it.
    pub fn expire(&mut self, inode: u64, mount: u32, now: Ktime) {
        if inode == 0 || mount == 0 {
            return;
        }
        self.changes += 1;
        // A file of another file system with this number is discarded anew, if it is worth that.
        let renewed = &mut self.renewed[inode_slot(inode)];
        *renewed = renewed.wrapping_add(1);
        let mount_revision = self.mount_revision(inode, mount);
        for leaf in [true, false] {
            let found = self.inodes.get_or_insert_mut(InodeKey { inode, mount, leaf }, InodeDiscarder::default);
            found.params.retain(now);
            found.params.revision = self.revision;
            found.mount_revision = mount_revision;
        }
    }

    /// Likewise for a process that ended.
    pub fn expire_pid(&mut self, pid: Pid, now: Ktime) {
        let found = self.pids.get_or_insert_mut(pid, Params::default);
        found.retain(now);
        found.revision = self.revision;
    }

    /// A process of this id begins: what is said under it is about another one.
    pub fn begin_pid(&mut self, pid: Pid) {
        if self.pids.peek(&pid).is_some_and(|found| !found.is_retained) {
            self.pids.pop(&pid);
        }
    }

    /// Invalidates what is said about the files of a mount. They can be discarded anew at once.
    pub fn bump_mount(&mut self, mount: u32) {
        let slot = slot(mount);
        self.mounts[slot] = self.mounts[slot].wrapping_add(1);
        self.parents[slot] = false;
        self.changes += 1;
    }

    /// Invalidates what is said about the files of all mounts: a directory was moved, and with it what is mounted
    /// below it. They can be discarded anew at once.
    pub fn bump_mounts(&mut self) {
        self.moves = self.moves.wrapping_add(1);
        self.parents.fill(false);
        self.changes += 1;
    }

    /// Invalidates everything. What is pushed first about something that was known before only begins a
    /// retention.
    pub fn flush(&mut self) {
        self.revision = self.revision.wrapping_add(1);
        self.changes += 1;
        self.parents.fill(false);
    }

    /// Everything that is kept, what is invalid or in retention included; the one that was asked about
    /// last comes first.
    #[must_use]
    pub fn list(&self) -> Listing {
        Listing {
            inodes: self.inodes.iter().map(|(key, discarder)| (*key, discarder.clone())).collect(),
            pids: self.pids.iter().map(|(pid, params)| (*pid, params.clone())).collect(),
        }
    }

    /// The counters.
    pub fn statistics(&mut self) -> &mut Buffers<Statistics> {
        &mut self.statistics
    }
}

fn slot(mount: u32) -> usize {
    (mount % MOUNT_REVISIONS) as usize
}

fn inode_slot(inode: u64) -> usize {
    usize::try_from(inode % u64::from(MOUNT_REVISIONS)).unwrap_or(0)
}
