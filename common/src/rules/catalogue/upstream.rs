//! The reference's fields (Datadog's agent, 2026), for those that Lapwing's events do not have.
//!
//! Written as words: `name:type`, or `name.BLOCK` for the fields of a block under a name.

use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use super::Ty;

const BLOCKS: &[(&str, &str)] = &[
    (
        "FILE",
        "path:s name:s extension:s filesystem:s inode:i mount_id:i mode:i rights:i uid:i user:s gid:i group:s \
         change_time:t modification_time:t in_upper_layer:b mount_visible:b mount_detached:b hashes:S \
         package.name:s package.version:s package.epoch:i package.release:s package.source_version:s \
         package.source_epoch:i package.source_release:s",
    ),
    ("META", "size:i type:i is_executable:b architecture:i abi:i is_upx_packed:b compression:i is_garble_obfuscated:b"),
    (
        "PROC",
        "pid:i tid:i ppid:i netns:i mntns:i sid:i is_kworker:b is_thread:b is_exec:b comm:s tty_name:s created_at:t \
         argv0:s args:s argv:S args_flags:S args_options:S args_truncated:b envs:S envp:S envs_truncated:b \
         caps_attempted:i caps_used:i uid:i gid:i user:s group:s euid:i egid:i euser:s egroup:s fsuid:i fsgid:i \
         fsuser:s fsgroup:s auid:i cap_effective:i cap_permitted:i file.FILE interpreter.file.FILE cgroup.CGROUP \
         container.CONTAINER user_session.SESSION",
    ),
    ("CGROUP", "id:s version:i created_at:t file.inode:i file.mount_id:i manager:s"),
    ("CONTAINER", "id:s created_at:t tags:S runtime:s"),
    (
        "SESSION",
        "k8s_username:s k8s_uid:s k8s_groups:S ssh_username:s ssh_port:i ssh_client_ip:a ssh_auth_method:i \
         ssh_public_key:s id:s identity:s session_type:i",
    ),
    ("ADDR", "ip:a port:i is_public:b"),
    (
        "NET",
        "device.netns:i device.ifname:s l3_protocol:i l4_protocol:i source.ADDR destination.ADDR network_direction:i \
         size:i type:i",
    ),
    (
        "FLOW",
        "source.ADDR destination.ADDR l3_protocol:i l4_protocol:i ingress.data_size:i ingress.packet_count:i \
         egress.data_size:i egress.packet_count:i",
    ),
    (
        "SYSCALL",
        "path:s mode:i flags:i uid:i gid:i dirfd:i fs_type:s destination.path:s source.path:s mountpoint.path:s",
    ),
];

