//! What the command line means, validated. Everything later sees only this.
//!
//! Two stages, as ripgrep has them: [`crate::cli`] holds what was written, this module what was meant. What
//! depends on the terminal comes in as [`Surroundings`], so that the rest is a function of its input.

mod activity;
mod agent;
mod blame;
mod choice;
mod client;
mod compare;
mod directory;
mod file;
mod hash;
mod output;
mod profiles;
mod trace;
mod types;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use lapwing_common::backend::{FilterPlan, Interest, IoUring};
use lapwing_common::engine::EventSet;
use lapwing_common::event::Origin;
use lapwing_common::process::Keep;
use lapwing_common::rules::Approval;
use lapwing_ptrace::OnTracerDeath;
use thiserror::Error;

use crate::activity::{Encoding, Recorder, UnknownFormat};
use crate::cli::RunArgs;

pub(crate) use activity::{DiffConfig, DumpConfig, EncodeConfig, ShowConfig, StartConfig, StopConfig, View};
pub(crate) use agent::{AgentConfig, DumpLimits, Fixed, Rate, Scope, Statsd, StatsdAddress, TracerLimits};
pub(crate) use choice::Choice;
pub(crate) use client::{ClientConfig, EventsConfig};
pub(crate) use compare::{CompareConfig, Compared};
pub(crate) use directory::{User, control_socket};
pub(crate) use file::FileError;
pub(crate) use hash::{Algorithm, HashConfig};
pub(crate) use output::{Destination, Format, OutputConfig, Surroundings};
pub(crate) use profiles::ProfilesConfig;
pub(crate) use trace::{Start, StreamConfig, TraceConfig, Whom};
pub(crate) use types::{UnknownType, asks_for_help, listing, parse as parse_types};

/// A command to run and how.
#[derive(Debug)]
pub(crate) struct RunConfig {
    pub(crate) command: lapwing_ptrace::Command,
    pub(crate) backend: Choice,
    pub(crate) capture: CaptureConfig,
    pub(crate) output: OutputConfig,
    pub(crate) dump: Option<DumpConfig>,
    /// Where the rules are whose matches are shown.
    pub(crate) policies: Option<PathBuf>,
    /// The profile whose departures are shown.
    pub(crate) profile: Option<PathBuf>,
    /// Whether the backend leaves out what no rule could match.
    pub(crate) filters: bool,
    /// Where to write what it left out in the end, and whether that may replace a file.
    pub(crate) discarders: Option<(PathBuf, bool)>,
    pub(crate) own_pid: i32,
}

/// What a backend is asked for.
#[derive(Debug)]
pub(crate) struct CaptureConfig {
    /// What of some types has to be reported, by backend: where rules tell.
    pub(crate) approvals: Vec<(Origin, Approval)>,
    /// What paths rules are about, where nothing else is wanted.
    pub(crate) interest: Option<Arc<dyn Interest>>,
    pub(crate) plan: FilterPlan,
    /// The types of events that are shown; more may be captured, for others who take part.
    pub(crate) shown: EventSet,
    pub(crate) keep: Keep,
    pub(crate) hash: HashConfig,
    /// Concerns the ptrace backend only.
    pub(crate) on_tracer_death: OnTracerDeath,
}

