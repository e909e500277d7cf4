//! Commands started under a filter, followed by a loop that lets them go on.

#![allow(unsafe_code, reason = "prctl and pthread_sigmask")]

use std::ffi::CString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use lapwing_common::syscall::Arch;
use nix::errno::Errno;

use super::{ExecFailure, Inherited, Launch, SpawnError, Step, needs_no_new_privs};
use crate::os::request::{self, Op};
use crate::os::wait::{Status, Stop, WaitMode, wait_for};
use crate::os::{Options, Signal};
use crate::seccomp::{Action, FOREIGN, Trap, compile, install};

fn c(text: &str) -> CString {
    CString::new(text).unwrap()
}

fn trap(number: libc::c_long, action: Action) -> Trap {
    Trap { arch: Arch::NATIVE, number: number.try_into().unwrap(), tests: Vec::new(), action }
}

fn filter(traps: &[Trap]) -> Vec<libc::sock_filter> {
    compile(traps, Arch::NATIVE.reachable(), FOREIGN).unwrap()
}

fn launch(argv: &[&str]) -> Launch {
    Launch {
        program: c(argv[0]),
        argv: argv.iter().map(|argument| c(argument)).collect(),
        envp: vec![c("PATH=/usr/bin:/bin")],
        filter: Some(filter(&[trap(libc::SYS_execve, Action::Trace(1)), trap(libc::SYS_openat, Action::Trace(2))])),
        listening: false,
        no_new_privs: needs_no_new_privs(),
        inherited: Inherited::default(),
        options: Options::PTRACE_O_TRACESECCOMP | Options::PTRACE_O_TRACEEXEC | Options::PTRACE_O_EXITKILL,
    }
}

/// What was seen of a command.
#[derive(Debug)]
struct Seen {
    /// The data of the filter's stops, and 0 for the stop after a successful `execve`.
    stops: Vec<u64>,
    end: Status,
    failure: Option<ExecFailure>,
}

fn follow(launch: &Launch) -> Seen {
    let mut child = launch.start(|_| Ok(())).unwrap();
    let mut stops = Vec::new();
    loop {
        let Ok(Some((tid, status))) = wait_for(child.pid, WaitMode::Block) else { continue };
        let mut signal = None;
        match status {
            Status::Stopped(Stop::Seccomp) => {
                assert!(matches!(request::syscall_info(tid).unwrap().op, Op::Seccomp { .. }));
                stops.push(request::event_message(tid).unwrap());
            }
            Status::Stopped(Stop::Exec) => stops.push(0),
            Status::Stopped(Stop::Signal(arrived)) => signal = Some(arrived),
            Status::Stopped(_) => {}
            end => return Seen { stops, end, failure: child.outcome.failure() },
        }
        request::cont(tid, signal).unwrap();
    }
}

#[test]
fn a_command_runs_to_its_end() {
    let seen = follow(&launch(&["/bin/true"]));
    assert_eq!(seen.end, Status::Exited(0));
    assert_eq!(seen.failure, None);
    // Its own execve first, then that has happened, then the loader opens libraries.
    assert_eq!(seen.stops[..2], [1, 0], "{seen:?}");
    assert!(seen.stops[2..].iter().all(|data| *data == 2) && seen.stops.len() > 2, "{seen:?}");
}

#[test]
fn without_a_filter_nothing_stops() {
    let seen =
        follow(&Launch { filter: None, options: Options::PTRACE_O_EXITKILL, ..launch(&["/bin/sh", "-c", "exit 7"]) });
    // An execve without TRACEEXEC still makes no SIGTRAP for a seized tracee.
    assert_eq!((seen.end, seen.stops.len(), seen.failure), (Status::Exited(7), 0, None));
}

#[test]
fn every_call_can_be_seen_from_the_first() {
    let launch = Launch {
        filter: None,
        options: Options::PTRACE_O_EXITKILL | Options::PTRACE_O_TRACESYSGOOD,
        ..launch(&["/bin/true"])
    };
    let mut child = launch
        .start(|pid| {
            request::interrupt(pid)?;
            assert_eq!(wait_for(pid, WaitMode::Block), Ok(Some((pid, Status::Stopped(Stop::Trap)))));
            request::syscall(pid, None)
        })
        .unwrap();
    let mut numbers = Vec::new();
    loop {
        match wait_for(child.pid, WaitMode::Block) {
            Ok(Some((_, Status::Exited(code)))) => break assert_eq!(code, 0),
            Ok(Some((_, Status::Stopped(_)))) => {}
            other => panic!("{other:?}"),
        }
        if let Op::Entry { nr, .. } = request::syscall_info(child.pid).unwrap().op {
            numbers.push(i64::try_from(nr).unwrap());
        }
        request::syscall(child.pid, None).unwrap();
    }
    let position = |number: libc::c_long| numbers.iter().position(|found| *found == number);
    assert!(position(libc::SYS_execve).is_some() && position(libc::SYS_execve) < position(libc::SYS_openat));
    assert_eq!(child.outcome.failure(), None);
}

#[test]
fn a_missing_command_is_told_from_one_that_exits_127() {
    let seen = follow(&launch(&["/nowhere/at/all"]));
    assert_eq!(seen.end, Status::Exited(127));
    assert_eq!(seen.failure, Some(ExecFailure { step: Step::Exec, errno: Errno::ENOENT }));
    assert_eq!(seen.stops, [1]);
    let seen = follow(&launch(&["/etc/passwd"]));
    assert_eq!(seen.end, Status::Exited(126));
    assert_eq!(seen.failure, Some(ExecFailure { step: Step::Exec, errno: Errno::EACCES }));
    let seen = follow(&launch(&["/bin/sh", "-c", "exit 127"]));
    assert_eq!((seen.end, seen.failure), (Status::Exited(127), None));
}

