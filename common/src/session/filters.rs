//! Filter plans, discarders and approvers as messages.

use alloc::boxed::Box;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use lapwing_proto::tracer::v1 as proto;
use prost::Message as _;
use proto::step::Step as Change;
use thiserror::Error;

use super::LONGEST_OTHER;
use crate::backend::{ArgumentTest, ArgumentsWanted, FilterPlan, FlagTest, IoUring, Values};
use crate::discard::{Approver, Conclusion, FilePolicy, Filters, InodeKey, Mode, Places, Pushed, Refusal};
use crate::engine::EventSet;
use crate::event::EventType;
use crate::ids::Pid;
use crate::rules::{PathInterests, WantedPaths};
use crate::syscall::Role;

/// The arguments that a plan may test, as messages name them.
const ROLES: [(Role, proto::ArgumentRole); 3] = [
    (Role::Selector, proto::ArgumentRole::Selector),
    (Role::SubSelector, proto::ArgumentRole::SubSelector),
    (Role::Protocol, proto::ArgumentRole::Protocol),
];
/// `PATH_MAX` of linux/limits.h.
const LONGEST_PATH: usize = 4096;

/// The message of a plan.
#[must_use]
pub fn plan_message(plan: &FilterPlan, revision: u64) -> proto::Plan {
    let events = EventType::ALL.iter().filter(|event| plan.events.contains(**event));
    proto::Plan {
        revision,
        events: events.map(|event| event.name().to_string()).collect(),
        discarders: plan.discarders,
        io_uring: match plan.io_uring {
            IoUring::Allow => proto::IoUring::Allow,
            IoUring::Deny => proto::IoUring::Deny,
        }
        .into(),
        syscalls: plan.syscalls,
        arguments: EventType::ALL.iter().filter_map(|event| test_message(*event, plan.arguments.of(*event))).collect(),
        ..proto::Plan::default()
    }
}

/// `None` where nothing is asked for.
fn test_message(event: EventType, test: ArgumentTest) -> Option<proto::ArgumentTest> {
    let flags = test.flags.map(|FlagTest { any, or_none }| proto::FlagTest { any, or_none });
    let mut message = proto::ArgumentTest { event: event.name().to_string(), flags, ..proto::ArgumentTest::default() };
    let role = |role| ROLES.iter().find(|(known, _)| *known == role).map(|(_, name)| *name);
    if let Some((name, values)) = test.value.and_then(|(one, values)| Some((role(one)?, values))) {
        message.role = name.into();
        match values {
            Values::OneOf(..) => message.values = values.each().to_vec(),
            Values::AnyBit(bits) => message.bits = Some(bits),
        }
    }
    (message.flags.is_some() || message.role() != proto::ArgumentRole::Unspecified).then_some(message)
}

/// Anything that is not understood is not asked for: then more stops.
fn read_test(message: &proto::ArgumentTest) -> Option<(EventType, ArgumentTest)> {
    let flags = message.flags.as_ref().map(|test| FlagTest { any: test.any, or_none: test.or_none });
    let role = ROLES.iter().find(|(_, name)| *name == message.role()).map(|(role, _)| *role);
    let values = match message.bits {
        Some(bits) => Some(Values::AnyBit(bits)),
        None => Values::one_of(message.values.iter().copied()),
    };
    Some((EventType::named(&message.event)?, ArgumentTest { flags, value: role.zip(values) }))
}

