//! What is the kernel backend's own: its maps against the model, and a path that it cannot follow.

use std::fs::File;
use std::thread::sleep;
use std::time::Duration;

use lapwing_common::discard::{
    Discarders, EventMask, Filters as _, InodeKey, Ktime, Listing, Params, Pushed, RETENTION, Refusal,
};
use lapwing_common::event::EventType::{self, Chdir, Chmod, Open, Rename};
use lapwing_common::ids::Pid;
use lapwing_integration::need::{self, Need};
use nix::time::{ClockId, clock_gettime};

use super::watching::On;
use super::workload::{Workload, plan};

/// No file system is mounted under such a number, and no process has one like these.
const MOUNT: u32 = 4_000_000_000;
const PIDS: i32 = 2_000_000_000;

fn now() -> Ktime {
    let now = clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap();
    Ktime(u64::try_from(now.tv_sec()).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec()).unwrap())
}

/// Orders to both.
struct Both {
    workload: Workload,
    model: Discarders,
}

impl Both {
    /// The answer about an inode (a file if it is even), which has to be the same, and that about a process.
    fn push(&mut self, number: u64, event: EventType) -> Result<Pushed, Refusal> {
        let filters = self.workload.filters();
        let key = InodeKey { inode: number, mount: MOUNT, leaf: number.is_multiple_of(2) };
        let answer = filters.push(key, event, None);
        assert_eq!(answer, self.model.push(key, event, None, now()), "{number} {event}");
        let pid = Pid(PIDS + i32::try_from(number).unwrap());
        let of_pid = filters.push_pid(pid, event, None);
        assert_eq!(of_pid, self.model.push_pid(pid, event, None, now()), "{pid} {event}");
        answer
    }

    fn expire(&mut self, inode: u64) {
        self.workload.filters().expire(inode, MOUNT).unwrap();
        self.model.expire(inode, MOUNT, now());
    }

    fn flush(&mut self) {
        self.workload.filters().flush().unwrap();
        self.model.flush();
    }

    fn assert_same(&mut self) {
        let theirs = said(&self.workload.filters().list().unwrap());
        assert_eq!(theirs, said(&self.model.list()));
        assert!(!theirs.is_empty());
        let (counts, _) = self.workload.filters().statistics().unwrap();
        assert_eq!(counts, self.model.statistics().sum());
    }
}

/// What is said, without times; of other processes than those of the test, nothing.
fn said(listing: &Listing) -> Vec<(u64, bool, EventMask, bool)> {
    let inode = |key: &InodeKey, params: &Params| (key.inode, key.leaf, params.event_mask, params.is_retained);
    let pid = |pid: &Pid, params: &Params| {
        let number = u64::try_from(pid.0).unwrap();
        (pid.0 >= PIDS).then_some((number, false, params.event_mask, params.is_retained))
    };
    let inodes = listing.inodes.iter().map(|(key, found)| inode(key, &found.params));
    let mut all: Vec<_> = inodes.chain(listing.pids.iter().filter_map(|(key, found)| pid(key, found))).collect();
    all.sort_unstable_by_key(|(number, leaf, ..)| (*number, *leaf));
    all
}

/// The same orders have the same answers and leave the same behind.
#[test]
fn the_maps_behave_as_the_model() {
    if !need::require(&[Need::Bpf]) {
        return;
    }
    let mut both = Both { workload: Workload::start(On::Kernel, plan()), model: Discarders::default() };
    for (number, event) in [(1, Open), (1, Chmod), (2, Chdir), (2, Chdir), (3, Open), (6, Open)] {
        assert_eq!(both.push(number, event), Ok(Pushed::Added));
    }
    assert_eq!(both.push(7, Rename), Err(Refusal::NotDiscardable(Rename)));
    assert_eq!(both.push(0, Open), Err(Refusal::NoIdentity));
    both.assert_same();
    both.expire(1);
    both.expire(4);
    for number in [1, 4] {
        assert_eq!(both.push(number, Open), Ok(Pushed::Retained));
    }
    both.assert_same();
    both.flush();
    assert_eq!(both.push(2, Open), Ok(Pushed::Outdated));
    assert_eq!(both.push(2, Open), Ok(Pushed::Retained));
    assert_eq!(both.push(8, Open), Ok(Pushed::Added));
    both.assert_same();
    let over = now().0 + RETENTION;
    while now().0 <= over {
        sleep(Duration::from_millis(50));
    }
    // What comes out of its retention starts with nothing.
    for number in [1, 2, 4] {
        assert_eq!(both.push(number, Chmod), Ok(Pushed::Added));
    }
    assert_eq!(both.push(3, Open), Ok(Pushed::Outdated));
    both.assert_same();
}

/// Which file was removed is not known then, so it may have been any of its mount.
#[test]
fn a_removal_that_cannot_be_followed_ends_what_is_said_of_the_mount() {
    if !need::require(&[Need::Bpf]) {
        return;
    }
    let mut workload = Workload::start(On::Kernel, plan());
    workload.make(&["d/", "d/file", "other"]);
    let other = workload.key("other");
    // The programs look at the youngest 4096 names of a directory.
    for number in 0..5000 {
        File::create(workload.path(&format!("d/{number}"))).unwrap();
    }
    workload.push(other, Open);
    assert!(!workload.is_seen(&["open", "other"]));
    workload.types(&["unlink", "d/4999"]);
    assert!(!workload.is_seen(&["open", "other"]));
    workload.types(&["unlink", "d/file"]);
    assert!(workload.is_seen(&["open", "other"]));
}

/// What is left of a watch that has ended says so.
#[test]
fn filters_end_with_the_watch() {
    use lapwing_kernel::{FilterError, TableError};

    if !need::require(&[Need::Bpf]) {
        return;
    }
    let mut workload = Workload::start(On::Kernel, plan());
    let filters = workload.kernel_filters();
    assert_eq!(filters.expire(1, MOUNT).map_err(|error| error.to_string()), Ok(()));
    workload.end();
    let answer = filters.expire(1, MOUNT);
    assert!(matches!(answer, Err(FilterError::Table(TableError::Ended))), "{answer:?}");
}
