//! `lapwing activity-dump`, and the options by which `run` makes a dump.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::ReportFormat;
use super::agent::DirectoryArgs;
use crate::activity::Format;

/// Look at activity dumps: what a workload did, as a tree of its programs
///
/// A dump has every program at its place below the program that started it, and with each the files it opened, the
/// ports it bound, its system calls and the rules that matched. `lapwing run --dump FILE -- CMD` makes one of a command,
/// and an agent makes them of workloads that run: `start`, `stop`, `list`.
///
/// What a file holds follows from the end of its name: .json, .protobuf and .profile are Datadog's formats, and can be
/// read again; .dot is for Graphviz, .svg for a browser. After any of them, .gz packs it.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  lapwing run --dump build.profile -- make
  lapwing activity-dump show build.profile
  lapwing activity-dump start --container 3f2a --timeout 10m
  lapwing activity-dump encode build.profile build.svg build.dot
  lapwing activity-dump diff yesterday.profile build.profile")]
pub(crate) enum ActivityDump {
    Start(StartArgs),
    Stop(StopArgs),
    List(ListArgs),
    Encode(EncodeArgs),
    Show(ShowArgs),
    Diff(DiffArgs),
}

/// Have the agent record what a workload does from now on, and print the dump's name
///
/// What runs already is in the dump too. It ends by `stop`, or by its time, and is then written to the directory that the
/// agent's configuration names (`dump-dir`, /tmp by default), for the agent's user to read. Whenever it has taken all the
/// memory that it may, what there is is written as a part, under a name of its own, and the next part begins.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing activity-dump start --container 3f2a1b
  lapwing activity-dump start --cgroup /system.slice/nginx.service --timeout 1h --format profile,json
  lapwing activity-dump start --pid 1234 --workload backup:nightly --gzip")]
pub(crate) struct StartArgs {
    #[command(flatten)]
    pub(crate) of: WorkloadArgs,
    /// End after so long, as in 90s, 10m or 2h [default: 15m, or as configured]
    #[arg(long, value_name = "TIME")]
    pub(crate) timeout: Option<String>,
    /// Memory that a part may take, as in 500k or 4M [default: 1750k, or as configured]
    #[arg(long, value_name = "SIZE")]
    pub(crate) limit: Option<String>,
    /// What to write [default: profile, or as configured]
    #[arg(long = "format", value_enum, value_name = "FORMAT", value_delimiter = ',')]
    pub(crate) formats: Vec<Format>,
    /// Pack the files
    #[arg(long)]
    pub(crate) gzip: bool,
    /// Tell runs of a program with other arguments apart
    #[arg(long)]
    pub(crate) differentiate_args: bool,
    /// What to call the workload in the dump [default: the container's id, the control group's or the program's name]
    #[arg(long, value_name = "NAME[:TAG]")]
    pub(crate) workload: Option<String>,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Whom to record.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct WorkloadArgs {
    /// The container whose id begins so
    #[arg(long, value_name = "ID")]
    pub(crate) container: Option<String>,
    /// The control group of this path, without those below it
    #[arg(long, value_name = "PATH")]
    pub(crate) cgroup: Option<String>,
    /// This process and what it starts
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<i32>,
}

/// Have the agent end a dump and write it, and print the names of its files
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing activity-dump stop activity-dump-k3v9x0q2ab
  lapwing activity-dump stop --container 3f2a1b | xargs -n 1 lapwing activity-dump show")]
pub(crate) struct StopArgs {
    #[command(flatten)]
    pub(crate) which: WhichArgs,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Which dump.
#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichArgs {
    /// The dump of this name
    #[arg(value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// The dump of the container whose id begins so
    #[arg(long, value_name = "ID")]
    pub(crate) container: Option<String>,
    /// The dump of this control group
    #[arg(long, value_name = "PATH")]
    pub(crate) cgroup: Option<String>,
    /// The dump of this process
    #[arg(long, value_name = "PID")]
    pub(crate) pid: Option<i32>,
}

/// List the dumps that the agent is making
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing activity-dump list
  lapwing activity-dump list --format json | jq -r '.[].name'")]
pub(crate) struct ListArgs {
    /// How to show them
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Pretty)]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Write a dump in other formats
///
/// New files can be read by their owner only (mode 0400). Prints their names.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing activity-dump encode build.profile build.svg build.json.gz
  lapwing activity-dump encode --workload nginx:1.25 web.json web.profile")]
pub(crate) struct EncodeArgs {
    /// The dump: a .json, .protobuf or .profile file, maybe .gz
    #[arg(value_name = "INPUT")]
    pub(crate) input: PathBuf,
    /// What to write
    #[arg(value_name = "OUTPUT", required = true)]
    pub(crate) outputs: Vec<PathBuf>,
    /// Say that the dump is of this image; a profile needs one
    #[arg(long, value_name = "NAME[:TAG]")]
    pub(crate) workload: Option<String>,
    /// Replace files that exist
    #[arg(long)]
    pub(crate) force: bool,
}

/// Show a dump as a tree
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing activity-dump show build.json | less")]
pub(crate) struct ShowArgs {
    /// The dump: a .json, .protobuf or .profile file, maybe .gz
    #[arg(value_name = "FILE")]
    pub(crate) input: PathBuf,
}

/// Show what differs between two dumps
///
/// Programs are compared by their paths and places, not by their arguments. In the tree, `+` is only in SECOND and
/// `-` only in FIRST; by default it shows what differs, and the programs that lead to it.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing activity-dump diff before.json after.json
  lapwing activity-dump diff --format svg before.json after.json >diff.svg
  lapwing activity-dump diff --format json a.profile b.profile | jq -r '.changes[] | .change + \" \" + .value'")]
pub(crate) struct DiffArgs {
    /// The dump that is compared with
    #[arg(value_name = "FIRST")]
    pub(crate) first: PathBuf,
    /// The dump that is compared
    #[arg(value_name = "SECOND")]
    pub(crate) second: PathBuf,
    /// How to show the difference
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = DiffFormat::Tree)]
    pub(crate) format: DiffFormat,
    /// Show in the tree what is the same, too
    #[arg(long)]
    pub(crate) all: bool,
    /// Exit with 1 if there is a difference
    #[arg(long)]
    pub(crate) exit_code: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormat {
    /// An indented tree, for reading
    Tree,
    /// One JSON object with a list of changes
    Json,
    /// Both dumps in one graph, for Graphviz
    Dot,
    /// Both dumps in one drawing
    Svg,
}

/// A dump of what a command does: the options of `run`.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Dump")]
pub(crate) struct DumpArgs {
    /// Write what CMD did as a whole to FILE: .json, .protobuf, .profile, .dot or .svg, with .gz if it is to be packed;
    /// may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) dump: Vec<PathBuf>,
    /// Memory that the dump may take, as in 500k or 64M; what has no room is counted as lost [default: 64M]
    #[arg(long, value_name = "SIZE", requires = "dump")]
    pub(crate) dump_limit: Option<String>,
    /// Have the dump say every system call that each program makes, not only those that make events, and hold all of them
    /// against the profile; costs each call up to half a microsecond, or ten under ptrace, which then stops each
    #[arg(long, requires = "followed")]
    pub(crate) syscalls: bool,
    /// What to call the workload in dumps and profiles [default: CMD's name, tag latest]
    #[arg(long, value_name = "NAME[:TAG]", requires = "dump")]
    pub(crate) workload: Option<String>,
    /// Replace dumps that exist
    #[arg(long, requires = "written")]
    pub(crate) force: bool,
}
