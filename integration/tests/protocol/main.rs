//! `lapwing trace` against an agent that does as it is told, and against a real one: what is streamed, and what becomes
//! of it when the agent is absent, slow, rude, or killed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod beginning;
mod collector;
mod containers;
mod failing;
mod service;
mod streaming;
