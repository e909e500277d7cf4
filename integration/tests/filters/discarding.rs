//! What a discarder covers.

use std::time::Duration;

use lapwing_common::backend::FilterPlan;
use lapwing_common::discard::dump::{Dump, Section};
use lapwing_common::discard::{Counts, Filters as _, InodeKey, Pushed, Refusal};
use lapwing_common::event::EventType;
use lapwing_common::ids::Pid;
use lapwing_integration::run::until;

use super::watching::{On, on_both};
use super::workload::{Workload, plan};

on_both! {
    events_of_a_discarded_file_stop,
    events_stop_while_the_program_runs,
    a_file_that_is_no_longer_there_is_not_below_a_directory,
    a_directory_covers_three_levels_and_not_the_fourth,
    what_is_made_below_a_directory,
    a_removal_that_is_discarded_still_ends_what_is_said_of_the_file,
    a_process_and_not_its_child,
    discarders_that_were_not_planned_are_refused,
    a_flush_ends_all,
    a_discarder_with_a_timeout_ends_by_itself,
    a_reading_takes_what_was_counted_before_the_last_one,
    the_dump_shows_what_was_said,
}

fn events_of_a_discarded_file_stop(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file", "other"]);
    assert_eq!(workload.types(&["open", "file"]), ["open"]);
    assert_eq!(workload.types(&["chmod", "file"]), ["chmod"]);
    let file = workload.key("file");
    assert_eq!(workload.push(file, EventType::Open), Pushed::Added);
    for _ in 0..3 {
        assert!(!workload.is_seen(&["open", "file"]));
    }
    // Nothing else is discarded.
    assert!(workload.is_seen(&["chmod", "file"]) && workload.is_seen(&["open", "other"]));
    workload.push(file, EventType::Chmod);
    assert!(!workload.is_seen(&["chmod", "file"]) && !workload.is_seen(&["write", "file"]));
    assert!(workload.is_seen(&["chmod", "other"]));
    let (counts, _) = workload.filters().statistics().unwrap();
    assert_eq!((counts.of(EventType::Open).added, counts.of(EventType::Open).discarded), (1, 4));
    assert_eq!((counts.of(EventType::Chmod).added, counts.of(EventType::Chmod).discarded), (1, 1));
}

/// The case that all this is for: something that happens all the time is of no interest.
fn events_stop_while_the_program_runs(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let file = workload.key("file");
    workload.tell(&["open-until", "file", "end"]);
    let mut seen = 0;
    until("it is opened again and again", || {
        seen += workload.drain().len();
        seen > 10
    });
    workload.push(file, EventType::Open);
    let filters = workload.filters();
    let discarded = || filters.statistics().unwrap().0.of(EventType::Open).discarded;
    until("it is discarded", || discarded() > 100);
    until("what came before is read", || workload.drain().is_empty());
    let before = discarded();
    until("it goes on", || discarded() > before + 100);
    // One may have been decided about before, and queued after.
    assert!(workload.drain().len() <= 1);
    std::fs::write(workload.path("end"), "").unwrap();
    workload.await_answer();
    assert_eq!(workload.drain().len(), 0);
    filters.expire(file.inode, file.mount).unwrap();
    assert!(workload.is_seen(&["open", "file"]));
}

/// Whether it is below the directory still is not certain.
fn a_file_that_is_no_longer_there_is_not_below_a_directory(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "d/file", "d/removed"]);
    let directory = workload.below("d");
    workload.push(directory, EventType::Chmod);
    workload.push(directory, EventType::Unlink);
    assert_eq!(workload.types(&["chmod-removed", "d/removed"]), ["open", "chmod"]);
    assert!(!workload.is_seen(&["chmod", "d/file"]));
}

fn a_directory_covers_three_levels_and_not_the_fourth(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "d/0", "d/1/", "d/1/0", "d/1/2/", "d/1/2/0", "d/1/2/3/", "d/1/2/3/0", "out"]);
    let directory = workload.below("d");
    workload.push(directory, EventType::Open);
    workload.push(directory, EventType::Chmod);
    for covered in ["d/0", "d/1/0", "d/1/2/0", "d/1", "d/1/2", "d/1/2/3"] {
        assert!(!workload.is_seen(&["open", covered]), "{covered}");
        assert!(!workload.is_seen(&["chmod", covered]), "{covered}");
    }
    for not in ["d/1/2/3/0", "d", "out"] {
        assert!(workload.is_seen(&["open", not]), "{not}");
        assert!(workload.is_seen(&["chmod", not]), "{not}");
    }
    let (counts, _) = workload.filters().statistics().unwrap();
    assert_eq!(counts.of(EventType::Open).discarded, 6);
}

fn what_is_made_below_a_directory(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/"]);
    let directory = workload.below("d");
    workload.push(directory, EventType::Mkdir);
    assert!(!workload.is_seen(&["mkdir", "d/x"]));
    assert!(workload.is_seen(&["write", "d/new"]), "opening is another type");
    workload.push(directory, EventType::Open);
    assert!(!workload.is_seen(&["write", "d/newer"]));
    assert!(workload.is_seen(&["mkdir", "e"]));
}

