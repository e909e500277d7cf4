//! `lapwing trace`.

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use super::agent::DirectoryArgs;
use super::{CaptureArgs, Fate, OutputArgs, Permission};

/// Stream what a command does to an agent, or attach to running processes
///
/// `trace -- CMD` is what an agent has inside of a container: it runs CMD as `lapwing run` does, by ptrace and without
/// privileges, and streams what CMD and all that it starts do to the agent whose sockets are in --socket-dir. CMD is
/// not started before an agent answers (--sync, for at most --agent-timeout) unless --async says so. When the agent
/// goes away, CMD runs on; what cannot be sent is kept, up to --queue-bytes, and sent when an agent is there again. What
/// had to be given up is counted, and the agent is told. The exit status is CMD's. To see events instead use `lapwing run`.
///
/// `trace --pid PID` attaches to processes that run, with all that they start from then on. Their events go to
/// standard output, or to a file with `-o`, and the summary to stderr; or, with --socket-dir, to an agent. SIGINT
/// and SIGTERM end it: the processes go on as if nothing had been, and Lapwing exits 0. Without a filter installed
/// at their start every system call of theirs stops, which costs more than starting them under Lapwing.
#[derive(Args, Debug, Default)]
#[command(
    override_usage = "lapwing trace [OPTIONS] -- CMD [ARGUMENT]...\n       lapwing trace [OPTIONS] --pid PID...",
    after_help = "\
Examples:
  lapwing trace -- nginx -g 'daemon off;'                  an image's entrypoint, streamed to the agent beside it
  lapwing trace --socket-dir /run/lapwing --without-agent fail -- ./server
  lapwing trace --async --queue-bytes 32M -- ./batch-job   start at once, agent or not
  lapwing trace --pid 1234
  lapwing trace --pid $(pidof nginx) --type open,connect
  lapwing trace --pid 1234 --format json | jq -c .open.file.path"
)]
pub(crate) struct TraceArgs {
    /// The processes to watch, with all their threads and descendants
    #[arg(short, long = "pid", value_name = "PID", num_args = 1.., value_delimiter = ',', help_heading = "Arguments")]
    pub(crate) pids: Vec<i32>,
    #[command(flatten)]
    pub(crate) agent: StreamArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) capture: CaptureArgs,
    /// Whether CMD may set up an io_uring, whose operations cannot be seen [default: as the agent says, else allow]
    #[arg(long, value_enum, value_name = "CHOICE", help_heading = "Capture")]
    pub(crate) io_uring: Option<Permission>,
    /// Tell the agent every system call that each program makes, for its dumps and profiles; every call stops then, which
    /// costs it ten microseconds
    #[arg(long, requires = "command", help_heading = "Capture")]
    pub(crate) syscalls: bool,
    /// What becomes of CMD if Lapwing is killed; `continue` makes every system call slower [default: kill]
    #[arg(long, value_enum, value_name = "CHOICE", help_heading = "Capture")]
    pub(crate) on_tracer_death: Option<Fate>,
    /// The command to run, with its arguments
    #[arg(trailing_var_arg = true, value_name = "CMD", help_heading = "Arguments")]
    pub(crate) command: Vec<OsString>,
}

/// How to stream to an agent.
#[derive(Args, Debug, Default)]
#[command(next_help_heading = "Agent")]
pub(crate) struct StreamArgs {
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Begin when an agent has answered, with what it wants to hear of (the default)
    #[arg(long, overrides_with = "asynchronous")]
    pub(crate) sync: bool,
    /// Begin at once
    #[arg(long = "async", overrides_with = "sync")]
    pub(crate) asynchronous: bool,
    /// How long to wait for the first answer of an agent
    #[arg(long, value_name = "SECONDS", default_value_t = 10, conflicts_with = "asynchronous")]
    pub(crate) agent_timeout: u32,
    /// What to do if none has answered by then
    #[arg(long, value_enum, value_name = "CHOICE", default_value_t = WithoutAgent::Continue, conflicts_with = "asynchronous")]
    pub(crate) without_agent: WithoutAgent,
    /// What to call the workload: the agent learns what workloads of this name normally do, if its configuration has it
    #[arg(long, value_name = "NAME[:TAG]")]
    pub(crate) workload: Option<String>,
    /// How much of what no agent has acknowledged is kept: bytes, or with K or M
    #[arg(long, value_name = "BYTES", default_value = "8M")]
    pub(crate) queue_bytes: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum WithoutAgent {
    /// Begin, and go on trying
    #[default]
    Continue,
    /// Start nothing, and exit 1
    Fail,
}
