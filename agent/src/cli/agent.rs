//! `lapwing agent`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Run as a service: observe the host or a part of it, and answer the other commands
///
/// The agent observes by eBPF what its scope says, and answers `lapwing events`, `status`, `metrics` and
/// `self-test` over a socket that only root and its own user may use. It stays in the foreground, and tells
/// systemd when it is ready. SIGTERM and SIGINT end it, SIGHUP has it read configuration and policies again. What stands
/// in the configuration file, and what a new reading changes, is in docs/agent.md; options given here prevail
/// over the file.
#[derive(Args, Debug, Default)]
#[command(after_help = "\
Examples:
  lapwing agent                                  observe the whole host, as root
  lapwing agent --policies /etc/lapwing/policies  and show what matches by `lapwing events --matches`
  lapwing agent --config /etc/lapwing/agent.toml
  lapwing agent --scope cgroup:/system.slice/nginx.service
  lapwing agent --scope tree:1234 --socket-dir /tmp/lapwing
  systemctl enable --now lapwing                 with the unit in packaging/systemd")]
pub(crate) struct AgentArgs {
    /// What to observe with; auto: kernel where that works, else none [default: auto]
    #[arg(long, value_enum, value_name = "BACKEND", help_heading = "Capture")]
    pub(crate) backend: Option<AgentBackend>,
    /// Whom to observe: host, cgroup:PATH (with all below it; may be repeated), or tree:PID (a process and what
    /// it starts from now on) [default: host]
    #[arg(long, value_name = "SCOPE", help_heading = "Capture")]
    pub(crate) scope: Vec<String>,
    /// Capture only events of these types or groups (with --policies: also these); `help` lists them
    #[arg(short, long = "type", value_name = "TYPE", value_delimiter = ',', help_heading = "Capture")]
    pub(crate) types: Vec<String>,
    /// Match rules: from this directory with policies, or this file; only what some rule is about is captured then
    #[arg(long, value_name = "DIR", help_heading = "Capture")]
    pub(crate) policies: Option<PathBuf>,
    /// With --policies: capture also what no rule could match, so that `lapwing events` shows it
    #[arg(long, help_heading = "Capture")]
    pub(crate) no_filters: bool,
    /// Environment variables whose values are shown, instead of PATH, LD_PRELOAD and a few more
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Capture")]
    pub(crate) keep_env: Option<Vec<OsString>>,
    #[command(flatten)]
    pub(crate) directory: DirectoryArgs,
    /// Read this configuration file
    #[arg(long, value_name = "FILE", help_heading = "Service")]
    pub(crate) config: Option<PathBuf>,
    /// Write dumps to this directory [default: /tmp]
    #[arg(long, value_name = "DIR", help_heading = "Service")]
    pub(crate) dump_dir: Option<PathBuf>,
    /// Take tracers of these users, besides root's and the agent's own user's; `any` for everybody's
    #[arg(long, value_name = "UID", value_delimiter = ',', help_heading = "Service")]
    pub(crate) tracer_uids: Option<Vec<String>>,
    /// Send statistics there: udp:HOST:PORT or unix:PATH
    #[arg(long, value_name = "ADDRESS", help_heading = "Service")]
    pub(crate) statsd: Option<String>,
}

/// Where an agent's sockets are: an option of all that serve or use them.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DirectoryArgs {
    /// The directory of the agent's sockets [default: /run/lapwing as root, else $XDG_RUNTIME_DIR/lapwing]
    #[arg(long, value_name = "DIR", env = "LAPWING_SOCKET_DIR", hide_env_values = true, help_heading = "Service")]
    pub(crate) socket_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AgentBackend {
    /// The kernel backend where it works
    #[default]
    Auto,
    /// eBPF, or an error
    Kernel,
    /// Nothing is observed by the agent itself
    None,
}
