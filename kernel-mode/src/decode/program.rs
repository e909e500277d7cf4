//! New programs.

use lapwing_common::event::Text;
use lapwing_common::ids::{Pid, ProcessKey, Tid};
use lapwing_common::process::{Arguments, Credentials, Environment, Lookup as _, Mark};
use lapwing_common::procfs::strings::terminated;
use lapwing_common::record::{Program, Record, Running, Sighting, Task};
use lapwing_common::schema::Short;
use lapwing_common::syscall::{Arch, Syscall};
use zerocopy::FromBytes as _;

use super::Decoder;
use super::file::{self, until_nul};
use crate::abi::{self, Kind, PartFlags, PartKind, Parts};

impl Decoder {
    /// A process is watched from now on: what it is. Arguments and environment are in `/proc` alone, if the process
    /// is still there.
    pub(super) fn enter(&mut self, task: Task, head: &abi::Record, bytes: &[u8]) -> Option<Running> {
        let started = self.time.at(head.args[0]);
        let key = ProcessKey { pid: task.pid, namespace: self.namespace };
        let is_same = |running: &Running| running.started.0.abs_diff(started.0) <= TICK;
        if let Some(running) = self.procfs.process(key, None).filter(is_same) {
            return Some(running);
        }
        let program = self.entered(task, bytes)?;
        Some(Running { ppid: program.ppid, started, program })
    }

    /// What a process was when a record of it did not fit into the ring (`bpf/lib/enter.h`), if it is the one with
    /// this mark.
    pub(crate) fn missed(&mut self, key: ProcessKey, mark: Option<Mark>, bytes: &[u8]) -> Option<Running> {
        let (head, _) = abi::Record::read_from_prefix(bytes).ok()?;
        let bytes = bytes.get(..usize::try_from(head.size).ok()?)?;
        if mark.is_some() && head.mark() != mark {
            return None;
        }
        let task = Task { pid: key.pid, tid: Tid(key.pid.0), namespace: key.namespace, mark: None };
        let program = match Kind::try_from(head.kind).ok()? {
            Kind::Enter => self.entered(task, bytes)?,
            Kind::Exec => *self.executed(task, bytes)?.program,
            _ => return None,
        };
        let started = self.time.at(head.args[0]);
        Some(Running { ppid: program.ppid, started, program })
    }

    fn entered(&mut self, task: Task, bytes: &[u8]) -> Option<Program> {
        let mut program = Program::default();
        for part in Parts::of(bytes) {
            let (part, content) = part.ok()?;
            match PartKind::try_from(part.kind).ok()? {
                PartKind::File => {
                    let (head, rest) = abi::FileHead::read_from_prefix(content).ok()?;
                    program.file = settled(file::file(&head, rest, &mut self.names)?);
                }
                PartKind::Credentials => program.credentials = credentials(content)?,
                PartKind::Program => self.describe(&mut program, content, task.pid)?,
                _ => {}
            }
        }
        Some(program)
    }

    /// A process runs a new program.
    pub(super) fn exec(&mut self, task: Task, omitted: bool, bytes: &[u8]) -> Option<Sighting> {
        let Executed { program, path, by_descriptor } = self.executed(task, bytes)?;
        let name = if by_descriptor { "execveat" } else { "execve" };
        let mut record = Record::new(Syscall::named(name)?, Arch::NATIVE, [0; 6]);
        record.cut = omitted;
        let text = path.map(|path| Text { bytes: path.into(), truncated: false });
        record.texts.extend(text.map(|text| (u8::from(by_descriptor), text)));
        record.program = Some(program);
        Some(Sighting::Exec(Box::new(record)))
    }

    fn executed<'a>(&mut self, task: Task, bytes: &'a [u8]) -> Option<Executed<'a>> {
        let mut program = Box::new(Program::default());
        let mut path = None;
        let mut by_descriptor = false;
        for part in Parts::of(bytes) {
            let (part, content) = part.ok()?;
            let truncated = part.flags & PartFlags::TRUNCATED.bits() != 0;
            match PartKind::try_from(part.kind).ok()? {
                PartKind::Text => {
                    by_descriptor = part.arg != 0;
                    path = Some(if by_descriptor { below_descriptor(content) } else { content });
                }
                PartKind::File => {
                    let (head, rest) = abi::FileHead::read_from_prefix(content).ok()?;
                    let found = file::file(&head, rest, &mut self.names)?;
                    if part.arg == 0 {
                        program.file = settled(found);
                    } else {
                        program.interpreter = Some(settled(found));
                    }
                }
                PartKind::Credentials => program.credentials = credentials(content)?,
                PartKind::Program => self.describe(&mut program, content, task.pid)?,
                PartKind::Argv => {
                    program.arguments = Arguments::capture(terminated(content), truncated, &self.limits);
                }
                PartKind::Envp => {
                    program.environment = Environment::capture(terminated(content), truncated, &self.keep);
                }
                _ => {}
            }
        }
        Some(Executed { program, path, by_descriptor })
    }

    fn describe(&mut self, program: &mut Program, content: &[u8], pid: Pid) -> Option<()> {
        let (about, _) = abi::Program::read_from_prefix(content).ok()?;
        program.comm = Short::new(until_nul(&about.comm));
        program.ppid = Pid(i32::try_from(about.ppid).unwrap_or(0));
        program.tty = Short::new(until_nul(&about.tty));
        program.cgroup = self.sets.of((about.cgroups, about.cgroup_id), pid);
        Some(())
    }
}

/// What a record of an exec tells.
struct Executed<'a> {
    program: Box<Program>,
    /// As it was passed.
    path: Option<&'a [u8]>,
    by_descriptor: bool,
}

/// Times of a process's start come in ticks of the kernel's clock from `/proc`, and in nanoseconds from a program.
const TICK: u64 = 10_000_000;

/// What runs exists, so that what could not be looked up is a matter of the path alone.
fn settled(found: file::Found) -> lapwing_common::event::File {
    let mut file = found.file;
    file.unresolved |= found.uncertain;
    file
}

/// The path that was passed with a descriptor, out of the one that the kernel makes of both
/// (`/dev/fd/5/prog`, `alloc_bprm` of fs/exec.c).
fn below_descriptor(path: &[u8]) -> &[u8] {
    let number = path.strip_prefix(b"/dev/fd/").unwrap_or(path);
    number.iter().position(|byte| *byte == b'/').map_or(&[], |slash| &number[slash + 1..])
}

pub(super) fn credentials(content: &[u8]) -> Option<Credentials> {
    let (from, _) = abi::Credentials::read_from_prefix(content).ok()?;
    Some(Credentials {
        uid: from.uid,
        euid: from.euid,
        fsuid: from.fsuid,
        gid: from.gid,
        egid: from.egid,
        fsgid: from.fsgid,
        auid: from.auid,
        cap_effective: from.cap_effective,
        cap_permitted: from.cap_permitted,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_made_up_of_a_descriptor() {
        assert_eq!(below_descriptor(b"/dev/fd/5/a/b"), b"a/b");
        assert_eq!(below_descriptor(b"/dev/fd/12"), b"");
    }
}
