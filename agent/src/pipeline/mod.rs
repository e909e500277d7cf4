//! The way of every observation after its capture: the engine, and then whoever takes part in events.
//!
//! `run`, `trace` and the agent share it; they differ in where observations come from and in their consumers.
//! Consumers are put together by type, not behind pointers, so that an event that nobody wants costs no more than
//! the engine.

mod counts;
mod losses;

use std::sync::Arc;

use lapwing_common::accounts;
use lapwing_common::engine::{Engine, EventSet};
use lapwing_common::event::{Event, Origin};
use lapwing_common::hashes;
use lapwing_common::ids::{PidNs, ProcessKey, Timestamp};
use lapwing_common::process::{Cache, Limits, Mark, Process, Resolver, Sweep};
use lapwing_common::record::{Observation, Sighting};
use lapwing_common::syscall::CallSet;

pub(crate) use counts::{Counts, TypeCount};
pub(crate) use losses::{Loss, of_backend, of_cache};

/// Takes part in what happens.
pub(crate) trait Consumer {
    /// Before the engine: something was observed, which may become an event or not.
    fn observation(&mut self, _observation: &Observation) {}

    /// After the engine: which system calls a process made, where somebody asked for that.
    fn calls(&mut self, _made: &Made<'_>) {}

    /// A process that runs already, for rules that have not seen it: nothing has happened.
    fn replayed(&mut self, _event: &Event) {}

    /// After the engine: an event happened. What it refers to is as it was when it happened.
    fn event(&mut self, event: &Event);
}

/// System calls that a process made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made<'a> {
    /// Who.
    pub(crate) process: &'a Arc<Process>,
    /// Which. Some may have been told of before.
    pub(crate) calls: &'a CallSet,
    /// When that was found out: later than each.
    pub(crate) at: Timestamp,
    /// By whom.
    pub(crate) origin: Origin,
}

impl<C: Consumer> Consumer for &mut C {
    fn observation(&mut self, observation: &Observation) {
        (**self).observation(observation);
    }

    fn calls(&mut self, made: &Made<'_>) {
        (**self).calls(made);
    }

    fn replayed(&mut self, event: &Event) {
        (**self).replayed(event);
    }

    fn event(&mut self, event: &Event) {
        (**self).event(event);
    }
}

impl<C: Consumer> Consumer for Option<C> {
    fn observation(&mut self, observation: &Observation) {
        if let Some(consumer) = self {
            consumer.observation(observation);
        }
    }

    fn calls(&mut self, made: &Made<'_>) {
        if let Some(consumer) = self {
            consumer.calls(made);
        }
    }

    fn replayed(&mut self, event: &Event) {
        if let Some(consumer) = self {
            consumer.replayed(event);
        }
    }

    fn event(&mut self, event: &Event) {
        if let Some(consumer) = self {
            consumer.event(event);
        }
    }
}

/// One after the other.
impl<A: Consumer, B: Consumer> Consumer for (A, B) {
    fn observation(&mut self, observation: &Observation) {
        self.0.observation(observation);
        self.1.observation(observation);
    }

    fn calls(&mut self, made: &Made<'_>) {
        self.0.calls(made);
        self.1.calls(made);
    }

    fn replayed(&mut self, event: &Event) {
        self.0.replayed(event);
        self.1.replayed(event);
    }

    fn event(&mut self, event: &Event) {
        self.0.event(event);
        self.1.event(event);
    }
}

/// Only some types of events.
#[derive(Debug)]
pub(crate) struct Only<C> {
    pub(crate) types: EventSet,
    pub(crate) consumer: C,
}

impl<C: Consumer> Consumer for Only<C> {
    fn observation(&mut self, observation: &Observation) {
        self.consumer.observation(observation);
    }

    fn calls(&mut self, made: &Made<'_>) {
        self.consumer.calls(made);
    }

    fn event(&mut self, event: &Event) {
        if self.types.contains(event.event_type()) {
            self.consumer.event(event);
        }
    }
}

/// The engine with what stands around it.
#[derive(Debug)]
pub(crate) struct Pipeline {
    engine: Engine,
}

impl Pipeline {
    /// A pipeline that yields events of these types.
    pub(crate) fn new(limits: Limits, wanted: EventSet) -> Self {
        Self { engine: Engine::new(limits, wanted) }
    }

    /// Looks processes up from now on that are not known, for a backend that may lose sight of some.
    pub(crate) fn resolve_with(&mut self, resolver: Resolver) {
        self.engine.resolve_with(resolver);
    }

    /// Names users and groups from now on.
    pub(crate) fn name_with(&mut self, accounts: impl accounts::Lookup + 'static) {
        self.engine.name_with(accounts);
    }

