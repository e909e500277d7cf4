//! What the kernel says when a program, map or helper is tried: the only honest feature test, since
//! distributions backport features and configurations remove them.
//!
//! aya's `is_program_supported(Tracing)` is not used for BTF tracepoints: it attaches a program to
//! a kernel *function*, which some kernels refuse although they take BTF tracepoints.

use std::error::Error;
use std::io;

use aya::maps::MapType;
use aya::programs::{BtfTracePoint, ProgramError, ProgramType};
use aya::sys::{BpfHelper, is_helper_supported, is_map_supported, is_program_supported};
use aya::{Btf, Ebpf};

use super::null_program;

/// `Ok` is the kernel's yes or no; `Err` says why neither could be had.
pub(crate) type Trial = Result<bool, String>;

/// A tracepoint that every kernel with processes has, and that fires seldom.
const TRACEPOINT: &str = "sched_process_exec";

/// The kernel's own "not supported", which never reaches well-behaved system calls.
const ENOTSUPP: i32 = 524;
const EINVAL: i32 = 22;

/// Programs on classic tracepoints.
pub(crate) fn tracepoint() -> Trial {
    is_program_supported(ProgramType::TracePoint).map_err(|error| chain(&error))
}

/// Programs on raw tracepoints.
pub(crate) fn raw_tracepoint() -> Trial {
    is_program_supported(ProgramType::RawTracePoint).map_err(|error| chain(&error))
}

/// Programs on raw tracepoints with typed arguments (`tp_btf`): loads an empty one, attaches it,
/// and takes it away again.
pub(crate) fn btf_tracepoint() -> Trial {
    let btf = Btf::from_sys_fs().map_err(|error| chain(&error))?;
    let mut object = Ebpf::load(&null_program::object()).map_err(|error| chain(&error))?;
    let program = object.program_mut(null_program::NAME).ok_or("the test program was not found in its object")?;
    let program: &mut BtfTracePoint = program.try_into().map_err(|error: ProgramError| chain(&error))?;
    match program.load(TRACEPOINT, &btf).and_then(|()| program.attach()) {
        Ok(_) => Ok(true),
        Err(error) if matches!(errno(&error), Some(EINVAL | ENOTSUPP)) => Ok(false),
        Err(ProgramError::LoadError { io_error, .. }) => Err(format!("`bpf_prog_load` failed: {io_error}")),
        Err(error) => Err(chain(&error)),
    }
}

/// The ring buffer map that events travel in.
pub(crate) fn ring_buffer() -> Trial {
    is_map_supported(MapType::RingBuf).map_err(|error| chain(&error))
}

/// The hash map that forgets its oldest entries, which discarders live in.
pub(crate) fn lru_hash() -> Trial {
    is_map_supported(MapType::LruHash).map_err(|error| chain(&error))
}

/// Reading kernel memory, which lockdown in confidentiality mode forbids.
pub(crate) fn probe_read_kernel() -> Trial {
    is_helper_supported(ProgramType::RawTracePoint, BpfHelper::BPF_FUNC_probe_read_kernel)
        .map_err(|error| chain(&error))
}

/// The error number at the bottom of an error.
fn errno(error: &(dyn Error + 'static)) -> Option<i32> {
    let bottom = causes(error).last()?;
    bottom.downcast_ref::<io::Error>()?.raw_os_error()
}

/// An error with its causes, in one line. A cause that its parent already quotes is not repeated.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = String::new();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !line.contains(&cause) {
            line.push_str(if line.is_empty() { "" } else { ": " });
            line.push_str(&cause);
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Outer(io::Error);

    impl std::fmt::Display for Outer {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("`bpf_map_create`\n  failed")
        }
    }

    impl Error for Outer {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_becomes_one_line_with_its_cause_and_number() {
        let error = Outer(io::Error::from_raw_os_error(1));
        assert_eq!(chain(&error), "`bpf_map_create` failed: Operation not permitted (os error 1)");
        assert_eq!(errno(&error), Some(1));
    }

    #[test]
    fn every_trial_answers_in_one_line_whatever_the_privileges() {
        for trial in [tracepoint, raw_tracepoint, btf_tracepoint, ring_buffer, lru_hash, probe_read_kernel] {
            if let Err(why) = trial() {
                assert!(!why.is_empty() && !why.contains('\n'), "{why:?}");
            }
        }
    }
}
