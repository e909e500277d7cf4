//! A profile as a seccomp profile of the OCI runtime specification: what was called is allowed, all else refused.
//!
//! A container runtime applies the filter to itself before it executes the container's program, so that what it does in
//! between has to be allowed, too. That is [`RUNTIME`], apart from what the workload needs, so that readers can tell.

use lapwing_common::syscall::{Arch, names};
use lapwing_proto::dumps::SecurityProfile;
use serde::Serialize;

/// What runc does between applying the filter and `execve`: seen under strace with runc 1.1, with `noNewPrivileges` and
/// without, which apply it at different times; for later versions what they are known to do (runc#2097). Most is the Go
/// runtime's: its threads go on, and may be interrupted or replaced.
const RUNTIME: &[&str] = &[
    "brk",
    "capget",
    "capset",
    "chdir",
    "clone",
    "close",
    "close_range",
    "epoll_ctl",
    "epoll_pwait",
    "execve",
    "exit",
    "exit_group",
    "faccessat",
    "faccessat2",
    "fchown",
    "fcntl",
    "fstat",
    "fstatfs",
    "futex",
    "getcwd",
    "getdents64",
    "getpid",
    "getppid",
    "gettid",
    "madvise",
    "mmap",
    "munmap",
    "nanosleep",
    "newfstatat",
    "openat",
    "openat2",
    "prctl",
    "prlimit64",
    "read",
    "readlinkat",
    "restart_syscall",
    "rt_sigaction",
    "rt_sigprocmask",
    "rt_sigreturn",
    "sched_yield",
    "setgid",
    "setgroups",
    "setuid",
    "sigaltstack",
    "tgkill",
    "write",
];

/// Why there is no seccomp profile.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The profile knows of calls only by events.
    CallsOfEvents,
    /// The numbers mean nothing.
    UnknownProcessor(String),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Seccomp {
    default_action: &'static str,
    architectures: [&'static str; 1],
    syscalls: [Allowed; 2],
}

#[derive(Serialize)]
struct Allowed {
    names: Vec<&'static str>,
    action: &'static str,
}

/// A processor by its name in dumps, and its name in OCI files. 32-bit programs are refused by leaving their interfaces
/// out.
pub(super) fn processor(name: &str) -> Option<(Arch, &'static str)> {
    match name {
        "x86_64" | "amd64" => Some((Arch::X86_64, "SCMP_ARCH_X86_64")),
        "aarch64" | "arm64" => Some((Arch::Aarch64, "SCMP_ARCH_AARCH64")),
        _ => None,
    }
}

/// The seccomp profile, as JSON.
pub(super) fn export(profile: &SecurityProfile) -> Result<String, Refusal> {
    let arch = profile.metadata.as_ref().map_or("", |metadata| &*metadata.arch);
    let (arch, oci) = processor(arch).ok_or_else(|| Refusal::UnknownProcessor(arch.into()))?;
    let calls = super::calls(profile);
    if !super::knows_all_calls(profile) {
        return Err(Refusal::CallsOfEvents);
    }
    let mut names: Vec<_> = calls
        .into_iter()
        .filter_map(|number| names::name(arch, number))
        .filter(|name| !RUNTIME.contains(name))
        .collect();
    names.sort_unstable();
    let action = "SCMP_ACT_ALLOW";
    let seccomp = Seccomp {
        default_action: "SCMP_ACT_ERRNO",
        architectures: [oci],
        syscalls: [Allowed { names: RUNTIME.to_vec(), action }, Allowed { names, action }],
    };
    // Text always becomes JSON.
    let mut text = serde_json::to_string_pretty(&seccomp).unwrap_or_default();
    text.push('\n');
    Ok(text)
}
