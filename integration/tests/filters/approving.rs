//! Modes and approvers.

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard::{Approver, FilePolicy, Filters as _, Mode};
use lapwing_common::event::EventType;

use super::workload::{Workload, plan};

const O_WRONLY: u64 = 1;

fn set(workload: &Workload, event: EventType, mode: Mode, approvers: &[Approver]) {
    workload.watch.filters().set_policy(event, FilePolicy { mode, approvers: approvers.into() }).unwrap();
}

fn name(name: &str) -> Approver {
    Approver::Basename(name.as_bytes().into())
}

/// Approvers need no discarders to be planned.
#[test]
fn deny_reports_only_what_an_approver_names() {
    let mut workload = Workload::start(FilterPlan::default());
    workload.make(&["shadow", "other", "d/"]);
    for event in [EventType::Open, EventType::Chmod] {
        set(&workload, event, Mode::Deny, &[]);
    }
    for order in [["open", "shadow"], ["write", "shadow"], ["chmod", "shadow"]] {
        assert!(!workload.is_seen(&order), "{order:?}");
    }
    assert!(workload.is_seen(&["mkdir", "e"]), "another type");
    for event in [EventType::Open, EventType::Chmod] {
        set(&workload, event, Mode::Deny, &[name("shadow")]);
    }
    for verb in ["open", "chmod"] {
        assert!(workload.is_seen(&[verb, "shadow"]) && !workload.is_seen(&[verb, "other"]), "{verb}");
    }
    set(&workload, EventType::Open, Mode::Deny, &[Approver::Flags(O_WRONLY)]);
    assert!(workload.is_seen(&["write", "other"]) && !workload.is_seen(&["open", "shadow"]));
    set(&workload, EventType::Open, Mode::Accept, &[]);
    assert!(workload.is_seen(&["open", "other"]));

    let (_, counts) = workload.watch.filters().statistics().unwrap();
    let open = counts.of(EventType::Open);
    assert_eq!((open.by_basename, open.by_flags, open.rejected), (1, 1, 4));
    assert_eq!(counts.of(EventType::Chmod).rejected, 2);
}

#[test]
fn either_name_approves_a_rename() {
    let mut workload = Workload::start(FilterPlan::default());
    workload.make(&["a", "b", "shadow"]);
    set(&workload, EventType::Rename, Mode::Deny, &[name("shadow")]);
    assert!(!workload.is_seen(&["rename", "a", "b"]));
    assert!(workload.is_seen(&["rename", "b", "shadow"]));
    assert!(workload.is_seen(&["rename", "shadow", "b"]));
}

/// What approves an event does not protect it from being discarded; the absence of a filter does.
#[test]
fn discarders_apply_unless_there_is_no_filter() {
    let mut workload = Workload::start(plan());
    workload.make(&["shadow"]);
    let file = workload.key("shadow");
    workload.push(file, EventType::Open);
    for (mode, seen) in [(Mode::Accept, false), (Mode::Deny, false), (Mode::NoFilter, true)] {
        set(&workload, EventType::Open, mode, &[name("shadow")]);
        assert_eq!(workload.is_seen(&["open", "shadow"]), seen, "{mode:?}");
    }
}

/// A rename that is denied moves its directory all the same.
#[test]
fn what_is_denied_still_ends_discarders() {
    let mut workload = Workload::start(plan());
    workload.make(&["file", "d/"]);
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    set(&workload, EventType::Rename, Mode::Deny, &[]);
    assert!(!workload.is_seen(&["open", "file"]));
    assert!(!workload.is_seen(&["rename", "d", "e"]));
    assert!(workload.is_seen(&["open", "file"]));
}
