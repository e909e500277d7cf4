//! Processes as a tree holds them.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use lapwing_proto::dumps::{NetworkDeviceNode, ProcessInfo};

use super::alike::Identity;
use super::file::Files;
use super::network::{BindNode, DnsNode, ImdsNode};
use super::rules::Rules;
use super::seen::Seen;
use super::{Generation, size};
use crate::accounts::Naming;
use crate::ids::{Pid, Timestamp};
use crate::process::{Credentials, Image, Process};
use crate::record::Cgroup;
use crate::schema::Short;

/// A process node, as a tree numbers them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct ProcessId(pub(super) u32);

/// A program at its place in the tree.
#[derive(Debug)]
pub(super) struct ProcessNode {
    pub(super) parent: Option<ProcessId>,
    pub(super) children: Vec<ProcessId>,
    pub(super) facts: Facts,
    pub(super) generation: Generation,
    pub(super) seen: Seen,
    pub(super) rules: Rules,
    /// First of its files' first components.
    pub(super) files: u32,
    pub(super) dns: Vec<DnsNode>,
    pub(super) imds: Vec<ImdsNode>,
    /// Ordered by what tells them apart.
    pub(super) binds: Vec<BindNode>,
    /// Ordered by number.
    pub(super) syscalls: Vec<(i32, Seen)>,
    /// Ordered by number, and whether it was granted.
    pub(super) capabilities: Vec<(u64, bool, Seen)>,
    /// Known from files only.
    pub(super) devices: Vec<NetworkDeviceNode>,
}

/// What is known of the process.
#[derive(Debug)]
pub(super) enum Facts {
    /// By its events.
    Seen(Box<SeenProcess>),
    /// By a file.
    Told(Box<ToldProcess>),
}

/// A process that was seen.
#[derive(Debug)]
pub(super) struct SeenProcess {
    pub(super) pid: Pid,
    pub(super) ppid: Pid,
    pub(super) image: Arc<Image>,
    pub(super) cgroup: Option<Arc<Cgroup>>,
    pub(super) tty: Short,
    pub(super) comm: Short,
    pub(super) credentials: Credentials,
    pub(super) naming: Naming,
    pub(super) forked: Timestamp,
    pub(super) executed: Timestamp,
    pub(super) exited: Timestamp,
    pub(super) is_exec: bool,
    pub(super) is_exec_exec: bool,
}

/// A process that a file tells of, and what it is compared by.
#[derive(Debug)]
pub(super) struct ToldProcess {
    pub(super) info: ProcessInfo,
    pub(super) args: Vec<Box<[u8]>>,
}

/// What a process is known by.
pub(super) fn identity(process: &Process) -> Identity<'_> {
    let image = process.image();
    Identity { path: &image.file.path, argv0: image.arguments.first(), args: image.arguments.tail() }
}

impl ProcessNode {
    pub(super) fn new(parent: Option<ProcessId>, facts: Facts, generation: Generation) -> Self {
        Self {
            parent,
            children: Vec::new(),
            facts,
            generation,
            seen: Seen::default(),
            rules: Rules::default(),
            files: Files::EMPTY,
            dns: Vec::new(),
            imds: Vec::new(),
            binds: Vec::new(),
            syscalls: Vec::new(),
            capabilities: Vec::new(),
            devices: Vec::new(),
        }
    }

