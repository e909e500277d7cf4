//! How Lapwing's processes talk to each other and what they leave in files: what bytes mean, without the stream.
//!
//! Tracers, agent and command line exchange prost messages over Unix sockets; [`dumps`] are files. This crate is
//! sans-io: it turns messages into bytes and bytes into messages, and leaves sockets, polling and
//! back-pressure to its caller, so that every way a stream can be cut is testable from plain slices.
//! Without the feature `std` it needs only an allocator.

#![no_std]
#![warn(missing_docs)]

extern crate alloc;

pub mod dumps;
pub mod frame;
pub mod parts;

/// Messages between tracer and agent.
pub mod tracer {
    /// Version 1 of them.
    pub mod v1 {
        #![allow(missing_docs, reason = "the comments of the .proto file are the documentation")]
        #![allow(clippy::large_enum_variant, reason = "generated; messages live for a moment only")]
        include!(concat!(env!("OUT_DIR"), "/lapwing.tracer.v1.rs"));
    }
}

/// Messages between an agent and the commands that ask something of it.
pub mod control {
    /// Version 1 of them.
    pub mod v1 {
        #![allow(missing_docs, reason = "the comments of the .proto file are the documentation")]
        include!(concat!(env!("OUT_DIR"), "/lapwing.control.v1.rs"));

        /// The version that stands in `Hello` and `Welcome`.
        pub const PROTOCOL: u32 = 1;
    }
}
