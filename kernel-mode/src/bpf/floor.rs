//! What the kernel takes for calling programs at all, whatever they do: for measuring.

use std::fmt;

use aya::programs::{BtfTracePoint, ProgramError};
use aya::{Btf, Ebpf};

use super::error::{LoadError, failed, refused};
use super::null_program;

/// Programs that do nothing, at tracepoints that every system call passes. Detached when dropped.
///
/// No watch can cost a call less that has programs of its own there.
pub struct Floor(Vec<Ebpf>);

impl fmt::Debug for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Floor").field(&self.0.len()).finish()
    }
}

impl Floor {
    /// Attaches one to each of these tracepoints: `sys_enter` and `sys_exit`, say.
    ///
    /// # Errors
    ///
    /// As for a watch: when the kernel or the rights of this process do not allow it.
    pub fn attach(tracepoints: &[&'static str]) -> Result<Self, LoadError> {
        let types = Btf::from_sys_fs().map_err(LoadError::Btf)?;
        tracepoints.iter().map(|tracepoint| attached(tracepoint, &types)).collect::<Result<_, _>>().map(Self)
    }
}

fn attached(tracepoint: &'static str, types: &Btf) -> Result<Ebpf, LoadError> {
    let of = |error| refused(tracepoint, error);
    let mut object = Ebpf::load(&null_program::object())?;
    let program =
        object.program_mut(null_program::NAME).ok_or_else(|| failed(tracepoint, "there is no program for it"))?;
    let program: &mut BtfTracePoint = program.try_into().map_err(|error: ProgramError| of(error))?;
    program.load(tracepoint, types).and_then(|()| program.attach()).map_err(of)?;
    Ok(object)
}
