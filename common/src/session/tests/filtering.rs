//! What is left out: told from one end to the other, done there, and listed.

use core::cell::RefCell;
use core::time::Duration;

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use lapwing_proto::tracer::v1 as proto;
use proto::step::Step as Change;

use super::{Agent, talk, tracer};
use crate::backend::{ArgumentTest, ArgumentsWanted, FilterPlan, FlagTest, Values};
use crate::discard::{
    Approver, ApproverStatistics, Conclusion, Discarders, FilePolicy, Filters, InodeKey, Ktime, Listing, Mode, Moment,
    Place, Places, Pushed, Refusal, Statistics,
};
use crate::event::EventType;
use crate::ids::Pid;
use crate::session::{
    Answer, Heard, Left, Said, Step, UnknownStep, apply, conclusion_message, plan_message, read_plan,
};
use crate::syscall::Role;

/// That nothing below `/usr`, and nothing that is called so, is of interest.
pub(super) fn conclusion(path: &str) -> Conclusion {
    Conclusion {
        event: EventType::Open,
        path: path.as_bytes().into(),
        below: 2,
        itself: true,
        inode: 9,
        mount: 8,
        lasting: true,
    }
}

pub(super) fn step(change: Change) -> proto::Step {
    proto::Step { step: Some(change) }
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
    let policy = |mode, event: &str| {
        step(Change::Policy(proto::Policy {
            event: event.into(),
            mode,
            basenames: vec![b"passwd".to_vec()],
            flags: vec![0],
            components: Vec::new(),
        }))
    };
    let mut disk = Disk::default();
    for good in [
        step(Change::Expire(proto::Expiry { inode: 9, mount: 1 })),
        step(Change::Flush(proto::Flush {})),
        policy(3, "open"),
    ] {
        assert_eq!(apply(good, &told, &mut disk).unwrap(), Step::Made);
    }
    let expected = [("expire", 9), ("flush", 0), ("policy", Mode::Deny as u64)];
    assert_eq!(*told.0.borrow(), expected);
    for unknown in [proto::Step::default(), policy(0, "open"), policy(3, "teleport")] {
        assert!(matches!(apply(unknown, &told, &mut disk), Err(UnknownStep::Unknown)));
    }
    let pid = proto::PidDiscarder { pid: 3, event: "open".into(), timeout: 0 };
    assert!(matches!(
        apply(step(Change::Pid(pid)), &told, &mut disk),
        Err(UnknownStep::Refused(Refusal::NoProcess(Pid(3))))
    ));
}

/// Directories of a disk with their inodes, all of mount 8; `/usr/lib/x` is inode 9.
#[derive(Default)]
struct Disk {
    has_directories: bool,
}

impl Places for Disk {
    fn look(&mut self, path: &[u8]) -> Option<Place> {
        let (inode, is_directory) = match path {
            b"/usr" if self.has_directories => (7, true),
            b"/usr/lib/x" => (9, false),
            _ => return None,
        };
        Some(Place { inode, mount: 8, links: 1, is_directory, is_mount_root: false })
    }
}

#[test]
fn what_is_concluded_of_a_path_is_looked_up_where_the_tracees_are() {
    let (told, mut disk) = (Told::default(), Disk { has_directories: true });
    let discards = |conclusion: Conclusion, disk: &mut Disk| {
        let done = apply(conclusion_message(&conclusion), &told, disk).unwrap();
        match done {
            Step::Discarded(key, path) => Some((key.inode, key.leaf, String::from_utf8(path.into()).unwrap())),
            Step::Nothing => None,
            Step::Made => panic!("made"),
        }
    };
    assert_eq!(discards(conclusion("/usr/lib/x"), &mut disk), Some((7, false, "/usr".into())));
    disk.has_directories = false;
    assert_eq!(discards(conclusion("/usr/lib/x"), &mut disk), Some((9, true, "/usr/lib/x".into())));
    // It is another file by now, or on another mount, or the tracer does not see it.
    assert_eq!(discards(Conclusion { inode: 10, ..conclusion("/usr/lib/x") }, &mut disk), None);
    assert_eq!(discards(Conclusion { mount: 1, ..conclusion("/usr/lib/x") }, &mut disk), None);
    assert_eq!(discards(Conclusion { itself: false, ..conclusion("/usr/lib/x") }, &mut disk), None);
    assert_eq!(discards(conclusion("/usr/lib/y"), &mut disk), None);
    assert_eq!(*told.0.borrow(), [("below", 7), ("file", 9)]);
    for malformed in ["", "usr", &"/a".repeat(3000)] {
        let step = conclusion_message(&conclusion(malformed));
        assert!(matches!(apply(step, &told, &mut disk), Err(UnknownStep::Unknown)), "{malformed}");
    }
    let above = conclusion_message(&Conclusion { below: 8, ..conclusion("/usr/lib/x") });
    assert!(matches!(apply(above, &told, &mut disk), Err(UnknownStep::Unknown)));
}

