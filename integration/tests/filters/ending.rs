//! What ends a discarder: the file is another one, or has another name.

use std::sync::atomic::{AtomicBool, Ordering};

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard::{Filters as _, Pushed, Refusal};
use lapwing_common::engine::EventSet;
use lapwing_common::event::EventType;
use lapwing_integration::need::{self, Need};

use super::watching::{On, on_both};
use super::workload::{Workload, plan};

on_both! {
    a_file_that_is_removed_and_made_anew_is_seen_again,
    the_first_discarder_of_all_may_be_too_late,
    removals_that_nobody_wants_are_noticed_and_not_reported,
    a_second_name_ends_it,
    who_pushes_while_it_ends_does_not_bring_it_back,
    renaming_ends_what_was_said_of_the_file_and_of_the_one_replaced,
    renaming_a_directory_ends_what_was_said_of_the_whole_mount,
    what_is_moved_out_of_a_discarded_directory_is_seen,
    io_uring_ends_all_discarders_for_good,
    a_ring_alone_ends_nothing_where_its_operations_are_seen,
    with_another_root_nothing_is_discarded,
    removing_a_directory,
}

fn a_file_that_is_removed_and_made_anew_is_seen_again(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let old = workload.key("file");
    workload.push(old, EventType::Open);
    assert!(!workload.is_seen(&["open", "file"]));
    assert!(workload.is_seen(&["unlink", "file"]));
    assert!(workload.is_seen(&["write", "file"]));
    for _ in 0..3 {
        assert!(workload.is_seen(&["open", "file"]));
    }
    // The race: somebody concluded from an event of the old file. Its number may be the new one's.
    assert_eq!(workload.push(old, EventType::Open), Pushed::Retained);
    assert!(workload.is_seen(&["open", "file"]));
}

/// Even if nothing was discarded when the file was removed.
fn the_first_discarder_of_all_may_be_too_late(on: On) {
    let mut workload = Workload::start(on, plan());
    // A second name keeps the inode.
    workload.make(&["file"]);
    workload.types(&["link", "file", "name"]);
    let file = workload.key("name");
    workload.types(&["unlink", "file"]);
    assert_eq!(workload.push(file, EventType::Open), Pushed::Retained);
    assert!(workload.is_seen(&["open", "name"]));
}

/// Nobody wants to hear of removals, so they are seen for the sake of discarders only.
fn removals_that_nobody_wants_are_noticed_and_not_reported(on: On) {
    let events = EventSet::NONE.with(EventType::Open).with(EventType::Exec);
    let mut workload = Workload::start(on, FilterPlan { events, ..plan() });
    workload.make(&["file", "d/"]);
    workload.types(&["link", "file", "name"]);
    let file = workload.key("file");
    assert_eq!(workload.push(file, EventType::Open), Pushed::Retained, "it has two names since a moment ago");
    workload.make(&["other"]);
    let other = workload.key("other");
    workload.push(other, EventType::Open);
    assert!(!workload.is_seen(&["open", "other"]));
    for order in [&["unlink", "file"][..], &["rename", "other", "new"], &["rmdir", "d"]] {
        assert_eq!(workload.types(order), [""; 0], "{order:?}");
    }
    assert!(workload.is_seen(&["open", "new"]));
}

fn a_second_name_ends_it(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    workload.types(&["link", "file", "name"]);
    assert!(workload.is_seen(&["open", "file"]) && workload.is_seen(&["open", "name"]));
    assert_eq!(workload.push(file, EventType::Open), Pushed::Retained);
}

/// Whoever comes between the parts of an expiry must not undo it.
fn who_pushes_while_it_ends_does_not_bring_it_back(on: On) {
    let mut workload = Workload::start(on, plan());
    for round in 0..8 {
        let [name, other] = ["", "-other"].map(|end| format!("{round}{end}"));
        workload.make(&[&name]);
        let file = workload.key(&name);
        workload.push(file, EventType::Open);
        let (filters, over) = (workload.filters(), AtomicBool::new(false));
        std::thread::scope(|scope| {
            let pushing = scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    filters.push(file, EventType::Open, None).unwrap();
                }
            });
            workload.types(&["link", &name, &other]);
            over.store(true, Ordering::Relaxed);
            pushing.join().unwrap();
        });
        assert!(workload.is_seen(&["open", &name]), "round {round}");
    }
}

