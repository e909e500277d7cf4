//! What `lapwing compare` is asked for.

use std::path::PathBuf;

use super::ConfigError;
use crate::cli::{CompareArgs, CompareFormat, ProcessesArg};
use crate::compare::Processes;

/// Two files to compare and how.
#[derive(Debug)]
pub(crate) struct CompareConfig {
    pub(crate) files: [PathBuf; 2],
    pub(crate) processes: Processes,
    /// Ends of names of fields that are left out.
    pub(crate) ignored: Vec<String>,
    /// How many differences are shown.
    pub(crate) limit: usize,
    pub(crate) format: CompareFormat,
}

impl CompareConfig {
    pub(crate) fn new(args: CompareArgs) -> Result<Self, ConfigError> {
        let files = args.events.try_into().map_err(|files: Vec<_>| ConfigError::NotTwoFiles(files.len()))?;
        let processes = match args.processes {
            ProcessesArg::Tree => Processes::Tree,
            ProcessesArg::Paths => Processes::Paths,
        };
        Ok(Self { files, processes, ignored: args.ignore, limit: args.limit, format: args.format })
    }
}
