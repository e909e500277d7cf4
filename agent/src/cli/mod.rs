//! The command line as it is written. What it means, and whether it makes sense, is for [`crate::config`].

mod activity;
mod agent;
mod client;
mod compare;
mod dump;
mod install;
mod policy;
mod profile;
mod run;
mod trace;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::Styles;
use clap::builder::styling::{AnsiColor, Effects};
use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use activity::{ActivityDump, DiffArgs, DiffFormat, DumpArgs, EncodeArgs, ShowArgs, StartArgs, StopArgs};
pub(crate) use agent::{AgentArgs, AgentBackend, DirectoryArgs};
pub(crate) use client::{ActorArgs, EventsArgs, MetricsArgs, ReloadArgs, SelfTestArgs, StatusArgs};
pub(crate) use compare::{CompareArgs, CompareFormat, ProcessesArg};
pub(crate) use dump::{
    DiscardersArgs, DiscardersVerb, GraphFormat, NetworkNamespaceArgs, NetworkNamespaceVerb, ProcessCacheArgs,
    ProcessCacheVerb,
};
pub(crate) use install::InstallArgs;
pub(crate) use policy::{CheckArgs, EvalArgs, Feeder, PolicyArgs, PolicyCommand};
pub(crate) use profile::{ExportArgs, ExportFormat, SecurityProfile};
pub(crate) use run::{Backend, Fate, Permission, RunArgs};
pub(crate) use trace::{StreamArgs, TraceArgs, WithoutAgent};

const EXAMPLES: &str = "\
Examples:
  lapwing run -- make test             what does `make test` open, execute, connect to?
  lapwing run --type network -- curl https://example.org
                                       only what it does on the network
  lapwing run -o events.jsonl -- ./install.sh
                                       events to a file, a summary at the end
  lapwing trace --pid 1234             watch what runs already
  lapwing compare --events a.jsonl b.jsonl
                                       are these two runs the same story?
  lapwing agent                        observe the host as a service
  lapwing events --type exec           what does that service see?
  lapwing doctor                       what does this machine permit?";

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .usage(AnsiColor::Green.on_default().effects(Effects::BOLD))
    .literal(AnsiColor::Cyan.on_default().effects(Effects::BOLD))
    .placeholder(AnsiColor::Cyan.on_default());

/// Watches what a command does: the programs it starts, the files, sockets and privileges it uses.
#[derive(Debug, Parser)]
#[command(name = "lapwing", version, styles = STYLES, max_term_width = 100, after_help = EXAMPLES)]
#[command(subcommand_required = true, arg_required_else_help = true, infer_subcommands = false)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every subcommand.
#[derive(Args, Clone, Copy, Debug)]
#[command(next_help_heading = "Global options")]
pub(crate) struct GlobalArgs {
    /// How much Lapwing says about itself on stderr
    #[arg(long, global = true, value_enum, value_name = "LEVEL", default_value_t = LogLevel::Warn)]
    pub(crate) log_level: LogLevel,
    /// When to use colours
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub(crate) color: When,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Run(RunArgs),
    Trace(TraceArgs),
    Compare(CompareArgs),
    Agent(AgentArgs),
    Events(EventsArgs),
    Status(StatusArgs),
    SelfTest(SelfTestArgs),
    Metrics(MetricsArgs),
    Reload(ReloadArgs),
    #[command(subcommand, name = "activity-dump")]
    ActivityDump(ActivityDump),
    #[command(subcommand, name = "security-profile")]
    SecurityProfile(SecurityProfile),
    ProcessCache(ProcessCacheArgs),
    NetworkNamespace(NetworkNamespaceArgs),
    Discarders(DiscardersArgs),
    Policy(PolicyArgs),
    Install(InstallArgs),
    Doctor(DoctorArgs),
    #[command(name = "doctor-subject", hide = true)]
    Subject(SubjectArgs),
    #[command(name = "self-test-actor", hide = true)]
    Actor(ActorArgs),
}

/// Do nothing: what `doctor` tries tracing on
#[derive(Args, Debug)]
pub(crate) struct SubjectArgs {
    /// End with the input, not at once
    #[arg(long)]
    pub(crate) wait: bool,
}

/// Tell what this machine permits, and which backend `auto` picks here and why
///
/// Nothing is changed. What can be tried is tried, on processes of its own, rather than guessed from the
/// kernel's version. Exits 0 when a backend works here, 1 when none does.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing doctor
  lapwing doctor --format json | jq -r '.checks[] | select(.state == \"no\") | .advice'")]
pub(crate) struct DoctorArgs {
    /// How to show what was found
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Pretty)]
    pub(crate) format: ReportFormat,
}

/// Where events go and how they look: the options that `run` and `trace` share.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// How to show events [default: json for FILE.json and FILE.jsonl, else pretty]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<EventFormat>,
    /// Write events to FILE, which is emptied first; a new one is readable by its owner only
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Show only events of these types or groups; `help` lists them
    #[arg(short, long = "type", value_name = "TYPE", value_delimiter = ',')]
    pub(crate) types: Vec<String>,
    /// Write nothing to stderr: no events, no summary, no warnings
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Write what was counted to FILE, for `compare`
    #[arg(long, value_name = "FILE", hide = true)]
    pub(crate) counters: Option<PathBuf>,
    /// When to end with a summary; auto: on a terminal, or below pretty events
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = When::Auto)]
    pub(crate) summary: When,
}

/// What is captured: the options that `run` and `trace` share.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Capture")]
pub(crate) struct CaptureArgs {
    /// Environment variables whose values are shown, instead of PATH, LD_PRELOAD and a few more
    ///
    /// Other variables are shown by name only, since environments carry secrets. Give an empty value to
    /// show no variable's value.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) keep_env: Option<Vec<OsString>>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    #[default]
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum EventFormat {
    /// A line an event, for reading
    Pretty,
    /// A JSON object an event, one a line
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// A table
    Pretty,
    /// One JSON object
    Json,
}

#[cfg(test)]
mod tests;
