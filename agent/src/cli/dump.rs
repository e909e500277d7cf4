//! The commands that have an agent write a dump: `process-cache`, `network-namespace` and `discarders`.

use clap::{ArgAction, Args, Subcommand, ValueEnum};

use super::agent::DirectoryArgs;

/// What the agent knows of processes
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing process-cache dump
  lapwing process-cache dump --with-args --format json")]
pub(crate) struct ProcessCacheArgs {
    #[command(subcommand)]
    pub(crate) what: ProcessCacheVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ProcessCacheVerb {
    Dump(ProcessDumpArgs),
}

/// Write the processes that the agent knows to a file, and print its name
///
/// The agent writes the file, to the directory that its configuration names (`dump-dir`, /tmp by default), for
/// its own user to read. In the graph, what has ended stands in brackets.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing process-cache dump | xargs dot -Tsvg -O
  lapwing process-cache dump --with-args --format json | xargs jq '.Entries[] | select(.UID == 0) | .Args'")]
pub(crate) struct ProcessDumpArgs {
    /// Show the arguments of programs, secrets masked
    #[arg(long)]
    pub(crate) with_args: bool,
    /// What to write: a graph for Graphviz, or JSON
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = GraphFormat::Dot)]
    pub(crate) format: GraphFormat,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    Dot,
    Json,
}

/// What the agent knows of network namespaces
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing network-namespace dump")]
pub(crate) struct NetworkNamespaceArgs {
    #[command(subcommand)]
    pub(crate) what: NetworkNamespaceVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum NetworkNamespaceVerb {
    Dump(NamespaceDumpArgs),
}

/// Write the network namespaces of observed processes to two files, and print their names
///
/// One holds JSON, the other a graph for Graphviz of the same. The agent writes them, as `process-cache dump`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing network-namespace dump
  lapwing network-namespace dump --snapshot-interfaces=false")]
pub(crate) struct NamespaceDumpArgs {
    /// List the network devices of each, for which the agent enters it
    #[arg(long, value_name = "BOOL", default_value_t = true, action = ArgAction::Set)]
    pub(crate) snapshot_interfaces: bool,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// What the agent's backend leaves out because no rule wants it
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing discarders dump")]
pub(crate) struct DiscardersArgs {
    #[command(subcommand)]
    pub(crate) what: DiscardersVerb,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DiscardersVerb {
    Dump(DiscarderDumpArgs),
}

/// Write the discarders and their counters to a file, as YAML, and print its name
///
/// The agent writes it, as `process-cache dump`.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing discarders dump | xargs cat")]
pub(crate) struct DiscarderDumpArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}
