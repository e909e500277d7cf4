//! What a tracer says, read and checked, and the terms on which it is welcome.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use lapwing_proto::tracer::v1 as proto;

use super::losses::Account;
use super::{OLDEST_PROTOCOL, PROTOCOL, Violation};
use crate::holdings::Held;
use crate::ids::{Pid, PidNs};
use crate::record::{Cgroup, Observation};
use crate::wire::fingerprint;

/// What a tracer says about itself. Nothing of it has been checked against the socket's peer yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    /// The newest version of the protocol that both speak.
    pub protocol: u32,
    /// Lapwing's version there, at most 64 bytes.
    pub release: String,
    /// The pid namespace in which it numbers processes.
    pub namespace: PidNs,
    /// Its pid there.
    pub pid: Pid,
    /// Where it says that it runs.
    pub container: Cgroup,
    /// It starts a command; otherwise it attached to processes.
    pub starts_command: bool,
    /// The same on all connections of one tracer.
    pub session: [u8; 16],
    /// What its user calls the workload, as `NAME` or `NAME:TAG`; empty if that was not said.
    pub workload: String,
    /// It knows the same system calls as this release.
    pub same_catalogue: bool,
    /// The highest number that any agent has acknowledged.
    pub acknowledged: u64,
}

/// On what terms a tracer is welcome.
#[derive(Clone, Debug)]
pub struct Terms {
    /// The highest number of the session that this agent has processed; `None` for a session that it does not know
    /// (see [`Resumable`](super::Resumable)).
    pub acknowledged: Option<u64>,
    /// How many bytes of observations may be under way.
    pub window: u64,
    /// What it is to capture, if that is not left to it.
    pub plan: Option<proto::Plan>,
    /// Where it runs, as the agent knows it: see [`Reader::new`](crate::wire::Reader::new).
    pub container: Option<Arc<Cgroup>>,
    /// Lapwing's version, for people.
    pub release: String,
}

/// What a tracer said.
#[derive(Clone, Debug, PartialEq)]
pub enum Said {
    /// Who it is. To be answered by [`AgentEnd::welcome`](super::AgentEnd::welcome) or [`AgentEnd::refuse`](super::AgentEnd::refuse) before anything else.
    Hello(Box<Greeting>),
    /// What was known of its processes is void; those that it knows follow as observations.
    SnapshotBegins {
        /// Those that this connection told of before.
        void: Vec<Pid>,
    },
    /// All of them have been told.
    SnapshotEnds,
    /// What was seen. It counts as processed when [`AgentEnd::receive`](super::AgentEnd::receive) or [`AgentEnd::outgoing`](super::AgentEnd::outgoing) is called next.
    Observation(Observation),
    /// What it counted.
    Report(Account),
    /// A plan is in force, as far as it can be: event types that cannot be had.
    Applied {
        /// The plan's.
        revision: u64,
        /// Their names.
        missing: Vec<String>,
    },
    /// A part of what it leaves out.
    Discarders(Box<proto::Discarders>),
    /// What a process holds that ran already, or a part of that, as it was asked by
    /// [`AgentEnd::ask_what_is_held`](super::AgentEnd::ask_what_is_held).
    Held {
        /// Of the request.
        id: u64,
        /// The process; 0 where there is nothing to tell.
        pid: Pid,
        /// What it holds.
        held: Held,
        /// All has been told.
        end: bool,
    },
    /// It ends.
    Goodbye(Account),
}

pub(super) fn greeting(hello: proto::Hello) -> Result<Greeting, Violation> {
    if hello.protocol < OLDEST_PROTOCOL || hello.oldest_protocol > PROTOCOL {
        return Err(Violation::Version { oldest: hello.oldest_protocol, newest: hello.protocol });
    }
    let starts_command = hello.mode() == proto::Mode::Command;
    let session = hello.session.try_into().ok().ok_or(Violation::Field("a session is 16 bytes"))?;
    let container = hello.container.unwrap_or_default();
    if hello.release.len() > 64
        || container.cgroup.len() > 4096
        || container.id.len() > 256
        || hello.workload.len() > 256
    {
        return Err(Violation::Field("a name that is too long"));
    }
    Ok(Greeting {
        protocol: hello.protocol.min(PROTOCOL),
        release: hello.release,
        namespace: PidNs(hello.pid_namespace),
        pid: Pid(hello.pid),
        container: Cgroup { path: container.cgroup.into(), container: container.id.into() },
        starts_command,
        session,
        workload: hello.workload,
        same_catalogue: hello.catalogue == fingerprint(),
        acknowledged: hello.acknowledged,
    })
}