/// A command line that means nothing.
#[derive(Debug, Error, PartialEq, Eq)]
pub(crate) enum ConfigError {
    #[error("no command to run: give one after `--`, as in `lapwing run -- ls -l`")]
    NoCommand,
    #[error("{option}: the kernel backend cannot do that; use `--backend ptrace`, or leave it to `auto`")]
    NotByKernel { option: &'static str },
    #[error("nobody to trace: name processes by `--pid`, or give a command after `--` to stream it to an agent")]
    NobodyToTrace,
    #[error("--pid and a command: one `lapwing trace` either attaches or starts something")]
    CommandAndPids,
    #[error("--output and --format: what is streamed to an agent is shown by `lapwing events`; use `lapwing run` here")]
    ShownByAgent,
    #[error("{option} is about a command: processes that are attached to always run on")]
    NotWhenAttached { option: &'static str },
    #[error("--queue-bytes {0}: give a number of bytes from 1M on, as in 16M")]
    BadQueue(String),
    #[error("{option} {name}: there is no such hash; there are md5, sha1 and sha256")]
    BadAlgorithm { option: &'static str, name: String },
    #[error("--pid {0}: a process id is a positive number; `pidof NAME` finds them by name")]
    BadPid(i32),
    #[error("--pid {0}: that is Lapwing itself, which cannot trace itself")]
    OwnPid(i32),
    #[error("--keep-env {0}: a variable is named without `=` and value")]
    NotAName(String),
    #[error("{option} takes two files, not {count}, as in `lapwing compare --events a.jsonl b.jsonl`")]
    NotTwoFiles { option: &'static str, count: usize },
    #[error("--dump {0}: the same file twice")]
    SameDump(String),
    #[error("activity-dump.formats: there is no {0}; there are json, protobuf, profile, dot and svg")]
    NoFormat(String),
    #[error("--timeout {0}: a time is a number with s, m or h after it, as in 90s or 10m, of 7 days at most")]
    BadTimeout(String),
    #[error("a limit of {0}: a size is a number with k, M or G after it, and 100k at least")]
    BadSize(String),
    #[error(
        "security-profiles.cgroups: {0} is no path of a control group, as in /system.slice/nginx.service or /system.slice/web@*.service"
    )]
    BadCgroup(String),
    #[error("--workload {0}: a workload is NAME or NAME:TAG, as images are called")]
    BadWorkload(String),
    #[error(transparent)]
    UnknownFormat(#[from] UnknownFormat),
    #[error("nothing to compare: give a command after `--`, or two files by --events")]
    NothingToCompare,
    #[error("--format svg: the chart is of times, which --events has none of")]
    NoChart,
    #[error(transparent)]
    UnknownType(#[from] UnknownType),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("no directory for the sockets: XDG_RUNTIME_DIR is not set; name one by `--socket-dir`")]
    NoDirectory,
    #[error("--socket-dir {}: a socket's path may not be that long; take one of at most {limit} bytes", directory.display())]
    LongDirectory { directory: PathBuf, limit: usize },
    #[error("--scope {0}: expected `host`, `tree:PID`, or `cgroup:/PATH`, of which alone there may be several")]
    BadScope(String),
    #[error("--statsd {0}: expected `udp:ADDRESS:PORT` with a numeric address, or `unix:/PATH`")]
    BadStatsd(String),
    #[error("--tracer-uids {0}: expected user ids, which are numbers, or `any` alone")]
    BadUser(String),
    #[error("{key} = {value}: expected a number from {least} to {most}")]
    OutOfRange { key: &'static str, value: u32, least: u32, most: u32 },
}

impl RunConfig {
    pub(crate) fn new(args: RunArgs, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        use crate::cli::{Fate, Permission};
        let backend = Choice::new(args.backend, args.io_uring, args.on_tracer_death)?;
        let io_uring = match args.io_uring {
            None | Some(Permission::Allow) => IoUring::Allow,
            Some(Permission::Deny) => IoUring::Deny,
        };
        let on_tracer_death = match args.on_tracer_death {
            None | Some(Fate::Kill) => OnTracerDeath::Kill,
            Some(Fate::Continue) => OnTracerDeath::Continue,
        };
        let mut words = args.command.into_iter();
        let program = words.next().ok_or(ConfigError::NoCommand)?;
        let discarders = args.discarders.map(|path| (path, args.dump.force));
        let syscalls = args.dump.syscalls;
        let dump = DumpConfig::new(args.dump, &program)?;
        let shown = types::parse(&args.output.types)?;
        if let Some(profile) = &args.profile {
            Encoding::of(profile)?;
        }
        let events = if dump.is_some() { shown.union(Recorder::EVENTS) } else { shown };
        let capture = CaptureConfig {
            approvals: Vec::new(),
            interest: None,
            plan: FilterPlan { events, io_uring, syscalls, ..FilterPlan::default() },
            shown,
            keep: keep(args.capture.keep_env)?,
            hash: HashConfig::new(args.hash.as_deref())?,
            on_tracer_death,
        };
        Ok(Self {
            command: lapwing_ptrace::Command { program, arguments: words.collect() },
            backend,
            capture,
            output: OutputConfig::new(args.output, Destination::Stderr, surroundings),
            dump,
            policies: args.policies,
            profile: args.profile,
            filters: !args.no_filters,
            discarders,
            own_pid: surroundings.own_pid,
        })
    }
}

impl CaptureConfig {
    /// The types of events that are captured.
    pub(crate) fn events(&self) -> EventSet {
        self.plan.events
    }
}

/// Whose values may be kept, of the variables in the environment.
fn keep(names: Option<Vec<OsString>>) -> Result<Keep, ConfigError> {
    let Some(names) = names else { return Ok(Keep::default()) };
    match names.iter().find(|name| name.as_bytes().contains(&b'=')) {
        Some(name) => Err(ConfigError::NotAName(name.to_string_lossy().into_owned())),
        None => Ok(Keep::new(names.iter().map(|name| name.as_bytes()).filter(|name| !name.is_empty()))),
    }
}

#[cfg(test)]
mod tests;
