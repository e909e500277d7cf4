//! Requests against small tracees of our own.

#![allow(unsafe_code, reason = "the tracees make raw system calls")]

use lapwing_common::syscall::Arch;

use super::{
    Op, Options, Signal, cont, detach, event_message, interrupt, listen, set_argument, set_result, siginfo,
    skip_syscall, syscall, syscall_info,
};
use crate::os::tracee::Tracee;
use crate::os::wait::{Status, Stop};
use crate::seccomp::{Action, FOREIGN, Trap, compile, install};

const SECCOMP: Options = Options::PTRACE_O_TRACESECCOMP.union(Options::PTRACE_O_EXITKILL);
const SYSCALLS: Options = Options::PTRACE_O_TRACESYSGOOD.union(Options::PTRACE_O_EXITKILL);

/// Traces one call by one interface, for the calling process from now on.
fn trace_call(arch: Arch, number: u32) {
    let trap = Trap { arch, number, tests: Vec::new(), action: Action::Trace(77) };
    let filter = compile(&[trap], Arch::NATIVE.reachable(), FOREIGN).unwrap();
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) }, 0);
    install(&filter).unwrap();
}

fn native(number: libc::c_long) -> u32 {
    u32::try_from(number).unwrap()
}

/// A call with six recognisable arguments, of which the kernel looks at none before failing.
fn call(number: libc::c_long) -> i32 {
    // SAFETY: the numbers used here fail for these arguments without touching memory.
    let result = unsafe { libc::syscall(number, -1_i64, 0x2222_3333_4444_i64, 3_i64, 4_i64, 5_i64, 6_i64) };
    if result < 0 { nix::errno::Errno::last_raw() } else { 0 }
}

#[test]
fn seccomp_stop_shows_the_call_and_can_refuse_it() {
    let mut tracee = Tracee::seized(SECCOMP, || {
        trace_call(Arch::NATIVE, native(libc::SYS_mkdirat));
        i32::from(call(libc::SYS_mkdirat) != libc::EOWNERDEAD)
    });
    tracee.expect(Stop::Seccomp);
    assert_eq!(event_message(tracee.pid).unwrap(), 77);
    let info = syscall_info(tracee.pid).unwrap();
    assert_eq!(info.arch, Arch::NATIVE.audit());
    assert!(info.ip != 0 && info.sp != 0);
    let Op::Seccomp { nr, args, data: 77 } = info.op else { panic!("{info:?}") };
    assert_eq!(nr, u64::from(native(libc::SYS_mkdirat)));
    assert_eq!(args, [u64::MAX, 0x2222_3333_4444, 3, 4, 5, 6]);
    skip_syscall(tracee.pid, libc::EOWNERDEAD).unwrap();
    cont(tracee.pid, None).unwrap();
    assert_eq!(tracee.next(), Status::Exited(0));
}

#[test]
fn skipped_at_entry_fails_at_exit() {
    let mut tracee = Tracee::seized(SECCOMP | SYSCALLS, || {
        trace_call(Arch::NATIVE, native(libc::SYS_mkdirat));
        let refused = call(libc::SYS_mkdirat) == libc::EOWNERDEAD;
        let again = call(libc::SYS_mkdirat) == libc::ENOTRECOVERABLE;
        i32::from(!(refused && again))
    });
    for result in [None, Some(-i64::from(libc::ENOTRECOVERABLE))] {
        tracee.expect(Stop::Seccomp);
        skip_syscall(tracee.pid, libc::EOWNERDEAD).unwrap();
        syscall(tracee.pid, None).unwrap();
        tracee.expect(Stop::SyscallTrap);
        let Op::Exit { result: shown } = syscall_info(tracee.pid).unwrap().op else { panic!("no exit stop") };
        assert_eq!(shown, -i64::from(libc::EOWNERDEAD));
        if let Some(result) = result {
            set_result(tracee.pid, result).unwrap();
        }
        cont(tracee.pid, None).unwrap();
    }
    assert_eq!(tracee.next(), Status::Exited(0));
}

