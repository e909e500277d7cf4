//! Discarders and approvers with the real tracer: what is said while a program runs, and what ends it.
//!
//! These are about one backend's library, not about the binary: nothing of the command line uses filters by
//! itself. No test depends on timing: a call is ordered, and has been seen when it is answered.

#![allow(clippy::unwrap_used, reason = "a helper's failure is the test's")]

mod approving;
mod discarding;
mod ending;
mod mounts;
mod workload;
