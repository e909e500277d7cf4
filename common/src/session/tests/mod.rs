//! Both ends of a session, joined by bytes that are cut, lost and late in every way.

mod cuts;
mod filtering;
mod holdings;
mod hostile;
mod losses;
mod messages;
mod restarts;
mod story;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;
use core::time::Duration;

use super::{Account, AgentEnd, Greeting, Heard, Identity, Said, Terms, TracerEnd};
use crate::engine::{Engine, EventSet};
use crate::ids::{Pid, PidNs};
use crate::process::Limits;
use crate::record::{Cgroup, Observation};

const NAMESPACE: PidNs = PidNs(77);

fn tracer(limit: usize) -> TracerEnd {
    let identity = Identity {
        release: "1.2.3".into(),
        namespace: NAMESPACE,
        pid: Pid(1),
        container: Cgroup::default(),
        starts_command: true,
        session: [5; 16],
        workload: "web:1".into(),
    };
    TracerEnd::new(identity, limit)
}

/// An agent with one connection, and what it made of what it heard.
struct Agent {
    end: AgentEnd,
    engine: Engine,
    seen: Vec<Observation>,
    snapshots: u32,
    greeting: Option<Box<Greeting>>,
    account: Account,
    window: u64,
    acknowledged: Option<u64>,
    parted: bool,
}

impl Agent {
    fn new() -> Self {
        Self {
            end: AgentEnd::new(),
            engine: engine(),
            seen: Vec::new(),
            snapshots: 0,
            greeting: None,
            account: Account::default(),
            window: 1 << 20,
            acknowledged: None,
            parted: false,
        }
    }

    /// Hears what it is told, at most `most` things; says how many bytes it took.
    fn hear(&mut self, mut input: &[u8], most: usize) -> usize {
        let before = input.len();
        for _ in 0..most {
            match self.end.receive(&mut input).unwrap() {
                None => break,
                Some(Said::Hello(greeting)) => {
                    self.greeting = Some(greeting);
                    self.end.welcome(Terms {
                        acknowledged: self.acknowledged,
                        window: self.window,
                        plan: None,
                        container: None,
                        release: "agent".into(),
                    });
                }
                Some(Said::SnapshotBegins { .. }) => {
                    self.engine = engine();
                    self.snapshots += 1;
                }
                Some(Said::Observation(observation)) => {
                    self.engine.observe(observation.clone(), |_| {});
                    self.seen.push(observation);
                }
                Some(Said::Report(account)) => self.account = account,
                Some(Said::Goodbye(account)) => {
                    self.account = account;
                    self.parted = true;
                }
                Some(Said::SnapshotEnds | Said::Applied { .. } | Said::Discarders(_) | Said::Held { .. }) => {}
            }
        }
        before - input.len()
    }
}

fn engine() -> Engine {
    Engine::new(Limits::default(), EventSet::NONE)
}

/// What a process cache says of each process, by pid.
fn known(engine: &Engine) -> BTreeMap<i32, (i32, Vec<u8>, Vec<u8>, u32)> {
    let facts = |process: &crate::process::Process| {
        let path = process.image().file.path.to_vec();
        (process.ppid().0, path, process.comm().as_bytes().to_vec(), process.credentials().uid)
    };
    engine.processes().iter().map(|process| (process.key().pid.0, facts(process))).collect()
}

/// Moves everything that both have to say, until neither has.
fn talk(tracer: &mut TracerEnd, agent: &mut Agent, now: Duration) -> Vec<Heard> {
    let mut heard = Vec::new();
    loop {
        let out = tracer.outgoing(now).to_vec();
        let mut taken = 0;
        while taken < out.len() || agent.end.has_more() {
            taken += agent.hear(&out[taken..], usize::MAX);
        }
        tracer.sent(out.len());
        let back = agent.end.outgoing().to_vec();
        agent.end.sent(back.len());
        heard.extend(tracer.receive(&back).unwrap());
        if out.is_empty() && back.is_empty() {
            return heard;
        }
    }
}

/// `generated` is the sum of all others.
fn assert_balanced(account: &Account) {
    let sum = account.confirmed + account.waiting + account.lost();
    assert_eq!(account.generated, sum, "{account:?}");
}

#[test]
fn a_session_from_hello_to_goodbye() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    let story = story::Story::new(1).take(300);
    let mut reference = engine();
    for observation in &story {
        reference.observe(observation.clone(), |_| {});
        tracer.observe(observation);
    }
    tracer.connected();
    let heard = talk(&mut tracer, &mut agent, Duration::ZERO);
    assert_eq!(heard, [Heard::Welcome { plan: None, resumed: false }]);
    assert_eq!(agent.seen, story);
    assert_eq!(known(&agent.engine), known(&reference));
    assert!(tracer.is_settled());
    tracer.part();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    assert!(agent.parted);
    assert_eq!((agent.account.generated, agent.account.confirmed, agent.account.lost()), (300, 300, 0));
    let greeting = agent.greeting.unwrap();
    assert_eq!((greeting.namespace, greeting.session, greeting.same_catalogue), (NAMESPACE, [5; 16], true));
    assert_eq!(greeting.release.to_string(), "1.2.3");
    assert_eq!(greeting.workload, "web:1");
}

#[test]
fn what_ends_with_a_session_is_what_it_told_of() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    for observation in story::Story::new(3).take(500) {
        tracer.observe(&observation);
    }
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    let processes: Vec<_> = agent.end.processes().map(|pid| pid.0).collect();
    assert_eq!(processes, known(&agent.engine).into_keys().collect::<Vec<_>>());
}
