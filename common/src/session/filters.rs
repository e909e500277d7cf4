//! Filter plans, discarders and approvers as messages.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::time::Duration;

use lapwing_proto::tracer::v1 as proto;
use prost::Message as _;
use proto::step::Step as Change;
use thiserror::Error;

use super::LONGEST_OTHER;
use crate::backend::{FilterPlan, IoUring};
use crate::discard::{Approver, FilePolicy, Filters, InodeKey, Mode, Refusal};
use crate::engine::EventSet;
use crate::event::EventType;
use crate::ids::Pid;

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
        ..proto::Plan::default()
    }
}

/// Adds to a plan what is reported of types. All events are of a type whose names do not fit into a message.
pub fn add_policies(message: &mut proto::Plan, policies: &[(EventType, FilePolicy)]) {
    let mut room = LONGEST_OTHER / 2;
    for (event, policy) in policies {
        let (mut basenames, mut flags) = (Vec::new(), Vec::new());
        for approver in &policy.approvers {
            match approver {
                Approver::Basename(name) => basenames.push(name.to_vec()),
                Approver::Flags(bits) => flags.push(*bits),
            }
        }
        let mode = match policy.mode {
            Mode::NoFilter => proto::PolicyMode::NoFilter,
            Mode::Accept => proto::PolicyMode::Accept,
            Mode::Deny => proto::PolicyMode::Deny,
        };
        let event = event.name().to_string();
        let policy = proto::Policy { event, mode: mode.into(), basenames, flags };
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
    let flags = policy.flags.into_iter().map(Approver::Flags);
    Some((event, FilePolicy { mode, approvers: names.chain(flags).collect() }))
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
    let plan = FilterPlan {
        events,
        discarders: message.discarders,
        io_uring,
        syscalls: message.syscalls,
        ..FilterPlan::default()
    };
    (plan, unknown)
}

/// The message that discards events of a type about a file, or below a directory.
#[must_use]
pub fn step_message(key: InodeKey, event: EventType, timeout: Option<Duration>) -> proto::Step {
    let timeout = timeout.map_or(0, |timeout| u64::try_from(timeout.as_nanos()).unwrap_or(u64::MAX).max(1));
    let event = event.name().to_string();
    let discarder = proto::InodeDiscarder { inode: key.inode, mount: key.mount, below: !key.leaf, event, timeout };
    proto::Step { step: Some(Change::Inode(discarder)) }
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

/// Makes a change that an agent asked for.
///
/// # Errors
///
/// When it is not known, or the backend refuses it. Then nothing has changed, and more is reported than was asked for.
pub fn apply<F: Filters>(step: proto::Step, filters: &F) -> Result<(), UnknownStep<F::Error>> {
    let refused = UnknownStep::Refused;
    let event = |name: &str| EventType::named(name).ok_or(UnknownStep::Unknown);
    let timeout = |nanoseconds| (nanoseconds != 0).then(|| Duration::from_nanos(nanoseconds));
    match step.step.ok_or(UnknownStep::Unknown)? {
        Change::Inode(inode) => {
            let key = InodeKey { inode: inode.inode, mount: inode.mount, leaf: !inode.below };
            filters.push(key, event(&inode.event)?, timeout(inode.timeout)).map(drop).map_err(refused)
        }
        Change::Pid(pid) => {
            filters.push_pid(Pid(pid.pid), event(&pid.event)?, timeout(pid.timeout)).map(drop).map_err(refused)
        }
        Change::Expire(expiry) => filters.expire(expiry.inode, expiry.mount).map_err(refused),
        Change::Flush(proto::Flush {}) => filters.flush().map_err(refused),
        Change::Policy(policy) => {
            if policy.basenames.len() > crate::discard::MOST_BASENAMES {
                return Err(refused(Refusal::TooMany.into()));
            }
            let (event, policy) = file_policy(policy).ok_or(UnknownStep::Unknown)?;
            filters.set_policy(event, policy).map_err(refused)
        }
    }
}
