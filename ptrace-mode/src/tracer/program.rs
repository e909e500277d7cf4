//! A program has been executed: what it is, read from the process itself.
//!
//! At the exec event the new image is in place and has not run yet, so nothing here can be swapped by
//! another thread: the executable is `/proc/PID/exe`, and arguments, environment and the path that the
//! kernel used are on the new stack, laid out by the kernel (fs/binfmt_elf.c, `create_elf_tables`).

use lapwing_common::event::Text;
use lapwing_common::ids::{Pid, Tid, Timestamp};
use lapwing_common::process::{Arguments, Environment};
use lapwing_common::procfs::strings::terminated;
use lapwing_common::record::{Program, Record, Sighting};
use lapwing_common::syscall::{Arch, Syscall};

use super::{Resume, Tracer};
use crate::os::memory::Memory;
use crate::os::request;
use crate::resolve::Thread;

/// Read at once; holds what nearly every program gets.
const FIRST_READ: usize = 8 << 10;
/// The most that is read of a larger stack.
const LARGEST_READ: usize = 512 << 10;
/// `PATH_MAX` of linux/limits.h.
const PATH_MAX: usize = 4096;
/// `AT_EXECFN` of linux/auxvec.h: address of the path that was executed.
const AT_EXECFN: u64 = 31;

impl Tracer {
    pub(super) fn on_exec(&mut self, tid: i32) -> Resume {
        // The event comes on the leader's id, whichever thread called; its old id is the message.
        let former = request::event_message(tid).ok().and_then(|message| i32::try_from(message).ok()).unwrap_or(tid);
        let call = self.tracees.get_mut(former).and_then(|tracee| tracee.call.take());
        self.tracees.keep_only_leader(tid);
        self.tracees.begin_program(tid);
        self.insert(tid, tid);
        let Ok(info) = request::syscall_info(tid) else { return Resume::Run };
        let Some(task) = self.task(tid) else { return Resume::Run };
        // A 64-bit number of x32's range cannot be told here, and need not be: only the size of a pointer counts.
        let arch = Arch::from_audit(info.arch, 0).unwrap_or(Arch::NATIVE);
        let (program, execfn) = self.read_program(tid, arch, info.sp);
        let mut record = call.unwrap_or_else(|| Box::new(unseen_exec(arch, execfn)));
        record.result = 0;
        record.program = Some(Box::new(program));
        if self.launching == Some(tid) {
            self.launching = None;
        }
        self.unfinished = Some((task, record));
        Resume::Run
    }

    /// Completes an exec once the program runs: with what it cannot change without stopping again.
    pub(super) fn finish_exec(&mut self) {
        let Some((task, mut record)) = self.unfinished.take() else { return };
        if let Some(program) = &mut record.program {
            program.credentials = self.resolver.credentials(task.tid).unwrap_or_default();
            program.cgroup = self.resolver.cgroup(task.tid);
        }
        self.observe(task, Sighting::Exec(record));
    }

    /// The new program, and the path by which the kernel ran it.
    fn read_program(&mut self, tid: i32, arch: Arch, sp: u64) -> (Program, Option<Box<[u8]>>) {
        let mut stack = std::mem::take(&mut self.scratch.stack);
        let image = read_stack(&Memory::new(tid), arch, sp, &mut stack);
        let (arguments, environment, path) = match &image {
            Some(image) => (
                Arguments::capture(image.strings(&image.argv), image.cut, &self.options.arguments),
                Environment::capture(image.strings(&image.envp), image.cut, &self.options.keep),
                // A script's path stands among the first arguments of its interpreter (fs/binfmt_script.c).
                // Where it does not, there is no need to ask what the path leads to.
                image
                    .execfn
                    .and_then(|address| image.string(address))
                    .filter(|path| image.strings(&image.argv).skip(1).take(2).any(|argument| argument == *path)),
            ),
            // Not even the stack can be read: the process was killed meanwhile.
            None => (Arguments::default(), Environment::default(), None),
        };
        let execfn = image.as_ref().and_then(|image| image.string(image.execfn?)).map(Box::from);
        let thread = Thread { pid: Pid(tid), tid: Tid(tid) };
        let executable = self.resolver.executable(thread);
        let script = path.and_then(|path| self.resolver.script(thread, path, &executable));
        drop(image);
        self.scratch.stack = stack;
        let (file, interpreter) = match script {
            Some(script) => (script, Some(executable)),
            None => (executable, None),
        };
        let stat = self.resolver.stat(thread.tid);
        let program = Program {
            file,
            interpreter,
            arguments,
            environment,
            comm: stat.as_ref().map(|stat| stat.name).unwrap_or_default(),
            tty: stat.as_ref().map(|stat| stat.tty).unwrap_or_default(),
            ppid: stat.map(|stat| stat.ppid).unwrap_or_default(),
            ..Program::default()
        };
        (program, execfn)
    }

