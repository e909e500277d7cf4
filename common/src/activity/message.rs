//! A tree as messages: what files hold.

use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use lapwing_proto::dumps::{
    BindNode, CapabilityNode, Credentials, DnsNode, FileActivityNode, FileInfo, ImdsNode, OpenNode,
    ProcessActivityNode, ProcessInfo, SocketNode, SyscallNode,
};

use super::file::{self, Facts as FileFacts, Opened};
use super::network::Ip;
use super::process::{Facts, ProcessId, ProcessNode, SeenProcess};
use super::tree::ActivityTree;
use crate::process::Image;

impl ActivityTree {
    /// The tree as messages. Children of a process come in the order in which they were added, everything else
    /// ordered by its name or number, so that equal trees give equal messages.
    #[must_use]
    pub fn to_messages(&self) -> Vec<ProcessActivityNode> {
        self.processes_of(&self.roots)
    }

    fn processes_of(&self, ids: &[ProcessId]) -> Vec<ProcessActivityNode> {
        ids.iter().filter_map(|id| self.process(*id)).map(|node| self.process_message(node)).collect()
    }

    fn process_message(&self, node: &ProcessNode) -> ProcessActivityNode {
        let base = |seen: &super::seen::Seen| Some(seen.to_message(&self.tags));
        let rules = |rules: &super::rules::Rules| rules.to_messages(&self.rules);
        ProcessActivityNode {
            process: Some(match &node.facts {
                Facts::Seen(process) => process.to_message(),
                Facts::Told(told) => told.info.clone(),
            }),
            generation_type: node.generation as i32,
            matched_rules: rules(&node.rules),
            children: self.processes_of(&node.children),
            files: self.files_of(self.files.siblings(node.files), &mut String::new()),
            dns_names: node
                .dns
                .iter()
                .map(|dns| DnsNode {
                    requests: dns.requests.clone(),
                    node_base: base(&dns.seen),
                    matched_rules: rules(&dns.rules),
                    ..DnsNode::default()
                })
                .collect(),
            sockets: self.sockets(node),
            node_base: base(&node.seen),
            imds_events: node
                .imds
                .iter()
                // Rules are not written here, as Datadog's agent does not.
                .map(|imds| ImdsNode {
                    event: Some(imds.event.clone()),
                    node_base: base(&imds.seen),
                    ..ImdsNode::default()
                })
                .collect(),
            syscall_nodes: node
                .syscalls
                .iter()
                .map(|(syscall, seen)| SyscallNode {
                    syscall: *syscall,
                    node_base: base(seen),
                    ..SyscallNode::default()
                })
                .collect(),
            network_devices: node.devices.clone(),
            capability_nodes: node
                .capabilities
                .iter()
                .map(|(capability, is_capable, seen)| CapabilityNode {
                    capability: *capability,
                    is_capable: *is_capable,
                    node_base: base(seen),
                })
                .collect(),
            ..ProcessActivityNode::default()
        }
    }

    fn sockets(&self, node: &ProcessNode) -> Vec<SocketNode> {
        let mut sockets: Vec<SocketNode> = Vec::new();
        for bind in &node.binds {
            let family = bind.key.family.name();
            if sockets.last().is_none_or(|socket| socket.family != family) {
                sockets.push(SocketNode { family: family.into(), bind: Vec::new() });
            }
            let message = BindNode {
                port: bind.key.port,
                ip: match &bind.key.ip {
                    Ip::Known(ip) => ip.to_string(),
                    Ip::Other(text) => text.to_string(),
                },
                protocol: bind.key.protocol,
                node_base: Some(bind.seen.to_message(&self.tags)),
                matched_rules: bind.rules.to_messages(&self.rules),
                ..BindNode::default()
            };
            if let Some(socket) = sockets.last_mut() {
                socket.bind.push(message);
            }
        }
        sockets
    }

