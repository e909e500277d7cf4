//! The loop: what comes in, and what is done about it.

use std::collections::BTreeSet;
use std::io;
use std::time::{Duration, Instant};

use lapwing_common::event::Origin;
use lapwing_common::ids::{Pid, PidNs, ProcessKey, Timestamp};
use lapwing_common::record::Observation;
use lapwing_common::session::Greeting;
use mio::Events;

use super::capture::Capture;
use super::home::open_to;
use super::profiles::{Guards, Told};
use super::recordings::Recordings;
use super::rules::Judge;
use super::statsd::Sender;
use super::{
    Agent, CONTROL, DaemonError, OBSERVATIONS, PROFILES, Reloads, SIGNALS, TRACER_SOCKET, TRACERS, WORKERS, metrics,
};
use crate::config::{AgentConfig, User};
use crate::pipeline::{Consumer, Pipeline};
use crate::policy::{Finder, Replay, Rulebook};
use crate::server::{Asked, Sink};

/// The way of what tracers have observed.
struct Way<'a, C> {
    pipeline: &'a mut Pipeline,
    rules: &'a mut Rulebook,
    told: Told<'a>,
    recordings: &'a mut Recordings,
    others: C,
    /// The namespace of which the agent's own backend tells.
    observed: Option<PidNs>,
}

impl<C: Consumer> Sink for Way<'_, C> {
    fn observation(&mut self, observation: Observation, finder: &mut Finder) {
        let Self { pipeline, rules, told, recordings, others, .. } = self;
        let mut judge = Judge { rules, told: told.again(), recordings, finder: Some(finder) };
        pipeline.feed(observation, &mut (&mut judge, others));
    }

    fn introduced(&mut self, namespace: PidNs, processes: &mut dyn Iterator<Item = Pid>) {
        let processes: BTreeSet<_> = processes.map(|pid| ProcessKey { pid, namespace }).collect();
        let origin = |process: ProcessKey| processes.contains(&process).then_some(Origin::Ptrace);
        let Self { rules, told, recordings, .. } = self;
        let mut judge = Judge { rules, told: told.again(), recordings, finder: None };
        self.pipeline.replay(origin, &mut judge);
    }

    fn forget(&mut self, namespace: PidNs, processes: &mut dyn Iterator<Item = Pid>) {
        processes.for_each(|pid| self.pipeline.forget(ProcessKey { pid, namespace }));
    }

    fn enter(&mut self, greeting: &Greeting) {
        if let Some(guards) = &mut self.told.guards {
            guards.enter(greeting);
        }
    }

    fn leave(&mut self, namespace: PidNs) {
        if let Some(guards) = &mut self.told.guards {
            guards.leave(namespace);
        }
        if self.observed != Some(namespace) {
            self.pipeline.forget_namespace(namespace);
        }
    }
}

