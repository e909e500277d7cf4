//! Why a connection ends before its peer ends it.

use lapwing_proto::control::v1::Reason;

/// A reason with what is told to the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cut {
    pub(crate) reason: Reason,
    pub(crate) message: String,
}

impl Cut {
    pub(crate) fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}
