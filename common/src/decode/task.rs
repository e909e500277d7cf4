//! What processes do to themselves and to one another.

use alloc::sync::Arc;

use super::{long_at, low_int, u32_at};
use crate::accounts::Naming;
use crate::event::{
    Blind, BlindCause, Capset, Chdir, Chroot, Prctl, Ptrace, Setgid, Setns, Setrlimit, Setuid, Signal, Unshare,
};
use crate::ids::{Pid, ProcessKey};
use crate::process::{Cache, Process};
use crate::record::{Record, Task};
use crate::schema::Short;
use crate::syscall::{Layout, Role, Slot};

/// Of linux/prctl.h.
const PR_SET_NAME: i64 = 15;
/// `TASK_COMM_LEN` of linux/sched.h, without the terminating NUL.
const COMM_LENGTH: usize = 15;

macro_rules! id_decoder {
    ($function:ident, $event:ident, $real_role:ident, $real:ident, $effective:ident, $fs:ident) => {
        pub(super) fn $function(record: &mut Record) -> $event {
            let retval = record.result;
            if let Some(now) = record.credentials.filter(|_| record.succeeded()) {
                return $event {
                    $real: now.$real.into(),
                    $effective: now.$effective.into(),
                    $fs: now.$fs.into(),
                    retval,
                    naming: Naming::default(),
                };
            }
            let effective = record.id(Role::EffectiveId);
            $event {
                $real: record.id(Role::$real_role),
                $effective: effective,
                $fs: record.id(Role::FsId),
                retval,
                naming: Naming::default(),
            }
        }
    };
}

id_decoder!(setuid, Setuid, Uid, uid, euid, fsuid);
id_decoder!(setgid, Setgid, Gid, gid, egid, fsgid);

pub(super) fn capset(record: &mut Record) -> Capset {
    let data = record.structure().unwrap_or(&[]);
    // `struct __user_cap_data_struct[2]`: effective, permitted, inheritable; low words first.
    let half = |offset: usize| u64::from(u32_at(data, offset).unwrap_or(0));
    Capset { effective: half(0) | half(12) << 32, permitted: half(4) | half(16) << 32, retval: record.result }
}

pub(super) fn setrlimit(record: &mut Record, task: Task, processes: &Cache) -> Setrlimit {
    let index = record.row.args.iter().position(|role| matches!(role, Role::Data(_)));
    // setrlimit takes `unsigned long`s, prlimit64 `u64`s (B4).
    let size = match index.map(|index| record.row.args[index]) {
        Some(Role::Data(Layout::Rlimit)) => record.arch.long_size(),
        _ => 8,
    };
    let limit = |at: usize| {
        let raw = record.structure().and_then(|bytes| long_at(bytes, at, size)).unwrap_or(0);
        // RLIM_INFINITY is all ones, whatever the width.
        if size == 4 && raw == u64::from(u32::MAX) { u64::MAX } else { raw }
    };
    let target_pid = match record.int(Role::TargetPid) {
        0 => task.pid,
        pid => Pid(i32::try_from(pid).unwrap_or(0)),
    };
    Setrlimit {
        resource: record.int(Role::Selector),
        soft: limit(0),
        hard: limit(1),
        target: known(record.target.unwrap_or(target_pid), task, processes),
        target_pid,
        retval: record.result,
    }
}

pub(super) fn prctl(record: &mut Record) -> Prctl {
    let option = record.int(Role::Selector);
    let name = record.take_name().filter(|_| option == PR_SET_NAME);
    Prctl {
        option,
        new_name: name.as_ref().map(|text| Short::new(&text.bytes[..text.bytes.len().min(COMM_LENGTH)])),
        name_truncated: name.as_ref().is_some_and(|text| text.truncated || text.bytes.len() > COMM_LENGTH),
        retval: record.result,
    }
}

pub(super) fn signal(record: &mut Record, task: Task, processes: &Cache) -> Signal {
    let passed = match (record.value(Role::TargetPid), record.value(Role::TargetTid)) {
        (Some(pid), _) => low_int(pid),
        (None, Some(tid)) => low_int(tid),
        (None, None) => record.target.map_or(-1, |pid| pid.0.into()),
    };
    let target = record.target.or_else(|| i32::try_from(passed).ok().filter(|pid| *pid > 0).map(Pid));
    Signal {
        number: record.int(Role::Selector),
        pid: passed,
        target: target.and_then(|pid| known(pid, task, processes)),
        retval: record.result,
    }
}

pub(super) fn ptrace(record: &mut Record, task: Task, processes: &Cache) -> Ptrace {
    let passed = record.int(Role::TargetTid);
    let target = record.target.or_else(|| i32::try_from(passed).ok().filter(|pid| *pid > 0).map(Pid));
    Ptrace {
        request: record.int(Role::Selector),
        pid: passed,
        tracee: target.and_then(|pid| known(pid, task, processes)),
        retval: record.result,
    }
}

fn known(pid: Pid, task: Task, processes: &Cache) -> Option<Arc<Process>> {
    processes.target(ProcessKey { pid, namespace: task.namespace }).cloned()
}

pub(super) fn chdir(record: &mut Record) -> Chdir {
    Chdir { file: record.take_file(Slot::File), path: record.take_path(Slot::File), retval: record.result }
}

pub(super) fn chroot(record: &mut Record) -> Chroot {
    Chroot { file: record.take_file(Slot::File), path: record.take_path(Slot::File), retval: record.result }
}

pub(super) fn setns(record: &mut Record) -> Setns {
    Setns { namespace: record.take_file(Slot::File).path, flags: record.flags(), retval: record.result }
}

pub(super) fn unshare(record: &mut Record) -> Unshare {
    Unshare { flags: record.flags(), retval: record.result }
}

pub(super) fn blind(record: &mut Record) -> Blind {
    Blind { cause: BlindCause::IoUring, refused: !record.succeeded(), retval: record.result }
}
