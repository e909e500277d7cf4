//! Modes and approvers.

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard::{Approver, FilePolicy, Filters as _, Mode};
use lapwing_common::event::EventType;

use super::watching::{On, on_both};
use super::workload::{Workload, plan};

on_both! {
    deny_reports_only_what_an_approver_names,
    either_name_approves_a_rename,
    a_component_approves_what_is_below_it,
    discarders_apply_unless_there_is_no_filter,
    what_is_denied_still_ends_discarders,
}

const O_WRONLY: u64 = 1;

fn set(workload: &Workload, event: EventType, mode: Mode, approvers: &[Approver]) {
    workload.filters().set_policy(event, FilePolicy { mode, approvers: approvers.into() }).unwrap();
}

fn name(name: &str) -> Approver {
    Approver::Basename(name.as_bytes().into())
}

/// Approvers need no discarders to be planned.
fn deny_reports_only_what_an_approver_names(on: On) {
    let mut workload = Workload::start(on, FilterPlan::default());
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

    let (_, counts) = workload.filters().statistics().unwrap();
    let open = counts.of(EventType::Open);
    assert_eq!((open.by_basename, open.by_flags, open.rejected), (1, 1, 4));
    assert_eq!(counts.of(EventType::Chmod).rejected, 2);
}

fn either_name_approves_a_rename(on: On) {
    let mut workload = Workload::start(on, FilterPlan::default());
    workload.make(&["a", "b", "shadow"]);
    set(&workload, EventType::Rename, Mode::Deny, &[name("shadow")]);
    assert!(!workload.is_seen(&["rename", "a", "b"]));
    assert!(workload.is_seen(&["rename", "b", "shadow"]));
    assert!(workload.is_seen(&["rename", "shadow", "b"]));
}

/// Names are told apart by their first bytes and their length before they are looked up, and long ones otherwise.
fn a_component_approves_what_is_below_it(on: On) {
    let mut workload = Workload::start(on, FilterPlan::default());
    let long = "a-directory-with-a-name-that-the-kernel-keeps-elsewhere-than-in-its-entry";
    workload.make(&["x/", "x/f", "xy/", "xy/f", "f"]);
    let mut deep = format!("{long}/");
    for letter in ["", "b/", "c/", "d/", "e/", "f/", "g/", "h/", "i/"] {
        deep.push_str(letter);
        workload.make(&[&deep]);
    }
    workload.make(&[&format!("{deep}f")]);
    for short in ["x", "sixteen-letters-"] {
        workload.make(&[&format!("{short}1/"), &format!("{short}1/f")]);
        set(&workload, EventType::Open, Mode::Deny, &[Approver::Component(format!("{short}1").into_bytes().into())]);
        assert!(workload.is_seen(&["open", &format!("{short}1/f")]) && !workload.is_seen(&["open", "xy/f"]), "{short}");
    }
    let component = |name: &str| Approver::Component(name.as_bytes().into());
    for event in [EventType::Open, EventType::Chmod, EventType::Mkdir, EventType::Rename] {
        set(&workload, event, Mode::Deny, &[component("x"), component(long), name("g")]);
    }
    for (path, seen) in [("x/f", true), (&*format!("{deep}f"), true), ("xy/f", false), ("f", false)] {
        for verb in ["open", "chmod"] {
            assert_eq!(workload.is_seen(&[verb, path]), seen, "{verb} {path}");
        }
    }
    assert!(workload.is_seen(&["mkdir", "x/new"]) && !workload.is_seen(&["mkdir", "xy/new"]));
    assert!(workload.is_seen(&["rename", "xy/f", "x/g2"]) && workload.is_seen(&["rename", "x/g2", "xy/f"]));
    assert!(!workload.is_seen(&["rename", "xy/f", "xy/h"]) && workload.is_seen(&["rename", "xy/h", "g"]));
}

/// What approves an event does not protect it from being discarded; the absence of a filter does.
fn discarders_apply_unless_there_is_no_filter(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["shadow"]);
    let file = workload.key("shadow");
    workload.push(file, EventType::Open);
    for (mode, seen) in [(Mode::Accept, false), (Mode::Deny, false), (Mode::NoFilter, true)] {
        set(&workload, EventType::Open, mode, &[name("shadow")]);
        assert_eq!(workload.is_seen(&["open", "shadow"]), seen, "{mode:?}");
    }
}

/// A rename that is denied moves its directory all the same.
fn what_is_denied_still_ends_discarders(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file", "d/"]);
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    set(&workload, EventType::Rename, Mode::Deny, &[]);
    assert!(!workload.is_seen(&["open", "file"]));
    assert!(!workload.is_seen(&["rename", "d", "e"]));
    assert!(workload.is_seen(&["open", "file"]));
}