/// Adds to a plan what is reported of types. All events are of a type whose names do not fit into a message.
pub fn add_policies(message: &mut proto::Plan, policies: &[(EventType, FilePolicy)]) {
    let mut room = LONGEST_OTHER / 2;
    for (event, policy) in policies {
        let (mut basenames, mut components, mut flags) = (Vec::new(), Vec::new(), Vec::new());
        for approver in &policy.approvers {
            match approver {
                Approver::Basename(name) => basenames.push(name.to_vec()),
                Approver::Component(name) => components.push(name.to_vec()),
                Approver::Flags(bits) => flags.push(*bits),
            }
        }
        let mode = match policy.mode {
            Mode::NoFilter => proto::PolicyMode::NoFilter,
            Mode::Accept => proto::PolicyMode::Accept,
            Mode::Deny => proto::PolicyMode::Deny,
        };
        let event = event.name().to_string();
        let policy = proto::Policy { event, mode: mode.into(), basenames, flags, components };
        if let Some(left) = room.checked_sub(policy.encoded_len()) {
            room = left;
            message.policies.push(policy);
        }
    }
}

/// What a plan says is reported of types. What is not known is left out: of such types all events are.
#[must_use]
pub fn read_policies(message: &proto::Plan) -> Vec<(EventType, FilePolicy)> {
    message.policies.iter().filter_map(|policy| file_policy(policy.clone())).collect()
}

/// Adds to a plan under which paths types are of interest. All are of a type whose paths do not fit into a message.
pub fn add_paths(message: &mut proto::Plan, wanted: Vec<(EventType, WantedPaths)>) {
    let lists = |list: Vec<Box<[u8]>>| list.into_iter().map(<[u8]>::into_vec).collect();
    // What is left beside policies, types and tests.
    let mut room = LONGEST_OTHER / 8 * 3;
    for (event, WantedPaths { paths, names, globs }) in wanted {
        let event = event.name().to_string();
        let paths = proto::WantedPaths { event, paths: lists(paths), names: lists(names), globs: lists(globs) };
        if let Some(left) = room.checked_sub(paths.encoded_len()) {
            room = left;
            message.paths.push(paths);
        }
    }
}

/// Under which paths a plan says that types are of interest. Of types that are not here they all are.
#[must_use]
pub fn read_paths(message: &proto::Plan) -> PathInterests {
    let list = |list: &[Vec<u8>]| list.iter().map(|path| Box::from(path.as_slice())).collect();
    let one = |wanted: &proto::WantedPaths| {
        let paths = WantedPaths { paths: list(&wanted.paths), names: list(&wanted.names), globs: list(&wanted.globs) };
        Some((EventType::named(&wanted.event)?, paths))
    };
    PathInterests::new(message.paths.iter().filter_map(one))
}

/// The types that a later plan may want.
#[must_use]
pub fn read_reserve(message: &proto::Plan) -> EventSet {
    message.reserve.iter().filter_map(|name| EventType::named(name)).collect()
}

fn file_policy(policy: proto::Policy) -> Option<(EventType, FilePolicy)> {
    let mode = match policy.mode() {
        proto::PolicyMode::Unspecified => return None,
        proto::PolicyMode::NoFilter => Mode::NoFilter,
        proto::PolicyMode::Accept => Mode::Accept,
        proto::PolicyMode::Deny => Mode::Deny,
    };
    let event = EventType::named(&policy.event)?;
    let names = policy.basenames.into_iter().map(|name| Approver::Basename(name.into()));
    let components = policy.components.into_iter().map(|name| Approver::Component(name.into()));
    let flags = policy.flags.into_iter().map(Approver::Flags);
    Some((event, FilePolicy { mode, approvers: names.chain(components).chain(flags).collect() }))
}

/// The plan of a message, and the names of types that are not known. What the message leaves open is taken from
/// `before`.
#[must_use]
pub fn read_plan(message: &proto::Plan, before: &FilterPlan) -> (FilterPlan, Vec<String>) {
    let mut unknown = Vec::new();
    let mut events = EventSet::NONE;
    for name in &message.events {
        match EventType::named(name) {
            Some(event) => events = events.with(event),
            None => unknown.push(name.clone()),
        }
    }
    let io_uring = match message.io_uring() {
        proto::IoUring::Unspecified => before.io_uring,
        proto::IoUring::Allow => IoUring::Allow,
        proto::IoUring::Deny => IoUring::Deny,
    };
    // What a later plan may want has to stop whatever its arguments.
    let reserve = read_reserve(message);
    let tests = message.arguments.iter().filter_map(read_test).filter(|(event, _)| !reserve.contains(*event));
    let plan = FilterPlan {
        events,
        discarders: message.discarders,
        io_uring,
        syscalls: message.syscalls,
        arguments: ArgumentsWanted::by(tests),
    };
    (plan, unknown)
}

