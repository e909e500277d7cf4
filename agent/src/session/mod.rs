//! Watching: from a validated configuration to an exit status.
//!
//! One thread around one poll: observations, signals, an output that is ready again, and a few timers. See
//! [`events`] for the loop, [`source`] for where observations come from, [`jobs`] for what a terminal's job
//! control asks of a process between a shell and its command.

mod begin;
mod child;
mod dump;
mod events;
mod jobs;
mod judge;
mod kernel;
mod members;
mod refusal;
mod signals;
mod source;
mod stream;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lapwing_common::backend::Ending;
use lapwing_common::engine::EventSet;
use lapwing_common::event::Origin;
use lapwing_common::ids::Timestamp;
use lapwing_common::process::Limits;
use lapwing_ptrace::client::IdentityError;
use lapwing_ptrace::spawn::{Launch, SpawnError};
use lapwing_ptrace::{CommandError, ExecFailure, OnTracerDeath, StartError, TracerGone};
use mio::unix::SourceFd;
use mio::{Interest, Poll, Token, Waker};
use thiserror::Error;

use crate::activity::{ActivityError, Recorder, Target};
use crate::config::{CaptureConfig, OutputConfig, RunConfig, StreamConfig, TraceConfig, Whom};
use crate::console::Console;
use crate::holdings::Wake;
use crate::output::{Output, OutputError, Summary};
use crate::pipeline::Pipeline;
use crate::policy::{Candidates, Live, PolicyError, may_discard};
use crate::profile::Guard;
use crate::resolve::accounts::HostAccounts;
use crate::resolve::hashes::HostHashes;
use begin::Stage;
use dump::Dump;
use jobs::Jobs;
use signals::Signals;
use source::Source;
use stream::Stream;

const OBSERVATIONS: Token = Token(0);
const SIGNALS: Token = Token(1);
const OUTPUT: Token = Token(2);
const CHILD: Token = Token(3);
const AGENT: Token = Token(4);

/// Why nothing can be watched, or not any more.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    #[error(transparent)]
    Command(#[from] CommandError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("the kernel backend cannot begin: {0}")]
    StartKernel(lapwing_kernel::StartError),
    #[error("{0}; see `lapwing doctor`, or use --backend ptrace")]
    NoKernel(String),
    #[error("cannot start a process: {0}")]
    Process(SpawnError),
    #[error(transparent)]
    Output(#[from] OutputError),
    #[error(transparent)]
    Dump(#[from] ActivityError),
    #[error("cannot tell what is discarded: {0}")]
    Discarders(String),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("cannot {what}: {error}")]
    System { what: &'static str, error: io::Error },
    #[error("cannot go on watching: {0}; what has run on since then was not observed. Please report this")]
    Tracer(#[from] TracerGone),
    #[error("could not go on watching: {0}; what ran since then was not observed")]
    Kernel(String),
    #[error("{program}: {failure}")]
    Exec { program: String, failure: ExecFailure },
    #[error(transparent)]
    Identity(#[from] IdentityError),
    #[error(
        "no agent has answered at {} for {limit:?}, so nothing was started; start one there (`lapwing agent \
         --socket-dir`), wait longer (--agent-timeout), or go on without one (--without-agent continue)",
        socket.display()
    )]
    NoAgent { socket: PathBuf, limit: Duration },
    #[error("ended by signal {signal} while waiting for an agent; nothing was started")]
    Ended { signal: i32 },
    #[error("cannot tell how the command ended: the tracer does not know. Please report this")]
    NoEnding,
}

impl SessionError {
    /// What a shell would exit with: 127 and 126 for a command that cannot be started, else 1.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Command(error) => error.exit_code(),
            Self::Start(error) => error.exit_code(),
            Self::Ended { signal } => u8::try_from(128 + signal).unwrap_or(1),
            Self::Exec { failure, .. } => u8::try_from(failure.exit_code()).unwrap_or(1),
            _ => 1,
        }
    }

    /// What the kernel's verifier had to say, if it refused a program: the end of it, ready to be shown.
    pub(crate) fn log(&self) -> Option<String> {
        match self {
            Self::StartKernel(error) => error.log().map(refusal::end_of),
            _ => None,
        }
    }
}

