//! Why programs are not in the kernel.

use std::fmt;
use std::io;

use aya::EbpfError;
use aya::maps::MapError;
use aya::programs::ProgramError;
use thiserror::Error;

use super::trial::chain;

/// Why the programs are not in the kernel.
#[derive(Debug, Error)]
pub enum LoadError {
    /// The kernel does not describe its types.
    #[error("the kernel has no type information (BTF) at /sys/kernel/btf/vmlinux: {0}")]
    Btf(aya::BtfError),
    /// The object or its maps were refused.
    #[error("cannot load the BPF object: {}", chain(.0))]
    Object(#[from] EbpfError),
    /// A program was refused. The log is the verifier's.
    #[error("the kernel refuses the program {name}: {error}")]
    Program {
        /// Which.
        name: &'static str,
        /// Its answer.
        error: String,
        /// What the verifier had to say, empty if nothing.
        log: String,
    },
    /// A map is not as it has to be.
    #[error("the map {name}: {error}")]
    Map {
        /// Which.
        name: &'static str,
        /// What happened.
        error: MapError,
    },
    /// A defect of Lapwing or of a library.
    #[error("a thread that loads the programs panicked; this is a defect of Lapwing")]
    Panic,
    /// The number of CPUs is not known.
    #[error("cannot tell how many CPUs there may be: {0}")]
    Cpus(io::Error),
}

impl LoadError {
    /// What the verifier had to say.
    #[must_use]
    pub fn log(&self) -> Option<&str> {
        match self {
            Self::Program { log, .. } if !log.trim().is_empty() => Some(log),
            _ => None,
        }
    }
}

pub(super) fn refused(name: &'static str, error: ProgramError) -> LoadError {
    match error {
        ProgramError::LoadError { io_error, verifier_log } => {
            LoadError::Program { name, error: io_error.to_string(), log: verifier_log.to_string() }
        }
        other => failed(name, other),
    }
}

pub(super) fn failed(name: &'static str, error: impl fmt::Display) -> LoadError {
    LoadError::Program { name, error: error.to_string(), log: String::new() }
}