    /// `path` is that of what they lie in.
    fn files_of(&self, files: impl Iterator<Item = u32>, path: &mut String) -> Vec<FileActivityNode> {
        let mut messages: Vec<FileActivityNode> = files
            .filter_map(|id| Some((id, self.files.get(id)?)))
            .map(|(id, node)| {
                let (name, outside) = (lossy(&node.name), path.len());
                if node.is_rooted() && !name.starts_with('/') {
                    path.push('/');
                }
                path.push_str(&name);
                let mut message = FileActivityNode {
                    children: self.files_of(self.files.children(id), path),
                    ..FileActivityNode::default()
                };
                if let Some(opened) = &node.opened {
                    self.fill(&mut message, opened, path, &name);
                }
                path.truncate(outside);
                message.name = name;
                message
            })
            .collect();
        messages.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        messages
    }

    fn fill(&self, message: &mut FileActivityNode, opened: &Opened, path: &str, name: &str) {
        message.file = Some(opened.facts.to_message(path, name));
        message.open =
            opened.has_open.then_some(OpenNode { retval: opened.retval, flags: opened.flags, mode: opened.mode });
        message.first_seen = opened.first_seen.0;
        message.generation_type = opened.generation as i32;
        message.node_base = Some(opened.seen.to_message(&self.tags));
        message.matched_rules = opened.rules.to_messages(&self.rules);
    }
}

impl FileFacts {
    fn to_message(&self, path: &str, basename: &str) -> FileInfo {
        match self {
            Self::Seen { inode, mount_id, mode, uid, gid, modified, changed, filesystem, naming } => FileInfo {
                uid: *uid,
                user: lossy(naming.user(*uid)),
                gid: *gid,
                group: lossy(naming.group(*gid)),
                mode: *mode,
                ctime: changed.0,
                mtime: modified.0,
                mount_id: *mount_id,
                inode: *inode,
                path: path.into(),
                basename: basename.into(),
                filesystem: filesystem.as_deref().unwrap_or_default().into(),
                ..FileInfo::default()
            },
            Self::Told(info) => (**info).clone(),
        }
    }
}

impl SeenProcess {
    fn to_message(&self) -> ProcessInfo {
        let (image, credentials) = (&*self.image, &self.credentials);
        let user = |uid| lossy(self.naming.user(uid));
        let group = |gid| lossy(self.naming.group(gid));
        ProcessInfo {
            pid: self.pid.0.cast_unsigned(),
            tid: self.pid.0.cast_unsigned(),
            ppid: self.ppid.0.cast_unsigned(),
            is_thread: !self.is_exec,
            file: Some(program_message(image)),
            container_id: self.cgroup.as_ref().map_or_else(String::new, |group| lossy(&group.container)),
            tty: lossy(self.tty.as_bytes()),
            comm: lossy(self.comm.as_bytes()),
            fork_time: self.forked.0,
            exit_time: self.exited.0,
            exec_time: self.executed.0,
            credentials: Some(Credentials {
                uid: credentials.uid,
                gid: credentials.gid,
                effective_uid: credentials.euid,
                effective_gid: credentials.egid,
                fs_uid: credentials.fsuid,
                fs_gid: credentials.fsgid,
                cap_effective: credentials.cap_effective,
                cap_permitted: credentials.cap_permitted,
                user: user(credentials.uid),
                group: group(credentials.gid),
                effective_user: user(credentials.euid),
                effective_group: group(credentials.egid),
                fs_user: user(credentials.fsuid),
                fs_group: group(credentials.fsgid),
            }),
            args: image.arguments.tail().iter().map(|argument| lossy(argument)).collect(),
            argv0: lossy(image.arguments.first()),
            args_truncated: image.arguments.truncated,
            envs: image.environment.names.iter().map(|name| lossy(name)).collect(),
            envs_truncated: image.environment.truncated,
            is_exec_child: self.is_exec_exec,
            ..ProcessInfo::default()
        }
    }
}

/// Of a program.
fn program_message(image: &Image) -> FileInfo {
    let file = &image.file;
    let message = file::Facts::of(file).to_message(&lossy(&file.path), &lossy(file.name()));
    match image.hashes() {
        None => message,
        Some(hashes) => FileInfo {
            hashes: hashes.texts().iter().map(|text| lossy(text)).collect(),
            hash_state: hashes.state().of_dumps().into(),
            ..message
        },
    }
}

/// What is not UTF-8 becomes U+FFFD.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
