//! Trees of made-up events.

mod evicting;
mod growing;
mod inserting;
mod lineage;
mod restoring;

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use lapwing_proto::dumps::{FileActivityNode, ProcessActivityNode};

use super::*;
use crate::event::{Address, Bind, Event, Exec, Exit, ExitCause, File, Inode, Open, Origin, Payload, Quality};
use crate::ids::{Pid, PidNs, ProcessKey, Tid, Timestamp};
use crate::names;
use crate::process::{ArgumentLimits, Arguments, Cache, Limits, Process};
use crate::record::{Cgroup, Program, Running, SocketKind};
use crate::syscall::{Arch, CallSet, Syscall};

/// Processes and a tree that is told what they do. Every step is a second later.
pub(crate) struct Story {
    pub(crate) cache: Cache,
    tree: ActivityTree,
    now: u64,
    cgroup: Option<Arc<Cgroup>>,
    tag: &'static str,
}

const SECOND: u64 = 1_000_000_000;

pub(crate) fn key(pid: i32) -> ProcessKey {
    ProcessKey { pid: Pid(pid), namespace: PidNs(1) }
}

impl Story {
    pub(crate) fn new(options: Options) -> Self {
        let mut story = Self {
            cache: Cache::new(Limits { lineage: 512, ..Limits::default() }),
            tree: ActivityTree::new(options),
            now: 0,
            cgroup: None,
            tag: "",
        };
        // A command is held by its observer until it is watched, and then runs its own program.
        let observer = Running { ppid: Pid(1), started: Timestamp(1), program: story.program("/opt/observer", &[]) };
        story.cache.running(key(2), observer);
        story
    }

    fn program(&self, path: &str, args: &[&str]) -> Program {
        let name = path.rsplit('/').next().unwrap_or_default();
        let arguments = core::iter::once(name).chain(args.iter().copied()).map(str::as_bytes);
        Program {
            file: File::at(path.as_bytes()),
            arguments: Arguments::capture(arguments, false, &ArgumentLimits::default()),
            cgroup: self.cgroup.clone(),
            ..Program::default()
        }
    }

    fn event(&mut self, process: &Arc<Process>, payload: impl Into<Payload>) -> Event {
        self.now += SECOND;
        Event {
            timestamp: Timestamp(self.now),
            origin: Origin::Kernel,
            quality: Quality::default(),
            tid: Tid(process.key().pid.0),
            process: Arc::clone(process),
            syscall: None,
            payload: payload.into(),
        }
    }

    fn insert(&mut self, event: &Event) -> Result<Novelty, Dropped> {
        let tag = self.tree.tag(self.tag);
        self.tree.insert(event, &Mark { tag, ..Mark::default() })
    }

    pub(crate) fn fork(&mut self, parent: i32, child: i32) {
        self.now += SECOND;
        self.cache.fork(key(parent), key(child), Timestamp(self.now));
    }

    /// The process runs a program, and the tree is told.
    fn exec(&mut self, pid: i32, path: &str, args: &[&str]) -> Result<Novelty, Dropped> {
        let event = self.exec_unseen(pid, path, args);
        self.insert(&event)
    }

    pub(crate) fn exec_unseen(&mut self, pid: i32, path: &str, args: &[&str]) -> Event {
        let program = self.program(path, args);
        let process = self.cache.exec(key(pid), program, Timestamp(self.now + SECOND));
        let exec = Exec { process: Arc::clone(&process), refused: None, path: None, retval: 0 };
        self.event(&process, exec)
    }

    fn spawn(&mut self, parent: i32, child: i32, path: &str) -> Result<Novelty, Dropped> {
        self.fork(parent, child);
        self.exec(child, path, &[])
    }

    pub(crate) fn opening(&mut self, pid: i32, path: &str, flags: u64) -> Event {
        let process = self.cache.resolve(key(pid));
        let inode = Inode { number: 7, mode: 0o100_644, filesystem: Some(Arc::from("proc")), ..Inode::default() };
        let file = File { inode: Some(inode), ..File::at(path.as_bytes()) };
        let open = Open { file, flags, flag_names: &names::OPEN_FLAGS, mode: 0, path: None, retval: 3 };
        let event = self.event(&process, open);
        Event { syscall: Syscall::named("openat"), ..event }
    }

    fn open(&mut self, pid: i32, path: &str) -> Result<Novelty, Dropped> {
        let event = self.opening(pid, path, 0);
        self.insert(&event)
    }

    pub(crate) fn binding(&mut self, pid: i32, family: u16, port: u16, retval: i64) -> Event {
        let process = self.cache.resolve(key(pid));
        let ip = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let address = Address { family, ip, port, path: Box::default() };
        let socket = Some(SocketKind { family, kind: 1, protocol: 6 });
        self.event(&process, Bind { address, socket, retval })
    }

    fn exit(&mut self, pid: i32) -> Result<Novelty, Dropped> {
        let process = self.cache.resolve(key(pid));
        let event = self.event(&process, Exit { cause: ExitCause::Exited, code: 0 });
        self.insert(&event)
    }

    /// The tree, indented: programs with `*` for each generation that is not runtime, and `+file`, `:port`, `@call`.
    fn shown(&self) -> String {
        let mut out = String::new();
        self.tree.to_messages().iter().for_each(|process| show(process, 0, &mut out));
        out
    }
}

fn show(node: &ProcessActivityNode, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    let process = node.process.as_ref().unwrap();
    let args = process.args.iter().map(|argument| format!(" {argument}")).collect::<String>();
    out.push_str(&format!("{indent}{}{args}\n", process.file.as_ref().unwrap().path));
    let mut files = Vec::new();
    node.files.iter().for_each(|file| paths(file, &mut files));
    files.iter().for_each(|path| out.push_str(&format!("{indent}  +{path}\n")));
    for bind in node.sockets.iter().flat_map(|socket| &socket.bind) {
        out.push_str(&format!("{indent}  :{}\n", bind.port));
    }
    node.children.iter().for_each(|child| show(child, depth + 1, out));
}

fn paths(node: &FileActivityNode, out: &mut Vec<String>) {
    out.extend(node.file.iter().map(|file| file.path.clone()));
    node.children.iter().for_each(|child| paths(child, out));
}
