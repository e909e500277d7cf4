//! From a message to an observation, every field checked.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use prost::Message as _;
use smallvec::SmallVec;

use super::proto::{self, observation::What};
use super::{LONGEST, Malformed, row};
use crate::accounts::Naming;
use crate::event::{Attachment, BlindCause, ExitCause, File, Inode, Origin, Text};
use crate::hashes::OfProgram;
use crate::ids::{Pid, PidNs, Tid, Timestamp};
use crate::process::{Arguments, Credentials, Environment};
use crate::record::{Cgroup, Observation, Program, Record, Running, Sighting, SocketKind, Task};
use crate::schema::Short;
use crate::syscall::{CallSet, NUMBERS, Product, Slot, Syscall};

/// How many of the texts that come again and again are remembered, so that they are kept once.
const REMEMBERED: usize = 16;

/// Reads the observations of one session.
#[derive(Debug)]
pub struct Reader {
    namespace: PidNs,
    container: Option<Arc<Cgroup>>,
    cgroups: Recent<Cgroup>,
    filesystems: Recent<str>,
    claims: u64,
}

impl Reader {
    /// A reader for a tracer that numbers processes in this namespace. `container` is where the tracer runs as the
    /// agent knows it: processes that say nothing of a container are in it, since in a cgroup namespace of its own a
    /// tracer cannot see its container's id; those that name another are put into it, too.
    #[must_use]
    pub fn new(namespace: PidNs, container: Option<Arc<Cgroup>>) -> Self {
        let container = container.filter(|cgroup| !cgroup.container.is_empty());
        Self { namespace, container, cgroups: Recent::default(), filesystems: Recent::default(), claims: 0 }
    }

    /// How many programs were said to run in another container than the tracer's.
    #[must_use]
    pub fn claims(&self) -> u64 {
        self.claims
    }

    /// Reads an encoded message.
    ///
    /// # Errors
    ///
    /// When it is no message of an observation, or says what cannot be.
    pub fn read(&mut self, bytes: &[u8]) -> Result<Observation, Malformed> {
        if bytes.len() > LONGEST {
            return Err(Malformed::TooLong(bytes.len()));
        }
        self.observation(proto::Observation::decode(bytes).map_err(Malformed::NoMessage)?)
    }

    fn observation(&mut self, message: proto::Observation) -> Result<Observation, Malformed> {
        let what = match message.what.ok_or(Malformed::Absent("anything that is known"))? {
            What::Running(running) => Sighting::Running(Box::new(Running {
                ppid: Pid(running.ppid),
                started: Timestamp(running.started),
                program: self.program(running.program.ok_or(Malformed::Absent("program"))?)?,
            })),
            What::Fork(fork) => Sighting::Fork { child: Pid(fork.child) },
            What::Exec(record) => {
                let record = self.record(record)?;
                if record.row.product != Product::Program {
                    return Err(Malformed::Impossible("exec"));
                }
                Sighting::Exec(Box::new(record))
            }
            What::Exit(exit) => Sighting::Exit { cause: exit_cause(exit.cause())?, code: exit.code },
            What::Call(record) => {
                let record = self.record(record)?;
                if record.row.product == Product::Program {
                    return Err(Malformed::Impossible("call"));
                }
                Sighting::Call(Box::new(record))
            }
            What::Calls(said) => {
                let mut calls = CallSet::new(row::arch(said.interface()).ok_or(Malformed::Absent("interface"))?);
                if said.numbers.iter().any(|number| *number >= NUMBERS) {
                    return Err(Malformed::Impossible("number of a call"));
                }
                for number in said.numbers {
                    calls.insert(number);
                }
                Sighting::Calls(Box::new(calls))
            }
            What::Blind(blind) => Sighting::Blind { cause: blind_cause(blind.cause())?, refused: blind.refused },
        };
        Ok(Observation {
            timestamp: Timestamp(message.timestamp),
            origin: Origin::Ptrace,
            task: Task { pid: Pid(message.pid), tid: Tid(message.tid), namespace: self.namespace, mark: None },
            what,
        })
    }

