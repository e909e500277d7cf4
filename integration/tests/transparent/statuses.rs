//! How the command ends is how Lapwing ends.

use lapwing_integration::harness::Backend;
use lapwing_integration::under_each_backend;

use super::both::Both;

under_each_backend!(every_exit_status, every_fatal_signal, signals_that_do_no_harm, core_dumps);

fn every_exit_status(backend: Backend) {
    for code in [0, 1, 2, 42, 126, 127, 128, 200, 255] {
        let did = Both::new(&["sh", "-c", &format!("exit {code}")]).usual_way_only().agree(backend);
        assert_eq!(did.status, code);
    }
}

/// As a shell says it: 128 + n.
fn every_fatal_signal(backend: Backend) {
    let program = env!("CARGO_BIN_EXE_tracee-signals");
    for signal in 1..=64 {
        let (survives, own) = ([17, 18, 19, 20, 21, 22, 23, 28], [32, 33]);
        if survives.contains(&signal) || own.contains(&signal) {
            continue;
        }
        let did = Both::tracee(program, &["die", &signal.to_string()]).usual_way_only().agree(backend);
        assert_eq!((did.status, did.stdout.as_str()), (128 + signal, ""), "signal {signal}");
    }
}

/// Their default is to be ignored, or to continue what is not stopped.
fn signals_that_do_no_harm(backend: Backend) {
    let program = env!("CARGO_BIN_EXE_tracee-signals");
    for signal in [libc::SIGCHLD, libc::SIGCONT, libc::SIGURG, libc::SIGWINCH] {
        let did = Both::tracee(program, &["die", &signal.to_string()]).agree(backend);
        assert_eq!((did.status, did.stdout), (0, format!("survived {signal}\n")));
    }
}

/// The parent of a process learns whether a core was dumped.
fn core_dumps(backend: Backend) {
    let did = Both::tracee(env!("CARGO_BIN_EXE_tracee-spawn"), &["core"]).agree(backend);
    assert!(did.stdout.contains("killed by 6, core false"), "{did:?}");
}
