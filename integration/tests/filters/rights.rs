//! Filters are changed by whoever has given up the rights to use BPF.

use std::collections::HashSet;

use caps::{CapSet, Capability};
use lapwing_common::discard::{Approver, FilePolicy, Filters as _, Mode};
use lapwing_common::event::EventType;
use lapwing_integration::need::{Need, require};
use nix::sys::utsname::uname;

use super::watching::On;
use super::workload::{Workload, plan};

/// The two that load the programs, and no others.
fn keep_two() {
    let two: HashSet<_> = [Capability::CAP_BPF, Capability::CAP_PERFMON].into();
    for set in [CapSet::Effective, CapSet::Permitted] {
        caps::set(None, set, &two).unwrap();
    }
}

/// Since 5.19 a kernel asks for them only where something is made or loaded.
fn asks_for_them() -> bool {
    let name = uname().unwrap();
    let mut numbers = name.release().to_str().unwrap().split('.').map_while(|number| number.parse().ok());
    [numbers.next(), numbers.next()] < [Some(5), Some(19)]
}

#[test]
fn discarders_and_approvers_are_changed_without_rights() {
    if !require(&[Need::Bpf, Need::Root]) {
        return;
    }
    // A thread's rights are nobody else's.
    let thread = std::thread::spawn(|| {
        keep_two();
        let mut workload = Workload::start(On::Kernel, plan());
        let kept = workload.give_up_rights();
        assert!(kept.is_empty() || (kept == ["CAP_BPF"] && asks_for_them()), "{kept:?}");
        let left = caps::read(None, CapSet::Permitted).unwrap();
        assert_eq!(left.iter().map(ToString::to_string).collect::<Vec<_>>(), kept);

        workload.make(&["file", "shadow"]);
        let file = workload.key("file");
        workload.push(file, EventType::Open);
        assert!(!workload.is_seen(&["open", "file"]) && workload.is_seen(&["open", "shadow"]));
        let filters = workload.filters();
        assert_eq!(filters.list().unwrap().inodes.len(), 1);
        assert_eq!(filters.statistics().unwrap().0.of(EventType::Open).discarded, 1);
        filters.expire(file.inode, file.mount).unwrap();
        assert!(workload.is_seen(&["open", "file"]));

        let approvers = vec![Approver::Basename(b"shadow".as_slice().into())];
        filters.set_policy(EventType::Open, FilePolicy { mode: Mode::Deny, approvers }).unwrap();
        assert!(!workload.is_seen(&["open", "file"]) && workload.is_seen(&["open", "shadow"]));
        filters.set_policy(EventType::Open, FilePolicy::default()).unwrap();
        filters.flush().unwrap();
        assert!(workload.is_seen(&["open", "file"]));
    });
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}
