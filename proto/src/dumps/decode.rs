//! Dumps and profiles from bytes that anyone may have written.

use alloc::string::{String, ToString as _};

use prost::Message;
use serde::de::DeserializeOwned;

use super::scan::{self, SEC_DUMP, SECURITY_PROFILE};
use super::{SecDump, SecurityProfile};

/// How deep messages may nest: what prost, and protobuf's C++ and Python libraries, read.
pub(super) const DEPTH: usize = 100;
/// The same for JSON, where a list of messages is a level of its own.
const JSON_DEPTH: usize = 2 * DEPTH + 1;

/// What reading may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory beside the input, estimated from above before anything is allocated.
    pub memory: usize,
}

impl Default for Limits {
    /// 512 MiB: some hundred times a dump of the usual greatest size.
    fn default() -> Self {
        Self { memory: 512 << 20 }
    }
}

/// Why bytes are no dump or profile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They end within a field.
    #[error("it ends within a field: the file is cut off or damaged")]
    Truncated,
    /// They are not protobuf.
    #[error("it is not protobuf: {0}")]
    Malformed(&'static str),
    /// Messages are nested deeper than is read.
    #[error("its messages are nested more than 100 deep")]
    TooDeep,
    /// It would take too much memory.
    #[error("reading it could take more than {} MiB of memory", limit >> 20)]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// A field is of another type than in the message.
    #[error("it is protobuf of another kind: {0}")]
    Protobuf(String),
    /// It is not JSON of the message.
    #[error("it is not the JSON of a dump: {0}")]
    Json(String),
}

/// A dump from protobuf.
///
/// # Errors
///
/// When the bytes are none, or pass a limit.
pub fn decode_dump(bytes: &[u8], limits: Limits) -> Result<SecDump, DecodeError> {
    protobuf(bytes, SEC_DUMP, limits)
}

/// A profile from protobuf.
///
/// # Errors
///
/// When the bytes are none, or pass a limit.
pub fn decode_profile(bytes: &[u8], limits: Limits) -> Result<SecurityProfile, DecodeError> {
    protobuf(bytes, SECURITY_PROFILE, limits)
}

/// A dump from JSON. Unknown keys are passed over, and what is missing has its default. The deepest nesting takes 2 MiB
/// of stack, and 3 MiB in a build without optimisation.
///
/// # Errors
///
/// When the bytes are none, or pass a limit.
pub fn decode_dump_json(bytes: &[u8], limits: Limits) -> Result<SecDump, DecodeError> {
    json(bytes, limits)
}

/// A profile from JSON, read as [`decode_dump_json`] reads.
///
/// # Errors
///
/// When the bytes are none, or pass a limit.
pub fn decode_profile_json(bytes: &[u8], limits: Limits) -> Result<SecurityProfile, DecodeError> {
    json(bytes, limits)
}

fn protobuf<M: Message + Default>(bytes: &[u8], root: usize, limits: Limits) -> Result<M, DecodeError> {
    scan::protobuf(bytes, root, DEPTH, limits.memory)?;
    M::decode(bytes).map_err(|error| DecodeError::Protobuf(error.to_string()))
}

fn json<M: DeserializeOwned>(bytes: &[u8], limits: Limits) -> Result<M, DecodeError> {
    scan::json(bytes, JSON_DEPTH, limits.memory)?;
    let mut parser = serde_json::Deserializer::from_slice(bytes);
    // The scan has bounded it, at what a dump may need.
    parser.disable_recursion_limit();
    let message = M::deserialize(&mut parser).and_then(|message| parser.end().map(|()| message));
    message.map_err(|error| DecodeError::Json(error.to_string()))
}
