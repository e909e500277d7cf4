//! The agent's side of its sockets: peers, connections, and who is told of events.
//!
//! Nothing here waits, and everything is bounded: connections, unfinished messages, answers that are not read,
//! events that a client is too slow for. A peer that oversteps a bound is told and cut, and counted by reason; the
//! others notice nothing.

mod claims;
mod connection;
mod control;
mod cut;
mod enquiries;
mod holdings;
mod peer;
mod streams;
mod tally;
mod tracer;
mod tracers;

use connection::Connection;
pub(crate) use control::{Asked, ControlServer, Wish};
use cut::Cut;
pub(crate) use enquiries::Reply;
pub(crate) use holdings::News;
use peer::Peer;
pub(crate) use streams::Streams;
pub(crate) use tracers::{Sink, TracerServer};
