//! Observations as they travel from a tracer to an agent.
//!
//! A backend's observations go over the wire before they are decoded, so that the agent makes events of them by the
//! same code as of its own. A row of the catalogue travels as its number on an interface. What comes in is checked
//! field by field: a peer may be hostile, and nothing after this module expects a value that no backend makes.

mod decode;
mod encode;
mod holdings;
mod row;

use lapwing_proto::tracer::v1 as proto;
use thiserror::Error;

pub use decode::Reader;
pub use encode::encode;
pub use holdings::parts as holdings_parts;
pub use row::fingerprint;

/// The longest observation that is sent or accepted, in bytes: half a frame. A program with as many arguments and
/// variables as are ever kept is shorter.
pub const LONGEST: usize = lapwing_proto::frame::MAX_LEN / 2;

/// Why a message is no observation.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Malformed {
    /// It is longer than any that is sent.
    #[error("an observation of {0} bytes, over the limit of {LONGEST}")]
    TooLong(usize),
    /// It is no message.
    #[error("an observation that is no message: {0}")]
    NoMessage(prost::DecodeError),
    /// Something that an observation has is absent, or of a kind that is not known.
    #[error("an observation without {0}")]
    Absent(&'static str),
    /// A value that the kernel does not have.
    #[error("an observation whose {0} cannot be")]
    Impossible(&'static str),
    /// A call that the catalogue does not have.
    #[error("call {number} of interface {interface} is not in the catalogue")]
    UnknownCall {
        /// The interface that has the number, as on the wire.
        interface: i32,
        /// The number.
        number: u32,
    },
}

#[cfg(test)]
pub(crate) mod tests;
