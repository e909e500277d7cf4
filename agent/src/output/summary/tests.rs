//! A summary as text.

use lapwing_common::event::{Address, Origin};
use lapwing_common::event::{Connect, Exec, Exit, ExitCause, Fork, Unlink};
use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
use lapwing_common::record::{Sighting, Task};

use super::*;
use crate::output::sample::{event, file, process};

fn ended(backend: Counters, lost_lines: u64) -> Ended {
    Ended { wall: Duration::from_millis(1_234), backend, cache: process::Counters::default(), lost_lines, stages: None }
}

fn text(summary: &Summary, ended: &Ended) -> String {
    String::from_utf8(summary.render(ended, false)).unwrap()
}

fn observed(pid: i32, what: Sighting) -> Observation {
    let task = Task { pid: Pid(pid), tid: Tid(pid), namespace: PidNs(1), mark: None };
    Observation { timestamp: Timestamp(1), origin: Origin::Ptrace, task, what }
}

fn unlink(path: &str, retval: i64) -> Unlink {
    Unlink { file: file(path), flags: 0, path: None, retval }
}

#[test]
fn a_summary_shows_what_there_was() {
    let mut summary = Summary::new();
    summary.observation(&observed(1, Sighting::Fork { child: Pid(2) }));
    summary.observation(&observed(2, Sighting::Fork { child: Pid(3) }));
    summary.observation(&observed(3, Sighting::Exit { cause: ExitCause::Exited, code: 0 }));
    // The number is used again.
    summary.observation(&observed(1, Sighting::Fork { child: Pid(3) }));
    summary.event(&event(Exec { process: process(2, "/bin/ls", &[b"ls"]), refused: None, path: None, retval: 0 }));
    for _ in 0..3 {
        summary.event(&event(unlink("/tmp/a b", 0)));
    }
    summary.event(&event(unlink("/etc/shadow\n", -13)));
    let address = Address { family: 2, ip: Some("1.2.3.4".parse().unwrap()), port: 443, path: Box::default() };
    summary.event(&event(Connect { address, socket: None, retval: -115 }));
    summary.event(&event(Exit { cause: ExitCause::Exited, code: 0 }));
    summary.event(&event(Fork { child: process(2, "/bin/ls", &[]) }));
    assert_eq!(
        text(&summary, &ended(vec![("stops", 20), ("nanoseconds", 250_000_000)], 0)),
        "
8 events of 4 processes in 1.234 s
the tree of processes was 3 deep
tracing took 0.250 s in 20 stops, 12500.0 µs each

   count   failed  event
       4        1  unlink
       1           exec
       1           fork
       1           exit
       1        1  connect

programs by events
       8  /usr/bin/bash

files by events
       3  '/tmp/a b'
       1  $'/etc/shadow\\x0a'

addresses
       1  1.2.3.4:443

denied (EACCES, EPERM)
       1  unlink $'/etc/shadow\\x0a'
"
    );
}

#[test]
fn an_empty_summary_is_short() {
    assert_eq!(text(&Summary::new(), &ended(Vec::new(), 0)), "\n0 events of 0 processes in 1.234 s\n");
}

#[test]
fn losses_are_shown_by_place() {
    let counters = vec![("stops", 1), ("unreadable", 2), ("lost_ring_full", 3), ("foreign_calls", 0), ("spins", 9)];
    let mut ended = ended(counters, 4);
    ended.cache.evicted = 5;
    let text = text(&Summary::new(), &ended);
    assert!(
        text.ends_with(
            "
lost
       2  reads of a process's memory that failed
       3  ring full
       5  processes forgotten for want of room
       4  events that could not be written
"
        ),
        "{text}"
    );
}

#[test]
fn what_is_not_certain_is_shown() {
    let counters = vec![("late", 1), ("unfollowed_paths", 2), ("unreadable", 0)];
    let text = text(&Summary::new(), &ended(counters, 0));
    let doubts = "
not certain
       1  events that came too late to be put in order
       2  paths that were not followed to their end
";
    assert!(text.ends_with(doubts), "{text}");
}

#[test]
fn what_was_looked_up_is_shown_apart_from_what_was_lost() {
    let mut ended = ended(Vec::new(), 0);
    let cache = &mut ended.cache;
    (cache.late, cache.from_procfs, cache.reparented, cache.reparents_failed) = (1, 2, 3, 4);
    (cache.not_found, cache.limited, cache.outlived, cache.path_errors, cache.too_deep) = (5, 6, 7, 8, 9);
    (cache.missing_parents, cache.wrong_parents, cache.incomplete_lineages) = (10, 20, 30);
    let text = text(&Summary::new(), &ended);
    assert!(
        text.ends_with(
            "
found out without events
       1  events that came after the end of their process
       2  processes found in /proc
       3  processes adopted by another one, or given back to their parent
       4  processes adopted by one that is not observed

lost
       5  processes of which nothing but the number is known
       6  lookups in /proc put off, since there were too many
       7  processes that had ended before they were looked up, their numbers used again
       8  processes whose program was looked up and not found
       9  lookups of ancestors given up, since there were too many
      60  events of processes whose ancestors are not all known
"
        ),
        "{text}"
    );
}

#[test]
fn long_lists_end_with_the_others() {
    let mut summary = Summary::new();
    for number in 0..12 {
        summary.event(&event(unlink(&format!("/tmp/{number:02}"), 0)));
    }
    let text = text(&summary, &ended(Vec::new(), 0));
    assert!(text.contains("       1  /tmp/07\n       4  others\n"), "{text}");
}
