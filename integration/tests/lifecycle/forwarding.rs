//! Signals to Lapwing are signals to its command: each reaches it exactly once.

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use lapwing_integration::harness::{Backend, Lapwing};
use lapwing_integration::run::{Watchdog, end_of, shell_status};
use lapwing_integration::under_each_backend;
use tempfile::TempDir;

under_each_backend!(each_arrives_once, the_status_follows_the_command, an_ignored_signal_ends_nothing);

fn lapwing(backend: Backend, way: &[&str], command: &[&str], directory: &TempDir) -> Command {
    let lapwing = Lapwing::with(backend).options(way);
    let mut command = lapwing.command(command, &directory.path().join("events.json"));
    // A group of its own, as a shell gives each job.
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

fn send(pid: u32, signal: i32) {
    // SAFETY: takes no pointers; the child has not been waited for.
    assert_eq!(unsafe { libc::kill(pid.cast_signed(), signal) }, 0);
}

/// A command that tells what it gets; each is told before the next is sent.
fn each_arrives_once(backend: Backend) {
    let directory = TempDir::new().unwrap();
    for way in backend.ways() {
        let program = env!("CARGO_BIN_EXE_tracee-signals");
        let mut child = lapwing(backend, way, &[program, "outside", "0"], &directory).spawn().unwrap();
        let watchdog = Watchdog::over(&child);
        let mut told = BufReader::new(child.stdout.take().unwrap());
        let mut line = || {
            let mut line = String::new();
            told.read_line(&mut line).unwrap();
            line.split(" code").next().unwrap().to_owned()
        };
        assert!(line().starts_with("pid "));
        let real_time = [34, 40, 61];
        let usual = [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGTERM];
        for signal in usual.into_iter().chain([libc::SIGALRM, libc::SIGWINCH]).chain(real_time) {
            for _ in 0..3 {
                send(child.id(), signal);
                assert_eq!(line(), format!("signal {signal}"), "{way:?}");
            }
        }
        // Had one come twice, it would be told now.
        send(child.id(), 64);
        let mut rest = String::new();
        told.read_to_string(&mut rest).unwrap();
        assert_eq!((rest.lines().count(), rest.starts_with("signal 64")), (1, true), "{rest}");
        drop(watchdog);
        assert_eq!(shell_status(end_of(child).status), 0);
    }
}

/// A command that does not handle them dies of them, and Lapwing says so as a shell does.
fn the_status_follows_the_command(backend: Backend) {
    let directory = TempDir::new().unwrap();
    for way in backend.ways() {
        for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT, libc::SIGUSR1, libc::SIGUSR2, libc::SIGTERM] {
            let program = env!("CARGO_BIN_EXE_tracee-signals");
            let mut child = lapwing(backend, way, &[program, "ready"], &directory).spawn().unwrap();
            let _watchdog = Watchdog::over(&child);
            let mut told = BufReader::new(child.stdout.take().unwrap());
            told.read_line(&mut String::new()).unwrap();
            send(child.id(), signal);
            assert_eq!(shell_status(end_of(child).status), 128 + signal, "{way:?} {signal}");
        }
    }
}

/// A command that ignores SIGTERM is not ended by Lapwing's having got one.
fn an_ignored_signal_ends_nothing(backend: Backend) {
    let directory = TempDir::new().unwrap();
    for (number, way) in backend.ways().iter().enumerate() {
        let script = "trap '' TERM; echo ready; read line < \"$0\"; echo \"$line\"; exit 6";
        let fifo = directory.path().join(number.to_string());
        nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let mut child =
            lapwing(backend, way, &["bash", "-c", script, fifo.to_str().unwrap()], &directory).spawn().unwrap();
        let _watchdog = Watchdog::over(&child);
        let mut told = BufReader::new(child.stdout.take().unwrap());
        told.read_line(&mut String::new()).unwrap();
        for _ in 0..3 {
            send(child.id(), libc::SIGTERM);
        }
        std::fs::write(&fifo, "alive\n").unwrap();
        let mut rest = String::new();
        told.read_to_string(&mut rest).unwrap();
        assert_eq!((rest.as_str(), shell_status(end_of(child).status)), ("alive\n", 6));
    }
}
