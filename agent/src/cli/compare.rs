//! `lapwing compare`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Measure what watching a command costs, by each backend and by other tools; or tell whether two streams are the same
///
/// With a command: it is run as it is, under both backends, and under strace, tracexec and bpftrace where they are
/// installed, again and again in balanced orders. Shown are times, what each tool adds, and whether both backends saw the
/// same. The command has to bear being run often. It gets no input, and its output goes nowhere; if it fails, a warning
/// says so.
///
/// With --events: times, process ids, random names and whatever else has to differ between two runs of a command are taken
/// away by rules; the rest is compared, as a whole and as a tree of processes. Exits 0 when both are the same, 1 when not.
#[derive(Args, Debug)]
#[command(
    override_usage = "lapwing compare [OPTIONS] -- CMD [ARGUMENT]...\n       lapwing compare [OPTIONS] --events FILE FILE",
    after_help = "\
Examples:
  lapwing compare -- make -B                     what does watching a build cost?
  lapwing compare --runs 30 -o cost.svg -- git gc
                                                 the same as a bar chart
  lapwing run --backend ptrace -o p.jsonl -- make
  lapwing run --backend kernel -o k.jsonl -- make
  lapwing compare --events p.jsonl k.jsonl       did both backends see the same?
  lapwing compare --events p.jsonl k.jsonl --dumps p.protobuf k.protobuf
                                                 and do their activity dumps have the same in them?
  lapwing compare --processes paths --events p.jsonl k.jsonl
                                                 of workers that take what comes, count all of a kind together
  lapwing compare --format json --events p.jsonl k.jsonl | jq '.differences[].fields'"
)]
pub(crate) struct CompareArgs {
    /// How often the command is run in each way, after once that does not count
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) runs: u16,
    /// Write the result to FILE
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show no progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The two streams: files written by `lapwing run -o FILE.jsonl`
    #[arg(long, num_args = 2, value_names = ["FILE", "FILE"])]
    pub(crate) events: Vec<PathBuf>,
    /// Dumps of the same two runs, written by `lapwing run --dump FILE`: whether they are the same too
    #[arg(long, num_args = 2, value_names = ["FILE", "FILE"], requires = "events")]
    pub(crate) dumps: Vec<PathBuf>,
    /// How processes are told apart
    #[arg(long, value_enum, value_name = "HOW", default_value_t = ProcessesArg::Tree)]
    pub(crate) processes: ProcessesArg,
    /// Fields to leave out, by the end of their names: `file.inode` means those of all events
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub(crate) ignore: Vec<String>,
    /// How many differences to show at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: usize,
    /// List what is left out of the comparison, and why
    #[arg(long, exclusive = true)]
    pub(crate) rules: bool,
    /// How to show what was found [default: as -o's extension says, else table]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<CompareFormat>,
    /// The command to run, with its arguments
    #[arg(trailing_var_arg = true, value_name = "CMD", help_heading = "Arguments", conflicts_with = "events")]
    pub(crate) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProcessesArg {
    /// Each by itself: the trees have to be the same too
    Tree,
    /// By the programs on the way to them: those with the same way count together
    Paths,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CompareFormat {
    /// Text
    Table,
    /// One JSON object
    Json,
    /// A bar chart of times
    Svg,
}