/// What Lapwing is to those it watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Their parent: signals are passed on, and they are waited for.
    Parent {
        /// They outlive Lapwing, and have to be let go of before it leaves.
        detaches: bool,
    },
    /// A visitor, which leaves when it is told to.
    Visitor,
}

/// Everything the main loop works on.
#[derive(Debug)]
struct Session {
    role: Role,
    source: Source,
    pipeline: Pipeline,
    output: Output,
    live: Option<Live>,
    guard: Option<Guard>,
    /// Where events go, for messages.
    target: String,
    summary: Option<Summary>,
    /// The types that output and summary take.
    shown: EventSet,
    dump: Option<Dump>,
    /// Where it will stand what the rules let the backend leave out.
    discarders: Option<Target>,
    config: OutputConfig,
    console: Console,
    poll: Poll,
    /// Kept, because with its last owner gone a wake-up that has not been noticed yet is lost.
    _waker: Arc<Waker>,
    signals: Signals,
    jobs: Jobs,
    begun: Instant,
    /// There may be something to drain.
    pending: Option<Instant>,
    /// Nothing can be written, so nothing is drained either.
    blocked: bool,
    /// When the watch is given up, after it was asked to stop.
    leaving: Option<Instant>,
    /// Who hears of what is observed, instead of whoever reads the output.
    stream: Option<Stream>,
}

/// Runs a command to its end. Returns its exit status.
pub(crate) fn run(config: RunConfig, console: Console) -> Result<u8, SessionError> {
    let RunConfig { command, backend, mut capture, output, dump, policies, filters, discarders, profile, own_pid } =
        config;
    let mut candidates = policies.map(|path| Candidates::load(&path, backend)).transpose()?;
    let guard = profile.map(|path| Guard::load(&path, capture.plan.syscalls)).transpose()?;
    if candidates.is_some() || guard.is_some() {
        let wanted = candidates.as_ref().map_or(EventSet::NONE, Candidates::events);
        let judged = if guard.is_some() { Recorder::EVENTS } else { EventSet::NONE };
        capture.shown = wanted.union(judged);
        let recorded = if dump.is_some() { Recorder::EVENTS } else { EventSet::NONE };
        capture.plan.events = capture.shown.union(recorded);
        // A dump and a profile want events whether a rule does or not.
        let is_for_rules_alone = dump.is_none() && guard.is_none();
        if let Some(candidates) = candidates.as_mut().filter(|_| is_for_rules_alone && filters) {
            capture.interest = candidates.interest();
            capture.approvals = candidates.approvals();
            capture.plan.discarders = may_discard(&capture.approvals);
            capture.plan.arguments = candidates.arguments();
        }
    }
    let quieted = console.quieted(output.quiet);
    let judge = candidates.map(|candidates| -> Judging {
        Box::new(move |origin| candidates.choose(origin, Timestamp::now().0, own_pid, quieted))
    });
    let detaches = capture.on_tracer_death == OnTracerDeath::Continue;
    let dump = dump.map(|config| Dump::begin(config, &command)).transpose()?;
    let discarders = discarders.map(|(path, force)| Target::create(&path, force)).transpose()?;
    let role = Role::Parent { detaches };
    let guests = Guests { agent: None, dump, judge, guard, discarders };
    let watched = watch(role, capture, output, guests, console, |stage| stage.run(&command, backend))?;
    status_of_command(watched, &command)
}

/// Runs a command, or watches processes that run, until they end or Lapwing is told to leave them.
pub(crate) fn trace(config: TraceConfig, console: Console) -> Result<u8, SessionError> {
    let TraceConfig { whom, capture, output, agent } = config;
    match whom {
        Whom::Command(command) => {
            // No agent need be waited for to say that there is no such command.
            Launch::of(&command)?;
            let detaches = capture.on_tracer_death == OnTracerDeath::Continue;
            let role = Role::Parent { detaches };
            let guests = Guests { agent: agent.as_ref(), ..Guests::default() };
            let watched = watch(role, capture, output, guests, console, |stage| stage.ptrace(&command))?;
            status_of_command(watched, &command)
        }
        Whom::Pids(pids) => {
            let guests = Guests { agent: agent.as_ref(), ..Guests::default() };
            let (session, ending) =
                watch(Role::Visitor, capture, output, guests, console, |stage| stage.attach(&pids))?;
            session.conclude()?;
            ending.map(|_| 0)
        }
    }
}