    /// What it is known by.
    pub(super) fn identity(&self) -> Identity<'_> {
        match &self.facts {
            Facts::Seen(process) => {
                let image = &process.image;
                Identity { path: &image.file.path, argv0: image.arguments.first(), args: image.arguments.tail() }
            }
            Facts::Told(told) => Identity {
                path: told.info.file.as_ref().map_or(&[], |file| file.path.as_bytes()),
                argv0: told.info.argv0.as_bytes(),
                args: &told.args,
            },
        }
    }

    /// Whether it ran its program without a fork after it had run another.
    pub(super) fn is_exec_exec(&self) -> bool {
        match &self.facts {
            Facts::Seen(process) => process.is_exec_exec,
            Facts::Told(told) => told.info.is_exec_child,
        }
    }

    /// Bytes of heap that it holds, without its files'.
    pub(super) fn heap(&self) -> usize {
        let parts = self.seen.heap()
            + self.rules.heap()
            + size::vec(&self.children)
            + size::vec(&self.dns)
            + size::vec(&self.imds)
            + size::vec(&self.binds)
            + size::vec(&self.syscalls)
            + size::vec(&self.capabilities)
            + size::vec(&self.devices);
        let inside = self.dns.iter().map(DnsNode::heap).sum::<usize>()
            + self.imds.iter().map(ImdsNode::heap).sum::<usize>()
            + self.binds.iter().map(BindNode::heap).sum::<usize>()
            + self.syscalls.iter().map(|(_, seen)| seen.heap()).sum::<usize>()
            + self.capabilities.iter().map(|(.., seen)| seen.heap()).sum::<usize>()
            + self.devices.iter().map(super::network::heap_of_device).sum::<usize>();
        parts + inside + self.facts.heap()
    }
}

impl Facts {
    pub(super) fn of(process: &Process) -> Self {
        Self::Seen(Box::new(SeenProcess {
            pid: process.key().pid,
            ppid: process.ppid(),
            image: Arc::clone(process.image()),
            cgroup: process.shared_cgroup().cloned(),
            tty: process.tty(),
            comm: process.comm(),
            credentials: process.credentials(),
            naming: process.naming().clone(),
            forked: process.forked(),
            executed: process.executed(),
            exited: Timestamp(0),
            is_exec: process.is_exec(),
            is_exec_exec: process.is_exec_exec(),
        }))
    }

    /// Bytes of heap. An image may be shared with the process cache, but outlives its entry here.
    fn heap(&self) -> usize {
        match self {
            Self::Seen(process) => {
                size::block(size_of::<SeenProcess>())
                    + heap_of_image(&process.image)
                    + process.cgroup.as_ref().map_or(0, |group| {
                        size::block(size_of::<Cgroup>() + 16)
                            + size::block(group.path.len())
                            + size::block(group.container.len())
                    })
            }
            Self::Told(told) => told.heap(),
        }
    }
}

/// What a node of this process will take, beside its place.
pub(super) fn cost(process: &Process) -> usize {
    let group = process.cgroup().map_or(0, |group| size::block(group.path.len()) + size::block(group.container.len()));
    // With the parent's list of children, which may double, and what the first events add.
    size::block(size_of::<SeenProcess>()) + heap_of_image(process.image()) + group + 256
}

fn heap_of_image(image: &Image) -> usize {
    let file = |path: &[u8]| size::block(path.len());
    // The counts of holders lie before the image.
    size::block(size_of::<Image>() + 16)
        + file(&image.file.path)
        + image.interpreter.as_ref().map_or(0, |interpreter| file(&interpreter.path))
        + size::strings(image.arguments.all())
        + size::strings(&image.environment.names)
        + size::strings(&image.environment.kept)
}

impl ToldProcess {
    pub(super) fn new(info: ProcessInfo) -> Self {
        let args = info.args.iter().map(|argument| argument.as_bytes().into()).collect();
        Self { info, args }
    }

    fn heap(&self) -> usize {
        let info = &self.info;
        let texts = [&info.container_id, &info.tty, &info.comm, &info.argv0];
        let lists = info.args.iter().chain(&info.envs);
        let file = info.file.as_ref().map_or(0, super::file::texts);
        size::block(size_of::<Self>())
            + size::strings(&self.args)
            + size::vec(&info.args)
            + size::vec(&info.envs)
            + texts.into_iter().chain(lists).map(size::text).sum::<usize>()
            + file
    }
}