fn renaming_ends_what_was_said_of_the_file_and_of_the_one_replaced(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["from", "to", "kept"]);
    let [from, to, kept] = ["from", "to", "kept"].map(|name| workload.key(name));
    workload.push(from, EventType::Open);
    workload.push(kept, EventType::Open);
    assert!(!workload.is_seen(&["open", "from"]));
    workload.types(&["rename", "from", "to"]);
    assert!(workload.is_seen(&["open", "to"]));
    for key in [from, to] {
        assert_eq!(workload.push(key, EventType::Open), Pushed::Retained);
    }
    assert!(!workload.is_seen(&["open", "kept"]), "only a directory takes others along");
}

fn renaming_a_directory_ends_what_was_said_of_the_whole_mount(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "d/file", "file", "other/"]);
    let (file, directory) = (workload.key("file"), workload.below("d"));
    workload.push(file, EventType::Open);
    workload.push(directory, EventType::Open);
    assert!(!workload.is_seen(&["open", "file"]) && !workload.is_seen(&["open", "d/file"]));
    workload.types(&["rename", "other", "others"]);
    assert!(workload.is_seen(&["open", "file"]) && workload.is_seen(&["open", "d/file"]));
    // No retention: what is concluded from now on is about the new names.
    assert_eq!(workload.push(file, EventType::Open), Pushed::Added);
    assert!(!workload.is_seen(&["open", "file"]));
}

fn what_is_moved_out_of_a_discarded_directory_is_seen(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "d/file", "d/moved"]);
    let directory = workload.below("d");
    workload.push(directory, EventType::Open);
    assert!(!workload.is_seen(&["open", "d/moved"]));
    workload.types(&["rename", "d/moved", "moved"]);
    assert!(workload.is_seen(&["open", "moved"]));
    assert!(!workload.is_seen(&["open", "d/file"]));
}

/// A ring removes and renames without a system call that could be seen. Where its operations are, the first of these
/// ends discarders, and the ring alone does not.
fn io_uring_ends_all_discarders_for_good(on: On) {
    if !need::require(&[Need::IoUring]) {
        return;
    }
    match on {
        On::Ptrace => ends_all_discarders_for_good(on, &["io_uring"]),
        On::Kernel => ends_all_discarders_for_good(on, &["io_uring_rename", "other", "another"]),
    }
}

fn a_ring_alone_ends_nothing_where_its_operations_are_seen(on: On) {
    if on == On::Ptrace || !need::require(&[Need::IoUring]) {
        return;
    }
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    workload.types(&["io_uring"]);
    assert!(!workload.is_seen(&["open", "file"]));
}

/// What no rule matches under one name, a rule may match under the one that it has below another root.
fn with_another_root_nothing_is_discarded(on: On) {
    if !need::require(&[Need::Root]) {
        return;
    }
    let mut workload = Workload::start(on, plan());
    workload.make(&["jail/", "jail/file", "jail/other"]);
    let [file, other] = ["jail/file", "jail/other"].map(|name| workload.key(name));
    workload.push(file, EventType::Open);
    // The same root again is none other.
    workload.types(&["chroot", "/"]);
    assert!(!workload.is_seen(&["open", "jail/file"]));
    workload.types(&["chroot", "jail"]);
    assert!(workload.is_seen(&["open", "/file"]));
    // For all others they are what they were.
    assert_eq!(workload.push(other, EventType::Open), Pushed::Added);
    let listed: Vec<_> = workload.filters().list().unwrap().inodes.into_iter().map(|(key, _)| key).collect();
    assert!(listed.contains(&file) && listed.contains(&other), "{listed:?}");
    assert!(workload.is_seen(&["open", "/other"]));
}

fn ends_all_discarders_for_good(on: On, order: &[&str]) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file", "third", "other"]);
    let [file, third] = ["file", "third"].map(|name| workload.key(name));
    workload.push(file, EventType::Open);
    assert!(!workload.is_seen(&["open", "file"]));
    workload.types(order);
    assert!(workload.is_seen(&["open", "file"]));
    let filters = workload.filters();
    assert_eq!(filters.push(third, EventType::Open, None), Err(Refusal::OutOfSight));
    assert!(workload.is_seen(&["open", "third"]));
}

fn removing_a_directory(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "e/", "file"]);
    let (file, d) = (workload.key("file"), workload.below("d"));
    workload.push(file, EventType::Open);
    workload.push(d, EventType::Open);
    workload.types(&["rmdir", "d"]);
    assert_eq!(workload.push(d, EventType::Open), Pushed::Retained);
    assert!(!workload.is_seen(&["open", "file"]));
    workload.types(&["rmdirat", "e"]);
    assert!(workload.is_seen(&["open", "file"]), "by unlinkat, the mount is invalidated");
}
