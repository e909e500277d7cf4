//! Executes a command under a seccomp filter that refuses `ptrace` or `bpf`, as containers have it: `ptrace CMD…`.

#![allow(unsafe_code, reason = "installs a filter")]

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let call = match arguments.next().as_deref().and_then(OsStr::to_str) {
        Some("ptrace") => libc::SYS_ptrace,
        Some("bpf") => libc::SYS_bpf,
        _ => return ExitCode::from(2),
    };
    let Some(program) = arguments.next() else { return ExitCode::from(2) };
    if let Err(error) = refuse(call) {
        eprintln!("tracee-without: {error}");
        return ExitCode::from(3);
    }
    let error = Command::new(program).args(arguments).exec();
    eprintln!("tracee-without: {error}");
    ExitCode::from(4)
}

fn refuse(call: libc::c_long) -> std::io::Result<()> {
    let call = u32::try_from(call).unwrap_or(u32::MAX);
    let refuse = libc::SECCOMP_RET_ERRNO | 1;
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: u16::try_from(code).unwrap_or(0), jt, jf, k };
    let mut filter = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, refuse),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let program = libc::sock_fprog { len: 4, filter: filter.as_mut_ptr() };
    // SAFETY: `program` points to four instructions, which the kernel copies.
    let installed = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
    };
    if installed { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}
