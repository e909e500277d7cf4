//! The process cache, as the reference's `process-cache dump` writes it.

use std::io::Write;
use std::path::PathBuf;

use lapwing_common::process::dump::{Dump, ShowArguments};

use super::{DumpDir, DumpError};

/// What a dump of processes is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GraphFormat {
    /// For Graphviz.
    Dot,
    /// For programs.
    Json,
}

/// Writes the processes: `process-cache-dump-<digits>`, with `.json` after it if it is that.
pub(crate) fn processes(
    dir: &DumpDir,
    dump: Dump,
    format: GraphFormat,
    arguments: ShowArguments,
) -> Result<PathBuf, DumpError> {
    let suffix = match format {
        GraphFormat::Dot => "",
        GraphFormat::Json => ".json",
    };
    dir.write("process-cache-dump-", suffix, |out: &mut dyn Write| {
        let mut put = |piece: &[u8]| out.write_all(piece);
        match format {
            GraphFormat::Dot => dump.write_dot(arguments, &mut put),
            GraphFormat::Json => dump.write_json(arguments, &mut put),
        }
    })
}
