//! The commands that ask something of a running agent.

use std::path::PathBuf;

use clap::Args;

use super::agent::DirectoryArgs;
use super::{EventFormat, ReportFormat};

/// Follow the events that the agent sees
///
/// Events go to standard output from now on, until the command is interrupted or the agent ends. A reader that is
/// too slow holds nobody up: events are left out, and a line on standard error says how many. Where the agent has
/// rules, an event that matches some is shown once for each, with the rule and the fields by which it matched.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing events
  lapwing events --type exec,network
  lapwing events --matches --format json | jq -c '{rule, process}'
  lapwing events --rule shell_below_web_server
  lapwing events --container 3f2a --format json | jq -c .exec.argv
  lapwing events --pid 1234 --rate 10")]
pub(crate) struct EventsArgs {
    /// Show only events of these types or groups; `help` lists them
    #[arg(short, long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// Show only events of these processes
    #[arg(short, long = "pid", value_name = "PID", value_delimiter = ',')]
    pub(crate) pids: Vec<i32>,
    /// Show only events in containers whose id begins so
    #[arg(long = "container", value_name = "ID", value_delimiter = ',')]
    pub(crate) containers: Vec<String>,
    /// Show only what departs from the profile of a workload
    #[arg(long)]
    pub(crate) anomalies: bool,
    /// Show only events that match one of these rules
    #[arg(long = "rule", value_name = "ID", value_delimiter = ',')]
    pub(crate) rules: Vec<String>,
    /// Show only events that match a rule
    #[arg(long)]
    pub(crate) matches: bool,
    /// How to show events
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = EventFormat::Pretty)]
    pub(crate) format: EventFormat,
    /// Show at most N events a second, with bursts of as many, and count the rest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: Option<u32>,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Tell how the agent is: backend, events, losses, tracers, memory
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing status
  lapwing status --format json | jq '.losses[]'")]
pub(crate) struct StatusArgs {
    /// How to show it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Pretty)]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Prove that events arrive
///
/// A process that is started for it creates, changes and removes a file in the directory for temporary files, and
/// what the agent tells of it is compared with what it did. Exits 0 if everything arrived, 1 if something did not,
/// or if nothing could be tested.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing self-test
  lapwing self-test --format json | jq '.backends[].outcome'")]
pub(crate) struct SelfTestArgs {
    /// How to show what came of it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Pretty)]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Do what `self-test` observes
#[derive(Args, Debug)]
pub(crate) struct ActorArgs {
    /// Begin with the end of the input
    #[arg(long)]
    pub(crate) wait: bool,
    /// In this directory
    pub(crate) directory: PathBuf,
}

/// Print the agent's counters as Prometheus reads them
///
/// For the textfile collector of node_exporter, or a scraper that runs a command.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing metrics
  lapwing metrics > /var/lib/node_exporter/textfile/lapwing.prom")]
pub(crate) struct MetricsArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Have the agent read its configuration and its policies again
///
/// As SIGHUP does, but says what came of it: what is wrong in the file, or what takes effect only with the
/// agent's next start.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing reload
  lapwing reload && lapwing status")]
pub(crate) struct ReloadArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}