    /// What a process that already runs is, with its parent and the time it was made. Its stack may
    /// have been overwritten since, so arguments and environment come from where the kernel finds them.
    pub(crate) fn running_program(&mut self, pid: i32) -> Option<(Program, Pid, Timestamp)> {
        let thread = Thread { pid: Pid(pid), tid: Tid(pid) };
        let stat = self.resolver.stat(thread.tid)?;
        let read = |what: &str| std::fs::read(format!("/proc/{pid}/{what}")).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        let program = Program {
            file: self.resolver.executable(thread),
            interpreter: None,
            arguments: Arguments::capture(terminated(&arguments), false, &self.options.arguments),
            environment: Environment::capture(terminated(&environment), false, &self.options.keep),
            comm: stat.name,
            tty: stat.tty,
            credentials: self.resolver.credentials(thread.tid).unwrap_or_default(),
            cgroup: self.resolver.cgroup(thread.tid),
            ppid: stat.ppid,
            ..Program::default()
        };
        Some((program, stat.ppid, stat.started))
    }
}

/// An exec whose call was not looked at: by an interface without a table, or on the word that there was
/// no such file.
fn unseen_exec(arch: Arch, path: Option<Box<[u8]>>) -> Record {
    let row = Syscall::named("execve").unwrap_or(&lapwing_common::syscall::CATALOGUE[0]);
    let mut record = Record::new(row, arch, [0; 6]);
    record.texts.extend(path.map(|bytes| (0, Text { bytes, truncated: false })));
    record
}

/// A new program's stack.
struct Stack<'a> {
    base: u64,
    bytes: &'a [u8],
    argv: Vec<u64>,
    envp: Vec<u64>,
    execfn: Option<u64>,
    /// Not all of it was read.
    cut: bool,
}

fn read_stack<'a>(memory: &Memory, arch: Arch, sp: u64, buffer: &'a mut Vec<u8>) -> Option<Stack<'a>> {
    let mut size = FIRST_READ;
    loop {
        buffer.resize(size, 0);
        let filled = memory.read_some(sp, buffer).ok()?;
        buffer.truncate(filled);
        let (tables, end) = parse(buffer, pointer_size(arch, buffer), sp)?;
        let wanted = wanted(buffer, sp, end).unwrap_or(LARGEST_READ);
        // Less than was asked for: the stack ends here.
        if wanted <= filled || filled < size || size >= LARGEST_READ {
            let cut = tables.cut || (wanted > filled && filled == size);
            return Some(Stack { bytes: buffer, cut, ..tables });
        }
        size = wanted;
    }
}

/// An x32 program is reported as an x86-64 one. Its argument count is four bytes with a pointer behind
/// it, while no count needs more than four.
fn pointer_size(arch: Arch, stack: &[u8]) -> usize {
    let x32 = arch == Arch::X86_64 && stack.get(4..8).is_some_and(|upper| upper != [0; 4]);
    if x32 { 4 } else { arch.pointer_size() }
}

/// How much of a stack has to be read whose last string is at `last`: up to its NUL if that is there, else as far
/// as a path can go on.
fn wanted(bytes: &[u8], base: u64, last: u64) -> Option<usize> {
    let start = usize::try_from(last.checked_sub(base)?).ok()?;
    let nul = bytes.get(start..).and_then(|rest| rest.iter().position(|byte| *byte == 0));
    Some(start.saturating_add(nul.unwrap_or(PATH_MAX)).min(LARGEST_READ))
}

/// The tables at the start of a stack, and the address of its last string.
fn parse(bytes: &[u8], pointer: usize, base: u64) -> Option<(Stack<'static>, u64)> {
    let mut words = bytes.chunks_exact(pointer).map(|word| {
        let mut wide = [0; 8];
        wide[..pointer].copy_from_slice(word);
        u64::from_le_bytes(wide)
    });
    let count = usize::try_from(words.next()?).ok()?;
    let mut stack = Stack { base, bytes: &[], argv: Vec::new(), envp: Vec::new(), execfn: None, cut: false };
    stack.argv.extend(words.by_ref().take(count));
    let whole = stack.argv.len() == count && words.next() == Some(0);
    let mut ended = false;
    for address in words.by_ref() {
        if address == 0 {
            ended = true;
            break;
        }
        stack.envp.push(address);
    }
    let mut auxiliary = false;
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        match key {
            0 => {
                auxiliary = true;
                break;
            }
            AT_EXECFN => stack.execfn = Some(value),
            _ => {}
        }
    }
    if !(whole && ended && auxiliary) {
        // The tables themselves go on beyond what was read.
        stack.cut = true;
        return Some((stack, base.saturating_add(LARGEST_READ as u64)));
    }
    // The path that was executed is the last string (fs/exec.c copies it first, downwards).
    let last =
        stack.execfn.or_else(|| stack.envp.last().copied()).or_else(|| stack.argv.last().copied()).unwrap_or(base);
    Some((stack, last))
}

impl Stack<'_> {
    fn string(&self, address: u64) -> Option<&[u8]> {
        let offset = usize::try_from(address.checked_sub(self.base)?).ok()?;
        let rest = self.bytes.get(offset..)?;
        Some(rest.split(|byte| *byte == 0).next().unwrap_or(rest))
    }

    fn strings<'a>(&'a self, addresses: &'a [u64]) -> impl Iterator<Item = &'a [u8]> {
        addresses.iter().map_while(|address| self.string(*address))
    }
}
