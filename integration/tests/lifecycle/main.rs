//! The tracer comes and goes: what becomes of those it traces.
//!
//! Lapwing is killed, told to end, attached to what runs already, and sent the signals that were meant
//! for its command.

#![allow(unsafe_code, reason = "signals are sent to Lapwing by number")]

mod attach;
mod death;
mod descendants;
mod forwarding;
#[path = "../transparent/run.rs"]
mod run;
mod worker;