impl Agent {
    /// Works until a signal says to end.
    pub(super) fn until_told_to_end(&mut self) -> Result<(), DaemonError> {
        let mut events = Events::with_capacity(64);
        while !self.is_ending {
            match self.poll.poll(&mut events, self.timeout(Instant::now())) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => {
                    return Err(DaemonError::System { what: "wait for events", error });
                }
                _ => {}
            }
            let now = Instant::now();
            for event in &events {
                match event.token() {
                    OBSERVATIONS => self.drain_at = Some(now),
                    SIGNALS => self.on_signals(),
                    WORKERS => {
                        self.on_dumps();
                        self.on_rules();
                        self.on_recordings();
                        if let Some(guards) = &mut self.guards {
                            guards.take_read();
                        }
                    }
                    PROFILES => {
                        if let Some(guards) = &mut self.guards {
                            guards.on_directory();
                        }
                    }
                    CONTROL => {
                        if let Some(control) = &mut self.control {
                            control.on_listener(now);
                        }
                    }
                    TRACERS => {
                        if let Some(tracers) = &mut self.tracers {
                            tracers.on_listener(now);
                        }
                    }
                    _ if self.tracers.as_mut().is_some_and(|tracers| tracers.on_tracer(event)) => {}
                    _ => {
                        if let Some(control) = &mut self.control {
                            control.on_client(event);
                        }
                    }
                }
            }
            if self.drain_at.is_some_and(|at| at <= now) {
                self.drain(now);
            }
            self.hear(now);
            self.answer(now);
            self.follow_recordings();
            self.on_timers(Instant::now());
        }
        Ok(())
    }

    /// How long nothing needs to be done unless something comes in.
    fn timeout(&self, now: Instant) -> Option<Duration> {
        let control = self.control.as_ref().and_then(|control| control.due(now));
        let tracers = self.tracers.as_ref().and_then(|tracers| tracers.due(now));
        let statsd = self.statsd.as_ref().map(Sender::due);
        let profiles = self.guards.as_ref().map(Guards::due);
        let search = self.search.as_ref().map(|search| search.at);
        let calls = self.calls_due();
        let others = [
            calls,
            control,
            tracers,
            statsd,
            self.dumps.due(),
            self.recordings.due(),
            profiles,
            search,
            self.purge_at(),
        ];
        let due = [self.drain_at, self.alive_at].into_iter().chain(others).flatten().min()?;
        Some(due.saturating_duration_since(now))
    }

    /// Takes what was observed.
    pub(super) fn drain(&mut self, now: Instant) {
        let Some(capture) = &mut self.capture else { return };
        let was_observing = capture.ended.is_none();
        let pipeline = &mut self.pipeline;
        let told = Told { guards: self.guards.as_mut(), streams: &mut self.streams };
        let judge = Judge { rules: &mut self.rules, told, recordings: &mut self.recordings, finder: None };
        let mut consumers = (&mut self.counts, (judge, self.dumps.consumer()));
        capture.drain(&mut |observation| pipeline.feed(observation, &mut consumers));
        self.drain_at = capture.interval().map(|interval| now + interval);
        if let Some(why) = capture.ended.as_ref().filter(|_| was_observing) {
            self.console.warn(format_args!("observing nothing any more: {why}"));
        }
    }

    /// Takes what tracers have observed.
    fn hear(&mut self, at: Instant) {
        let Some(tracers) = &mut self.tracers else { return };
        let own = self.capture.as_ref().and_then(Capture::descriptor).and(tracers.own_namespace());
        self.rules.replay(Replay::All);
        let told = Told { guards: self.guards.as_mut(), streams: &mut self.streams };
        let mut sink = Way {
            observed: own,
            pipeline: &mut self.pipeline,
            rules: &mut self.rules,
            told,
            recordings: &mut self.recordings,
            others: (&mut self.counts, self.dumps.consumer()),
        };
        tracers.turn(self.poll.registry(), (at, Timestamp::now()), &mut sink);
        self.dump_what_tracers_answered(at);
        self.take_what_is_held(at);
    }

    /// The pid namespace in which numbers are the agent's own.
    pub(super) fn own_namespace(&self) -> Option<PidNs> {
        self.tracers.as_ref().and_then(|tracers| tracers.own_namespace())
    }

    /// Lets those open the tracers' socket who may connect to it: others are refused, but are told so.
    pub(super) fn open_to_tracers(&self) -> io::Result<()> {
        let everybody = !self.config.variable.tracers.users.are_none();
        open_to(&self.config.fixed.directory.join(TRACER_SOCKET), everybody)
    }

    fn on_signals(&mut self) {
        let Some(signals) = &mut self.signals else { return };
        for signal in signals.pending().collect::<Vec<_>>() {
            match signal {
                libc::SIGHUP => match self.reload(None) {
                    Ok(deferred) if deferred.is_empty() => self.console.info("read the configuration again"),
                    Ok(deferred) => self.console.warn(format_args!(
                        "read the configuration again; a change of {} takes effect with the next start",
                        deferred.join(", ")
                    )),
                    Err(error) => self.console.warn(format_args!("the configuration stays as it was: {error}")),
                },
                _ => self.is_ending = true,
            }
        }
    }

    /// Reads the configuration again, and has the rules read. Returns the keys whose change has to wait for the next
    /// start; on an error nothing changes. Whoever asked is answered when the rules work.
    pub(super) fn reload(&mut self, asked: Option<Asked>) -> Result<Vec<&'static str>, String> {
        self.manager.reloading();
        let read = AgentConfig::new(&self.args, &User::look()).map_err(|error| error.to_string());
        let count = self.reloads.count + 1;
        self.reloads = Reloads { count, error: read.as_ref().err().cloned() };
        let deferred = read.map(|config| {
            let deferred = self.config.fixed.differences(&config.fixed);
            if config.variable.statsd != self.config.variable.statsd {
                let (before, now) = (self.statsd.take(), Instant::now());
                self.statsd = config.variable.statsd.clone().map(|config| match before {
                    Some(sender) => sender.reconfigured(config, now),
                    None => Sender::new(config, now),
                });
            }
            self.streams.set_queue(config.variable.queue);
            if let Some(guards) = &mut self.guards {
                guards.reload();
            }
            self.dumps.set_directory(config.variable.dump_dir.clone());
            self.recordings.set_limits(config.variable.dumps.clone(), config.variable.dump_dir.clone());
            if let Some(control) = &mut self.control {
                control.set_limit(config.variable.clients);
            }
            if let Some(tracers) = &mut self.tracers {
                tracers.set_limits(config.variable.tracers.clone());
            }
            self.rules.set_rate(config.variable.rate);
            let has_other_dir = self.config.variable.dump_dir != config.variable.dump_dir;
            self.config.variable = config.variable;
            if has_other_dir {
                self.try_dump_dir();
            }
            if let Err(error) = self.open_to_tracers() {
                self.console.warn(format_args!("cannot change who may open {TRACER_SOCKET}: {error}"));
            }
            deferred
        });
        match &deferred {
            Ok(deferred) => {
                self.capture_what_is_wanted();
                self.read_rules(asked, deferred.iter().map(|key| (*key).to_owned()).collect());
                if asked.is_some() {
                    self.manager.ready("the configuration was read again");
                }
            }
            Err(_) => self.manager.ready("the configuration stays as it was"),
        }
        deferred
    }

    fn on_timers(&mut self, now: Instant) {
        self.look_at_namespaces(now);
        if let Some(guards) = &mut self.guards {
            guards.forget_empty_cgroups(self.pipeline.processes(), now);
            guards.on_timer(now);
        }
        self.read_calls_on_time(now);
        self.look_at_recordings(now);
        self.search(now);
        self.purge_variables(now);
        if self.alive_at.is_some_and(|at| at <= now) {
            self.manager.alive();
            self.alive_at = self.manager.watchdog.map(|every| now + every);
        }
        if self.statsd.as_ref().is_some_and(|statsd| statsd.due() <= now) {
            let status = self.status();
            if let Some(statsd) = &mut self.statsd {
                statsd.send(&metrics::of(&status), now);
            }
        }
    }
}