fn status_of_command((session, ending): Watched, command: &lapwing_ptrace::Command) -> Result<u8, SessionError> {
    let failure = session.source.exec_failure();
    let concluded = session.conclude();
    if let Some(failure) = failure {
        return Err(SessionError::Exec { program: command.program.to_string_lossy().into_owned(), failure });
    }
    let ending = ending?.ok_or(SessionError::NoEnding)?;
    concluded?;
    // A status has 8 bits, and 128 + 64 fits too.
    Ok(u8::try_from(ending.shell_status() & 0xff).unwrap_or(1))
}

/// Makes rules work, once it is known which backend feeds them.
type Judging = Box<dyn FnOnce(Origin) -> Live>;

/// Who takes part besides the output and the summary.
#[derive(Default)]
struct Guests<'a> {
    agent: Option<&'a StreamConfig>,
    dump: Option<Dump>,
    judge: Option<Judging>,
    guard: Option<Guard>,
    discarders: Option<Target>,
}

type Watched = (Session, Result<Option<Ending>, SessionError>);

fn watch(
    role: Role,
    mut capture: CaptureConfig,
    config: OutputConfig,
    guests: Guests<'_>,
    console: Console,
    begin: impl FnOnce(Stage<'_>) -> Result<Source, SessionError>,
) -> Result<Watched, SessionError> {
    let Guests { agent, dump, judge, guard, discarders } = guests;
    let console = console.quieted(config.quiet);
    let output = Output::open(&config, Timestamp::now())?;
    // First of all, so that every thread inherits the mask.
    let mut signals = Signals::take().map_err(system("take over signals"))?;
    let mut poll = Poll::new().map_err(system("wait for events"))?;
    let waker = Arc::new(Waker::new(poll.registry(), OBSERVATIONS).map_err(system("wait for events"))?);
    poll.registry()
        .register(&mut SourceFd(&signals.descriptor()), SIGNALS, Interest::READABLE)
        .map_err(system("wait for signals"))?;
    let starts_command = matches!(role, Role::Parent { .. });
    let wake = || -> Wake {
        let waker = Arc::clone(&waker);
        // A failure would be one to write to an eventfd of our own.
        Arc::new(move || drop(waker.wake()))
    };
    let stream = agent.map(|agent| Stream::new(agent, starts_command, capture.plan, wake(), console));
    let mut stream = stream.transpose()?;
    if let (Some(stream), Some(agent)) = (&mut stream, agent) {
        capture.plan = stream.begin(agent.start, &mut poll, &mut signals)?;
        capture.approvals = stream.approvals();
        capture.interest = Some(stream.interest());
    }
    let limits = Limits { keep: capture.keep.clone(), ..Limits::default() };
    let mut pipeline = Pipeline::new(limits, capture.events());
    let begun = Instant::now();
    let source = begin(Stage { capture: &capture, poll: &poll, waker: &waker, console })?;
    if let Some(accounts) = HostAccounts::new() {
        pipeline.name_with(accounts.starting(source.command_pid()));
    }
    if let Some(resolver) = source.resolver() {
        pipeline.resolve_with(resolver);
    }
    if let Some(pid) = source.command_pid() {
        console.info(format_args!("the command is process {pid}"));
    }
    if let Some(stream) = &mut stream {
        stream.begun(&source);
    }
    let mut live = judge.map(|judge| judge(source.origin()).hashing(&capture.hash));
    if let Some(live) = live.as_mut().filter(|_| !capture.approvals.is_empty()) {
        live.filter_by(source.sink(), capture.plan.discarders);
    }
    if capture.hash.programs || live.as_ref().is_some_and(Live::asks_for_hashes) {
        pipeline.hash_with(HostHashes::new(&capture.hash));
    }
    let mut session = Session {
        role,
        live,
        guard,
        source,
        pipeline,
        output,
        target: config.destination.to_string(),
        summary: config.summary.then(Summary::new),
        shown: capture.shown,
        dump,
        discarders,
        config,
        console,
        poll,
        _waker: waker,
        signals,
        jobs: Jobs::default(),
        begun,
        pending: Some(Instant::now()),
        blocked: false,
        leaving: None,
        stream,
    };
    let ending = session.until_the_end();
    Ok((session, ending))
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> SessionError {
    move |error| SessionError::System { what, error }
}
