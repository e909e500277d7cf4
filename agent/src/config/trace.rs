//! What `lapwing trace` is to do: whom to trace, and who hears of it.

use std::path::PathBuf;
use std::time::Duration;

use lapwing_common::backend::{FilterPlan, IoUring};
use lapwing_ptrace::{Command, OnTracerDeath};

use super::directory::of_client;
use super::{CaptureConfig, ConfigError, Destination, HashConfig, OutputConfig, Surroundings, User, keep, types};
use crate::activity::Workload;
use crate::cli::{Fate, Permission, StreamArgs, TraceArgs, WithoutAgent};

/// The smallest queue: the largest observation fits twice.
const SMALLEST_QUEUE: usize = 1 << 20;

/// Whom to trace and who hears of it.
#[derive(Debug)]
pub(crate) struct TraceConfig {
    pub(crate) whom: Whom,
    pub(crate) capture: CaptureConfig,
    pub(crate) output: OutputConfig,
    /// The agent to stream to; without one, events are shown.
    pub(crate) agent: Option<StreamConfig>,
}

/// Whom to trace.
#[derive(Debug)]
pub(crate) enum Whom {
    Command(Command),
    Pids(Vec<i32>),
}

/// How to stream to an agent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct StreamConfig {
    /// Where its sockets are.
    pub(crate) directory: PathBuf,
    /// What is waited for before anything begins.
    pub(crate) start: Start,
    /// How many bytes of observations are kept.
    pub(crate) queue: usize,
    /// What the workload is called.
    pub(crate) workload: Option<Workload>,
    /// Nobody but the user decides about io_uring.
    pub(crate) io_uring_is_settled: bool,
}

/// What is waited for before anything begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// Nothing.
    Async,
    /// An agent's answer, at most so long. Then it begins anyway, or not at all.
    Sync { limit: Duration, or_fail: bool },
}

impl TraceConfig {
    pub(crate) fn new(args: TraceArgs, user: &User, surroundings: &Surroundings) -> Result<Self, ConfigError> {
        let pids = pids(&args.pids, surroundings)?;
        let mut words = args.command.into_iter();
        let whom = match (words.next(), pids.is_empty()) {
            (Some(program), true) => Whom::Command(Command { program, arguments: words.collect() }),
            (None, false) => Whom::Pids(pids),
            (Some(_), false) => return Err(ConfigError::CommandAndPids),
            (None, true) => return Err(ConfigError::NobodyToTrace),
        };
        let attaches = matches!(whom, Whom::Pids(_));
        let streams = !attaches || args.agent.directory.socket_dir.is_some();
        let shows = args.output.output.is_some() || args.output.format.is_some();
        if streams && shows {
            return Err(ConfigError::ShownByAgent);
        }
        let on_tracer_death = match args.on_tracer_death {
            Some(_) if attaches => return Err(ConfigError::NotWhenAttached { option: "--on-tracer-death" }),
            None if attaches => OnTracerDeath::Continue,
            None | Some(Fate::Kill) => OnTracerDeath::Kill,
            Some(Fate::Continue) => OnTracerDeath::Continue,
        };
        let io_uring = match args.io_uring {
            None | Some(Permission::Allow) => IoUring::Allow,
            Some(Permission::Deny) => IoUring::Deny,
        };
        // An agent may push discarders, and what makes one wrong is to be followed from the beginning.
        let shown = types::parse(&args.output.types)?;
        let syscalls = args.syscalls;
        let plan = FilterPlan { events: shown, discarders: streams, io_uring, syscalls, ..FilterPlan::default() };
        let capture = CaptureConfig {
            approvals: Vec::new(),
            interest: None,
            plan,
            shown,
            keep: keep(args.capture.keep_env)?,
            hash: HashConfig::default(),
            on_tracer_death,
        };
        let mut output = OutputConfig::new(args.output, Destination::Stdout, surroundings);
        if streams {
            output.destination = Destination::Nowhere;
            output.summary = false;
        }
        let agent = streams.then(|| StreamConfig::new(args.agent, args.io_uring.is_some(), user)).transpose()?;
        Ok(Self { whom, capture, output, agent })
    }
}

impl StreamConfig {
    fn new(args: StreamArgs, io_uring_is_settled: bool, user: &User) -> Result<Self, ConfigError> {
        let start = if args.asynchronous {
            Start::Async
        } else {
            let limit = Duration::from_secs(args.agent_timeout.into());
            Start::Sync { limit, or_fail: args.without_agent == WithoutAgent::Fail }
        };
        let queue = bytes(&args.queue_bytes)
            .filter(|bytes| *bytes >= SMALLEST_QUEUE)
            .ok_or(ConfigError::BadQueue(args.queue_bytes))?;
        let workload = args.workload.as_deref().map(super::activity::workload).transpose()?;
        let directory = of_client(args.directory.socket_dir, user)?;
        Ok(Self { directory, start, queue, workload, io_uring_is_settled })
    }
}

