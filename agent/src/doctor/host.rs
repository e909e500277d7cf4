//! What `/proc` says about this process and this machine. Reading and judging are apart, so that the latter
//! is tested on text from other machines.

use std::fs;
use std::path::Path;

use lapwing_kernel::features::{self, Features, name};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;

use super::Area::{Environment, Ptrace};
use super::Check;

const YAMA: &str = "/proc/sys/kernel/yama/ptrace_scope";
const IO_URING: &str = "/proc/sys/kernel/io_uring_disabled";
const ACTIONS: &str = "/proc/sys/kernel/seccomp/actions_avail";

/// Kernel and architecture, for the report's head.
pub(super) fn system() -> String {
    let names = rustix::system::uname();
    let text = |part: &std::ffi::CStr| part.to_string_lossy().into_owned();
    format!("{} {} ({})", text(names.sysname()), text(names.release()), text(names.machine()))
}

/// What tracing depends on.
pub(super) fn ptrace(features: &Features) -> Vec<Check> {
    let has = |capability| features.get(capability).is_some_and(|found| found.state == features::State::Present);
    let may_trace_all = has(name::CAP_SYS_PTRACE);
    let status = read("/proc/self/status").unwrap_or_default();
    let field = |key: &str| {
        status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(|value| value.trim().to_owned())
    };
    vec![
        yama(read(YAMA).as_deref(), may_trace_all),
        capability(may_trace_all),
        set_id(has(name::CAP_SYS_PTRACE), has(name::CAP_SYS_ADMIN), field("NoNewPrivs").as_deref()),
        tracer(field("TracerPid").as_deref()),
        profile(field("Seccomp").as_deref()),
        actions(read(ACTIONS).as_deref()),
        openat2(),
    ]
}

/// What Lapwing runs in.
pub(super) fn environment() -> Vec<Check> {
    vec![
        io_uring(read(IO_URING).as_deref()),
        container(&read("/proc/self/cgroup").unwrap_or_default(), Path::new("/.dockerenv").exists()),
    ]
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

fn yama(scope: Option<&str>, may_trace_all: bool) -> Check {
    let name = "attach to running processes";
    match scope {
        None => Check::yes(Ptrace, name, "no Yama in this kernel: one's own may be traced"),
        Some("0") => Check::yes(Ptrace, name, "kernel.yama.ptrace_scope is 0: one's own may be traced"),
        Some(scope @ ("1" | "2")) if may_trace_all => {
            Check::yes(Ptrace, name, format!("kernel.yama.ptrace_scope is {scope}, which CAP_SYS_PTRACE overrides"))
        }
        Some("1") => Check::no(
            Ptrace,
            name,
            "kernel.yama.ptrace_scope is 1: only one's own children may be traced",
            "`lapwing run` works; for `lapwing trace` give Lapwing CAP_SYS_PTRACE",
        ),
        Some("2") => Check::no(
            Ptrace,
            name,
            "kernel.yama.ptrace_scope is 2: only with CAP_SYS_PTRACE",
            "start Lapwing as root or with CAP_SYS_PTRACE, for `lapwing run` too",
        ),
        Some("3") => Check::no(
            Ptrace,
            name,
            "kernel.yama.ptrace_scope is 3: nobody may trace anything until the next boot",
            "set kernel.yama.ptrace_scope to 1 in /etc/sysctl.d and boot again",
        ),
        Some(other) => Check::unknown(Ptrace, name, format!("kernel.yama.ptrace_scope is {other:?}"))
            .with_advice("a value that Lapwing does not know: try `lapwing trace`"),
    }
}

fn capability(may_trace_all: bool) -> Check {
    let name = "other users' processes";
    if may_trace_all {
        return Check::yes(Ptrace, name, "CAP_SYS_PTRACE");
    }
    Check::no(
        Ptrace,
        name,
        "no CAP_SYS_PTRACE: only processes of the same user can be traced",
        "start Lapwing as root, or in a container with the capability SYS_PTRACE, if others' are of interest",
    )
}

fn set_id(may_trace_all: bool, is_admin: bool, no_new_privs: Option<&str>) -> Check {
    let name = "set-user-id programs";
    if no_new_privs == Some("1") {
        return Check::note(Ptrace, name, "no_new_privs is set already: they have no effect with Lapwing or without");
    }
    if !may_trace_all {
        // security/commoncap.c: an exec under a tracer without the capability gains nothing.
        return Check::no(
            Ptrace,
            name,
            "no CAP_SYS_PTRACE: sudo, su and the like have no effect when traced",
            "start Lapwing as root, if they are to work under it",
        );
    }
    if is_admin {
        return Check::yes(Ptrace, name, "CAP_SYS_ADMIN and CAP_SYS_PTRACE: they keep their effect");
    }
    Check::no(
        Ptrace,
        name,
        "no CAP_SYS_ADMIN: a seccomp filter needs no_new_privs, by which sudo, su and the like lose their effect",
        "start Lapwing as root, or use `lapwing run --on-tracer-death continue`, which installs no filter and is slower",
    )
}

fn tracer(pid: Option<&str>) -> Check {
    let name = "not traced by others";
    match pid {
        Some("0") => Check::yes(Ptrace, name, ""),
        Some(pid) => Check::no(
            Ptrace,
            name,
            format!("process {pid} traces Lapwing, and perhaps all that it starts"),
            "a process has one tracer: run Lapwing outside of it",
        ),
        None => Check::unknown(Ptrace, name, "/proc/self/status does not tell").with_advice("mount /proc"),
    }
}

fn profile(mode: Option<&str>) -> Check {
    let name = "no seccomp profile";
    match mode {
        Some("0") => Check::yes(Ptrace, name, ""),
        Some("2") => {
            Check::note(Ptrace, name, "a filter is in force, as in most containers; what it permits was tried")
        }
        Some(mode) => Check::no(
            Ptrace,
            name,
            format!("seccomp mode {mode}"),
            "Lapwing cannot work in strict mode: start it outside",
        ),
        None => Check::unknown(Ptrace, name, "/proc/self/status does not tell")
            .with_advice("mount /proc, or boot a kernel with CONFIG_SECCOMP"),
    }
}

fn actions(available: Option<&str>) -> Check {
    let name = "seccomp can stop calls";
    match available {
        Some(actions) if actions.split_whitespace().any(|action| action == "trace") => Check::yes(Ptrace, name, ""),
        Some(actions) => Check::no(
            Ptrace,
            name,
            format!("the kernel offers {actions}"),
            "use `lapwing run --on-tracer-death continue`, which works without",
        ),
        None => Check::unknown(Ptrace, name, format!("no {ACTIONS}"))
            .with_advice("Linux has the file since 4.14, if built with CONFIG_SECCOMP_FILTER"),
    }
}

fn openat2() -> Check {
    let name = "openat2";
    match rustix::fs::openat2(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_MAGICLINKS) {
        Ok(_) => Check::yes(Ptrace, name, "resolves paths inside a process's root"),
        Err(errno) => Check::no(Ptrace, name, errno.to_string(), needs_5_6(errno)),
    }
}

/// What to do where a call of Linux 5.6 is missing.
pub(super) fn needs_5_6(errno: Errno) -> &'static str {
    if errno == Errno::NOSYS { "boot Linux 5.6 or later" } else { "allow the call in the container's seccomp profile" }
}

