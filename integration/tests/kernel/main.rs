//! What the kernel backend promises beyond the events themselves: nothing is lost without being counted, it
//! disturbs nobody, takes no more rights and memory than it says, and leaves nothing behind.

#![allow(unsafe_code, reason = "capabilities are dropped, and programs looked for, by raw calls")]
#![allow(clippy::print_stdout, reason = "numbers that a test found are shown with it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod agents;
mod blocked;
mod flood;
mod loss;
mod nested;
mod programs;
mod rights;
mod said;
mod scope;
