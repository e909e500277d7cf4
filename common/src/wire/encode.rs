//! From an observation to its message.

use alloc::vec::Vec;

use prost::Message as _;

use super::proto::{self, observation::What};
use super::row;
use crate::event::{Attachment, BlindCause, ExitCause, File, Inode, Text};
use crate::process::Credentials;
use crate::record::{Cgroup, Observation, Program, Record, Running, Sighting, SocketKind};
use crate::syscall::Slot;

/// The message of an observation, encoded. Origin and pid namespace are not in it: they belong to the session.
#[must_use]
pub fn encode(observation: &Observation) -> Vec<u8> {
    message(observation).encode_to_vec()
}

pub(super) fn message(observation: &Observation) -> proto::Observation {
    let what = match &observation.what {
        Sighting::Running(running) => What::Running(of_running(running)),
        Sighting::Fork { child } => What::Fork(proto::Fork { child: child.0 }),
        Sighting::Exec(record) => What::Exec(of_record(record)),
        Sighting::Exit { cause, code } => What::Exit(proto::Exit { cause: of_exit(*cause).into(), code: *code }),
        Sighting::Call(record) => What::Call(of_record(record)),
        Sighting::Calls(calls) => What::Calls(proto::Calls {
            interface: row::interface(calls.arch()).into(),
            numbers: calls.numbers().collect(),
        }),
        Sighting::Blind { cause, refused } => {
            What::Blind(proto::Blind { cause: of_blind(*cause).into(), refused: *refused })
        }
    };
    proto::Observation {
        timestamp: observation.timestamp.0,
        pid: observation.task.pid.0,
        tid: observation.task.tid.0,
        what: Some(what),
    }
}

fn of_exit(cause: ExitCause) -> proto::ExitCause {
    match cause {
        ExitCause::Exited => proto::ExitCause::Exited,
        ExitCause::CoreDumped => proto::ExitCause::CoreDumped,
        ExitCause::Signaled => proto::ExitCause::Signaled,
    }
}

fn of_blind(cause: BlindCause) -> proto::BlindCause {
    match cause {
        BlindCause::IoUring => proto::BlindCause::IoUring,
        BlindCause::CloneUntraced => proto::BlindCause::CloneUntraced,
        BlindCause::ForeignAbi => proto::BlindCause::ForeignAbi,
    }
}

fn of_running(running: &Running) -> proto::Running {
    proto::Running { ppid: running.ppid.0, started: running.started.0, program: Some(of_program(&running.program)) }
}

fn of_record(record: &Record) -> proto::Record {
    // Every row has a number somewhere; a test goes through all of them.
    let (numbered, number) = row::number(record.row, record.arch).unwrap_or((record.arch, u32::MAX));
    let numbered = if numbered == record.arch { proto::Interface::Unspecified } else { row::interface(numbered) };
    let given = record.args.iter().rposition(|value| *value != 0).map_or(0, |last| last + 1);
    proto::Record {
        interface: row::interface(record.arch).into(),
        number,
        numbered: numbered.into(),
        arguments: record.args[..given].to_vec(),
        result: record.result,
        texts: record.texts.iter().map(|(argument, text)| of_text(*argument, text)).collect(),
        data: record
            .data
            .iter()
            .map(|(argument, bytes)| proto::Data { argument: (*argument).into(), bytes: bytes.to_vec() })
            .collect(),
        file: record.files[Slot::File as usize].as_ref().map(of_file),
        destination: record.files[Slot::Destination as usize].as_ref().map(of_file),
        socket: record.socket.map(of_socket),
        credentials: record.credentials.as_ref().map(of_credentials),
        target: record.target.map(|pid| pid.0),
        program: record.program.as_deref().map(of_program),
        unreadable: record.unreadable.into(),
        copied: record.copied,
        assumed: record.assumed,
        mount_root: record.mount_root.as_ref().map(|root| root.to_vec()),
    }
}

pub(super) fn of_socket(socket: SocketKind) -> proto::Socket {
    proto::Socket { family: socket.family.into(), kind: socket.kind.into(), protocol: socket.protocol.into() }
}

fn of_text(argument: u8, text: &Text) -> proto::Text {
    proto::Text { argument: argument.into(), bytes: text.bytes.to_vec(), truncated: text.truncated }
}

pub(super) fn of_file(file: &File) -> proto::File {
    proto::File { path: file.path.to_vec(), inode: file.inode.as_ref().map(of_inode), unresolved: file.unresolved }
}

fn of_inode(inode: &Inode) -> proto::Inode {
    proto::Inode {
        number: inode.number,
        mount: inode.mount_id,
        mode: inode.mode.into(),
        uid: inode.uid,
        gid: inode.gid,
        modified: inode.modified.0,
        changed: inode.changed.0,
        filesystem: inode.filesystem.as_deref().map(Into::into),
        attachment: match inode.attachment {
            Attachment::Visible => proto::Attachment::Unspecified,
            Attachment::Elsewhere => proto::Attachment::Elsewhere,
            Attachment::Detached => proto::Attachment::Detached,
        }
        .into(),
    }
}

fn of_credentials(credentials: &Credentials) -> proto::Credentials {
    let Credentials { uid, euid, fsuid, gid, egid, fsgid, auid, cap_effective, cap_permitted } = *credentials;
    proto::Credentials { uid, euid, fsuid, gid, egid, fsgid, auid, cap_effective, cap_permitted }
}

fn of_program(program: &Program) -> proto::Program {
    let list = |values: &[alloc::boxed::Box<[u8]>]| values.iter().map(|value| value.to_vec()).collect();
    proto::Program {
        file: Some(of_file(&program.file)),
        interpreter: program.interpreter.as_ref().map(of_file),
        arguments: list(program.arguments.all()),
        arguments_truncated: program.arguments.truncated,
        variables: list(&program.environment.names),
        kept_variables: list(&program.environment.kept),
        environment_truncated: program.environment.truncated,
        comm: program.comm.as_bytes().to_vec(),
        tty: program.tty.as_bytes().to_vec(),
        credentials: Some(of_credentials(&program.credentials)),
        cgroup: program.cgroup.as_deref().map(of_cgroup),
        ppid: program.ppid.0,
    }
}

fn of_cgroup(cgroup: &Cgroup) -> proto::Container {
    proto::Container { cgroup: cgroup.path.to_vec(), id: cgroup.container.to_vec() }
}