/// The message of a conclusion.
#[must_use]
pub fn conclusion_message(conclusion: &Conclusion) -> proto::Step {
    let message = proto::Conclusion {
        event: conclusion.event.name().to_string(),
        path: conclusion.path.to_vec(),
        below: conclusion.below.into(),
        itself: conclusion.itself,
        inode: conclusion.inode,
        mount: conclusion.mount,
        lasting: conclusion.lasting,
    };
    proto::Step { step: Some(Change::Conclusion(message)) }
}

/// The conclusion of a message; `None` if it is of a newer release, or none.
fn read_conclusion(message: proto::Conclusion) -> Option<Conclusion> {
    let is_path = message.path.first() == Some(&b'/') && message.path.len() <= LONGEST_PATH;
    Some(Conclusion {
        event: EventType::named(&message.event)?,
        path: Some(message.path).filter(|_| is_path)?.into(),
        below: u8::try_from(message.below).ok().filter(|below| *below <= Conclusion::ALL_ABOVE)?,
        itself: message.itself,
        inode: message.inode,
        mount: message.mount,
        lasting: message.lasting,
    })
}

/// What became of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// It was made.
    Made,
    /// This was discarded, at this path.
    Discarded(InodeKey, Box<[u8]>),
    /// There is nothing to discard there, or not now.
    Nothing,
}

/// Why a change to what is left out was not made.
#[derive(Debug, Error)]
pub enum UnknownStep<E> {
    /// It is of a newer release.
    #[error("a change that this release does not know")]
    Unknown,
    /// The backend refused it.
    #[error(transparent)]
    Refused(E),
}

/// Makes a change that an agent asked for. `places` are those of the tracees.
///
/// # Errors
///
/// When it is not known, or the backend refuses it. Then nothing has changed, and more is reported than was asked for.
pub fn apply<F: Filters>(
    step: proto::Step,
    filters: &F,
    places: &mut impl Places,
) -> Result<Step, UnknownStep<F::Error>> {
    let refused = UnknownStep::Refused;
    let event = |name: &str| EventType::named(name).ok_or(UnknownStep::Unknown);
    match step.step.ok_or(UnknownStep::Unknown)? {
        Change::Pid(pid) => {
            let timeout = (pid.timeout != 0).then(|| Duration::from_nanos(pid.timeout));
            filters.push_pid(Pid(pid.pid), event(&pid.event)?, timeout).map_err(refused)?;
        }
        Change::Expire(expiry) => filters.expire(expiry.inode, expiry.mount).map_err(refused)?,
        Change::Flush(proto::Flush {}) => filters.flush().map_err(refused)?,
        Change::Policy(policy) => {
            if policy.basenames.len().max(policy.components.len()) > crate::discard::MOST_BASENAMES {
                return Err(refused(Refusal::TooMany.into()));
            }
            let (event, policy) = file_policy(policy).ok_or(UnknownStep::Unknown)?;
            filters.set_policy(event, policy).map_err(refused)?;
        }
        Change::Conclusion(message) => {
            let conclusion = read_conclusion(message).ok_or(UnknownStep::Unknown)?;
            let Some(finding) = conclusion.find(filters, places).map_err(refused)? else { return Ok(Step::Nothing) };
            let is_added = finding.push(filters).map_err(refused)? == Pushed::Added;
            return Ok(if is_added { Step::Discarded(finding.key, finding.path.into()) } else { Step::Nothing });
        }
    }
    Ok(Step::Made)
}
