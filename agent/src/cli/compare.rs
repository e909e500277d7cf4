//! `lapwing compare`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Tell whether two streams of events are the same story, and what differs if not
///
/// Times, process ids, random names and whatever else has to differ between two runs of a command are taken away by
/// rules; the rest is compared, as a whole and as a tree of processes. Exits 0 when both are the same, 1 when not.
#[derive(Args, Debug)]
#[command(
    override_usage = "lapwing compare [OPTIONS] --events FILE FILE",
    after_help = "\
Examples:
  lapwing run --backend ptrace -o p.jsonl -- make
  lapwing run --backend kernel -o k.jsonl -- make
  lapwing compare --events p.jsonl k.jsonl       did both backends see the same?
  lapwing compare --processes paths --events p.jsonl k.jsonl
                                                 of workers that take what comes, count all of a kind together
  lapwing compare --format json --events p.jsonl k.jsonl | jq '.differences[].fields'"
)]
pub(crate) struct CompareArgs {
    /// The two streams: files written by `lapwing run -o FILE.jsonl`
    #[arg(long, num_args = 2, value_names = ["FILE", "FILE"], required_unless_present = "rules")]
    pub(crate) events: Vec<PathBuf>,
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
    /// How to show what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = CompareFormat::Table)]
    pub(crate) format: CompareFormat,
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
}