/// Removals are followed even if nobody hears of them.
fn a_removal_that_is_discarded_still_ends_what_is_said_of_the_file(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "d/file", "d/sub/"]);
    let (directory, file) = (workload.below("d"), workload.key("d/file"));
    let sub = workload.key("d/sub");
    workload.push(directory, EventType::Unlink);
    workload.push(directory, EventType::Rmdir);
    workload.push(file, EventType::Open);
    assert!(!workload.is_seen(&["unlink", "d/file"]));
    assert_eq!(workload.push(file, EventType::Open), Pushed::Retained);
    assert!(!workload.is_seen(&["rmdir", "d/sub"]));
    assert_eq!(workload.push(sub, EventType::Open), Pushed::Retained);
}

fn a_process_and_not_its_child(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let pid = Pid(workload.pid());
    let filters = workload.filters();
    assert_eq!(filters.push_pid(pid, EventType::Open, None).unwrap(), Pushed::Added);
    assert!(!workload.is_seen(&["open", "file"]));
    assert!(workload.is_seen(&["chmod", "file"]));
    let events = workload.events(&["child", "file"]);
    assert_eq!(events.len(), 1);
    let child = Pid(i32::try_from(events[0]["process"]["pid"].as_i64().unwrap()).unwrap());
    assert_ne!(child, pid);
    // It has ended: whoever says something about it means what it was.
    assert_eq!(workload.filters().push_pid(child, EventType::Open, None).unwrap(), Pushed::Retained);
    let (counts, _) = workload.filters().statistics().unwrap();
    assert_eq!((counts.of_pids().added, counts.of_pids().discarded), (1, 1));
}

/// Without a plan for them, nothing would notice when a discarder becomes wrong.
fn discarders_that_were_not_planned_are_refused(on: On) {
    let mut workload = Workload::start(on, FilterPlan::default());
    workload.make(&["file"]);
    let file = workload.key("file");
    let filters = workload.filters();
    assert_eq!(filters.push(file, EventType::Open, None), Err(Refusal::NotPlanned));
    assert_eq!(filters.push_pid(Pid(1), EventType::Open, None), Err(Refusal::NotPlanned));
    assert_eq!(filters.expire(file.inode, file.mount), Err(Refusal::NotPlanned));
    assert!(workload.is_seen(&["open", "file"]));
}

fn a_flush_ends_all(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["d/", "d/file"]);
    let (file, directory) = (workload.key("d/file"), workload.below("d"));
    workload.push(file, EventType::Open);
    workload.push(directory, EventType::Chmod);
    assert!(!workload.is_seen(&["open", "d/file"]) && !workload.is_seen(&["chmod", "d/file"]));
    workload.filters().flush().unwrap();
    assert!(workload.is_seen(&["open", "d/file"]) && workload.is_seen(&["chmod", "d/file"]));
    assert_eq!(workload.push(file, EventType::Open), Pushed::Outdated);
    assert_eq!(workload.push(file, EventType::Open), Pushed::Retained);
}

fn a_discarder_with_a_timeout_ends_by_itself(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["over", "holds"]);
    let (over, holds) = (workload.key("over"), workload.key("holds"));
    let filters = workload.filters();
    for (file, timeout) in [(over, Duration::from_nanos(1)), (holds, Duration::from_secs(3600))] {
        assert_eq!(filters.push(file, EventType::Open, Some(timeout)), Ok(Pushed::Added));
    }
    assert!(workload.is_seen(&["open", "over"]) && !workload.is_seen(&["open", "holds"]));
}

fn a_reading_takes_what_was_counted_before_the_last_one(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    let filters = workload.filters();
    let read = |workload: &mut Workload| {
        workload.types(&["open", "file"]);
        filters.take_statistics().unwrap().0.of(EventType::Open)
    };
    let counts = |added, discarded| Counts { added, discarded };
    let taken = [(); 4].map(|()| read(&mut workload));
    assert_eq!(taken, [counts(0, 0), counts(1, 1), counts(0, 1), counts(0, 1)]);
    assert_eq!(filters.statistics().unwrap().0.of(EventType::Open), counts(0, 1));
}

fn the_dump_shows_what_was_said(on: On) {
    let mut workload = Workload::start(on, plan());
    workload.make(&["file"]);
    let file = workload.key("file");
    workload.push(file, EventType::Open);
    workload.types(&["open", "file"]);
    let filters = workload.filters();
    let (listing, (counts, _)) = (filters.list().unwrap(), filters.statistics().unwrap());
    let path = workload.path("file");
    let own = Section::new(listing, counts, |key| if *key == file { path.as_bytes().into() } else { Box::default() });
    let dump = Dump { own, ..Dump::default() };
    let mut text = String::new();
    dump.write(&mut text).unwrap();
    for line in [
        format!("      path: {path}"),
        format!("      inode: {}", file.inode),
        format!("      mount_id: {}", file.mount),
        String::from("            event_mask: 1"),
        String::from("    open:\n        discarder_added: 1\n        event_discarded: 1"),
    ] {
        assert!(text.contains(&format!("{line}\n")), "{line}\n{text}");
    }
    assert_eq!(filters.expire(file.inode, file.mount), Ok(()));
    let retained = filters.list().unwrap().inodes;
    let both = [true, false].map(|leaf| InodeKey { leaf, ..file });
    assert!(both.iter().all(|key| retained.iter().any(|(found, said)| found == key && said.params.is_retained)));
}
