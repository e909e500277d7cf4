//! A tracer's session with an agent, both ends of it, without sockets and clocks.
//!
//! Bytes go in, and bytes and what they mean come out, so that every cut of the stream and every order of events can
//! be tried. The two ends are [`TracerEnd`] and [`AgentEnd`]; what they say is in `lapwing_proto::tracer::v1`.
//!
//! Observations are numbered as they are made. The tracer keeps each until it is acknowledged or has to make room;
//! what had to make room is counted by type. It keeps the processes, too, as they were *before* the oldest
//! observation that it has: with that snapshot and what follows, a new agent knows what the last one knew.

mod agent;
mod backoff;
mod filters;
mod heard;
mod listing;
mod losses;
mod model;
mod queue;
mod resumable;
mod said;
mod tracer;

use alloc::vec::Vec;

use lapwing_proto::frame;
use lapwing_proto::parts::NoFields;
use lapwing_proto::tracer::v1::RefusalReason;
use thiserror::Error;

pub use agent::AgentEnd;
pub use backoff::Backoff;
pub use filters::{
    Step, UnknownStep, add_paths, add_policies, apply, conclusion_message, plan_message, read_paths, read_plan,
    read_policies, read_reserve,
};
pub use heard::{Heard, Identity};
pub use listing::{Answer, Left, parts};
pub use losses::{Account, Loss, Place};
pub use resumable::Resumable;
pub use said::{Greeting, Said, Terms};
pub use tracer::TracerEnd;

use crate::wire::Malformed;

/// The version of the protocol that this release speaks.
pub const PROTOCOL: u32 = 2;
/// The oldest version that it still speaks.
pub const OLDEST_PROTOCOL: u32 = 1;

/// The first version in which tracers tell what processes hold.
const TELLS_HOLDINGS: u32 = 2;

/// The longest message that is neither a batch nor a part of a snapshot.
const LONGEST_OTHER: usize = 64 * 1024;
/// How much is put into the outgoing buffer before some of it has been sent.
const OUTGOING: usize = 64 * 1024;

/// What a peer did that ends the session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Violation {
    /// What it sent is no frame.
    #[error(transparent)]
    Frame(#[from] frame::DecodeError),
    /// A message is too long for its kind.
    #[error("a message of {0} bytes, over the limit of {LONGEST_OTHER} for its kind")]
    TooLong(usize),
    /// A message is none.
    #[error("a message that cannot be read: {0}")]
    NoMessage(prost::DecodeError),
    /// A batch is none.
    #[error("a batch that cannot be read")]
    NoBatch(#[from] NoFields),
    /// An observation is none.
    #[error(transparent)]
    Observation(#[from] Malformed),
    /// A message came when it must not.
    #[error("{0}")]
    OutOfTurn(&'static str),
    /// A field has a value that it must not have.
    #[error("{0}")]
    Field(&'static str),
    /// Both speak the protocol, in versions that have nothing in common.
    #[error(
        "the peer speaks versions {oldest} to {newest} of the protocol, this release speaks {OLDEST_PROTOCOL} to {PROTOCOL}"
    )]
    Version {
        /// The peer's oldest.
        oldest: u32,
        /// The peer's newest.
        newest: u32,
    },
}

impl Violation {
    /// What the peer is to be told.
    #[must_use]
    pub fn reason(&self) -> RefusalReason {
        match self {
            Self::Version { .. } => RefusalReason::Version,
            _ => RefusalReason::Protocol,
        }
    }
}

/// Appends a message. One that is too long for a frame is not sent: only observations can be, and they are measured
/// before.
fn append(out: &mut Vec<u8>, message: &impl prost::Message) {
    let encoded = frame::encode(message, out);
    debug_assert!(encoded.is_ok(), "{encoded:?}");
}

#[cfg(test)]
mod tests;
