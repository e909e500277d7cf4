//! What `lapwing compare` is asked for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::ConfigError;
use crate::activity::Encoding;
use crate::cli::{CompareArgs, CompareFormat, ProcessesArg};
use crate::compare::Processes;

/// What to compare and how.
#[derive(Debug)]
pub(crate) struct CompareConfig {
    pub(crate) what: Compared,
    pub(crate) processes: Processes,
    /// Ends of names of fields that are left out.
    pub(crate) ignored: Vec<String>,
    /// How many differences are shown.
    pub(crate) limit: usize,
    /// How often a command is run in each way.
    pub(crate) rounds: usize,
    pub(crate) format: CompareFormat,
    /// Where the result goes; none for stdout.
    pub(crate) output: Option<PathBuf>,
    pub(crate) quiet: bool,
}

/// What is compared.
#[derive(Debug)]
pub(crate) enum Compared {
    /// Two streams of events, and maybe dumps.
    Files {
        events: [PathBuf; 2],
        /// Dumps of the same runs.
        dumps: Option<[PathBuf; 2]>,
    },
    /// Ways to run a command.
    Command(Vec<OsString>),
}

impl CompareConfig {
    pub(crate) fn new(args: CompareArgs) -> Result<Self, ConfigError> {
        let format = args.format.unwrap_or_else(|| format_of(args.output.as_deref()));
        let what = if args.events.is_empty() {
            if args.command.is_empty() {
                return Err(ConfigError::NothingToCompare);
            }
            Compared::Command(args.command)
        } else {
            if format == CompareFormat::Svg {
                return Err(ConfigError::NoChart);
            }
            let events = two("--events", args.events)?;
            let dumps = if args.dumps.is_empty() { None } else { Some(two("--dumps", args.dumps)?) };
            // A name that says nothing is found out before anything is read.
            dumps.iter().flatten().try_for_each(|path| Encoding::of(path).map(drop))?;
            Compared::Files { events, dumps }
        };
        let processes = match args.processes {
            ProcessesArg::Tree => Processes::Tree,
            ProcessesArg::Paths => Processes::Paths,
        };
        let (rounds, ignored, limit) = (args.runs.into(), args.ignore, args.limit);
        Ok(Self { what, processes, ignored, limit, rounds, format, output: args.output, quiet: args.quiet })
    }

    /// For tests: two rounds of nothing.
    #[cfg(test)]
    pub(crate) fn made_up() -> Self {
        Self {
            what: Compared::Command(Vec::new()),
            processes: Processes::Tree,
            ignored: Vec::new(),
            limit: 20,
            rounds: 2,
            format: CompareFormat::Table,
            output: None,
            quiet: true,
        }
    }
}

fn two(option: &'static str, files: Vec<PathBuf>) -> Result<[PathBuf; 2], ConfigError> {
    files.try_into().map_err(|files: Vec<_>| ConfigError::NotTwoFiles { option, count: files.len() })
}

fn format_of(output: Option<&Path>) -> CompareFormat {
    match output.and_then(Path::extension).and_then(|extension| extension.to_str()) {
        Some("svg") => CompareFormat::Svg,
        Some("json") => CompareFormat::Json,
        _ => CompareFormat::Table,
    }
}