/// What comes first in a name, longer names first, and the members.
const ROOTS: &[(&str, &str)] = &[
    ("process.parent", "PROC"),
    ("process.ancestors", "PROC"),
    ("process", "PROC"),
    ("event", "async:b hostname:s os:s origin:s rule.tags:S service:s signature:s source:s timestamp:t"),
    ("network", "NET"),
    ("accept", "addr.ADDR addr.family:i addr.hostname:S retval:i"),
    ("bind", "addr.ADDR addr.family:i protocol:i retval:i"),
    ("connect", "addr.ADDR addr.family:i addr.hostname:S protocol:i retval:i"),
    (
        "bpf",
        "cmd:i map.name:s map.type:i prog.name:s prog.type:i prog.attach_type:i prog.helpers:I prog.tag:s retval:i",
    ),
    ("capabilities", "attempted:i used:i"),
    ("capset", "cap_effective:i cap_permitted:i"),
    ("cgroup_write", "file.FILE pid:i"),
    ("chdir", "file.FILE syscall.SYSCALL retval:i"),
    ("rmdir", "file.FILE syscall.SYSCALL retval:i"),
    ("utimes", "file.FILE syscall.SYSCALL retval:i"),
    ("chmod", "file.FILE file.destination.mode:i file.destination.rights:i syscall.SYSCALL retval:i"),
    ("mkdir", "file.FILE file.destination.mode:i file.destination.rights:i syscall.SYSCALL retval:i"),
    (
        "chown",
        "file.FILE file.destination.uid:i file.destination.user:s file.destination.gid:i file.destination.group:s \
         syscall.SYSCALL retval:i",
    ),
    (
        "dns",
        "id:i question.name:s question.type:i question.class:i question.length:i question.count:i response.code:i NET",
    ),
    ("failed_dns", "payload:s"),
    ("exec", "PROC file.metadata.META syscall.SYSCALL"),
    ("exit", "PROC cause:i code:i"),
    (
        "imds",
        "type:s cloud_provider:s url:s host:s user_agent:s server:s aws.is_imds_v2:b \
         aws.security_credentials.type:s",
    ),
    ("link", "file.FILE file.destination.FILE syscall.SYSCALL retval:i"),
    ("rename", "file.FILE file.destination.FILE syscall.SYSCALL retval:i"),
    ("load_module", "file.FILE loaded_from_memory:b name:s args:s argv:S args_truncated:b retval:i"),
    ("unload_module", "name:s retval:i"),
    ("mmap", "file.FILE protection:i flags:i retval:i"),
    ("mprotect", "vm_protection:i req_protection:i retval:i"),
    ("mount", "fs_type:s mountpoint.path:s source.path:s root.path:s detached:b visible:b syscall.SYSCALL retval:i"),
    ("network_flow_monitor.flows", "FLOW"),
    ("network_flow_monitor", "device.netns:i device.ifname:s"),
    (
        "ondemand",
        "name:s arg1.str:s arg1.uint:i arg2.str:s arg2.uint:i arg3.str:s arg3.uint:i arg4.str:s arg4.uint:i \
         arg5.str:s arg5.uint:i arg6.str:s arg6.uint:i",
    ),
    ("open", "file.FILE flags:i file.destination.mode:i syscall.SYSCALL retval:i"),
    ("packet", "NET filter:s tls.version:i"),
    ("prctl", "option:i new_name:s is_name_truncated:b retval:i"),
    ("ptrace.tracee.parent", "PROC"),
    ("ptrace.tracee.ancestors", "PROC"),
    ("ptrace", "request:i tracee.PROC retval:i"),
    ("removexattr", "file.FILE file.destination.namespace:s file.destination.name:s retval:i"),
    ("setxattr", "file.FILE file.destination.namespace:s file.destination.name:s retval:i"),
    ("selinux", "bool.name:s bool.state:s bool_commit.state:b enforce.status:s"),
    ("setgid", "gid:i group:s egid:i egroup:s fsgid:i fsgroup:s"),
    ("setuid", "uid:i user:s euid:i euser:s fsuid:i fsuser:s"),
    ("setrlimit.target.parent", "PROC"),
    ("setrlimit.target.ancestors", "PROC"),
    ("setrlimit", "resource:i rlim_cur:i rlim_max:i target.PROC retval:i"),
    (
        "setsockopt",
        "level:i optname:i socket_type:i socket_family:i socket_protocol:i filter_len:i is_filter_truncated:b \
         filter_instructions:s filter_hash:s used_immediates:I retval:i",
    ),
    ("signal.target.parent", "PROC"),
    ("signal.target.ancestors", "PROC"),
    ("signal", "type:i pid:i target.PROC retval:i"),
    ("socket", "domain:i type:i protocol:i retval:i"),
    ("splice", "file.FILE pipe_entry_flag:i pipe_exit_flag:i retval:i"),
    (
        "sysctl",
        "action:i name:s name_truncated:b value:s value_truncated:b old_value:s old_value_truncated:b file_position:i",
    ),
    ("unlink", "file.FILE flags:i syscall.SYSCALL retval:i"),
    ("unshare", "flags:i retval:i"),
];

