//! User, group and capabilities of a process.

use core::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

/// The credentials of a task, as `/proc/PID/status` shows them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Real user.
    pub uid: u32,
    /// Effective user.
    pub euid: u32,
    /// User for file access.
    pub fsuid: u32,
    /// Real group.
    pub gid: u32,
    /// Effective group.
    pub egid: u32,
    /// Group for file access.
    pub fsgid: u32,
    /// Login user, `u32::MAX` when never set.
    pub auid: u32,
    /// Effective capabilities, a bit each.
    pub cap_effective: u64,
    /// Permitted capabilities.
    pub cap_permitted: u64,
}

/// Credentials that change in place, so that everyone who holds the process sees the change.
///
/// One thread writes (the engine); others may read, and then see each member whole.
#[derive(Debug, Default)]
pub(super) struct Live {
    ids: [AtomicU32; 7],
    capabilities: [AtomicU64; 2],
}

impl Live {
    pub(super) fn new(credentials: &Credentials) -> Self {
        let live = Self::default();
        live.store(credentials);
        live
    }

    pub(super) fn store(&self, new: &Credentials) {
        let ids = [new.uid, new.euid, new.fsuid, new.gid, new.egid, new.fsgid, new.auid];
        for (cell, id) in self.ids.iter().zip(ids) {
            cell.store(id, Relaxed);
        }
        self.capabilities[0].store(new.cap_effective, Relaxed);
        self.capabilities[1].store(new.cap_permitted, Relaxed);
    }

    pub(super) fn load(&self) -> Credentials {
        let id = |index: usize| self.ids[index].load(Relaxed);
        Credentials {
            uid: id(0),
            euid: id(1),
            fsuid: id(2),
            gid: id(3),
            egid: id(4),
            fsgid: id(5),
            auid: id(6),
            cap_effective: self.capabilities[0].load(Relaxed),
            cap_permitted: self.capabilities[1].load(Relaxed),
        }
    }
}