#[test]
fn a_script_without_interpreter_goes_to_the_shell() {
    let directory = tempfile::tempdir().unwrap();
    let script = directory.path().join("script");
    fs::write(&script, "test \"$1 $2\" = 'one two' && exit 5\n").unwrap();
    fs::set_permissions(&script, Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    let seen = follow(&launch(&[script, "one", "two"]));
    assert_eq!((seen.end, seen.failure), (Status::Exited(5), None));
    assert_eq!(seen.stops[..3], [1, 1, 0], "{seen:?}");
}

#[test]
fn signals_begin_as_they_were_inherited() {
    // Rust ignores SIGPIPE; the test process was not started so.
    let now = Inherited::now();
    let pipe = 1 << (libc::SIGPIPE - 1);
    assert_eq!(now.ignored & pipe, pipe);
    assert_eq!(Inherited::at_start().ignored & pipe, 0, "the constructor did not run before Rust's runtime");

    let status = |inherited: Inherited| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("status");
        let command = format!("exec grep -E '^Sig(Blk|Ign)' /proc/self/status >{}", file.display());
        let seen = follow(&Launch { inherited, filter: None, ..launch(&["/bin/sh", "-c", &command]) });
        assert_eq!(seen.end, Status::Exited(0));
        let sets: Vec<u64> = fs::read_to_string(file)
            .unwrap()
            .lines()
            .map(|line| u64::from_str_radix(line.split_once('\t').unwrap().1, 16).unwrap())
            .collect();
        Inherited { mask: sets[0], ignored: sets[1], ..inherited }
    };
    // Signal 33 belongs to the C library, which lets nobody touch it.
    let ignored = 1 << (libc::SIGHUP - 1) | 1 << (33 - 1);
    let other = Inherited { mask: 1 << (36 - 1) | 1 << (libc::SIGUSR2 - 1), ignored, closed: 0 };
    for inherited in [Inherited::default(), other] {
        assert_eq!(status(inherited), inherited);
    }
    // Starting a command leaves the tracer's own as they were.
    assert_eq!(Inherited::now(), now);
}

/// What the descriptors that survive an `execve` refer to.
fn inheritable() -> Vec<String> {
    let kept = |fd: i32| {
        // SAFETY: takes no pointers, and fails for a number that is closed by now.
        let flags = unsafe { libc::fcntl(fd, libc::F_GETFD) };
        flags >= 0 && flags & libc::FD_CLOEXEC == 0
    };
    let entries = fs::read_dir("/proc/self/fd").unwrap().map(|entry| entry.unwrap());
    entries
        .filter(|entry| kept(entry.file_name().to_str().unwrap().parse().unwrap()))
        .filter_map(|entry| Some(fs::read_link(entry.path()).ok()?.to_str()?.to_owned()))
        .collect()
}

#[test]
fn no_pipe_of_ours_is_passed_on() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("list");
    let command = format!("exec ls -l /proc/self/fd >{}", file.display());
    // Whoever runs the tests may have left pipes open, as cargo does.
    let known = inheritable();
    let seen = follow(&launch(&["/bin/sh", "-c", &command]));
    assert_eq!(seen.end, Status::Exited(0));
    let list = fs::read_to_string(file).unwrap();
    let links = list.lines().filter_map(|line| line.split_once(" -> ")).map(|(_, link)| link);
    for pipe in links.filter(|link| link.starts_with("pipe:")) {
        assert!(known.iter().any(|known| known == pipe), "{pipe} in\n{list}\nbut not in {known:?}");
    }
}

#[test]
fn a_signal_ends_it() {
    let seen = follow(&launch(&["/bin/sh", "-c", "kill -40 $$"]));
    assert_eq!(seen.end, Status::Killed { signal: Signal(40), core_dumped: false });
}

#[test]
fn forbidden_ptrace_is_an_error_and_leaves_no_child() {
    // Filters are per thread, so forbidding it here forbids it to no other test.
    thread::spawn(|| {
        // SAFETY: takes no pointers.
        assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
        install(&filter(&[trap(libc::SYS_ptrace, Action::Errno(1))])).unwrap();
        let error = launch(&["/bin/true"]).start(|_| Ok(())).unwrap_err();
        assert!(matches!(error, SpawnError::PtraceForbidden { errno: Errno::EPERM }), "{error}");
        let flags = libc::WNOHANG | libc::__WALL | libc::__WNOTHREAD;
        // SAFETY: asks for nothing but whether this thread has children.
        assert_eq!(unsafe { libc::waitpid(-1, std::ptr::null_mut(), flags) }, -1);
        assert_eq!(Errno::last(), Errno::ECHILD);
    })
    .join()
    .unwrap();
}

#[test]
fn a_filter_without_the_right_to_it_is_reported() {
    // Too many instructions for one filter: refused whoever asks.
    let allow = libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW };
    let seen = follow(&Launch { filter: Some(vec![allow; 5000]), ..launch(&["/bin/true"]) });
    assert_eq!(seen.failure, Some(ExecFailure { step: Step::Filter, errno: Errno::EINVAL }));
    assert_eq!(seen.end, Status::Exited(126));
}
