//! Calls that are interrupted, restarted, or run into a timer.

use lapwing_integration::harness::Backend;
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(by_handlers_stops_and_timers, while_files_are_opened);

/// Also where calls wait for an answer before they are made: none of that may be seen.
fn while_files_are_opened(backend: Backend) {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-opens"), &[]).agree(backend);
    let expected = "under a timer: 0 wrong\nin threads: 0 wrong\nstopped: exit 0\nkilled: signal 9\n\
        fifo, restarting: opened\nfifo, interrupting: error 4\n\
        ../fifo, restarting: opened\n../fifo, interrupting: error 4\n";
    assert_eq!((did.status, did.stderr.as_str(), did.stdout.as_str()), (0, "", expected));
}

fn by_handlers_stops_and_timers(backend: Backend) {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-interrupts"), &[]).agree(backend);
    assert_eq!((did.status, did.stderr.as_str()), (0, ""));
    let told = |line: &str| assert!(did.stdout.lines().any(|told| told == line), "{line}\n{}", did.stdout);
    // As signal(7) has it; the rest is only compared.
    told("read: error 4");
    told("read: done");
    told("accept: error 4");
    told("accept: done");
    told("nanosleep: error 4, time left true");
    told("nanosleep and stops: done, long enough true");
    told("poll and stops: done, long enough true");
    told("accept and stops: done");
    told("epoll_wait and stops: error 4");
    told("timer_create: error 4, value 4711");
    told("recv with a limit: error 4");
}