/// What filters may ask about a machine.
const HOST: &str = "os:s os.id:s os.platform_id:s os.version_id:s os.is_amazon_linux:b os.is_cos:b os.is_debian:b \
     os.is_oracle:b os.is_rhel:b os.is_rhel7:b os.is_rhel8:b os.is_sles:b os.is_sles12:b os.is_sles15:b \
     kernel.version.major:i kernel.version.minor:i kernel.version.patch:i kernel.version.abi:i \
     kernel.version.flavor:s kernel.core.enabled:b envs:S origin:s hostname:s";

/// Types of events that the reference has and Lapwing does not observe.
const UNOBSERVED: [&str; 11] = [
    "capabilities",
    "cgroup_write",
    "dns",
    "failed_dns",
    "imds",
    "network",
    "network_flow_monitor",
    "ondemand",
    "packet",
    "selinux",
    "sysctl",
];

/// Names that became others, longer ones first.
const RENAMED: [(&str, &str); 5] = [
    ("container.", "process.container."),
    ("cgroup.", "process.cgroup."),
    ("async", "event.async"),
    ("process.filename", "process.file.path"),
    ("process.basename", "process.file.name"),
];

/// The name as it is today.
pub(super) fn renamed(name: &str) -> Cow<'_, str> {
    for (old, new) in RENAMED {
        match name.strip_prefix(old) {
            Some(rest) if rest.is_empty() || old.ends_with('.') => return format!("{new}{rest}").into(),
            _ => {}
        }
    }
    match name.rsplit_once('.') {
        Some((before, "filename")) => format!("{before}.file.path").into(),
        Some((before, "basename")) => format!("{before}.file.name").into(),
        _ => name.into(),
    }
}

/// Fields that are the same for all events.
pub(super) fn constant(name: &str) -> Option<&'static str> {
    match name {
        "event.os" => Some("linux"),
        _ => None,
    }
}

/// The name of a type of events that is not observed.
pub(super) fn unobserved(name: &str) -> Option<&'static str> {
    UNOBSERVED.into_iter().find(|candidate| *candidate == name)
}

/// The type of a field of the reference.
pub(super) fn find(name: &str) -> Option<Ty> {
    ROOTS.iter().find_map(|(root, members)| member(members, name.strip_prefix(root)?.strip_prefix('.')?))
}

/// The type of what a filter may ask about a machine.
pub(super) fn find_of_host(name: &str) -> Option<Ty> {
    member(HOST, name)
}

/// The names of all of them.
pub(super) fn names(out: &mut Vec<String>) {
    for (root, members) in ROOTS {
        list(root, members, out);
    }
}

fn block(name: &str) -> Option<&'static str> {
    BLOCKS.iter().find(|(candidate, _)| *candidate == name).map(|(_, members)| *members)
}

fn member(members: &'static str, name: &str) -> Option<Ty> {
    members.split_whitespace().find_map(|word| match word.split_once(':') {
        Some((candidate, letter)) => (candidate == name).then(|| ty(letter)),
        None => {
            let (prefix, block_name) = word.rsplit_once('.').unwrap_or(("", word));
            let rest = name.strip_prefix(prefix)?;
            let rest = if prefix.is_empty() { rest } else { rest.strip_prefix('.')? };
            member(block(block_name)?, rest)
        }
    })
}

fn list(prefix: &str, members: &'static str, out: &mut Vec<String>) {
    for word in members.split_whitespace() {
        match word.split_once(':') {
            Some((name, _)) => out.push(format!("{prefix}.{name}")),
            None => {
                let (under, block_name) = word.rsplit_once('.').unwrap_or(("", word));
                let under = if under.is_empty() { prefix.to_string() } else { format!("{prefix}.{under}") };
                list(&under, block(block_name).unwrap_or_default(), out);
            }
        }
    }
}

fn ty(letter: &str) -> Ty {
    match letter {
        "b" => Ty::Bool,
        "t" => Ty::Time,
        "s" => Ty::Text,
        "S" => Ty::Texts,
        "I" => Ty::Ints,
        "a" => Ty::Ip,
        _ => Ty::Int,
    }
}