#[test]
fn what_is_left_out_reaches_the_agent_in_parts() {
    let (mut tracer, mut agent) = (tracer(1 << 20), Agent::new());
    tracer.connected();
    talk(&mut tracer, &mut agent, Duration::ZERO);
    agent.end.ask_for_discarders(5);
    assert_eq!(talk(&mut tracer, &mut agent, Duration::ZERO), [Heard::DiscardersWanted { id: 5 }]);
    let mut table = Discarders::default();
    for inode in 1..=3000 {
        let key = InodeKey { inode, mount: 8, leaf: inode % 2 == 0 };
        table.push(key, EventType::Open, None, Ktime(1)).unwrap();
    }
    table.push_pid(Pid(4), EventType::Chmod, None, Ktime(1)).unwrap();
    table.expire(2999, 8, Ktime(1));
    let listing = table.list();
    let path = |key: &InodeKey| alloc::format!("/usr/{:0>200}", key.inode).into_bytes().into();
    let inodes = listing.inodes.into_iter().map(|(key, discarder)| (key, discarder, path(&key))).collect();
    let discarders = table.statistics().sum();
    let left = Left { inodes, pids: listing.pids, discarders, ..Left::default() };
    tracer.list(5, &left);
    let mut answer = Answer::default();
    let (mut parts, mut is_whole) = (0, false);
    while !is_whole {
        let out = tracer.outgoing(Duration::ZERO).to_vec();
        assert!((1..256 * 1024).contains(&out.len()), "not all at once");
        tracer.sent(out.len());
        let mut input = out.as_slice();
        while let Some(said) = agent.end.receive(&mut input).unwrap() {
            let Said::Discarders(part) = said else { panic!("{said:?}") };
            assert_eq!(part.id, 5);
            parts += 1;
            is_whole = answer.take(*part);
        }
    }
    assert!(parts > 10 && !answer.has_surplus());
    assert_eq!(answer.left(), left);
}

#[test]
fn more_than_there_can_be_is_not_kept() {
    let inode = proto::DiscardedInode { path: vec![b'x'; 4000], ..proto::DiscardedInode::default() };
    let part = proto::Discarders { inodes: vec![inode; 15], ..proto::Discarders::default() };
    let mut answer = Answer::default();
    for _ in 0..1000 {
        assert!(!answer.take(part.clone()));
    }
    assert!(answer.has_surplus());
    assert!(answer.left().inodes.len() < 3000);
}

#[test]
fn arguments_that_are_wanted_come_back_but_not_of_what_may_be_wanted_whole() {
    let flags = ArgumentTest { flags: Some(FlagTest { any: 577, or_none: true }), value: None };
    let by = |role, values| ArgumentTest { flags: None, value: Some((role, values)) };
    let tests = [
        (EventType::Open, flags),
        (EventType::Unlink, flags),
        (EventType::Ptrace, by(Role::Selector, Values::one_of([16, 4]).unwrap())),
        (EventType::Socket, by(Role::Protocol, Values::one_of([]).unwrap())),
        (EventType::Setsockopt, by(Role::SubSelector, Values::one_of([0]).unwrap())),
        (EventType::Mprotect, by(Role::Selector, Values::AnyBit(4))),
    ];
    let plan = FilterPlan { arguments: ArgumentsWanted::by(tests), ..FilterPlan::default() };
    let mut message = plan_message(&plan, 1);
    assert_eq!(read_plan(&message, &FilterPlan::default()).0.arguments, plan.arguments);
    message.reserve = vec!["unlink".into()];
    message.arguments.iter_mut().for_each(|test| test.role += i32::from(test.event == "socket") * 90);
    let read = read_plan(&message, &FilterPlan::default()).0.arguments;
    assert_eq!(read.of(EventType::Unlink), ArgumentTest::default());
    assert_eq!(read.of(EventType::Ptrace), plan.arguments.of(EventType::Ptrace));
    assert_eq!(read.of(EventType::Socket), ArgumentTest::default(), "a role of a newer release");
}
