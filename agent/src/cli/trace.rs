//! `lapwing trace`.

use clap::Args;

use super::{CaptureArgs, OutputArgs};

/// Attach to running processes and show what they and everything they start does
///
/// Events go to standard output, or to a file with `-o`, and the summary to stderr. (Streaming to an agent is
/// not in this release, so `trace` shows the events itself.) SIGINT and SIGTERM end the tracing: the processes
/// go on as if nothing had been, and Lapwing exits 0. Attaching is by ptrace. Without a filter installed at their
/// start every system call of theirs stops, which costs more than `lapwing run`.
#[derive(Args, Debug, Default)]
#[command(
    override_usage = "lapwing trace [OPTIONS] --pid PID...",
    after_help = "\
Examples:
  lapwing trace --pid 1234
  lapwing trace --pid $(pidof nginx) --type open,connect
  lapwing trace --pid 1234 --format json | jq -c .open.file.path"
)]
pub(crate) struct TraceArgs {
    /// The processes to watch, with all their threads and descendants
    #[arg(short, long = "pid", value_name = "PID", num_args = 1.., value_delimiter = ',', help_heading = "Arguments")]
    pub(crate) pids: Vec<i32>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) capture: CaptureArgs,
}
