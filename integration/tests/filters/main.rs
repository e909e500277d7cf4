//! Discarders and approvers with both real backends: what is said while a program runs, and what ends it.
//!
//! These are about the backends' libraries, not about the binary: nothing of the command line uses filters by
//! itself. No test depends on timing: a call is ordered, and has been seen when it is answered.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a helper's failure is the test's")]

mod approving;
mod discarding;
mod ending;
mod maps;
mod mounts;
mod rights;
mod watching;
mod workload;
