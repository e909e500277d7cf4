//! Activity dumps and security profiles as files hold them, wire-compatible with Datadog's.
//!
//! The messages are those of [`activity_dump.proto`][file]. Around them are the encodings: protobuf by prost, JSON
//! by serde with attributes that follow from the descriptors, so that neither has code per message. What is read may
//! come from anyone: see [`Limits`].
//!
//! [file]: https://github.com/DataDog/agent-payload

#![allow(missing_docs, clippy::doc_markdown, reason = "the comments of the .proto file are the documentation")]

mod decode;
pub(crate) mod json;
mod scan;

pub use decode::{DecodeError, Limits, decode_dump, decode_dump_json, decode_profile, decode_profile_json};
pub use json::{to_json, to_json_pretty};

include!(concat!(env!("OUT_DIR"), "/datadog.cws.dumpsv1.rs"));