#[test]
fn syscall_mode_stops_at_entry_and_exit() {
    let mut tracee = Tracee::seized(SYSCALLS, || {
        let stopped = unsafe_raise(libc::SIGUSR1);
        i32::from(stopped != 0 || call(libc::SYS_mkdirat) != libc::EOWNERDEAD)
    });
    tracee.expect(Stop::Signal(Signal(libc::SIGUSR1)));
    let mut results = Vec::new();
    loop {
        syscall(tracee.pid, None).unwrap();
        match tracee.next() {
            Status::Exited(code) => {
                assert_eq!(code, 0);
                break;
            }
            status => assert_eq!(status, Status::Stopped(Stop::SyscallTrap)),
        }
        match syscall_info(tracee.pid).unwrap().op {
            Op::Entry { nr, .. } if nr == u64::from(native(libc::SYS_mkdirat)) => {
                skip_syscall(tracee.pid, libc::EOWNERDEAD).unwrap();
                results.push(1);
            }
            Op::Exit { result } if result == -i64::from(libc::EOWNERDEAD) => results.push(result),
            Op::Seccomp { .. } | Op::None => panic!("not a syscall-stop"),
            Op::Entry { .. } | Op::Exit { .. } => {}
        }
    }
    assert_eq!(results, [1, -i64::from(libc::EOWNERDEAD)]);
}

fn unsafe_raise(signal: i32) -> i32 {
    // SAFETY: takes no pointers.
    unsafe { libc::raise(signal) }
}

#[test]
fn arguments_can_be_replaced() {
    let mut tracee = Tracee::seized(SECCOMP, || {
        trace_call(Arch::NATIVE, native(libc::SYS_exit_group));
        3
    });
    tracee.expect(Stop::Seccomp);
    set_argument(tracee.pid, Arch::NATIVE, 0, 7).unwrap();
    set_argument(tracee.pid, Arch::NATIVE, 6, 8).unwrap();
    cont(tracee.pid, None).unwrap();
    assert_eq!(tracee.next(), Status::Exited(7));
}

#[cfg(target_arch = "x86_64")]
mod i386 {
    use super::*;

    /// `exit_group` and `mkdir` of i386.
    const EXIT_GROUP: u32 = 252;
    const MKDIR: u32 = 39;