fn pids(given: &[i32], surroundings: &Surroundings) -> Result<Vec<i32>, ConfigError> {
    let mut pids = Vec::with_capacity(given.len());
    for pid in given {
        match *pid {
            ..=0 => return Err(ConfigError::BadPid(*pid)),
            _ if *pid == surroundings.own_pid => return Err(ConfigError::OwnPid(*pid)),
            _ if pids.contains(pid) => {}
            _ => pids.push(*pid),
        }
    }
    Ok(pids)
}

/// A number of bytes, with K (1024) or M after it if there are many.
fn bytes(text: &str) -> Option<usize> {
    let (digits, unit) = match text.as_bytes().last()? {
        b'K' | b'k' => (&text[..text.len() - 1], 1 << 10),
        b'M' | b'm' => (&text[..text.len() - 1], 1 << 20),
        _ => (text, 1),
    };
    digits.parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command as Subcommand};

    fn config(words: &[&str]) -> Result<TraceConfig, ConfigError> {
        let line = [&["lapwing", "trace"], words].concat();
        let Subcommand::Trace(args) = Cli::try_parse_from(line).unwrap().command else { panic!("no trace") };
        TraceConfig::new(args, &User { is_root: true, runtime: None }, &Surroundings::default())
    }

    #[test]
    fn a_command_is_streamed_and_a_process_is_shown_unless_a_directory_is_given() {
        let command = config(&["--", "ls", "--async"]).unwrap();
        let agent = command.agent.unwrap();
        assert_eq!(agent.directory, std::path::Path::new("/run/lapwing"));
        assert_eq!(agent.start, Start::Sync { limit: Duration::from_secs(10), or_fail: false });
        assert_eq!((agent.queue, agent.io_uring_is_settled), (8 << 20, false));
        assert_eq!((command.output.destination, command.output.summary), (Destination::Nowhere, false));
        assert_eq!((command.capture.on_tracer_death, command.capture.plan.discarders), (OnTracerDeath::Kill, true));
        let pid = config(&["--pid", "7,7,8"]).unwrap();
        assert!(matches!(&pid.whom, Whom::Pids(pids) if *pids == [7, 8]));
        assert_eq!((pid.agent, pid.output.destination), (None, Destination::Stdout));
        assert_eq!((pid.capture.on_tracer_death, pid.capture.plan.discarders), (OnTracerDeath::Continue, false));
        assert!(config(&["--pid", "7", "--socket-dir", "/x"]).unwrap().agent.is_some());
    }

    #[test]
    fn the_beginning_is_as_asked_for() {
        let start = |words: &[&str]| config(&[words, &["--", "ls"]].concat()).unwrap().agent.unwrap().start;
        assert_eq!(start(&["--async"]), Start::Async);
        assert_eq!(start(&["--async", "--sync"]), Start::Sync { limit: Duration::from_secs(10), or_fail: false });
        let expected = Start::Sync { limit: Duration::from_secs(3), or_fail: true };
        assert_eq!(start(&["--agent-timeout", "3", "--without-agent", "fail"]), expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        assert_eq!(config(&[]).unwrap_err(), ConfigError::NobodyToTrace);
        assert_eq!(config(&["--pid", "7", "--", "ls"]).unwrap_err(), ConfigError::CommandAndPids);
        assert_eq!(config(&["-o", "x", "--", "ls"]).unwrap_err(), ConfigError::ShownByAgent);
        assert_eq!(
            config(&["--socket-dir", "/x", "--format", "json", "--pid", "7"]).unwrap_err(),
            ConfigError::ShownByAgent
        );
        let option = "--on-tracer-death";
        assert_eq!(config(&[option, "kill", "--pid", "7"]).unwrap_err(), ConfigError::NotWhenAttached { option });
        for bad in ["", "M", "x", "9999999999999999999M", "1K", "-1"] {
            let refused = config(&[&format!("--queue-bytes={bad}"), "--", "ls"]).unwrap_err();
            assert_eq!(refused, ConfigError::BadQueue(bad.to_owned()));
        }
        assert_eq!(config(&["--queue-bytes", "2048k", "--", "ls"]).unwrap().agent.unwrap().queue, 2 << 20);
    }
}
