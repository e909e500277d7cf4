//! Calls that are interrupted, restarted, or run into a timer.

use lapwing_integration::harness::Backend;
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(by_handlers_stops_and_timers);

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