    /// A call through the 32-bit entry from 64-bit code, with its first argument.
    fn int80(number: u32, first: u32) -> i32 {
        let result: i32;
        // SAFETY: rbx is the compiler's, so it is put back; the call fails or ends the process.
        unsafe {
            std::arch::asm!(
                "xchg rbx, {first:r}", "int 0x80", "xchg rbx, {first:r}",
                first = inout(reg) u64::from(first) => _, inlateout("eax") number => result,
                in("ecx") 0, in("edx") 0, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
        result
    }

    /// Some kernels and sandboxes have no 32-bit entry; then `int 0x80` is a fault.
    fn available() -> bool {
        let mut tracee = Tracee::seized(Options::empty(), || int80(20, 0).signum());
        match tracee.next() {
            Status::Exited(1) => true,
            status => {
                assert!(std::env::var_os("LAPWING_REQUIRE_ALL").is_none(), "no 32-bit system calls: {status:?}");
                false
            }
        }
    }

    #[test]
    fn calls_are_seen_and_can_be_refused() {
        if !available() {
            return;
        }
        let mut tracee = Tracee::seized(SECCOMP, || {
            trace_call(Arch::I386, MKDIR);
            i32::from(int80(MKDIR, 0) != -libc::EOWNERDEAD)
        });
        tracee.expect(Stop::Seccomp);
        let info = syscall_info(tracee.pid).unwrap();
        assert_eq!(info.arch, Arch::I386.audit());
        assert!(matches!(info.op, Op::Seccomp { nr: 39, data: 77, .. }), "{info:?}");
        skip_syscall(tracee.pid, libc::EOWNERDEAD).unwrap();
        cont(tracee.pid, None).unwrap();
        assert_eq!(tracee.next(), Status::Exited(0));
    }

    #[test]
    fn arguments_are_in_their_own_registers() {
        if !available() {
            return;
        }
        let mut tracee = Tracee::seized(SECCOMP, || {
            trace_call(Arch::I386, EXIT_GROUP);
            int80(EXIT_GROUP, 3)
        });
        tracee.expect(Stop::Seccomp);
        set_argument(tracee.pid, Arch::I386, 0, 9).unwrap();
        cont(tracee.pid, None).unwrap();
        assert_eq!(tracee.next(), Status::Exited(9));
    }
}

#[test]
fn real_time_signals_pass_through() {
    let signal = Signal(37);
    let mut tracee = Tracee::seized(Options::PTRACE_O_EXITKILL, move || unsafe_raise(signal.0));
    tracee.expect(Stop::Signal(signal));
    let info = siginfo(tracee.pid).unwrap();
    assert_eq!((info.signal, info.code, info.pid), (signal, libc::SI_TKILL, tracee.pid));
    assert!(info.is_sent());
    cont(tracee.pid, Some(signal)).unwrap();
    assert_eq!(tracee.next(), Status::Killed { signal, core_dumped: false });
}

#[test]
fn group_stops_last_until_sigcont() {
    let mut tracee = Tracee::seized(Options::PTRACE_O_EXITKILL, || unsafe_raise(libc::SIGTSTP));
    // Elsewhere the test process may be in an orphaned group, for which SIGTSTP does nothing.
    tracee.expect(Stop::Signal(Signal(libc::SIGTSTP)));
    cont(tracee.pid, Some(Signal::STOP)).unwrap();
    tracee.expect(Stop::Group(Signal::STOP));
    assert!(!siginfo(tracee.pid).unwrap().is_sent());
    listen(tracee.pid).unwrap();
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { libc::kill(tracee.pid, libc::SIGCONT) }, 0);
    tracee.expect(Stop::Trap);
    cont(tracee.pid, None).unwrap();
    tracee.expect(Stop::Signal(Signal(libc::SIGCONT)));
    cont(tracee.pid, Some(Signal(libc::SIGCONT))).unwrap();
    assert_eq!(tracee.next(), Status::Exited(0));
}

#[test]
fn interrupt_stops_a_sleeper_and_detach_frees_it() {
    let mut tracee = Tracee::seized(Options::empty(), || {
        // SAFETY: takes no pointers.
        unsafe { libc::pause() }
    });
    interrupt(tracee.pid).unwrap();
    tracee.expect(Stop::Trap);
    assert_eq!(syscall_info(tracee.pid).unwrap().op, Op::None);
    detach(tracee.pid, None).unwrap();
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { libc::kill(tracee.pid, libc::SIGTERM) }, 0);
    assert_eq!(tracee.next(), Status::Killed { signal: Signal(libc::SIGTERM), core_dumped: false });
}

#[test]
fn requests_to_the_dead_say_so() {
    let mut tracee = Tracee::seized(Options::empty(), || unsafe_raise(libc::SIGUSR1));
    tracee.expect(Stop::Signal(Signal(libc::SIGUSR1)));
    // SAFETY: takes no pointers.
    assert_eq!(unsafe { libc::kill(tracee.pid, libc::SIGKILL) }, 0);
    assert_eq!(tracee.next(), Status::Killed { signal: Signal::KILL, core_dumped: false });
    for error in [
        cont(tracee.pid, None).unwrap_err(),
        syscall_info(tracee.pid).unwrap_err(),
        skip_syscall(tracee.pid, 1).unwrap_err(),
    ] {
        assert!(error.gone(), "{error}");
    }
}