    /// Hashes programs from now on.
    pub(crate) fn hash_with(&mut self, hashes: impl hashes::Lookup + 'static) {
        self.engine.hash_with(hashes);
    }

    /// Takes one observation, in the order in which things happened.
    pub(crate) fn feed(&mut self, observation: Observation, consumer: &mut impl Consumer) {
        consumer.observation(&observation);
        if let Sighting::Calls(calls) = &observation.what {
            let (at, origin) = (observation.timestamp, observation.origin);
            // Of a process whose beginning was lost nobody can say what it runs.
            if let Some(process) = self.engine.actor(observation.task, at) {
                consumer.calls(&Made { process: &process, calls, at, origin });
            }
        }
        self.engine.observe(observation, |event| consumer.event(event));
    }

    /// Goes on with a round through processes, in search of those whose exit nobody told of.
    pub(crate) fn sweep(&mut self, sweep: &mut Sweep, most: usize, runs: impl FnMut(ProcessKey, Option<Mark>) -> bool) {
        self.engine.sweep(sweep, most, runs);
    }

    /// Yields events of these types from now on.
    pub(crate) fn want(&mut self, wanted: EventSet) {
        self.engine.want(wanted);
    }

    /// Shows the processes that run already.
    pub(crate) fn replay(&self, origin: impl Fn(ProcessKey) -> Option<Origin>, consumer: &mut impl Consumer) {
        self.engine.replay(Timestamp::now(), origin, |event| consumer.replayed(event));
    }

    /// Forgets a process whose end nobody will tell of.
    pub(crate) fn forget(&mut self, key: ProcessKey) {
        self.engine.forget(key);
    }

    /// Forgets the processes of a pid namespace of which nobody will tell any more.
    pub(crate) fn forget_namespace(&mut self, namespace: PidNs) {
        self.engine.forget_namespace(namespace);
    }

    /// Observations so far.
    pub(crate) fn seen(&self) -> u64 {
        self.engine.seen()
    }

    /// The processes that are known.
    pub(crate) fn processes(&self) -> &Cache {
        self.engine.processes()
    }
}

#[cfg(test)]
mod tests {
    use lapwing_common::event::{EventType, ExitCause, Origin};
    use lapwing_common::ids::{Pid, PidNs, Tid, Timestamp};
    use lapwing_common::record::{Sighting, Task};

    use super::*;

    fn fork_and_exit() -> [Observation; 2] {
        let made = |pid, what| Observation {
            timestamp: Timestamp(1),
            origin: Origin::Ptrace,
            task: Task { pid: Pid(pid), tid: Tid(pid), namespace: PidNs(1), mark: None },
            what,
        };
        [made(1, Sighting::Fork { child: Pid(2) }), made(2, Sighting::Exit { cause: ExitCause::Exited, code: 0 })]
    }

    /// Writes down what it is told.
    #[derive(Default)]
    struct Witness(Vec<&'static str>);

    impl Consumer for Witness {
        fn observation(&mut self, _: &Observation) {
            self.0.push("observation");
        }

        fn event(&mut self, event: &Event) {
            self.0.push(event.event_type().name());
        }
    }

    #[test]
    fn every_consumer_is_told_of_the_observation_and_then_of_its_event() {
        let mut pipeline = Pipeline::new(Limits::default(), EventSet::ALL);
        let (mut first, mut second, mut nobody) = (Witness::default(), Witness::default(), None::<Witness>);
        let mut consumers = (&mut first, (&mut nobody, &mut second));
        fork_and_exit().into_iter().for_each(|observation| pipeline.feed(observation, &mut consumers));
        assert_eq!(first.0, ["observation", "fork", "observation", "exit"]);
        assert_eq!(second.0, first.0);
    }

    #[test]
    fn a_consumer_may_take_some_types_only() {
        let mut pipeline = Pipeline::new(Limits::default(), EventSet::ALL);
        let mut witness = Witness::default();
        let mut only = Only { types: EventSet::NONE.with(EventType::Exit), consumer: &mut witness };
        fork_and_exit().into_iter().for_each(|observation| pipeline.feed(observation, &mut only));
        assert_eq!(witness.0, ["observation", "observation", "exit"]);
    }

    #[test]
    fn events_of_types_that_nobody_wants_reach_nobody() {
        let mut pipeline = Pipeline::new(Limits::default(), EventSet::NONE.with(EventType::Exit));
        let (mut witness, mut counts) = (Witness::default(), Counts::default());
        for observation in fork_and_exit() {
            pipeline.feed(observation, &mut (&mut witness, &mut counts));
        }
        assert_eq!(witness.0, ["observation", "observation", "exit"]);
        let counted: Vec<_> = counts.each().collect();
        assert_eq!(counted, [(EventType::Exit, TypeCount { all: 1, failed: 0 })]);
        assert_eq!(counts.total(), 1);
    }
}
