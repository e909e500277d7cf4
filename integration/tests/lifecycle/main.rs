//! The tracer comes and goes: what becomes of those it traces.
//!
//! Lapwing is killed, told to end, attached to what runs already, and sent the signals that were meant
//! for its command.

#![allow(unsafe_code, reason = "signals are sent to Lapwing by number")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod attach;
mod death;
mod descendants;
mod forwarding;
mod worker;
