//! `lapwing policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{DirectoryArgs, ReportFormat};

/// Check rules, try them on events that are written down, have an agent read them again
///
/// Policies are the `.policy` files of a directory: YAML with rules in the language of docs/rules.md.
#[derive(Args, Debug)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  lapwing policy check --policies /etc/lapwing/policies
  lapwing policy eval --policies ./policies --rule-id my_rule --event-file event.json
  lapwing policy reload"
)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    pub(crate) command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum PolicyCommand {
    Check(CheckArgs),
    Eval(EvalArgs),
    Reload(PolicyReloadArgs),
}

/// Tell which rules work, what is wrong with the others, and where
///
/// A rule that cannot be used is reported with file, line and column; the rest of its policy works. Also told is what
/// backends need not report for the sake of the rules, and which rules keep them from leaving out more. Exits 0 when
/// nothing is wrong, 1 when something is; warnings are not wrong.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing policy check --policies ./policies
  lapwing policy check --policies my.policy --backend ptrace
  lapwing policy check --policies ./policies --format json | jq '.problems[] | select(.severity == \"error\")'
  lapwing policy check --loaded-policies --format json | jq .approvers")]
pub(crate) struct CheckArgs {
    /// A directory with policies, or one policy
    #[arg(long, visible_alias = "policies-dir", value_name = "DIR", required_unless_present = "loaded_policies")]
    pub(crate) policies: Option<PathBuf>,
    /// Ask the agent about the rules that it works by, instead of reading policies
    #[arg(long, conflicts_with = "policies")]
    pub(crate) loaded_policies: bool,
    /// The backend that is to feed the rules; without it a field counts that any backend feeds, and of an agent's
    /// rules those for its own backend are shown
    #[arg(long, value_enum, value_name = "BACKEND")]
    pub(crate) backend: Option<Feeder>,
    /// How to show what was found [default: pretty on a terminal, else json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<ReportFormat>,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Have the agent read its policies again
///
/// The old rules work until the new ones do, and no event is lost between. What variables hold stays. Rules that are
/// new, or say something else now, are also tried on the processes that run already. What cannot be used is reported,
/// and the rest works; if nothing can be, the old rules stay. Exits 0 when nothing is wrong, 1 when something is.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  lapwing policy reload
  lapwing policy reload --format json | jq '.problems[]'")]
pub(crate) struct PolicyReloadArgs {
    /// How to show what came of it
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Pretty)]
    pub(crate) format: ReportFormat,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
}

/// Try a rule on an event that is written down
///
/// The file is JSON: {"Type": "open", "Values": {"open.file.path": "/etc/shadow"}, "Variables": {}}. Fields that are
/// not given are absent. Every field may be given, whether a backend feeds it or not. Exits 0 when the rule
/// matches, 255 when it does not, 1 when it cannot be tried.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  echo '{\"Type\": \"open\", \"Values\": {\"open.file.path\": \"/etc/shadow\"}}' > event.json
  lapwing policy eval --policies ./policies --rule-id credentials_read --event-file event.json")]
pub(crate) struct EvalArgs {
    /// A directory with policies, or one policy
    #[arg(long, visible_alias = "policies-dir", value_name = "DIR")]
    pub(crate) policies: PathBuf,
    /// The rule
    #[arg(long, value_name = "ID")]
    pub(crate) rule_id: String,
    /// The event
    #[arg(long, value_name = "FILE")]
    pub(crate) event_file: PathBuf,
    /// How to show the outcome [default: pretty on a terminal, else json]
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<ReportFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Feeder {
    /// eBPF
    Kernel,
    /// ptrace and seccomp
    Ptrace,
}
