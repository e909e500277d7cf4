//! `lapwing agent`: the service.
//!
//! One thread around one poll: the rings of the kernel backend, the control socket and its clients, signals, timers.
//! Whatever takes long would hold up events, and has to happen elsewhere. The steps of its life are in
//! [`lifecycle`], the loop in [`events`], what clients ask in [`requests`].

mod calls;
mod capture;
mod dumps;
mod events;
mod home;
mod lifecycle;
mod metrics;
mod notify;
mod profile_cgroups;
mod profile_files;
mod profile_list;
mod profile_watch;
mod profiles;
mod recordings;
mod report;
mod requests;
mod rules;
mod statsd;
mod sweep;

use std::io;
use std::sync::Arc;
use std::time::Instant;

use lapwing_common::engine::EventSet;
use lapwing_common::event::Origin;
use lapwing_common::ids::Timestamp;
use lapwing_common::process::Limits;
use mio::unix::SourceFd;
use mio::{Interest, Poll, Token, Waker};
use signal_hook_mio::v1_0::Signals;
use thiserror::Error;

use crate::activity::ActivityError;
use crate::cli::{AgentArgs, AgentBackend};
use crate::config::{AgentConfig, ConfigError, User};
use crate::console::Console;
use crate::pipeline::{Counts, Pipeline};
use crate::policy::{Replay, Rulebook, Sink};
use crate::resolve::accounts::HostAccounts;
use crate::server::{ControlServer, Streams, TracerServer};
use capture::{Capture, CaptureError};
use dumps::Dumps;
use home::{Home, HomeError};
use lifecycle::Life;
use notify::Manager;
use profiles::{Guards, Told};
use recordings::Recordings;
use rules::{Judge, Reading};
use statsd::Sender;
use sweep::Search;

const OBSERVATIONS: Token = Token(0);
const SIGNALS: Token = Token(1);
const CONTROL: Token = Token(2);
const TRACERS: Token = Token(3);
/// Threads that work beside the loop: dumps, and the reading of rules.
const WORKERS: Token = Token(4);
/// The directory of profiles.
const PROFILES: Token = Token(5);
/// The first token of a client's connection, and that of a tracer's.
const CLIENT: usize = 1 << 62;
const TRACER: usize = 16;

const TRACER_SOCKET: &str = "tracer.sock";

