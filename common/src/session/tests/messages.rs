//! Plans and discarders there and back.

use core::cell::RefCell;
use core::time::Duration;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use lapwing_proto::tracer::v1 as proto;
use proto::step::Step as Change;

use super::{Agent, talk, tracer};
use crate::backend::{FilterPlan, IoUring};
use crate::discard::{
    Approver, ApproverStatistics, FilePolicy, Filters, InodeKey, Listing, Mode, Moment, Pushed, Refusal, Statistics,
};
use crate::engine::EventSet;
use crate::event::EventType;
use crate::ids::Pid;
use crate::session::{
    Heard, UnknownStep, add_policies, apply, plan_message, read_plan, read_policies, read_reserve, step_message,
};

#[test]
fn a_plan_comes_back() {
    for (events, discarders, io_uring, syscalls) in [
        (EventSet::NONE.with(EventType::Open).with(EventType::Blind), true, IoUring::Deny, false),
        (EventSet::NONE, false, IoUring::Allow, true),
    ] {
        let plan = FilterPlan { events, discarders, io_uring, syscalls, ..FilterPlan::default() };
        assert_eq!(read_plan(&plan_message(&plan, 3), &FilterPlan::default()), (plan, vec![]));
    }
    let message = proto::Plan { events: vec!["open".into(), "teleport".into()], ..Default::default() };
    let before = FilterPlan { io_uring: IoUring::Deny, ..FilterPlan::default() };
    let (plan, unknown) = read_plan(&message, &before);
    assert_eq!((plan.io_uring, unknown), (IoUring::Deny, vec!["teleport".to_string()]));
}

#[test]
fn what_is_reported_of_types_comes_back_as_far_as_it_fits() {
    let names = |count: usize| {
        (0..count).map(|number| Approver::Basename(alloc::format!("{number:0>200}").into_bytes().into()))
    };
    let policies = [
        (EventType::Open, FilePolicy { mode: Mode::Deny, approvers: vec![Approver::Flags(0), Approver::Flags(577)] }),
        (EventType::Chmod, FilePolicy { mode: Mode::Deny, approvers: names(1000).collect() }),
        (EventType::Unlink, FilePolicy { mode: Mode::Deny, approvers: names(3).collect() }),
    ];
    let mut message = plan_message(&FilterPlan::default(), 1);
    message.reserve = vec!["chown".into(), "teleport".into()];
    add_policies(&mut message, &policies);
    assert_eq!(read_policies(&message), [policies[0].clone(), policies[2].clone()]);
    assert_eq!(read_reserve(&message), EventSet::NONE.with(EventType::Chown));
}

#[test]
fn plans_discarders_and_their_answers_reach_the_other_end() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    let key = InodeKey { inode: 7, mount: 8, leaf: false };
    let step = step_message(key, EventType::Open, Some(Duration::from_secs(1)));
    let filtering = proto::Filtering { steps: vec![step] };
    assert!(!agent.end.filter(filtering.clone()), "nobody is there");
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    let plan = plan_message(&FilterPlan::default(), 9);
    agent.end.plan(plan.clone());
    assert!(agent.end.filter(filtering.clone()));
    let heard = talk(&mut tracer, &mut agent, Duration::ZERO);
    assert_eq!(heard, [Heard::Plan(plan), Heard::Filtering(filtering)]);
    tracer.applied(9, vec!["open".into()]);
    let out = tracer.outgoing(Duration::ZERO).to_vec();
    let said = agent.end.receive(&mut out.as_slice()).unwrap();
    assert_eq!(said, Some(crate::session::Said::Applied { revision: 9, missing: vec!["open".into()] }));
}

#[test]
fn an_agent_does_not_keep_what_a_tracer_does_not_hear() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    let step = step_message(InodeKey { inode: 7, mount: 8, leaf: true }, EventType::Open, None);
    let filtering = proto::Filtering { steps: vec![step; 100] };
    assert!((0..1000).any(|_| !agent.end.filter(filtering.clone())));
    assert!(agent.end.outgoing().len() < 128 * 1024);
}

/// Writes down what it is told.
#[derive(Default)]
struct Told(RefCell<Vec<(&'static str, u64)>>);

impl Told {
    fn note(&self, what: &'static str, value: u64) {
        self.0.borrow_mut().push((what, value));
    }
}

impl Filters for Told {
    type Error = Refusal;

    fn push(&self, key: InodeKey, _: EventType, timeout: Option<Duration>) -> Result<Pushed, Refusal> {
        self.note(if key.leaf { "file" } else { "below" }, key.inode);
        timeout.into_iter().for_each(|timeout| self.note("for", timeout.as_secs()));
        Ok(Pushed::Added)
    }

    fn moment(&self) -> Result<Moment, Refusal> {
        Ok(Moment(0))
    }

    fn push_since(&self, _: Moment, key: InodeKey, event: EventType) -> Result<Pushed, Refusal> {
        self.push(key, event, None)
    }

    fn push_pid(&self, pid: Pid, _: EventType, _: Option<Duration>) -> Result<Pushed, Refusal> {
        Err(Refusal::NoProcess(pid))
    }

    fn expire(&self, inode: u64, _: u32) -> Result<(), Refusal> {
        self.note("expire", inode);
        Ok(())
    }

    fn flush(&self) -> Result<(), Refusal> {
        self.note("flush", 0);
        Ok(())
    }

    fn list(&self) -> Result<Listing, Refusal> {
        Ok(Listing::default())
    }

    fn set_policy(&self, _: EventType, policy: FilePolicy) -> Result<(), Refusal> {
        assert_eq!(policy.approvers, [Approver::Basename(b"passwd".as_slice().into()), Approver::Flags(0)]);
        self.note("policy", policy.mode as u64);
        Ok(())
    }

    fn policies(&self) -> Result<Vec<(EventType, FilePolicy)>, Refusal> {
        Ok(Vec::new())
    }

    fn statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        Ok(Default::default())
    }

    fn take_statistics(&self) -> Result<(Statistics, ApproverStatistics), Refusal> {
        self.statistics()
    }
}

#[test]
fn changes_of_filters_are_made_or_refused() {
    let told = Told::default();
    let step = |change| proto::Step { step: Some(change) };
    let policy = |mode, event: &str| {
        step(Change::Policy(proto::Policy {
            event: event.into(),
            mode,
            basenames: vec![b"passwd".to_vec()],
            flags: vec![0],
        }))
    };
    let key = |leaf| InodeKey { inode: 7, mount: 8, leaf };
    for good in [
        step_message(key(true), EventType::Open, None),
        step_message(key(false), EventType::Open, Some(Duration::from_secs(5))),
        step(Change::Expire(proto::Expiry { inode: 9, mount: 1 })),
        step(Change::Flush(proto::Flush {})),
        policy(3, "open"),
    ] {
        apply(good, &told).unwrap();
    }
    let expected = [("file", 7), ("below", 7), ("for", 5), ("expire", 9), ("flush", 0), ("policy", Mode::Deny as u64)];
    assert_eq!(*told.0.borrow(), expected);
    for unknown in [proto::Step::default(), policy(0, "open"), policy(3, "teleport")] {
        assert!(matches!(apply(unknown, &told), Err(UnknownStep::Unknown)));
    }
    let pid = proto::PidDiscarder { pid: 3, event: "open".into(), timeout: 0 };
    assert!(matches!(apply(step(Change::Pid(pid)), &told), Err(UnknownStep::Refused(Refusal::NoProcess(Pid(3))))));
}
