//! Plans and discarders there and back.

use core::time::Duration;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use lapwing_proto::tracer::v1 as proto;
use proto::step::Step as Change;

use super::filtering::{conclusion, step};
use super::{Agent, talk, tracer};
use crate::backend::{FilterPlan, IoUring};
use crate::discard::{Approver, FilePolicy, Mode};
use crate::engine::EventSet;
use crate::event::EventType;
use crate::rules::WantedPaths;
use crate::session::{
    Heard, add_paths, add_policies, conclusion_message, plan_message, read_paths, read_plan, read_policies,
    read_reserve,
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
        (EventType::Chown, FilePolicy { mode: Mode::Deny, approvers: vec![Approver::Component(b"etc"[..].into())] }),
    ];
    let mut message = plan_message(&FilterPlan::default(), 1);
    message.reserve = vec!["chown".into(), "teleport".into()];
    add_policies(&mut message, &policies);
    assert_eq!(read_policies(&message), [0, 2, 3].map(|index: usize| policies[index].clone()));
    assert_eq!(read_reserve(&message), EventSet::NONE.with(EventType::Chown));
}

#[test]
fn paths_of_interest_come_back_as_far_as_they_fit() {
    let list = |texts: &[&str]| texts.iter().map(|text| text.as_bytes().into()).collect();
    let open =
        WantedPaths { paths: list(&["/etc/shadow"]), names: list(&["id_rsa"]), globs: list(&["/root/**", "*/x"]) };
    let many = (0..1000).map(|number| alloc::format!("/{number:0>200}").into_bytes().into()).collect();
    let chmod = WantedPaths { paths: many, ..WantedPaths::default() };
    let bad = WantedPaths { globs: list(&["/**/**"]), ..WantedPaths::default() };
    let mut message = plan_message(&FilterPlan::default(), 1);
    let wanted = [(EventType::Open, open), (EventType::Chmod, chmod), (EventType::Chown, bad)];
    add_paths(&mut message, wanted.into());
    message.paths.push(proto::WantedPaths { event: "teleport".into(), ..Default::default() });
    let interests = read_paths(&message);
    let is_wanted = |event, path: &str| !interests.are_indifferent_to(event, path.as_bytes());
    for path in ["/etc/shadow", "/a/id_rsa", "/root/a/b", "/a/x"] {
        assert!(is_wanted(EventType::Open, path), "{path}");
    }
    for path in ["/etc/shadow/x", "/root", "/etc", "/a/b/x"] {
        assert!(!is_wanted(EventType::Open, path), "{path}");
        assert!(is_wanted(EventType::Chmod, path) && is_wanted(EventType::Chown, path), "{path}");
    }
}

#[test]
fn plans_discarders_and_their_answers_reach_the_other_end() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    let filtering = proto::Filtering { steps: vec![conclusion_message(&conclusion("/usr/lib/x"))] };
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
    let filtering = proto::Filtering { steps: vec![conclusion_message(&conclusion("/usr/lib/x")); 100] };
    assert!((0..1000).any(|_| !agent.end.filter(filtering.clone())));
    assert!(agent.end.outgoing().len() < 128 * 1024);
    // That all is taken back it hears in any case.
    agent.end.flush_discarders();
    let out = agent.end.outgoing().to_vec();
    let flush = step(Change::Flush(proto::Flush {}));
    let last = proto::ToTracer {
        message: Some(proto::to_tracer::Message::Filtering(proto::Filtering { steps: vec![flush] })),
    };
    let mut expected = Vec::new();
    crate::session::append(&mut expected, &last);
    assert!(out.ends_with(&expected));
}