    fn record(&mut self, message: proto::Record) -> Result<Record, Malformed> {
        let arch = row::arch(message.interface()).ok_or(Malformed::Absent("interface"))?;
        let numbered = row::arch(message.numbered()).unwrap_or(arch);
        let unknown = Malformed::UnknownCall { interface: row::interface(numbered).into(), number: message.number };
        let row = Syscall::lookup(numbered, message.number).ok_or(unknown)?;
        let mut args = [0; 6];
        args.get_mut(..message.arguments.len())
            .ok_or(Malformed::Impossible("number of arguments"))?
            .copy_from_slice(&message.arguments);
        let mut record = Record::new(row, arch, args);
        record.result = message.result;
        if message.texts.len() > args.len() || message.data.len() > args.len() {
            return Err(Malformed::Impossible("number of captures"));
        }
        for text in message.texts {
            let kept = Text { bytes: text.bytes.into(), truncated: text.truncated };
            record.texts.push((position(text.argument)?, kept));
        }
        for data in message.data {
            record.data.push((position(data.argument)?, SmallVec::from_vec(data.bytes)));
        }
        if let Some(file) = message.file {
            record.set_file(Slot::File, self.file(file)?);
        }
        if let Some(file) = message.destination {
            record.set_file(Slot::Destination, self.file(file)?);
        }
        record.socket = message.socket.map(socket).transpose()?;
        record.credentials = message.credentials.map(credentials);
        record.target = message.target.map(Pid);
        record.program = message.program.map(|program| self.program(program).map(Box::new)).transpose()?;
        record.unreadable = narrow(message.unreadable, "unreadable")?;
        record.copied = message.copied;
        record.assumed = message.assumed;
        record.mount_root = message.mount_root.map(Into::into);
        Ok(record)
    }

    pub(super) fn file(&mut self, message: proto::File) -> Result<File, Malformed> {
        let inode = message.inode.map(|inode| self.inode(inode)).transpose()?;
        Ok(File { path: message.path.into(), inode, unresolved: message.unresolved })
    }

    fn inode(&mut self, message: proto::Inode) -> Result<Inode, Malformed> {
        Ok(Inode {
            number: message.number,
            mount_id: message.mount,
            // One that is not known yet is no statement.
            attachment: match message.attachment() {
                proto::Attachment::Unspecified => Attachment::Visible,
                proto::Attachment::Elsewhere => Attachment::Elsewhere,
                proto::Attachment::Detached => Attachment::Detached,
            },
            mode: narrow(message.mode, "mode")?,
            uid: message.uid,
            gid: message.gid,
            modified: Timestamp(message.modified),
            changed: Timestamp(message.changed),
            filesystem: message.filesystem.map(|name| self.filesystems.keep(&*name, |name| name.into())),
            naming: Naming::default(),
        })
    }

    fn program(&mut self, message: proto::Program) -> Result<Program, Malformed> {
        let list = |values: Vec<Vec<u8>>| values.into_iter().map(Vec::into_boxed_slice).collect::<Vec<_>>();
        let arguments = Arguments::scrubbed(list(message.arguments), message.arguments_truncated)
            .ok_or(Malformed::Impossible("arguments"))?;
        let environment = Environment {
            names: list(message.variables),
            kept: list(message.kept_variables),
            truncated: message.environment_truncated,
        };
        if !environment.is_within_limits() {
            return Err(Malformed::Impossible("environment"));
        }
        Ok(Program {
            file: self.file(message.file.ok_or(Malformed::Absent("file"))?)?,
            interpreter: message.interpreter.map(|file| self.file(file)).transpose()?,
            arguments,
            environment,
            comm: short(&message.comm, "comm")?,
            tty: short(&message.tty, "terminal")?,
            credentials: credentials(message.credentials.ok_or(Malformed::Absent("credentials"))?),
            cgroup: self.cgroup(message.cgroup),
            ppid: Pid(message.ppid),
            naming: Naming::default(),
            hashing: OfProgram::default(),
        })
    }

