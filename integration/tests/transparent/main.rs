//! A command cannot tell that Lapwing watches it.
//!
//! Every test runs a command twice, as it is and under `lapwing run`, and compares what it wrote and how
//! it ended; the command is chosen for what a tracer is likely to break. That Lapwing did watch, and did
//! not let the command through unobserved, is checked each time by the events.
//!
//! Every backend is tried, and of ptrace both ways of tracing: with a seccomp filter, where few calls stop, and
//! without (`--on-tracer-death=continue`), where every call stops twice.

#![allow(unsafe_code, reason = "file descriptors and signals of commands are set between fork and exec")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod both;
mod inherited;
mod interrupted;
mod jobs;
mod nested;
mod privileges;
mod programs;
mod pty;
mod shell;
mod signals;
mod spawning;
mod statuses;
