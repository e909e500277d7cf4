//! Lines about processes.

use std::sync::Arc;

use lapwing_common::accounts::{Accounts, Naming, Table};
use lapwing_common::event::{
    Capset, Chdir, Chroot, Exec, Exit, ExitCause, Fork, Prctl, Ptrace, Setgid, Setns, Setrlimit, Setuid, Signal,
    Unshare,
};
use lapwing_common::ids::Pid;
use lapwing_common::schema::Short;

use super::shown;
use crate::output::sample::{file, process, script, text};

#[test]
fn exec() {
    let started = |process| Exec { process, refused: None, path: None, retval: 0 };
    let git = process(7, "/usr/bin/git", &[b"git", b"commit", b"-m", b"it's done"]);
    assert_eq!(shown(started(git)), r"exec /usr/bin/git commit -m 'it'\''s done'");
    let busybox = process(7, "/bin/busybox", &[b"ls", b""]);
    assert_eq!(shown(started(busybox)), "exec /bin/busybox '' (as ls)");
    let by_path = process(7, "/usr/bin/git", &[b"/usr/local/bin/git"]);
    assert_eq!(shown(started(by_path)), "exec /usr/bin/git");
    let login = process(7, "/bin/bash", &[b"-bash"]);
    assert_eq!(shown(started(login)), "exec /bin/bash (as -bash)");
    let without = process(7, "/bin/x", &[]);
    assert_eq!(shown(started(without)), "exec /bin/x (as '')");
    let script = script(7, "/srv/run.sh", &[b"./run.sh", b"-v"], Some("/usr/bin/bash"));
    assert_eq!(shown(started(script)), "exec /srv/run.sh -v (by /usr/bin/bash)");
    let refused = Exec {
        process: process(7, "/bin/bash", &[b"bash"]),
        refused: Some(file("/etc/passwd")),
        path: None,
        retval: -13,
    };
    assert_eq!(shown(refused), "exec /etc/passwd EACCES");
}

#[test]
fn fork_and_exit() {
    assert_eq!(shown(Fork { child: process(4712, "/bin/bash", &[]) }), "fork → 4712");
    assert_eq!(shown(Exit { cause: ExitCause::Exited, code: 0 }), "exit 0");
    assert_eq!(shown(Exit { cause: ExitCause::Signaled, code: 15 }), "exit killed by SIGTERM");
    assert_eq!(shown(Exit { cause: ExitCause::CoreDumped, code: 11 }), "exit killed by SIGSEGV (core dumped)");
    assert_eq!(shown(Exit { cause: ExitCause::Signaled, code: 99 }), "exit killed by signal 99");
}

#[test]
fn credentials() {
    let users = Table::users(b"root:x:0:0::/:\no(d\x1bd:x:1000:1000::/:\n");
    let naming = Naming::by(Arc::new(Accounts { users, ..Accounts::default() }));
    let named = Setuid { uid: 1000, euid: 0, fsuid: -1, retval: 0, naming };
    assert_eq!(shown(named), r"setuid uid=1000(o(d\x1bd) euid=0(root) fsuid=-");
    assert_eq!(
        shown(Setuid { uid: 1000, euid: 0, fsuid: 0, retval: 0, naming: Naming::default() }),
        "setuid uid=1000 euid=0 fsuid=0"
    );
    assert_eq!(
        shown(Setgid { gid: -1, egid: 5, fsgid: -1, retval: -1, naming: Naming::default() }),
        "setgid gid=- egid=5 fsgid=- EPERM"
    );
    assert_eq!(shown(Capset { effective: 0, permitted: u64::MAX, retval: 0 }), "capset effective=none permitted=all");
    assert_eq!(
        shown(Capset { effective: 1 << 21, permitted: 1 << 21 | 1, retval: 0 }),
        "capset effective=CAP_SYS_ADMIN permitted=CAP_CHOWN|CAP_SYS_ADMIN"
    );
}

#[test]
fn limits_and_options() {
    let limit =
        |target_pid, target| Setrlimit { resource: 7, soft: 1024, hard: u64::MAX, target_pid, target, retval: 0 };
    assert_eq!(shown(limit(Pid(0), None)), "setrlimit RLIMIT_NOFILE soft=1024 hard=unlimited");
    assert_eq!(
        shown(limit(Pid(12), Some(process(12, "/bin/cat", &[])))),
        "setrlimit RLIMIT_NOFILE soft=1024 hard=unlimited of 12 (cat)"
    );
    let name = Some(Short::new(b"my worker"));
    assert_eq!(
        shown(Prctl { option: 15, new_name: name, name_truncated: false, retval: 0 }),
        "prctl PR_SET_NAME 'my worker'"
    );
    assert_eq!(shown(Prctl { option: 4, new_name: None, name_truncated: false, retval: 0 }), "prctl PR_SET_DUMPABLE");
}

#[test]
fn signals_and_tracing() {
    let signal = |number, pid, target| Signal { number, pid, target, retval: 0 };
    assert_eq!(shown(signal(15, 12, Some(process(12, "/bin/cat", &[])))), "signal SIGTERM → 12 (cat)");
    assert_eq!(shown(signal(9, 0, None)), "signal SIGKILL → own process group");
    assert_eq!(shown(signal(1, -1, None)), "signal SIGHUP → every process");
    assert_eq!(shown(signal(40, -77, None)), "signal SIGRTMIN+8 → process group 77");
    assert_eq!(shown(signal(0, 12, None)), "signal 0 → 12");
    let ptrace = Ptrace { request: 16, pid: 12, tracee: Some(process(12, "/bin/cat", &[])), retval: -1 };
    assert_eq!(shown(ptrace), "ptrace PTRACE_ATTACH 12 (cat) EPERM");
}

#[test]
fn directories_and_namespaces() {
    assert_eq!(shown(Chdir { file: file("/tmp"), path: text(b"."), retval: 0 }), "chdir /tmp");
    assert_eq!(shown(Chroot { file: file("/srv/a b"), path: None, retval: -1 }), "chroot '/srv/a b' EPERM");
    assert_eq!(
        shown(Setns { namespace: (*b"net:[4026531840]").into(), flags: 0x4000_0000, retval: 0 }),
        "setns net:[4026531840] CLONE_NEWNET"
    );
    assert_eq!(shown(Unshare { flags: 0x1002_0000, retval: 0 }), "unshare CLONE_NEWNS|CLONE_NEWUSER");
}
