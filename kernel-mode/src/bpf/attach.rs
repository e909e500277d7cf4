//! Loading programs and attaching them, all at once or some later, and running the iterator over tasks.

use std::io::Read as _;
use std::sync::PoisonError;
use std::thread;

use aya::Ebpf;
use aya::programs::{BtfTracePoint, Iter, Program, ProgramError};
use zerocopy::FromBytes as _;

use super::LoadError;
use super::error::{failed, refused};
use super::object::Object;
use super::types::Types;
use crate::abi::Numbers;

impl Object {
    /// Loads programs and attaches them to the tracepoints that they are named after, in this order; after those,
    /// others that the kernel may refuse: then none of these, and the answer says why.
    pub(crate) fn attach(
        &mut self,
        types: &Types,
        names: &[&'static str],
        optional: &[&'static str],
    ) -> Result<Result<(), LoadError>, LoadError> {
        let mut programs = Vec::new();
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, program) in ebpf.programs_mut() {
            if let Some(name) = names.iter().chain(optional).find(|wanted| **wanted == name) {
                let program: &mut BtfTracePoint = program.try_into().map_err(|error| refused(name, error))?;
                programs.push((*name, program));
            }
        }
        if let Some(name) = names.iter().find(|name| !programs.iter().any(|(found, _)| found == *name)) {
            return Err(failed(name, "it is not in the object"));
        }
        // What takes time is the verifier, and it looks at several programs at once.
        let load = |(name, program): &mut (&'static str, &mut BtfTracePoint)| {
            program.load(tracepoint(name), &types.hooks).map_err(|error| refused(name, error))
        };
        let loaded: Vec<_> = thread::scope(|scope| {
            let loading: Vec<_> = programs.iter_mut().map(|each| (each.0, scope.spawn(|| load(each)))).collect();
            let finish = |(name, thread): (_, thread::ScopedJoinHandle<'_, _>)| {
                (name, thread.join().unwrap_or(Err(LoadError::Panic)))
            };
            loading.into_iter().map(finish).collect()
        });
        let mut extra = Ok(());
        for (name, result) in loaded {
            if optional.contains(&name) {
                extra = extra.and(result);
            } else {
                result?;
            }
        }
        let position = |name: &str| names.iter().chain(optional).position(|wanted| *wanted == name);
        programs.sort_by_key(|(name, _)| position(name));
        for (name, program) in programs {
            if !optional.contains(&name) {
                program.attach().map_err(|error| refused(name, error))?;
            } else if extra.is_ok() {
                extra = program.attach().map(drop).map_err(|error| refused(name, error));
            }
        }
        Ok(extra)
    }

    /// Loads a program that is attached later, if at all.
    pub(crate) fn prepare(&mut self, types: &Types, name: &'static str) -> Result<(), LoadError> {
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let program: &mut BtfTracePoint = program(&mut ebpf, name)?;
        program.load(tracepoint(name), &types.hooks).map_err(|error| refused(name, error))
    }

    /// Attaches a program that was loaded before.
    pub(crate) fn attach_prepared(&mut self, name: &'static str) -> Result<(), LoadError> {
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let program: &mut BtfTracePoint = program(&mut ebpf, name)?;
        program.attach().map(drop).map_err(|error| refused(name, error))
    }

    /// The processes that are observed, or all where [`Self::watch`] says who is. Asks an iterator over all tasks,
    /// which is gone when this returns.
    pub(crate) fn processes(&mut self, types: &Types) -> Result<Vec<Numbers>, LoadError> {
        let name = "iter_task";
        let mut ebpf = self.ebpf.lock().unwrap_or_else(PoisonError::into_inner);
        let program: &mut Iter = program(&mut ebpf, name)?;
        program.load("task", &types.hooks).map_err(|error| refused(name, error))?;
        let link = program.attach().and_then(|id| program.take_link(id)).map_err(|error| refused(name, error))?;
        let mut file = link.into_file().map_err(|error| failed(name, error))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(|error| failed(name, format_args!("reading it: {error}")))?;
        program.unload().map_err(|error| refused(name, error))?;
        Ok(bytes.chunks_exact(size_of::<Numbers>()).filter_map(|bytes| Numbers::read_from_bytes(bytes).ok()).collect())
    }
}

/// Programs are named after their tracepoints; of two on the same, one has a longer name.
fn tracepoint(program: &'static str) -> &'static str {
    if program == "sys_enter_all" { "sys_enter" } else { program }
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, LoadError>
where
    &'a mut P: TryFrom<&'a mut Program, Error = ProgramError>,
{
    ebpf.program_mut(name)
        .ok_or_else(|| failed(name, "it is not in the object"))?
        .try_into()
        .map_err(|error| refused(name, error))
}