    /// Where a program runs, given what its tracer says and what the agent knows of the tracer.
    fn cgroup(&mut self, message: Option<proto::Container>) -> Option<Arc<Cgroup>> {
        let said = message.map(|said| Cgroup { path: said.cgroup.into(), container: said.id.into() });
        match (said, &self.container) {
            (Some(said), Some(known)) if said.container != known.container => {
                self.claims += u64::from(!said.container.is_empty());
                Some(Arc::clone(known))
            }
            (None, known) => known.clone(),
            (Some(said), _) => Some(self.cgroups.keep(&said, |said| Arc::new(said.clone()))),
        }
    }
}

/// A few values that were seen last, so that equal ones share their memory. Programs of a workload run in few
/// control groups, and on few kinds of file system.
#[derive(Debug)]
struct Recent<T: ?Sized> {
    values: Vec<Arc<T>>,
    next: usize,
}

impl<T: ?Sized> Default for Recent<T> {
    fn default() -> Self {
        Self { values: Vec::new(), next: 0 }
    }
}

impl<T: ?Sized + PartialEq> Recent<T> {
    fn keep(&mut self, value: &T, make: impl FnOnce(&T) -> Arc<T>) -> Arc<T> {
        if let Some(known) = self.values.iter().find(|known| ***known == *value) {
            return Arc::clone(known);
        }
        let fresh = make(value);
        match self.values.get_mut(self.next) {
            Some(oldest) => *oldest = Arc::clone(&fresh),
            None => self.values.push(Arc::clone(&fresh)),
        }
        self.next = (self.next + 1) % REMEMBERED;
        fresh
    }
}

fn exit_cause(cause: proto::ExitCause) -> Result<ExitCause, Malformed> {
    match cause {
        proto::ExitCause::Unspecified => Err(Malformed::Absent("cause")),
        proto::ExitCause::Exited => Ok(ExitCause::Exited),
        proto::ExitCause::CoreDumped => Ok(ExitCause::CoreDumped),
        proto::ExitCause::Signaled => Ok(ExitCause::Signaled),
    }
}

fn blind_cause(cause: proto::BlindCause) -> Result<BlindCause, Malformed> {
    match cause {
        proto::BlindCause::Unspecified => Err(Malformed::Absent("cause")),
        proto::BlindCause::IoUring => Ok(BlindCause::IoUring),
        proto::BlindCause::CloneUntraced => Ok(BlindCause::CloneUntraced),
        proto::BlindCause::ForeignAbi => Ok(BlindCause::ForeignAbi),
    }
}

pub(super) fn socket(message: proto::Socket) -> Result<SocketKind, Malformed> {
    Ok(SocketKind {
        family: narrow(message.family, "family")?,
        kind: narrow(message.kind, "kind of socket")?,
        protocol: narrow(message.protocol, "protocol")?,
    })
}

fn credentials(message: proto::Credentials) -> Credentials {
    let proto::Credentials { uid, euid, fsuid, gid, egid, fsgid, auid, cap_effective, cap_permitted } = message;
    Credentials { uid, euid, fsuid, gid, egid, fsgid, auid, cap_effective, cap_permitted }
}

fn position(argument: u32) -> Result<u8, Malformed> {
    u8::try_from(argument).ok().filter(|argument| *argument < 6).ok_or(Malformed::Impossible("argument"))
}

pub(super) fn narrow<T: TryFrom<u32>>(value: u32, what: &'static str) -> Result<T, Malformed> {
    T::try_from(value).ok().ok_or(Malformed::Impossible(what))
}

fn short(text: &[u8], what: &'static str) -> Result<Short, Malformed> {
    if text.len() > 16 || text.contains(&0) { Err(Malformed::Impossible(what)) } else { Ok(Short::new(text)) }
}
