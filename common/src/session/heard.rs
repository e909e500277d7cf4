//! Who a tracer is, and what an agent says to it.

use alloc::string::String;
use alloc::vec::Vec;

use lapwing_proto::tracer::v1::{self as proto, RefusalReason};

#[cfg(doc)]
use super::TracerEnd;
use crate::ids::{Pid, PidNs};
use crate::record::Cgroup;

/// Who a tracer is.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Lapwing's version.
    pub release: String,
    /// The pid namespace in which it numbers processes.
    pub namespace: PidNs,
    /// Its pid there.
    pub pid: Pid,
    /// Where it runs.
    pub container: Cgroup,
    /// It starts a command; otherwise it attached to processes.
    pub starts_command: bool,
    /// Random, and the same for its whole life.
    pub session: [u8; 16],
    /// What its user calls the workload, as `NAME` or `NAME:TAG`; empty if that was not said.
    pub workload: String,
}

/// What an agent said.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// It takes observations, and wants these if it says so. `resumed` tells that it knew the session.
    Welcome {
        /// What to capture.
        plan: Option<proto::Plan>,
        /// It is the agent that was there before.
        resumed: bool,
    },
    /// It does not, or not any more. It closes the connection.
    Refused {
        /// Why.
        reason: RefusalReason,
        /// Why, for people.
        text: String,
    },
    /// What to capture from now on.
    Plan(proto::Plan),
    /// What to leave out from now on.
    Filtering(proto::Filtering),
    /// It wants to know what is left out. To be answered by [`TracerEnd::list`].
    DiscardersWanted {
        /// Of the request.
        id: u64,
    },
    /// It wants to know what processes hold. To be answered by [`TracerEnd::tell_held`] of each, as soon as
    /// [`TracerEnd::has_room`], and at last by [`TracerEnd::told_held`].
    HoldingsWanted {
        /// Of the request.
        id: u64,
        /// The processes.
        pids: Vec<Pid>,
    },
}
