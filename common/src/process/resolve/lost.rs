//! Processes that are not what the cache says: their number stands for another process, or they run another program,
//! because records were lost. Their marks tell (see [`Mark`]).

use alloc::sync::Arc;
use core::fmt;

use super::{Lookup, Reach, Resolver};
use crate::event::File;
use crate::ids::{Pid, ProcessKey, Timestamp};
use crate::process::{Cache, Mark, Process, Source};
use crate::record::{Program, Running};

impl Resolver {
    /// The process runs a program that nobody told of: an entry for that, below the one that was known. Where no place
    /// knows the program any more, the entry says that it is not known.
    pub(super) fn catch_up(
        &mut self,
        cache: &mut Cache,
        process: &Arc<Process>,
        mark: Mark,
        at: Timestamp,
        reach: Reach,
    ) -> Arc<Process> {
        let key = process.key();
        let found = self.running(cache, key, mark, at, reach);
        if found.as_ref().is_some_and(|(program, _)| was_foreseen(process, program)) {
            process.mark.set(mark);
            return Arc::clone(process);
        }
        cache.counters.lost_execs += 1;
        cache.counters.not_found += u64::from(found.is_none());
        let (program, source) = found.unwrap_or_else(|| (unknown(process), Source::Placeholder));
        let now = cache.exec_told_by(source, key, program, at);
        now.mark.set(mark);
        now
    }

    /// A process is about to be told of that has run a new program: makes what it was before known, if that can be
    /// found out without procfs, where it is the new one by now.
    pub(crate) fn before_exec(&mut self, cache: &mut Cache, key: ProcessKey, mark: Mark, at: Timestamp) {
        if self.kernel.is_some() || cache.known(key).is_some() {
            self.find(cache, key, at, Reach::Kernel, Some(mark.before_exec()));
        }
    }

    /// What the process runs. Whether it was looked up a moment ago does not matter: it has run a program since.
    fn running(
        &mut self,
        cache: &mut Cache,
        key: ProcessKey,
        mark: Mark,
        at: Timestamp,
        reach: Reach,
    ) -> Option<(Program, Source)> {
        let procfs = self.procfs.as_deref_mut().filter(|_| reach == Reach::Procfs);
        if let Some(kernel) = self.kernel.as_deref_mut() {
            let limiter = &mut self.limiter;
            let mut kernel = Completed { kernel, procfs, is_allowed: |_| limiter.take(at) };
            if let Some(running) = kernel.process(key, Some(mark)) {
                cache.counters.from_kernel += 1;
                return Some((running.program, Source::Kernel));
            }
        }
        let procfs = self.procfs.as_deref_mut().filter(|_| reach == Reach::Procfs)?;
        if !self.limiter.take(at) {
            cache.counters.limited += 1;
            return None;
        }
        let running = procfs.process(key, Some(mark))?;
        cache.counters.from_procfs += 1;
        Some((running.program, Source::Procfs))
    }
}

/// What is certain of a process that runs nobody knows what.
fn unknown(before: &Process) -> Program {
    let mut program = Program {
        comm: before.comm(),
        tty: before.tty(),
        credentials: before.credentials(),
        cgroup: before.shared_cgroup().cloned(),
        ppid: before.ppid(),
        naming: before.naming().clone(),
        ..Program::default()
    };
    program.file.unresolved = true;
    program
}

/// Whether procfs, which tells no marks, showed the program already that is noticed now.
fn was_foreseen(process: &Process, program: &Program) -> bool {
    let arguments = &program.arguments;
    process.source() == Source::Procfs
        && is_same_program(&process.image().file, program)
        && (arguments.first().is_empty() || process.image().arguments == *arguments)
}

/// Whether this file is what is run, as far as is known: of a script, one place names the script and the other what
/// interprets it.
fn is_same_program(file: &File, program: &Program) -> bool {
    let inode = |file: &File| file.inode.as_ref().map(|inode| (inode.number, inode.mount_id));
    let is_it = |other: &File| match (inode(file), inode(other)) {
        (Some(file), Some(other)) => file == other,
        _ => file.path == other.path,
    };
    is_it(&program.file) || program.interpreter.as_ref().is_some_and(is_it)
}

/// What the kernel keeps of a process, with what only procfs has, arguments and environment, if the process still runs
/// that program and procfs may be asked.
pub(super) struct Completed<'a, A> {
    pub(super) kernel: &'a mut dyn Lookup,
    pub(super) procfs: Option<&'a mut (dyn Lookup + 'static)>,
    /// Whether procfs may be asked for a process.
    pub(super) is_allowed: A,
}

impl<A> fmt::Debug for Completed<'_, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("kernel", &self.kernel).field("procfs", &self.procfs).finish_non_exhaustive()
    }
}

impl<A: FnMut(ProcessKey) -> bool + Send> Lookup for Completed<'_, A> {
    fn process(&mut self, key: ProcessKey, mark: Option<Mark>) -> Option<Running> {
        let mut running = self.kernel.process(key, mark)?;
        let lacks_arguments = running.program.arguments.first().is_empty();
        let Some(procfs) = self.procfs.as_deref_mut().filter(|_| lacks_arguments) else { return Some(running) };
        let more = (self.is_allowed)(key).then(|| procfs.process(key, mark)).flatten();
        if let Some(more) = more.filter(|more| is_same_program(&more.program.file, &running.program)) {
            running.program.arguments = more.program.arguments;
            running.program.environment = more.program.environment;
            running.program.cgroup = running.program.cgroup.or(more.program.cgroup);
        }
        Some(running)
    }

    fn parent(&mut self, key: ProcessKey) -> Option<Pid> {
        self.kernel.parent(key)
    }
}