/// Why there is no agent, or not any more.
#[derive(Debug, Error)]
pub(crate) enum DaemonError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Home(#[from] HomeError),
    #[error(transparent)]
    Capture(#[from] CaptureError),
    #[error("{0}; `directory` under [security-profiles] in the configuration says where profiles are")]
    Profiles(#[from] ActivityError),
    #[error("cannot {what}: {error}")]
    System { what: &'static str, error: io::Error },
}

/// The agent: what it has as soon as it is made, and what the steps of its life give it.
struct Agent {
    args: AgentArgs,
    config: AgentConfig,
    console: Console,
    manager: Manager,
    poll: Poll,
    began: (Instant, Timestamp),
    pipeline: Pipeline,
    counts: Counts,
    streams: Streams,
    statsd: Option<Sender>,
    reloads: Reloads,
    dumps: Dumps,
    /// Profiles of workloads, if there are to be any.
    guards: Option<Guards>,
    recordings: Recordings,
    rules: Rulebook,
    reading: Reading,
    /// When programs that run are next asked which calls they have made.
    calls_at: Instant,
    /// When the manager is told next that the agent lives.
    alive_at: Option<Instant>,
    /// When to drain although nothing was announced.
    drain_at: Option<Instant>,
    is_ending: bool,
    // By `init`:
    home: Option<Home>,
    signals: Option<Signals>,
    // By `setup`:
    capture: Option<Capture>,
    search: Option<Search>,
    control: Option<ControlServer>,
    tracers: Option<TracerServer>,
}

/// What has come of reading the configuration again.
#[derive(Debug, Default)]
struct Reloads {
    count: u64,
    error: Option<String>,
}

/// Runs an agent to its end.
pub(crate) fn run(args: AgentArgs, console: Console) -> Result<(), DaemonError> {
    lifecycle::live(&mut Agent::new(args, console)?)
}

impl Agent {
    fn new(args: AgentArgs, console: Console) -> Result<Self, DaemonError> {
        let config = AgentConfig::new(&args, &User::look())?;
        let limits = Limits { keep: config.fixed.keep.clone(), ..Limits::default() };
        let rules = Rulebook::new(config.variable.rate, &config.fixed.hash, console);
        let pipeline = Pipeline::new(limits, EventSet::ALL);
        let streams = Streams::new(config.variable.queue);
        let poll = Poll::new().map_err(system("wait for events"))?;
        let waker = Waker::new(poll.registry(), WORKERS).map_err(system("wait for workers"))?;
        let waker = Arc::new(waker);
        let dumps = Dumps::new(config.variable.dump_dir.clone(), Arc::clone(&waker));
        // A failure would be one to write to an eventfd of our own.
        let wake = Arc::new({
            let waker = Arc::clone(&waker);
            move || drop(waker.wake())
        });
        let recordings = Recordings::new(config.variable.dumps.clone(), config.variable.dump_dir.clone(), wake);
        Ok(Self {
            args,
            config,
            console,
            manager: Manager::of_environment(),
            poll,
            began: (Instant::now(), Timestamp::now()),
            pipeline,
            counts: Counts::default(),
            streams,
            statsd: None,
            reloads: Reloads::default(),
            dumps,
            guards: None,
            recordings,
            rules,
            reading: Reading::new(waker),
            calls_at: Instant::now(),
            alive_at: None,
            drain_at: None,
            is_ending: false,
            home: None,
            signals: None,
            capture: None,
            search: None,
            control: None,
            tracers: None,
        })
    }
}

impl Life for Agent {
    type Error = DaemonError;

    fn init(&mut self) -> Result<(), DaemonError> {
        self.console.debug("init: lock and signals");
        self.home = Some(Home::take(&self.config.fixed.directory)?);
        let signals = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP];
        let mut signals = Signals::new(signals).map_err(system("take over signals"))?;
        self.poll.registry().register(&mut signals, SIGNALS, Interest::READABLE).map_err(system("wait for signals"))?;
        self.signals = Some(signals);
        Ok(())
    }

    fn setup(&mut self) -> Result<(), DaemonError> {
        self.console.debug("setup: profiles, backend and sockets");
        self.try_dump_dir();
        let profiles = self.config.fixed.profiles.clone();
        let wake = self.recordings.wake();
        self.guards = profiles.map(|config| Guards::new(config, self.console, wake)).transpose()?;
        // For both backends where it is not known yet which there will be.
        self.first_rules(self.config.fixed.backend != AgentBackend::None);
        let capture = Capture::begin(&self.config.fixed, &self.demand(Origin::Kernel), self.console)?;
        if let Some(accounts) = HostAccounts::new() {
            self.pipeline.name_with(accounts);
        }
        if let Some(resolver) = capture.resolver() {
            self.pipeline.resolve_with(resolver);
        }
        self.search = capture.presence().map(|_| Search::new(Instant::now()));
        if let Some(filters) = capture.filters().filter(|_| self.config.fixed.filters) {
            self.rules.discard_by(Sink::Kernel(filters));
        }
        self.capture = Some(capture);
        if let Some(home) = &mut self.home {
            let listener = mio::net::UnixListener::from_std(home.bind("control.sock")?);
            self.control = Some(ControlServer::new(listener, CLIENT, self.config.variable.clients));
            let listener = mio::net::UnixListener::from_std(home.bind(TRACER_SOCKET)?);
            self.tracers =
                Some(TracerServer::new(listener, TRACER, self.config.variable.tracers.clone(), self.console));
        }
        self.capture_what_is_wanted();
        self.open_to_tracers().map_err(system("let tracers open their socket"))?;
        Ok(())
    }

    fn start(&mut self) -> Result<(), DaemonError> {
        self.console.debug("start: what already runs");
        // The first drain hands over what was there before, and only then what has happened since.
        self.drain(Instant::now());
        self.console.debug(format_args!("start: {} processes are known", self.pipeline.processes().len()));
        self.show_processes(Replay::Fresh);
        let registry = self.poll.registry();
        if let Some(descriptor) = self.capture.as_ref().and_then(Capture::descriptor) {
            registry
                .register(&mut SourceFd(&descriptor), OBSERVATIONS, Interest::READABLE)
                .map_err(system("wait for observations"))?;
        }
        if let Some(descriptor) = self.guards.as_ref().and_then(Guards::descriptor) {
            registry
                .register(&mut SourceFd(&descriptor), PROFILES, Interest::READABLE)
                .map_err(system("watch the directory of profiles"))?;
        }
        if let Some(control) = &mut self.control {
            control.register(registry, CONTROL).map_err(system("wait for clients"))?;
        }
        if let Some(tracers) = &mut self.tracers {
            tracers.register(registry, TRACERS).map_err(system("wait for tracers"))?;
        }
        self.statsd = self.config.variable.statsd.clone().map(|config| Sender::new(config, Instant::now()));
        let status = match self.capture.as_ref().and_then(Capture::descriptor) {
            Some(_) => format!("observing {}", self.config.fixed.scope),
            None => "observing nothing itself".to_owned(),
        };
        self.manager.ready(&status);
        self.alive_at = self.manager.watchdog.map(|_| Instant::now());
        self.console.info(format_args!("{status}, serving {}", self.config.fixed.directory.display()));
        Ok(())
    }

    fn serve(&mut self) -> Result<(), DaemonError> {
        self.console.debug("serve");
        self.until_told_to_end()
    }

    fn stop(&mut self) {
        self.console.debug("stop");
        self.manager.stopping();
        let reads_calls = self.calls_due().is_some();
        if let Some(capture) = &mut self.capture {
            if reads_calls {
                capture.read_calls();
                std::thread::sleep(recordings::GRACE);
            }
            // What was seen up to now is still sent.
            let pipeline = &mut self.pipeline;
            let told = Told { guards: self.guards.as_mut(), streams: &mut self.streams };
            let judge = Judge { rules: &mut self.rules, told, recordings: &mut self.recordings, finder: None };
            let mut consumers = (&mut self.counts, (judge, self.dumps.consumer()));
            capture.drain(&mut |observation| pipeline.feed(observation, &mut consumers));
            capture.stop();
        }
        if let Some(tracers) = &mut self.tracers {
            tracers.end();
        }
        self.finish_recordings();
        self.finish_dumps();
        if let Some(guards) = &mut self.guards {
            guards.finish();
        }
        if let Some(control) = &mut self.control {
            self.streams.pump(control);
            control.end();
        }
        // With it go the sockets and the lock.
        self.home = None;
    }
}

fn system(what: &'static str) -> impl FnOnce(io::Error) -> DaemonError {
    move |error| DaemonError::System { what, error }
}
