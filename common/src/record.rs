//! What a backend hands over: raw records, before anything is decoded.
//!
//! A backend fills these in from the roles of the catalogue alone. Everything that gives a record a
//! meaning happens later, in [`crate::decode`] and [`crate::engine`], once for both backends.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use smallvec::SmallVec;

use crate::accounts::Naming;
use crate::event::{BlindCause, ExitCause, File, Origin, Text};
use crate::hashes::{Hashing, OfProgram};
use crate::ids::{Pid, PidNs, Tid, Timestamp};
use crate::process::{Arguments, Credentials, Environment, Mark};
use crate::schema::Short;
use crate::syscall::{Arch, CallSet, Slot, Syscall};

/// The thread that something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its process.
    pub pid: Pid,
    /// Itself.
    pub tid: Tid,
    /// The namespace in which both are numbered.
    pub namespace: PidNs,
    /// Which process that is, and which of its programs, from a backend that may lose a fork or an exec.
    pub mark: Option<Mark>,
}

impl Task {
    /// Whether it is the first thread of its process, whose credentials are the process's.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.pid.0 == self.tid.0
    }
}

/// One thing that a backend saw, in the order in which it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// When it was seen.
    pub timestamp: Timestamp,
    /// By which backend.
    pub origin: Origin,
    /// Who acted.
    pub task: Task,
    /// What was seen.
    pub what: Sighting,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// A process that already ran when observation began.
    Running(Box<Running>),
    /// The task made a process (not a thread).
    Fork {
        /// The new process.
        child: Pid,
    },
    /// The task's process runs a new program.
    Exec(Box<Record>),
    /// The task's process ended.
    Exit {
        /// How.
        cause: ExitCause,
        /// Exit status or signal number.
        code: u32,
    },
    /// The task made a system call of the catalogue.
    Call(Box<Record>),
    /// Calls that the task's process has made since its program began, or since the last time that some were told of;
    /// not in the order in which they were made, and some of them may have been told of before.
    Calls(Box<CallSet>),
    /// The task found a way out of sight.
    Blind {
        /// Which.
        cause: BlindCause,
        /// The backend closed it.
        refused: bool,
    },
}

/// A system call with everything that was captured of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The call.
    pub row: &'static Syscall,
    /// The interface it was made through.
    pub arch: Arch,
    /// Its arguments.
    pub args: [u64; 6],
    /// Its result: a value, or a negative error number.
    pub result: i64,
    /// Strings, by argument.
    pub texts: SmallVec<[(u8, Text); 2]>,
    /// Structures and socket addresses, by argument.
    pub data: SmallVec<[(u8, SmallVec<[u8; 32]>); 1]>,
    /// The files, by slot.
    pub files: [Option<File>; 2],
    /// What a mount that the call has made or moved shows of its file system, as a path there.
    pub mount_root: Option<Box<[u8]>>,
    /// What kind of socket the descriptor is.
    pub socket: Option<SocketKind>,
    /// Credentials after the call, when it may have changed them.
    pub credentials: Option<Credentials>,
    /// The process meant by a thread id or a pidfd.
    pub target: Option<Pid>,
    /// The new program, after a successful exec.
    pub program: Option<Box<Program>>,
    /// Arguments that could not be read, one bit each.
    pub unreadable: u8,
    /// Strings and structures are the kernel's own copies, not the caller's memory.
    pub copied: bool,
    /// Nobody will tell how it ended: that it succeeded is assumed.
    pub assumed: bool,
    /// There was more to capture than fits.
    pub cut: bool,
}

impl Record {
    /// A record of which nothing has been captured yet.
    #[must_use]
    pub fn new(row: &'static Syscall, arch: Arch, args: [u64; 6]) -> Self {
        Self {
            row,
            arch,
            args,
            result: 0,
            texts: SmallVec::new(),
            data: SmallVec::new(),
            files: [None, None],
            mount_root: None,
            socket: None,
            credentials: None,
            target: None,
            program: None,
            unreadable: 0,
            copied: false,
            assumed: false,
            cut: false,
        }
    }

    /// Whether the call succeeded.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        !(-4095..0).contains(&self.result)
    }

    /// Keeps the file of a slot.
    pub fn set_file(&mut self, slot: Slot, file: File) {
        self.files[slot as usize] = Some(file);
    }

    /// The string passed as an argument.
    #[must_use]
    pub fn text(&self, arg: usize) -> Option<&Text> {
        self.texts.iter().find(|(at, _)| usize::from(*at) == arg).map(|(_, text)| text)
    }

    /// The bytes behind an argument.
    #[must_use]
    pub fn bytes(&self, arg: usize) -> Option<&[u8]> {
        self.data.iter().find(|(at, _)| usize::from(*at) == arg).map(|(_, bytes)| bytes.as_slice())
    }
}

/// What `socket(2)` was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketKind {
    /// Address family.
    pub family: u16,
    /// `SOCK_*` without its flags.
    pub kind: u16,
    /// Protocol number.
    pub protocol: u16,
}

/// A program that a process runs, read from the process itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Program {
    /// The file: a script if it is one.
    pub file: File,
    /// What runs the script.
    pub interpreter: Option<File>,
    /// Its arguments.
    pub arguments: Arguments,
    /// Its environment.
    pub environment: Environment,
    /// The command name.
    pub comm: Short,
    /// Name of the controlling terminal (`pts0`), empty without one.
    pub tty: Short,
    /// Credentials, set-id bits applied.
    pub credentials: Credentials,
    /// Where it runs.
    pub cgroup: Option<Arc<Cgroup>>,
    /// The parent of the process that runs it, as of the exec; 0 if nobody told.
    pub ppid: Pid,
    /// By which users and groups have their names. No backend fills it in: the engine does.
    pub naming: Naming,
    /// The hashes of its files, likewise.
    pub hashing: OfProgram,
}

impl Program {
    /// Has users and groups named by these accounts, those of its files included.
    pub fn name_by(&mut self, naming: Naming) {
        self.file.name_by(&naming);
        if let Some(interpreter) = &mut self.interpreter {
            interpreter.name_by(&naming);
        }
        self.naming = naming;
    }

    /// Gives its files their hashes.
    pub fn hash_by(&mut self, mut hashing: impl FnMut(&File) -> Hashing) {
        let interpreter = self.interpreter.as_ref().map_or_else(Hashing::default, &mut hashing);
        self.hashing = OfProgram { file: hashing(&self.file), interpreter };
    }
}

/// The control group of a process, and the container that its path names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cgroup {
    /// Its path below the hierarchy's root.
    pub path: Box<[u8]>,
    /// Id of the container, empty outside of one.
    pub container: Box<[u8]>,
}

/// A process that already ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// Its parent.
    pub ppid: Pid,
    /// When it was created.
    pub started: Timestamp,
    /// What it runs.
    pub program: Program,
}

/// Losses of a backend, by place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// Each place with the number of observations lost there.
    pub places: Vec<(&'static str, u64)>,
}
