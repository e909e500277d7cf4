//! Signals arrive as they were sent: each once, in order, with its code, sender and value.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::run::{Watchdog, end_of};
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(
    to_itself,
    without_handlers,
    raised_by_the_processor,
    stops_and_what_the_parent_sees_of_them,
    from_outside,
);

const PROGRAM: &str = env!("CARGO_BIN_EXE_tracee-signals");

fn to_itself(backend: Backend) {
    let did = Both::tracee(PROGRAM, &["self"]).agree(backend);
    // Sixty signals in three ways, and then thirty-one queued three times with one that is merged.
    assert_eq!((did.status, did.stdout.lines().count()), (0, 60 * 3 + 1 + 31 * 3 + 1), "{did:?}");
    assert!(did.stdout.contains("signal 64 code -1 value 1064 sender true"), "{did:?}");
}

fn without_handlers(backend: Backend) {
    let did = Both::tracee(PROGRAM, &["waiting"]).agree(backend);
    assert!(did.stdout.contains("sigtimedwait -1 11"), "{did:?}");
}

fn raised_by_the_processor(backend: Backend) {
    let did = Both::tracee(PROGRAM, &["faults"]).agree(backend);
    assert!(did.stdout.starts_with("SIGSEGV code 2"), "{did:?}");
}

fn stops_and_what_the_parent_sees_of_them(backend: Backend) {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-jobs"), &[]).agree(backend);
    for told in ["19.0: the child: stopped by 19", "22.2: the child: continued", "quiet while stopped: true"] {
        assert!(did.stdout.contains(told), "{told}: {did:?}");
    }
    assert!(!did.stdout.contains("quiet while stopped: false"), "{did:?}");
}

/// From a process that is not traced: this one.
fn from_outside(backend: Backend) {
    let own = std::process::id().to_string();
    let command = [PROGRAM, "outside", &own];
    let alone = send_all(Command::new(PROGRAM).args(&command[1..]));
    assert_eq!(alone.lines().filter(|line| line.ends_with("sender true")).count(), 60 + 59, "{alone}");
    let directory = tempfile::tempdir().unwrap();
    for way in backend.ways() {
        let lapwing = Lapwing::with(backend).options(*way);
        let watched = send_all(&mut lapwing.command(&command, &directory.path().join("events.json")));
        assert_eq!(alone, watched);
    }
}

/// Sends every signal in two ways, each when the one before it has been handled.
fn send_all(command: &mut Command) -> String {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let watchdog = Watchdog::over(&child);
    let mut told = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    told.read_line(&mut line).unwrap();
    let pid: i32 = line.trim().strip_prefix("pid ").unwrap().parse().unwrap();
    let mut all = String::new();
    for signal in (1..=64).filter(|signal| ![libc::SIGKILL, libc::SIGSTOP, 32, 33].contains(signal)) {
        let value = libc::sigval { sival_ptr: std::ptr::without_provenance_mut(77) };
        // SAFETY: take no pointers; the last signal is sent only once, since the program ends by it.
        let sent = unsafe { if signal < 64 { libc::kill(pid, signal) } else { libc::sigqueue(pid, signal, value) } };
        assert_eq!(sent, 0, "signal {signal}");
        told.read_line(&mut all).unwrap();
        if signal < 64 {
            // SAFETY: as above.
            assert_eq!(unsafe { libc::sigqueue(pid, signal, value) }, 0, "signal {signal}");
            told.read_line(&mut all).unwrap();
        }
    }
    told.read_to_string(&mut all).unwrap();
    drop(watchdog);
    assert!(end_of(child).status.success());
    all
}