fn io_uring(disabled: Option<&str>) -> Check {
    let name = "no io_uring";
    match disabled {
        Some("2") => Check::yes(Environment, name, "disabled for everyone"),
        Some("1") => Check::yes(Environment, name, "disabled but for privileged processes"),
        Some("0") => Check::note(Environment, name, "io_uring is enabled, and ptrace does not see its operations")
            .with_advice(
                "observe with the kernel backend, use `lapwing run --io-uring deny`, or set kernel.io_uring_disabled",
            ),
        _ => Check::note(Environment, name, format!("no {IO_URING}: Linux before 6.6, or built without"))
            .with_advice("use `lapwing run --io-uring deny` where operations must not go unseen"),
    }
}

fn container(cgroups: &str, docker: bool) -> Check {
    let name = "container";
    // The unified hierarchy comes last; its path is the longest answer in version 1 too.
    let path =
        cgroups.lines().filter_map(|line| line.splitn(3, ':').nth(2)).max_by_key(|path| path.len()).unwrap_or("/");
    let known = ["docker", "kubepods", "containerd", "libpod", "lxc", "ecs", "crio"];
    match known.into_iter().find(|word| path.contains(word)) {
        Some(word) => Check::note(Environment, name, format!("{word}: cgroup {path}")),
        None if docker => Check::note(Environment, name, format!("docker, by /.dockerenv; cgroup {path}")),
        None => Check::note(Environment, name, format!("none that is known; cgroup {path}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;

    #[test]
    fn yama_is_judged_with_the_capability_that_overrides_it() {
        for (scope, capable, state) in [
            (None, false, State::Yes),
            (Some("0"), false, State::Yes),
            (Some("1"), true, State::Yes),
            (Some("1"), false, State::No),
            (Some("2"), true, State::Yes),
            (Some("2"), false, State::No),
            (Some("3"), true, State::No),
            (Some("x"), true, State::Unknown),
        ] {
            assert_eq!(yama(scope, capable).state, state, "{scope:?} {capable}");
        }
    }

    #[test]
    fn no_new_privs_that_is_set_anyway_is_no_loss() {
        assert_eq!(set_id(true, false, Some("1")).state, State::Note);
        assert_eq!(set_id(true, true, Some("0")).state, State::Yes);
        assert_eq!(set_id(false, true, Some("0")).state, State::No);
        assert_eq!(set_id(true, false, Some("0")).state, State::No);
    }

    #[test]
    fn seccomp_is_judged_by_mode_and_actions() {
        assert_eq!(profile(Some("0")).state, State::Yes);
        assert_eq!(profile(Some("2")).state, State::Note);
        assert_eq!(profile(Some("1")).state, State::No);
        assert_eq!(actions(Some("kill_process kill_thread trap errno user_notif trace log allow")).state, State::Yes);
        assert_eq!(actions(Some("kill_process errno")).state, State::No);
        assert_eq!(actions(None).state, State::Unknown);
    }

    #[test]
    fn containers_are_known_by_their_cgroup() {
        let docker = "12:pids:/docker/0123abc\n0::/\n";
        assert!(container(docker, false).detail.starts_with("docker: cgroup /docker/0123abc"));
        assert!(container("0::/kubepods.slice/x\n", false).detail.starts_with("kubepods: "));
        assert!(container("0::/\n", true).detail.starts_with("docker, by"));
        assert!(container("0::/user.slice\n", false).detail.starts_with("none"));
    }
}
